"""Fuse a volume strip by strip, some strips at once, in memory that does not grow with the number of slices."""

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

import numpy as np
import SimpleITK as sitk

from ..Progress import Progress, report
from .Buffers import Buffers
from .Colors import colored
from .CtChanges import drawn
from .Inputs import CtKind, FusionScales, Source
from .Planes import Fused, Plane, Strip, featherReach, meanOf, readStrip
from .Selective import MARGIN, fuseSelective, zReach, zSteps
from .Settings import ColorStyle, FusionMethod, FusionSettings
from .Textbook import fuseTextbook

# Of one slice with its margin, by all workers together: less costs time in margins, more costs memory.
_VOXELS_AT_ONCE = 94_208
_MOST_WORKERS = 4
_VOXELS_WORTH_A_WORKER = 64_000_000  # a second one costs a third more CPU time, in margins and in waiting for Python


def fuseStrips(
    sources: list[Source],
    referenceImage: sitk.Image,
    slices: range,
    scales: FusionScales,
    settings: FusionSettings,
    fused: np.ndarray,
    progress: Progress | None = None,
) -> None:
    """Fill an array with the fused slices of the reference grid, in the CT's units, or RGB for color.

    :param sources: the CT, then the MRIs.
    :param fused: float32, KJI; or uint8 with three values per voxel.
    """
    strips = _strips(sources, referenceImage, slices, scales, settings)
    stop = threading.Event()
    done = [0] * len(strips)

    def work(number: int) -> None:
        strip = strips[number]
        buffers = Buffers(Buffers())
        planes = readStrip(sources, strip, scales, settings.featherMillimeters, buffers)
        for k, result in zip(strip.slices, _fuse(planes, strip, settings, buffers), strict=True):
            if stop.is_set():
                return
            done[number] += 1
            if k in slices:
                rows = fused[k - slices.start, strip.start : strip.stop]
                if settings.method is FusionMethod.color:
                    rows[:] = colored(result, scales, settings.colorStyle)
                elif result.values is not None:
                    _finish(result, result.values, scales, settings.isSelective, rows)

    total = sum(len(strip.slices) for strip in strips)
    with ThreadPoolExecutor(min(_workers(referenceImage, slices), len(strips))) as pool:
        futures: set[Future] = {pool.submit(work, number) for number in range(len(strips))}
        try:
            while futures:
                finished, futures = wait(futures, timeout=0.2, return_when=FIRST_EXCEPTION)
                for future in finished:
                    future.result()
                report(progress, sum(done) / total, "Fusing")
        except BaseException:
            stop.set()
            pool.shutdown(cancel_futures=True)
            raise


def _strips(
    sources: list[Source], referenceImage: sitk.Image, slices: range, scales: FusionScales, settings: FusionSettings
) -> list[Strip]:
    """Return the strips: small enough for bounded memory, or whole planes where the transform needs them."""
    width, height, depth = referenceImage.GetSize()
    margin = reach = 0
    rows = height
    if settings.isSelective:
        margin = MARGIN
        reach = zReach(zSteps(settings, referenceImage.GetSpacing()), scales.usualCt is not None)
        workers = _workers(referenceImage, slices)
        rows = max(32, min(_VOXELS_AT_ONCE // (workers * width) - 2 * margin, -(-height // workers) + 1)) // 2 * 2
    elif settings.method in (FusionMethod.dwt, FusionMethod.swt) and not settings.sliceWise:
        reach = depth
    feather = featherReach(sources, referenceImage, scales, settings.featherMillimeters)
    reach += feather[2] if feather else 0
    read = range(max(0, slices.start - reach), min(depth, slices.stop + reach))
    starts = range(0, height, rows)
    return [Strip(referenceImage, start, min(height, start + rows), margin, read, scales) for start in starts]


def _workers(referenceImage: sitk.Image, slices: range) -> int:
    worth = referenceImage.GetWidth() * referenceImage.GetHeight() * len(slices) // _VOXELS_WORTH_A_WORKER
    return max(1, min(sitk.ProcessObject.GetGlobalDefaultNumberOfThreads(), _MOST_WORKERS, worth))


def _fuse(planes: Iterator[Plane], strip: Strip, settings: FusionSettings, buffers: Buffers) -> Iterator[Fused]:
    """Yield the fused planes."""
    if settings.isSelective:
        if settings.colorStyle is ColorStyle.second and settings.method is FusionMethod.color:
            planes = (_withTint(plane) for plane in planes)
        yield from fuseSelective(planes, strip, settings, buffers)
    elif settings.method in (FusionMethod.dwt, FusionMethod.swt):
        yield from (Fused(plane, values) for plane, values in fuseTextbook(planes, settings))
    else:
        for plane in planes:
            fixed, moving = plane.sources[0], meanOf(plane.sources[1:])
            if settings.method is FusionMethod.average:
                yield Fused(plane, (fixed + moving) * np.float32(0.5))
            elif settings.method is FusionMethod.maximum:
                yield Fused(plane, np.maximum(fixed, moving))
            else:
                yield Fused(plane, None)


def _withTint(plane: Plane) -> Plane:
    """Return the plane with its last MRIs for color only."""
    return plane._replace(sources=plane.sources[:2], cells=plane.cells[:2], tint=meanOf(plane.sources[2:]))


def _finish(result: Fused, values: np.ndarray, scales: FusionScales, isSelective: bool, fused: np.ndarray) -> None:
    """Fill a strip's fused rows in the CT's units, with the CT where it lies beyond the common scale.

    :param values: on the common scale; of the selective method in the CT's units, with the bone above the scale.
    """
    plane = result.plane
    low, high = np.float32(scales.low), np.float32(scales.high)
    span = high - low
    above = False
    if isSelective:
        if result.changes is not None:
            values = drawn(values, result.changes, float(0.97 * scales.tissueTop))
        np.clip(values, low, high if scales.kind is CtKind.display else np.inf, out=fused)
    else:
        np.clip(values, 0, 1, out=fused)
        fused *= span
        fused += low
        above = plane.fixedRange[1] > scales.high
    if not above and plane.fixedRange[0] >= low:
        return
    beyond = np.clip(plane.fixed, -np.inf, low)
    if low:
        beyond -= low
    # Below black the CT counts (air, fat) where the MRI is black too.
    hidden = meanOf(plane.sources[1:]) * (-10 * span / np.float32(scales.tissueTop - scales.low))
    hidden += 1
    np.clip(hidden, 0, np.inf, out=hidden)
    if plane.below is not None:
        fused += plane.below * span * (1 - hidden)
    beyond *= hidden
    if above:
        beyond += np.clip(plane.fixed, high, np.inf) - high
    fused += beyond
