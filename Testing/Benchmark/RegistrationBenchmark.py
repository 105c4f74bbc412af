"""Measure registration against known truth, theory and itk-elastix, and print Markdown tables.

    python Testing/Benchmark/RegistrationBenchmark.py [--only PART] [--starts 20]

Reads ../shared/data beside the project. itk-elastix (pip install itk-elastix) is the peer; without it its columns stay
empty. Both run on one thread, from the same start, on the same pair, in the same run; times are CPU seconds.
"""

import argparse
import logging
import os
import sys
import time
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python")]

import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402
from MedFusionLib.Core.Images.Resampling import resampleImage  # noqa: E402
from MedFusionLib.Core.Images.Transforms import (  # noqa: E402
    Pose,
    TransformModel,
    transformPoints,
)
from MedFusionLib.Core.Landmarks.ErrorBounds import expectedLength, lengthBound  # noqa: E402
from MedFusionLib.Core.Landmarks.LandmarkFit import fitMatrix  # noqa: E402
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList  # noqa: E402
from MedFusionLib.Core.Registration.Refinement import refinePose  # noqa: E402
from MedFusionLib.Core.Registration.Registration import RegistrationSettings, registerLandmarks  # noqa: E402
from MedFusionLib.Core.Registration.RegistrationResult import RegistrationResult  # noqa: E402
from MedFusionTesting import sharedData  # noqa: E402
from RegistrationCases import TRUE_FLE, HeadCase, itk, perturbed, poseOf, printTable, rms, runElastix  # noqa: E402
from scipy.spatial.transform import Rotation  # noqa: E402


def runOwn(case: HeadCase, start: Pose) -> tuple[Pose, float]:
    """Return the refined pose from a start, and its CPU seconds without the estimate of its error."""
    begin = time.process_time()
    pose = refinePose(case.fixedImage, case.movingImage, start).pose
    return pose, time.process_time() - begin


def measureHeads(_: argparse.Namespace) -> None:
    """Register each head by landmarks and then by images."""
    landmarkRows, rows, totals = [], [], []
    for name in ("head-a", "head-b", "phantom"):
        case = HeadCase(name)
        result = registerLandmarks(case.fixed, case.moving)
        start = poseOf(result.transform)
        expected, measured = rms(result.expectedError(case.fixedTargets)), rms(case.errors(start))
        if name != "phantom":
            totals.append((expected, measured))
        low, high = _predictionInterval(result, case.fixedTargets)
        known = expected * TRUE_FLE[name] / result.fle
        landmarkRows.append(
            (
                name,
                f"{result.fre:.2f}",
                f"{result.fle:.2f}",
                f"{expected:.2f} ({low:.2f} to {high:.2f})",
                f"{measured:.2f}",
                f"{100 * (measured / expected - 1):+.0f} %",
                f"{TRUE_FLE[name]:.2f}",
                f"{100 * (measured / known - 1):+.0f} %",
            )
        )
        own, ownSeconds = runOwn(case, start)
        ownErrors = case.errors(own)
        cells = (name, f"{np.median(ownErrors):.2f} / {ownErrors.max():.2f}", f"{ownSeconds:.1f}")
        if itk:
            peer, peerSeconds = runElastix(case, start)
            peerErrors = case.errors(peer)
            cells += (
                f"{np.median(peerErrors):.2f} / {peerErrors.max():.2f}",
                f"{peerSeconds:.1f}",
                f"{ownSeconds / peerSeconds:.2f}",
            )
        rows.append(cells + (None,) * (6 - len(cells)))
    expected, measured = (rms(column) for column in np.transpose(totals))
    difference = f"{100 * (measured / expected - 1):+.0f} %"
    landmarkRows.append(("both heads", None, None, f"{expected:.2f}", f"{measured:.2f}", difference, None, None))
    header = (
        "case",
        "FRE",
        "FLE",
        "predicted RMS TRE (95 % of such sets)",
        "measured RMS TRE",
        "difference",
        "true FLE",
        "with it",
    )
    printTable("Landmarks alone, mm", header, landmarkRows)
    header = ("case", "median / max TRE", "CPU s", "elastix median / max", "elastix CPU s", "CPU ratio")
    printTable("Refined from the landmark result, mm", header, rows)


def _predictionInterval(result: RegistrationResult, targets: np.ndarray) -> tuple[float, float]:
    """Return between what 95 % of the RMS TREs lie that such landmarks give, were their FLE as uncertain as it is."""
    rng, points, runs = np.random.default_rng(6), result.fixedPoints, 4000
    fle = result.fle * np.sqrt(result.landmarks.errors.freedom / rng.chisquare(result.landmarks.errors.freedom, runs))
    moving = points + rng.normal(size=(runs, *points.shape)) * (fle / np.sqrt(3))[:, None, None]
    matrices, offsets = fitMatrix(np.broadcast_to(points, moving.shape), moving, TransformModel.rigid)
    found = np.einsum("bij,nj->bni", matrices, targets) + offsets[:, None] - targets
    return tuple(np.percentile(np.sqrt(np.mean(np.sum(found**2, axis=2), axis=1)), (2.5, 97.5)))


def measureRefinedErrors(_: argparse.Namespace) -> None:
    """Compare what is said about the refined pose's error with the truth, under good and bad conditions."""
    rows, ratios = [], []
    for name in ("head-a", "head-b", "phantom"):
        for case in HeadCase(name).variants():
            start = poseOf(registerLandmarks(case.fixed, case.moving).transform)
            begin = time.process_time()
            refined = refinePose(case.fixedImage, case.movingImage, start)
            middle = time.process_time()
            covariance = refined.covariance(case.fixedTargets[0])
            covariances = covariance.covariances(case.fixedTargets)
            end = time.process_time()
            errors, expected = case.errors(refined.pose), rms(expectedLength(covariances))
            covered = np.mean(errors < lengthBound(covariances, covariance.freedom))
            ratios.append(rms(errors) / expected)
            seconds = f"{middle - begin:.1f} + {end - middle:.1f}"
            rows.append((case.name, f"{expected:.2f}", f"{rms(errors):.2f}", f"{100 * covered:.0f} %", seconds))
    header = ("case", "expected RMS TRE", "measured RMS TRE", "targets below their bound", "CPU s with the estimate")
    printTable("What is said about the refined alignment, mm", header, rows)
    print(f"\nMeasured / expected: RMS {rms(ratios):.2f}, {min(ratios):.2f} to {max(ratios):.2f}")


def measureCapture(arguments: argparse.Namespace) -> None:
    """Count how often the refinement returns from random starts."""
    rows, cpu = [], np.zeros(2)
    case = HeadCase(arguments.case)
    for millimeters, degrees in ((10, 5), (20, 10), (30, 20)):
        if arguments.distance not in (None, millimeters):
            continue
        rng, success = np.random.default_rng(millimeters), np.zeros(2, int)
        for _start in range(arguments.starts):
            start = perturbed(case, millimeters, degrees, rng)
            for column, run in enumerate((runOwn, runElastix if itk else None)):
                if run:
                    pose, seconds = run(case, start)
                    success[column] += case.errors(pose).max() <= 1.0
                    cpu[column] += seconds
        peer = f"{success[1]} of {arguments.starts}" if itk else None
        rows.append((f"{millimeters} mm, {degrees} degrees", f"{success[0]} of {arguments.starts}", peer))
    printTable(f"Starts on {case.name} that end within 1 mm at every target", ("start", "MedFusion", "elastix"), rows)
    if itk:
        print(f"\nCPU over all starts: {cpu[0]:.0f} s, elastix {cpu[1]:.0f} s, ratio {cpu[0] / cpu[1]:.2f}")


def measureAuto(arguments: argparse.Namespace) -> None:
    """Start without landmarks on turned and cropped heads, on the real phantom and on what must be refused."""
    settings, everything = RegistrationSettings(auto=True), slice(None)
    rightAngles = [(axis, degrees, everything, everything) for axis in np.eye(3) for degrees in (90, 180)]
    oblique = [((1, 0, 0), 45, everything, everything), ((1, 1, 1), 60, everything, everything)]
    cropped = [
        ((1, 0, 0), 90, everything, slice(20, 38)),
        ((0, 0, 1), 180, slice(0, 100), everything),
        ((0, 1, 0), 90, slice(40, 120), everything),
    ]
    rows = []
    for name in ("head-a", "head-b"):
        case = HeadCase(name)
        for title, turns in (
            ("turned by 90 and 180 degrees about each axis", rightAngles),
            ("turned by 45 and 60 degrees", oblique),
            ("turned, and a third or two thirds of one image missing", cropped),
        ):
            rows.append((f"{name} {title}", *_autoOnHead(case, turns, settings)))
    rows.append(_autoOnMeat(settings))
    images = [sitk.ReadImage(str(sharedData("visible-human", f"vm_head_{side}.mha"))) for side in ("ct", "mri")]
    try:
        registerLandmarks(None, None, settings, *images)
        rows.append(("visible-human: 8 CT slices", "wrong: accepted", None, None))
    except (RuntimeError, ValueError):
        rows.append(("visible-human: 8 CT slices", "refused, as it must be", None, None))
    printTable("Start without landmarks", ("case", "outcome", "worst error, mm", "CPU s each"), rows)


def _autoOnHead(case: HeadCase, turns: list[tuple], settings: RegistrationSettings) -> tuple[str, str, str]:
    """Return outcomes, worst error and CPU seconds over turns: axis, degrees, MR slices kept, CT slices kept."""
    outcomes, worst, begin = [], 0.0, time.process_time()
    for axis, degrees, movingSlices, fixedSlices in turns:
        turn = Rotation.from_rotvec(np.radians(degrees) * np.array(axis) / np.linalg.norm(axis)).as_matrix()
        moving = case.movingImage[:, :, movingSlices]
        origin = turn @ moving.GetOrigin()
        moving.SetDirection((turn @ np.reshape(moving.GetDirection(), (3, 3))).ravel().tolist())
        moving.SetOrigin(origin.tolist())
        try:
            result = registerLandmarks(None, None, settings, case.fixedImage[:, :, fixedSlices], moving)
        except (RuntimeError, ValueError):
            outcomes.append("refused")
            continue
        found = transformPoints(result.transform, case.fixedTargets)
        error = np.linalg.norm(found - case.movingTargets @ turn.T, axis=1).max()
        outcomes.append("right" if error <= 1.0 else "wrong")
        worst = max(worst, error)
    counts = ", ".join(f"{outcomes.count(word)} {word}" for word in ("right", "refused", "wrong"))
    return counts, f"{worst:.2f}", f"{(time.process_time() - begin) / len(turns):.1f}"


def _autoOnMeat(settings: RegistrationSettings) -> tuple:
    images, fixed, moving = _meat()
    begin = time.process_time()
    result = registerLandmarks(None, None, settings, *images)
    seconds = time.process_time() - begin
    errors = np.linalg.norm(transformPoints(result.transform, fixed.points) - moving.points, axis=1)
    word = "right" if rms(errors) < 5 else "wrong"
    return (
        "mridir",
        f"{word}: {rms(errors):.1f} mm RMS at 9 bone landmarks (their own FRE 1.1)",
        f"{errors.max():.1f}",
        f"{seconds:.1f}",
    )


def _meat() -> tuple[list[sitk.Image], LandmarkList, LandmarkList]:
    from TestMriDirLandmarks import LANDMARKS

    labels, points = tuple(LANDMARKS), np.array(list(LANDMARKS.values()))
    images = [sitk.ReadImage(str(sharedData("mridir", name))) for name in ("ct.nrrd", "mr_t2.nrrd")]
    return images, LandmarkList(labels, points[:, 0]), LandmarkList(labels, points[:, 1])


def measureMeat(_: argparse.Namespace) -> None:
    """Show what is said where the images follow the meat and the landmarks the bone."""
    images, fixed, moving = _meat()
    target, rows = fixed.points.mean(axis=0), []
    for name, lists, settings in (
        ("refined from the landmarks", (fixed, moving), RegistrationSettings(refine=True)),
        ("without landmarks, checked by them", (fixed, moving), RegistrationSettings(auto=True)),
        ("without landmarks", (None, None), RegistrationSettings(auto=True)),
    ):
        result = registerLandmarks(*lists, settings, *images, target)
        errors = np.linalg.norm(transformPoints(result.transform, fixed.points) - moving.points, axis=1)
        said = " ".join(result.warnings)
        rows.append((name, f"{rms(errors):.1f}", f"{result.tre:.1f}", f"{result.errorsUnder(target)[1]:.1f}", said))
    header = ("meat phantom", "RMS at 9 bone landmarks", "expected at their center", "95 % below", "said")
    printTable("Images and landmarks that contradict each other, mm", header, rows)


def measureResampling(_: argparse.Namespace) -> None:
    """Resample 256^3 onto 512 x 512 x 150 and compare with SimpleITK's function."""
    moving = sitk.Cast(
        sitk.GaussianSource(sitk.sitkFloat32, [256] * 3, [60.0] * 3, [128.0] * 3, 1000.0), sitk.sitkInt16
    )
    reference = sitk.Image(512, 512, 150, sitk.sitkInt16)
    reference.SetSpacing((0.5, 0.5, 1.7))
    turn = sitk.Euler3DTransform((128.0, 128.0, 128.0), 0.1, -0.05, 0.2, (2.0, 3.0, -4.0))
    ratios = []
    for _repeat in range(5):
        times = []
        for run in (
            lambda: resampleImage(moving, reference, turn, progress=lambda fraction, message: True),
            lambda: sitk.Resample(moving, reference, turn, sitk.sitkLinear, 0.0, sitk.sitkInt16),
        ):
            begin = time.process_time()
            run()
            times.append(time.process_time() - begin)
        ratios.append(times[0] / times[1])
    printTable(
        "Resampling 256^3 onto 512x512x150",
        ("CPU against SimpleITK's own, median of 5",),
        [(f"{np.median(ratios):.2f}",)],
    )


PARTS = {
    "heads": measureHeads,
    "refined": measureRefinedErrors,
    "resampling": measureResampling,
    "auto": measureAuto,
    "meat": measureMeat,
    "capture": measureCapture,
}


def main() -> None:
    """Run the parts that were asked for."""
    logging.basicConfig(level=logging.WARNING)
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="one part instead of all")
    parser.add_argument("--starts", type=int, default=20, help="random starts per distance for the capture range")
    parser.add_argument("--case", choices=("head-a", "head-b"), default="head-b", help="head for the capture range")
    parser.add_argument("--distance", type=int, choices=(10, 20, 30), help="one distance of the capture range")
    arguments = parser.parse_args()
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    if itk:
        itk.MultiThreaderBase.SetGlobalMaximumNumberOfThreads(1)
        itk.MultiThreaderBase.SetGlobalDefaultNumberOfThreads(1)
    else:
        print("itk-elastix is not installed; its columns stay empty.")
    for name, measure in PARTS.items():
        if arguments.only in (None, name):
            measure(arguments)


if __name__ == "__main__":
    main()
