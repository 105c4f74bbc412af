"""Refine a registration by the mutual information of both images."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Foreground import foreground
from ..Images.Transforms import IDENTITY, Pose
from ..Progress import Progress, report, subProgress
from .ImagePyramid import movingField, pyramid, sampleFixed
from .MutualInformation import FixedSamples, MovingField, mutualInformation
from .PoseOptimizer import climb
from .RefinementErrors import PoseSpread, estimateSpread

_MARGIN_MM = 10.0


@dataclass(frozen=True)
class Level:
    """Choose one step from coarse to fine: voxel size in mm, how many samples and bins, when to stop, share of time."""

    spacing: float
    samples: int
    bins: int
    tolerance: float
    share: float


_LEVELS = (
    Level(8.0, 5000, 32, 1e-4, 0.1),
    Level(4.0, 20000, 64, 1e-4, 0.2),
    Level(2.0, 20000, 64, 1e-5, 0.2),
    Level(1.0, 100000, 64, 1e-6, 0.4),
)


@dataclass(frozen=True, eq=False)
class RefinedPose:
    """Hold a refined pose, and the mutual information in nats before and after on the finest level.

    :param samples: with moving, what was compared on that level.
    """

    pose: Pose
    similarityBefore: float
    similarityAfter: float
    samples: FixedSamples
    moving: MovingField
    affine: bool

    def spread(self, progress: Progress | None = None) -> PoseSpread | None:
        """Return how far the refined pose may be off, or None where the images are too small to tell."""
        return estimateSpread(self.samples, self.moving, self.pose, _LEVELS[-1].spacing, self.affine, progress)

    def whyRefused(self) -> str:
        """Return why the refined pose cannot be right, or nothing."""
        kept = "so the landmark registration was kept"
        if self.similarityAfter <= self.similarityBefore:
            return f"Refinement did not improve the similarity of the images ({self.similarityBefore:.3f}), {kept}."
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

    Both images are compared within the fixed image's body and 10 mm around it; slow shading is taken out of an MR
    first. The same input gives the same output.

    :param start: maps fixed points to moving points, LPS millimetres; it may be off by about 30 mm and 20 degrees.
    :param affine: whether scale and shear may change too.
    :param ignored: mask in the fixed image's frame that takes no part, such as a tumor that may have changed.

    Sources: Mattes et al. 2003, doi:10.1109/TMI.2003.809072; Viola and Wells 1997, doi:10.1023/A:1007958904918.
    """
    report(progress, 0.0, "Preparing the images")
    mask = foreground(fixedImage, _MARGIN_MM)
    if ignored is not None:
        mask = sitk.And(mask, sitk.Resample(ignored, mask, IDENTITY, sitk.sitkNearestNeighbor) == 0)
    spacings = [level.spacing for level in _LEVELS]
    fixedShrunk, fixedRange = pyramid(fixedImage, spacings)
    report(progress, 0.05, "Preparing the images")
    movingShrunk, movingRange = pyramid(movingImage, spacings)
    done = 0.1
    pose = start
    for level, fixed, moving in zip(_LEVELS, fixedShrunk, movingShrunk, strict=True):
        report(progress, done, f"Comparing the images at {level.spacing:g} mm")
        samples = sampleFixed(fixed, mask, fixedRange, level.samples, level.bins)
        field = movingField(moving, movingRange, level.bins)
        levelProgress = subProgress(progress, done, done + level.share)
        pose = climb(samples, field, pose, level.spacing, affine, level.tolerance, progress=levelProgress)
        done += level.share
    before = mutualInformation(samples, field, start.matrix, start.offset).information
    return RefinedPose(pose, before, pose.information, samples, field, affine)
