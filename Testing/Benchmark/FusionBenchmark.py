"""Measure the fusion against its peers; prints Markdown tables, writes montage pictures.

    python Testing/Benchmark/FusionBenchmark.py [--output DIR] [pairs seed head thick speed memory]

Reads the evaluation data beside the project (../shared/data); a part whose data is absent says so and is passed over.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pywt
import SimpleITK as sitk
from PIL import Image
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "MedFusion"))

from MedFusionLib.Core.Fusion.Fusion import fuseVolumes  # noqa: E402
from MedFusionLib.Core.Fusion.Metrics import fusionMetrics, volumeFusionMetrics  # noqa: E402
from MedFusionLib.Core.Fusion.Settings import (  # noqa: E402
    BaseRule,
    DetailRule,
    FusionMethod,
    FusionSettings,
)

DATA = ROOT.parent / "shared" / "data"
COLUMNS = ("QABF", "QW", "SCD", "QCB", "VIF", "SSIM", "FMI", "MI", "Bone", "Soft", "Overshoot")
TEXTBOOK = FusionSettings(
    method=FusionMethod.dwt, levels=3, sliceWise=True, detailRule=DetailRule.maxAbs, consistency=False
)
STATIONARY = FusionSettings(
    method=FusionMethod.swt,
    wavelet="haar",
    sliceWise=True,
    baseRule=BaseRule.maximum,
    detailRule=DetailRule.maxAbs,
    consistency=False,
)
OWN = {
    "selective": FusionSettings(),
    "DWT db2, 3 levels (textbook)": TEXTBOOK,
    "SWT haar, base maximum": STATIONARY,
    "average": FusionSettings(method=FusionMethod.average),
    "maximum": FusionSettings(method=FusionMethod.maximum),
}


def gray(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"), np.uint8)


def fusePair(ct: np.ndarray, mri: np.ndarray, settings: FusionSettings) -> np.ndarray:
    images = [sitk.GetImageFromArray(array[None]) for array in (ct, mri)]
    return np.rint(sitk.GetArrayFromImage(fuseVolumes(images[0], images[1:], settings).image)[0])


def table(columns: tuple[str, ...], rows: dict[str, list[object]]) -> None:
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for name, values in rows.items():
        cells = [f"{value:.3f}" if isinstance(value, float) else str(value) for value in values]
        print("| " + " | ".join([name, *cells]) + " |")
    print()


def montage(rows: list[list[np.ndarray]], path: Path) -> None:
    """Write pictures of equal size, row by row."""
    Image.fromarray(np.vstack([np.hstack(row) for row in rows]).clip(0, 255).astype(np.uint8)).save(path)


def publishedPairs(output: Path) -> None:
    folder = DATA / "aanlib-fused"
    names = sorted(path.name for path in (folder / "CT").glob("*.png"))
    peers = ("ASFE-Fusion", "PYRAMID-grayscale", "DWT-grayscale")
    scores: dict[str, list[dict[str, float]]] = {}
    pictures = []
    for number, name in enumerate(names):
        ct, mri = gray(folder / "CT" / name), gray(folder / "MRI" / name)
        results = {method: fusePair(ct, mri, settings) for method, settings in OWN.items()}
        results |= {f"{peer} (as published)": gray(folder / peer / name) for peer in peers}
        results |= {"copy of CT": ct, "copy of MRI": mri}
        for method, fused in results.items():
            scores.setdefault(method, []).append(fusionMetrics(ct, mri, fused))
        if number % 4 == 1:
            shown = ("selective", *(f"{peer} (as published)" for peer in peers))
            pictures.append([ct, mri, *(results[method] for method in shown)])
    print(f"## {len(names)} pairs that fusion papers share\n")
    rows = {method: [float(np.nanmean([s[c] for s in each])) for c in COLUMNS] for method, each in scores.items()}
    table(("method", *COLUMNS), rows)
    montage(pictures, output / "pairs.png")
    print("pairs.png: CT, MRI, selective, ASFE-Fusion, pyramid, DWT. For viewing only, the atlas is not free.\n")


def earlierProject(output: Path) -> None:
    folder = DATA / "seed-pairs"
    names = ("QABF", "QW", "SCD", "VIF")
    own, earlier, pictures = [], [], []
    for patient in sorted(folder.glob("p*"), key=lambda path: int(path.name[1:])):
        ct, mri, peer = (gray(patient / f"{kind}.jpg") for kind in ("ct", "mri_registered", "fusion"))
        mri, peer = (np.asarray(Image.fromarray(x).resize(ct.shape[::-1], Image.BILINEAR)) for x in (mri, peer))
        fused = fusePair(ct, mri, FusionSettings())
        own.append(fusionMetrics(ct, mri, fused))
        earlier.append(fusionMetrics(ct, mri, peer))
        if len(own) in (1, 4, 12, 17):
            pictures.append([ct, mri, fused, peer])
    print(f"## {len(own)} pairs of an earlier project, against its own fusion\n")
    mean = lambda each: [float(np.mean([s[n] for s in each])) for n in names]  # noqa: E731
    better = [f"{sum(a[n] > b[n] for a, b in zip(own, earlier, strict=True))} of {len(own)}" for n in names]
    table(("", *names), {"selective": mean(own), "earlier project": mean(earlier), "better on": better})
    montage(pictures, output / "seed.png")
    print("seed.png: CT, registered MRI, selective, earlier project.\n")


def simulatedHeads(output: Path) -> None:
    print("## Simulated heads, CT in HU, whole 3D\n")
    rows = {}
    for case in ("head-a", "head-b"):
        folder = DATA / "head-sim" / case
        ct, mri = sitk.ReadImage(str(folder / "ct.nrrd")), sitk.ReadImage(str(folder / "mr_t1c.nrrd"))
        transform = sitk.ReadTransform(str(folder / "truth_ct_to_mr.tfm"))
        tumor = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "truth_tumor_ct.nrrd")))
        registered = sitk.GetArrayFromImage(sitk.Resample(mri, ct, transform, sitk.sitkLinear, 0.0, sitk.sitkFloat32))
        hounsfield = sitk.GetArrayFromImage(ct)
        bone = hounsfield > 300
        rim = tumor == 4
        around = ndimage.binary_dilation(rim, iterations=4) & ~ndimage.binary_dilation(rim) & (tumor != 1)
        around &= ~ndimage.binary_dilation(hounsfield > 150, iterations=2)
        low, high = np.percentile(registered[hounsfield > -300], (0.5, 99.5))
        pictures = [(registered - low) / (high - low) * 255]
        for method in (FusionMethod.selective,):
            result = fuseVolumes(ct, [mri], FusionSettings(method=method), [transform])
            fused = sitk.GetArrayFromImage(result.image)
            difference = [float(volume[rim].mean() - volume[around].mean()) for volume in (fused, registered)]
            sums = [float(volume[rim].mean() + volume[around].mean()) for volume in (fused, registered)]
            kept = fused > 300
            rows[f"{case}, {method.value}"] = [
                (difference[0] / sums[0]) / (difference[1] / sums[1]),
                difference[0] / (difference[1] * 255 / (high - low)),
                2 * float((bone & kept).sum()) / float(bone.sum() + kept.sum()),
            ]
            pictures.append((fused - result.window[0]) / (result.window[1] - result.window[0]) * 255)
        textbook = fuseVolumes(ct, [mri], TEXTBOOK, [transform])
        low, high = textbook.window
        pictures.append((sitk.GetArrayFromImage(textbook.image) - low) / (high - low) * 255)
        pictures.insert(0, (hounsfield + 100.0) / 700 * 255)
        k, j, _ = (int(x) for x in np.argwhere(rim).mean(axis=0))
        tall = [np.repeat(volume[::-1, j], 2, axis=0) for volume in pictures]
        montage([[volume[k] for volume in pictures]], output / f"{case}-axial.png")
        montage([tall], output / f"{case}-coronal.png")
    columns = ("", "rim contrast, fused : MRI", "rim step, fused : MRI on the same scale", "Dice of bone above 300 HU")
    table(columns, rows)
    print("head-*.png: CT, MRI, selective, DWT.\n")


def thickSlices(output: Path) -> None:
    names = COLUMNS[:6] + COLUMNS[8:]
    variants: dict[str, list[dict[str, float]]] = {}
    for folder in sorted((DATA / "aanlib").iterdir()):
        ct = sitk.ReadImage(str(folder / "CT.nii.gz"))
        mri = sitk.ReadImage(str(next(folder.glob("MR_*.nii.gz"))))
        for name, spacing, settings in (
            ("spacing-aware", 5.0, FusionSettings()),
            ("each slice alone", 5.0, FusionSettings(sliceWise=True)),
            ("as if the slices were 1 mm apart", 1.0, FusionSettings()),
        ):
            for image in (ct, mri):
                image.SetSpacing((1.0, 1.0, spacing))
            fused = fuseVolumes(ct, [mri], settings).image
            variants.setdefault(name, []).append(volumeFusionMetrics(ct, mri, fused, settings, mostSlices=4))
    print("## Five stacks of 5 mm slices\n")
    rows = {name: [float(np.nanmean([s[n] for s in each])) for n in names] for name, each in variants.items()}
    table(("", *names), rows)


def cpuSeconds(function: Callable[[], object], times: int = 3) -> float:
    """Return the least CPU time of some runs; other work on the machine only ever adds."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return min(seconds)


def randomPair(size: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(0)
    ct = random.standard_normal(size, np.float32) * 300
    ct[:, : size[1] // 4] = -1000
    return ct, random.random(size, np.float32) * 1000


def speed(output: Path) -> None:
    ct, mri = randomPair((160, 256, 256))
    images = [sitk.GetImageFromArray(array) for array in (ct, mri)]
    unit = cpuSeconds(lambda: ct + mri, 15)
    rows = {}
    for name in ("selective",):
        seconds = cpuSeconds(lambda name=name: fuseVolumes(images[0], images[1:], OWN[name]), 15)
        rows[name] = [seconds, seconds / unit]

    def stationary() -> None:
        coefficients = [pywt.swtn(array, "haar", 2, trim_approx=True) for array in (ct, mri)]
        merged = [(coefficients[0][0] + coefficients[1][0]) / 2]
        for one, two in zip(coefficients[0][1:], coefficients[1][1:], strict=True):
            merged.append(
                {band: np.where(np.abs(one[band]) >= np.abs(two[band]), one[band], two[band]) for band in one}
            )
        pywt.iswtn(merged, "haar")

    seconds = cpuSeconds(stationary, 1)
    rows["pywt.swtn haar, 2 levels"] = [seconds, seconds / unit]
    print("## CPU time, 256x256x160 float32\n")
    table(("", "CPU seconds", "times a + b"), rows)


def memory(output: Path) -> None:
    print("## Peak memory beyond inputs and output, 512x512x400\n")
    rows = {}
    for mode in ("selective",):
        command = [sys.executable, __file__, "--memory-of", mode]
        rows[mode] = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)]
    table(("mode", "MiB"), rows)


def memoryOf(mode: str) -> None:
    """Print the peak memory in MiB of one fusion beyond inputs and output; for a process of its own."""
    size = (512, 512, 400)
    images = []
    for value in (-1000, 0):
        image = sitk.Image(size, sitk.sitkInt16) + value
        block = sitk.GetImageFromArray(np.random.default_rng(0).integers(0, 900, (400, 200, 200), np.int16))
        images.append(sitk.Paste(image, block, block.GetSize(), destinationIndex=(100, 100, 0)))
    small = [image[100:164, 100:164, :16] for image in images]
    settings = FusionSettings(method=FusionMethod(mode))
    fuseVolumes(small[0], small[1:], settings)
    current = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    Path("/proc/self/clear_refs").write_text("5")
    result = fuseVolumes(images[0], images[1:], settings)
    peak = (
        int(next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("VmHWM")).split()[1])
        * 1024
    )
    print((peak - current - 4 * np.prod(result.image.GetSize())) / 2**20)


PARTS = {
    "pairs": (publishedPairs, "aanlib-fused"),
    "seed": (earlierProject, "seed-pairs"),
    "head": (simulatedHeads, "head-sim"),
    "thick": (thickSlices, "aanlib"),
    "speed": (speed, ""),
    "memory": (memory, ""),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--output", type=Path, default=Path("fusion-benchmark"), help="folder for the pictures")
    parser.add_argument("--memory-of", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.memory_of:
        memoryOf(arguments.memory_of)
        return
    unknown = set(arguments.parts) - set(PARTS)
    if unknown:
        parser.error(f"unknown part {', '.join(sorted(unknown))}; choose among {', '.join(PARTS)}")
    arguments.output.mkdir(parents=True, exist_ok=True)
    for name in arguments.parts or PARTS:
        run, folder = PARTS[name]
        if folder and not (DATA / folder).exists():
            print(f"{name}: passed over, {folder} is not beside the project\n")
            continue
        run(arguments.output)


if __name__ == "__main__":
    main()
