"""The undecimated B-spline wavelet fusion, streaming plane by plane.

All filters run on planes laid out as one row of numbers, with plain shifts: what wraps around at a plane's side ends in
the margin and is cut off with it. Filters are sums of pairs throughout: the B-spline (1 4 6 4 1) is four of them.
"""

from collections import deque
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from .Buffers import Buffers
from .Planes import Plane, Strip, meanOf, neighborhoods
from .Settings import DetailRule, FusionMode, FusionSettings

_CT_DETAIL_IN_TISSUE = np.float32(0.3)
_LARGEST_Z_STEP = 64  # slices; far beyond any scanner's, it only keeps senseless spacings from endless work
_TINY = np.float32(1e-30)


class _Work(NamedTuple):
    """A plane on its way through the levels.

    :param smooth: the level reached of each source's difference from the last one, then that of the last source if
        the detail rule looks at it; one after the other in one row, not yet divided by the filter's sum.
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
    reaches = [2**level * min(spacing[:2]) / spacing[2] for level in range(settings.levels)]
    return [0 if settings.sliceWise or reach < 0.999 else min(round(reach), _LARGEST_Z_STEP) for reach in reaches]


def zReach(steps: list[int]) -> int:
    """Return how many slices above and below a slice take part in its fused values."""
    return sum(2 * step for step in steps) + (2 if steps[0] else 0)


def fuseUndecimated(
    planes: Iterator[Plane], strip: Strip, settings: FusionSettings, buffers: Buffers
) -> Iterator[tuple[Plane, np.ndarray]]:
    """Yield each plane with its fused values on the common scale, without the margin.

    The coarsest approximations are merged by the mode. What all levels took away from a voxel is shared out among the
    sources at once: one choice for all levels is as good as one for each, and leaves no seams between the scales. So
    only differences between sources need to be smoothed, one less than there are sources.

    :param planes: with a margin of at least marginOf(settings).

    J.-L. Starck, J. Fadili, F. Murtagh, The undecimated wavelet decomposition and its reconstruction, IEEE Trans. Image
    Process. 16 (2007), doi:10.1109/TIP.2006.887733. Soft selection by local energy after P. J. Burt, R. J. Kolczynski,
    Enhanced image capture through fusion, ICCV 1993, doi:10.1109/ICCV.1993.378222.
    """
    spacing = strip.referenceImage.GetSpacing()
    width = strip.referenceImage.GetWidth() + 2 * strip.margin
    steps = zSteps(settings, spacing)
    reach = 1 if steps[0] else 0
    scale = np.float32(np.prod([1 / 4096 if step else 1 / 256 for step in steps]))
    works = _differences(planes, settings, buffers)
    for level, step in enumerate(steps):
        works = _smoothed(works, 2**level, step, width, buffers)
    slope = np.float32(min(min(spacing[:2]) / spacing[2], _LARGEST_Z_STEP))
    for around in neighborhoods(_shared(works, reach, slope, settings, width, scale, buffers), reach):
        work, shares = around[reach]
        if reach:
            # The choice may change along z only as smoothly as within the plane.
            soft = np.add(around[0][1], around[2][1], out=buffers.take(len(shares)))
            soft *= np.float32(0.5)
            soft += shares
            soft *= np.float32(0.5)
            shares = soft
        yield work.plane, _merged(work, shares, strip, settings, scale, buffers)


def _differences(planes: Iterator[Plane], settings: FusionSettings, buffers: Buffers) -> Iterator[_Work]:
    for plane in planes:
        rows = plane.sources.reshape(len(plane.sources), -1)
        count = len(rows) if _looksAtDetails(settings) else len(rows) - 1
        differences = buffers.take(count * rows.shape[1])
        byRow = differences.reshape(count, -1)
        np.subtract(rows[:-1], rows[-1], out=byRow[: len(rows) - 1])
        byRow[len(rows) - 1 :] = rows[-1]
        yield _Work(plane, differences)


def _looksAtDetails(settings: FusionSettings) -> bool:
    return settings.detailRule in (DetailRule.energy, DetailRule.maxAbs)


def _smoothed(works: Iterator[_Work], step: int, zStep: int, width: int, buffers: Buffers) -> Iterator[_Work]:
    """Yield each plane with the next level, 256 times as large, or 4096 times with a filter along z."""
    planes: deque[Plane] = deque()
    # Along z the sums of pairs go on from plane to plane, for each of zStep interleaved series of planes.
    series: list[list[np.ndarray]] = []
    for number, work in enumerate(_continued(works, 2 * zStep)):
        planes.append(work.plane)
        total = work.smooth
        if zStep:
            if not series:  # as if the first plane had been there all the time
                series = [[total * np.float32(2**i) for i in range(4)] for _ in range(zStep)]
            sums = series[number % zStep]
            for i in range(4):
                added = np.add(sums[i], total, out=buffers.take(len(total)))
                sums[i], total = total, added
        if number >= 2 * zStep:
            yield _Work(planes.popleft(), _smoothInPlane(total, step, width, buffers))


def _continued(works: Iterator[_Work], times: int) -> Iterator[_Work]:
    """Yield all works, then the last one again, so many times."""
    for work in works:
        yield work
    for _ in range(times):
        yield work


def _shared(
    works: Iterator[_Work],
    reach: int,
    slope: np.float32,
    settings: FusionSettings,
    width: int,
    scale: np.float32,
    buffers: Buffers,
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
            sizes = np.abs(_details(work, scale))
            weights = (sizes == sizes.max(axis=0)).astype(np.float32)
            if settings.consistency:
                weights = (_sumOfNine(weights.ravel(), width) > 4.5).astype(np.float32).reshape(count, -1)
        else:
            if settings.detailRule is DetailRule.energy:
                activity = _details(work, scale).ravel()
                activity *= activity
            else:
                beyond = (around[0].plane.sources.ravel(), around[2].plane.sources.ravel()) if reach else None
                activity = _squaredGradient(values, beyond, slope, width, buffers)
            weights = _blur(activity, width, buffers).reshape(count, -1)
            weights *= weights
            weights *= weights
        yield work, _normalized(weights, buffers)


def _details(work: _Work, scale: np.float32) -> np.ndarray:
    """Return what all levels took away from each source, one row for each."""
    smooth = work.smooth.reshape(len(work.plane.sources), -1) * scale
    smooth[:-1] += smooth[-1]
    return work.plane.sources.reshape(smooth.shape) - smooth


def _normalized(weights: np.ndarray, buffers: Buffers) -> np.ndarray:
    """Return the weights of all sources but the last divided by the sum of all, in one row."""
    total = np.add(weights[0], weights[1], out=buffers.take(weights.shape[1]))
    for more in weights[2:]:
        total += more
    total += _TINY
    shares = buffers.take((len(weights) - 1) * weights.shape[1])
    np.divide(weights[:-1], total, out=shares.reshape(len(weights) - 1, -1))
    return shares


def _merged(
    work: _Work, shares: np.ndarray, strip: Strip, settings: FusionSettings, scale: np.float32, buffers: Buffers
) -> np.ndarray:
    """Return the fused plane without the margin. Uses up the work's levels.

    :param shares: as _shared gives them.
    """
    shape = work.plane.sources.shape
    rows = work.plane.sources.reshape(shape[0], -1)
    last, more = rows[-1], shape[0] - 1
    shares = shares.reshape(more, -1)
    # Base and details are those of each source less those of the last, which come back with the last source itself.
    coarse = work.smooth.reshape(-1, len(last))[:more]
    coarse *= scale
    details = np.subtract(rows[:-1], last, out=buffers.take(shares.size).reshape(more, -1))
    details -= coarse
    base = np.float32(0) if more == 1 else coarse[1:].sum(axis=0) * np.float32(1 / more)
    fused = coarse[0]
    if settings.mode is FusionMode.balanced:
        np.maximum(fused, base, out=fused)
        details *= shares
        for detail in details:
            fused += detail
    else:
        bone = smoothStep(rows[0], *strip.bone)
        member = bone
        for step in (1, 2):
            member = _smoothInPlane(member, step, shape[2], buffers)
            member *= np.float32(1 / 256)
        tissue = np.float32(0)
        if more > 1:
            # What is not the CT's goes to the MRIs in proportion to their shares.
            rest = np.maximum(1 - shares[0], np.float32(1e-6))
            tissue = sum(detail * (share / rest) for detail, share in zip(details[1:], shares[1:], strict=True))
            fused -= base
            details[0] -= tissue
        fused *= member
        member *= 1 - _CT_DETAIL_IN_TISSUE
        member += _CT_DETAIL_IN_TISSUE
        member *= shares[0]
        member *= details[0]
        fused += member
        if more > 1:
            fused += base + tissue
    fused += last
    if strip.keepsMri:
        np.maximum(fused, meanOf(rows[1:]), out=fused)
    if settings.mode is FusionMode.bone:
        lacking = np.subtract(rows[0], fused, out=buffers.take(len(last)))
        np.maximum(lacking, 0, out=lacking)
        lacking *= bone
        fused += lacking
    return strip.core(fused.reshape(shape[1:]))


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


def _summed(values: np.ndarray, shifts: tuple[int, ...], buffers: Buffers) -> np.ndarray:
    """Return the values added to themselves shifted, once for each shift, centered, with zeros around."""
    length = len(values)
    full, spare = buffers.take(length), None
    for turn, shift in enumerate(shifts):
        if turn:
            full, spare = buffers.take(length) if spare is None else spare, full
        rest = len(values) - shift
        start = (length - rest) // 2
        values = np.add(values[:-shift], values[shift:], out=full[start : start + rest])
    full[:start] = 0
    full[start + rest :] = 0
    return full


def _smoothInPlane(values: np.ndarray, step: int, width: int, buffers: Buffers) -> np.ndarray:
    """Return 256 times the values smoothed by the B3 spline with gaps of step voxels along x and y."""
    return _summed(values, (step,) * 4 + (step * width,) * 4, buffers)


def _blur(values: np.ndarray, width: int, buffers: Buffers) -> np.ndarray:
    """Return 256 times the values blurred by (1 2 3 4 3 2 1)/16 along x and y, which has a sigma of 1.6 voxels."""
    return _summed(values, (1, 1, 2, 2, width, width, 2 * width, 2 * width), buffers)


def _sumOfNine(values: np.ndarray, width: int) -> np.ndarray:
    rows = values[:-2] + values[1:-1] + values[2:]
    return _centered(rows[: -2 * width] + rows[width:-width] + rows[2 * width :], len(values))


def _centered(values: np.ndarray, length: int) -> np.ndarray:
    """Return the values in the middle of a row of the full length, zeros around."""
    full = np.zeros(length, np.float32)
    start = (length - len(values)) // 2
    full[start : start + len(values)] = values
    return full


def _squaredGradient(
    values: np.ndarray,
    beyond: tuple[np.ndarray, np.ndarray] | None,
    slope: np.float32,
    width: int,
    buffers: Buffers,
) -> np.ndarray:
    """Return the squared difference of the neighbors along x, y and, if given, z."""
    squared = buffers.take(len(values))
    squared[:: len(values) - 1] = 0
    part = np.subtract(values[2:], values[:-2], out=squared[1:-1])
    part *= part
    spare = buffers.take(len(values))
    part = np.subtract(values[2 * width :], values[: -2 * width], out=spare[width:-width])
    part *= part
    squared[width:-width] += part
    if beyond is not None:
        part = np.subtract(beyond[1], beyond[0], out=spare)
        if slope != 1:
            part *= slope
        part *= part
        squared += part
    return squared
