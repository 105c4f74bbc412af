"""The continuous maximum flow against the exact discrete one."""

import unittest

import numpy as np
from MedFusionLib.Core.Progress import Canceled
from MedFusionLib.Core.Tumor.MinCut import minCut
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import breadth_first_order, maximum_flow


def exactCut(unary: np.ndarray, capacity: float) -> np.ndarray:
    """Return the exact minimum cut with one capacity for all neighbors."""
    count, scale = unary.size, 1000
    index = np.arange(count).reshape(unary.shape)
    starts, ends, weights = [], [], []
    for axis in range(3):
        low, high = (np.take(index, range(*span), axis=axis).ravel() for span in ((0, unary.shape[axis] - 1),
                     (1, unary.shape[axis])))  # fmt: skip
        starts += [low, high]
        ends += [high, low]
        weights += [np.full(2 * len(low), int(capacity * scale))]
    cost = (unary.ravel() * scale).astype(int)
    positive, negative = np.flatnonzero(cost > 0), np.flatnonzero(cost < 0)
    starts += [np.full(len(positive), count), negative]
    ends += [positive, np.full(len(negative), count + 1)]
    weights += [cost[positive], -cost[negative]]
    graph = coo_matrix(
        (np.concatenate(weights).astype(np.int32), (np.concatenate(starts), np.concatenate(ends))),
        shape=(count + 2, count + 2),
    ).tocsr()
    rest = graph - maximum_flow(graph, count, count + 1).flow
    rest.data = np.maximum(rest.data, 0)
    rest.eliminate_zeros()
    inside = np.zeros(count + 2, bool)
    inside[breadth_first_order(rest, count, return_predecessors=False)] = True
    return inside[:count].reshape(unary.shape)


class TestMinCut(unittest.TestCase):
    def test_the_cut_agrees_with_the_exact_one(self):
        axes = np.ogrid[-10:10, -10:10, -10:10]
        radius = np.sqrt(sum(axis**2 for axis in axes))
        unary = np.clip((6 - radius) / 4, -1, 1) + np.random.default_rng(0).normal(0, 1.5, radius.shape)
        exact = exactCut(unary, 1.0)
        cut = minCut(unary, np.ones(unary.shape), iterations=200) > 0.5
        self.assertGreater(2 * (cut & exact).sum() / (cut.sum() + exact.sum()), 0.99)

    def test_without_boundary_cost_every_voxel_follows_its_evidence(self):
        unary = np.random.default_rng(1).normal(0, 1, (6, 7, 8))
        np.testing.assert_array_equal(minCut(unary, np.zeros(unary.shape)) > 0.5, unary > 0)

    def test_progress_can_stop_the_cut(self):
        with self.assertRaises(Canceled):
            minCut(np.ones((4, 4, 4)), np.ones((4, 4, 4)), progress=lambda fraction, message: False)


if __name__ == "__main__":
    unittest.main()
