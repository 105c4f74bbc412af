"""Landmarks and images put together: whether they contradict each other, and the pose that both speak for."""

import numpy as np
from scipy.stats import f

from ..Images.Transforms import Pose, TransformModel
from ..Landmarks.LandmarkEvidence import LandmarkEvidence
from .ImageEvidence import ImageEvidence
from .PoseCovariance import (
    FitError,
    PoseCovariance,
    StretchedError,
    TargetError,
    covarianceOfFit,
    poseDifference,
    weighedPose,
)

_CHANCE = 0.01
_USUAL_FLE_MM = 1.5
_USUAL_COUNTS = 4  # as many degrees of freedom the usual error is worth beside what the residuals say


def contradictsImages(evidence: LandmarkEvidence, images: ImageEvidence) -> bool:
    """Return whether the errors of landmarks and images together cannot explain how far apart their poses are.

    Source: Hotelling's T squared as an F test, Anderson 2003, ISBN 0-471-36091-0.
    """
    if not evidence.contradicts(images.pose):
        return False
    if images.covariance is None or evidence.errors.model is not TransformModel.rigid:
        return True
    own = _covarianceOf(evidence)
    distance = poseDifference(images.pose, evidence.pose, own.center)
    both = own.matrix + images.covariance.about(own.center).matrix
    return bool(f.sf(distance @ np.linalg.solve(both, distance) / 6, 6, own.freedom) < _CHANCE)


def weighEvidence(evidence: LandmarkEvidence, images: ImageEvidence) -> tuple[Pose, TargetError]:
    """Return the rigid pose that landmarks and images together make most likely, and how uncertain it is."""
    pose, covariance = weighedPose((evidence.pose, _covarianceOf(evidence)), (images.pose, images.covariance))
    return pose, _stretchedError(covariance, images)


def _covarianceOf(evidence: LandmarkEvidence) -> PoseCovariance:
    """Return how uncertain the landmarks' pose is, were few residuals not to be believed more than experience."""
    freedom = max(evidence.errors.freedom, 0)
    found = 0.0 if evidence.localisation is None else evidence.localisation.fle
    counts = freedom + _USUAL_COUNTS
    fle = np.sqrt((freedom * found**2 + _USUAL_COUNTS * _USUAL_FLE_MM**2) / counts)
    covariance = covarianceOfFit(evidence.errors, fle)
    return PoseCovariance(covariance.center, covariance.matrix, counts)


def landmarkError(evidence: LandmarkEvidence, images: ImageEvidence | None = None) -> TargetError | None:
    """Return how uncertain the landmarks' own fit is; its distance from the images' pose, if given, is part of it."""
    if evidence.localisation is None:
        return None
    fle = evidence.localisation.fle
    if evidence.errors.model is not TransformModel.rigid:
        return FitError(evidence.errors, fle, None if images is None else (evidence.pose, images.pose))
    covariance = covarianceOfFit(evidence.errors, fle)
    if images is None:
        return covariance
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
    return _stretchedError(covariance, images)


def _stretchedError(covariance: PoseCovariance, images: ImageEvidence) -> TargetError:
    return covariance if images.stretched is None else StretchedError(covariance, (images.pose, images.stretched))


def _distanceSquare(evidence: LandmarkEvidence, images: ImageEvidence, center: np.ndarray) -> np.ndarray:
    distance = poseDifference(images.pose, evidence.pose, center)
    return np.outer(distance, distance)
