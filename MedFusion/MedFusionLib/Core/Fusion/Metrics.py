"""Score a fused image or volume against its sources."""

import math
from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Voxels import everyNth
from ..Progress import Progress, report, subProgress
from . import Scores as scores
from .Inputs import scalesFromSamples
from .Settings import FusionMethod, FusionSettings

_MOST_SAMPLES = 2**25  # voxels that tell the intensity scales; more take memory and change nothing

TASK_MEANINGS = {
    "Bone": "Fused over CT gray level, mean over bright bone (1 is best: bone as bright as in the CT).",
    "Soft": "Local correlation with the MRI in soft tissue away from bone (1 is best: tissue as in the MRI).",
    "Overshoot": "Percent of head pixels darker or brighter than both sources (0 is best: nothing invented).",
    "Dimmed": "Percent of what is bright in the MRI alone that lost over 30 % of it (0 is best: no hollow lesions).",
}
METRIC_MEANINGS = {
    **TASK_MEANINGS,
    "QABF": "Share of the sources' edges (strength and direction) that the fused image keeps (0 to 1, more is better).",
    "QW": "Local similarity to the source with more structure at each place (up to 1, more is better).",
    "SCD": "How well what the fused image adds to one source is explained by the other (up to 2; overshoot games it).",
    "QCB": "How well the local contrast that the eye sees in the sources is kept (0 to 1, more is better).",
    "MI": "Mutual information with both sources, in bits (rewards copying one source).",
    "QMI": "Mutual information relative to the images' own entropies (rewards copying one source).",
    "FMI": "Mutual information of wavelet features in small windows (rewards copying one source).",
    "VIF": "Visual information of both sources found in the fused image (rewards copying one source).",
    "SSIM": "Structural similarity to CT plus structural similarity to MRI (up to 2; rewards averaging).",
    "EN": "Entropy of the gray levels, in bits (rewards noise).",
    "SD": "Standard deviation of the gray levels (rewards contrast of any origin).",
    "SF": "Spatial frequency, the mean step between neighbors (rewards noise).",
    "AG": "Average gradient (rewards noise).",
}


def fusionMetrics(ct: np.ndarray, mri: np.ndarray, fused: np.ndarray) -> dict[str, float]:
    """Return the scores of one fused 2D image, by the names of METRIC_MEANINGS.

    A task measure that has nothing to measure (Bone without bone) is NaN.

    :param ct: 2D, 0 to 255; mri and fused likewise.
    """
    a, b, f = _checked(ct, mri, fused)
    dx, dy = np.diff(f, axis=1), np.diff(f, axis=0)
    slopeY, slopeX = np.gradient(f)
    return {
        **taskMeasures(a, b, f),
        "QABF": scores.edgeTransfer(a, b, f),
        "QW": scores.weightedQuality(a, b, f),
        "SCD": scores.sumOfDifferenceCorrelations(a, b, f),
        "QCB": scores.contrastPreservation(a, b, f),
        "MI": scores.mutualInformation(a, f) + scores.mutualInformation(b, f),
        "QMI": scores.normalizedMutualInformation(a, b, f),
        "FMI": scores.featureMutualInformation(a, b, f),
        "VIF": scores.visualInformation(a, f) + scores.visualInformation(b, f),
        "SSIM": float(scores.similarityMap(a, f).mean() + scores.similarityMap(b, f).mean()),
        "EN": scores.entropy(f),
        "SD": float(f.std()),
        "SF": float(np.sqrt((dx**2).mean() + (dy**2).mean())),
        "AG": float(np.sqrt((slopeX**2 + slopeY**2) / 2).mean()),
    }


def taskMeasures(ct: np.ndarray, mri: np.ndarray, fused: np.ndarray) -> dict[str, float]:
    """Return the scores of TASK_MEANINGS, what a reader of the picture is served by; see fusionMetrics."""
    ct, mri, fused = _checked(ct, mri, fused)
    head = ndimage.binary_fill_holes(ndimage.binary_opening((ct > 25) | (mri > 25), iterations=2))
    bone = ct >= 200
    awayFromBone = ~ndimage.binary_dilation(bone, iterations=3)

    def blur(image: np.ndarray) -> np.ndarray:
        return ndimage.gaussian_filter(image, 1.5, radius=3)

    meanF, meanM = blur(fused), blur(mri)
    varianceF = blur(fused * fused) - meanF * meanF
    varianceM = blur(mri * mri) - meanM * meanM
    covariance = blur(fused * mri) - meanF * meanM
    soft = ndimage.binary_erosion(head, iterations=3) & awayFromBone & (mri > 20) & (varianceM > 4)
    correlation = covariance / np.sqrt(np.maximum(varianceF, 0) * varianceM.clip(0) + 1)
    outside = (fused < np.minimum(ct, mri) - 13) | (fused > np.maximum(ct, mri) + 13)
    bright = head & awayFromBone & (mri - ct > 50)
    dimmed = fused - ct < 0.7 * (mri - ct)
    return {
        "Bone": float((fused[bone] / ct[bone]).mean()) if bone.any() else float("nan"),
        "Soft": float(correlation[soft].mean()) if soft.any() else float("nan"),
        "Overshoot": float(100 * outside[head].mean()) if head.any() else float("nan"),
        "Dimmed": float(100 * dimmed[bright].mean()) if bright.any() else float("nan"),
    }


def _checked(*images: np.ndarray) -> tuple[np.ndarray, ...]:
    a, b, f = (np.asarray(image, float) for image in images)
    if a.ndim != 2 or a.shape != b.shape or a.shape != f.shape:
        raise ValueError(f"Metrics need three 2D images of one size; they are {a.shape}, {b.shape} and {f.shape}.")
    if min(a.shape) < 32:
        raise ValueError(f"Metrics need images of at least 32x32 pixels; these have {a.shape[1]}x{a.shape[0]}.")
    if not all(np.isfinite(image).all() and image.min() >= 0 and image.max() <= 255 for image in (a, b, f)):
        raise ValueError("Metrics need gray levels from 0 to 255; window the images first.")
    return a, b, f


def volumeFusionMetrics(
    ct: sitk.Image,
    mri: sitk.Image,
    fused: sitk.Image,
    settings: FusionSettings | None = None,
    progress: Progress | None = None,
    mostSlices: int = 4,
    full: bool = True,
) -> dict[str, float]:
    """Return the scores of a fused volume: the mean over evenly spread slices that show at least 5 % head.

    All three come to 0..255 the way the fusion saw them: CT and fused volume through the display window of the
    fusion, the MRI through its scaling into that window.

    :param ct: in its own units; mri and fused on the same grid. NaN is air.
    :param settings: those of the fusion.
    :param mostSlices: how many slices are scored at most; a slice of 256x256 takes about half a second.
    :param full: all measures; the task measures alone, which are far faster, if False.
    """
    return _mean(_shownSlices(ct, mri, fused, settings or FusionSettings(), mostSlices), full, progress)


def scoreTable(
    ct: sitk.Image,
    mri: sitk.Image,
    fused: sitk.Image,
    settings: FusionSettings | None = None,
    progress: Progress | None = None,
    full: bool = False,
) -> dict[str, dict[str, float]]:
    """Return the scores of a fused volume and of the plain copies beside, under fused, copy_ct and copy_mri.

    Empty for a color fusion, which has no single gray level to score. A fusion has earned a score only where it beats
    both copies.

    :param full: all measures instead of the task measures alone.
    """
    if fused.GetNumberOfComponentsPerPixel() > 1:
        return {}
    shown = _shownSlices(ct, mri, fused, settings or FusionSettings())
    table = {
        "fused": _mean(shown, full, subProgress(progress, 0.0, 0.4)),
        "copy_ct": _mean([(ct, mri, ct) for ct, mri, _ in shown], full, subProgress(progress, 0.4, 0.7)),
        "copy_mri": _mean([(ct, mri, mri) for ct, mri, _ in shown], full, subProgress(progress, 0.7, 1.0)),
    }
    return {column: {name: value for name, value in row.items() if np.isfinite(value)} for column, row in table.items()}


_Slices = list[tuple[np.ndarray, np.ndarray, np.ndarray]]


def _shownSlices(
    ct: sitk.Image, mri: sitk.Image, fused: sitk.Image, settings: FusionSettings, mostSlices: int = 4
) -> _Slices:
    """Return CT, MRI and fused volume as they look in the fusion's display window, 0 to 255, in the slices to score.

    Only single slices are brought there: whole volumes would need several times their own memory.
    """
    # The MRI is held against as it is, not with what the selective method takes off its brightest tissue.
    settings = replace(settings, method=FusionMethod.maximum)
    step = max(1, math.ceil((ct.GetNumberOfPixels() / _MOST_SAMPLES) ** (1 / 3)))
    scales = scalesFromSamples(everyNth(ct, step), [everyNth(mri, step)], settings)
    low, high = scales.window

    def plane(image: sitk.Image, k: int) -> np.ndarray:
        return sitk.GetArrayFromImage(image[:, :, k]).astype(np.float32, copy=False)

    def shown(values: np.ndarray) -> np.ndarray:
        return np.clip((np.nan_to_num(values, nan=low) - low) * (255 / (high - low)), 0, 255)

    def shownCt(k: int) -> np.ndarray:
        return shown(plane(ct, k))

    def shownMri(k: int) -> np.ndarray:
        return shown(scales.moving[0].onto(plane(mri, k), 0.0, 1.0))

    filled = [k for k in range(ct.GetDepth()) if np.mean((shownCt(k) > 25) | (shownMri(k) > 25)) > 0.05]
    if not filled:
        raise ValueError("No slice shows the head, so the fusion cannot be scored; check that the volumes overlap.")
    chosen = [filled[i] for i in np.unique(np.linspace(0, len(filled) - 1, mostSlices).round().astype(int))]
    return [(shownCt(k), shownMri(k), shown(plane(fused, k))) for k in chosen]


def _mean(slices: _Slices, full: bool, progress: Progress | None) -> dict[str, float]:
    """Return the mean of the slices' scores, those left out that have nothing to measure."""
    results = []
    for count, planes in enumerate(slices):
        report(progress, count / len(slices), "Scoring the fusion")
        results.append(fusionMetrics(*planes) if full else taskMeasures(*planes))
    report(progress, 1.0, "Scoring the fusion")
    means = {}
    for name in results[0]:
        values = np.array([result[name] for result in results])
        means[name] = float(values[np.isfinite(values)].mean()) if np.isfinite(values).any() else float("nan")
    return means
