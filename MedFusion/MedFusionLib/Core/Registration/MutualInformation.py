"""Mattes mutual information of two images and its gradient, from a fixed set of samples."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

_PAD = 2  # cubic windows reach two bins beyond the range


@dataclass(frozen=True, eq=False)
class FixedSamples:
    """Hold where the fixed image is compared with the moving one.

    :param points: shape (M, 3), LPS millimeters.
    :param bins: shape (M,), the histogram bin of the fixed value at each point.
    :param binCount: how many bins each image has.
    """

    points: np.ndarray
    bins: np.ndarray
    binCount: int

    def part(self, chosen: np.ndarray | slice) -> "FixedSamples":
        """Return some of the samples."""
        return FixedSamples(self.points[chosen], self.bins[chosen], self.binCount)

    @cached_property
    def center(self) -> np.ndarray:
        """Return the mean (3,) of the points."""
        return self.points.mean(axis=0)

    @cached_property
    def offsets(self) -> np.ndarray:
        """Return the points' offsets from their center, (3, M), float32, each coordinate in one piece of memory."""
        return np.ascontiguousarray((self.points - self.center).T, np.float32)

    @cached_property
    def rows(self) -> np.ndarray:
        """Return where (M,) each sample's row of the joint histogram begins."""
        return self.bins * (self.binCount + 2 * _PAD)


@dataclass(frozen=True, eq=False)
class MovingField:
    """Hold a moving image so that values and gradients can be read at any LPS point.

    :param values: shape KJI, float32, in units of histogram bins.
    :param toIndex: shape (3, 4), maps LPS points to continuous indices (i, j, k).
    :param endless: True where the image's outermost values go on for ever, False where nothing is known beyond it.
    """

    values: np.ndarray
    toIndex: np.ndarray
    endless: bool = False


@dataclass(frozen=True, eq=False)
class Similarity:
    """Hold mutual information in nats, its gradient (3, 4) by [matrix | offset], and the share of samples inside."""

    information: float
    gradient: np.ndarray
    inside: float


def interpolate(values: np.ndarray, indices: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return linear values (M,) and their gradients (3, M) of an array KJI at indices (i, j, k) (3, M), all inside."""
    base = indices.astype(np.int32)
    fi, fj, fk = (indices - base).astype(np.float32)
    rowStep, sliceStep = values.shape[2], values.shape[1] * values.shape[2]
    flat = values.ravel()
    at = base[0] + rowStep * base[1] + sliceStep * base[2]
    c000, c100 = flat.take(at), flat.take(at + 1)
    c010, c110 = flat.take(at + rowStep), flat.take(at + (rowStep + 1))
    at += sliceStep
    c001, c101 = flat.take(at), flat.take(at + 1)
    c011, c111 = flat.take(at + rowStep), flat.take(at + (rowStep + 1))
    d00, d10, d01, d11 = c100 - c000, c110 - c010, c101 - c001, c111 - c011
    c00, c10, c01, c11 = c000 + fi * d00, c010 + fi * d10, c001 + fi * d01, c011 + fi * d11
    e0, e1 = c10 - c00, c11 - c01
    c0, c1 = c00 + fj * e0, c01 + fj * e1
    gk = c1 - c0
    g0, g1 = d00 + fj * (d10 - d00), d01 + fj * (d11 - d01)
    return c0 + fk * gk, np.stack([g0 + fk * (g1 - g0), e0 + fk * (e1 - e0), gk])


def mutualInformation(samples: FixedSamples, moving: MovingField, matrix: np.ndarray, offset: np.ndarray) -> Similarity:
    """Return how much the moving image at matrix @ point + offset tells about the fixed image at the point.

    The fixed histogram has box bins, the moving one cubic B-spline Parzen windows.

    Sources: Mattes et al. 2003, doi:10.1109/TMI.2003.809072; Thevenaz and Unser 2000, doi:10.1109/83.887976.
    """
    toIndex = moving.toIndex[:, :3] @ matrix
    shift = toIndex @ samples.center + moving.toIndex[:, :3] @ offset + moving.toIndex[:, 3]
    offsets, rows = samples.offsets, samples.rows
    indices = _mapped(toIndex.astype(np.float32), shift.astype(np.float32), offsets)
    limits = np.array(moving.values.shape[::-1])[:, None] - 1.001
    limits = limits.astype(np.float32)
    isInside = ((indices >= 0) & (indices <= limits)).all(axis=0)
    inside = float(isInside.mean())
    if moving.endless:
        indices = np.clip(indices, 0, limits)
    elif inside < 1:
        indices, offsets, rows = indices[:, isInside], offsets[:, isInside], rows[isInside]
    count = len(rows)
    if inside < 0.05 or count < 100:
        return Similarity(0.0, np.zeros((3, 4)), inside)
    values, gradient = interpolate(moving.values, indices)
    left = values.astype(np.int32)
    weights, slopes = _parzenWindow(values - left)
    first = rows + left + (_PAD - 1)
    information, table = _information(_jointHistogram(first, weights, samples.binCount) / count)
    pull = np.zeros(count, np.float32)
    for tap, slope in enumerate(slopes):
        pull += slope * table.take(first + tap)
    pulled = (gradient * (pull / count)).astype(float)
    byOffset = pulled.sum(axis=1)
    byMatrix = np.einsum("in,jn->ij", pulled, offsets.astype(float)) + np.outer(byOffset, samples.center)
    byIndex = np.column_stack([byMatrix, byOffset])
    return Similarity(information, moving.toIndex[:, :3].T @ byIndex, inside)


def _mapped(matrix: np.ndarray, shift: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Return matrix @ offsets + shift, (3, M).

    Written out: BLAS would start threads for so thin matrices, which cost more than they save, and einsum is slow.
    """
    mapped = np.empty(offsets.shape, np.float32)
    for row, (weights, start) in enumerate(zip(matrix, shift, strict=True)):
        np.multiply(offsets[0], weights[0], out=mapped[row])
        mapped[row] += weights[1] * offsets[1]
        mapped[row] += weights[2] * offsets[2]
        mapped[row] += start
    return mapped


def _parzenWindow(t: np.ndarray) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Return the four cubic B-spline weights of values between bins and their slopes by the value."""
    s = 1.0 - t
    t2, s2 = t * t, s * s
    weights = (s2 * s / 6, 2 / 3 - t2 + t2 * t / 2, 2 / 3 - s2 + s2 * s / 2, t2 * t / 6)
    return weights, (-s2 / 2, -2 * t + 1.5 * t2, 2 * s - 1.5 * s2, t2 / 2)


def _jointHistogram(first: np.ndarray, weights: tuple[np.ndarray, ...], binCount: int) -> np.ndarray:
    joint = np.zeros(binCount * (binCount + 2 * _PAD))
    for tap, weight in enumerate(weights):
        joint += np.bincount(first + tap, weights=weight, minlength=len(joint))
    return joint.reshape(binCount, -1)


def _information(joint: np.ndarray) -> tuple[float, np.ndarray]:
    """Return mutual information and the flat table of its slope by each cell of the joint histogram."""
    tiny = 1e-12
    filled = joint > tiny
    logJoint = np.log(np.where(filled, joint, tiny))
    logMoving = np.log(np.maximum(joint.sum(axis=0), tiny))
    logFixed = np.log(np.maximum(joint.sum(axis=1), tiny))[:, None]
    information = float(np.sum((joint * (logJoint - logMoving - logFixed))[filled]))
    return information, np.where(filled, logJoint - logMoving, 0.0).astype(np.float32).ravel()
