"""Landmarks and images put together: whether they contradict each other, and the pose that both speak for."""

import numpy as np

from ..Images.Transforms import Pose, TransformModel
from ..Landmarks.Distributions import fSurvival
from ..Landmarks.LandmarkEvidence import LandmarkEvidence
from .ImageEvidence import ImageEvidence
from .PoseCovariance import (
    FitError,
    NonRigidError,
    PoseCovariance,
    TargetError,
    covarianceOfFit,
    poseDifference,
    weighedPose,
)

# By convention; the usual error by experience with placed landmarks, not fitted.
_CHANCE = 0.01
_USUAL_FLE_MM = 1.5
_BEND_WEIGHT = 2.0
_USUAL_COUNTS = 4  # as many degrees of freedom the usual error is worth beside what the residuals say


def contradictsImages(evidence: LandmarkEvidence, images: ImageEvidence) -> bool:
    """Return whether the errors of landmarks and images together cannot explain how far apart their poses are."""
    if not evidence.contradicts(images.pose):
        return False
    if images.covariance is None or evidence.errors.model is not TransformModel.rigid:
        return True
    own = rigidCovariance(evidence)
    return chanceOfDistance(evidence.pose, own, images.pose, images.covariance) < _CHANCE


def chanceOfDistance(pose: Pose, covariance: PoseCovariance, other: Pose, otherCovariance: PoseCovariance) -> float:
    """Return how often two estimates of one pose are as far from each other, or farther.

    Source: Hotelling's T squared as an F test, Anderson 2003, ISBN 0-471-36091-0.
    """
    distance = poseDifference(other, pose, covariance.center)
    both = covariance.matrix + otherCovariance.about(covariance.center).matrix
    return float(fSurvival(distance @ np.linalg.solve(both, distance) / 6, 6, covariance.freedom))


def weighEvidence(evidence: LandmarkEvidence, images: ImageEvidence) -> tuple[Pose, TargetError] | None:
    """Return the rigid pose that landmarks and images together make most likely, and how uncertain it is.

    None where nothing tells how uncertain the images are.
    """
    if images.covariance is None:
        return None
    pose, covariance = weighedPose((evidence.pose, rigidCovariance(evidence)), (images.pose, images.covariance))
    return pose, _withBending(covariance, images)


def rigidCovariance(evidence: LandmarkEvidence) -> PoseCovariance:
    """Return how uncertain the landmarks' pose is, were few residuals not to be believed more than experience."""
    freedom = max(evidence.errors.freedom, 0)
    found = 0.0 if evidence.localization is None else evidence.localization.fle
    counts = freedom + _USUAL_COUNTS
    fle = np.sqrt((freedom * found**2 + _USUAL_COUNTS * _USUAL_FLE_MM**2) / counts)
    covariance = covarianceOfFit(evidence.errors, fle)
    return PoseCovariance(covariance.center, covariance.matrix, counts)


def landmarkError(evidence: LandmarkEvidence, images: ImageEvidence | None = None) -> TargetError | None:
    """Return how uncertain the landmarks' own fit is; its distance from the images' pose, if given, is part of it."""
    if evidence.localization is None:
        return None
    fle = evidence.localization.fle
    if evidence.errors.model is not TransformModel.rigid:
        return FitError(evidence.errors, fle, None if images is None else (evidence.pose, images.pose))
    covariance = covarianceOfFit(evidence.errors, fle)
    if images is None:
        return covariance if evidence.scaled is None else NonRigidError(covariance, evidence.pose, (evidence.scaled,))
    if images.covariance is not None:
        covariance = covariance.plus(images.covariance.about(covariance.center).matrix)
    return covariance.plus(_distanceSquare(evidence, images, covariance.center))


def imageError(images: ImageEvidence, evidence: LandmarkEvidence | None = None) -> TargetError | None:
    """Return how uncertain the images' pose is; its distance from landmarks that contradict it is part of it."""
    if images.covariance is None:
        return None
    covariance = images.covariance
    if evidence is not None:
        covariance = covariance.plus(_distanceSquare(evidence, images, covariance.center))
    return _withBending(covariance, images)


def _withBending(covariance: PoseCovariance, images: ImageEvidence) -> TargetError:
    """Return an error to which the larger of what moved and of what a stretch would change is added."""
    if images.moved is not None:
        return NonRigidError(covariance, images.pose, (images.moved,), _BEND_WEIGHT)
    return covariance if images.stretched is None else NonRigidError(covariance, images.pose, (images.stretched,))


def _distanceSquare(evidence: LandmarkEvidence, images: ImageEvidence, center: np.ndarray) -> np.ndarray:
    distance = poseDifference(images.pose, evidence.pose, center)
    return np.outer(distance, distance)
