"""Hold what is read of real DICOM series against what dcm2niix makes of them.

    python Testing/Benchmark/SeriesBenchmark.py FOLDER... [--dcm2niix PROGRAM]

Every series below the folders is read, or refused in a sentence that is shown. Equal is a series whose voxels lie where
dcm2niix puts them (within 0.02 voxels) and have its values; alike is one that has to be resampled and fits dcm2niix's
volume best where it lies. Needs dcm2niix (pip install dcm2niix).
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion")]

import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402
from MedFusionLib.Core.Dicom.Series import DicomSeries, findSeries, readSeries  # noqa: E402
from MedFusionLib.Core.Images.Grids import indicesAt, voxelPoints  # noqa: E402

_LEAST_ALIKE = 0.9  # two ways to resample slices far apart
_STEPS = [2.0 * axis for axis in (*np.eye(3), *-np.eye(3))]  # mm


def converted(files: list[Path], program: str, folder: Path) -> list[sitk.Image]:
    """Return the volumes that dcm2niix makes of a series."""
    source, target = folder / "in", folder / "out"
    source.mkdir()
    target.mkdir()
    for number, file in enumerate(files):
        shutil.copyfile(file, source / f"{number:05d}.dcm")
    command = [program, "-b", "n", "-z", "n", "-f", "%s_%d", "-o", str(target), str(source)]
    subprocess.run(command, capture_output=True, timeout=300, check=False)
    images = []
    for path in sorted(target.glob("*.nii")):
        try:
            images.append(sitk.ReadImage(str(path), sitk.sitkFloat64))
        except RuntimeError:  # colors, or axes that ITK does not take
            continue
    return images


def difference(own: sitk.Image, other: sitk.Image) -> str:
    """Return in what two volumes of one series differ, "" where they are equal."""
    if other.GetDimension() != 3:
        return f"{other.GetDimension()}D with {other.GetSize()[3]} volumes"
    if own.GetNumberOfPixels() != other.GetNumberOfPixels():
        return f"{own.GetSize()} and {other.GetSize()} voxels"
    index = indicesAt(other, voxelPoints(own))
    whole = np.rint(index)
    offset = float(np.abs(index - whole).max())
    if offset > 0.02:
        return f"places differ by up to {offset:.2f} voxels"
    whole = whole.astype(int)
    if (whole < 0).any() or (whole >= other.GetSize()).any():
        return "other places"
    values = sitk.GetArrayViewFromImage(other)[whole[..., 2], whole[..., 1], whole[..., 0]]
    largest = float(np.abs(sitk.GetArrayViewFromImage(own).astype(float) - values).max())
    reach = float(np.ptp(values))
    return "" if largest <= 1e-4 * reach + 1e-3 else f"values differ by up to {largest:g} of {reach:g}"


def likeness(own: sitk.Image, other: sitk.Image) -> float:
    """Return the correlation of two volumes in the same world, sampled where the first has voxels inside the second."""
    if other.GetDimension() != 3:
        return 0.0
    nan = float("nan")
    there = sitk.GetArrayFromImage(sitk.Resample(other, own, sitk.Transform(), sitk.sitkLinear, nan, sitk.sitkFloat64))
    values, inside = sitk.GetArrayFromImage(own).astype(float), np.isfinite(there)
    return float(np.corrcoef(values[inside], there[inside])[0, 1]) if inside.any() else 0.0


def shifted(image: sitk.Image, step: np.ndarray) -> sitk.Image:
    """Return an image moved by a step (3,) in mm."""
    moved = sitk.Image(image)
    moved.SetOrigin((np.array(image.GetOrigin()) + step).tolist())
    return moved


def compared(series: DicomSeries, folder: Path, program: str) -> tuple[str, str]:
    """Return equal, different or refused for one series, and what there is to say."""
    try:
        volume = readSeries(folder, series.uid)
    except ValueError as error:
        return "refused", str(error)
    with tempfile.TemporaryDirectory() as work:
        others = converted(list(series.files), program, Path(work))
    if not others:
        return "not converted", "dcm2niix gives no volume of it"
    found = [difference(volume.image, other) for other in others]
    said = " ".join(volume.warnings)
    if "" in found:
        return "equal", said
    if "resampled" in said:  # a tilted gantry, or slices at different distances
        best = max(others, key=lambda other: likeness(volume.image, other))
        here = likeness(volume.image, best)
        isBest = all(likeness(shifted(volume.image, step), best) < here for step in _STEPS)
        return ("alike" if isBest and here > _LEAST_ALIKE else "different"), f"correlation {here:.3f}. {said}"
    return "different", f"{'; '.join(found)}. {said}"


def main() -> None:
    """Compare all series and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folders", nargs="+", type=Path)
    parser.add_argument("--dcm2niix", default="dcm2niix", metavar="PROGRAM")
    arguments = parser.parse_args()
    counter: Counter[str] = Counter()
    print("| series | outcome | what was said |\n|---|---|---|")
    parents = [file.parent for folder in arguments.folders for file in folder.rglob("*") if file.is_file()]
    for folder in dict.fromkeys(parents):
        try:
            found = [series for series in findSeries(folder) if all(file.parent == folder for file in series.files)]
        except ValueError as error:
            counter["refused"] += 1
            print(f"| {folder.name} | refused | {error} |", flush=True)
            continue
        for series in found:
            outcome, said = compared(series, folder, arguments.dcm2niix)
            counter[outcome] += 1
            print(f"| {folder.name}: {series.title} | {outcome} | {said[:300]} |", flush=True)
    print(", ".join(f"{count} {outcome}" for outcome, count in counter.most_common()))


if __name__ == "__main__":
    main()
