"""How far the pose that two images give may be off, from what its parts and its other optimum say."""

import numpy as np

from ..Images.Transforms import Pose
from ..Progress import Progress, report, subProgress
from .MutualInformation import FixedSamples, MovingField
from .PoseCovariance import PoseCovariance, movedPose, poseDifference, scatterOfPoses
from .PoseOptimizer import climb

# Chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py.
_TOLERANCE = 1e-5
_EVERY = 2
_START_OFFSET_MM = 0.5
_FLOOR_MM = 0.1  # per axis: what the field's gold standards cannot tell
_VOXEL_SHARE = 0.05  # chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py


def imageCovariance(
    samples: FixedSamples,
    moving: MovingField,
    pose: Pose,
    optima: tuple[Pose, Pose],
    voxels: np.ndarray,
    unit: float,
    center: np.ndarray,
    progress: Progress | None = None,
) -> PoseCovariance | None:
    """Return the covariance of a pose that two images give, about a fixed center, or None where nothing tells it.

    It adds up how much the pose changes when each eighth of the body is left out, the squared distance of two optima
    that were sought differently, a share of the voxels of both images, and a floor. What all parts of the images have
    wrong together, such as a distortion of the whole MR, does not show in it.

    :param voxels: shape (2, 3), mm, the size of a fixed and of a moving voxel along each axis.
    """
    without = _posesWithoutEighths(samples, moving, pose, unit, progress)
    if min(found.information for found in without) <= 0:
        return None
    scatter = scatterOfPoses(without, pose, center)
    distance = poseDifference(optima[1], optima[0], center)
    floor = np.zeros((6, 6))
    floor[range(3), range(3)] = _FLOOR_MM**2 + np.sum((_VOXEL_SHARE * voxels) ** 2, axis=0)
    return scatter.plus(np.outer(distance, distance) / 2 + floor)


def _posesWithoutEighths(
    samples: FixedSamples, moving: MovingField, pose: Pose, unit: float, progress: Progress | None
) -> list[Pose]:
    """Return where the samples without each octant lead from a pose moved a little.

    From the same end they would stay in its local maximum, which noise makes, and agree by construction.
    """
    points, bins = samples.points[::_EVERY], samples.bins[::_EVERY]
    octants = (points > np.median(points, axis=0)) @ (1, 2, 4)
    center = points.mean(axis=0)
    radius = np.sqrt(np.mean(np.sum((points - center) ** 2, axis=1)))
    rng, without = np.random.default_rng(0), []
    for octant in range(8):
        share = subProgress(progress, octant / 8, (octant + 1) / 8)
        kept = octants != octant
        rest = FixedSamples(points[kept], bins[kept], samples.binCount)
        offset = rng.normal(size=6) * _START_OFFSET_MM / 3**0.5
        offset[3:] /= radius
        start = movedPose(pose, offset, center)
        without.append(climb(rest, moving, start, unit, False, _TOLERANCE, progress=share))
    report(progress, 1.0, "Compared the parts of the images")
    return without
