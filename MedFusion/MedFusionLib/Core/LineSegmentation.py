"""The tumor outlined from one line along its longest diameter."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from .MinCut import minCut
from .Progress import Progress, report, subProgress
from .TumorEvidence import (
    HistogramRatio,
    airLevel,
    gradients,
    histogramOverlap,
    insideImage,
    inwardEdgeCapacity,
    touching,
)
from .WorkingRegion import WorkingRegion, workingRegion

_ROUNDS = 3
_REACH = 1.35
_GROWTH = 1.2
_BOUNDARY_COST = 0.12
_CYLINDER_MM = 1.4
_CERTAIN = 10.0
_FAINT_OVERLAP = 0.85


def outlineFromLine(
    image: sitk.Image,
    line: np.ndarray,
    allowed: sitk.Image | None = None,
    progress: Progress | None = None,
) -> tuple[np.ndarray, tuple[slice, ...], tuple[str, ...]]:
    """Return the tumor's mask in a part of the image, that part's slices (KJI), and warnings.

    What lies on the line looks like tumor, what lies beyond its reach does not; a minimum cut between the two, with
    a mild preference for the sphere that the line spans, is repeated with what was found. All lengths scale with the
    line, so a small tumor is treated as a large one seen from farther away.

    :param line: the two ends, LPS millimetres, shape (2, 3).
    :param allowed: where a tumor can be; None takes all of the image that is not cut away.

    Boykov, Funka-Lea 2006, doi:10.1007/s11263-006-7934-5 (cut with histograms and seeds); Rother, Kolmogorov, Blake
    2004, doi:10.1145/1015706.1015720 (repeated with what was found).
    """
    _checkLine(image, line)
    allowed = allowed if allowed is not None else insideImage(image)
    radius = 0.5 * float(np.linalg.norm(line[1] - line[0]))
    region = workingRegion(image, line.mean(axis=0)[None], _REACH * _GROWTH * radius + 6)
    values = region.values
    usable = np.ones(values.shape, bool) if allowed is None else region.sampled(allowed) > 0.5
    center = region.indices(line.mean(axis=0)[None])[0]
    distance = region.distance(center)
    onLine = _cylinder(region, line, 1.0) & usable
    seeds = _cylinder(region, line, 0.8) & usable
    shell = (distance > 1.05 * radius) & (distance < 2 * radius) & usable
    if not seeds.any() or not shell.any():
        raise ValueError("The line lies outside the head or the mask; draw it through the tumor.")
    compare = HistogramRatio(values, onLine | shell)
    around, lineHistogram = compare.histogram(shell), compare.histogram(onLine)
    derivatives = gradients(values, region.spacing)
    brighter = _brighterThanSurroundings(region, values, line, shell)
    capacity = inwardEdgeCapacity(
        derivatives, shell, _BOUNDARY_COST * radius / region.spacing, center, brighterInside=brighter
    )
    inside, labeling, currentRadius = lineHistogram, None, radius
    for turn in range(_ROUNDS):
        report(progress, turn / _ROUNDS, "Outlining the tumor from the line")
        unary = compare.logRatio(inside, around) + np.clip(0.95 - distance / currentRadius, -1.5, 1)
        np.clip(unary, -5, 5, out=unary)
        unary[(distance > _REACH * currentRadius + 4) | ~usable] = -_CERTAIN
        unary[seeds] = _CERTAIN
        labeling = minCut(
            unary,
            capacity,
            labeling,
            100 if turn == 0 else 40,
            progress=subProgress(progress, turn / 3, turn / 3 + 0.3),
        )
        found = ndimage.binary_fill_holes(touching(labeling > 0.5, seeds))
        inside = 0.4 * lineHistogram + 0.6 * compare.histogram(found)
        foundCenter = 0.5 * (center + np.argwhere(found).mean(axis=0))
        distance = region.distance(foundCenter)
        currentRadius = float(np.clip(np.percentile(distance[found], 95) / 0.95, radius, _GROWTH * radius))
    mask, slices = region.onSource(ndimage.gaussian_filter(found.astype(np.float32), 0.6))
    report(progress, 1.0, "Tumor outlined")
    warnings = ()
    overlap = histogramOverlap(compare.histogram(found), compare.histogram(shell & ~found))
    if overlap > _FAINT_OVERLAP:
        warnings = (
            f"The tumor hardly differs from what lies around it here (overlap of intensities {overlap:.0%}); "
            "check the outline, or draw the line on another sequence.",
        )
    return mask, slices, warnings


def _checkLine(image: sitk.Image, line: np.ndarray) -> None:
    """Raise ValueError unless the line lies in the image, has a length, and crosses tissue."""
    ends = np.array([image.TransformPhysicalPointToContinuousIndex(p.tolist()) for p in line])
    size = np.array(image.GetSize())
    if (ends < -0.5).any() or (ends > size - 0.5).any():
        raise ValueError(f"The line {np.round(line, 1).tolist()} (LPS mm) leaves the volume; draw it on the tumor.")
    length = float(np.linalg.norm(ends[1] - ends[0]))
    if length < 3:
        raise ValueError(f"The line is only {length:.1f} voxels long; draw it along the tumor's longest diameter.")
    steps = np.linspace(0, 1, 30)[:, None]
    along = np.rint(np.clip(ends[0] + steps * (ends[1] - ends[0]), 0, size - 1)).astype(int)
    values = np.array([image.GetPixel(*index.tolist()) for index in along])
    if (values <= airLevel(image)).mean() > 0.9:
        raise ValueError("The line lies outside the head, in air; draw it through the tumor.")


def _cylinder(region: WorkingRegion, line: np.ndarray, share: float) -> np.ndarray:
    """Return the voxels within a thin cylinder around the central share of a line."""
    ends = region.indices(line)
    middle, half = ends.mean(axis=0), 0.5 * share * (ends[1] - ends[0])
    axes = np.ogrid[tuple(slice(0, n) for n in region.grid.GetSize()[::-1])]
    offsets = [axis - np.float32(m) for axis, m in zip(axes, middle, strict=True)]
    along = np.clip(sum(o * np.float32(h) for o, h in zip(offsets, half, strict=True)) / (half @ half), -1, 1)
    squares = sum((o - along * np.float32(h)) ** 2 for o, h in zip(offsets, half, strict=True))
    return squares <= (max(_CYLINDER_MM / region.spacing, 0.75)) ** 2


def _brighterThanSurroundings(region: WorkingRegion, values: np.ndarray, line: np.ndarray, shell: np.ndarray) -> bool:
    """Return whether the tumor's border is brighter than what lies beyond the line's two ends.

    In doubt it is: edema on FLAIR and the enhancing rim on T1c are.
    """
    ends = region.indices(line)
    middle, half = ends.mean(axis=0), 0.5 * (ends[1] - ends[0])

    def sampled(shares: np.ndarray) -> np.ndarray:
        points = np.concatenate([middle + sign * share * half for sign in (-1, 1) for share in shares]).reshape(-1, 3)
        return ndimage.map_coordinates(values, points.T, order=1, mode="nearest")

    difference = np.median(sampled(np.linspace(0.8, 1.0, 8))) - np.median(sampled(np.linspace(1.1, 1.3, 8)))
    around = values[shell]
    spread = 1.48 * float(np.median(np.abs(around - np.median(around))))
    return bool(difference > -0.5 * spread)
