"""The tumor found without pointing at it, on FLAIR."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Intensities import robustSpread
from ..Progress import Progress, report, subProgress
from .CutRefinement import refineByCut
from .Outline import Outline
from .TumorEvidence import gradients
from .WorkingRegion import WorkingRegion, workingRegion

# Fitted on 11 of 25 glioma cases (FLAIR of BraTS) by mean Dice; the seed and the voxels by time.
_SPACING_MM = 2.0
_MOST_VOXELS = 600_000
_THRESHOLDS = 16
_SEED = 1
_LEAST_VOXELS = 8  # along each axis of the working grid, for the registration of the mirror image
_SMALLEST_ML = 0.5
_LARGEST_SHARE = 0.35
_LEAST_ASYMMETRY = 1.0
_LEAST_CONTRAST = 1.0
_NO_LESION = "No lesion found: nothing in the volume is clearly brighter than the other side of the head."


def outlineAutomatically(image: sitk.Image, allowed: sitk.Image, progress: Progress | None = None) -> Outline:
    """Return the most lesion-like bright region.

    Brightness and left-right asymmetry together pass a ladder of thresholds; of all components the one that is
    asymmetric, sharply bordered, large, compact and away from the brain's surface is refined by minimum cuts.

    :param image: FLAIR, on which edema is bright and fluid dark.
    :param allowed: where a tumor can be.

    Asymmetry: Joshi et al. 2003, doi:10.1109/TMI.2003.809685 (bilateral comparison); refinement as in CutRefinement.
    """
    report(progress, 0.05, "Finding the midline")
    region = wholeRegion(image, allowed)
    usable = region.sampled(allowed) > 0.5
    checkRegion(usable, region.spacing)
    z = evenedZ(region, usable)
    otherSide = mirrored(z, usable, region.spacing)
    report(progress, 0.4, "Comparing left and right")
    smooth = ndimage.gaussian_filter(np.where(usable, z, 0), 2.0 / region.spacing)
    asymmetry = np.where(usable, smooth - ndimage.gaussian_filter(otherSide, 2.0 / region.spacing), 0)
    asymmetry = ndimage.grey_erosion(asymmetry, size=3)
    evidence = np.where(usable, 0.5 * z + 0.5 * asymmetry, -10).astype(np.float32)
    best = _bestComponent(evidence, z, asymmetry, usable, region.spacing, subProgress(progress, 0.4, 0.8))
    if best is None:
        raise ValueError(_NO_LESION)
    found = refineByCut(region.values, best, usable, region.spacing, progress=subProgress(progress, 0.8, 1.0))
    mask, slices = region.onSource(ndimage.gaussian_filter(found.astype(np.float32), 0.6))
    doubts = _doubts(found, z, asymmetry, usable, region.spacing)
    report(progress, 1.0, "Tumor outlined")
    return Outline(mask, slices, tuple(doubts))


def checkRegion(usable: np.ndarray, spacing: float) -> None:
    """Raise ValueError unless there is enough brain to compare its sides."""
    if usable.sum() * spacing**3 < 50_000 or min(usable.shape) < _LEAST_VOXELS:
        extent = " x ".join(f"{n * spacing:.0f}" for n in usable.shape[::-1])
        volumeMl = usable.sum() * spacing**3 / 1000
        raise ValueError(
            f"Within the mask there are {volumeMl:.0f} ml of the volume in a box of {extent} mm; "
            "the automatic method needs 50 ml and 16 mm each way. Choose a volume that shows the brain, or draw a line."
        )


def wholeRegion(image: sitk.Image, allowed: sitk.Image) -> WorkingRegion:
    """Return the region that holds the mask, at about 2 mm."""
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(sitk.Cast(allowed != 0, sitk.sitkUInt8))
    if not shape.HasLabel(1):
        raise ValueError("The mask in which the tumor is looked for is empty.")
    start, size = np.array(shape.GetBoundingBox(1)[:3]), np.array(shape.GetBoundingBox(1)[3:])
    corners = [allowed.TransformIndexToPhysicalPoint(corner.tolist()) for corner in (start, start + size - 1)]
    return workingRegion(image, np.array(corners), 4.0, _MOST_VOXELS, _SPACING_MM)


def evenedZ(region: WorkingRegion, usable: np.ndarray) -> np.ndarray:
    """Return the image in robust standard deviations from the tissue's median, slow shading taken out."""
    logs = np.log(np.maximum(region.values - float(region.values[usable].min()), 0) + 1e-3 + _scale(region, usable))
    axes = np.ogrid[tuple(slice(-1, 1, complex(0, n)) for n in logs.shape)]
    k, j, i = (np.broadcast_to(axis, logs.shape)[usable] for axis in axes)
    terms = np.stack([np.ones_like(k), k, j, i, k * k, j * j, i * i, k * j, k * i, j * i], axis=1)
    data, step = logs[usable], max(1, int(usable.sum() // 20_000))
    weights = np.ones(len(data[::step]))
    for _ in range(6):
        fitted, *_ = np.linalg.lstsq(terms[::step] * weights[:, None], data[::step] * weights, rcond=None)
        residual = data[::step] - terms[::step] @ fitted
        spread = robustSpread(residual, 0.0) + 1e-6
        weights = 1 / (1 + (residual / (1.5 * spread)) ** 2)
    even = np.exp(data - terms @ fitted)
    middle = float(np.median(even))
    z = np.zeros(logs.shape, np.float32)
    z[usable] = (even - middle) / (robustSpread(even, middle) + 1e-6)
    return np.clip(z, -8, 8)


def _scale(region: WorkingRegion, usable: np.ndarray) -> float:
    """Return a tenth of the typical value, which keeps the logarithm of dark fluid in bounds."""
    return 0.1 * float(np.median(region.values[usable]) - region.values[usable].min())


def mirrored(z: np.ndarray, usable: np.ndarray, spacing: float) -> np.ndarray:
    """Return the left-right mirror image of z, laid over z by a rigid registration."""
    fixed = sitk.GetImageFromArray(np.where(usable, np.clip(z, -3, 3) + 4, 0).astype(np.float32))
    fixed.SetSpacing([spacing] * 3)
    flipped = sitk.GetImageFromArray(np.ascontiguousarray(sitk.GetArrayFromImage(fixed)[:, :, ::-1]))
    flipped.CopyInformation(fixed)
    small, smallFlipped = (
        sitk.BinShrink(sitk.DiscreteGaussian(part, [4.0] * 3), [2, 2, 2]) for part in (fixed, flipped)
    )
    start = sitk.CenteredTransformInitializer(
        small, smallFlipped, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.MOMENTS
    )
    registration = sitk.ImageRegistrationMethod()
    registration.SetMetricAsCorrelation()
    registration.SetMetricSamplingStrategy(registration.REGULAR)
    registration.SetMetricSamplingPercentage(0.3, _SEED)  # without a seed each run would sample other voxels
    registration.SetOptimizerAsRegularStepGradientDescent(1.0, 0.05, 40)
    registration.SetOptimizerScalesFromPhysicalShift()
    registration.SetInterpolator(sitk.sitkLinear)
    registration.SetInitialTransform(start, True)
    registration.Execute(small, smallFlipped)
    values = np.ascontiguousarray(np.where(usable, z, 0)[:, :, ::-1])
    moving = sitk.GetImageFromArray(values)
    moving.CopyInformation(fixed)
    return sitk.GetArrayFromImage(sitk.Resample(moving, fixed, start, sitk.sitkLinear, 0.0))


def _bestComponent(
    evidence: np.ndarray,
    z: np.ndarray,
    asymmetry: np.ndarray,
    usable: np.ndarray,
    spacing: float,
    progress: Progress | None,
) -> np.ndarray | None:
    """Return the component with the best score over all thresholds, or None if none is a lesion."""
    magnitude = np.sqrt(sum(d * d for d in gradients(z, spacing, 1.0)))
    depth = ndimage.distance_transform_edt(usable) * spacing
    total = float(usable.sum())
    best, bestScore = None, -np.inf
    for step, threshold in enumerate(np.linspace(0.5, float(np.percentile(evidence[usable], 99.6)), _THRESHOLDS)):
        report(progress, step / _THRESHOLDS, "Trying thresholds")
        labels, count = ndimage.label(ndimage.binary_opening(evidence > threshold))
        if not count:
            continue
        sizes = np.bincount(labels.ravel())[1:]
        boxes = ndimage.find_objects(labels)
        for label in np.argsort(sizes)[::-1][:4] + 1:
            size = float(sizes[label - 1])
            if size * spacing**3 < 1000 * _SMALLEST_ML or size > _LARGEST_SHARE * total:
                continue
            box = tuple(slice(max(part.start - 4, 0), part.stop + 4) for part in boxes[label - 1])
            component = labels[box] == label
            score = _score(component, z[box], asymmetry[box], magnitude[box], depth[box], usable[box], spacing)
            if score > bestScore:
                best, bestScore = labels == label, score
    return best


def _score(
    component: np.ndarray,
    z: np.ndarray,
    asymmetry: np.ndarray,
    magnitude: np.ndarray,
    depth: np.ndarray,
    usable: np.ndarray,
    spacing: float,
) -> float:
    """Return how much a component looks like a lesion, minus infinity if it cannot be one."""
    border = component & ~ndimage.binary_erosion(component)
    reach = max(2, round(5 / spacing))
    shell = ndimage.binary_dilation(component, iterations=reach) & ~ndimage.binary_dilation(component) & usable
    if not shell.any():
        return -np.inf
    contrast = float(z[component].mean() - z[shell].mean())
    uneven = float(asymmetry[component].mean())
    if uneven < _LEAST_ASYMMETRY or contrast < _LEAST_CONTRAST:
        return -np.inf
    volumeMl = float(component.sum()) * spacing**3 / 1000
    areaCm2 = float(border.sum()) * spacing**2 / 100
    compactness = 36 * np.pi * volumeMl**2 / areaCm2**3
    atSurface = float((component & (depth < 4)).sum() / component.sum())
    return float(
        0.95 * np.log(uneven)
        + 0.45 * np.log(contrast)
        + 0.93 * np.log(float(magnitude[border].mean()) + 1e-6)
        + 1.23 * np.log(volumeMl)
        + 0.18 * np.log(compactness)
        - 1.01 * atSurface
        + 0.18 * np.log(float(depth[component].mean()))
    )


def _doubts(found: np.ndarray, z: np.ndarray, asymmetry: np.ndarray, usable: np.ndarray, spacing: float) -> list[str]:
    """Return what makes the result doubtful."""
    doubts = []
    shell = ndimage.binary_dilation(found, iterations=max(2, round(6 / spacing))) & ~found & usable
    contrast = float(z[found].mean() - z[shell].mean()) if shell.any() else 0.0
    if contrast < 1.6 or float(asymmetry[found].mean()) < 1.2:
        doubts.append(
            f"The lesion stands out little (contrast {contrast:.1f}, asymmetry {asymmetry[found].mean():.1f} "
            "standard deviations); check the outline, or draw a line along the longest diameter."
        )
    edge = usable & ~ndimage.binary_erosion(usable, iterations=max(1, round(4 / spacing)))
    if float((found & edge).sum()) > 0.4 * float(found.sum()):
        doubts.append("The lesion found lies along the surface of the brain mask; check that it is one.")
    return doubts
