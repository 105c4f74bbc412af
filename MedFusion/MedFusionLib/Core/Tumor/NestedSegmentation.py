"""The parts of a tumor inside its whole outline: core, enhancing tumor, necrosis, edema."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Grids import boxAround
from ..Images.Intensities import robustSpread

_CLOSING_MM = 3.0
_SMALLEST_ENHANCING_ML = 0.1


class TumorPart:
    """The labels of the parts of one tumor, which do not overlap; a further tumor's are three higher."""

    necrosis = 1
    edema = 2
    enhancing = 3


def tumorParts(whole: np.ndarray, contrastEnhanced: sitk.Image, around: np.ndarray) -> np.ndarray | None:
    """Return the parts of a whole tumor as labels (KJI), or None if nothing in it enhances.

    What is clearly brighter than normal tissue on T1c enhances; what that encloses is necrosis, the rest edema. So
    enhancing tumor and necrosis together are the core, which lies in the whole tumor.

    :param whole: the whole tumor's mask on the T1c's grid.
    :param contrastEnhanced: T1 after contrast.
    :param around: mask of normal tissue.
    """
    box = boxAround(whole, 8)
    values = sitk.GetArrayViewFromImage(contrastEnhanced).astype(np.float32)[box]
    inside, normal = whole[box], around[box] & ~whole[box]
    if not normal.any():
        return None
    smooth = ndimage.gaussian_filter(values, 0.5)
    middle = float(np.median(smooth[normal]))
    spread = robustSpread(smooth[normal], middle)
    enhancing = inside & (smooth > middle + 2.0 * spread)
    labels, _ = ndimage.label(enhancing)
    spacing = np.array(contrastEnhanced.GetSpacing()[::-1])
    sizes = np.bincount(labels.ravel()) * float(np.prod(spacing)) / 1000
    sizes[0] = 0
    enhancing = (sizes > 0.02)[labels]
    if enhancing.sum() * np.prod(spacing) / 1000 < _SMALLEST_ENHANCING_ML:
        return None
    reach = int(np.ceil(_CLOSING_MM / spacing.min()))
    near = ndimage.distance_transform_edt(~np.pad(enhancing, reach), sampling=spacing) <= _CLOSING_MM
    closed = ndimage.distance_transform_edt(near, sampling=spacing) > _CLOSING_MM
    core = ndimage.binary_fill_holes(closed)
    core = core[tuple(slice(reach, -reach) for _ in range(3))] | enhancing
    for position in range(core.shape[0]):
        core[position] = ndimage.binary_fill_holes(core[position])
    core &= inside
    parts = np.zeros(whole.shape, np.uint8)
    parts[box] = np.where(inside, TumorPart.edema, 0)
    parts[box][core] = TumorPart.necrosis
    parts[box][enhancing] = TumorPart.enhancing
    return parts
