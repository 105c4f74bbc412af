"""Measure the outlines of one half of the labeled cases, with doubts counted, and print the tables in Markdown.

Run: python Testing/Benchmark/OutlineBenchmark.py --half test [--kinds whole] [--ways line click] [--repetitions 5]
     [--rows rows.jsonl] [--plot Docs/outlines.svg]

Rows already in the file of rows are not measured again. Needs the evaluation data beside the project; Slicer's
grow-from-seeds is measured with the same lines where slicer-core is installed.
"""

import argparse
import json
import logging
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(Path(__file__).resolve().parent)]

from MedFusionLib.Core.Tumor.SegmentationMetrics import compareMasks  # noqa: E402
from MedFusionLib.Core.Tumor.TumorSegmentation import (  # noqa: E402
    SegmentationMethod,
    SegmentationSettings,
    TumorInteraction,
    segmentTumor,
)
from OutlineCases import HALVES, OutlineCase, outlineCases  # noqa: E402
from OutlinePlot import drawDicePerCase  # noqa: E402
from SimulatedInteraction import clickAnywhere, longestLine  # noqa: E402

WAYS = ("line", "sloppy", "click", "automatic", "grow")
BAD, GOOD = 0.6, 0.8


def pointedAt(case: OutlineCase, way: str, repetition: int) -> TumorInteraction:
    """Return what a simulated user points at; line and grow-from-seeds get the same line."""
    generator = np.random.default_rng([repetition, *case.name.encode()])
    line = longestLine(case.truth, case.image, generator, 2.0)
    sloppy = longestLine(case.truth, case.image, generator, 6.0, anySlice=True)
    seed = clickAnywhere(case.truth, case.image, generator)
    if way == "click":
        return TumorInteraction(seeds=seed)
    return (
        TumorInteraction()
        if way == "automatic"
        else TumorInteraction(lines=(sloppy if way == "sloppy" else line)[None])
    )


def measured(case: OutlineCase, way: str, repetition: int) -> dict[str, object]:
    """Return one row."""
    interaction = pointedAt(case, way, repetition)
    row: dict[str, object] = {"case": case.name, "kind": case.kind, "target": case.target, "way": way}
    row |= {"repetition": repetition, "refused": False, "verdict": "", "reasons": [], "agreement": None}
    mask = np.zeros(case.truth.shape, bool)
    began = time.process_time()
    if way == "grow":
        from GrowFromSeeds import growFromLine

        ends = [case.image.TransformPhysicalPointToContinuousIndex(p.tolist())[::-1] for p in interaction.lines[0]]
        mask = growFromLine(sitk.GetArrayViewFromImage(case.image), case.spacing, np.array(ends))
    else:
        method = SegmentationMethod.line if way == "sloppy" else SegmentationMethod(way)
        try:
            result = segmentTumor([case.image], interaction, SegmentationSettings(method, (case.sequence,)))
            mask = sitk.GetArrayFromImage(result.labelImage) != 0
            row |= {"verdict": result.verdict.judgment.value, "reasons": result.verdict.reasons}
            row |= {"agreement": result.second.agreements[0], "volumes": result.second.volumesMl[0]}
        except ValueError as error:
            row |= {"refused": True, "reasons": [str(error)]}
    row["cpu"] = round(time.process_time() - began, 2)
    scores = compareMasks(mask, case.truth, case.spacing)
    return row | {"dice": round(scores.dice, 4), "volume": round(scores.volumeError, 3)}


def isDoubted(row: dict[str, object]) -> bool:
    """Return whether a row's outline was refused or doubted; an automatic one counts by its further reasons."""
    return bool(row["refused"]) or len(row["reasons"]) > (1 if row["way"] == "automatic" else 0)


def printSummary(rows: list[dict[str, object]]) -> None:
    """Print one line per kind, target and way, over means of cases."""
    groups = defaultdict(list)
    for row in rows:
        groups[row["kind"], row["target"], row["way"]].append(row)
    columns = ("images", "target", "way", "cases", "mean", "smallest case", "below .6", "of these silent", "refused")
    columns += ("doubted of those above .8", "CPU s")
    print("| " + " | ".join(columns) + " |\n" + "|---" * len(columns) + "|")
    for (kind, target, way), group in sorted(groups.items()):
        cases = defaultdict(list)
        for row in group:
            cases[row["case"]].append(row["dice"])
        means = [np.mean(found) for found in cases.values()]
        bad = [row for row in group if row["dice"] < BAD]
        good = [row for row in group if row["dice"] > GOOD]
        print(
            f"| {kind} | {target} | {way} | {len(cases)} | {np.mean(means):.3f} | {min(means):.3f} "
            f"| {len(bad)} of {len(group)} | {sum(not isDoubted(row) for row in bad)} "
            f"| {sum(row['refused'] for row in group)} | {sum(isDoubted(row) for row in good)} of {len(good)} "
            f"| {np.median([row['cpu'] for row in group]):.2f} |"
        )


def main() -> None:
    """Measure what is not yet in the file of rows, and print all of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--half", choices=HALVES, required=True)
    parser.add_argument("--kinds", nargs="+", default=["stripped", "whole"])
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=list(WAYS))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--rows", type=Path, help="keep the rows in this file, and measure only what it lacks")
    parser.add_argument("--plot", type=Path, help="draw the Dice of each case as dots into this SVG")
    parser.add_argument("--verbose", action="store_true")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    kept = []
    if arguments.rows and arguments.rows.exists():
        kept = [json.loads(text) for text in arguments.rows.read_text().splitlines()]
    known = {(row["case"], row["way"], row["repetition"]): row for row in kept}
    rows = []
    for case in outlineCases(arguments.half, tuple(arguments.kinds)):
        for way in arguments.ways:
            if way == "automatic" and case.target != "WT":
                continue
            for repetition in range(1 if way == "automatic" else arguments.repetitions):
                row = known.get((case.name, way, repetition))
                if row is None:
                    row = measured(case, way, repetition)
                    if arguments.rows:
                        with arguments.rows.open("a") as file:
                            file.write(json.dumps(row) + "\n")
                rows.append(row)
                if arguments.verbose:
                    print(row["case"], way, row["dice"], row["agreement"], row["reasons"], flush=True)
    printSummary(rows)
    if arguments.plot:
        drawDicePerCase(rows, arguments.plot)


if __name__ == "__main__":
    main()
