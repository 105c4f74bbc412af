"""Say what differs between two result folders: numbers of the JSON files, transforms, voxels.

python Testing/Benchmark/CompareResults.py BEFORE AFTER
"""

import argparse
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import SimpleITK as sitk

# What must differ from run to run.
_PASSING = ("time", "date", "created", "seconds", "duration")


def main() -> None:
    """Print a line for each difference, and how much was found equal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("before", type=Path)
    parser.add_argument("after", type=Path)
    arguments = parser.parse_args()
    first, second = (
        {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        for folder in (arguments.before, arguments.after)
    )
    lines = [f"only in {arguments.before}: {name}" for name in sorted(first.keys() - second.keys())]
    lines += [f"only in {arguments.after}: {name}" for name in sorted(second.keys() - first.keys())]
    equal = 0
    for name in sorted(first.keys() & second.keys()):
        found = differences(first[name], second[name])
        equal += not found
        lines += [f"{name}: {line}" for line in found]
    print("\n".join(lines))
    print(f"{equal} files say the same, {len(lines)} differences")


def differences(before: Path, after: Path) -> list[str]:
    """Return a sentence for each thing in which two files differ; nothing for files that are pictures or pages."""
    if before.name.endswith((".mrk.json", ".json")):
        return _differentNumbers(json.loads(before.read_text()), json.loads(after.read_text()))
    if before.suffix in (".tfm", ".h5"):
        return _differentPoints(*(sitk.ReadTransform(str(path)) for path in (before, after)))
    if before.name.endswith((".nrrd", ".nii.gz")):
        return _differentVoxels(*(sitk.ReadImage(str(path)) for path in (before, after)))
    return []


def _differentNumbers(before: object, after: object) -> list[str]:
    first, second = dict(_leaves(before)), dict(_leaves(after))
    lines = [f"{key} gone" for key in first.keys() - second.keys()]
    lines += [f"{key} new" for key in second.keys() - first.keys()]
    for key in first.keys() & second.keys():
        if first[key] != second[key] and not any(word in key for word in _PASSING):
            lines.append(f"{key} was {first[key]}, is {second[key]}")
    return sorted(lines)


def _leaves(value: object, path: str = "") -> Iterator[tuple[str, object]]:
    """Yield every value in a JSON document with its path; numbers to the six digits that a reader sees."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _leaves(part, f"{path}.{key}" if path else key)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _leaves(part, f"{path}[{index}]")
    else:
        yield path, float(f"{value:.6g}") if isinstance(value, float) else value


def _differentPoints(before: sitk.Transform, after: sitk.Transform) -> list[str]:
    """Return how far two transforms put points of a head (within 100 mm of the origin) from each other."""
    points = np.random.default_rng(0).uniform(-100, 100, (50, 3)).tolist()
    moved = [np.array([transform.TransformPoint(point) for point in points]) for transform in (before, after)]
    distance = float(np.abs(moved[0] - moved[1]).max())
    return [f"points differ by up to {distance:.2g} mm"] if distance > 1e-6 else []


def _differentVoxels(before: sitk.Image, after: sitk.Image) -> list[str]:
    if before.GetSize() != after.GetSize() or not np.allclose(before.GetOrigin(), after.GetOrigin(), atol=1e-6):
        return [f"grid was {before.GetSize()} at {before.GetOrigin()}, is {after.GetSize()} at {after.GetOrigin()}"]
    first, second = (sitk.GetArrayFromImage(image).astype(float) for image in (before, after))
    different = first != second
    if not different.any():
        return []
    return [f"{int(different.sum())} voxels differ, by up to {np.abs(first - second).max():.3g}"]


if __name__ == "__main__":
    main()
