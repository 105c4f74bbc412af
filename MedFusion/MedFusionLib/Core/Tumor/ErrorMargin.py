"""A tumor grown at each place by what its registration may be off there."""

from collections.abc import Callable

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Grids import boxAround, pointsAt


def grownByError(mask: np.ndarray, grid: sitk.Image, errorBound: Callable[[np.ndarray], np.ndarray]) -> np.ndarray:
    """Return a mask (k, j, i) with all voxels that lie no farther from it than the error bound at its nearest voxel.

    :param errorBound: gives what the error (M,) in mm stays below at points (M, 3), LPS millimeters.
    """
    if not mask.any():
        return mask
    spacing = np.array(grid.GetSpacing())[::-1]
    surface = np.argwhere(mask & ~ndimage.binary_erosion(mask))
    largest = float(errorBound(pointsAt(grid, surface[:, ::-1])).max())
    box = boxAround(mask, int(np.ceil(largest / spacing.min())) + 1)
    inside = mask[box]
    distance, nearest = ndimage.distance_transform_edt(~inside, sampling=spacing, return_indices=True)
    near = np.argwhere(~inside & (distance <= largest))
    start = np.array([part.start for part in box])
    owners = nearest[:, near[:, 0], near[:, 1], near[:, 2]].T + start
    unique, inverse = np.unique(owners, axis=0, return_inverse=True)
    bounds = errorBound(pointsAt(grid, unique[:, ::-1]))[np.ravel(inverse)]
    reached = near[distance[tuple(near.T)] <= bounds] + start
    grown = mask.copy()
    grown[tuple(reached.T)] = True
    return grown
