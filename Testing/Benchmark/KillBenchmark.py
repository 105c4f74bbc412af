"""Kill runs at chosen moments, also in the middle of --force; say what was there afterwards and after the next run.

    python Testing/Benchmark/KillBenchmark.py [--kills 60]

A third of the runs writes a new folder and is killed at any moment; a third replaces a result by --force and is killed
at any moment; a third is killed right before or after one of the calls that move and remove folders at the end.
"""

import argparse
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python"), str(ROOT / "Testing" / "Benchmark")]

from MedFusionLib.Core.Results.FileNames import RUN_FILES  # noqa: E402
from RobustnessBenchmark import Bench, row  # noqa: E402

# Ends the process before or after the so manieth of the calls by which results take their place.
_KILLER = """
import os, pathlib, shutil, signal, sys
place, number, isAfter = sys.argv.pop(1), int(sys.argv.pop(1)), sys.argv.pop(1) == "after"
count = 0
def killing(call):
    def wrapped(*arguments, **options):
        global count
        count += place in str(arguments)
        if count == number and place in str(arguments) and not isAfter:
            os.kill(os.getpid(), signal.SIGKILL)
        value = call(*arguments, **options)
        if count == number and place in str(arguments):
            os.kill(os.getpid(), signal.SIGKILL)
        return value
    return wrapped
pathlib.Path.rename = killing(pathlib.Path.rename)
shutil.rmtree = killing(shutil.rmtree)
from MedFusionLib.__main__ import main
sys.exit(main(sys.argv[1:]))
"""


def start(command: list[str]) -> subprocess.Popen:
    """Start a command line that nobody listens to."""
    return subprocess.Popen(
        command, cwd=ROOT / "MedFusion", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
    )


def stateOf(output: Path, before: bytes | None) -> str:
    """Return old, new, absent or broken.

    :param before: the old result's measurements; None for none.
    """
    if not output.exists():
        return "absent"
    if sorted(path.name for path in output.iterdir()) != sorted(RUN_FILES):
        return "broken"
    return "old" if (output / "measurements.json").read_bytes() == before else "new"


def hidden(folder: Path) -> list[str]:
    """Return what lies hidden in a folder."""
    return [path.name for path in folder.iterdir() if path.name.startswith(".")]


def killed(bench: Bench, output: Path, good: Path, kind: int, moment: float, call: int) -> str:
    """Kill one run and return what was there afterwards, with what is wrong in capitals.

    :param kind: 0 for a new folder, 1 for --force at any moment, 2 for --force at a call.
    :param moment: seconds after the start, for the first two kinds.
    """
    before = None
    if kind:
        shutil.copytree(good, output)
        before = (output / "measurements.json").read_bytes()
    command = [*bench.runCommand(output), *(["--force"] if kind else [])]
    if kind == 2:
        when = ["after", "before"][call % 2]
        command = [sys.executable, "-c", _KILLER, output.name, str(call // 2 + 1), when, *command[3:]]
    process = start(command)
    try:
        process.wait(None if kind == 2 else moment)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    state = stateOf(output, before)
    after = subprocess.run([*bench.runCommand(output), "--force"], cwd=ROOT / "MedFusion", capture_output=True)
    isHealed = after.returncode == 0 and stateOf(output, before) == "new" and not hidden(output.parent)
    if state == "absent" and kind:
        # Between the two renames the old result lies under a hidden name; the next run must put it back, as it did.
        state = "hidden until the next run"
    return state if isHealed else f"{state}, THEN {stateOf(output, before)} {hidden(output.parent)}"


def main() -> None:
    """Kill the runs and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=60)
    parser.add_argument("--first", type=int, default=0, help="number of the first kill")
    arguments = parser.parse_args()
    found: Counter[tuple[str, str]] = Counter()
    kinds = ("new folder", "--force at any moment", "--force at a move of folders")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bench = Bench(folder, spacingFactor=5.0)
        before = bench.checksums()
        good = folder / "good"
        begin = time.monotonic()
        start(bench.runCommand(good)).wait()
        duration = time.monotonic() - begin
        for number in range(arguments.first, arguments.first + arguments.kills):
            kind = number % 3
            place = folder / f"place{number}"
            place.mkdir()
            moment = random.Random(number).uniform(0.05, 1.3) * duration
            state = killed(bench, place / f"result{number}", good, kind, moment, number // 3 % 8)
            found[kinds[kind], state] += 1
            shutil.rmtree(place)
        isUnchanged = bench.checksums() == before
    row("killed", "what was there", "runs")
    row("---", "---", "---:")
    for (kind, state), count in sorted(found.items()):
        row(kind, state, count)
    row("inputs after the kills", "unchanged" if isUnchanged else "CHANGED", "")
    isWrong = not isUnchanged or any(word.isupper() for _, state in found for word in state.replace(",", "").split())
    sys.exit(1 if isWrong or any("broken" in state for _, state in found) else 0)


if __name__ == "__main__":
    main()
