"""How deep a lesion lies below the skull."""

from collections.abc import Callable, Sequence

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import cornerPoints, imagePart, indexRange
from ..Images.Transforms import IDENTITY

# By reason: as far as a tumor at the skull needs to be looked at.
_DEPTH_MARGIN_MM = 20.0


def depthBelowSkull(
    masks: Sequence[tuple[np.ndarray, tuple[slice, ...]]],
    grid: sitk.Image,
    reference: sitk.Image,
    cavityOf: Callable[[sitk.Image], sitk.Image],
) -> np.ndarray:
    """Return the distance to the cavity's edge in millimeters, positive inside, as array on a grid.

    Only a part of the cavity is looked at. Distances below its margin around the grid are right, for nothing nearer
    lies beyond; larger ones may be too large. It is wide enough when each mask's least depth and its middle are right.

    :param masks: each in a box of the grid.
    :param reference: the grid that the distances are measured on.
    :param cavityOf: gives the cavity as a mask on a part of the reference image.
    """
    size, spacing = np.array(reference.GetSize()), np.array(reference.GetSpacing())
    low, high = indexRange(reference, cornerPoints(grid))
    margin = _DEPTH_MARGIN_MM
    while True:
        around = np.ceil(margin / spacing).astype(int)
        start, stop = np.maximum(low - around, 0), np.minimum(high + around, size)
        cavity = cavityOf(imagePart(reference, start, stop))
        depths = valuesOn(sitk.SignedMaurerDistanceMap(cavity, True, False, True), grid)
        farthest = max(max(abs(depths[box][mask].min()), abs(depths[box][middleVoxel(mask)])) for mask, box in masks)
        if farthest + np.linalg.norm(spacing) < margin or (stop - start == size).all():
            return depths
        margin *= 1.5


def middleVoxel(mask: np.ndarray) -> tuple[int, ...]:
    """Return the voxel at a mask's centroid, which may lie outside the mask."""
    return tuple(np.rint(np.argwhere(mask).mean(axis=0)).astype(int))


def valuesOn(image: sitk.Image, grid: sitk.Image, beyond: float = 0.0) -> np.ndarray:
    """Return the image's values on a grid, as array, and another value beyond the image."""
    return sitk.GetArrayFromImage(sitk.Resample(image, grid, IDENTITY, sitk.sitkLinear, beyond, sitk.sitkFloat32))
