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

    :param smooth: approximations of all sources at the level reached, one after the other in one row.
    """

    plane: Plane
    smooth: np.ndarray


def marginOf(settings: FusionSettings) -> int:
    """Return how many voxels beside a voxel take part in its fused value, within the plane."""
    smoothing = 2 * (2**settings.levels - 1)
    ofDetails = settings.detailRule in (DetailRule.energy, DetailRule.maxAbs)
    return max(smoothing + (3 if ofDetails else 0), 6)


def zSteps(settings: FusionSettings, spacing: tuple[float, ...]) -> list[int]:
    """Return for each level how many slices its filter steps along z; 0 where the slices are too thick for it.

    :param spacing: of the reference grid, x, y, z in millimetres.
    """
    reaches = [2**level * min(spacing[:2]) for level in range(settings.levels)]
    return [0 if settings.sliceWise or reach < 0.999 * spacing[2] else round(reach / spacing[2]) for reach in reaches]


def zReach(steps: list[int]) -> int:
    """Return how many slices above and below a slice take part in its fused values."""
    return sum(2 * step for step in steps) + (2 if steps[0] else 0)


def fuseUndecimated(
    planes: Iterator[Plane], strip: Strip, settings: FusionSettings
) -> Iterator[tuple[Plane, np.ndarray]]:
    """Yield each plane with its fused values on the common scale, without the margin.

    The coarsest approximations are merged by the mode. What all levels took away from a voxel is shared out among the
    sources at once: one choice for all levels is as good as one for each, and leaves no seams between the scales.

    :param planes: with a margin of at least marginOf(settings).

    J.-L. Starck, J. Fadili, F. Murtagh, The undecimated wavelet decomposition and its reconstruction, IEEE Trans. Image
    Process. 16 (2007), doi:10.1109/TIP.2006.887733. Soft selection by local energy after P. J. Burt, R. J. Kolczynski,
    Enhanced image capture through fusion, ICCV 1993, doi:10.1109/ICCV.1993.378222.
    """
    spacing = strip.referenceImage.GetSpacing()
    width = strip.referenceImage.GetWidth() + 2 * strip.margin
    steps = zSteps(settings, spacing)
    reach = 1 if steps[0] else 0
    works: Iterator[_Work] = (_Work(plane, plane.sources.ravel()) for plane in planes)
    for level, step in enumerate(steps):
        works = _smoothed(works, 2**level, step, width)
    slope = np.float32(min(spacing[:2]) / spacing[2])
    for around in neighborhoods(_shared(works, reach, slope, settings, width), reach):
        work, shares = around[reach]
        if reach:
            # The choice may change along z only as smoothly as within the plane.
            shares = shares * np.float32(2)
            shares += around[0][1]
            shares += around[2][1]
            shares *= np.float32(0.25)
        yield work.plane, _merged(work, shares, strip, settings)


def _smoothed(works: Iterator[_Work], step: int, zStep: int, width: int) -> Iterator[_Work]:
    """Yield each plane with the approximations of the next level."""
    for around in neighborhoods(works, 2 * zStep):
        smooth, scale = around[2 * zStep].smooth, 1 / 256
        if zStep:
            first, second, third, fourth, fifth = (neighbor.smooth for neighbor in around[::zStep])
            smooth = third * np.float32(1.5)
            smooth += second
            smooth += fourth
            smooth *= np.float32(4)
            smooth += first
            smooth += fifth
            scale = 1 / 4096
        yield _Work(around[2 * zStep].plane, _smoothInPlane(smooth, step, width, scale))


def _shared(
    works: Iterator[_Work], reach: int, slope: np.float32, settings: FusionSettings, width: int
) -> Iterator[tuple[_Work, np.ndarray]]:
    """Yield each plane with the shares of its sources.

    The shares of all sources but the last one are one after the other in one row; the last has what is left.

    :param reach: 1 to measure along z too.
    :param slope: voxel size within the plane over slice distance.
    """
    for around in neighborhoods(works, reach):
        work = around[reach]
        values = work.plane.sources.ravel()
        count = len(work.plane.sources)
        if settings.detailRule is DetailRule.average:
            weights = np.ones((count, values.size // count), np.float32)
        elif settings.detailRule is DetailRule.maxAbs:
            sizes = np.abs(values - work.smooth).reshape(count, -1)
            weights = (sizes == sizes.max(axis=0)).astype(np.float32)
            if settings.consistency:
                weights = (_sumOfNine(weights.ravel(), width) > 4.5).astype(np.float32).reshape(count, -1)
        else:
            if settings.detailRule is DetailRule.energy:
                activity = values - work.smooth
                activity *= activity
            else:
                beyond = (around[0].plane.sources.ravel(), around[2].plane.sources.ravel()) if reach else None
                activity = _squaredGradient(values, beyond, slope, width)
            weights = _blur(activity, width).reshape(count, -1)
            weights *= weights
            weights *= weights
        yield work, _normalized(weights)


def _normalized(weights: np.ndarray) -> np.ndarray:
    """Return the weights of all sources but the last divided by the sum of all, in one row."""
    total = weights[0] + weights[1]
    for more in weights[2:]:
        total += more
    total += _TINY
    np.divide(weights[:-1], total, out=weights[:-1])
    return weights[:-1].reshape(-1)


def _merged(work: _Work, shares: np.ndarray, strip: Strip, settings: FusionSettings) -> np.ndarray:
    """Return the fused plane without the margin.

    :param shares: as _shared gives them.
    """
    shape = work.plane.sources.shape
    smooth = work.smooth.reshape(shape[0], -1)
    details = (work.plane.sources.ravel() - work.smooth).reshape(shape[0], -1)
    shares = shares.reshape(shape[0] - 1, -1)
    base, last = meanOf(smooth[1:]), details[-1]
    if settings.mode is FusionMode.balanced:
        fused = np.maximum(smooth[0], base)
        fused += last
        for detail, share in zip(details[:-1], shares, strict=True):
            detail -= last
            detail *= share
            fused += detail
        if strip.keepsMri:
            np.maximum(fused, meanOf(work.plane.sources[1:]).ravel(), out=fused)
        return strip.core(fused.reshape(shape[1:]))
    member = smoothStep(work.plane.sources[0].ravel(), *strip.bone)
    for step in (1, 2):
        member = _smoothInPlane(member, step, shape[2])
    tissue = last
    if shape[0] > 2:
        # What is not the CT's goes to the MRIs in proportion to their shares.
        rest = np.maximum(1 - shares[0], np.float32(1e-6))
        tissue = last + sum((d - last) * (share / rest) for d, share in zip(details[1:-1], shares[1:], strict=True))
    share = shares[0]
    share *= _CT_DETAIL_IN_TISSUE + (1 - _CT_DETAIL_IN_TISSUE) * member
    fused = base + member * (smooth[0] - base) + tissue + share * (details[0] - tissue)
    if strip.keepsMri:
        np.maximum(fused, meanOf(work.plane.sources[1:]).ravel(), out=fused)
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
    """Return 256 times the values blurred by (1 2 3 4 3 2 1)/16 along x and y, which has a sigma of 1.6 voxels."""
    sums = values
    for unit in (1, width):
        for shift in (unit, unit, 2 * unit, 2 * unit):
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
