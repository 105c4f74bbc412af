"""Say whether two result folders tell the same: python Testing/CompareResults.py FOLDER1 FOLDER2.

Transforms are compared by where they put points, documents by their numbers to the digits that the first one prints
at most (0.01 mm, 0.01 ml, three digits of a score), volumes and outlines voxel by voxel. A key of one document only is
named. The exit status is 1 where anything differs.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK as sitk

sys.path.insert(0, str(Path(__file__).parents[1] / "MedFusion"))
from MedFusionLib.Core.Results import FileNames
from MedFusionLib.Core.Results.MeasurementsFile import measurementsText

_POINTS = np.random.default_rng(0).uniform(-100, 100, (200, 3))
_TOLERANCE_MM = 0.005
# What tells when, by which program and from where a document was made.
_PROVENANCE = ("created", "versions", "schema_version", "inputs")


def main() -> int:
    """Print a line for each file and return the exit status."""
    first, second = map(Path, sys.argv[1:3])
    status = 0
    for name in sorted({path.name for path in (*first.iterdir(), *second.iterdir())}):
        lines = list(differences(first / name, second / name))
        isCompared = Path(name).suffix in (".json", ".h5", ".tfm", ".nrrd")
        print(f"{name}: {'; '.join(lines) or ('equal' if isCompared else 'not compared')}")
        status |= bool(lines)
    return status


def differences(first: Path, second: Path) -> Iterator[str]:
    """Yield what differs between two files of one name; only what is said in numbers is compared."""
    if not (first.exists() and second.exists()):
        yield f"only in {(first if first.exists() else second).parent.name}"
    elif first.name in (FileNames.MEASUREMENTS, FileNames.COMPARISON):
        yield from _documentDifferences(first, second)
    elif first.suffix in (".h5", ".tfm"):
        moved = [_moved(sitk.ReadTransform(str(path))) for path in (first, second)]
        distance = float(np.linalg.norm(moved[0] - moved[1], axis=1).max())
        if distance > _TOLERANCE_MM:
            yield f"points up to {distance:.3f} mm apart"
    elif first.suffix == ".nrrd":
        yield from _volumeDifferences(*(sitk.ReadImage(str(path)) for path in (first, second)))


def _moved(transform: sitk.Transform) -> np.ndarray:
    return np.array([transform.TransformPoint(point.tolist()) for point in _POINTS])


def _volumeDifferences(first: sitk.Image, second: sitk.Image) -> Iterator[str]:
    if first.GetSize() != second.GetSize():
        yield f"sizes {first.GetSize()} and {second.GetSize()}"
    elif not np.allclose([*first.GetOrigin(), *first.GetSpacing()], [*second.GetOrigin(), *second.GetSpacing()]):
        yield "other grids"
    else:
        count = int(np.count_nonzero(sitk.GetArrayFromImage(first) != sitk.GetArrayFromImage(second)))
        if count:
            yield f"{count} voxels differ"


def _documentDifferences(first: Path, second: Path) -> Iterator[str]:
    one, two = (
        dict(_values(json.loads(measurementsText(json.loads(path.read_text(encoding="utf-8"))))))
        for path in (first, second)
    )
    for key in [key for key in one | two if key.split(".")[0] not in _PROVENANCE]:
        if key not in one or key not in two:
            yield f"{key} only in the {'first' if key in one else 'second'}"
        elif one[key] != two[key]:
            yield f"{key} {one[key]} and {two[key]}"


def _values(value: object, key: str = "") -> Iterator[tuple[str, object]]:
    """Yield the values of a document by their dotted keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None:
        yield key, value
        return
    for name, item in items:
        yield from _values(item, f"{key}.{name}" if key else str(name))


if __name__ == "__main__":
    sys.exit(main())
