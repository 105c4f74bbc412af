"""Closed-form fits of landmarks in a plane: pictures have pixels and often no millimeters."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike

from ..Images.Transforms import TransformModel
from ..Verdict import Judgment, Verdict

# By the number of parameters that each model has in the plane.
_PARAMETERS = {TransformModel.rigid: 3, TransformModel.similarity: 4, TransformModel.affine: 6}
_LARGEST_FRE = 0.1  # of the landmarks' distance from their middle; set by hand: careful points reach .02 to .05
_SMALLEST_SPREAD = 5.0  # pixels; closer points fix no turn


@dataclass(frozen=True, eq=False)
class PlaneFit:
    """Hold the map of fixed points x to matrix @ x + offset, and its residuals, in the points' unit.

    :param fixed: the fixed points (N, 2) that it was fitted to.
    :param residuals: shape (N,).
    :param fle: how far a landmark is off, both images' squares added; None where nothing is left to tell it.
    """

    model: TransformModel
    matrix: np.ndarray
    offset: np.ndarray
    fixed: np.ndarray
    residuals: np.ndarray
    fle: float | None

    @property
    def fre(self) -> float:
        """Return the root mean square of the residuals."""
        return float(np.sqrt(np.mean(self.residuals**2)))

    @property
    def freedom(self) -> int:
        """Return the degrees of freedom that the residuals have."""
        return 2 * len(self.fixed) - _PARAMETERS[self.model]

    @property
    def center(self) -> np.ndarray:
        """Return the middle (2,) of the landmarks."""
        return self.fixed.mean(axis=0)

    @property
    def verdict(self) -> Verdict:
        """Return whether the landmarks may be trusted as far as they tell it themselves."""
        if self.fle is None:
            return Verdict(
                Judgment.notConfirmed,
                (f"{len(self.residuals)} landmarks fit exactly, so nothing tells how far they are off; place more.",),
            )
        radius = float(np.sqrt(np.mean(np.sum((self.fixed - self.center) ** 2, axis=1))))
        if self.fre > _LARGEST_FRE * radius:
            return Verdict(
                Judgment.doubtful,
                (
                    f"The landmarks fit each other only to {self.fre:.1f} pixels, and they lie {radius:.0f} pixels "
                    "about their middle; are two exchanged, or do the pictures show different slices?",
                ),
            )
        return Verdict(Judgment.confirmed)

    def expectedError(self, point: ArrayLike) -> float | None:
        """Return the RMS of the error to be expected at a fixed point (2,), None where nothing tells it.

        The sum of what the offset and what turn, scale or shear add; after Fitzpatrick et al. 1998,
        doi:10.1109/42.736021, in the plane.
        """
        if self.fle is None:
            return None
        about, offset = self.fixed - self.center, np.asarray(point, float) - self.center
        if self.model is TransformModel.affine:
            turned = float(offset @ np.linalg.solve(about.T @ about, offset))
        else:
            turned = float(offset @ offset / np.sum(about**2))
            turned *= 0.5 if self.model is TransformModel.rigid else 1.0
        return self.fle * float(np.sqrt(1 / len(self.fixed) + turned))

    def transform(self, spacing: float) -> sitk.AffineTransform:
        """Return the map for single slices with square pixels of a size, whose first pixel is the origin."""
        matrix = np.eye(3)
        matrix[:2, :2] = self.matrix
        transform = sitk.AffineTransform(3)
        transform.SetMatrix(matrix.ravel().tolist())
        transform.SetTranslation((*(self.offset * spacing).tolist(), 0.0))
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
    return PlaneFit(model, matrix, offset, fixed, residuals, fle)


def _similarity(first: np.ndarray, second: np.ndarray, isScaled: bool) -> np.ndarray:
    left, singular, right = np.linalg.svd(second.T @ first)
    signs = np.array([1.0, np.sign(np.linalg.det(left @ right))])
    scale = float(np.sum(singular * signs) / np.sum(first**2)) if isScaled else 1.0
    return scale * left @ np.diag(signs) @ right
