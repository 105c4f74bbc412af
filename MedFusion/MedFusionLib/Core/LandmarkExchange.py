"""Recognise landmarks that were placed at each other's positions."""

from dataclasses import dataclass

import numpy as np

from .LandmarkFit import TransformModel, fitMatrix

_CLEAR_SHARE = 0.5
_SMALLEST_GAIN_MM = 1.0


@dataclass(frozen=True)
class Exchange:
    """Hold the labels of two landmarks that look exchanged, and FRE in mm as it is and with them put right."""

    first: str
    second: str
    freBefore: float
    freAfter: float

    @property
    def sentence(self) -> str:
        """Return what a user should know."""
        return (
            f"{self.first} and {self.second} look exchanged: with them put right, FRE falls from "
            f"{self.freBefore:.1f} to {self.freAfter:.1f} mm."
        )


def findExchange(
    labels: tuple[str, ...],
    fixedPoints: np.ndarray,
    movingPoints: np.ndarray,
    model: TransformModel = TransformModel.rigid,
    weights: np.ndarray | None = None,
) -> Exchange | None:
    """Return the two landmarks whose exchange at least halves FRE, or None.

    All transpositions are tried. Splines follow any exchange, so they are judged by their affine part.

    :param fixedPoints: shape (N, 3), LPS millimetres; row i belongs to row i of movingPoints.
    """
    count = len(labels)
    first, second = np.triu_indices(count, 1)
    if count < 4:
        return None
    if model is TransformModel.thinPlateSpline or (model is TransformModel.affine and count < 5):
        model = TransformModel.affine if count > 5 else TransformModel.rigid
    orders = np.tile(np.arange(count), (len(first) + 1, 1))
    rows = np.arange(1, len(first) + 1)
    orders[rows, first], orders[rows, second] = second, first
    candidates = movingPoints[orders]
    fixed = np.broadcast_to(fixedPoints, candidates.shape)
    weights = np.ones(count) if weights is None else weights
    matrices, offsets = fitMatrix(fixed, candidates, model, weights)
    residuals = np.einsum("bij,bnj->bni", matrices, fixed) + offsets[:, None] - candidates
    fre = np.sqrt(np.sum(weights[:, None] * residuals**2, axis=(1, 2)) / weights.sum())
    best = int(np.argmin(fre))
    if best == 0 or fre[best] > _CLEAR_SHARE * fre[0] or fre[0] - fre[best] < _SMALLEST_GAIN_MM:
        return None
    return Exchange(labels[first[best - 1]], labels[second[best - 1]], float(fre[0]), float(fre[best]))
