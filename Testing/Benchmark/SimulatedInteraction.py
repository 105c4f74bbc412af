"""What a user would draw, simulated from the true outline; every function takes a seeded generator."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import cdist


def longestLine(
    mask: np.ndarray, grid: sitk.Image, generator: np.random.Generator, jitterMm: float, anySlice: bool = False
) -> np.ndarray:
    """Return the longest diameter of a mask in its slice of largest extent, shape (2, 3), LPS millimeters.

    :param jitterMm: standard deviation of each end's displacement along each of the two axes in the slice.
    :param anySlice: any slice with at least 40 % of the largest area instead of the one with the longest diameter.
    """
    spacing = np.array(grid.GetSpacing()[::-1])
    areas = mask.sum(axis=(1, 2))
    if anySlice:
        candidates = [generator.choice(np.flatnonzero(areas >= 0.4 * areas.max()))]
    else:
        candidates = np.flatnonzero(areas >= 0.4 * areas.max())
    best = None
    for position in candidates:
        ends = _farthest(np.argwhere(mask[position]) * spacing[1:])
        length = float(np.linalg.norm(ends[1] - ends[0]))
        if best is None or length > best[0]:
            best = length, position, ends
    _, position, ends = best
    ends = (ends + generator.normal(0, jitterMm, (2, 2))) / spacing[1:]
    index = np.column_stack([np.full(2, position), ends])
    return np.array([grid.TransformContinuousIndexToPhysicalPoint(i[::-1].tolist()) for i in index])


def click(mask: np.ndarray, grid: sitk.Image, generator: np.random.Generator) -> np.ndarray:
    """Return a point somewhere in the inner half (by depth) of a mask's largest component, shape (1, 3), LPS mm."""
    labels, _ = ndimage.label(mask)
    largest = labels == 1 + np.argmax(np.bincount(labels.ravel())[1:])
    depth = ndimage.distance_transform_edt(largest, sampling=grid.GetSpacing()[::-1])
    chosen = generator.permutation(np.argwhere(depth >= 0.5 * depth.max()))[0]
    return np.array([grid.TransformContinuousIndexToPhysicalPoint(chosen[::-1].tolist())])


def correctionStroke(mask: np.ndarray, truth: np.ndarray, grid: sitk.Image) -> tuple[np.ndarray, bool]:
    """Return a stroke through the largest error, points (N, 3) in LPS mm, and whether it is a foreground stroke.

    The stroke runs in the axial slice of the error's largest area, along that area's inner half (by depth).
    """
    spacing = np.array(grid.GetSpacing()[::-1])
    best = None
    for error, foreground in ((truth & ~mask, True), (mask & ~truth, False)):
        labels, count = ndimage.label(error)
        if not count:
            continue
        sizes = np.bincount(labels.ravel())[1:]
        if best is None or sizes.max() > best[0]:
            best = sizes.max(), labels == 1 + np.argmax(sizes), foreground
    _, error, foreground = best
    position = int(np.argmax(error.sum(axis=(1, 2))))
    area = np.pad(error[position], 1)
    depth = ndimage.distance_transform_edt(area, sampling=spacing[1:])[1:-1, 1:-1]
    labels, _ = ndimage.label(depth >= 0.5 * depth.max())
    inner = labels == labels[np.unravel_index(np.argmax(depth), depth.shape)]
    ends = _farthest(np.argwhere(inner) * spacing[1:]) / spacing[1:]
    steps = np.linspace(0, 1, max(int(np.abs(ends[1] - ends[0]).max()) + 1, 2))[:, None]
    index = np.column_stack([np.full(len(steps), position), ends[0] + steps * (ends[1] - ends[0])])
    inside = error[tuple(np.rint(index).astype(int).T)]
    index = index[inside] if inside.any() else np.argwhere(error)[:1].astype(float)
    points = np.array([grid.TransformContinuousIndexToPhysicalPoint(i[::-1].tolist()) for i in index])
    return points, foreground


def _farthest(points: np.ndarray) -> np.ndarray:
    """Return the two points farthest from each other, shape (2, n)."""
    try:
        corners = points[ConvexHull(points).vertices]
    except (QhullError, ValueError):
        corners = points
    distances = cdist(corners, corners)
    return corners[list(np.unravel_index(int(np.argmax(distances)), distances.shape))]


def clickAnywhere(mask: np.ndarray, grid: sitk.Image, generator: np.random.Generator, depth: int = 2) -> np.ndarray:
    """Return any point at least so many voxels inside a mask's slices, shape (1, 3), LPS mm."""
    inner = np.stack([ndimage.binary_erosion(plane, iterations=depth) for plane in mask])
    chosen = generator.permutation(np.argwhere(inner if inner.any() else mask))[0]
    return np.array([grid.TransformContinuousIndexToPhysicalPoint(chosen[::-1].tolist())])
