"""Throw mutated inputs with fixed seeds at every reader and the command line; count what is not refused properly.

    python Testing/Benchmark/FuzzBenchmark.py [--scale 1.0] [--only READER]

Right answers are a result or a ValueError of one sentence (command line: exit status 0 or 2, no traceback, and no
output of a refused input). Wrong ones are any other exception, a crash of the interpreter, or more than 20 seconds.
Each batch runs in a process of its own, so that a crash in a library is counted and not suffered.
"""

import argparse
import contextlib
import io
import multiprocessing
import os
import random
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python"), str(ROOT / "Testing" / "Benchmark")]

import SimpleITK as sitk  # noqa: E402
from FuzzInputs import STRANGE, makeSources, mutatedBytes, mutatedFile  # noqa: E402
from MedFusionLib.__main__ import main as medfusion  # noqa: E402
from MedFusionLib.CommandLine.Evaluate import readTargets  # noqa: E402
from MedFusionLib.Core.Dicom.Inspection import inspectPath  # noqa: E402
from MedFusionLib.Core.Dicom.Series import readSeries  # noqa: E402
from MedFusionLib.Core.Inputs.LandmarkFile import readLandmarkFile  # noqa: E402
from MedFusionLib.Core.Inputs.PixelLandmarks import readPixelLandmarks  # noqa: E402
from MedFusionLib.Core.Inputs.SegmentationFiles import readSegmentation  # noqa: E402
from MedFusionLib.Core.Inputs.TransformFiles import readTransform  # noqa: E402
from MedFusionLib.Core.Inputs.VolumeFiles import readAnyOrientation, readVolume  # noqa: E402
from MedFusionLib.Core.Results.RunFolder import readRunFolder  # noqa: E402
from MedFusionLib.Core.Tumor.MrSequence import MrSequence  # noqa: E402
from MedFusionLib.Core.Tumor.TumorModels import ModelSettings, segmentWithModel  # noqa: E402
from MedFusionLib.Scene.LandmarkRegistrationLogic import landmarkList  # noqa: E402
from MedFusionLib.Scene.NodeFiles import loadMarkups, loadSegmentation  # noqa: E402
from MedFusionLib.Scene.Session import Session  # noqa: E402

SECONDS = 20
BATCH = 250


class Hang(BaseException):
    """Raised by the alarm; not an Exception, so that no reader swallows it."""


def refusesProperly(call: Callable[[], object]) -> str:
    """Return "accepted", "refused" or what went wrong."""
    try:
        call()
    except ValueError as error:
        text = str(error)
        return "refused" if text.strip() and "\n" not in text.strip() else f"no sentence: {text[:80]!r}"
    except Hang:
        return "hang"
    except Exception as error:  # what is hunted here
        return f"{type(error).__name__}: {str(error)[:100]!r}"
    return "accepted"


class Readers:
    """The readers under test, each given a seeded random source."""

    def __init__(self, sources: Path, work: Path) -> None:
        self.sources, self.work = sources, work

    def _file(self, name: str, r: random.Random) -> Path:
        return mutatedFile(self.sources / name, self.work / name, r)

    def landmarks(self, r: random.Random) -> str:
        path = self._file("ct_landmarks.mrk.json", r)
        with Session() as session:
            return refusesProperly(lambda: landmarkList(loadMarkups(session.scene, path), None))

    def tables(self, r: random.Random) -> str:
        path = self._file(r.choice(("ct.csv", "ct.tsv", "ct.fcsv", "wide.csv")), r)
        return refusesProperly(lambda: readLandmarkFile(path))

    def pixels(self, r: random.Random) -> str:
        path = self._file("pixels.csv", r)
        return refusesProperly(lambda: readPixelLandmarks(path))

    def registration(self, r: random.Random) -> str:
        path = self._file(r.choice(("registration.dcm", "small.xfm")), r)
        return refusesProperly(lambda: readTransform(path))

    def contours(self, r: random.Random) -> str:
        path = self._file("contours.dcm", r)
        return refusesProperly(lambda: readSegmentation(path))

    def models(self, r: random.Random) -> str:
        for name in ("model.onnx", "model.json"):
            shutil.copyfile(self.sources / name, self.work / name)
        self._file(r.choice(("model.onnx", "model.json", "model.json")), r)
        image = sitk.ReadImage(str(self.sources / "small.nrrd"))
        settings = ModelSettings(str(self.work / "model.onnx"))
        outcome = refusesProperly(lambda: segmentWithModel([image], settings, (MrSequence.t1c,)))
        # A step that fails says so in one sentence, too: the network itself is what cannot be run.
        return "refused" if outcome.startswith("RuntimeError") and len(outcome) > 30 else outcome

    def headers(self, r: random.Random) -> str:
        path = self._file(r.choice(("small.nii", "small.mha", "small.nrrd")), r)
        return refusesProperly(lambda: readAnyOrientation(path))

    def targets(self, r: random.Random) -> str:
        path = self._file("targets.json", r)
        return refusesProperly(lambda: readTargets(path))

    def measurements(self, r: random.Random) -> str:
        folder = self.work / "run"
        folder.mkdir(exist_ok=True)
        for name in ("mri_registered.nrrd", "tumor.seg.nrrd", "measurements.json"):
            shutil.copyfile(self.sources / "run" / name, folder / name)
        name = r.choices(("measurements.json", "tumor.seg.nrrd"), (4, 1))[0]
        mutatedFile(self.sources / "run" / name, folder / name, r)

        def use() -> None:
            run = readRunFolder(folder)
            _ = run.identity, run.studyDate

        return refusesProperly(use)

    def dicom(self, r: random.Random) -> str:
        folder = self.work / "series"
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.sources / "series", folder)
        for file in r.sample(sorted(folder.iterdir()), r.randint(1, 3)):
            mutatedFile(file, file, r)
        reader = r.choice((readSeries, inspectPath))
        return refusesProperly(lambda: reader(folder))

    def volume(self, r: random.Random) -> str:
        path = self._file(r.choice(("small.nrrd", "small.mha", "small.nii")), r)
        return refusesProperly(lambda: readVolume(path))

    def transform(self, r: random.Random) -> str:
        path = self._file(r.choice(("small.tfm", "small.h5")), r)
        return refusesProperly(lambda: readTransform(path))

    def segmentation(self, r: random.Random) -> str:
        path = self._file("small.seg.nrrd", r)
        with Session() as session:
            return refusesProperly(lambda: loadSegmentation(session.scene, path))

    def commandLine(self, r: random.Random) -> str:
        arguments, output = self._arguments(r)
        stream = io.StringIO()
        with contextlib.redirect_stdout(stream), contextlib.redirect_stderr(stream):
            try:
                status = medfusion(arguments)
            except SystemExit as exit:
                status = exit.code
            except Hang:
                return f"hang: {arguments}"
            except BaseException as error:  # what is hunted here
                return f"{type(error).__name__}: {str(error)[:80]!r} from {arguments}"
        text = stream.getvalue()
        left = output.exists()
        for path in (output, *self.work.glob(".*")):
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        if "Traceback" in text:
            return f"traceback from {arguments}"
        if status not in (0, 2):
            return f"status {status}: {text.strip().splitlines()[-1][:120]}"
        if status == 2 and left:
            return f"output of a refused input: {arguments}"
        return "accepted" if status == 0 else "refused"

    def _arguments(self, r: random.Random) -> tuple[list[str], Path]:
        output = self.work / "out"
        ct, mri = str(self.sources / "ct.nrrd"), str(self.sources / "mri.nrrd")
        landmarks = [str(self.sources / f"{name}_landmarks.mrk.json") for name in ("ct", "mri")]
        series, run = str(self.sources / "series"), str(self.sources / "run")
        transform, targets = str(self.sources / "small.h5"), str(self.sources / "targets.json")
        pictures = [str(self.sources / f"{name}.png") for name in ("ct", "mri")]
        pixels = str(self.sources / "pixels.csv")
        pixelPair = ["--ct-landmarks", pixels, "--mri-landmarks", pixels.replace("pixels", "places")]
        pair = ["--ct-landmarks", landmarks[0], "--mri-landmarks", landmarks[1]]
        arguments = r.choice(
            [
                ["run", ct, mri, *pair, "--tumor-seed", "1,2,3", "--output", str(output)],
                ["register", ct, mri, *pair, "--model", "rigid", "--output", str(output)],
                ["fuse", ct, mri, "--output", f"{output}.nrrd"],
                ["segment", mri, "--tumor-seed=10,-20,30", "--output", f"{output}.seg.nrrd"],
                ["evaluate", "registration", transform, targets],
                ["measure", str(self.sources / "small.seg.nrrd"), "--output", str(output)],
                ["register", *pictures, *pixelPair, "--pixel", "0.5", "--output", str(output)],
                ["segment", pictures[1], "--line=15,15,30,20", "--output", f"{output}.nrrd"],
                ["inspect", series],
                ["inspect", ct],
                ["compare", run, run, "--output", str(output)],
            ]
        )
        if arguments[-1].startswith(str(output)):
            output = Path(arguments[-1])
        replacements = [text for text in STRANGE if "\x00" not in text]
        replacements += [
            series,
            landmarks[0],
            targets,
            str(self.work),
            "/nowhere",
            "--force",
            "--lps",
            "1,2",
            "1,2,nan",
        ]
        for _ in range(r.choice((1, 1, 2, 3))):
            at = r.randrange(1, len(arguments)) if len(arguments) > 1 and r.random() < 0.9 else 0
            if not arguments:
                break
            if arguments[at].startswith(str(self.work)):
                continue  # the output stays in the working folder
            match r.randrange(3):
                case 0:
                    arguments[at] = r.choice(replacements)
                case 1:
                    changed = mutatedBytes(arguments[at].encode(), r).decode("utf-8", "replace")
                    arguments[at] = changed.replace("\x00", "")
                case _:
                    del arguments[at]
        return arguments, output


PLAN = {
    "landmarks": 5000,
    "targets": 4000,
    "measurements": 3000,
    "dicom": 4000,
    "volume": 1500,
    "transform": 1500,
    "segmentation": 1000,
    "tables": 800,
    "pixels": 200,
    "registration": 500,
    "contours": 500,
    "headers": 500,
    "models": 300,
    "commandLine": 1500,
}


def runBatch(name: str, seeds: range, sources: Path, connection) -> None:
    """Try some seeds and send what came of each, so that the parent knows where a crash happened."""

    def alarm(_signal: int, _frame: object) -> None:
        raise Hang

    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # libraries write on the console by themselves
    signal.signal(signal.SIGALRM, alarm)
    with tempfile.TemporaryDirectory() as work:
        readers = Readers(sources, Path(work))
        for seed in seeds:
            signal.alarm(SECONDS)
            try:
                outcome = getattr(readers, name)(random.Random(f"{name} {seed}"))
            except Hang:
                outcome = "hang"
            signal.alarm(0)
            connection.send((seed, outcome))
    connection.close()


def campaign(name: str, numbers: range, sources: Path) -> tuple[Counter, list[str]]:
    """Return how often each kind of outcome came up, and the failures with their seeds."""
    counter: Counter = Counter()
    failures: list[str] = []
    done = numbers.start
    while done < numbers.stop:
        receiver, sender = multiprocessing.Pipe(duplex=False)
        seeds = range(done, min(done + BATCH, numbers.stop))
        process = multiprocessing.Process(target=runBatch, args=(name, seeds, sources, sender))
        process.start()
        sender.close()
        with contextlib.suppress(EOFError):
            while True:
                seed, outcome = receiver.recv()
                done = seed + 1
                kind = outcome if outcome in ("accepted", "refused") else "wrong"
                counter[kind] += 1
                if kind == "wrong":
                    failures.append(f"{name} seed {seed}: {outcome}")
        process.join()
        if process.exitcode != 0:
            counter["wrong"] += 1
            failures.append(f"{name} seed {done}: the interpreter ended with {process.exitcode}")
            done += 1
    return counter, failures


def main() -> None:
    """Run the campaign and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full count")
    parser.add_argument("--only", choices=list(PLAN))
    parser.add_argument("--first", type=int, default=0, help="leave out so many of each kind, to go on where one ended")
    parser.add_argument("--count", type=int, help="try only so many of each kind")
    arguments = parser.parse_args()
    plan = {k: max(int(v * arguments.scale), 1) for k, v in PLAN.items() if arguments.only in (None, k)}
    allFailures: list[str] = []
    print("| input | mutated | accepted | refused in a sentence | wrong | seconds |")
    print("|---|---:|---:|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        sources = Path(folder)
        makeSources(sources)
        for name, count in plan.items():
            start = time.monotonic()
            numbers = range(arguments.first, min(arguments.first + (arguments.count or count), count))
            counter, failures = campaign(name, numbers, sources)
            allFailures += failures
            seconds = time.monotonic() - start
            counts = " | ".join(str(counter[kind]) for kind in ("accepted", "refused", "wrong"))
            print(f"| {name} | {len(numbers)} | {counts} | {seconds:.0f} |", flush=True)
    for failure in allFailures[:60]:
        print(failure)
    sys.exit(1 if allFailures else 0)


if __name__ == "__main__":
    main()
