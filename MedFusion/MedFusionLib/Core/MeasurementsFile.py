"""What goes into measurements.json besides the measurements themselves."""

import json
import platform
from importlib import metadata
from pathlib import Path

_PACKAGES = ("medfusion", "slicer-core", "SimpleITK", "numpy", "PyWavelets", "scikit-image")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages a result depends on, as far as they are installed."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
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
