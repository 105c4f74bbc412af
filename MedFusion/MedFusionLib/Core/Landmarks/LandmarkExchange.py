"""Recognize landmarks that were placed at each other's positions."""

from dataclasses import dataclass

import numpy as np

from ..Images.Transforms import TransformModel
from .LandmarkFit import fitMatrix

# Chosen by hand: an exchange must explain half of the residual and more than placing errors.
_CLEAR_SHARE = 0.5
_SMALLEST_GAIN_MM = 1.0


@dataclass(frozen=True)
class Exchange:
    """Hold the labels of two landmarks that look exchanged, and FRE in mm as it is and with them put right.

    :param model: what was fitted to judge it; models that bend or scale follow an exchange and hide it.
    """

    first: str
    second: str
    freBefore: float
    freAfter: float
    model: TransformModel = TransformModel.rigid

    @property
    def sentence(self) -> str:
        """Return what a user should know."""
        return (
            f"{self.first} and {self.second} look exchanged: with them put right, FRE of a {self.model.value} fit "
            f"falls from {self.freBefore:.1f} to {self.freAfter:.1f} mm."
        )


def findExchange(
    labels: tuple[str, ...],
    fixedPoints: np.ndarray,
    movingPoints: np.ndarray,
    model: TransformModel = TransformModel.rigid,
    weights: np.ndarray | None = None,
) -> Exchange | None:
    """Return the two landmarks whose exchange at least halves FRE, or None.

    All transpositions are tried with a rigid fit, then, for the other models, with a similarity.

    :param fixedPoints: shape (N, 3), LPS millimeters; row i belongs to row i of movingPoints.
    """
    if len(labels) < 4:
        return None
    weights = np.ones(len(labels)) if weights is None else weights
    judges = (TransformModel.rigid, TransformModel.similarity)[: 1 if model is TransformModel.rigid else 2]
    found = (_judge(labels, fixedPoints, movingPoints, judge, weights) for judge in judges)
    return next((exchange for exchange in found if exchange), None)


def _judge(
    labels: tuple[str, ...],
    fixedPoints: np.ndarray,
    movingPoints: np.ndarray,
    model: TransformModel,
    weights: np.ndarray,
) -> Exchange | None:
    count = len(labels)
    first, second = np.triu_indices(count, 1)
    orders = np.tile(np.arange(count), (len(first) + 1, 1))
    rows = np.arange(1, len(first) + 1)
    orders[rows, first], orders[rows, second] = second, first
    candidates = movingPoints[orders]
    fixed = np.broadcast_to(fixedPoints, candidates.shape)
    matrices, offsets = fitMatrix(fixed, candidates, model, weights)
    residuals = np.einsum("bij,bnj->bni", matrices, fixed) + offsets[:, None] - candidates
    fre = np.sqrt(np.sum(weights[:, None] * residuals**2, axis=(1, 2)) / weights.sum())
    best = int(np.argmin(fre))
    if best == 0 or fre[best] > _CLEAR_SHARE * fre[0] or fre[0] - fre[best] < _SMALLEST_GAIN_MM:
        return None
    return Exchange(labels[first[best - 1]], labels[second[best - 1]], float(fre[0]), float(fre[best]), model)
