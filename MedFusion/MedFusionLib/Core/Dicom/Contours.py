"""Planar contours of a mask, and the mask of planar contours, so that one gives back the other."""

from collections.abc import Sequence

import numpy as np


def contoursOfPlane(mask: np.ndarray) -> list[np.ndarray]:
    """Return closed polygons (N, 2) of column and row around the pixels of a 2D mask.

    They pass halfway between the centers of pixels inside and outside. A hole is joined to its outline by a channel of
    no width (a keyhole), as readers of RTSTRUCT expect it.
    """
    from skimage.measure import find_contours

    if not mask.any():
        return []
    found = find_contours(np.pad(mask, 1).astype(float), 0.5, fully_connected="low")
    loops = [_corners(loop[:-1, ::-1] - 1) for loop in found]
    # find_contours keeps the higher values on one side, so outlines and holes turn in opposite ways.
    areas = [_signedArea(loop) for loop in loops]
    outlineSign = np.sign(areas[int(np.argmax(np.abs(areas)))])
    outlines = [loop for loop, area in zip(loops, areas, strict=True) if np.sign(area) == outlineSign]
    for hole in (loop for loop, area in zip(loops, areas, strict=True) if np.sign(area) != outlineSign):
        around = [index for index, outline in enumerate(outlines) if _contains(outline, hole[0])]
        owner = min(around, key=lambda index: abs(_signedArea(outlines[index])))
        outlines[owner] = _keyhole(outlines[owner], hole)
    return outlines


def _corners(loop: np.ndarray) -> np.ndarray:
    """Return a polygon without the vertices that lie on the line between their neighbors."""
    before, after = loop - np.roll(loop, 1, axis=0), np.roll(loop, -1, axis=0) - loop
    turns = np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]) > 1e-9
    return loop[turns]


def _signedArea(loop: np.ndarray) -> float:
    x, y = loop.T
    return float(np.sum(x * np.roll(y, -1) - y * np.roll(x, -1)) / 2)


def _contains(loop: np.ndarray, point: np.ndarray) -> bool:
    """Return whether a point that is on no edge lies in a polygon."""
    x, y = (loop - point).T
    nextX, nextY = np.roll(x, -1), np.roll(y, -1)
    crosses = (y > 0) != (nextY > 0)
    at = x[crosses] - y[crosses] * (nextX - x)[crosses] / (nextY - y)[crosses]
    return bool(np.sum(at > 0) % 2)


def _keyhole(outline: np.ndarray, hole: np.ndarray) -> np.ndarray:
    distances = np.linalg.norm(outline[:, None] - hole[None], axis=2)
    i, j = np.unravel_index(np.argmin(distances), distances.shape)
    inner = np.vstack([np.roll(hole, -j, axis=0), hole[j]])
    return np.vstack([outline[: i + 1], inner, outline[i:]])


def filledContours(contours: Sequence[np.ndarray], shape: tuple[int, int]) -> np.ndarray:
    """Return a 2D mask of the pixels whose centers lie in an odd number of closed polygons (N, 2), column and row.

    So nested contours make holes, and the two edges of a keyhole's channel undo each other.
    """
    rows, columns = shape
    flips = np.zeros((rows, columns + 1), np.int32)
    for contour in contours:
        start, end = np.asarray(contour, float), np.roll(np.asarray(contour, float), -1, axis=0)
        for (x0, y0), (x1, y1) in zip(start.tolist(), end.tolist(), strict=True):
            if y0 == y1:
                continue
            if y0 > y1:
                x0, y0, x1, y1 = x1, y1, x0, y0
            # The lower end belongs to an edge and the upper one does not, so that a vertex counts once.
            crossed = np.arange(max(0, int(np.ceil(y0))), min(rows, int(np.ceil(y1))))
            if not crossed.size:
                continue
            at = np.ceil(x0 + (crossed - y0) * (x1 - x0) / (y1 - y0))
            flips[crossed, np.clip(at, 0, columns).astype(int)] += 1
    return np.cumsum(flips[:, :columns], axis=1) % 2 == 1
