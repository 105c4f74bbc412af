"""Landmarks held against the images: mistakes that leave every residual small, because all landmarks share them."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from ..Images.Coordinates import flipPoints
from ..Images.Foreground import bodyCenter, foreground
from ..Images.Resampling import shrink
from ..Images.Transforms import Pose, TransformModel
from ..Landmarks.LandmarkEvidence import LandmarkEvidence
from ..Landmarks.LandmarkFit import fitMatrix
from ..Progress import Progress, report
from .ContentChecks import contentDoubts, roleDoubts
from .EvidenceWeighing import chanceOfDistance, rigidCovariance
from .Handedness import handedness
from .ImageJudgment import judgeImages
from .ImagePyramid import movingField, pyramid, sampleFixedByRank
from .PoseCovariance import PoseCovariance
from .Refinement import Comparison, Level, refinePose
from .RefinementErrors import partsScatter

# Chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py.
_MARGIN_MM = 15.0
_LEVELS = (Level(8.0, 3000, 32, 1e-3, 0.0), Level(4.0, 8000, 32, 1e-4, 0.0), Level(2.0, 20000, 32, 1e-4, 0.0))
_ANOTHER_POSE_MM = 10.0
_CLEAR_LEAD = 1.01  # no right list of the DEV rows comes above 0.7, but heads that are all ellipsoid do
_LEAST_SIMILARITY = 0.15  # nats; below it images of this many samples tell nothing
_FINALISTS = 3
_CLIMB_ERROR_MM, _CHANCE = 2.0, 0.001
# Right pairs of the DEV rows with 1 to 5 mm slices start at 1.12 and reach 0.8 mm.
_SURELY_HANDED, _PARTS_AGREE_MM = 1.08, 1.0
_HALF_TURNS = {
    "L": "upside down and back to front",
    "P": "upside down and left to right",
    "S": "back to front and left to right",
}


@dataclass(frozen=True, eq=False)
class PoseCheck:
    """Hold what the images say about the pose of landmarks.

    :param similarity: of the images near that pose, in nats.
    :param doubts: one sentence for each thing that speaks against it; none where the images agree with it.
    :param repaired: the pose at which the images agree clearly better, where there is one.
    """

    similarity: float | None = None
    doubts: tuple[str, ...] = ()
    repaired: Pose | None = None


@dataclass(frozen=True, eq=False)
class _Suspicion:
    """Hold the pose that landmarks would have but for a mistake, and a sentence with a gap for why it is suspected."""

    pose: Pose
    sentence: str


def checkLandmarkPose(
    fixedImage: sitk.Image, movingImage: sitk.Image, evidence: LandmarkEvidence, progress: Progress | None = None
) -> PoseCheck:
    """Return whether the images agree with the pose of landmarks, in about half a second.

    The pose is compared with its inverse, with half turns about each axis, with the pose of the headers, with lists
    whose first two axes are flipped and with exchanged landmarks among three, each after a short climb at 8 mm and the
    best at 4 and 2 mm. Beyond its edge the moving image is air. Where none is better, the optimum next to the
    landmarks' pose must be no farther from it than their own error and 2 mm allow, and the images must be no better
    mirrored and agree in all their parts.

    The margins were chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py.
    """
    found = _check(fixedImage, movingImage, evidence, progress)
    return replace(found, doubts=tuple(dict.fromkeys((*roleDoubts(fixedImage), *found.doubts))))


def _check(
    fixedImage: sitk.Image, movingImage: sitk.Image, evidence: LandmarkEvidence, progress: Progress | None
) -> PoseCheck:
    coarse, middle, fine = _comparisons(fixedImage, movingImage)
    probes = coarse.samples.points[::20]
    suspicions, others = _suspicions(fixedImage, movingImage, evidence), []
    for number, suspicion in enumerate(suspicions):
        report(progress, 0.2 + 0.6 * number / len(suspicions), "Holding the landmarks against the images")
        others.append(coarse.climb(suspicion.pose))
    others = [pose for pose in others if _apart(pose, evidence.pose, probes) > _ANOTHER_POSE_MM]
    others = sorted(others, key=lambda pose: -pose.information)[:_FINALISTS]
    own = fine.climb(middle.climb(evidence.pose))
    best = max((middle.climb(pose) for pose in others), key=lambda pose: pose.information, default=own)
    best = fine.climb(best)
    if best.information < _LEAST_SIMILARITY:
        doubt = (
            "The images tell nothing about each other where the landmarks put them (similarity "
            f"{own.information:.2f}): check that both show the same part of the body."
        )
        return PoseCheck(own.information, (doubt,))
    if best.information > _CLEAR_LEAD * own.information and _apart(best, own, probes) > _ANOTHER_POSE_MM:
        lead = f"the images agree better then (similarity {best.information:.2f} instead of {own.information:.2f})"
        doubt = _explanation(suspicions, best, probes).format(f"for {lead}")
        return PoseCheck(own.information, (doubt,), best)
    if not _isFar(evidence, own, probes):
        return PoseCheck(own.information, _imageDoubts(fixedImage, movingImage, own, (coarse, middle, fine)))
    lead = f"for the images fit best {_apart(own, evidence.pose, probes):.1f} mm from where the landmarks put them"
    return PoseCheck(own.information, (_explanation(suspicions, own, probes).format(lead),), own)


def _imageDoubts(
    fixedImage: sitk.Image, movingImage: sitk.Image, pose: Pose, comparisons: Sequence[Comparison]
) -> tuple[str, ...]:
    """Return what speaks against the images at a pose that is right as far as they can tell.

    Where a coarse look finds them almost as good mirrored, or their parts at odds, they are looked at as closely as
    for a refinement.
    """
    fine = comparisons[-1]
    isSure = handedness(fixedImage, pose, comparisons) > _SURELY_HANDED
    if isSure and partsScatter(fine.samples, fine.moving, pose, fine.level.spacing) < _PARTS_AGREE_MM:
        return contentDoubts(fixedImage, movingImage, pose)
    _, checks = judgeImages(fixedImage, movingImage, refinePose(fixedImage, movingImage, pose))
    return (*checks.refusals, *checks.doubts)


def _explanation(suspicions: Sequence[_Suspicion], pose: Pose, probes: np.ndarray) -> str:
    """Return the sentence of the mistake that leads to a pose, with a gap for why it is suspected."""
    nearest = min(suspicions, key=lambda suspicion: _apart(suspicion.pose, pose, probes))
    if _apart(nearest.pose, pose, probes) < _ANOTHER_POSE_MM:
        return nearest.sentence
    return (
        "The landmarks do not fit these images, {}: check that both lists belong to them and to the same patient, and "
        "that left and right are not mixed up."
    )


def _comparisons(fixedImage: sitk.Image, movingImage: sitk.Image) -> list[Comparison]:
    spacings = [level.spacing for level in _LEVELS]
    fixedShrunk, _ = pyramid(shrink(fixedImage, spacings[-1]), spacings)
    movingShrunk, movingRange = pyramid(shrink(movingImage, spacings[-1]), spacings)
    mask = foreground(fixedImage, _MARGIN_MM)
    return [
        Comparison(
            level,
            sampleFixedByRank(fixed, mask, level.samples, level.bins),
            movingField(moving, movingRange, level.bins, endless=True),
        )
        for level, fixed, moving in zip(_LEVELS, fixedShrunk, movingShrunk, strict=True)
    ]


def _suspicions(fixedImage: sitk.Image, movingImage: sitk.Image, evidence: LandmarkEvidence) -> list[_Suspicion]:
    """Return the poses that mistakes would have turned into the landmarks' pose, the most telling mistakes first."""
    pose, turn = evidence.pose, evidence.pose.matrix.T
    exchanged = "The two lists look exchanged, {}: give the CT's landmarks for the CT and the MRI's for the MRI."
    found = [_Suspicion(Pose(turn, -turn @ pose.offset), exchanged), *_exchangesOfThree(evidence)]
    flip = flipPoints(np.eye(3))
    for matrix, offset, whose in (
        (pose.matrix @ flip, pose.offset, "The CT's landmarks look"),
        (flip @ pose.matrix, flip @ pose.offset, "The MRI's landmarks look"),
        (flip @ pose.matrix @ flip, flip @ pose.offset, "The landmarks of both images look"),
    ):
        tagged = " as if their RAS numbers were tagged LPS or the other way round, {}: correct the coordinate system."
        found.append(_Suspicion(Pose(matrix, offset), whose + tagged))
    center, movingCenter = bodyCenter(fixedImage), bodyCenter(movingImage)
    for number, (axis, way) in enumerate(_HALF_TURNS.items()):
        turned = (
            f"The landmarks turn the head by half a turn about the {axis} axis, {way}, {{}}: check that both lists "
            "belong to these images, that left and right are not mixed up, and their coordinate systems."
        )
        along = np.eye(3)[number]
        matrix = pose.matrix @ (2 * np.outer(along, along) - np.eye(3))
        goals = pose.apply(center), movingCenter
        found.extend(_Suspicion(Pose(matrix, goal - matrix @ center), turned) for goal in goals)
    elsewhere = "{}: check that both lists belong to these images and that left and right are not mixed up."
    found.append(_Suspicion(Pose(np.eye(3), np.zeros(3)), "The landmarks contradict the headers, " + elsewhere))
    for matrix in (np.eye(3), pose.matrix):
        beside = Pose(matrix, movingCenter - matrix @ center)
        found.append(_Suspicion(beside, "The landmarks put the heads beside each other, " + elsewhere))
    return found


def _exchangesOfThree(evidence: LandmarkEvidence) -> Iterator[_Suspicion]:
    """Yield the exchanges of two landmarks where there are too few for residuals to show one."""
    pairs = evidence.pairs
    if len(pairs.labels) > 3:
        return
    for first, second in itertools.combinations(range(3), 2):
        order = list(range(3))
        order[first], order[second] = second, first
        matrix, offset = fitMatrix(pairs.fixedPoints, pairs.movingPoints[order], TransformModel.rigid)
        names = f"{pairs.labels[first]} and {pairs.labels[second]}".replace("{", "(").replace("}", ")")
        yield _Suspicion(Pose(matrix, offset), names + " look exchanged, {}: exchange them in one of the lists.")


def _apart(first: Pose, second: Pose, probes: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.sum((first.apply(probes) - second.apply(probes)) ** 2, axis=1))))


def _isFar(evidence: LandmarkEvidence, pose: Pose, probes: np.ndarray) -> bool:
    """Return whether neither the landmarks' error nor that of so coarse a climb explains how far a pose is."""
    radius = np.sqrt(np.mean(np.sum((probes - probes.mean(axis=0)) ** 2, axis=1)))
    coarse = np.diag([_CLIMB_ERROR_MM**2] * 3 + [(_CLIMB_ERROR_MM / radius) ** 2] * 3)
    own = rigidCovariance(evidence)
    return chanceOfDistance(evidence.pose, own, pose, PoseCovariance(own.center, coarse, own.freedom)) < _CHANCE
