"""How uncertain a pose is, as one covariance from which the error at every point follows."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.spatial.transform import Rotation

from ..Images.Transforms import Pose
from ..Landmarks.ErrorBounds import SMALLEST_BOUND_MM, expectedLength, lengthBound
from ..Landmarks.LandmarkErrors import ErrorModel


class TargetError(Protocol):
    """What knows the covariance of the error at any point, and with how many degrees of freedom it was estimated."""

    @property
    def freedom(self) -> float:
        """Return the degrees of freedom."""

    def covariances(self, points: np.ndarray) -> np.ndarray:
        """Return the covariances (M, 3, 3) in mm^2 of the error at fixed points (M, 3), LPS millimeters."""


def expectedError(error: TargetError, points: np.ndarray) -> np.ndarray:
    """Return the expected TRE (M,) in mm, as a root mean square, at fixed points (M, 3), LPS millimeters."""
    return expectedLength(error.covariances(np.atleast_2d(points)))


def errorBound(error: TargetError, points: np.ndarray) -> np.ndarray:
    """Return what the TRE (M,) in mm stays below with 95 % probability at fixed points (M, 3), LPS millimeters.

    It is never below 0.3 mm: what could show less, is not known better itself.
    """
    return np.maximum(lengthBound(error.covariances(np.atleast_2d(points)), error.freedom), SMALLEST_BOUND_MM)


@dataclass(frozen=True, eq=False)
class PoseCovariance:
    """Hold the covariance of a rigid pose's error, along the axes of the fixed image.

    :param center: fixed point (3,), LPS millimeters, about which the pose turns.
    :param matrix: shape (6, 6), of the shift in mm and the turn in radians.
    :param freedom: with how many degrees of freedom it was estimated; few make a bound wide.
    """

    center: np.ndarray
    matrix: np.ndarray
    freedom: float

    def covariances(self, points: np.ndarray) -> np.ndarray:
        """Return the covariances (M, 3, 3) in mm^2 of the error at fixed points (M, 3), LPS millimeters."""
        slopes = poseSlopes(points - self.center)
        return np.einsum("nip,pq,njq->nij", slopes, self.matrix, slopes)

    def about(self, center: np.ndarray) -> "PoseCovariance":
        """Return the same uncertainty, told about another center (3,)."""
        change = np.eye(6)
        change[:3] = poseSlopes((center - self.center)[None])[0]
        return PoseCovariance(center, change @ self.matrix @ change.T, self.freedom)

    def plus(self, matrix: np.ndarray) -> "PoseCovariance":
        """Return it with an independent error's covariance (6, 6) about the same center added."""
        return PoseCovariance(self.center, self.matrix + matrix, self.freedom)


@dataclass(frozen=True, eq=False)
class NonRigidError:
    """Know the error of a rigid pose between bodies that differ: how far other poses move a point is added.

    :param others: what fits better with a stretch, at the bone alone, or deep inside the body.
    :param weight: of the squared distances. A rigid pose shows only the mean of a bend, and twice it was found to match
        on the DEV rows of Testing/Benchmark/HonestyBenchmark.py.
    """

    covariance: PoseCovariance
    pose: Pose
    others: tuple[Pose, ...]
    weight: float = 1.0

    @property
    def freedom(self) -> float:
        """Return the degrees of freedom."""
        return self.covariance.freedom

    def covariances(self, points: np.ndarray) -> np.ndarray:
        """Return the covariances (M, 3, 3) in mm^2 of the error at fixed points (M, 3), LPS millimeters."""
        found = self.covariance.covariances(points)
        for other in self.others:
            found = found + self.weight * _distanceSquares(self.pose, other, points)
        return found


@dataclass(frozen=True, eq=False)
class FitError:
    """Know the error of a landmark fit that scales, shears or bends, and of an affine pose near it.

    :param fle: localization error in mm, both images' squares added.
    :param disagreement: the landmarks' pose and the images', where their distance is part of the error.
    """

    model: ErrorModel
    fle: float
    disagreement: tuple[Pose, Pose] | None = None

    @property
    def freedom(self) -> float:
        """Return the degrees of freedom."""
        return max(self.model.freedom, 1)

    def covariances(self, points: np.ndarray) -> np.ndarray:
        """Return the covariances (M, 3, 3) in mm^2 of the error at fixed points (M, 3), LPS millimeters."""
        found = self.fle**2 * self.model.covariances(points)
        if self.disagreement is not None:
            found = found + _distanceSquares(*self.disagreement, points)
        return found


def _distanceSquares(first: Pose, second: Pose, points: np.ndarray) -> np.ndarray:
    distances = first.apply(points) - second.apply(points)
    return np.einsum("ni,nj->nij", distances, distances)


def poseSlopes(offsets: np.ndarray) -> np.ndarray:
    """Return (N, 3, 6): how points at offsets (N, 3) from a pose's center move with its shift and its turn."""
    slopes = np.zeros((len(offsets), 3, 6))
    slopes[:, range(3), range(3)] = 1.0
    x, y, z = offsets.T
    slopes[:, 0, 4], slopes[:, 0, 5] = z, -y
    slopes[:, 1, 3], slopes[:, 1, 5] = -z, x
    slopes[:, 2, 3], slopes[:, 2, 4] = y, -x
    return slopes


def poseDifference(pose: Pose, reference: Pose, center: np.ndarray) -> np.ndarray:
    """Return by what shift (mm) and turn (radians) (6,) about a fixed center a rigid pose differs from a reference."""
    back = reference.matrix.T
    shift = back @ (pose.apply(center) - reference.apply(center))
    return np.concatenate([shift, Rotation.from_matrix(back @ pose.matrix).as_rotvec()])


def movedPose(reference: Pose, difference: np.ndarray, center: np.ndarray) -> Pose:
    """Return the pose that differs from a rigid reference by a shift and a turn (6,) about a fixed center."""
    matrix = reference.matrix @ Rotation.from_rotvec(difference[3:]).as_matrix()
    at = reference.apply(center) + reference.matrix @ difference[:3]
    return Pose(matrix, at - matrix @ center)


def scatterOfPoses(poses: Sequence[Pose], reference: Pose, center: np.ndarray) -> PoseCovariance:
    """Return the covariance of a pose from those that remain without each part of what gave it.

    Source: Tukey's jackknife over blocks, Kunsch 1989, doi:10.1214/aos/1176347265.
    """
    differences = np.stack([poseDifference(pose, reference, center) for pose in poses])
    offsets = differences - differences.mean(axis=0)
    freedom = len(poses) - 1
    return PoseCovariance(center, offsets.T @ offsets * (freedom / len(poses)), freedom)


def covarianceOfFit(model: ErrorModel, fle: float) -> PoseCovariance:
    """Return the covariance of a rigid landmark fit.

    Source: Fitzpatrick, West, Maurer 1998, doi:10.1109/42.736021.
    """
    center = np.average(model.fixedPoints, axis=0, weights=model.weights)
    slopes = poseSlopes(model.fixedPoints - center)
    information = np.einsum("n,nip,niq->pq", model.weights, slopes, slopes)
    return PoseCovariance(center, fle**2 / 3 * np.linalg.inv(information), max(model.freedom, 1))


def weighedPose(first: tuple[Pose, PoseCovariance], second: tuple[Pose, PoseCovariance]) -> tuple[Pose, PoseCovariance]:
    """Return the pose between two independent ones that their covariances make most likely, and its own.

    The degrees of freedom are those of the two, each counted by its share in the result.

    Source: the best linear unbiased estimate, Aitken 1936, doi:10.1017/S0370164600014346.
    """
    (pose, covariance), (otherPose, other) = first, second
    center = covariance.center
    other = other.about(center)
    share = np.linalg.solve(covariance.matrix + other.matrix, covariance.matrix).T
    difference = share @ poseDifference(otherPose, pose, center)
    matrix = share @ other.matrix
    weight = np.trace(share) / 6
    freedom = 1 / ((1 - weight) ** 2 / covariance.freedom + weight**2 / other.freedom)
    return movedPose(pose, difference, center), PoseCovariance(center, (matrix + matrix.T) / 2, freedom)
