"""The tumor outlined from strokes, or a present outline corrected by them."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Intensities import robustSpread
from ..Progress import Progress, report, subProgress
from .MinCut import minCut
from .Outline import Outline
from .TumorEvidence import BOUNDARY_COST, HistogramRatio, edgeCapacity, gradients, touching
from .WorkingRegion import WorkingRegion, workingRegion

# Fitted on 11 of 25 glioma cases by mean Dice of simulated strokes.
_CERTAIN = 10.0
_SPREAD_MM = 8.0
_REACH_MM = 22.0
_PRESENT_WEIGHT_MM = 0.5


def outlineFromStrokes(
    image: sitk.Image,
    foreground: np.ndarray,
    background: np.ndarray,
    allowed: sitk.Image | None = None,
    progress: Progress | None = None,
) -> Outline:
    """Return the tumor that strokes point at.

    :param foreground: points of strokes on the tumor, LPS millimeters, shape (N, 3).
    :param background: points of strokes beside it, shape (M, 3), may be empty.

    Boykov, Jolly 2001, doi:10.1109/ICCV.2001.937505.
    """
    if not len(foreground):
        raise ValueError("There is no stroke on the tumor; draw at least one.")
    extent = 0.5 * float(np.linalg.norm(np.ptp(foreground, axis=0)))
    region = workingRegion(image, np.concatenate([foreground, background]), max(0.7 * extent, 15.0))
    inside, outside = _strokes(region, foreground, background)
    usable = _usable(region, allowed)
    values = region.values
    toInside = ndimage.distance_transform_edt(~inside) * region.spacing
    toOutside = ndimage.distance_transform_edt(~outside) * region.spacing if outside.any() else None
    far = usable & ~inside & (toInside > max(0.8 * extent, 10.0))
    around = outside if toOutside is not None and outside.sum() > 20 else outside | far
    compare = HistogramRatio(values, inside | far | outside)
    if toOutside is None:
        prior = np.clip(1 - toInside / max(extent, 10.0), -1.5, 1)
    else:
        prior = (toOutside - toInside) / (toOutside + toInside + 1)
    capacity = edgeCapacity(
        gradients(values, region.spacing), far | outside, BOUNDARY_COST * max(extent, 10) / region.spacing
    )
    stroke, current, labeling = compare.histogram(inside), inside, None
    beside = 0.5 * compare.histogram(around) + 0.5 * compare.histogram(far if far.any() else around)
    for turn in range(3):
        report(progress, turn / 3, "Outlining the tumor from the strokes")
        unary = compare.logRatio(0.4 * stroke + 0.6 * compare.histogram(current), beside) + prior
        np.clip(unary, -5, 5, out=unary)
        unary[~usable | outside] = -_CERTAIN
        unary[inside] = _CERTAIN
        labeling = minCut(unary, capacity, labeling, 100 if turn == 0 else 40)
        current = ndimage.binary_fill_holes(touching(labeling > 0.5, inside)) & ~outside
    mask, slices = region.onSource(ndimage.gaussian_filter(current.astype(np.float32), 0.6))
    report(progress, 1.0, "Tumor outlined")
    return Outline(mask, slices)


def correctOutline(
    image: sitk.Image,
    present: sitk.Image,
    foreground: np.ndarray,
    background: np.ndarray,
    allowed: sitk.Image | None = None,
    progress: Progress | None = None,
) -> Outline:
    """Return a present outline changed near strokes only.

    Each stroke spreads over voxels that are near it and look like it; far from all strokes the outline stays.

    :param present: the outline (not zero inside) on the image's grid.
    :param foreground: points of strokes on missing tumor, LPS millimeters, shape (N, 3), may be empty.
    :param background: points of strokes on what is outlined wrongly, shape (M, 3), may be empty.

    Criminisi, Sharp, Blake 2008, doi:10.1007/978-3-540-88682-2_9 (geodesic influence); Sethian 1996,
    doi:10.1073/pnas.93.4.1591 (fast marching).
    """
    points = np.concatenate([foreground, background])
    if not len(points):
        raise ValueError("There is no stroke to correct the outline with; draw one on what is missing or too much.")
    region = workingRegion(image, points, _REACH_MM, 100_000)
    inside, outside = _strokes(region, foreground, background)
    values = region.values
    outline = region.sampled(sitk.Cast(present != 0, sitk.sitkFloat32))
    was = outline > 0.5
    depth = ndimage.distance_transform_edt(was) - ndimage.distance_transform_edt(~was)
    prior = np.clip(_PRESENT_WEIGHT_MM * depth * region.spacing, -3, 3).astype(np.float32)
    derivatives = gradients(values, region.spacing)
    report(progress, 0.2, "Spreading the strokes")
    toward = _influence(region, values, inside, derivatives)
    away = _influence(region, values, outside, derivatives)
    strongest = np.maximum(toward, away)
    unary = (1 - strongest) * prior + 3 * (toward - away)
    unary[inside], unary[outside] = _CERTAIN, -_CERTAIN
    everywhere = np.ones(values.shape, bool)
    unary[~_usable(region, allowed)] = -_CERTAIN
    cost = BOUNDARY_COST * 20 / region.spacing
    labeling = minCut(
        unary, edgeCapacity(derivatives, everywhere, cost), was, 80, progress=subProgress(progress, 0.4, 0.9)
    )
    now = labeling > 0.5
    now = np.where(strongest > 0.05, now, was)
    labels, count = ndimage.label(now)
    keep = np.bincount(labels.ravel(), minlength=count + 1) > 30
    keep[np.unique(labels[inside | was])] = True
    keep[0] = False
    now = keep[labels]
    change = np.where(now != was, now.astype(np.float32), outline)
    mask, slices = region.onSource(change)
    changed, _ = region.onSource(ndimage.binary_dilation(now != was).astype(np.float32))
    report(progress, 1.0, "Outline corrected")
    whole = sitk.GetArrayFromImage(present) != 0
    whole[slices] = np.where(changed, mask, whole[slices])
    return Outline(whole, tuple(slice(0, n) for n in whole.shape))


def _strokes(region: WorkingRegion, foreground: np.ndarray, background: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the voxels under foreground and background strokes."""
    masks = []
    for points in (foreground, background):
        mask = np.zeros(region.grid.GetSize()[::-1], bool)
        if len(points):
            index = np.rint(region.indices(points)).astype(int)
            index = index[((index >= 0) & (index < mask.shape)).all(axis=1)]
            mask[tuple(index.T)] = True
        masks.append(mask)
    both = masks[0] & masks[1]
    if both.sum() > 0.5 * min(max(masks[0].sum(), 1), max(masks[1].sum(), 1)):
        raise ValueError(
            f"The strokes contradict each other: {int(both.sum())} voxels are marked as tumor and as not tumor; "
            "erase one of the two."
        )
    if not masks[0].any() and not masks[1].any():
        raise ValueError("All strokes lie outside the volume; draw them on the tumor.")
    return masks[0] & ~both, masks[1] & ~both


def _usable(region: WorkingRegion, allowed: sitk.Image | None) -> np.ndarray:
    """Return where a tumor can be in the region."""
    return np.ones(region.grid.GetSize()[::-1], bool) if allowed is None else region.sampled(allowed) > 0.5


def _influence(
    region: WorkingRegion, values: np.ndarray, stroke: np.ndarray, derivatives: list[np.ndarray]
) -> np.ndarray:
    """Return how much a stroke reaches each voxel (0 to 1): far along like intensities, not across edges."""
    if not stroke.any():
        return np.zeros(values.shape, np.float32)
    magnitude = np.sqrt(sum(part * part for part in derivatives))
    texture = float(np.median(magnitude)) + 1e-9
    atStroke = values[stroke]
    spread = max(float(atStroke.std()), 0.5 * robustSpread(values), 1e-6)
    unlike = np.abs(ndimage.gaussian_filter(values, 0.5) - float(np.median(atStroke))) / spread
    edge = np.maximum(magnitude / texture - 1, 0)
    speed = sitk.GetImageFromArray((1 / (1 + 0.12 * unlike**2 + 0.3 * edge)).astype(np.float32))
    speed.SetSpacing([region.spacing] * 3)
    marching = sitk.FastMarchingImageFilter()
    marching.SetTrialPoints([[int(i) for i in index[::-1]] + [0] for index in np.argwhere(stroke)])
    marching.SetStoppingValue(3 * _SPREAD_MM)
    arrival = np.minimum(sitk.GetArrayFromImage(marching.Execute(speed)), 1e4)
    return np.exp(-((arrival / _SPREAD_MM) ** 2)).astype(np.float32)
