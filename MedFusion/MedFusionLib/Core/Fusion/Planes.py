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
from .Inputs import CtKind, FusionScales, MovingScale, Source

# Chosen by time and memory; it changes no value.
_SLICES_PER_READ = 4
_T = TypeVar("_T")

# The CT in its own units; all images on the common scale; of each where it has values, None for everywhere.
_Scaled = tuple[np.ndarray, list[np.ndarray], list[np.ndarray | None]]


class Plane(NamedTuple):
    """One slice of a strip, on the common scale where 0 is black and 1 the densest bone that is fused.

    :param fixed: the CT in its own units, without the margin.
    :param sources: CT first, then the MRIs, one after the other; with the margin, float32, 0 to 1.
    :param below: what the moving images hold below 0, without the margin; None if that has no meaning.
    :param tint: an MRI that only colors the fused volume, without the margin.
    """

    fixed: np.ndarray
    sources: np.ndarray
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
    def paddedWidth(self) -> int:
        """Voxels in a row with its margin; even where there is one."""
        width = self.referenceImage.GetWidth()
        return width + width % 2 + 2 * self.margin if self.margin else width

    def core(self, plane: np.ndarray, marginAbove: int | None = None) -> np.ndarray:
        """Return a plane without its margin.

        :param marginAbove: rows to leave out above; the margin if None.
        """
        first = self.margin if marginAbove is None else marginAbove
        return plane[first : first + self.stop - self.start, self.margin : self.margin + self.referenceImage.GetWidth()]

    def padded(self, planes: list[np.ndarray], firstRow: int, buffers: Buffers) -> np.ndarray:
        """Return planes one after the other, clipped to 0..1, repeated at the volume's edge to the full margin.

        :param firstRow: row of the grid that the planes begin with.
        """
        m = self.margin
        height, width = planes[0].shape
        above = m - (self.start - firstRow)
        rows = self.stop - self.start
        rows += rows % 2 if m else 0
        shape = (len(planes), rows + 2 * m, self.paddedWidth)
        stack = buffers.take(math.prod(shape)).reshape(shape)
        for target, plane in zip(stack, planes, strict=True):
            np.clip(plane, 0, 1, out=target[above : above + height, m : m + width])
            target[:above] = target[above]
            target[above + height :] = target[above + height - 1]
            target[:, :m] = target[:, m : m + 1]
            target[:, m + width :] = target[:, m + width - 1 : m + width]
        return stack


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
    values: Iterator[_Scaled] = (_scaled(rawPlanes, scales, buffers) for rawPlanes in zip(*streams, strict=True))
    if feather:
        values = _feathered(values, feather)
    inner = slice(strip.start - first, strip.stop - first)
    start, stop = max(0, strip.start - strip.margin), min(rows, strip.stop + strip.margin)
    padded = slice(start - first, stop - first)
    for fixed, units, valid in values:
        a = units[0]
        for i, share in enumerate(valid):
            if share is not None:
                units[i] = np.where(share > 0, units[i] * share + a * (1 - share), a)
        below = None
        if any(scale.keepsBelow for scale in scales.moving):
            below = np.minimum(meanOf(units[1:])[inner], 0)
        yield Plane(fixed[inner], strip.padded([unit[padded] for unit in units], start, buffers), below)


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
    """Yield rows first to last of each slice, float32, NaN where the image does not reach."""
    onGrid = source.isOnGrid(referenceImage)
    for start in range(slices.start, slices.stop, _SLICES_PER_READ):
        size = (referenceImage.GetWidth(), last - first, min(_SLICES_PER_READ, slices.stop - start))
        if onGrid:
            part = sitk.RegionOfInterest(source.image, size, (0, first, start))
            for plane in sitk.GetArrayViewFromImage(part):  # good as long as the part is not read on
                yield plane.astype(np.float32, copy=False)
            continue
        chunk = sitk.Resample(
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
        yield from sitk.GetArrayViewFromImage(chunk)


def _scaled(
    rawPlanes: tuple[np.ndarray, ...], scales: FusionScales, buffers: Buffers
) -> tuple[np.ndarray, list[np.ndarray], list[np.ndarray | None]]:
    """Return the CT, all sources on the scale 0..1 (unclipped), and per source 1 where it is valid, None if all is."""
    # A copy outlives the slices that were read together, of which this is one.
    fixed = buffers.take(rawPlanes[0].size).reshape(rawPlanes[0].shape)
    np.copyto(fixed, rawPlanes[0])
    span = np.float32(scales.high - scales.low)
    missing = _notFinite(fixed)
    if scales.kind is CtKind.hounsfield and not fixed.min() >= LEAST_HU:
        fixed = np.maximum(fixed, np.float32(LEAST_HU))
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
    return fixed, units, valid


def _notFinite(values: np.ndarray) -> np.ndarray | None:
    """Return where values are not finite; None if all are."""
    # Extremes are NaN or infinite if any value is, and cost far less than looking at each.
    return None if np.isfinite(values.max()) and np.isfinite(values.min()) else ~np.isfinite(values)


def _scaledMoving(
    values: np.ndarray, scale: MovingScale, low: float, span: float | np.floating, buffers: Buffers
) -> tuple[np.ndarray, np.ndarray | None]:
    invalid = _notFinite(values)
    if scale.padding is not None:
        padded = values == np.float32(scale.padding)
        invalid = padded if invalid is None else invalid | padded
    unit = scale.onto(values, low, span, buffers.take(values.size).reshape(values.shape))
    if invalid is None or not invalid.any():
        return unit, None
    unit[invalid] = 0
    return unit, (~invalid).astype(np.float32)


def _feathered(planes: Iterable[_Scaled], reach: tuple[int, int, int]) -> Iterator[_Scaled]:
    """Yield the planes with weights that fall to 0 toward the end of each moving image's field of view."""
    for around in neighborhoods(planes, reach[2]):
        fixed, units, valid = around[reach[2]]
        soft: list[np.ndarray | None] = [None]
        for i in range(1, len(units)):
            near = [plane[2][i] for plane in around]
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
        yield fixed, list(units), soft
