"""Minimum cut on a voxel grid, as a continuous maximum flow."""

import numpy as np

from ..Progress import Progress, report

# Chosen by speed: both change how fast the flow converges, not to what (steps up to 0.16 are stable in 3D).
_PENALTY = 0.3
_STEP = 0.16


def minCut(
    unary: np.ndarray,
    edgeCapacity: np.ndarray,
    start: np.ndarray | None = None,
    iterations: int = 100,
    tolerance: float = 2e-4,
    progress: Progress | None = None,
) -> np.ndarray:
    """Return the minimizer (0 to 1, nearly binary) of the cut's cost; above 0.5 is inside.

    The cost is the total variation of the labeling, weighted by the edge capacity, minus the sum of the unary inside.

    :param unary: evidence for inside minus evidence for outside, array of any three dimensions.
    :param edgeCapacity: cost of a boundary of one voxel face at each voxel.
    :param start: a labeling (0 to 1) to start from.
    :param tolerance: mean change of the labeling per iteration at which the flow has converged.

    Yuan, Bae, Tai 2010, doi:10.1109/CVPR.2010.5539903.
    """
    source = np.maximum(unary, 0).astype(np.float32)
    sink = np.maximum(-unary, 0).astype(np.float32)
    capacity = np.ascontiguousarray(edgeCapacity, np.float32)
    labeling = (source > sink).astype(np.float32) if start is None else start.astype(np.float32)
    sourceFlow = np.minimum(source, sink)
    sinkFlow = sourceFlow.copy()
    flows = [np.zeros_like(source) for _ in range(3)]
    divergence = np.zeros_like(source)
    excess, scratch = np.empty_like(source), np.empty_like(source)
    for iteration in range(iterations):
        report(progress, iteration / iterations, "Cutting the tumor out")
        # excess = div p - ps + pt - u / c
        np.multiply(labeling, -1 / _PENALTY, out=excess)
        excess += divergence
        excess -= sourceFlow
        excess += sinkFlow
        excess *= _STEP
        divergence[...] = 0
        for axis, flow in enumerate(flows):
            inner, lower, upper = _slices(axis)
            flow[inner] += excess[upper]
            flow[inner] -= excess[lower]
            np.minimum(flow, capacity, out=flow)
            np.negative(capacity, out=scratch)
            np.maximum(flow, scratch, out=flow)
            divergence[inner] += flow[inner]
            divergence[upper] -= flow[inner]
        np.multiply(labeling, -1 / _PENALTY, out=scratch)
        scratch += divergence
        np.add(scratch, sinkFlow, out=sourceFlow)
        sourceFlow += 1 / _PENALTY
        np.minimum(sourceFlow, source, out=sourceFlow)
        np.subtract(sourceFlow, scratch, out=sinkFlow)
        np.minimum(sinkFlow, sink, out=sinkFlow)
        np.subtract(divergence, sourceFlow, out=excess)
        excess += sinkFlow
        excess *= _PENALTY
        labeling -= excess
        if iteration % 10 == 9 and float(np.abs(excess, out=excess).mean()) < tolerance:
            break
    return labeling


def _slices(axis: int) -> tuple[tuple[slice, ...], tuple[slice, ...], tuple[slice, ...]]:
    """Return the slices of flow to the next voxel, of the voxels it leaves, and of those it enters."""
    lower = tuple(slice(None, -1) if i == axis else slice(None) for i in range(3))
    upper = tuple(slice(1, None) if i == axis else slice(None) for i in range(3))
    return lower, lower, upper
