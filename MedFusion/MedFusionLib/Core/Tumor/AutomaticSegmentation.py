"""The tumor found without pointing at it, on FLAIR."""

import numpy as np
from scipy import ndimage

from ..Progress import Progress, report, subProgress
from .CutRefinement import refineByCut
from .HalfMaximum import atHalfMaximum
from .HeadSides import HeadSides
from .Outline import Outline
from .TumorEvidence import gradients

# Fitted on 11 of 25 glioma cases (FLAIR of BraTS) by mean Dice; the seed and the voxels by time.
_THRESHOLDS = 16
_SMALLEST_ML = 0.5
_LARGEST_SHARE = 0.35
_LEAST_ASYMMETRY = 1.0
_LEAST_CONTRAST = 1.0
_MOST_AT_SURFACE = 0.25  # of what lies along the mask's surface; 0 to .06 in 26 tumors (DEV), .36 in a piece of scalp
_SURE_CONTRAST, _SURE_ASYMMETRY = 1.6, 0.85  # below: 2 of 2 outlines below .6 and 1 of 17 above .8 (DEV)
_NO_LESION = "No lesion found: nothing in the volume is clearly brighter than the other side of the head."


def outlineAutomatically(sides: HeadSides, progress: Progress | None = None) -> Outline:
    """Return the most lesion-like bright region.

    Brightness and left-right asymmetry together pass a ladder of thresholds; of all components the one that is
    asymmetric, sharply bordered, large, compact and away from the brain's surface is refined by minimum cuts.

    :param sides: of FLAIR, on which edema is bright and fluid dark.
    """
    report(progress, 0.4, "Comparing left and right")
    region, usable, z = sides.region, sides.usable, sides.z
    asymmetry = ndimage.grey_erosion(sides.difference(), size=3)
    evidence = np.where(usable, 0.5 * z + 0.5 * asymmetry, -10).astype(np.float32)
    best = _bestComponent(evidence, z, asymmetry, usable, region.spacing, subProgress(progress, 0.4, 0.8))
    if best is None:
        raise ValueError(_NO_LESION)
    found = refineByCut(region.values, best, usable, region.spacing, progress=subProgress(progress, 0.8, 1.0))
    found = atHalfMaximum(region, found, usable)
    mask, slices = region.onSource(ndimage.gaussian_filter(found.astype(np.float32), 0.6))
    report(progress, 1.0, "Tumor outlined")
    suspicions = _suspicions(found, z, asymmetry, usable, region.spacing)
    return Outline(mask, slices, suspicions=tuple(suspicions))


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
    if atSurface > _MOST_AT_SURFACE:
        return -np.inf
    return float(
        0.95 * np.log(uneven)
        + 0.45 * np.log(contrast)
        + 0.93 * np.log(float(magnitude[border].mean()) + 1e-6)
        + 1.23 * np.log(volumeMl)
        + 0.18 * np.log(compactness)
        - 1.01 * atSurface
        + 0.18 * np.log(float(depth[component].mean()))
    )


def _suspicions(
    found: np.ndarray, z: np.ndarray, asymmetry: np.ndarray, usable: np.ndarray, spacing: float
) -> list[str]:
    """Return what makes the result doubtful unless another method outlines nearly the same."""
    suspicions = []
    shell = ndimage.binary_dilation(found, iterations=max(2, round(6 / spacing))) & ~found & usable
    contrast = float(z[found].mean() - z[shell].mean()) if shell.any() else 0.0
    if contrast < _SURE_CONTRAST or float(asymmetry[found].mean()) < _SURE_ASYMMETRY:
        suspicions.append(
            f"The lesion stands out little (contrast {contrast:.1f}, asymmetry {asymmetry[found].mean():.1f} "
            "standard deviations); check the outline, or draw a line along the longest diameter."
        )
    edge = usable & ~ndimage.binary_erosion(usable, iterations=max(1, round(4 / spacing)))
    if float((found & edge).sum()) > 0.4 * float(found.sum()):
        suspicions.append("The lesion found lies along the surface of the brain mask; check that it is one.")
    return suspicions
