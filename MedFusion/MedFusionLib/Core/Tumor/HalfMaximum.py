"""An outline's border moved to where brightness lies between inside and outside, judged near each place."""

import numpy as np
from scipy import ndimage

from ..Images.Grids import boxAround
from .CoarseGrid import largestPiece, slicesFilled
from .TumorEvidence import filled, neighbors
from .WorkingRegion import WorkingRegion

# Fitted on the DEV half of Testing/Benchmark/OutlineBenchmark.py by mean Dice of simulated lines.
_SHARES = (0.3, 0.45)
_SLICES_MM = (1.5, 3.0)
_BAND_MM = 4.0
_CLEAR_MM, _SHELL_MM = 3.0, 12.0
_NEAR_MM = 8.0
_SMOOTHING_MM = 0.7


def atHalfMaximum(region: WorkingRegion, mask: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return the mask of a bright lesion with its border within 4 mm moved to where brightness is nearly half.

    A cut weighs the border's length against the voxels' evidence, so it closes bays, fills the gaps between fingers of
    edema, and runs on the outer side of a blurred border. What is bright and what is not is the mean of what lies 3 mm
    inside, and 3 to 12 mm outside, within about 8 mm of each voxel. What lies deeper than 4 mm stays. A lesion darker
    than its surroundings is left as it is.

    Thick slices blur a lesion with what lies beside it, so its border is put at 0.45 of the contrast in slices of 3 mm
    or more and at 0.3, where readers put it who see faint edema, up to 1.5 mm. Shares and distances fitted on the DEV
    half of OutlineBenchmark (.3 to .5, 4 to 8 mm, 5 to 16 mm tried).

    Lankton, Tannenbaum 2008, doi:10.1109/TIP.2008.2004611 (regions compared near each place).

    :param usable: where a tumor can be.
    """
    values, spacing = region.values, region.spacing
    share = float(np.interp(max(region.source.GetSpacing()), _SLICES_MM, _SHARES))
    if not mask.any():
        return mask
    box = boxAround(mask, int(np.ceil((_SHELL_MM + 1) / spacing)))
    part, inside, use = values[box], mask[box], usable[box]
    depth = ndimage.distance_transform_edt(inside) * spacing
    distance = ndimage.distance_transform_edt(~inside) * spacing
    core = inside & (depth > min(_CLEAR_MM, 0.5 * float(depth.max())))
    shell = (distance > _CLEAR_MM) & (distance < _SHELL_MM) & use
    if not shell.any():
        return mask
    low, high = (_meanNear(part, where, spacing) for where in (shell, core))
    if float(np.median((high - low)[inside])) <= 0:
        return mask
    smooth = ndimage.gaussian_filter(part, _SMOOTHING_MM / spacing)
    kept = ((smooth > low + share * (high - low)) & use & (distance < _BAND_MM)) | (depth > _BAND_MM)
    kept = largestPiece(slicesFilled(filled(ndimage.binary_opening(kept, neighbors(kept.shape)))))
    if not (kept & inside).any():
        return mask
    moved = np.zeros_like(mask)
    moved[box] = kept
    return moved


def isSolid(region: WorkingRegion, mask: np.ndarray) -> bool:
    """Return whether a region is at least as bright in the middle as near its border: no ring, no necrosis."""
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1, 1:-1] * region.spacing
    middle = mask & (depth > 0.6 * float(depth.max()))
    rim = mask & (depth > 0.2 * float(depth.max())) & ~middle
    return bool(rim.any() and np.median(region.values[middle]) >= np.median(region.values[rim]))


def _meanNear(values: np.ndarray, where: np.ndarray, spacing: float) -> np.ndarray:
    """Return the mean of the values in a mask near each voxel, their median where the mask is far.

    Normalized convolution: Knutsson, Westin 1993, doi:10.1109/CVPR.1993.341081.
    """
    sigma = _NEAR_MM / spacing
    total = ndimage.gaussian_filter(np.where(where, values, 0).astype(np.float32), sigma, truncate=2.5)
    weight = ndimage.gaussian_filter(where.astype(np.float32), sigma, truncate=2.5)
    return np.where(weight > 1e-3, total / np.maximum(weight, 1e-3), np.median(values[where]))
