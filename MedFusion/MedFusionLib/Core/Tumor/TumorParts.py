"""The parts of a tumor inside its whole outline: enhancing tumor, necrosis or core that does not enhance, edema."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Grids import boxAround
from ..Images.Intensities import robustSpread
from .Segments import Segment, SegmentUnion, TumorTissue

# Fitted by hand on 8 glioma cases with the true whole tumor (T1c), by mean Dice of core and enhancing part.
_NEAR_MM, _FAR_MM = 2.0, 16.0
_DARKEST_SHARE = 25.0
_ENHANCING_SPREADS = 1.0
_ENHANCING_SHARE = 0.25
_FAINT_SPREADS = 2.0  # noise alone passes the threshold, too, but hardly
_DARK_SPREADS = 1.0
_DARK_SMOOTHING_MM = 2.0
_CLOSING_MM = 3.0
_SMALLEST_PIECE_ML = 0.02
_SMALLEST_PART_ML = 0.1
_NECROSIS, _EDEMA, _ENHANCING = 1, 2, 3


def tumorParts(whole: np.ndarray, contrastEnhanced: sitk.Image, allowed: np.ndarray | None) -> np.ndarray | None:
    """Return the parts of a whole tumor (1 necrosis or other core, 2 edema, 3 enhancing; KJI), or None for one part.

    Tissue 2 to 16 mm outside the tumor, without its darkest quarter (fluid), is the reference on T1c. What is brighter
    by a spread, and by a quarter of what the brightest is, enhances. The rest falls into a dark and a bright half, and
    where these differ clearly the dark one is core: so the core of a low-grade tumor is found, too. What the core
    encloses belongs to it. Constants fitted on 8 glioma cases with the true whole tumor.

    :param whole: the whole tumor's mask on the T1c's grid.
    :param contrastEnhanced: T1 after contrast.
    :param allowed: where brain is; None for everywhere.

    Otsu 1979, doi:10.1109/TSMC.1979.4310076 (the halves); the parts: Menze et al. 2015, doi:10.1109/TMI.2014.2377694.
    """
    spacing = np.array(contrastEnhanced.GetSpacing()[::-1])
    box = _boxAround(whole, spacing)
    values = sitk.GetArrayViewFromImage(contrastEnhanced)[box].astype(np.float32)
    inside = whole[box]
    distance = ndimage.distance_transform_edt(~inside, sampling=spacing)
    around = (distance > _NEAR_MM) & (distance <= _FAR_MM)
    if allowed is not None:
        around &= allowed[box]
    if not around.any():
        return None
    smooth = ndimage.gaussian_filter(values, 0.5)
    tissue = smooth[around]
    tissue = tissue[tissue > np.percentile(tissue, _DARKEST_SHARE)]
    if not len(tissue):
        return None
    middle, spread = float(np.median(tissue)), robustSpread(tissue)
    voxelMl = float(np.prod(spacing)) / 1000
    brightest = float(np.percentile(smooth[inside], 98)) - middle
    threshold = middle + max(_ENHANCING_SPREADS * spread, _ENHANCING_SHARE * brightest)
    enhancing = _withoutSpecks(inside & (smooth > threshold), voxelMl)
    isFaint = enhancing.any() and float(np.median(smooth[enhancing])) < middle + _FAINT_SPREADS * spread
    if isFaint or enhancing.sum() * voxelMl < _SMALLEST_PART_ML:
        enhancing[...] = False
    dark = _darkHalf(values, inside & ~enhancing, spacing, _DARK_SPREADS * spread)
    core = _enclosed(_withoutSpecks(enhancing | dark, voxelMl), spacing) & inside
    if core.sum() * voxelMl < _SMALLEST_PART_ML:
        return None
    parts = np.zeros(whole.shape, np.uint8)
    parts[box] = np.where(inside, _EDEMA, 0)
    parts[box][core] = _NECROSIS
    parts[box][enhancing] = _ENHANCING
    return parts


def _boxAround(whole: np.ndarray, spacing: np.ndarray) -> tuple[slice, ...]:
    """Return the tumor's box with its surroundings."""
    reach = np.ceil(_FAR_MM / spacing).astype(int) + 1
    return tuple(
        slice(max(part.start - n, 0), min(part.stop + n, size))
        for part, n, size in zip(boxAround(whole), reach.tolist(), whole.shape, strict=True)
    )


def _withoutSpecks(mask: np.ndarray, voxelMl: float) -> np.ndarray:
    """Return the mask without its smallest pieces."""
    labels, _ = ndimage.label(mask)
    isLarge = np.bincount(labels.ravel()) * voxelMl > _SMALLEST_PIECE_ML
    isLarge[0] = False
    return isLarge[labels]


def _darkHalf(values: np.ndarray, rest: np.ndarray, spacing: np.ndarray, leastDifference: float) -> np.ndarray:
    """Return the darker of two classes of the rest, nothing where they hardly differ."""
    nothing = np.zeros(rest.shape, bool)
    if rest.sum() < 2:
        return nothing
    weight = ndimage.gaussian_filter(rest.astype(np.float32), _DARK_SMOOTHING_MM / spacing)
    blurred = ndimage.gaussian_filter(np.where(rest, values, 0), _DARK_SMOOTHING_MM / spacing)
    smooth = (blurred / np.maximum(weight, 1e-6))[rest]
    if not smooth.max() > smooth.min():
        return nothing
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.Execute(sitk.GetImageFromArray(smooth[None, None].astype(np.float32)))
    isDark = smooth <= otsu.GetThreshold()
    if isDark.all() or not isDark.any() or smooth[~isDark].mean() - smooth[isDark].mean() < leastDifference:
        return nothing
    nothing[rest] = isDark
    return nothing


def _enclosed(core: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Return a core closed by 3 mm, with what it encloses in space or in a slice."""
    reach = [int(np.ceil(_CLOSING_MM / s)) for s in spacing]
    padded = np.pad(core, [(n, n) for n in reach])
    near = ndimage.distance_transform_edt(~padded, sampling=spacing) <= _CLOSING_MM
    filled = ndimage.binary_fill_holes(ndimage.distance_transform_edt(near, sampling=spacing) > _CLOSING_MM)
    filled = filled[tuple(slice(n, -n) for n in reach)] | core
    for position in range(len(filled)):
        filled[position] = ndimage.binary_fill_holes(filled[position])
    return filled


@dataclass(frozen=True)
class LabeledLesions:
    """Labels of all lesions (KJI), what they are, and what the user should know."""

    labels: np.ndarray
    segments: tuple[Segment, ...]
    unions: tuple[SegmentUnion, ...]
    notes: tuple[str, ...]


def labeledLesions(
    masks: list[np.ndarray], contrastEnhanced: sitk.Image | None, allowed: np.ndarray | None
) -> LabeledLesions:
    """Return the lesions' labels, parted where a T1c is given and shows parts.

    :param masks: one per lesion, array (KJI), not overlapping.
    :param allowed: where brain is; None for everywhere.
    """
    labels = np.zeros(masks[0].shape, np.uint8)
    segments: list[Segment] = []
    unions: list[SegmentUnion] = []
    notes: list[str] = []
    for number, mask in enumerate(masks, 1):
        suffix = f" {number}" if len(masks) > 1 else ""
        parts = None
        if contrastEnhanced is not None and mask.any():
            parts = tumorParts(mask, contrastEnhanced, allowed)
            if parts is None:
                notes.append(f"The T1c shows no core and nothing that enhances in the tumor{suffix}; it is not parted.")
        if parts is None:
            value = 3 * number - 2 if contrastEnhanced is not None else number
            labels[mask] = value
            segments.append(Segment(value, f"Tumor{suffix}", TumorTissue.tumor, number))
            continue
        first = 3 * (number - 1)
        labels[mask] = parts[mask] + first
        own, whole = _named(parts, first, suffix, number, notes)
        segments += own
        unions += whole
    return LabeledLesions(labels, tuple(segments), tuple(unions), tuple(notes))


def _named(
    parts: np.ndarray, first: int, suffix: str, number: int, notes: list[str]
) -> tuple[list[Segment], list[SegmentUnion]]:
    """Return a lesion's segments and their unions; a core in which nothing enhances is not called necrosis."""
    necrosis, edema, enhancing = (first + part for part in (_NECROSIS, _EDEMA, _ENHANCING))
    if (parts == _ENHANCING).any():
        dark = Segment(necrosis, f"Necrosis{suffix}", TumorTissue.necrosis, number)
    else:
        dark = Segment(necrosis, f"Non-enhancing core{suffix}", TumorTissue.nonEnhancing, number)
        notes.append(f"Nothing enhances inside the tumor{suffix}; its core is what is dark on T1c.")
    segments = [dark, Segment(edema, f"Edema{suffix}", TumorTissue.edema, number)]
    segments.append(Segment(enhancing, f"Enhancing tumor{suffix}", TumorTissue.enhancing, number))
    segments = [segment for segment in segments if (parts == segment.value - first).any()]
    values = [segment.value for segment in segments]
    core = tuple(value for value in values if value != edema)
    return segments, [
        SegmentUnion(tuple(values), f"Whole tumor{suffix}", TumorTissue.wholeTumor, number),
        SegmentUnion(core, f"Tumor core{suffix}", TumorTissue.core, number),
    ]
