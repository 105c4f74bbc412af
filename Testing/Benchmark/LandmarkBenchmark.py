"""Measure what landmarks alone say about their errors against theory and fresh draws, and print Markdown tables.

    python Testing/Benchmark/LandmarkBenchmark.py [--only PART]

The heads' landmarks are read from ../shared/data beside the project.
"""

import argparse
import itertools
import os
import sys
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python")]

import numpy as np  # noqa: E402
from MedFusionLib.Core.Images.Transforms import TransformModel, poseOf  # noqa: E402
from MedFusionLib.Core.Landmarks.LandmarkErrors import ErrorModel, leaveOneOut  # noqa: E402
from MedFusionLib.Core.Landmarks.LandmarkExchange import findExchange  # noqa: E402
from MedFusionLib.Core.Landmarks.LandmarkFit import fitMatrix  # noqa: E402
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList  # noqa: E402
from MedFusionLib.Core.Registration.Registration import RegistrationSettings, registerLandmarks  # noqa: E402
from RegistrationCases import HeadCase, printTable, rms  # noqa: E402

THEORY_POINTS = np.array(
    [[-30, 55, -10], [30, 55, -10], [0, 85, -30], [-70, -5, -25], [70, -5, -25], [0, -95, 10]], float
)


def measureTheory(_: argparse.Namespace) -> None:
    """Compare the predicted errors with 2,000 simulated registrations each."""
    rng, rows, runs = np.random.default_rng(1), [], 2000
    targets = np.vstack([THEORY_POINTS.mean(axis=0), [0, -10, 90], [50, -40, 50]])
    for kind in (TransformModel.rigid, TransformModel.similarity, TransformModel.affine):
        # Antithetic pairs (a noise and its opposite) would hide second order; plain runs of 2,000, ten times.
        ratios = []
        for _repeat in range(10):
            moving = THEORY_POINTS + rng.normal(0, 1, (runs, *THEORY_POINTS.shape))
            matrices, offsets = fitMatrix(np.broadcast_to(THEORY_POINTS, moving.shape), moving, kind)
            found = np.einsum("bij,nj->bni", matrices, targets) + offsets[:, None] - targets
            simulated = np.sqrt(np.mean(np.sum(found**2, axis=2), axis=0))
            ratios.append(simulated / np.sqrt(3 * ErrorModel(kind, THEORY_POINTS, np.ones(6)).spreading(targets)))
        mean = np.mean(ratios, axis=0)
        rows.append((kind.value, *(f"{100 * (value - 1):+.2f} %" for value in mean), f"{100 * np.std(ratios):.1f} %"))
    header = ("model", "at the centroid", "at (0,-10,90)", "at (50,-40,50)", "scatter of one 2,000")
    printTable("Simulated TRE against predicted TRE, mean of ten Monte Carlo runs of 2,000", header, rows)


def measureCalibration(_: argparse.Namespace) -> None:
    """Draw fresh landmark errors on the heads' landmarks and compare measured with predicted TRE over many draws."""
    rng, rows = np.random.default_rng(3), []
    for name, sigma in (("head-a", 1.0), ("head-b", 1.5)):
        case = HeadCase(name)
        truePoints, measured, predicted, covered = case.fixed.points, [], [], []
        for _draw in range(500):
            noise = rng.normal(0, sigma / np.sqrt(3), (2, *truePoints.shape))
            fixed = LandmarkList(case.fixed.labels, truePoints + noise[0])
            moving = LandmarkList(case.fixed.labels, case.truth.apply(truePoints) + noise[1])
            result = registerLandmarks(fixed, moving)
            errors = case.errors(poseOf(result.transform))
            measured.append(rms(errors))
            predicted.append(rms(result.expectedError(case.fixedTargets)))
            covered.append(np.mean(errors < result.errorBound(case.fixedTargets)))
        within = np.mean(np.abs(np.divide(measured, predicted) - 1) < 0.25)
        overall = f"{100 * (rms(measured) / rms(predicted) - 1):+.1f} %"
        rows.append((name, overall, f"{100 * np.mean(covered):.1f} %", f"{100 * within:.0f} %"))
    header = ("case", "RMS TRE over 500 draws against predicted", "targets below their bound", "draws within 25 %")
    printTable("Fresh landmark errors on the heads' landmarks", header, rows)


def measureMistakes(_: argparse.Namespace) -> None:
    """Displace one of 8 landmarks, or exchange two, on random configurations around a head."""
    rng, rows, runs = np.random.default_rng(4), [], 500
    for displaced in (0, 6, 10, 15):
        first = suspected = flagged = accused = 0
        for _run in range(runs):
            fixed, moving = _configuration(rng)
            direction = rng.normal(size=3)
            moving[2] += displaced * direction / np.linalg.norm(direction)
            loo = leaveOneOut(ErrorModel(TransformModel.rigid, fixed, np.ones(8)), moving)
            first += np.argmin(loo.chances) == 2
            suspected += loo.suspect == 2
            flagged += loo.outliers[2]
            accused += np.delete(loo.outliers, 2).any()
        rows.append(
            (f"{displaced} mm", *(f"{100 * count / runs:.0f} %" for count in (first, suspected, flagged, accused)))
        )
    header = (
        "one of 8 displaced by (FLE 1.5 mm per axis and image)",
        "largest standardized residual",
        "named to look at first",
        "flagged as misplaced",
        "another flagged",
    )
    printTable("Outliers", header, rows)
    found = wrong = 0
    labels = tuple("ABCDEFGH")
    for _run in range(runs):
        fixed, moving = _configuration(rng)
        wrong += findExchange(labels, fixed, moving) is not None
        moving[[2, 5]] = moving[[5, 2]]
        exchange = findExchange(labels, fixed, moving)
        found += exchange is not None and (exchange.first, exchange.second) == ("C", "F")
    rows = [(f"{100 * found / runs:.0f} %", f"{100 * wrong / runs:.0f} %")]
    printTable(
        "Exchange of two among 8, at least 20 mm apart", ("found and named", "claimed where there is none"), rows
    )


def measureExchanges(_: argparse.Namespace) -> None:
    """Exchange each two of the heads' landmarks that lie at least 20 mm apart, for every model."""
    rows = []
    for kind in TransformModel:
        found = total = 0
        for case, count in ((case, count) for case in map(HeadCase, ("head-a", "head-b")) for count in (6, 8, 10)):
            labels, fixed = case.fixed.labels[:count], case.fixed.points[:count]
            order = [case.moving.labels.index(label) for label in labels]
            for i, j in itertools.combinations(range(count), 2):
                if np.linalg.norm(fixed[i] - fixed[j]) < 20:
                    continue
                moving = case.moving.points[order]
                moving[[i, j]] = moving[[j, i]]
                lists = LandmarkList(labels, fixed), LandmarkList(labels, moving)
                try:
                    said = " ".join(registerLandmarks(*lists, RegistrationSettings(model=kind)).warnings)
                except ValueError as error:
                    said = str(error)
                found += f"{labels[i]} and {labels[j]} look exchanged" in said
                total += 1
        rows.append((kind.value, f"{found} of {total}"))
    printTable("Exchange of two of the heads' landmarks", ("model", "found and named"), rows)


def _configuration(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    directions = rng.normal(size=(8, 3))
    points = 80 * directions / np.linalg.norm(directions, axis=1)[:, None]
    if np.linalg.norm(points[2] - points[5]) < 20:  # two landmarks this close are hardly two
        return _configuration(rng)
    return tuple(points + rng.normal(0, 1.5, points.shape) for _ in range(2))


PARTS = {
    "theory": measureTheory,
    "calibration": measureCalibration,
    "mistakes": measureMistakes,
    "exchanges": measureExchanges,
}


def main() -> None:
    """Run the parts that were asked for."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", choices=PARTS, help="one part instead of all")
    arguments = parser.parse_args()
    for name, measure in PARTS.items():
        if arguments.only in (None, name):
            measure(arguments)


if __name__ == "__main__":
    main()
