"""The diameters of one lesion: in the plane it was acquired in, as RANO measures them, and in 3D."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import cdist

from ..Images.Grids import directionOf, indicesAt, pointsAt

# From this ratio of the slices' distance to the next larger voxel edge on, an image was acquired in slices.
_SLICE_RATIO = 1.3
# Planes that lie farther from an axis of the patient are called oblique.
_OBLIQUE_DEGREES = 15.0
_PLANE_NAMES = ("sagittal", "coronal", "axial")
# Of a mask interpolated linearly: what is left of it half a voxel beyond the face of its last voxel.
_TOUCHED = 0.02
_MOST_POINTS = 600
_PAIRS_AT_ONCE = 4000
_FEW_SAMPLES = 9


@dataclass(frozen=True)
class Diameter:
    """A straight line across a lesion, end points in LPS millimeters."""

    start: np.ndarray
    end: np.ndarray

    @property
    def lengthMm(self) -> float:
        """Return the distance of the two ends."""
        return float(np.linalg.norm(np.subtract(self.end, self.start)))


@dataclass(frozen=True)
class MeasuringPlane:
    """The planes of an image that diameters are measured in.

    :param axis: array axis (KJI) along which the slices are stacked.
    :param name: axial, coronal or sagittal, with "oblique" before it where they are tilted by more than 15 degrees.
    """

    axis: int
    name: str


def measuringPlane(grid: sitk.Image) -> MeasuringPlane:
    """Return the plane that an image was acquired in: that of thick slices, else the one nearest to axial."""
    spacing = np.array(grid.GetSpacing())
    directions = np.abs(directionOf(grid))
    thickest = int(np.argmax(spacing))
    if spacing[thickest] >= _SLICE_RATIO * np.delete(spacing, thickest).max():
        axis = thickest
    else:
        axis = int(np.argmax(directions[2]))
    nearest = int(np.argmax(directions[:, axis]))
    tilt = np.degrees(np.arccos(min(float(directions[nearest, axis]), 1.0)))
    name = _PLANE_NAMES[nearest]
    return MeasuringPlane(2 - axis, f"oblique {name}" if tilt > _OBLIQUE_DEGREES else name)


def axialDiameters(mask: np.ndarray, grid: sitk.Image) -> tuple[Diameter, Diameter]:
    """Return the longest diameter in any slice and the longest one perpendicular to it in the same slice.

    Slices are those of `measuringPlane`, mostly axial ones; diameters end at voxel edges and stay within the mask,
    whose hollows in the slice count as inside.

    :param mask: array (KJI) on the grid.
    """
    axis = measuringPlane(grid).axis
    planeAxes = [other for other in range(3) if other != axis]
    spacing = np.array(grid.GetSpacing()[::-1])[planeAxes]
    candidates = []
    for position in np.flatnonzero(mask.any(axis=tuple(planeAxes))).tolist():
        edges = edgePoints(mask.take(position, axis=axis)) * spacing
        candidates.append((*_farthestPair(edges), position, edges))
    candidates.sort(key=lambda candidate: -candidate[2])
    best: tuple[float, int, np.ndarray, np.ndarray] | None = None
    for first, second, length, position, edges in candidates:
        if best is not None and length <= best[0]:
            break
        values = _filled(mask.take(position, axis=axis))
        pair: tuple[np.ndarray, np.ndarray] | None = (first, second)
        if not _staysWithin(values, spacing, first[None], second[None])[0]:
            pair = _longestWithin(values, spacing, edges, 0.0 if best is None else best[0])
        if pair is not None:
            best = float(np.linalg.norm(pair[1] - pair[0])), position, *pair
    assert best is not None, "every slice of a mask has a chord within one of its voxels"
    _, position, first, second = best
    across = _perpendicularChord(_filled(mask.take(position, axis=axis)), spacing, first, second)

    def diameter(start: np.ndarray, end: np.ndarray) -> Diameter:
        index = np.full((2, 3), float(position))
        index[:, planeAxes] = np.array([start, end]) / spacing
        return Diameter(*pointsAt(grid, index[:, ::-1]))

    return diameter(first, second), diameter(*across)


def longestDiameter(mask: np.ndarray, grid: sitk.Image) -> tuple[Diameter, float]:
    """Return the longest straight line between two surface voxels' outer edges, and its share outside of the mask."""
    spacing = np.array(grid.GetSpacing()[::-1])
    first, second, _ = _farthestPair(edgePoints(mask) * spacing)
    longest = Diameter(*pointsAt(grid, (np.array([first, second]) / spacing)[:, ::-1]))
    return longest, shareOutside(longest, mask, grid)


def shareOutside(diameter: Diameter, mask: np.ndarray, grid: sitk.Image) -> float:
    """Return which share of a line lies outside of a mask by more than half a voxel.

    :param mask: array (KJI) on the grid.
    """
    spacing = np.array(grid.GetSpacing()[::-1])
    ends = indicesAt(grid, np.array([diameter.start, diameter.end]))[:, ::-1] * spacing
    values = _along(np.pad(mask.astype(np.float32), 1), spacing, ends[:1], ends[1:])
    return float(np.mean(values <= _TOUCHED))


def _filled(plane: np.ndarray) -> np.ndarray:
    """Return a slice of a mask without hollows, as numbers with an empty voxel around."""
    return np.pad(ndimage.binary_fill_holes(plane).astype(np.float32), 1)


def _along(
    values: np.ndarray, spacing: np.ndarray, first: np.ndarray, second: np.ndarray, count: int | None = None
) -> np.ndarray:
    """Return the values along lines, a row each.

    :param values: array with one voxel of padding.
    :param first: the lines' starts, shape (N, axes), millimeters.
    :param count: how many values; None for steps of no more than half a voxel.
    """
    if count is None:
        longest = float(np.linalg.norm(second - first, axis=1).max())
        count = max(int(np.ceil(2 * longest / spacing.min())), 2) + 1
    steps = np.linspace(0.0, 1.0, count)[None, :, None]
    points = first[:, None] + steps * (second - first)[:, None]
    return ndimage.map_coordinates(values, np.moveaxis(points / spacing + 1, -1, 0), order=1)


def _staysWithin(values: np.ndarray, spacing: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return for each line whether it leaves the mask nowhere by more than half a voxel."""
    return _along(values, spacing, first, second).min(axis=1) > _TOUCHED


def _longestWithin(
    values: np.ndarray, spacing: np.ndarray, edges: np.ndarray, atLeast: float
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return the ends of the longest line within a slice, None if none is longer than asked for."""
    points = edges[:: max(int(np.ceil(len(edges) / _MOST_POINTS)), 1)]
    distances = np.triu(cdist(points, points))
    pairs = np.argwhere(distances > atLeast)
    pairs = pairs[np.argsort(-distances[tuple(pairs.T)], kind="stable")]
    for start in range(0, len(pairs), _PAIRS_AT_ONCE):
        some = pairs[start : start + _PAIRS_AT_ONCE]
        ends = points[some[:, 0]], points[some[:, 1]]
        some = some[_along(values, spacing, *ends, _FEW_SAMPLES).min(axis=1) > _TOUCHED]  # most leave it at once
        if not len(some):
            continue
        within = np.flatnonzero(_staysWithin(values, spacing, points[some[:, 0]], points[some[:, 1]]))
        if len(within):
            first, second = some[within[0]]
            return points[first], points[second]
    return None


def _perpendicularChord(
    values: np.ndarray, spacing: np.ndarray, first: np.ndarray, second: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the longest chord within a slice that is perpendicular to the line first-second (mm)."""
    length = max(float(np.linalg.norm(second - first)), 1e-9)
    along = (second - first) / length
    across = np.array([-along[1], along[0]])
    step = float(spacing.min()) / 4
    reach = float(np.linalg.norm(np.array(values.shape) * spacing))
    places = (np.arange(int(np.ceil(length / step))) + 0.5) * length / np.ceil(length / step)
    offsets = np.arange(-reach, reach + step, step)
    points = first + places[:, None, None] * along + offsets[None, :, None] * across
    inside = ndimage.map_coordinates(values, np.moveaxis(points / spacing + 1, -1, 0), order=1) >= 0.5
    # The length of the run of inside that ends at each sample.
    counts = np.cumsum(inside, axis=1)
    runs = counts - np.maximum.accumulate(np.where(inside, 0, counts), axis=1)
    place, last = np.unravel_index(int(np.argmax(runs)), runs.shape)
    count = max(int(runs[place, last]), 1)
    foot = first + places[place] * along
    return foot + (offsets[last - count + 1] - step / 2) * across, foot + (offsets[last] + step / 2) * across


def edgePoints(mask: np.ndarray) -> np.ndarray:
    """Return the centers of the faces between mask and background, as array indices with halves."""
    points = []
    for axis in range(mask.ndim):
        along = np.moveaxis(mask, axis, 0)
        padded = np.concatenate([np.zeros_like(along[:1]), along, np.zeros_like(along[:1])])
        faces = np.moveaxis(padded[1:] != padded[:-1], 0, axis)
        index = np.argwhere(faces).astype(float)
        index[:, axis] -= 0.5
        points.append(index)
    return np.concatenate(points)


def _farthestPair(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the two points farthest from each other and their distance."""
    try:
        corners = points[ConvexHull(points).vertices]
    except QhullError:
        corners = points
    distances = cdist(corners, corners)
    first, second = np.unravel_index(int(np.argmax(distances)), distances.shape)
    return corners[first], corners[second], float(distances[first, second])
