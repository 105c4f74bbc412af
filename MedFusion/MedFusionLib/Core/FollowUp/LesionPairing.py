"""Which lesions of two times are the same: paired where they lie over each other in one frame."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from ..Images.Grids import boxAround, directionOf, emptyImage, pointsAt
from ..Images.Transforms import IDENTITY, transformPoints

# Chosen by reason: finer than the lesions that are paired, and what fits into memory.
_SPACING_MM = 1.0
_MOST_VOXELS = 30_000_000
# Two lesions are one where they share this part of the smaller one.
_LEAST_SHARE = 0.05
# A lesion that lies over none may be moved by the alignment's error, and shrink; it is looked for so near.
_NEAR_MM = 3.0


class LesionFate(Enum):
    """What became of lesions."""

    same = "same"
    new = "new"
    gone = "gone"
    merged = "merged"
    split = "split"
    regrouped = "regrouped"


@dataclass(frozen=True)
class LesionMatch:
    """Lesions of both times that belong together, by their numbers from 1 on."""

    before: tuple[int, ...]
    after: tuple[int, ...]

    @property
    def fate(self) -> LesionFate:
        """Return what became of them."""
        counts = len(self.before), len(self.after)
        if 0 in counts:
            return LesionFate.gone if counts[0] else LesionFate.new
        if counts == (1, 1):
            return LesionFate.same
        if 1 in counts:
            return LesionFate.split if counts[0] == 1 else LesionFate.merged
        return LesionFate.regrouped


def matchLesions(
    before: sitk.Image, after: sitk.Image, transform: sitk.Transform, errorMm: float
) -> tuple[LesionMatch, ...]:
    """Return which lesions belong together, in the order of the first time, new ones at the end.

    :param before: the number of each lesion, 0 elsewhere, LPS mm.
    :param after: so of the second time, in its own frame.
    :param transform: from points of the first frame to points of the second.
    :param errorMm: of that transform.
    """
    grid = _gridOverBoth(before, after, transform)
    first, second = (
        sitk.GetArrayFromImage(sitk.Resample(image, grid, move, sitk.sitkNearestNeighbor))
        for image, move in ((before, IDENTITY), (after, transform))
    )
    counts = int(sitk.GetArrayViewFromImage(before).max()), int(sitk.GetArrayViewFromImage(after).max())
    shared = _overlap(first, second, counts)
    sizes = [
        np.maximum(np.bincount(a.ravel(), minlength=n + 1)[1:], 1) for a, n in zip((first, second), counts, strict=True)
    ]
    linked = shared > _LEAST_SHARE * np.minimum(sizes[0][:, None], sizes[1][None])
    lonely = [np.flatnonzero(~linked.any(axis=1)), np.flatnonzero(~linked.any(axis=0))]
    if len(lonely[0]) and len(lonely[1]):
        near = _overlap(_grown(first, lonely[0], _NEAR_MM + 2 * errorMm, grid), second, counts)
        linked[np.ix_(*lonely)] |= near[np.ix_(*lonely)] > 0
    return _groups(linked)


def _groups(linked: np.ndarray) -> tuple[LesionMatch, ...]:
    """Return the connected groups of a table of links."""
    rows, columns = linked.shape
    table = np.zeros((rows + columns, rows + columns), bool)
    table[:rows, rows:] = linked
    _count, group = connected_components(csr_array(table), directed=False)
    matches = []
    for number in dict.fromkeys(group.tolist()):
        members = np.flatnonzero(group == number)
        before, after = members[members < rows], members[members >= rows] - rows
        matches.append(LesionMatch(tuple((before + 1).tolist()), tuple((after + 1).tolist())))
    return tuple(matches)


def _overlap(first: np.ndarray, second: np.ndarray, counts: tuple[int, int]) -> np.ndarray:
    """Return how many voxels each lesion of one time shares with each of the other."""
    both = (first > 0) & (second > 0)
    found = np.zeros(counts, int)
    np.add.at(found, (first[both].astype(int) - 1, second[both].astype(int) - 1), 1)
    return found


def _grown(labels: np.ndarray, which: np.ndarray, reachMm: float, grid: sitk.Image) -> np.ndarray:
    """Return some lesions (counted from 0) grown by a distance."""
    chosen = np.where(np.isin(labels, which + 1), labels, 0)
    if not chosen.any():
        return chosen
    distances, nearest = ndimage.distance_transform_edt(chosen == 0, grid.GetSpacing()[0], return_indices=True)
    return np.where(distances <= reachMm, chosen[tuple(nearest)], 0)


def _gridOverBoth(before: sitk.Image, after: sitk.Image, transform: sitk.Transform) -> sitk.Image:
    """Return a grid in the first frame that holds the lesions of both times."""
    points = np.concatenate([_corners(before), transformPoints(transform.GetInverse(), _corners(after))])
    axes = directionOf(before)
    low, high = (points @ axes).min(axis=0) - 10, (points @ axes).max(axis=0) + 10
    spacing = max(_SPACING_MM, float(np.cbrt(np.prod(high - low) / _MOST_VOXELS)))
    return emptyImage(np.ceil((high - low) / spacing) + 1, [spacing] * 3, axes @ low, axes)


def _corners(labels: sitk.Image) -> np.ndarray:
    """Return the corners of the box around all lesions, LPS mm."""
    box = boxAround(sitk.GetArrayViewFromImage(labels) > 0)[::-1]
    ends = np.meshgrid(*[(part.start - 0.5, part.stop - 0.5) for part in box], indexing="ij")
    return pointsAt(labels, np.stack(ends, axis=-1).reshape(-1, 3))
