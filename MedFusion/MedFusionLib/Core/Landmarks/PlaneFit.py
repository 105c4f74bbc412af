"""Closed-form fits of landmarks in a plane: pictures have pixels and often no millimeters."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Transforms import TransformModel

# By the number of parameters that each model has in the plane.
_PARAMETERS = {TransformModel.rigid: 3, TransformModel.similarity: 4, TransformModel.affine: 6}
_SMALLEST_SPREAD = 5.0  # pixels; closer points fix no turn


@dataclass(frozen=True, eq=False)
class PlaneFit:
    """Hold the map of fixed points x to matrix @ x + offset, and its residuals, in the points' unit.

    :param residuals: shape (N,).
    :param fle: how far a landmark is off, both images' squares added; None where nothing is left to tell it.
    """

    matrix: np.ndarray
    offset: np.ndarray
    residuals: np.ndarray
    fle: float | None

    @property
    def fre(self) -> float:
        """Return the root mean square of the residuals."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    @property
    def expectedErrorAtCenter(self) -> float | None:
        """Return the RMS of the error to be expected at the landmarks' center (Fitzpatrick et al. 1998)."""
        return None if self.fle is None else self.fle / float(np.sqrt(len(self.residuals)))

    def transform(self, spacing: float) -> sitk.AffineTransform:
        """Return the map for pictures with square pixels of a size, whose first pixel is the origin."""
        transform = sitk.AffineTransform(2)
        transform.SetMatrix(self.matrix.ravel().tolist())
        transform.SetTranslation((self.offset * spacing).tolist())
        return transform


def fitPlane(fixed: np.ndarray, moving: np.ndarray, model: TransformModel) -> PlaneFit:
    """Return the least squares fit of points (N, 2) in pixels.

    :raises ValueError: where the points cannot carry it.

    Source: Umeyama 1991, doi:10.1109/34.88573.
    """
    if model not in _PARAMETERS:
        raise ValueError(f"Pictures are registered rigidly, by a similarity or affinely, not by '{model.value}'.")
    fewest = 3 if model is TransformModel.affine else 2
    if len(fixed) < fewest:
        raise ValueError(f"{len(fixed)} pairs of landmarks are too few; place at least {fewest}, better 4 or more.")
    centers = fixed.mean(axis=0), moving.mean(axis=0)
    first, second = fixed - centers[0], moving - centers[1]
    spreads = [np.linalg.svd(points, compute_uv=False) / np.sqrt(len(points)) for points in (first, second)]
    narrow = min(spread[-1 if model is TransformModel.affine else 0] for spread in spreads)
    if narrow < _SMALLEST_SPREAD:
        raise ValueError(f"The landmarks spread over only {narrow:.1f} pixels; place them farther apart.")
    if model is TransformModel.affine:
        matrix = np.linalg.lstsq(first, second, rcond=None)[0].T
        if np.linalg.det(matrix) <= 0:
            raise ValueError("The landmarks of one picture are the mirror image of the other's; check their names.")
    else:
        matrix = _similarity(first, second, model is TransformModel.similarity)
    offset = centers[1] - matrix @ centers[0]
    residuals = np.linalg.norm(fixed @ matrix.T + offset - moving, axis=1)
    freedom = 1 - _PARAMETERS[model] / (2 * len(fixed))
    fle = float(np.sqrt(np.mean(residuals**2) / freedom)) if freedom > 1e-9 else None
    return PlaneFit(matrix, offset, residuals, fle)


def _similarity(first: np.ndarray, second: np.ndarray, isScaled: bool) -> np.ndarray:
    left, singular, right = np.linalg.svd(second.T @ first)
    signs = np.array([1.0, np.sign(np.linalg.det(left @ right))])
    scale = float(np.sum(singular * signs) / np.sum(first**2)) if isScaled else 1.0
    return scale * left @ np.diag(signs) @ right
