"""A cohort of phantoms, four with faults: what is right and named, killed and resumed, and what the engine costs.

python Testing/Benchmark/CohortBenchmark.py [--subjects N] [--kills N] [--tasks N] [--page N] [--folder FOLDER]
       [--only runs|kills|scheduler|page ...]

Processor time is measured, which other work on the machine does not change; how well two workers share the work is the
mean number of subjects at work until the last is done. With --folder the parts can be run one after the other.
"""

import argparse
import contextlib
import csv
import hashlib
import os
import random
import re
import resource
import shutil
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
PARTS = ("scheduler", "runs", "page", "kills")
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
_TIMED = """addEventListener("load", () => {
  const opened = performance.now(), button = document.querySelectorAll("thead button")[2];
  button.click(); document.body.offsetHeight;
  document.title = "opened " + Math.round(opened) + " sorted " + Math.round(performance.now() - opened); });"""
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


def processorTime() -> float:
    """Return the processor seconds of all processes that this one has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measureRuns(folder: Path, count: int) -> None:
    """Run every row by itself, then the cohort with one worker and with two."""
    table = makeTable(folder, count)
    before = processorTime()
    alone(table, folder / "alone")
    byThemselves = processorTime() - before
    print(f"the runs by themselves: {byThemselves:.0f} CPU s")
    for workers in (1, 2):
        output = folder / f"run-{workers}" / OUT
        before = processorTime()
        status, begun, atWork = watched(start(table, output, workers), output)
        cost = processorTime() - before
        failures = (output / "failures.tsv").read_text(encoding="utf-8").count("\n") - 1
        done = len(list(output.glob("sub-*/measurements.json")))
        print(f"{workers} workers: exit {status}, {done} of {count - FAULTS} right, {failures} of {FAULTS} named; "
              f"{cost:.0f} CPU s, {100 * (cost / byThemselves - 1):.1f} % more than the runs by themselves; first "
              f"subject after {begun:.1f} s; {atWork:.2f} subjects at work at once")  # fmt: skip


def alone(table: Path, output: Path) -> None:
    """Run every row of a table by itself, as the cohort does."""
    with table.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.reader(stream, delimiter="\t"))[1:]
    for name, ct, mri, fixed, moving, seed in rows:
        options = ["--ct-landmarks", table.parent / fixed, "--mri-landmarks", table.parent / moving]
        command = ["run", table.parent / ct, table.parent / mri, *options, f"--tumor-seed={seed}"]
        command = [sys.executable, "-m", "MedFusionLib", *map(str, command), "--output", str(output / name)]
        limits = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1")
        output.mkdir(exist_ok=True)
        subprocess.run(command, env=os.environ | limits, capture_output=True)


def watched(process: subprocess.Popen, output: Path) -> tuple[int, float, float]:
    """Wait for a cohort; return its status, seconds to the first subject, and how many were at work on average."""
    import psutil

    begin, first, counts = time.monotonic(), None, []
    while process.poll() is None:
        if first is None and any((output / "logs").glob("*.log")):
            first = time.monotonic()
        if first is not None:
            with contextlib.suppress(psutil.Error):
                counts.append(len(psutil.Process(process.pid).children()))
        time.sleep(0.02 if first is None else 0.1)
    while counts and not counts[-1]:  # the tables and the page are written after the last
        counts.pop()
    return process.wait(), (first or time.monotonic()) - begin, sum(counts) / max(len(counts), 1)


def measureKills(folder: Path, kills: int) -> None:
    """Kill a cohort at random moments, let it end, and compare with the one that went through."""
    whole = contents(folder / "run-2" / OUT)
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
    page = output / "index.html"
    text, size = page.read_text(encoding="utf-8"), page.stat().st_size / 1e6
    print(f"page of {count}: {size:.2f} MB, made in {time.monotonic() - begin:.1f} s, opens in {opening(text, page)}")


def opening(text: str, page: Path) -> str:
    """Return how long a page takes in headless Chromium until everything that it shows at first is there."""
    if BROWSER is None:
        return "? (Chromium is not installed)"
    timed = page.with_name("timed.html")
    timed.write_text(text.replace("</body>", f"<script>{_TIMED}</script></body>"), encoding="utf-8")
    with tempfile.TemporaryDirectory() as profile:
        flags = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={profile}", "--timeout=20000"]
        printed = subprocess.run([BROWSER, *flags, "--dump-dom", timed.as_uri()], capture_output=True, text=True).stdout
    found = re.search(r"<title>opened (\d+) sorted (\d+)</title>", printed)
    return f"{int(found[1]) / 1000:.1f} s, is sorted anew in {int(found[2]) / 1000:.2f} s" if found else "?"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--subjects", type=int, default=24)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--page", type=int, default=500)
    parser.add_argument("--folder", type=Path, help="keep what is made here")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = arguments.folder or Path(name)
        folder.mkdir(parents=True, exist_ok=True)
        if "scheduler" in arguments.only:
            measureScheduler(arguments.tasks)
        if "runs" in arguments.only:
            measureRuns(folder, arguments.subjects)
        if "page" in arguments.only:
            measurePage(folder, arguments.page)
        if "kills" in arguments.only:
            measureKills(folder, arguments.kills)


if __name__ == "__main__":
    main()
