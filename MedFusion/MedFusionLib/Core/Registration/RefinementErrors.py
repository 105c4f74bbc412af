"""How far the pose that two images give may be off, from what its parts and its other optimum say."""

from collections.abc import Sequence

import numpy as np

from ..Images.Transforms import Pose
from ..Progress import Progress, report, subProgress
from .MutualInformation import FixedSamples, MovingField
from .PoseCovariance import PoseCovariance, movedPose, poseDifference, poseSlopes, scatterOfPoses
from .PoseOptimizer import climb

# Chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py.
_TOLERANCE = 1e-5
_EVERY = 2
_START_OFFSET_MM = 0.5
# Chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py.
_FLOOR_MM, _VOXEL_SHARE = 0.06, 0.03  # per axis
_FREEDOM_OF_DISTANCE, _FREEDOM_OF_FLOOR = 2.0, 100.0


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
    # Those were climbed with a part of the samples, which alone scatters them more.
    scatter = scatterOfPoses(without, pose, center).matrix / _EVERY
    difference = poseDifference(optima[1], optima[0], center)
    distance = np.outer(difference, difference) / 2
    floor = np.zeros((6, 6))
    floor[range(3), range(3)] = _FLOOR_MM**2 + np.sum((_VOXEL_SHARE * voxels) ** 2, axis=0)
    terms = (scatter, len(without) - 1), (distance, _FREEDOM_OF_DISTANCE), (floor, _FREEDOM_OF_FLOOR)
    return PoseCovariance(center, scatter + distance + floor, _freedom(terms, samples.points - center))


def partsScatter(samples: FixedSamples, moving: MovingField, pose: Pose, unit: float) -> float:
    """Return how far in mm the parts of the images leave the middle of their samples uncertain."""
    without = _posesWithoutEighths(samples, moving, pose, unit, None)
    scatter = scatterOfPoses(without, pose, samples.center).matrix
    return float(np.sqrt(np.trace(scatter[:3, :3])))


def _freedom(terms: Sequence[tuple[np.ndarray, float]], offsets: np.ndarray) -> float:
    """Return the degrees of freedom of a sum of covariances (6, 6), each with its own, as they move samples (M, 3).

    Source: Welch 1947, doi:10.1093/biomet/34.1-2.28, after Satterthwaite.
    """
    slopes = poseSlopes(offsets)
    moments = np.einsum("nip,niq->pq", slopes, slopes)
    squares = [float(np.sum(moments * matrix)) for matrix, _ in terms]
    return sum(squares) ** 2 / sum(square**2 / freedom for square, (_, freedom) in zip(squares, terms, strict=True))


def _posesWithoutEighths(
    samples: FixedSamples, moving: MovingField, pose: Pose, unit: float, progress: Progress | None
) -> list[Pose]:
    """Return where the samples without each octant lead from a pose moved a little.

    From the same end they would stay in its local maximum, which noise makes, and agree by construction.
    """
    fewer = samples.part(slice(None, None, _EVERY))
    points = fewer.points
    octants = (points > np.median(points, axis=0)) @ (1, 2, 4)
    center = points.mean(axis=0)
    radius = np.sqrt(np.mean(np.sum((points - center) ** 2, axis=1)))
    rng, without = np.random.default_rng(0), []
    for octant in range(8):
        share = subProgress(progress, octant / 8, (octant + 1) / 8)
        rest = fewer.part(octants != octant)
        offset = rng.normal(size=6) * _START_OFFSET_MM / 3**0.5
        offset[3:] /= radius
        start = movedPose(pose, offset, center)
        without.append(climb(rest, moving, start, unit, False, _TOLERANCE, progress=share))
    report(progress, 1.0, "Compared the parts of the images")
    return without
