"""Score fused pictures against their sources."""

import numpy as np
from scipy import ndimage

from .FusionInputs import scalesFromSamples
from .FusionSettings import FusionSettings
from .Progress import Progress, report

METRIC_MEANINGS = {
    "QABF": "Share of the sources' edges that the fused image keeps (0 to 1, higher is better).",
    "SCD": "How well the difference to each source is explained by the other (higher is better; overshoot games it).",
    "MI": "Mutual information with both sources in bits (rewards copying a source).",
    "EN": "Entropy in bits (rewards noise).",
    "SD": "Standard deviation, the contrast (rewards noise and overshoot).",
    "SF": "Spatial frequency (rewards noise).",
    "AG": "Average gradient (rewards noise).",
    "Bone": "Mean of fused over CT where the CT is bright bone (1 is best).",
    "Soft": "Local correlation with the MRI in soft tissue away from bone (1 is best).",
    "Overshoot": "Share of head pixels in percent outside the range of both sources (0 is best).",
}


def fusionMetrics(ct: np.ndarray, mri: np.ndarray, fused: np.ndarray) -> dict[str, float]:
    """Return the scores of one fused 2D image by name.

    :param ct: 2D, 0 to 255; mri and fused likewise.
    """
    a, b, f = (np.asarray(image, float) for image in (ct, mri, fused))
    if a.ndim != 2 or a.shape != b.shape or a.shape != f.shape:
        raise ValueError(f"Metrics need three 2D images of one size; they are {a.shape}, {b.shape} and {f.shape}.")
    dx, dy = np.diff(f, axis=1), np.diff(f, axis=0)
    head = _head(a, b)
    return {
        "SCD": _correlation(f - b, a) + _correlation(f - a, b),
        "SD": float(f.std()),
        "SF": float(np.sqrt((dx**2).mean() + (dy**2).mean())),
        "AG": float(np.sqrt((dx[:-1] ** 2 + dy[:, :-1] ** 2) / 2).mean()),
        "Bone": float((f[a >= 200] / a[a >= 200]).mean()) if (a >= 200).any() else float("nan"),
        "Overshoot": float(100 * ((f < np.minimum(a, b) - 13) | (f > np.maximum(a, b) + 13))[head].mean()),
    }


def volumeFusionMetrics(
    ct: np.ndarray,
    mri: np.ndarray,
    fused: np.ndarray,
    settings: FusionSettings | None = None,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Return the scores of a fused volume, the mean over its slices that show at least 5 % head.

    All three come to 0..255 the way the fusion saw them: CT and fused volume through the display window of the
    fusion, the MRI through its scaling into that window.

    :param ct: KJI, in its own units; mri and fused on the same grid.
    """
    ct, mri, fused = toDisplay(ct, mri, fused, settings or FusionSettings())
    scores = []
    for k in range(len(ct)):
        report(progress, k / len(ct), "Scoring the fusion")
        if np.mean((ct[k] > 25) | (mri[k] > 25)) > 0.05:
            scores.append(fusionMetrics(ct[k], mri[k], fused[k]))
    if not scores:
        raise ValueError("No slice shows the head, so the fusion cannot be scored; check that the volumes overlap.")
    return {name: float(np.nanmean([score[name] for score in scores])) for name in scores[0]}


def toDisplay(
    ct: np.ndarray, mri: np.ndarray, fused: np.ndarray, settings: FusionSettings
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return CT, MRI and fused volume as they look in the fusion's display window, 0 to 255."""
    ct, mri, fused = (np.asarray(volume, np.float32) for volume in (ct, mri, fused))
    scales = scalesFromSamples(ct, [mri], settings)
    low, high = scales.window

    def shown(volume: np.ndarray) -> np.ndarray:
        return np.clip((np.nan_to_num(volume, nan=low) - low) * (255 / (high - low)), 0, 255)

    return shown(ct), shown(scales.moving[0].apply(mri)), shown(fused)


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum() + 1e-12))


def _head(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    mask = ndimage.binary_fill_holes((a > 25) | (b > 25))
    return ndimage.binary_opening(mask, iterations=2)
