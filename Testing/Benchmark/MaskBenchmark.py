"""Measure what an MRI is taken for, and the brain mask from the MRI alone, and print the tables in Markdown.

Run: python Testing/Benchmark/MaskBenchmark.py --half test
Needs the evaluation data beside the project.
"""

import argparse
import logging
import sys
import time
from pathlib import Path

import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(Path(__file__).resolve().parent)]

from MedFusionLib.Core.Tumor.ImageKind import ImageKind  # noqa: E402
from MedFusionLib.Core.Tumor.SearchMask import searchMask  # noqa: E402
from MedFusionLib.Core.Tumor.SegmentationMetrics import compareMasks  # noqa: E402
from OutlineCases import DATA, HALVES, outlineCases  # noqa: E402


def printKinds(half: str) -> None:
    """Print how many images are taken for what they are; stripped ones in all their sequences."""
    folders = sorted((DATA / "brats18").glob("Brats18_*"))[HALVES.index(half) :: 2]
    files = [(file, ImageKind.stripped) for folder in folders for file in sorted(folder.glob("*.nii.gz"))]
    files = [(file, kind) for file, kind in files if not file.name.endswith("_seg.nii.gz")]
    heads = sorted((DATA / "lgg").glob("lgg_*"))[HALVES.index(half) :: 2]
    files += [(folder / "flair.nii.gz", ImageKind.whole) for folder in heads]
    files += [(DATA / "head-sim" / name / "mr_t1c.nrrd", ImageKind.whole) for name in ("head-a", "head-b", "head-c")]
    wrong = [file.name for file, kind in files if searchMask(sitk.ReadImage(str(file))).kind is not kind]
    print(f"Taken for something else: {len(wrong)} of {len(files)} images {', '.join(wrong)}", flush=True)


def printBrains() -> None:
    """Print how well the mask agrees with the three heads' brains."""
    print("\n| head | Dice with the brain | CPU s |\n|---|---|---|")
    for name in ("head-a", "head-b", "head-c"):
        folder = DATA / "head-sim" / name
        image, truth = (sitk.ReadImage(str(folder / file)) for file in ("mr_t1c.nrrd", "truth_brain_ct.nrrd"))
        began = time.process_time()
        mask = searchMask(image).image
        seconds = time.process_time() - began
        transform = sitk.ReadTransform(str(folder / "truth_ct_to_mr.tfm"))
        mask = sitk.GetArrayFromImage(sitk.Resample(mask, truth, transform, sitk.sitkLinear, 0.0)) > 0.5
        dice = compareMasks(mask, sitk.GetArrayFromImage(truth) > 0, np.array(truth.GetSpacing()[::-1])).dice
        print(f"| {name} | {dice:.3f} | {seconds:.1f} |", flush=True)


def printTumors(half: str) -> None:
    """Print how much of the whole heads' tumors the mask holds."""
    shares, seconds = [], []
    for case in outlineCases(half, ("whole",)):
        began = time.process_time()
        search = searchMask(case.image)
        seconds.append(time.process_time() - began)
        shares.append(float(search.onGrid(case.image)[case.truth].mean()))
    print(
        f"\nTumor inside the mask, {len(shares)} whole heads: mean {np.mean(shares):.3f}, smallest {min(shares):.3f}; "
        f"median CPU {np.median(seconds):.1f} s"
    )


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=HALVES, required=True)
    half = parser.parse_args().half
    logging.disable(logging.WARNING)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    printKinds(half)
    printBrains()
    printTumors(half)


if __name__ == "__main__":
    main()
