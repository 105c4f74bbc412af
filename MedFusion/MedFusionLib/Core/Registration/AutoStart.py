"""Find a pose without any landmarks, or say honestly that none can be found."""

import itertools
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Foreground import bodyCenter, foreground
from ..Images.Grids import imageCenter
from ..Images.Transforms import Pose
from ..Progress import Progress, report, subProgress
from .ImagePyramid import movingField, pyramid, sampleFixed
from .MutualInformation import FixedSamples, MovingField
from .PoseOptimizer import climb

# Chosen by hand on simulated heads, turned and shifted.
_BINS = 32
_MARGIN_MM = 15.0
_SAME_POSE_MM = 12.0
_SHIFTS_MM = (0.0, 40.0, -40.0)
_SMALLEST_EXTENT_MM = 40.0
_SMALLEST_INSIDE = 0.3
_CLEAR_LEAD = 1.15
_LEVELS = ((8.0, 3000, 1e-3, 25), (6.0, 8000, 1e-4, 30), (4.0, 20000, 1e-5, 50))  # mm, samples, tolerance, iterations


@dataclass(frozen=True, eq=False)
class AutoStart:
    """Hold the pose found without landmarks, and the similarity of the next best pose as a share of its own."""

    pose: Pose
    runnerUp: float


@dataclass(frozen=True, eq=False)
class _Comparison:
    """Hold both images at one voxel size."""

    samples: FixedSamples
    field: MovingField
    spacing: float
    tolerance: float
    iterations: int

    def climb(self, start: Pose) -> Pose:
        return climb(self.samples, self.field, start, self.spacing, False, self.tolerance, self.iterations)


def findStart(fixedImage: sitk.Image, movingImage: sitk.Image, progress: Progress | None = None) -> AutoStart:
    """Return the rigid pose of greatest mutual information over all orientations, or raise RuntimeError if in doubt.

    The headers' pose and the 24 axis orientations, each from four positions (bodies centered, shifted along the
    patient, image centers), are climbed at 8 mm; what is distinct goes on at 6 mm and the best at 4 mm. Beyond its
    edge the moving image is air, so that a pose gains nothing by hiding. The best must lead clearly.

    Source of the strategy: Jenkinson and Smith 2001, doi:10.1016/S1361-8415(01)00036-6.
    """
    for image, name in ((fixedImage, "fixed"), (movingImage, "moving")):
        extent = min(size * step for size, step in zip(image.GetSize(), image.GetSpacing(), strict=True))
        if extent < _SMALLEST_EXTENT_MM:
            raise RuntimeError(
                f"The {name} image is only {extent:.0f} mm thick, too little to find its place without landmarks; "
                "place at least 3 landmark pairs."
            )
    coarse, middle, fine = _comparisons(fixedImage, movingImage, progress)
    probes = coarse.samples.points[::20]
    starts = _starts(fixedImage, movingImage)
    poses = _climbAll(coarse, starts, probes, subProgress(progress, 0.05, 0.6))
    poses = _climbAll(middle, poses[:32], probes, subProgress(progress, 0.6, 0.85))
    poses = _climbAll(fine, poses[:6], probes, subProgress(progress, 0.85, 1.0))
    best = poses[0]
    runnerUp = poses[1].information / best.information if len(poses) > 1 and best.information > 0 else 0.0
    if best.inside < _SMALLEST_INSIDE:
        raise RuntimeError(
            f"Without landmarks the best pose found puts only {100 * best.inside:.0f} % of the fixed body inside the "
            "moving image; place at least 3 landmark pairs."
        )
    if runnerUp * _CLEAR_LEAD > 1:
        raise RuntimeError(
            f"Without landmarks two different poses fit almost equally well (similarity {best.information:.3f} and "
            f"{poses[1].information:.3f}); place at least 3 landmark pairs."
        )
    return AutoStart(best, runnerUp)


def _comparisons(fixedImage: sitk.Image, movingImage: sitk.Image, progress: Progress | None) -> list[_Comparison]:
    """Return the images made ready to be compared at each voxel size."""
    spacings = [spacing for spacing, *_ in _LEVELS]
    report(progress, 0.01, "Preparing the images")
    fixedShrunk, fixedRange = pyramid(fixedImage, spacings)
    report(progress, 0.02, "Preparing the images")
    movingShrunk, movingRange = pyramid(movingImage, spacings)
    mask = foreground(fixedImage, _MARGIN_MM)
    comparisons = []
    for (spacing, count, tolerance, iterations), fixed, moving in zip(_LEVELS, fixedShrunk, movingShrunk, strict=True):
        report(progress, 0.03, "Preparing the images")
        samples = sampleFixed(fixed, mask, fixedRange, count, _BINS)
        field = movingField(moving, movingRange, _BINS, endless=True)
        comparisons.append(_Comparison(samples, field, spacing, tolerance, iterations))
    return comparisons


def _climbAll(comparison: _Comparison, starts: list[Pose], probes: np.ndarray, progress: Progress | None) -> list[Pose]:
    """Return the distinct poses reached from all starts, the most similar first."""
    reached = []
    for number, start in enumerate(starts):
        report(progress, number / len(starts), f"Trying pose {number + 1} of {len(starts)}")
        reached.append(comparison.climb(start))
    reached.sort(key=lambda pose: -pose.information)
    distinct: list[Pose] = []
    for pose in reached:
        if all(_distance(pose, other, probes) > _SAME_POSE_MM for other in distinct):
            distinct.append(pose)
    return distinct


def _distance(first: Pose, second: Pose, probes: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.sum((first.apply(probes) - second.apply(probes)) ** 2, axis=1))))


def _starts(fixedImage: sitk.Image, movingImage: sitk.Image) -> list[Pose]:
    fixedCenter, movingCenter = bodyCenter(fixedImage), bodyCenter(movingImage)
    starts = [Pose(np.eye(3), np.zeros(3))]  # as the headers say
    for matrix in _axisOrientations():
        ends = [fixedCenter + [0.0, 0.0, shift] for shift in _SHIFTS_MM]
        starts.extend(Pose(matrix, movingCenter - matrix @ end) for end in ends)
        starts.append(Pose(matrix, imageCenter(movingImage) - matrix @ imageCenter(fixedImage)))
    return starts


def _axisOrientations() -> list[np.ndarray]:
    """Return the 24 rotations that map coordinate axes onto coordinate axes."""
    orientations = []
    for order in itertools.permutations(range(3)):
        for signs in itertools.product((1.0, -1.0), repeat=3):
            matrix = np.zeros((3, 3))
            matrix[range(3), order] = signs
            if np.linalg.det(matrix) > 0:
                orientations.append(matrix)
    return orientations
