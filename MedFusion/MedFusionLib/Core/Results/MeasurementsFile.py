"""What goes into measurements.json besides the measurements themselves."""

import json
import math
import platform
import re
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from ..Fusion.Metrics import METRIC_MEANINGS
from .Version import VERSION

DICOM_PACKAGES = ("pydicom", "highdicom")
# A hundredth of a millimeter or milliliter is less than anything here is known to.
_UNITS = re.compile(r"_(mm|mm2|ml|ras|percent)(_|$)|^(volume|percent|.*_(diameter|product))$")
_SCORES = ("copy_ct", "copy_mri", "similarity", "sphericity", "overlap", "standardized_residuals")
_PACKAGES = ("slicer-core", "SimpleITK", "numpy", "scipy", "PyWavelets", "scikit-image")


def versions(*more: str) -> dict[str, str]:
    """Return the versions of Python, MedFusion and the packages a result depends on, as far as they are installed.

    :param more: packages that not every result depends on.
    """
    found = {"python": platform.python_version(), "medfusion": VERSION}
    for package in (*_PACKAGES, *more):
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def writeMeasurements(path: Path, document: dict[str, object]) -> None:
    """Write a measurements document as JSON."""
    path.write_text(measurementsText(document), encoding="utf-8")


def measurementsText(document: dict[str, object]) -> str:
    """Return a measurements document as JSON; numbers are rounded to what they mean, and no number becomes null."""
    return json.dumps(_rounded(document), indent=2, ensure_ascii=False) + "\n"


def _rounded(value: object, rule: Callable[[float], float] | None = None) -> object:
    """Return JSON types with their numbers rounded as their key's unit tells; what a key holds is rounded like it."""
    if isinstance(value, dict):
        return {str(key): _rounded(item, rule or _roundingOf(str(key))) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(item, rule) for item in value]
    if isinstance(value, float):
        return (rule or _toFourDigits)(value) + 0.0 if math.isfinite(value) else None  # no -0
    return value


def _roundingOf(key: str) -> Callable[[float], float] | None:
    if _UNITS.search(key):
        return _toHundredths
    return _toThreeDigits if key in METRIC_MEANINGS or key in _SCORES else None


def _toHundredths(value: float) -> float:
    return round(value, 2)


def _toThreeDigits(value: float) -> float:
    return float(f"{value:.3g}")


def _toFourDigits(value: float) -> float:
    return float(f"{value:.4g}")
