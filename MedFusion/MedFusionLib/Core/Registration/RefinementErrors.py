"""How far the pose that two images give may be off, from what its parts say without each other."""

from dataclasses import dataclass

import numpy as np

from ..Images.Transforms import Pose
from ..Progress import Progress, report, subProgress
from .MutualInformation import FixedSamples, MovingField
from .PoseCovariance import PoseCovariance, scatterOfPoses
from .PoseOptimizer import climb

_TOLERANCE = 1e-5
_EVERY = 2


@dataclass(frozen=True, eq=False)
class PoseSpread:
    """Hold the poses that remain when each eighth of the body is left out of the comparison.

    What all parts of the images have wrong together, such as a distortion of the whole MR, does not show in them.
    """

    without: tuple[Pose, ...]

    def covariance(self, pose: Pose, center: np.ndarray) -> PoseCovariance:
        """Return the covariance of a pose, told about a fixed center (3,), LPS millimeters."""
        return scatterOfPoses(self.without, pose, center)


def estimateSpread(
    samples: FixedSamples,
    moving: MovingField,
    pose: Pose,
    unit: float,
    affine: bool = False,
    progress: Progress | None = None,
) -> PoseSpread | None:
    """Return the poses without each octant of the samples, or None where too little is left to compare.

    :param pose: the pose of greatest mutual information over all samples.
    """
    points, bins = samples.points[::_EVERY], samples.bins[::_EVERY]
    octants = (points > np.median(points, axis=0)) @ (1, 2, 4)
    without = []
    for octant in range(8):
        share = subProgress(progress, octant / 8, (octant + 1) / 8)
        kept = octants != octant
        rest = FixedSamples(points[kept], bins[kept], samples.binCount)
        without.append(climb(rest, moving, pose, unit, affine, _TOLERANCE, progress=share))
    report(progress, 1.0, "Compared the parts of the images")
    if min(found.information for found in without) <= 0:
        return None
    return PoseSpread(tuple(without))
