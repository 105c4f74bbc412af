"""What goes into measurements.json besides the measurements themselves."""

import json
import platform
from importlib import metadata
from pathlib import Path

VERSION = "0.1.0"  # in Slicer MedFusion is no installed package that could be asked for it
DICOM_PACKAGES = ("pydicom", "highdicom")
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
    """Write a measurements document as JSON; a value that is not a number becomes null."""
    path.write_text(json.dumps(_finite(document), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _finite(value: object) -> object:
    if isinstance(value, dict):
        return {str(key): _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    if isinstance(value, float) and value - value != 0.0:
        return None
    return value
