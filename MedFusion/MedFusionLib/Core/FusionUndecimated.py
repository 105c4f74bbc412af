"""The undecimated B-spline wavelet fusion, streaming plane by plane.

All filters run on planes laid out as one row of numbers, with plain shifts: what wraps around at a plane's side ends in
the margin and is cut off with it.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .FusionPlanes import Plane, Strip, meanOf, neighborhoods
from .FusionSettings import DetailRule, FusionMode, FusionSettings

_CT_DETAIL_IN_TISSUE = np.float32(0.3)
_TINY = np.float32(1e-30)


class _Work(NamedTuple):
    """A plane on its way through the levels.

    :param current: approximations of all sources that the next level starts from, one after the other in one row.
    :param merged: details fused so far; None before the first level.
    :param member: share of bone around each voxel, 0 to 1; None where the mode does not ask.
    """

    plane: Plane
    current: np.ndarray
    merged: np.ndarray | None
    member: np.ndarray | None


def marginOf(settings: FusionSettings) -> int:
    """Return how many voxels beside a voxel take part in its fused value, within the plane."""
    return max(2 * (2**settings.levels - 1), 6)


def zSteps(settings: FusionSettings, spacing: tuple[float, ...]) -> list[int]:
    """Return for each level how many slices its filter steps along z; 0 where the slices are too thick for it.

    :param spacing: of the reference grid, x, y, z in millimetres.
    """
    reaches = [2**level * min(spacing[:2]) for level in range(settings.levels)]
    return [0 if settings.sliceWise or reach < 0.999 * spacing[2] else round(reach / spacing[2]) for reach in reaches]


def zReach(steps: list[int]) -> int:
    """Return how many slices above and below a slice take part in its fused values."""
    return sum(2 * step + (2 if step else 0) for step in steps)


def fuseUndecimated(
    planes: Iterator[Plane], strip: Strip, settings: FusionSettings
) -> Iterator[tuple[Plane, np.ndarray]]:
    """Yield each plane with its fused values on the common scale, without the margin.

    :param planes: with a margin of at least marginOf(settings).

    J.-L. Starck, J. Fadili, F. Murtagh, The undecimated wavelet decomposition and its reconstruction, IEEE Trans. Image
    Process. 16 (2007), doi:10.1109/TIP.2006.887733. Soft selection by local energy after P. J. Burt, R. J. Kolczynski,
    Enhanced image capture through fusion, ICCV 1993, doi:10.1109/ICCV.1993.378222.
    """
    spacing = strip.referenceImage.GetSpacing()
    works: Iterator[_Work] = (_begin(plane, strip, settings) for plane in planes)
    for level, step in enumerate(zSteps(settings, spacing)):
        works = _runLevel(works, level, step, spacing, settings, strip)
    for work in works:
        yield work.plane, _finish(work, strip, settings)


def _begin(plane: Plane, strip: Strip, settings: FusionSettings) -> _Work:
    member = None
    if settings.mode is FusionMode.bone:
        member = smoothStep(plane.sources[0].ravel(), *strip.bone)
        for step in (1, 2):
            member = _smoothInPlane(member, step, plane.sources.shape[2])
    return _Work(plane, plane.sources.ravel(), None, member)


def _finish(work: _Work, strip: Strip, settings: FusionSettings) -> np.ndarray:
    shape = work.plane.sources.shape
    current = work.current.reshape(shape[0], -1)
    fused = meanOf(current[1:])
    if settings.mode is FusionMode.balanced:
        fused = np.maximum(current[0], fused)
        fused += work.merged
        return strip.core(fused.reshape(shape[1:]))
    fused = fused + work.member * (current[0] - fused) + work.merged
    fused = strip.core(fused.reshape(shape[1:]))
    bone = strip.core(work.plane.sources[0])
    return fused + smoothStep(bone, *strip.bone) * np.maximum(bone - fused, 0)


def smoothStep(values: np.ndarray, start: float, stop: float) -> np.ndarray:
    """Return 0 below start, 1 above stop, and a smooth rise between."""
    t = values * np.float32(1 / (stop - start))
    t -= np.float32(start / (stop - start))
    np.clip(t, 0, 1, out=t)
    rise = t * np.float32(-2)
    rise += 3
    rise *= t
    rise *= t
    return rise


def _runLevel(
    works: Iterator[_Work], level: int, step: int, spacing: tuple[float, ...], settings: FusionSettings, strip: Strip
) -> Iterator[_Work]:
    """Split the details of one level off, merge them, and pass the approximations on.

    :param step: slices that the level's filter steps along z; 0 to leave z alone.
    """
    width = strip.referenceImage.GetWidth() + 2 * strip.margin
    reach = 1 if step else 0
    slope = np.float32(min(spacing[:2]) / spacing[2])
    split = _split(works, 2**level, step, width)
    shared = _share(split, reach, slope, settings, width)
    for around in neighborhoods(shared, reach):
        work, details, nexts, shares = around[reach]
        if reach:
            # The choice may change along z only as smoothly as within the plane.
            shares = shares * np.float32(2)
            shares += around[0][3]
            shares += around[2][3]
            shares *= np.float32(0.25)
        merged = _merge(details.reshape(len(work.plane.sources), -1), shares, work.member)
        if work.merged is not None:
            merged += work.merged
        yield _Work(work.plane, nexts, merged, work.member)


def _split(works: Iterator[_Work], step: int, zStep: int, width: int) -> Iterator[tuple]:
    """Yield each plane with its details, its next approximations and the ones it came from."""
    for around in neighborhoods(works, 2 * zStep):
        work = around[2 * zStep]
        smooth, scale = work.current, 1 / 256
        if zStep:
            first, second, third, fourth, fifth = (neighbor.current for neighbor in around[::zStep])
            smooth = third * np.float32(1.5)
            smooth += second
            smooth += fourth
            smooth *= np.float32(4)
            smooth += first
            smooth += fifth
            scale = 1 / 4096
        smooth = _smoothInPlane(smooth, step, width, scale)
        yield work, work.current - smooth, smooth, work.current


def _share(
    split: Iterator[tuple], reach: int, slope: np.float32, settings: FusionSettings, width: int
) -> Iterator[tuple]:
    """Yield each plane with the shares of its sources in place of what its details came from.

    The shares of all sources but the last one are one after the other in one row; the last has what is left.

    :param reach: 1 to measure along z too.
    :param slope: voxel size within the plane over slice distance.
    """
    for around in neighborhoods(split, reach):
        work, details, nexts, values = around[reach]
        count = len(work.plane.sources)
        if settings.detailRule is DetailRule.average:
            weights = np.ones((count, details.size // count), np.float32)
        elif settings.detailRule is DetailRule.maxAbs:
            sizes = np.abs(details).reshape(count, -1)
            weights = (sizes == sizes.max(axis=0)).astype(np.float32)
            if settings.consistency:
                weights = (_sumOfNine(weights.ravel(), width) > 4.5).astype(np.float32).reshape(count, -1)
        else:
            if settings.detailRule is DetailRule.energy:
                activity = details * details
            else:
                beyond = (around[0][3], around[2][3]) if reach else None
                activity = _squaredGradient(values, beyond, slope, width)
            weights = _blur(activity, width).reshape(count, -1)
            weights *= weights
            weights *= weights
        yield work, details, nexts, _normalized(weights)


def _normalized(weights: np.ndarray) -> np.ndarray:
    """Return the weights of all sources but the last divided by the sum of all, in one row."""
    total = weights[0] + weights[1]
    for more in weights[2:]:
        total += more
    total += _TINY
    np.divide(weights[:-1], total, out=weights[:-1])
    return weights[:-1].reshape(-1)


def _merge(details: np.ndarray, shares: np.ndarray, member: np.ndarray | None) -> np.ndarray:
    """Return the fused details of one level.

    :param details: of the CT, then of the MRIs.
    :param shares: as _share gives them.
    """
    shares = shares.reshape(len(details) - 1, -1)
    last = details[-1]
    if member is None:
        merged = sum((d - last) * share for d, share in zip(details[:-1], shares, strict=True))
        merged += last
        return merged
    # Away from bone most of the CT's share goes to the MRIs, in proportion to theirs.
    kept = _CT_DETAIL_IN_TISSUE + (1 - _CT_DETAIL_IN_TISSUE) * member
    tissue = last
    if len(details) > 2:
        rest = np.maximum(1 - shares[0], np.float32(1e-6))
        tissue = last + sum((d - last) * (share / rest) for d, share in zip(details[1:-1], shares[1:], strict=True))
    return tissue + (details[0] - tissue) * (shares[0] * kept)


def _pairSums(values: np.ndarray, shift: int, times: int) -> np.ndarray:
    """Return values added to themselves shifted, so many times over; shorter by shift each time."""
    sums = values
    spare: list[np.ndarray] = []
    for turn in range(times):
        n = len(sums) - shift
        out = spare.pop()[:n] if turn > 1 else np.empty(n, np.float32)
        np.add(sums[:-shift], sums[shift:], out=out)
        if turn:
            spare.append(sums.base if sums.base is not None else sums)
        sums = out
    return sums


def _smoothInPlane(values: np.ndarray, step: int, width: int, scale: float = 1 / 256) -> np.ndarray:
    """Return the values smoothed by the B3 spline (1 4 6 4 1) with gaps of step voxels along x and y, times scale."""
    return _centered(_pairSums(_pairSums(values, step, 4), step * width, 4), len(values), scale)


def _blur(values: np.ndarray, width: int) -> np.ndarray:
    """Return 64 times the values blurred by (1 2 2 2 1)/8 along x and y, which has a sigma of 1.2 voxels."""
    sums = values
    for unit in (1, width):
        for shift in (unit, unit, 2 * unit):
            sums = sums[:-shift] + sums[shift:]
    return _centered(sums, len(values))


def _sumOfNine(values: np.ndarray, width: int) -> np.ndarray:
    rows = values[:-2] + values[1:-1] + values[2:]
    return _centered(rows[: -2 * width] + rows[width:-width] + rows[2 * width :], len(values))


def _centered(values: np.ndarray, length: int, scale: float | None = None) -> np.ndarray:
    """Return the values in the middle of an array of the full length, zeros around, multiplied by scale."""
    full = np.empty(length, np.float32)
    start = (length - len(values)) // 2
    full[:start] = 0
    full[start + len(values) :] = 0
    if scale is None:
        full[start : start + len(values)] = values
    else:
        np.multiply(values, np.float32(scale), out=full[start : start + len(values)])
    return full


def _squaredGradient(
    values: np.ndarray, beyond: tuple[np.ndarray, np.ndarray] | None, slope: np.float32, width: int
) -> np.ndarray:
    """Return the squared difference of the neighbors along x, y and, if given, z."""
    squared = np.empty_like(values)
    squared[:: len(values) - 1] = 0
    part = np.subtract(values[2:], values[:-2], out=squared[1:-1])
    part *= part
    part = values[2 * width :] - values[: -2 * width]
    part *= part
    squared[width:-width] += part
    if beyond is not None:
        part = beyond[1] - beyond[0]
        if slope != 1:
            part *= slope
        part *= part
        squared += part
    return squared
