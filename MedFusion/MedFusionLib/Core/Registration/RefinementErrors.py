"""How far the pose that two images give may be off, from what its parts say without each other."""

from dataclasses import dataclass

import numpy as np

from ..Progress import Progress, report, subProgress
from .MutualInformation import FixedSamples, MovingField
from .PoseOptimizer import Pose, climb

_TOLERANCE = 1e-5
_EVERY = 2


@dataclass(frozen=True, eq=False)
class PoseSpread:
    """Hold the poses that remain when each eighth of the body is left out of the comparison.

    What all parts of the images have wrong together, such as a distortion of the whole MR, does not show in them.
    """

    without: tuple[Pose, ...]

    @property
    def freedom(self) -> int:
        """Return with how many degrees of freedom the covariances are estimated."""
        return len(self.without) - 1

    def covariances(self, points: np.ndarray) -> np.ndarray:
        """Return the covariances (M, 3, 3) in mm^2 of the error at fixed points (M, 3), LPS millimetres.

        Source: Tukey's jackknife over blocks, Kunsch 1989, doi:10.1214/aos/1176347265.
        """
        mapped = np.stack([pose.apply(points) for pose in self.without])
        offsets = mapped - mapped.mean(axis=0)
        return np.einsum("bni,bnj->nij", offsets, offsets) * (self.freedom / len(self.without))


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
