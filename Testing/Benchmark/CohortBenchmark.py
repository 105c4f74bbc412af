"""A cohort of phantoms, four with faults: what is right and named, killed and resumed, and what the engine costs.

python Testing/Benchmark/CohortBenchmark.py [--subjects N] [--kills N] [--tasks N] [--page N]
"""

import argparse
import csv
import hashlib
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from MedFusionLib.Cohort.Cohort import Cohort, writeGroupResults
from MedFusionLib.Cohort.Engine import Place, openPool, runAll
from MedFusionLib.Cohort.SubjectRun import Ending, Outcome, Task
from MedFusionLib.Cohort.Subjects import Subject
from MedFusionLib.CommandLine.Demo import writePhantom
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Phantom import makePhantom

COLUMNS = ("participant_id", "ct", "mri", "ct_landmarks", "mri_landmarks", "tumor_seed")
FAULTS = 4
OUT = "out"  # of one name everywhere, for the page shows it
# What says when a run was made, not what it found.
_DATED = ("measurements.json", "report.html", "scene.mrb")


def makeTable(folder: Path, count: int) -> Path:
    """Write phantoms of different seeds and their table; the last four have a fault each."""
    rows = []
    for number in range(1, count + 1):
        phantom = makePhantom(seed=number, spacingFactor=2.5)
        paths = writePhantom(phantom, folder / f"input-{number}")
        files = [str(Path(paths[role]).relative_to(folder)) for role in COLUMNS[1:5]]
        seed = ",".join(f"{value:.2f}" for value in flipPoints(phantom.targets[-1]))
        rows.append([f"sub-{number:03d}", *files, seed])
    rows[-1][2] = "nothing.nrrd"
    rows[-2][2] = rows[-2][1]
    volume = folder / rows[-3][1]
    volume.write_bytes(volume.read_bytes()[: volume.stat().st_size // 3])
    (folder / rows[-4][3]).write_text('{"markups": []}', encoding="utf-8")
    table = folder / "table.tsv"
    with table.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream, delimiter="\t").writerows([COLUMNS, *rows])
    return table


def start(table: Path, output: Path, workers: int) -> subprocess.Popen:
    """Start a cohort in a process of its own."""
    command = [sys.executable, "-m", "MedFusionLib", "cohort", str(table), str(output), "--workers", str(workers)]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def contents(output: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a cohort but the dated ones and the logs."""
    return {
        str(path.relative_to(output)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(output.rglob("*"))
        if path.is_file() and "logs" not in path.parts and (path.name not in _DATED or path.parent == output)
    }


def quick(task: Task) -> Outcome:
    """Work for 10 ms."""
    time.sleep(0.01)
    return Outcome(task.name, Ending.done)


def measureRuns(folder: Path, count: int) -> dict[str, str]:
    """Run the cohort with one worker and with two, and return the files of the second."""
    table = makeTable(folder, count)
    seconds = {}
    for workers in (1, 2):
        begin = time.monotonic()
        status = start(table, folder / f"run-{workers}" / OUT, workers).wait()
        seconds[workers] = time.monotonic() - begin
        failures = (folder / f"run-{workers}" / OUT / "failures.tsv").read_text(encoding="utf-8").count("\n") - 1
        done = len(list((folder / f"run-{workers}" / OUT).glob("sub-*/measurements.json")))
        print(f"{workers} workers: exit {status}, {done} of {count - FAULTS} right, {failures} of {FAULTS} named, "
              f"{seconds[workers]:.0f} s")  # fmt: skip
    print(f"two workers are {seconds[1] / seconds[2]:.2f} times as fast as one")
    return contents(folder / "run-2" / OUT)


def measureKills(folder: Path, whole: dict[str, str], kills: int) -> None:
    """Kill a cohort at random moments, let it end, and compare with the one that went through."""
    moments = random.Random(0)
    output = folder / "killed" / OUT
    for _ in range(kills):
        process = start(folder / "table.tsv", output, 2)
        time.sleep(moments.uniform(1.0, 12.0))
        process.kill()
        process.wait()
    start(folder / "table.tsv", output, 2).wait()
    resumed = contents(output)
    same = sum(resumed.get(name) == digest for name, digest in whole.items())
    extra = set(resumed) - set(whole)
    print(f"killed {kills} times and resumed: {same} of {len(whole)} files equal, {len(extra)} others")


def measureScheduler(count: int) -> None:
    """Hand out many short tasks, and tell the driver's memory and whether later ones are slower."""
    tasks = (Task(f"sub-{n}", (), {}, {}, Path(), Path(), 10, 1.0) for n in range(count))
    with openPool(Place(workers=2), run=quick) as pool:
        begin = time.monotonic()
        ends = [time.monotonic() - begin for _ in runAll(tasks, pool)]
    half = len(ends) // 2
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count} tasks of 10 ms: first half {ends[half - 1]:.1f} s, second {ends[-1] - ends[half - 1]:.1f} s, "
          f"peak {peak:.0f} MB")  # fmt: skip


def measurePage(folder: Path, count: int) -> None:
    """Write the page over many subjects, each of them a link to the first run."""
    output = folder / "page" / OUT
    output.mkdir(parents=True)
    run = folder / "run-2" / OUT / "sub-001"
    for number in range(count):
        (output / f"sub-{number:04d}").symlink_to(run)
    subjects = tuple(Subject(f"{number:04d}", "", (), ()) for number in range(count))
    begin = time.monotonic()
    writeGroupResults(Cohort(output, subjects, ()), [])
    size = (output / "index.html").stat().st_size / 1e6
    print(f"page of {count}: {size:.2f} MB, made in {time.monotonic() - begin:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=24)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--page", type=int, default=500)
    arguments = parser.parse_args()
    measureScheduler(arguments.tasks)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        whole = measureRuns(folder, arguments.subjects)
        measurePage(folder, arguments.page)
        measureKills(folder, whole, arguments.kills)


if __name__ == "__main__":
    main()
