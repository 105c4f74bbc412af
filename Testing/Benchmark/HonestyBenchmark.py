"""Ask whether a registration is right about its own error, on heads and conditions that nobody tuned it to.

    python Testing/Benchmark/HonestyBenchmark.py [--half dev] [--heads head-c] [--conditions "MR 5 mm"] [--modes auto]

Rows are heads x conditions x modes. DEV rows (head and condition both DEV) are for choosing, TEST rows, which are all
others, for reporting. Finished rows are kept in benchmark-output/honesty until the code of the registration changes, so
a run goes on where it was stopped, and several runs with --shard 1/2 and 2/2 share the work. Reads ../shared/data
beside the project. Where itk-elastix is installed it is the peer of every refined row; what it found is kept in
benchmark-output/honesty-elastix until the case or the start changes, for our code has no part in it.
"""

import argparse
import hashlib
import json
import os
import sys
import time
from functools import lru_cache
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python"), str(Path(__file__).parent)]

import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402
from HonestyConditions import CONDITIONS, Condition, Kind  # noqa: E402
from HonestyHeads import DEV_HEADS, HEADS  # noqa: E402
from HonestyTables import drawPicture, printTables  # noqa: E402
from MedFusionLib.Core.Images.Transforms import Pose, TransformModel, transformPoints  # noqa: E402
from MedFusionLib.Core.Landmarks.LandmarkEvidence import weighLandmarks  # noqa: E402
from MedFusionLib.Core.Landmarks.LandmarkPairing import pairLandmarks  # noqa: E402
from MedFusionLib.Core.Registration.Registration import RegistrationSettings, registerLandmarks  # noqa: E402
from RegistrationCases import HeadCase, itk, rms, runElastix  # noqa: E402

OUTPUT = ROOT / "benchmark-output" / "honesty"
PEER_OUTPUT = ROOT / "benchmark-output" / "honesty-elastix"
MODES = {
    "landmarks": RegistrationSettings(),
    "refine": RegistrationSettings(refine=True),
    "auto": RegistrationSettings(auto=True),
}


def codeVersion() -> str:
    """Return what changes with the code that registers, and with the benchmark's cases."""
    folder = ROOT / "MedFusion" / "MedFusionLib" / "Core"
    paths = [path for room in ("Images", "Landmarks", "Registration") for path in sorted((folder / room).glob("*.py"))]
    return _digest(*(path.read_bytes() for path in paths), caseVersion().encode())


@lru_cache
def caseVersion() -> str:
    """Return what changes with the benchmark's cases."""
    folder = Path(__file__).parent
    paths = [folder / name for name in ("RegistrationCases.py", "HonestyConditions.py", "HonestyHeads.py")]
    return _digest(*(path.read_bytes() for path in paths))


def _digest(*parts: bytes) -> str:
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def isDev(headName: str, condition: Condition) -> bool:
    """Return whether methods were chosen on a row."""
    return headName in DEV_HEADS and condition.isDev


def modesOf(condition: Condition) -> tuple[str, ...]:
    """Return the modes in which a condition makes a difference."""
    if condition.kind in (Kind.landmarks, Kind.mistake):
        return ("landmarks", "refine")
    return ("landmarks", "refine", "auto") if condition.kind is Kind.wrongImages else ("refine", "auto")


@lru_cache(maxsize=1)
def caseOf(name: str, condition: Condition) -> HeadCase:
    """Return a head under a condition; its modes follow each other and share it."""
    return condition.apply(name)


def measure(case: HeadCase, mode: str, conditionName: str) -> dict[str, object]:
    """Register a case and return what was said and what is true."""
    lists = (None, None) if mode == "auto" else (case.fixed, case.moving)
    begin = time.process_time()
    try:
        result = registerLandmarks(*lists, MODES[mode], case.fixedImage, case.movingImage)
    except (ValueError, RuntimeError) as error:
        return {"refused": str(error), "seconds": time.process_time() - begin}
    row = {"refused": None, "seconds": time.process_time() - begin, **result.verdict.measurements()}
    errors = np.linalg.norm(transformPoints(result.transform, case.fixedTargets) - case.movingTargets, axis=1)
    row |= {"error": rms(errors), "largest": float(errors.max()), "warnings": list(result.warnings)}
    row["refined"] = result.refined
    if result.knowsError:
        bounds = result.errorBound(case.fixedTargets)
        row |= {"expected": rms(result.expectedError(case.fixedTargets)), "bound": float(bounds.max())}
        row["covered"] = float(np.mean(errors <= bounds))
    if mode == "refine":
        row |= _comparisons(case, conditionName)
    return row


def _comparisons(case: HeadCase, conditionName: str) -> dict[str, object]:
    """Return the errors of the landmarks alone and of elastix from them."""
    try:
        start = weighLandmarks(pairLandmarks(case.fixed, case.moving), TransformModel.rigid).pose
    except ValueError:
        return {}
    return {"landmarksAlone": rms(case.errors(start)), **_peer(case, conditionName, start)}


def _peer(case: HeadCase, conditionName: str, start: Pose) -> dict[str, object]:
    """Return what elastix makes of a case from a start, as it was kept or found anew."""
    where = np.round(start.apply(case.fixedTargets), 2).tobytes()
    path = PEER_OUTPUT / f"{case.name}--{_fileName(conditionName)}--{_digest(where, caseVersion().encode())}.json"
    if path.exists():
        return json.loads(path.read_text())
    if not itk:
        return {}
    pose, seconds = runElastix(case, start)
    found = {"elastix": rms(case.errors(pose)), "elastixSeconds": seconds}
    PEER_OUTPUT.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(found))
    return found


def _fileName(conditionName: str) -> str:
    return conditionName.replace(" ", "-")


def rows(arguments: argparse.Namespace) -> list[tuple[str, Condition, str]]:
    """Return the rows that were asked for."""
    wanted = [
        (name, condition, mode)
        for name in HEADS
        for condition in CONDITIONS
        for mode in modesOf(condition)
        if name in arguments.heads and condition.name in arguments.conditions and mode in arguments.modes
    ]
    if arguments.half:
        wanted = [row for row in wanted if isDev(*row[:2]) == (arguments.half == "dev")]
    number, count = (int(part) for part in arguments.shard.split("/"))
    return wanted[len(wanted) * (number - 1) // count : len(wanted) * number // count]


def main() -> None:
    """Measure the rows that were asked for, and print tables over them."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    names = [condition.name for condition in CONDITIONS]
    parser.add_argument("--heads", nargs="+", choices=HEADS, default=HEADS, metavar="HEAD")
    parser.add_argument("--conditions", nargs="+", choices=names, default=names, metavar="CONDITION")
    parser.add_argument("--modes", nargs="+", choices=MODES, default=list(MODES))
    parser.add_argument("--half", choices=("dev", "test"), help="only the rows for choosing, or only those to report")
    parser.add_argument("--shard", default="1/1", metavar="N/COUNT", help="the Nth of COUNT parts of the rows")
    parser.add_argument("--cached", action="store_true", help="only print what was measured")
    arguments = parser.parse_args()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    OUTPUT.mkdir(parents=True, exist_ok=True)
    version, measured = codeVersion(), []
    for name, condition, mode in rows(arguments):
        path = OUTPUT / f"{name}--{_fileName(condition.name)}--{mode}.json"
        row = json.loads(path.read_text()) if path.exists() else None
        if row is None or (row["code"] != version and not arguments.cached):
            if arguments.cached:
                continue
            row = {"head": name, "condition": condition.name, "kind": condition.kind.value, "mode": mode}
            measurement = measure(caseOf(name, condition), mode, condition.name)
            row |= {"dev": isDev(name, condition), "code": version, **measurement}
            path.write_text(json.dumps(row, indent=1))
        measured.append(row)
        print(_line(row), file=sys.stderr, flush=True)
    printTables(measured)
    drawPicture(measured, OUTPUT / "ExpectedAgainstTrueError.svg")


def _line(row: dict[str, object]) -> str:
    title = f"{'DEV ' if row['dev'] else 'TEST'} {row['head']:14} {row['condition']:34} {row['mode']:9}"
    if row["refused"]:
        return f"{title} refused: {row['refused']}"
    figures = " ".join(
        f"{key} {row[key]:.2f}"
        for key in ("error", "largest", "expected", "bound", "covered", "landmarksAlone", "elastix", "seconds")
        if row.get(key) is not None
    )
    return f"{title} {row['verdict']}: {figures} {' '.join(row['reasons'])}"


if __name__ == "__main__":
    main()
