"""Pair landmarks that carry no labels by the shape that they make."""

import itertools

import numpy as np
from scipy.spatial import cKDTree

from ..Images.Transforms import TransformModel
from .LandmarkFit import fitMatrix

# Chosen by hand, on what is not recorded; how many are tried, by time.
MOST_LANDMARKS = 30
_TOLERANCE_MM = 10.0
_SIDE_TOLERANCE_MM = 6.0
_MOST_TRIANGLES = 300
_MOST_HYPOTHESES = 4000
_FEWEST_PAIRS = 4
_AMBIGUOUS_SHARE = 0.85


def pairByGeometry(fixedPoints: np.ndarray, movingPoints: np.ndarray) -> tuple[list[tuple[int, int]], float]:
    """Return index pairs (fixed, moving) that a rigid motion brings together, and their FRE in mm.

    Triangles of like sides propose motions; each motion is judged by how many landmarks it brings within 10 mm of
    another and how close. Raise ValueError where fewer than four match, or where two pairings are about as good.

    :param fixedPoints: shape (N, 3), LPS millimeters, at most 30, as movingPoints.

    Source of the strategy: Fischler and Bolles 1981, doi:10.1145/358669.358692.
    """
    counts = len(fixedPoints), len(movingPoints)
    if max(counts) > MOST_LANDMARKS or min(counts) < _FEWEST_PAIRS:
        raise ValueError(
            f"Automatic pairing needs {_FEWEST_PAIRS} to {MOST_LANDMARKS} landmarks in each image, not {counts[0]} "
            f"and {counts[1]}; pair by label."
        )
    pairings = _distinctPairings(fixedPoints, movingPoints)
    if not pairings or len(pairings[0][1]) < max(_FEWEST_PAIRS, min(counts) / 2):
        raise ValueError("No pairing of the landmarks brings enough of them together; give pairs the same label.")
    score, best, fre = pairings[0]
    if len(pairings) > 1 and pairings[1][0] > _AMBIGUOUS_SHARE * score:
        raise ValueError(
            f"Two pairings fit about equally well ({len(best)} pairs with FRE {fre:.1f} mm, {len(pairings[1][1])} "
            f"pairs with FRE {pairings[1][2]:.1f} mm); give pairs the same label."
        )
    return sorted(best), fre


def _distinctPairings(
    fixedPoints: np.ndarray, movingPoints: np.ndarray
) -> list[tuple[float, frozenset[tuple[int, int]], float]]:
    """Return score, pairs and FRE of the best pairings, the best first."""
    fixedTriangles, movingTriangles = _matchTriangles(fixedPoints, movingPoints)
    if not len(fixedTriangles):
        return []
    matrices, offsets = fitMatrix(fixedPoints[fixedTriangles], movingPoints[movingTriangles], TransformModel.rigid)
    mapped = np.einsum("hij,nj->hni", matrices, fixedPoints) + offsets[:, None]
    squares = np.sum((mapped[:, :, None] - movingPoints) ** 2, axis=3)
    nearest = np.clip(1 - squares.min(axis=2) / _TOLERANCE_MM**2, 0, None).sum(axis=1)
    reverse = np.clip(1 - squares.min(axis=1) / _TOLERANCE_MM**2, 0, None).sum(axis=1)
    found: dict[frozenset[tuple[int, int]], tuple[float, float]] = {}
    for hypothesis in np.argsort(-np.minimum(nearest, reverse))[:100]:
        pairing = _settle(fixedPoints, movingPoints, squares[hypothesis])
        if pairing:
            found[pairing[1]] = pairing[0], pairing[2]
    ranked = sorted(((score, pairs, fre) for pairs, (score, fre) in found.items()), key=lambda item: -item[0])
    if not ranked:  # triangles alike, but no motion of theirs settles
        return []
    # One landmark more or less is the same pairing; another one pairs at least a third of the landmarks differently.
    return [ranked[0]] + [other for other in ranked[1:] if len(other[1] & ranked[0][1]) < 0.67 * len(other[1])][:1]


def _settle(
    fixedPoints: np.ndarray, movingPoints: np.ndarray, squares: np.ndarray
) -> tuple[float, frozenset[tuple[int, int]], float] | None:
    """Return score, pairs and FRE where assignment and fit agree with each other, or None below three pairs."""
    from scipy.optimize import linear_sum_assignment  # slow to load, and only for lists without names

    pairs: frozenset[tuple[int, int]] = frozenset()
    for _ in range(5):
        gains = np.clip(1 - squares / _TOLERANCE_MM**2, 0, None)
        rows, columns = linear_sum_assignment(-gains)
        kept = gains[rows, columns] > 0
        rows, columns = rows[kept], columns[kept]
        if len(rows) < 3:
            return None
        settled = pairs == (pairs := frozenset(zip(rows.tolist(), columns.tolist(), strict=True)))
        if settled:
            break
        matrix, offset = fitMatrix(fixedPoints[rows], movingPoints[columns], TransformModel.rigid)
        mapped = fixedPoints @ matrix.T + offset
        squares = np.sum((mapped[:, None] - movingPoints) ** 2, axis=2)
    return float(gains[rows, columns].sum()), pairs, float(np.sqrt(squares[rows, columns].mean()))


def _matchTriangles(fixedPoints: np.ndarray, movingPoints: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return index triples (H, 3) of fixed and moving landmarks whose three sides are alike."""
    fixedTriples = np.array(list(itertools.combinations(range(len(fixedPoints)), 3)))
    rng = np.random.default_rng(0)
    if len(fixedTriples) > _MOST_TRIANGLES:
        sides = _sides(fixedPoints, fixedTriples)
        large = np.argsort(-sides.min(axis=1))[: 3 * _MOST_TRIANGLES]
        fixedTriples = fixedTriples[rng.choice(large, _MOST_TRIANGLES, replace=False)]
    movingTriples = np.array(list(itertools.permutations(range(len(movingPoints)), 3)))
    tree = cKDTree(_sides(movingPoints, movingTriples))
    matches = tree.query_ball_point(_sides(fixedPoints, fixedTriples), _SIDE_TOLERANCE_MM * np.sqrt(3))
    pairs = np.array([(row, match) for row, found in enumerate(matches) for match in found], int).reshape(-1, 2)
    if len(pairs) > _MOST_HYPOTHESES:
        pairs = pairs[rng.choice(len(pairs), _MOST_HYPOTHESES, replace=False)]
    return fixedTriples[pairs[:, 0]], movingTriples[pairs[:, 1]]


def _sides(points: np.ndarray, triples: np.ndarray) -> np.ndarray:
    corners = points[triples]
    return np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)
