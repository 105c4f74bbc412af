"""Measure the tumor segmentation on labeled cases with simulated users, and print the tables in Markdown.

Run: python Testing/Benchmark/SegmentationBenchmark.py [--repetitions 10] [--picture outlines.png] [--perturbed]
Needs the evaluation data beside the project; Slicer's grow-from-seeds is compared where slicer-core is installed.
"""

import argparse
import logging
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image
from scipy import ndimage

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(Path(__file__).resolve().parent)]

from MedFusionLib.Core.Tumor.CoarseGrid import cavityOn  # noqa: E402
from MedFusionLib.Core.Tumor.Diameters import axialDiameters  # noqa: E402
from MedFusionLib.Core.Tumor.IntracranialCavity import coarseCavity  # noqa: E402
from MedFusionLib.Core.Tumor.SearchMask import searchMask  # noqa: E402
from MedFusionLib.Core.Tumor.SegmentationMetrics import compareMasks, compareSegmentations  # noqa: E402
from MedFusionLib.Core.Tumor.TumorSegmentation import (  # noqa: E402
    SegmentationMethod,
)
from SegmentationCases import DATA, Case, loadCases, outlined  # noqa: E402
from SimulatedInteraction import click, correctionStroke, longestLine  # noqa: E402

JITTER_MM, SLOPPY_JITTER_MM = 2.0, 6.0


def corrected(case: Case, mask: np.ndarray, strokes: int) -> tuple[np.ndarray, float]:
    """Return the mask after strokes at the largest errors, and CPU seconds per stroke."""
    began, drawing = time.process_time(), 0.0
    for _ in range(strokes):
        paused = time.process_time()
        points, isForeground = correctionStroke(mask, case.truth, case.image)
        drawing += time.process_time() - paused
        present = sitk.GetImageFromArray(mask.astype(np.uint8))
        present.CopyInformation(case.image)
        pointed = {"foregroundPoints" if isForeground else "backgroundPoints": points}
        mask, _, _ = outlined(case, SegmentationMethod.strokes, presentImage=present, **pointed)
    return mask, (time.process_time() - began - drawing) / max(strokes, 1)


def bidimensionalProduct(mask: np.ndarray, grid: sitk.Image) -> float:
    """Return the product of the axial diameter and its perpendicular in square millimeters."""
    return float(np.prod([diameter.lengthMm for diameter in axialDiameters(mask, grid)]))


class Table:
    """Collect the scores of one kind of interaction and print them per case."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.rows: dict[str, list[dict[str, float]]] = defaultdict(list)
        self._trueProducts: dict[int, float] = {}

    def add(self, case: Case, mask: np.ndarray, seconds: float, warnings: tuple[str, ...] = ()) -> None:
        """Take in one outline."""
        scores = compareMasks(mask, case.truth, case.spacing)
        found = {"dice": scores.dice, "hd95": scores.hausdorff95Mm, "volume": scores.volumeError, "cpu": seconds}
        found["warned"] = float(bool(warnings))
        if mask.any():
            true = self._trueProduct(case)
            found["rano"] = abs(bidimensionalProduct(mask, case.image) - true) / true
        self.rows[f"{case.name} {case.target}"].append(found)

    def _trueProduct(self, case: Case) -> float:
        """Return the truth's product of diameters, measured once."""
        if id(case) not in self._trueProducts:
            self._trueProducts[id(case)] = bidimensionalProduct(case.truth, case.image)
        return self._trueProducts[id(case)]

    def dice(self, chosen: Callable[[str], bool] = lambda name: True) -> tuple[float, float]:
        """Return mean and smallest case mean of the Dice over the chosen cases."""
        means = [np.mean([r["dice"] for r in rows]) for name, rows in self.rows.items() if chosen(name)]
        return (float(np.mean(means)), float(min(means))) if means else (float("nan"), float("nan"))

    def print(self) -> None:
        """Print the table, one row per case, then all."""
        print(f"\n### {self.title}\n", flush=True)
        print("| case | Dice mean | SD | min | max | HD95 mm | volume error | RANO error | warned | CPU s |")
        print("|---|---|---|---|---|---|---|---|---|---|")
        for name, rows in self.rows.items():
            print(self._row(name, rows))
        print(self._row("**all**", [row for rows in self.rows.values() for row in rows]))

    @staticmethod
    def _row(name: str, rows: list[dict[str, float]]) -> str:
        dice = np.array([r["dice"] for r in rows])
        rano = [r["rano"] for r in rows if "rano" in r]
        return (
            f"| {name} | {dice.mean():.3f} | {dice.std():.3f} | {dice.min():.3f} | {dice.max():.3f} "
            f"| {np.nanmean([r['hd95'] for r in rows]):.1f} | {np.mean([r['volume'] for r in rows]):+.0%} "
            f"| {np.median(rano) if rano else float('nan'):.1%} | {np.mean([r['warned'] for r in rows]):.0%} "
            f"| {np.median([r['cpu'] for r in rows]):.2f} |"
        )


def main() -> None:
    """Run everything and print it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repetitions", type=int, default=10)
    parser.add_argument("--picture", help="write outlines against the truth to this PNG")
    parser.add_argument("--perturbed", action="store_true", help="measure changed versions of the cases, too")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    cases = loadCases()
    if not cases:
        print("The evaluation data is not beside the project; nothing was measured.")
        return
    if arguments.picture:
        drawOutlines(cases, Path(arguments.picture))
    printCavity()
    tables = interactionTables(cases, arguments.repetitions)
    for table in tables.values():
        table.print()
    peers = peerTable(cases, arguments.repetitions)
    if peers:
        peers.print()
    printSummary(tables, peers, cases)
    if arguments.perturbed:
        printPerturbed(cases)


def interactionTables(cases: list[Case], repetitions: int) -> dict[str, Table]:
    """Return the tables of every kind of interaction."""
    titles = {
        "line": f"Line, {JITTER_MM:g} mm jitter (SD per axis and end)",
        "sloppy": f"Sloppy line, any slice with >= 40 % of the largest area, {SLOPPY_JITTER_MM:g} mm jitter",
        "click": "Click in the inner half of the lesion",
        "watershed": "Marker-controlled watershed from the same line, for comparison",
        "automatic": "Automatic (FLAIR)",
        "automatic3": "Automatic + 3 strokes at the largest errors",
        "line3": "Line + 3 strokes at the largest errors",
    }
    tables = {key: Table(title) for key, title in titles.items()}
    for number, case in enumerate(cases):
        generator = np.random.default_rng(100 + number)
        for repetition in range(repetitions):
            line = longestLine(case.truth, case.image, generator, JITTER_MM)[None]
            mask, seconds, warnings = outlined(case, SegmentationMethod.line, lines=line)
            tables["line"].add(case, mask, seconds, warnings)
            sloppy = longestLine(case.truth, case.image, generator, SLOPPY_JITTER_MM, anySlice=True)[None]
            tables["sloppy"].add(case, *outlined(case, SegmentationMethod.line, lines=sloppy))
            seed = click(case.truth, case.image, generator)
            tables["click"].add(case, *outlined(case, SegmentationMethod.click, seeds=seed))
            if repetition < 2:
                tables["watershed"].add(case, *outlined(case, SegmentationMethod.watershed, lines=line))
                tables["line3"].add(case, *corrected(case, mask, 3))
        if case.target == "WT":
            mask, seconds, warnings = outlined(case, SegmentationMethod.automatic)
            tables["automatic"].add(case, mask, seconds, warnings)
            tables["automatic3"].add(case, *corrected(case, mask, 3))
    return tables


def peerTable(cases: list[Case], repetitions: int) -> Table | None:
    """Return the table of Slicer's grow-from-seeds with the same lines, or None where slicer-core is absent."""
    try:
        from GrowFromSeeds import growFromLine
    except ImportError:
        print("slicer-core is not installed: grow-from-seeds is left out.")
        return None
    table = Table("Slicer's grow-from-seeds with the same lines")
    for number, case in enumerate(cases):
        generator = np.random.default_rng(100 + number)
        values = sitk.GetArrayFromImage(case.image)
        for _ in range(repetitions):
            line = longestLine(case.truth, case.image, generator, JITTER_MM)
            longestLine(case.truth, case.image, generator, SLOPPY_JITTER_MM, anySlice=True)
            click(case.truth, case.image, generator)
            ends = np.array([case.image.TransformPhysicalPointToContinuousIndex(p.tolist())[::-1] for p in line])
            began = time.process_time()
            table.add(case, growFromLine(values, case.spacing, ends), time.process_time() - began)
    return table


def printCavity() -> None:
    """Print how well the intracranial cavity agrees with the brain's outline."""
    print("\n### Intracranial cavity against the brain label\n")
    print("| case | from | Dice | HD95 mm | CPU s |\n|---|---|---|---|---|")
    for name in ("head-a", "head-b"):
        folder = DATA / "head-sim" / name
        truth = sitk.ReadImage(str(folder / "truth_brain_ct.nrrd"))
        ctToMr = sitk.ReadTransform(str(folder / "truth_ct_to_mr.tfm"))
        for source in ("CT", "MRI alone"):
            began = time.process_time()
            if source == "CT":
                ct = sitk.ReadImage(str(folder / "ct.nrrd"))
                mask = cavityOn(coarseCavity(ct), ct)
            else:
                found = searchMask(sitk.ReadImage(str(folder / "mr_t1c.nrrd"))).image
                mask = sitk.Resample(found > 0.5, truth, ctToMr, sitk.sitkNearestNeighbor)
            seconds = time.process_time() - began
            scores = compareSegmentations(mask, truth)["all"]
            print(f"| {name} | {source} | {scores.dice:.3f} | {scores.hausdorff95Mm:.1f} | {seconds:.1f} |")


def perturbations(case: Case) -> dict[str, Callable[[], Case]]:
    """Return ways to change a case that a method should hardly feel."""
    values = sitk.GetArrayFromImage(case.image)
    generator = np.random.default_rng(0)
    inside = values > values.min()
    spread = float(values[inside].std())

    def changed(array: np.ndarray) -> Case:
        image = sitk.GetImageFromArray(array.astype(np.float32))
        image.CopyInformation(case.image)
        return Case(case.name, case.target, image, case.truth, case.sequence)

    def resampled(spacing: tuple[float, float, float]) -> Case:
        size = [
            round(n * s / w) for n, s, w in zip(case.image.GetSize(), case.image.GetSpacing(), spacing, strict=True)
        ]
        identity = sitk.Transform(3, sitk.sitkIdentity)
        truth = sitk.GetImageFromArray(case.truth.astype(np.float32))
        truth.CopyInformation(case.image)
        parts = []
        for image in (case.image, truth):
            smooth = sitk.DiscreteGaussian(image, [(0.3 * w) ** 2 for w in spacing])
            parts.append(
                sitk.Resample(smooth, size, identity, sitk.sitkLinear, image.GetOrigin(), spacing, image.GetDirection())
            )
        return Case(case.name, case.target, parts[0], sitk.GetArrayFromImage(parts[1]) > 0.5, case.sequence)

    axes = np.ogrid[tuple(slice(-1, 1, complex(0, n)) for n in values.shape)]
    return {
        "as it is": lambda: case,
        "noise, SD 15 % of the tissue's": lambda: changed(
            np.where(inside, values + generator.normal(0, 0.15 * spread, values.shape), values)
        ),
        "shading, +-20 %": lambda: changed(values * (1 + 0.2 * (axes[0] + axes[1] - axes[2]) / 2)),
        "5 mm slices": lambda: resampled((case.image.GetSpacing()[0], case.image.GetSpacing()[1], 5.0)),
        "2 mm voxels": lambda: resampled((2.0, 2.0, 2.0)),
        "flipped left-right": lambda: Case(
            case.name, case.target, sitk.Flip(case.image, [True, False, False]), case.truth[:, :, ::-1], case.sequence
        ),
    }


def printPerturbed(cases: list[Case]) -> None:
    """Print the mean Dice on changed versions of the cases, with one jittered line or none."""
    print("\n### The same cases changed: mean (min) Dice over the cases\n")
    print("| change | line, WT and TC | automatic, WT |\n|---|---|---|")
    for name in perturbations(cases[0]):
        lines, automatic = [], []
        for number, case in enumerate(cases):
            changed = perturbations(case)[name]()
            generator = np.random.default_rng(500 + number)
            line = longestLine(changed.truth, changed.image, generator, JITTER_MM)[None]
            mask, _, _ = outlined(changed, SegmentationMethod.line, lines=line)
            lines.append(compareMasks(mask, changed.truth, changed.spacing).dice)
            if case.target == "WT":
                mask, _, _ = outlined(changed, SegmentationMethod.automatic)
                automatic.append(compareMasks(mask, changed.truth, changed.spacing).dice)
        print(f"| {name} | {np.mean(lines):.3f} ({min(lines):.3f}) | {np.mean(automatic):.3f} ({min(automatic):.3f}) |")


def printSummary(tables: dict[str, Table], peers: Table | None, cases: list[Case]) -> None:
    """Print the figures that the README quotes."""
    sys.stdout.flush()

    def isMain(name: str) -> bool:
        return name.endswith("WT") or name.startswith("head")

    def isHighGradeCore(name: str) -> bool:
        return name.endswith("TC") and not name.startswith(("head", "TCIA10"))

    def isWhole(name: str) -> bool:
        return name.endswith("WT")

    image = cases[0].image
    began = time.process_time()
    sitk.DiscreteGaussian(image, 1.0)
    recursive = time.process_time()
    sitk.SmoothingRecursiveGaussian(image, 1.0)
    gaussian = time.process_time() - recursive
    rano = np.median([r["rano"] for rows in tables["line"].rows.values() for r in rows])
    print("\n### Summary\n\n| what | mean Dice | smallest case mean |\n|---|---|---|")
    for label, key, chosen in (
        ("line: WT on FLAIR, core of head-sim on T1c", "line", isMain),
        ("sloppy line: the same", "sloppy", isMain),
        ("sloppy line: WT on FLAIR", "sloppy", isWhole),
        ("line: TC on T1c, high grade", "line", isHighGradeCore),
        ("automatic: WT on FLAIR", "automatic", isWhole),
        ("click: WT on FLAIR, core of head-sim", "click", isMain),
        ("click: WT on FLAIR", "click", isWhole),
        ("automatic + 3 strokes: WT", "automatic3", isWhole),
        ("line + 3 strokes: WT, core of head-sim", "line3", isMain),
        ("watershed from the line", "watershed", isMain),
    ):
        mean, least = tables[key].dice(chosen)
        print(f"| {label} | {mean:.3f} | {least:.3f} |")
    print(f"\nRANO product from the line's result: median error {rano:.1%}.")
    if peers:
        better = [
            np.mean([r["dice"] for r in tables["line"].rows[name]]) > np.mean([r["dice"] for r in rows])
            for name, rows in peers.rows.items()
        ]
        cpu = {
            key: np.median([r["cpu"] for rows in t.rows.values() for r in rows])
            for key, t in (("line", tables["line"]), ("peer", peers))
        }
        print(
            f"Against grow-from-seeds: higher Dice on {sum(better)} of {len(better)}, CPU {cpu['line']:.2f} s "
            f"against {cpu['peer']:.2f} s ({cpu['line'] / cpu['peer']:.1f} times)."
        )
    print(
        f"\nCPU on 240x240x155; one SimpleITK recursive Gaussian pass (sigma 1) takes {gaussian:.2f} s, one discrete "
        f"{recursive - began:.2f} s here.\n\n| what | CPU s | Gaussian passes |\n|---|---|---|"
    )
    for key in ("line", "click", "automatic", "line3"):
        seconds = np.median([r["cpu"] for name, rows in tables[key].rows.items() for r in rows if "head" not in name])
        print(f"| {'one stroke' if key == 'line3' else key} | {seconds:.2f} | {seconds / gaussian:.1f} |")


def drawOutlines(cases: list[Case], path: Path) -> None:
    """Write a picture: per case the slice of largest area, truth in green, the line's outline in red."""
    tiles = []
    for number, case in enumerate(cases):
        if case.target == "TC" and not case.name.startswith("head"):
            continue
        line = longestLine(case.truth, case.image, np.random.default_rng(100 + number), JITTER_MM)
        mask, _, _ = outlined(case, SegmentationMethod.line, lines=line[None])
        position = int(np.argmax(case.truth.sum(axis=(1, 2))))
        values = sitk.GetArrayViewFromImage(case.image)[position]
        gray = np.clip(values / np.percentile(values[values > 0], 99.5), 0, 1) * 255
        picture = Image.fromarray(gray.astype(np.uint8)).convert("RGB")
        width, height = (np.array(picture.size) * case.spacing[:0:-1] * 2).astype(int)
        canvas = np.array(picture.resize((width, height), Image.Resampling.BILINEAR))
        for part, color in ((case.truth, (60, 220, 90)), (mask, (255, 70, 40))):
            large = np.array(Image.fromarray(part[position]).resize((width, height)))
            canvas[large & ~ndimage.binary_erosion(large)] = color
        rows, columns = np.flatnonzero(gray.max(axis=1) > 40), np.flatnonzero(gray.max(axis=0) > 40)
        scale = case.spacing[1] * 2, case.spacing[2] * 2
        cropped = canvas[int(rows[0] * scale[0]) : int(rows[-1] * scale[0]), :]
        cropped = cropped[:, int(columns[0] * scale[1]) : int(columns[-1] * scale[1])]
        tiles.append(np.array(Image.fromarray(cropped).resize((270, 340))))
    half = (len(tiles) + 1) // 2
    tiles += [np.zeros_like(tiles[0])] * (2 * half - len(tiles))
    Image.fromarray(np.vstack([np.hstack(tiles[:half]), np.hstack(tiles[half:])])).save(path, optimize=True)


if __name__ == "__main__":
    main()
