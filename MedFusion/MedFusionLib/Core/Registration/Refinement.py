"""Refine a registration by the mutual information of both images."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Foreground import foreground
from ..Images.Transforms import IDENTITY, Pose
from ..Progress import Progress, report, subProgress
from .ImagePyramid import movingField, pyramid, sampleFixed, sampleVoxelsByRank
from .MutualInformation import FixedSamples, MovingField, mutualInformation
from .PoseCovariance import PoseCovariance, movedPose, poseDifference
from .PoseOptimizer import climb
from .RefinementErrors import imageCovariance

# Chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py.
_COARSE_MARGIN_MM = 10.0
_MARGIN_MM = 3.0
_SMOOTHING_MM = 1.0


@dataclass(frozen=True)
class Level:
    """Choose one step from coarse to fine: voxel size in mm, how many samples and bins, when to stop, share of time."""

    spacing: float
    samples: int
    bins: int
    tolerance: float
    share: float


# Chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py.
_LEVELS = (Level(8.0, 5000, 32, 1e-4, 0.1), Level(4.0, 20000, 64, 1e-4, 0.1), Level(2.0, 20000, 64, 1e-5, 0.1))
_FINEST = Level(1.0, 60000, 64, 1e-6, 0.3)


@dataclass(frozen=True, eq=False)
class Comparison:
    """Hold both images made ready to be compared on one level."""

    level: Level
    samples: FixedSamples
    moving: MovingField

    def climb(self, start: Pose, affine: bool = False, progress: Progress | None = None, every: int = 1) -> Pose:
        """Return the pose of greatest similarity near a start, seen by every so many of the samples."""
        return climb(
            self.samples.part(slice(None, None, every)),
            self.moving,
            start,
            self.level.spacing,
            affine,
            self.level.tolerance,
            progress=progress,
        )


@dataclass(frozen=True, eq=False)
class RefinedPose:
    """Hold a refined pose, and the mutual information in nats before and after on the finest level.

    :param optima: the poses of greatest similarity as the images are and smoothed; the pose lies between them.
    :param comparisons: what was compared on each level, the finest last.
    :param spacings: of the fixed and the moving voxels in mm, along the axes of the fixed image.
    """

    pose: Pose
    similarityBefore: float
    similarityAfter: float
    optima: tuple[Pose, Pose]
    comparisons: tuple[Comparison, ...]
    spacings: np.ndarray

    def covariance(self, center: np.ndarray, progress: Progress | None = None) -> PoseCovariance | None:
        """Return how uncertain the refined pose is, told about a fixed center, or None where the images cannot tell."""
        finest = self.comparisons[-1]
        return imageCovariance(
            finest.samples, finest.moving, self.pose, self.optima, self.spacings, finest.level.spacing, center, progress
        )

    def whyRefused(self) -> str:
        """Return why the refined pose cannot be right, or nothing."""
        kept = "so the landmark registration was kept"
        if self.similarityAfter <= 0:
            return f"At the landmarks' pose the images share too little to be compared, {kept}."
        volume = float(np.linalg.det(self.pose.matrix))
        if not 0.5 < volume < 2.0:
            return f"Refinement would change the volume by a factor of {volume:.2f}, {kept}."
        return ""


def refinePose(
    fixedImage: sitk.Image,
    movingImage: sitk.Image,
    start: Pose,
    affine: bool = False,
    progress: Progress | None = None,
    ignored: sitk.Image | None = None,
) -> RefinedPose:
    """Return the pose near a start at which the images tell most about each other.

    Coarse levels compare the fixed image's body and 10 mm around it; the finest only 3 mm around it, at the fixed
    image's own voxels, and with bins that hold as many samples each: bins of equal width spend most of themselves on
    air and bone, which tell little, and limits in HU would not fit what holds none. Its optimum and that of smoothed
    images have their errors in different directions, so the pose lies half way. Slow shading is taken out of an MR
    first. The same input gives the same output.

    :param start: maps fixed points to moving points, LPS millimeters; it may be off by about 30 mm and 20 degrees.
    :param affine: whether scale and shear may change too.
    :param ignored: mask in the fixed image's frame that takes no part, such as a tumor that may have changed.

    Sources: Mattes et al. 2003, doi:10.1109/TMI.2003.809072; Viola and Wells 1997, doi:10.1023/A:1007958904918.
    Margins, bins and levels were chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py.
    """
    report(progress, 0.0, "Preparing the images")
    coarseMask, mask = (_comparedPart(fixedImage, margin, ignored) for margin in (_COARSE_MARGIN_MM, _MARGIN_MM))
    spacings = [level.spacing for level in (*_LEVELS, _FINEST)]
    fixedShrunk, fixedRange = pyramid(fixedImage, spacings)
    report(progress, 0.05, "Preparing the images")
    movingShrunk, movingRange = pyramid(movingImage, spacings)
    done, pose, comparisons = 0.1, start, []
    for level, fixed, moving in zip(_LEVELS, fixedShrunk, movingShrunk, strict=False):
        report(progress, done, f"Comparing the images at {level.spacing:g} mm")
        samples = sampleFixed(fixed, coarseMask, fixedRange, level.samples, level.bins)
        comparisons.append(Comparison(level, samples, movingField(moving, movingRange, level.bins)))
        pose = comparisons[-1].climb(pose, affine, subProgress(progress, done, done + level.share))
        done += level.share
    optima = []
    for images in (_smoothed(fixedShrunk[-1], movingShrunk[-1]), (fixedShrunk[-1], movingShrunk[-1])):
        report(progress, done, f"Comparing the images at {_FINEST.spacing:g} mm")
        samples = sampleVoxelsByRank(images[0], mask, _FINEST.samples, _FINEST.bins)
        finest = Comparison(_FINEST, samples, movingField(images[1], movingRange, _FINEST.bins))
        pose = finest.climb(pose, affine, subProgress(progress, done, done + _FINEST.share))
        optima.append(pose)
        done += _FINEST.share
    smooth, sharp = optima
    between = _halfWay(smooth, sharp, samples.points.mean(axis=0), affine)
    before, after = (mutualInformation(samples, finest.moving, at.matrix, at.offset) for at in (start, between))
    found = Pose(between.matrix, between.offset, after.information, after.inside)
    voxels = _voxelSizes(fixedImage, movingImage, found)
    return RefinedPose(found, before.information, after.information, (smooth, sharp), (*comparisons, finest), voxels)


def _comparedPart(fixedImage: sitk.Image, margin: float, ignored: sitk.Image | None) -> sitk.Image:
    mask = foreground(fixedImage, margin)
    if ignored is None:
        return mask
    return sitk.And(mask, sitk.Resample(ignored, mask, IDENTITY, sitk.sitkNearestNeighbor) == 0)


def _smoothed(*images: sitk.Image) -> tuple[sitk.Image, ...]:
    return tuple(sitk.SmoothingRecursiveGaussian(image, _SMOOTHING_MM) for image in images)


def _halfWay(first: Pose, second: Pose, center: np.ndarray, affine: bool) -> Pose:
    if affine:
        return Pose((first.matrix + second.matrix) / 2, (first.offset + second.offset) / 2)
    return movedPose(first, poseDifference(second, first, center) / 2, center)


def _voxelSizes(fixedImage: sitk.Image, movingImage: sitk.Image, pose: Pose) -> np.ndarray:
    """Return the size (2, 3) in mm of a fixed and of a moving voxel along each LPS axis of the fixed image's frame."""
    fixed = np.reshape(fixedImage.GetDirection(), (3, 3)) * fixedImage.GetSpacing()
    moving = np.linalg.inv(pose.matrix) @ np.reshape(movingImage.GetDirection(), (3, 3)) * movingImage.GetSpacing()
    return np.stack([np.linalg.norm(edges, axis=1) for edges in (fixed, moving)])
