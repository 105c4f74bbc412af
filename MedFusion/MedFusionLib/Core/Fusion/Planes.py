"""Bring a strip of the sources, plane by plane, onto the reference grid and the common scale.

A strip is a range of rows of the reference grid through all its slices. Its planes come with a margin of neighboring
voxels on all four sides (repeated at the volume's edge), so that a strip can be fused without its neighbors and gives
the same values whatever the size of the strips.
"""

import math
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Intensities import LEAST_HU
from .Buffers import Buffers
from .Filters import halved
from .Inputs import CtKind, FusionScales, MovingScale, Source

# Chosen by time and memory; it changes no value.
_SLICES_PER_READ = 4
_T = TypeVar("_T")

# The CT in its own units; all images on the common scale; of each where it has values, None for everywhere.
_Scaled = tuple[np.ndarray, tuple[float, float], list[np.ndarray], list[np.ndarray | None]]


class Plane(NamedTuple):
    """One slice of a strip, on the common scale where 0 is black and 1 the densest bone that is fused.

    :param fixed: the CT in its own units, of any type: where it can be, a view that takes no memory.
    :param fixedRange: its smallest and its largest value, maybe of some rows more.
    :param sources: CT first, then the MRIs; float32, 0 to 1.
    :param cells: the sources at half the resolution, with the margin; empty for a strip without one.
    :param below: what the moving images hold below 0; None if that has no meaning.
    :param tint: an MRI that only colors the fused volume.
    """

    fixed: np.ndarray
    fixedRange: tuple[float, float]
    sources: list[np.ndarray]
    cells: list[np.ndarray]
    below: np.ndarray | None
    tint: np.ndarray | None = None


class Fused(NamedTuple):
    """A fused plane without the margin, on the common scale.

    :param values: None for color that shows the sources alone.
    :param changes: how much denser the CT is than is usual; None where that is not asked for.
    """

    plane: Plane
    values: np.ndarray | None
    changes: np.ndarray | None = None


@dataclass(frozen=True)
class Strip:
    """Rows start to stop of the reference grid, read with a margin of voxels on all sides.

    :param slices: the range of slices, all of them unless only a few are wanted.
    """

    referenceImage: sitk.Image
    start: int
    stop: int
    margin: int
    slices: range
    scales: FusionScales

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a plane."""
        return self.stop - self.start, self.referenceImage.GetWidth()

    @property
    def cellShape(self) -> tuple[int, int]:
        """Rows and columns of cells of 2x2 voxels, with the margin."""
        rows, columns = self.shape
        return (rows + 1) // 2 + self.margin, (columns + 1) // 2 + self.margin

    @property
    def coreCells(self) -> range:
        """The rows of cells that are not margin."""
        return range(self.margin // 2, self.cellShape[0] - self.margin // 2)

    def halved(self, plane: np.ndarray, firstRow: int, buffers: Buffers) -> np.ndarray:
        """Return a plane at half the resolution, repeated at the volume's edge to the full margin, in one row.

        :param firstRow: row of the grid that the plane begins with; even.
        """
        if plane.shape[0] % 2 or plane.shape[1] % 2:
            plane = np.pad(plane, [(0, size % 2) for size in plane.shape], "edge")
        m = self.margin // 2
        above = m - (self.start - firstRow) // 2
        rows, width = plane.shape[0] // 2, plane.shape[1] // 2
        cells = buffers.take(math.prod(self.cellShape)).reshape(self.cellShape)
        halved(plane, cells[above : above + rows, m : m + width], buffers)
        cells[:above] = cells[above]
        cells[above + rows :] = cells[above + rows - 1]
        cells[:, :m] = cells[:, m : m + 1]
        cells[:, m + width :] = cells[:, m + width - 1 : m + width]
        return cells.reshape(-1)


def meanOf(arrays: "np.ndarray | list[np.ndarray]") -> np.ndarray:
    """Return the mean of arrays of one shape; the array itself if there is one."""
    return arrays[0] if len(arrays) == 1 else np.mean(arrays, axis=0)


def neighborhoods(planes: Iterable[_T], reach: int) -> Iterator[list[_T]]:
    """Yield each plane amid reach neighbors on both sides; the first and the last plane are repeated."""
    ring: deque[_T] = deque(maxlen=2 * reach + 1)
    for plane in planes:
        if not ring:
            ring.extend([plane] * reach)
        ring.append(plane)
        if len(ring) == 2 * reach + 1:
            yield list(ring)
    for _ in range(reach if ring else 0):
        ring.append(ring[-1])
        if len(ring) == 2 * reach + 1:
            yield list(ring)


def readStrip(
    sources: list[Source], strip: Strip, scales: FusionScales, featherMillimeters: float, buffers: Buffers
) -> Iterator[Plane]:
    """Yield the slices of a strip; where an MRI ends or holds no number, the CT stands in for it."""
    rows = strip.referenceImage.GetHeight()
    feather = featherReach(sources, strip.referenceImage, scales, featherMillimeters)
    beside = max(strip.margin, feather[1] if feather else 0)
    first, last = max(0, strip.start - beside), min(rows, strip.stop + beside)
    streams = [_readRows(source, strip.referenceImage, first, last, strip.slices) for source in sources]
    copies = not (sources[0].isOnGrid(strip.referenceImage) and sources[0].image.IsUnique())
    values: Iterator[_Scaled] = (_scaled(raw, scales, copies, buffers) for raw in zip(*streams, strict=True))
    if feather:
        values = _feathered(values, feather)
    start, stop = max(0, strip.start - strip.margin), min(rows, strip.stop + strip.margin)
    inner, padded = slice(strip.start - first, strip.stop - first), slice(start - first, stop - first)
    for fixed, fixedRange, units, valid in values:
        a = units[0]
        for i, share in enumerate(valid):
            if share is not None:
                units[i] = np.where(share > 0, units[i] * share + a * (1 - share), a)
        below = None
        if any(scale.keepsBelow for scale in scales.moving):
            below = np.minimum(meanOf(units[1:])[inner], 0)
        for unit in units:
            np.clip(unit, 0, 1, out=unit)
        cells = [strip.halved(unit[padded], start, buffers) for unit in units] if strip.margin else []
        yield Plane(fixed[inner], fixedRange, [unit[inner] for unit in units], cells, below)


def featherReach(
    sources: list[Source], referenceImage: sitk.Image, scales: FusionScales, featherMillimeters: float
) -> tuple[int, int, int] | None:
    """Return over how many voxels along x, y, z the MRIs fade into the CT; None where all of them fill the grid."""
    onGrid = all(source.isOnGrid(referenceImage) for source in sources)
    if onGrid and not any(scale.partial for scale in scales.moving):
        return None
    steps = zip(referenceImage.GetSpacing(), referenceImage.GetSize(), strict=True)
    # Tiny voxels, or a wrong unit, would make millions of it.
    return tuple(max(2, min(round(featherMillimeters / step), size)) for step, size in steps)


def _readRows(source: Source, referenceImage: sitk.Image, first: int, last: int, slices: range) -> Iterator[np.ndarray]:
    """Yield rows first to last of each slice, good until the next one is read; NaN where the image does not reach."""
    onGrid = source.isOnGrid(referenceImage)
    if onGrid and source.image.IsUnique():  # or else a view would make a copy of the whole image
        whole = sitk.GetArrayViewFromImage(source.image)
        yield from whole[slices.start : slices.stop, first:last]
        return
    for start in range(slices.start, slices.stop, _SLICES_PER_READ):
        size = (referenceImage.GetWidth(), last - first, min(_SLICES_PER_READ, slices.stop - start))
        if onGrid:
            part = sitk.RegionOfInterest(source.image, size, (0, first, start))
        else:
            part = sitk.Resample(
                source.image,
                size,
                source.toImage,
                sitk.sitkLinear,
                referenceImage.TransformIndexToPhysicalPoint((0, first, start)),
                referenceImage.GetSpacing(),
                referenceImage.GetDirection(),
                float("nan"),
                sitk.sitkFloat32,
            )
        yield from sitk.GetArrayViewFromImage(part)


def _scaled(rawPlanes: tuple[np.ndarray, ...], scales: FusionScales, copies: bool, buffers: Buffers) -> _Scaled:
    """Return the CT, all sources on the scale 0..1 (unclipped), and per source 1 where it is valid, None if all is.

    :param copies: the CT's raw plane does not outlive the next one.
    """
    fixed = rawPlanes[0]
    if copies:
        fixed = buffers.take(fixed.size).reshape(fixed.shape)
        np.copyto(fixed, rawPlanes[0], casting="same_kind")
    span = np.float32(scales.high - scales.low)
    lowest, highest = float(fixed.min()), float(fixed.max())
    missing = _notFinite(fixed, lowest, highest)
    if scales.kind is CtKind.hounsfield and not lowest >= LEAST_HU:
        fixed = np.maximum(fixed, np.float32(LEAST_HU))
    elif missing is not None:
        fixed = fixed.copy()
    unit = np.multiply(fixed, 1 / span, out=buffers.take(fixed.size).reshape(fixed.shape))
    if scales.low:
        unit -= np.float32(scales.low / span)
    units = [unit]
    valid: list[np.ndarray | None] = [None]
    for values, scale in zip(rawPlanes[1:], scales.moving, strict=True):
        unit, present = _scaledMoving(values, scale, scales.low, span, buffers)
        units.append(unit)
        valid.append(present)
    if missing is not None:
        others = [np.where(v > 0, u, 0) if v is not None else u for u, v in zip(units[1:], valid[1:], strict=True)]
        units[0][missing] = np.mean(others, axis=0)[missing]
        air = LEAST_HU if scales.kind is CtKind.hounsfield else scales.low
        covered = np.logical_or.reduce([v > 0 if v is not None else np.ones_like(missing) for v in valid[1:]])
        fixed[missing] = np.where(covered, units[0] * span + np.float32(scales.low), np.float32(air))[missing]
        units[0][missing & ~covered] = (air - scales.low) / span
        lowest, highest = float(fixed.min()), float(fixed.max())
    return fixed, (lowest, highest), units, valid


def _notFinite(values: np.ndarray, lowest: float, highest: float) -> np.ndarray | None:
    """Return where values are not finite; None if all are. Extremes are NaN or infinite if any value is."""
    return None if math.isfinite(lowest) and math.isfinite(highest) else ~np.isfinite(values)


def _scaledMoving(
    values: np.ndarray, scale: MovingScale, low: float, span: float | np.floating, buffers: Buffers
) -> tuple[np.ndarray, np.ndarray | None]:
    highest = float(values.max())
    invalid = _notFinite(values, float(values.min()), highest)
    if scale.padding is not None:
        padded = values == np.float32(scale.padding)
        invalid = padded if invalid is None else invalid | padded
    unit = scale.onto(values, low, span, buffers.take(values.size).reshape(values.shape), highest)
    if invalid is None or not invalid.any():
        return unit, None
    unit[invalid] = 0
    return unit, (~invalid).astype(np.float32)


def _feathered(planes: Iterable[_Scaled], reach: tuple[int, int, int]) -> Iterator[_Scaled]:
    """Yield the planes with weights that fall to 0 toward the end of each moving image's field of view."""
    for around in neighborhoods(planes, reach[2]):
        fixed, fixedRange, units, valid = around[reach[2]]
        soft: list[np.ndarray | None] = [None]
        for i in range(1, len(units)):
            near = [plane[3][i] for plane in around]
            if all(v is None for v in near):
                soft.append(None)
                continue
            # Counts are whole numbers, so that they come out the same whatever the strip.
            count = sum(np.ones(units[i].shape) if v is None else v.astype(float) for v in near)
            for axis, size in ((0, 2 * reach[1] + 1), (1, 2 * reach[0] + 1)):
                count = np.rint(ndimage.uniform_filter1d(count, size, axis, mode="nearest") * size)
            share = (count / np.prod([2 * size + 1 for size in reach])).astype(np.float32)
            t = np.clip(2 * share - 1, 0, 1)
            weight = t * t * (3 - 2 * t)
            own = valid[i]
            soft.append(weight if own is None else weight * own)
        yield fixed, fixedRange, list(units), soft
