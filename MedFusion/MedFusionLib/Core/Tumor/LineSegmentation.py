"""The tumor outlined from one line along its longest diameter."""

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Coordinates import flipPoints
from ..Images.Grids import indicesAt, pointsAt
from ..Images.Intensities import robustSpread
from ..Progress import Progress, report, subProgress
from .Diameters import axialDiameters, longestDiameter
from .HalfMaximum import atHalfMaximum, isSolid
from .LineDoubts import LineFacts, lineDoubts
from .MinCut import minCut
from .Outline import Outline
from .TumorEvidence import (
    BOUNDARY_COST,
    HistogramRatio,
    airLevel,
    filled,
    gradients,
    histogramOverlap,
    inwardEdgeCapacity,
    neighbors,
    touching,
)
from .WorkingRegion import WorkingRegion, workingRegion

# Fitted on 11 of 25 glioma cases (FLAIR and T1c of BraTS) by mean Dice of simulated lines; what
# speaks against a wider outline, on the DEV half of Testing/Benchmark/OutlineBenchmark.py.
_ROUNDS = 3
_REACH = 1.35
_GROWTH = 1.2
_CYLINDER_MM = 1.4
_CERTAIN = 10.0
_DOUBTFUL = 0.4
_WIDER = (1.5, 2.25)
_CLEARLY = 0.8
_WIDEST_RIM_MM = 12.0
_MOST_BALLS = 2.0
_SHARP = 0.15
_UNLIKE = -0.5
_AT_MIDPLANE_MM = 3.0
_LEAST_DIFFERENCE = 0.8  # standard deviations; .8 and 1.2, weights of .5 to 2 tried on DEV of OutlineBenchmark


@dataclass(frozen=True)
class BrightLesions:
    """What helps to outline lesions that are bright on the whole.

    :param difference: how much brighter each place is than the other side of the head, in standard deviations; None
        where there are no two sides. What is brighter is rather tumor, if what lies on the line is.
    :param fromMidplane: each place's distance from the plane between the sides, millimeters; None like the difference.
    """

    difference: sitk.Image | None
    fromMidplane: sitk.Image | None

    def shareAtMidplane(self, region: WorkingRegion, border: np.ndarray) -> float:
        """Return the share of a border that lies along the plane between the sides of the head."""
        if self.fromMidplane is None:
            return 0.0
        return float((region.sampled(self.fromMidplane, outside=np.inf)[border] < _AT_MIDPLANE_MM).mean())


def outlineFromLine(
    image: sitk.Image,
    line: np.ndarray,
    allowed: sitk.Image | None = None,
    progress: Progress | None = None,
    others: np.ndarray | None = None,
    bright: BrightLesions | None = None,
) -> Outline:
    """Return the tumor along a line.

    What lies on the line looks like tumor, what lies beyond its reach does not; a minimum cut between the two, with
    a mild preference for the sphere that the line spans, is repeated with what was found. All lengths scale with the
    line, so a small tumor is treated as a large one seen from farther away.

    A line drawn carelessly is too short or beside the middle, and then the outline shows it: a dark one inside a bright
    rim is taken as the middle of the lesion and cut again from a line across the rim; one whose border follows no edges
    is cut again within wider spheres about it, and a wider outline wins when its border clearly costs less per voxel
    and, unless it is sharp all around, it is not far larger than the ball on the line.

    :param line: the two ends, LPS millimeters, shape (2, 3).
    :param allowed: where a tumor can be; None takes all of the image.
    :param others: lines along other lesions, which belong to those, LPS millimeters, shape (N, 2, 3).
    :param bright: what is known where tumors are bright on the whole (FLAIR, T2); None elsewhere.

    Boykov, Funka-Lea 2006, doi:10.1007/s11263-006-7934-5 (cut with histograms and seeds); Rother, Kolmogorov, Blake
    2004, doi:10.1145/1015706.1015720 (repeated with what was found); Jermyn, Ishikawa 2001, doi:10.1109/34.954599
    (regions compared by their border's mean cost).
    """
    _checkLine(image, line)
    length = float(np.linalg.norm(line[1] - line[0]))
    pointed = _Pointed(line, others, bright)
    best = first = _cutAbout(image, pointed, line, allowed, progress=subProgress(progress, 0.0, 0.5))
    if best.darkInBright:
        across = acrossRim(best.region, best.found, best.usable)
        if across is not None and np.linalg.norm(across[1] - across[0]) < _widest(length):
            best = _cutAbout(
                image, replace(pointed, line=across), across, allowed, True, subProgress(progress, 0.5, 0.7)
            )
    if best.edgeless > _DOUBTFUL:
        center = best.center
        for number, share in enumerate(_WIDER):
            if share * length > _widest(length):
                break
            wider = center + share * np.array([[-0.5], [0.5]]) * (line[1] - line[0])
            part = subProgress(progress, 0.7 + 0.1 * number, 0.8 + 0.1 * number)
            try:
                trial = _cutAbout(image, pointed, wider, allowed, best.brighter, part)
            except ValueError:  # so wide that nothing of the image is left around it
                break
            if trial.edgeless < _CLEARLY * best.edgeless and not _isFarBeyond(trial, length):
                best = trial
    report(progress, 1.0, "Tumor outlined")
    against = lineDoubts(best.facts(length))
    outline = best.outline(tuple(against.doubts), tuple(against.suspicions))
    if best is first or not against.doubts + against.suspicions:
        return outline
    return replace(outline, other=first.outline(), otherWords="the shorter outline")


def _isFarBeyond(cut: "_Cut", length: float) -> bool:
    """Return whether a cut is far larger than the ball on the line without sharp edges of its own all around."""
    isSharp = cut.edgeless < _SHARP and cut.atMask < _SHARP
    return cut.balls(length) > _MOST_BALLS and not isSharp


def ballMm3(diameterMm: float) -> float:
    """Return the volume of a ball."""
    return np.pi / 6 * diameterMm**3


@dataclass(frozen=True)
class _Pointed:
    """A lesion's line and the lines of the other lesions (two ends each, LPS mm), and what is known of bright ones."""

    line: np.ndarray
    others: np.ndarray | None
    bright: BrightLesions | None


@dataclass(frozen=True)
class _Cut:
    """What was cut out, and how well its border follows edges of the image.

    :param brighter: whether its border was taken to be brighter than what lies around it.
    :param darkInBright: whether its outermost layer is darker than the layer around it.
    :param edgeless: mean cost of its border, 0 on sharp edges and 1 where there is none.
    :param overlap: of its intensities with those around it.
    :param atMask: share of its border along the mask's border.
    :param atMidplane: share of its border along the plane between the sides of the head.
    :param isBright: whether it is a lesion that is bright on the whole.
    """

    region: WorkingRegion
    usable: np.ndarray
    found: np.ndarray
    brighter: bool
    darkInBright: bool
    edgeless: float
    overlap: float
    atMask: float
    atMidplane: float
    isBright: bool

    @property
    def volumeMm3(self) -> float:
        """Return the volume."""
        return float(self.found.sum()) * self.region.spacing**3

    def balls(self, lengthMm: float) -> float:
        """Return how many times the ball that a line spans it is, in a single slice the disk."""
        if self.region.isPlane:
            return float(self.found.sum()) * self.region.spacing**2 / (np.pi / 4 * lengthMm**2)
        return self.volumeMm3 / ballMm3(lengthMm)

    def facts(self, lengthMm: float) -> LineFacts:
        """Return what can speak against it when it was made from a line of a length."""
        longest = longestDiameter(np.pad(self.found, 1), self.region.grid)[0].lengthMm
        return LineFacts(
            lengthMm=lengthMm,
            longestMm=longest,
            volumeMl=self.volumeMm3 / 1000,
            balls=self.balls(lengthMm),
            isPlane=self.region.isPlane,
            overlap=self.overlap,
            atMask=self.atMask,
            atMidplane=self.atMidplane,
        )

    def outline(self, doubts: tuple[str, ...] = (), suspicions: tuple[str, ...] = ()) -> Outline:
        """Return it on the source image's voxels."""
        solid = self.isBright or (not self.darkInBright and isSolid(self.region, self.found))
        found = atHalfMaximum(self.region, self.found, self.usable) if solid else self.found
        mask, slices = self.region.onSource(ndimage.gaussian_filter(found.astype(np.float32), 0.6))
        return Outline(mask, slices, doubts, suspicions=suspicions)

    @property
    def center(self) -> np.ndarray:
        """Return the centroid, LPS millimeters."""
        index = np.argwhere(self.found).mean(axis=0)[::-1]
        return pointsAt(self.region.grid, index)


def _cutAbout(
    image: sitk.Image,
    pointed: _Pointed,
    span: np.ndarray,
    allowed: sitk.Image | None,
    brighter: bool | None = None,
    progress: Progress | None = None,
) -> _Cut:
    """Return what looks like the line, within reach of the sphere that a span (two ends, LPS mm) is across."""
    radius = 0.5 * float(np.linalg.norm(span[1] - span[0]))
    region = workingRegion(image, span.mean(axis=0)[None], _REACH * _GROWTH * radius + 6)
    values = region.values
    usable = np.ones(values.shape, bool) if allowed is None else region.sampled(allowed) > 0.5
    center = region.indices(span.mean(axis=0)[None])[0]
    distance = region.distance(center)
    onLine = _cylinder(region, pointed.line, 1.0) & usable
    seeds = _cylinder(region, pointed.line, 0.8) & usable
    for other in () if pointed.others is None else pointed.others:
        usable &= ~_cylinder(region, other, 0.8) | seeds
    shell = (distance > 1.05 * radius) & (distance < 2 * radius) & usable
    if not seeds.any() or not shell.any():
        raise ValueError("The line lies outside the head or the mask; draw it through the tumor.")
    compare = HistogramRatio(values, onLine | shell)
    around, lineHistogram = compare.histogram(shell), compare.histogram(onLine)
    seeds = _likeTheLine(seeds, compare.logRatio(lineHistogram, around))
    derivatives = gradients(_continued(values, usable), region.spacing)
    if brighter is None:
        brighter = _brighterThanSurroundings(region, values, span, shell)
    capacity = inwardEdgeCapacity(
        derivatives, shell, BOUNDARY_COST * radius / region.spacing, center, brighterInside=brighter
    )
    lean = _leanToBrighterSide(region, pointed, onLine) if brighter else np.zeros((1, 1, 1), np.float32)
    inside, labeling, currentRadius = lineHistogram, None, radius
    for turn in range(_ROUNDS):
        report(progress, turn / _ROUNDS, "Outlining the tumor from the line")
        unary = compare.logRatio(inside, around) + np.clip(0.95 - distance / currentRadius, -1.5, 1) + lean
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
        found = filled(touching(labeling > 0.5, seeds))
        inside = 0.4 * lineHistogram + 0.6 * compare.histogram(found)
        foundCenter = 0.5 * (center + np.argwhere(found).mean(axis=0))
        distance = region.distance(foundCenter)
        currentRadius = float(np.clip(np.percentile(distance[found], 95) / 0.95, radius, _GROWTH * radius))
    border = found & ~ndimage.binary_erosion(found, neighbors(found.shape))
    free = border & ndimage.binary_erosion(usable, neighbors(usable.shape), border_value=1)
    atMask = 1 - float(free.sum()) / float(border.sum())
    bright = pointed.bright
    atMidplane = 0.0 if bright is None else bright.shareAtMidplane(region, border)
    edgeless = float(capacity[free if free.any() else border].mean()) * region.spacing / (BOUNDARY_COST * radius)
    overlap = histogramOverlap(compare.histogram(found), compare.histogram(shell & ~found))
    darkInBright = not brighter or _isDarkInBright(values, found, usable)
    return _Cut(
        region, usable, found, brighter, darkInBright, edgeless, overlap, atMask, atMidplane, bright is not None
    )


def _leanToBrighterSide(region: WorkingRegion, pointed: _Pointed, onLine: np.ndarray) -> np.ndarray:
    """Return what speaks for tumor (-1 to 1) because a voxel is brighter than the other side of the head, or does not.

    Nothing does where the line itself is no brighter than the other side, as in a lesion on both sides.
    """
    if pointed.bright is None or pointed.bright.difference is None:
        return np.zeros((1, 1, 1), np.float32)
    difference = region.sampled(pointed.bright.difference)
    if float(np.median(difference[onLine])) < _LEAST_DIFFERENCE:
        return np.zeros((1, 1, 1), np.float32)
    return np.clip(difference - _LEAST_DIFFERENCE, -1, 1)


def _likeTheLine(seeds: np.ndarray, ratio: np.ndarray) -> np.ndarray:
    """Return the seeds without those that look like the surroundings: a bent lesion's longest diameter leaves it."""
    like = seeds & (ratio > _UNLIKE)
    return like if like.sum() > 0.4 * seeds.sum() else seeds


def _continued(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Return the values with those outside the mask continued from inside, so that its border is no edge."""
    inner = ndimage.binary_erosion(usable, neighbors(usable.shape), border_value=1)
    if inner.all() or not inner.any():
        return values
    nearest = ndimage.distance_transform_edt(~inner, return_distances=False, return_indices=True)
    return values[tuple(nearest)]


def _isDarkInBright(values: np.ndarray, found: np.ndarray, usable: np.ndarray) -> bool:
    """Return whether a region's outer 2 voxels are darker than the next ones, the voxels of the border left out."""
    layer = found & ~ndimage.binary_erosion(found, neighbors(found.shape), iterations=2)
    near = ndimage.binary_dilation(found, neighbors(found.shape))
    beyond = ndimage.binary_dilation(near, neighbors(near.shape), iterations=2) & ~near & usable
    return bool(beyond.any() and np.median(values[layer]) < np.median(values[beyond]))


def acrossRim(region: WorkingRegion, dark: np.ndarray, usable: np.ndarray) -> np.ndarray | None:
    """Return the line across a dark middle and the bright rim or edema around it (LPS mm), or None without one."""
    values = ndimage.gaussian_filter(region.values, 0.7 / region.spacing)
    middle = float(np.median(values[usable]))
    spread = robustSpread(values[usable], middle)
    diameter, _ = axialDiameters(dark, region.grid)
    ends = region.indices(np.array([diameter.start, diameter.end]))
    center, half = ends.mean(axis=0), 0.5 * (ends[1] - ends[0])
    shares = 1 + np.arange(0, (diameter.lengthMm * 0.5 + _WIDEST_RIM_MM) / max(diameter.lengthMm * 0.5, 1), 0.02)
    outer = []
    for sign in (-1, 1):
        points = center[:, None] + sign * half[:, None] * shares[None]
        along = ndimage.map_coordinates(values, points, order=1, mode="nearest")
        peak = int(np.argmax(along))
        if along[peak] < middle + 0.5 * spread:
            return None
        beyond = np.flatnonzero(along[peak:] < 0.5 * (along[peak] + middle))
        outer.append(points[:, peak + (beyond[0] if len(beyond) else 0)])
    return pointsAt(region.grid, np.array(outer)[:, ::-1])


def _widest(length: float) -> float:
    """Return how long a tumor can be whose line of a length was drawn carelessly (mm)."""
    return 1.5 * length + 25


def _checkLine(image: sitk.Image, line: np.ndarray) -> None:
    """Raise ValueError unless the line lies in the image, has a length, and crosses tissue."""
    ends = indicesAt(image, line)
    size = np.array(image.GetSize())
    if (ends < -0.5).any() or (ends > size - 0.5).any():
        raise ValueError(
            f"The line {flipPoints(np.round(line, 1)).tolist()} (RAS mm) leaves the volume; draw it on the tumor."
        )
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
    return bool(difference > -0.5 * robustSpread(values[shell]))
