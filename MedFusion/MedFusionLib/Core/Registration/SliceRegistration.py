"""Landmark registration of two single slices, such as pictures: it stays in their planes."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import directionOf
from ..Images.Transforms import TransformModel, matrixTransform
from ..Landmarks.LandmarkPairing import PairedLandmarks
from ..Landmarks.PlaneFit import PlaneFit, fitPlane
from .RegistrationResult import RegistrationResult

_IN_PLANE = (
    "Both volumes are single slices and were registered in their plane; what lies before and behind it is not known."
)


@dataclass(frozen=True, eq=False)
class PlaneError:
    """Know the error of a fit in the plane at any point of it.

    :param axes: (3, 3), the columns are the fixed slice's axes; nothing is known along the third.
    """

    fit: PlaneFit
    axes: np.ndarray
    origin: np.ndarray

    @property
    def freedom(self) -> float:
        """Return the degrees of freedom."""
        return max(self.fit.freedom, 1)

    def covariances(self, points: np.ndarray) -> np.ndarray:
        """Return the covariances (M, 3, 3) in mm^2 of the error at fixed points (M, 3), LPS millimeters."""
        places = ((np.asarray(points, float) - self.origin) @ self.axes)[:, :2]
        squares = np.array([(self.fit.expectedError(place) or 0.0) ** 2 / 2 for place in places])
        plane = self.axes[:, :2] @ self.axes[:, :2].T
        return squares[:, None, None] * plane


def isSingleSlice(image: sitk.Image) -> bool:
    """Return whether an image has one slice only."""
    return image.GetSize()[2] == 1


def registerSlices(
    pairs: PairedLandmarks, model: TransformModel, fixedImage: sitk.Image, movingImage: sitk.Image
) -> RegistrationResult:
    """Return the transform in the plane that brings landmarks of one slice to those of the other.

    :raises ValueError: where the landmarks cannot carry it.
    """
    (fixedAxes, fixedOrigin), (movingAxes, movingOrigin) = (
        (directionOf(image), np.array(image.GetOrigin())) for image in (fixedImage, movingImage)
    )
    fixed = ((pairs.fixedPoints - fixedOrigin) @ fixedAxes)[:, :2]
    moving = ((pairs.movingPoints - movingOrigin) @ movingAxes)[:, :2]
    fit = fitPlane(fixed, moving, model)
    inPlane, shift = np.eye(3), np.zeros(3)
    inPlane[:2, :2], shift[:2] = fit.matrix, fit.offset
    matrix = movingAxes @ inPlane @ fixedAxes.T
    offset = movingOrigin + movingAxes @ shift - matrix @ fixedOrigin
    kind = TransformModel.rigid if model is TransformModel.rigid else TransformModel.affine  # nothing scales across it
    return RegistrationResult(
        transform=matrixTransform(matrix, offset, pairs.fixedPoints.mean(axis=0), kind),
        model=model,
        pairs=pairs,
        error=None if fit.fle is None else PlaneError(fit, fixedAxes, fixedOrigin),
        verdict=fit.verdict,
        warnings=(*fit.verdict.reasons, *pairs.notes, _IN_PLANE),
    )
