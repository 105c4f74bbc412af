"""Measure the fusion against its peers; prints Markdown tables. FusionJudging draws montages to be judged by eye.

    python Testing/Benchmark/FusionBenchmark.py [--output DIR] [PART ...]

Reads the evaluation data beside the project (../shared/data); a part whose data is absent says so and is passed over.
FusionSets says which half of the data the method was developed on; both halves are printed apart.
"""

import argparse
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "MedFusion"))

from FusionSets import DATA, Half, Head, Pair, heads, places, publishedPairs, seedPairs, stacks  # noqa: E402
from MedFusionLib.Core.Fusion.Fusion import FusionGeometry, fuseVolumes  # noqa: E402
from MedFusionLib.Core.Fusion.Metrics import fusionMetrics  # noqa: E402
from MedFusionLib.Core.Fusion.Settings import BaseRule, FusionMethod, FusionSettings  # noqa: E402

COLUMNS = ("QABF", "QW", "SCD", "VIF", "FMI", "Bone", "Soft", "Overshoot", "Dimmed")
SELECTIVE = "selective"
TEXTBOOK = FusionSettings(method=FusionMethod.dwt, levels=3, sliceWise=True, consistency=False)
STATIONARY = FusionSettings(
    method=FusionMethod.swt, wavelet="haar", sliceWise=True, baseRule=BaseRule.maximum, consistency=False
)
IN_BONE = "selective, MRI in bone"
METHODS = {
    SELECTIVE: FusionSettings(),
    IN_BONE: FusionSettings(mriInBone=True),
    "DWT db2, 3 levels (textbook)": TEXTBOOK,
    "SWT haar, base maximum": STATIONARY,
    "average": FusionSettings(method=FusionMethod.average),
    "maximum": FusionSettings(method=FusionMethod.maximum),
}
RIM, NECROSIS = 4, 1  # labels of the tumors
BRAIN_RANGE_HU = 300.0

Scores = dict[str, list[dict[str, float]]]


def fusePair(pair: Pair, settings: FusionSettings) -> np.ndarray:
    images = [sitk.GetImageFromArray(array[None]) for array in (pair.ct, pair.mri)]
    return np.rint(sitk.GetArrayFromImage(fuseVolumes(images[0], images[1:], settings).image))[0]


def table(columns: tuple[str, ...], rows: dict[str, list[object]]) -> None:
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for name, values in rows.items():
        cells = [f"{value:.3f}" if isinstance(value, float) else str(value) for value in values]
        print("| " + " | ".join([name, *cells]) + " |")
    print(flush=True)


def scoreRows(scores: Scores, columns: tuple[str, ...] = COLUMNS) -> dict[str, list[object]]:
    return {method: [float(np.nanmean([s[c] for s in each])) for c in columns] for method, each in scores.items()}


def pairs(output: Path) -> None:
    scores: Scores = {}
    for pair in publishedPairs():
        results = {method: fusePair(pair, settings) for method, settings in METHODS.items()}
        results |= {f"{peer} (as published)": picture for peer, picture in pair.peers.items()}
        results |= {"copy of CT": pair.ct, "copy of MRI": pair.mri}
        for method, fused in results.items():
            scores.setdefault(method, []).append(fusionMetrics(pair.ct, pair.mri, fused))
    print(f"## {len(scores[SELECTIVE])} pairs that fusion papers share (development)\n")
    table(("method", *COLUMNS), scoreRows(scores))


def seed(output: Path) -> None:
    rows: dict[str, list[object]] = {}
    for half in Half:
        scores: Scores = {}
        for pair in seedPairs(half):
            for method, fused in {SELECTIVE: fusePair(pair, METHODS[SELECTIVE]), **pair.peers}.items():
                scores.setdefault(method, []).append(fusionMetrics(pair.ct, pair.mri, fused))
        rows |= {f"{method}, {half.value}": values for method, values in scoreRows(scores).items()}
        both = list(zip(*scores.values(), strict=True))
        rows[f"better than it on, {half.value}"] = [
            f"{sum((own[c] < peer[c]) if c in ('Overshoot', 'Dimmed') else (own[c] > peer[c]) for own, peer in both)} "
            f"of {len(both)}"
            for c in COLUMNS
        ]
    print("## 19 pairs of an earlier project, against its own fusion\n")
    table(("", *COLUMNS), rows)


def stackSlices(output: Path) -> None:
    rows: dict[str, list[object]] = {}
    for half in Half:
        scores: Scores = {}
        for _name, ct, mri in stacks(half):
            a, b = (sitk.GetArrayFromImage(image).astype(float) for image in (ct, mri))
            for method in (SELECTIVE, "maximum", "DWT db2, 3 levels (textbook)"):
                fused = np.rint(sitk.GetArrayFromImage(fuseVolumes(ct, [mri], METHODS[method]).image)).clip(0, 255)
                for k in range(len(a)):
                    if np.mean((a[k] > 25) | (b[k] > 25)) > 0.05:
                        scores.setdefault(method, []).append(fusionMetrics(a[k], b[k], fused[k]))
        rows |= {f"{method}, {half.value}": values for method, values in scoreRows(scores).items()}
    print("## Five stacks of 5 mm slices, fused as volumes, scored slice by slice\n")
    table(("", *COLUMNS), rows)


def registered(head: Head) -> np.ndarray:
    image = sitk.Resample(head.mri, head.ct, head.transform, sitk.sitkLinear, 0.0, sitk.sitkFloat32)
    return sitk.GetArrayFromImage(image)


def wholeHeads(output: Path) -> None:
    rows = {}
    for half in Half:
        for head in heads(half):
            mri, hounsfield = registered(head), sitk.GetArrayFromImage(head.ct)
            bone, rim = hounsfield > 300, head.tumor == RIM
            around = ndimage.binary_dilation(rim, iterations=4) & ~ndimage.binary_dilation(rim)
            around &= (head.tumor != NECROSIS) & ~ndimage.binary_dilation(hounsfield > 150, iterations=2)
            low, high = np.percentile(mri[hounsfield > -300], (0.5, 99.5))
            fused = sitk.GetArrayFromImage(
                fuseVolumes(head.ct, [head.mri], None, FusionGeometry([head.transform])).image
            )
            steps = [float(volume[rim].mean() - volume[around].mean()) for volume in (fused, mri)]
            kept = fused > 300
            rows[f"{head.name}, {half.value}"] = [
                steps[0] / (steps[1] * 255 / (high - low)),
                2 * float((bone & kept).sum()) / float(bone.sum() + kept.sum()),
                float(np.abs(fused - hounsfield)[bone].max()),
            ]
    print("## Simulated heads, CT in HU, whole 3D\n")
    table(("", "rim step, fused : MRI on the same scale", "Dice of bone above 300 HU", "largest bone error, HU"), rows)


def changes(output: Path) -> None:
    """Insert balls of 12 mm that only the CT shows at six places, and look for them in the fused volume."""
    rows: dict[str, list[object]] = {}
    for half in Half:
        for head in heads(half):
            hounsfield = sitk.GetArrayFromImage(head.ct).astype(np.float32)
            spacing = np.array(head.ct.GetSpacing()[::-1])
            points = np.moveaxis(np.indices(hounsfield.shape), 0, -1) * spacing
            distances = [np.linalg.norm(points - place, axis=-1) for place in places(head)]
            brain = ndimage.binary_erosion(head.brain > 0) & (hounsfield < 150)
            for drawn in (False, True):
                settings = FusionSettings(ctChanges=drawn)
                plain = _fusedHead(head, hounsfield, settings)
                cells: list[object] = [
                    _contrasts(head, hounsfield, plain, distances, brain, hu, settings) for hu in (-25, -12, 25)
                ]
                difference = plain - _fusedHead(head, hounsfield, FusionSettings())
                cells.append(float(100 * np.abs(difference)[brain].mean() / BRAIN_RANGE_HU))
                rows[f"{head.name}, {half.value}, {'choice' if drawn else 'default'}"] = cells
    print("## Contrast-to-noise of balls that only the CT shows, six places: mean (least)\n")
    table(("", "-25 HU", "-12 HU", "+25 HU", "change of the brain, % of its range"), rows)


def _fusedHead(head: Head, hounsfield: np.ndarray, settings: FusionSettings) -> np.ndarray:
    ct = sitk.GetImageFromArray(np.rint(hounsfield).astype(np.int16))
    ct.CopyInformation(head.ct)
    return sitk.GetArrayFromImage(fuseVolumes(ct, [head.mri], settings, FusionGeometry([head.transform])).image)


def _contrasts(
    head: Head,
    hounsfield: np.ndarray,
    plain: np.ndarray,
    distances: list[np.ndarray],
    brain: np.ndarray,
    hu: float,
    settings: FusionSettings,
) -> str:
    """Return by how much the balls stand out from the shells around, over what varies there without them."""
    changed = hounsfield.copy()
    for distance in distances:
        changed[distance < 6] += hu
    difference = _fusedHead(head, changed, settings) - plain
    found = []
    for distance in distances:
        shell = (distance > 8) & (distance < 14) & brain
        found.append(abs(difference[distance < 6].mean() - difference[shell].mean()) / plain[shell].std())
    return f"{np.mean(found):.2f} ({np.min(found):.2f})"


def picture(output: Path) -> None:
    """Write the picture of the documentation: a head's CT, MRI, the fusion, its changes that only the CT shows, DWT."""
    head = next(heads(Half.development))
    k = int(np.argwhere(head.tumor == RIM).mean(axis=0)[0])
    hounsfield, mri = sitk.GetArrayFromImage(head.ct), registered(head)
    planes = [(hounsfield[k] + 100) / 700, mri[k] / np.percentile(mri[hounsfield > -300], 99.5)]
    for settings in (FusionSettings(), FusionSettings(ctChanges=True), TEXTBOOK):
        result = fuseVolumes(head.ct, [head.mri], settings, FusionGeometry([head.transform]))
        low, high = result.window
        planes.append((sitk.GetArrayFromImage(result.image)[k] - low) / (high - low))
    shown = np.hstack([255 * plane[10:-10, 10:-10] for plane in planes])
    Image.fromarray(shown.clip(0, 255).astype(np.uint8)).save(output / "fusion.png", optimize=True)
    print("fusion.png: CT, MRI, selective, with changes that only the CT shows, DWT.\n")


def cpuSeconds(function: Callable[[], object], times: int = 3) -> float:
    """Return the least CPU time of some runs; other work on the machine only ever adds."""
    seconds = []
    for _ in range(times):
        start = time.process_time()
        function()
        seconds.append(time.process_time() - start)
    return min(seconds)


def speed(output: Path) -> None:
    import pywt

    random = np.random.default_rng(0)
    ct = random.standard_normal((160, 256, 256), np.float32) * 300
    ct[:, :64] = -1000
    mri = random.random((160, 256, 256), np.float32) * 1000
    images = [sitk.GetImageFromArray(array) for array in (ct, mri)]
    unit = cpuSeconds(lambda: ct + mri, 15)
    rows: dict[str, list[object]] = {}
    for name, settings in {SELECTIVE: FusionSettings(), "with --ct-changes": FusionSettings(ctChanges=True)}.items():
        seconds = cpuSeconds(lambda settings=settings: fuseVolumes(images[0], images[1:], settings), 10)
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
    rows: dict[str, list[object]] = {}
    for name in ("default", "changes"):
        command = [sys.executable, __file__, "--memory-of", name]
        rows[name] = [float(subprocess.run(command, capture_output=True, text=True, check=True).stdout)]
    table(("", "MiB"), rows)


def memoryOf(name: str) -> None:
    """Print the peak memory in MiB of one fusion beyond inputs and output; for a process of its own."""
    size = (512, 512, 400)
    images = []
    for value, tissue, bone in ((-1000, 40, 900), (0, 500, 30)):
        image = sitk.Image(size, sitk.sitkInt16) + value
        voxels = np.random.default_rng(0).normal(tissue, 10, (400, 200, 200)).astype(np.int16)
        voxels[:, :20] = bone
        block = sitk.GetImageFromArray(voxels)
        images.append(sitk.Paste(image, block, block.GetSize(), destinationIndex=(100, 100, 0)))
    small = [image[68:164, 68:164, :16] for image in images]
    settings = FusionSettings(ctChanges=name == "changes")
    fuseVolumes(small[0], small[1:], settings)
    current = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    Path("/proc/self/clear_refs").write_text("5")
    result = fuseVolumes(images[0], images[1:], settings)
    status = Path("/proc/self/status").read_text().splitlines()
    peak = int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024
    print((peak - current - 4 * np.prod(result.image.GetSize())) / 2**20)


PARTS = {
    "pairs": (pairs, "aanlib-fused"),
    "seed": (seed, "seed-pairs"),
    "stacks": (stackSlices, "aanlib"),
    "heads": (wholeHeads, "head-sim"),
    "changes": (changes, "head-sim"),
    "picture": (picture, "head-sim"),
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
