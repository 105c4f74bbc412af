"""The surface on which a field of values passes a level, as triangles."""

import itertools

import numpy as np

# The six tetrahedra of a cube along its diagonal, which fit those of the neighboring cubes; corners as KJI steps.
_TETRAHEDRA = np.array(
    [
        [[0, 0, 0], np.eye(3, dtype=int)[first], np.eye(3, dtype=int)[[first, second]].sum(axis=0), [1, 1, 1]]
        for first, second, _third in itertools.permutations(range(3))
    ]
)


def isoSurface(values: np.ndarray, level: float, spacing: np.ndarray) -> np.ndarray:
    """Return the triangles between values above and below a level, corners in millimeters, shape (N, 3, 3).

    The triangles turn the same way round, seen from where the values are above the level.

    :param values: KJI array; it is below the level along its rim.
    :param spacing: KJI millimeters.

    Marching tetrahedra: Doi, Koide 1991, "An efficient method of triangulating equi-valued surfaces by using
    tetrahedral cells", IEICE Transactions E74(1).
    """
    above = values > level
    size = np.array(values.shape) - 1
    steps = list(itertools.product((0, 1), repeat=3))
    count = sum(
        above[tuple(slice(start, start + length) for start, length in zip(step, size, strict=True))].astype(np.uint8)
        for step in steps
    )
    cells = np.argwhere((count > 0) & (count < len(steps)))
    corners = (cells[:, None, None] + _TETRAHEDRA).reshape(-1, 4, 3)
    heights = values[tuple(np.moveaxis(corners, -1, 0))].astype(float) - level
    inside = (heights > 0).sum(axis=1)
    order = np.argsort(heights <= 0, axis=1, kind="stable")  # corners above the level come first
    corners = np.take_along_axis(corners, order[..., None], axis=1) * spacing
    heights = np.take_along_axis(heights, order, axis=1)

    def crossing(chosen: np.ndarray, first: int, second: int) -> np.ndarray:
        a, b = heights[chosen, first, None], heights[chosen, second, None]
        return corners[chosen, first] + (corners[chosen, second] - corners[chosen, first]) * (a / (a - b))

    parts = []
    for number, triangles in (
        (1, (((0, 1), (0, 2), (0, 3)),)),
        (2, (((0, 2), (0, 3), (1, 3)), ((0, 2), (1, 3), (1, 2)))),
        (3, (((0, 3), (1, 3), (2, 3)),)),
    ):
        chosen = inside == number
        for edges in triangles:
            points = np.stack([crossing(chosen, *edge) for edge in edges], axis=1)
            parts.append(_turned(points, corners[chosen, 0]))
    return np.concatenate(parts)


def _turned(triangles: np.ndarray, insidePoints: np.ndarray) -> np.ndarray:
    """Return triangles with their corners in the order in which their normal leads away from a point inside."""
    normals = np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
    isInward = np.einsum("ij,ij->i", normals, insidePoints - triangles[:, 0]) > 0
    return np.where(isInward[:, None, None], triangles[:, ::-1], triangles)


def surfaceArea(triangles: np.ndarray) -> float:
    """Return the area of triangles in square millimeters."""
    return float(np.linalg.norm(_crossProducts(triangles), axis=1).sum()) / 2


def enclosedVolume(triangles: np.ndarray) -> float:
    """Return the volume in a closed surface of triangles in cubic millimeters."""
    return float(np.einsum("ij,ij->i", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])).sum()) / 6


def _crossProducts(triangles: np.ndarray) -> np.ndarray:
    return np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0])
