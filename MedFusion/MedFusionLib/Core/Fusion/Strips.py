"""Fuse a volume strip by strip, some strips at once, in memory that does not grow with the number of slices."""

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_EXCEPTION, Future, ThreadPoolExecutor, wait

import numpy as np
import SimpleITK as sitk

from ..Progress import Progress, report
from .Buffers import Buffers
from .Inputs import CtKind, FusionScales, Source
from .Planes import Plane, Strip, featherReach, meanOf, readStrip
from .Settings import ColorStyle, FusionMethod, FusionSettings
from .Textbook import fuseTextbook
from .Undecimated import fuseUndecimated, marginOf, smoothStep, zReach, zSteps

# Of one slice, by all workers together: less costs time in margins, more costs memory.
_VOXELS_AT_ONCE = 131072
_MOST_WORKERS = 4
_BONE_TINT = np.array([1.0, 0.86, 0.55], np.float32)


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
        buffers = Buffers()
        planes = readStrip(sources, strip, scales, settings.featherMillimeters, buffers)
        for k, (plane, values) in zip(strip.slices, _fuse(planes, strip, settings, buffers), strict=True):
            if stop.is_set():
                return
            done[number] += 1
            if k in slices:
                _finish(plane, values, strip, scales, settings, fused[k - slices.start, strip.start : strip.stop])

    total = sum(len(strip.slices) for strip in strips)
    with ThreadPoolExecutor(min(_workers(), len(strips))) as pool:
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
    span = scales.high - scales.low
    bone = tuple((value - scales.low) / span for value in scales.boneRange)
    margin = reach = 0
    rows = height
    if settings.method is FusionMethod.undecimated:
        margin = marginOf(settings)
        reach = zReach(zSteps(settings, referenceImage.GetSpacing()))
        rows = max(32, _VOXELS_AT_ONCE // (_workers() * width))
    elif settings.method in (FusionMethod.dwt, FusionMethod.swt) and not settings.sliceWise:
        reach = depth
    feather = featherReach(sources, referenceImage, scales, settings.featherMillimeters)
    reach += feather[2] if feather else 0
    read = range(max(0, slices.start - reach), min(depth, slices.stop + reach))
    starts = range(0, height, rows)
    hounsfield = scales.kind is CtKind.hounsfield
    return [Strip(referenceImage, start, min(height, start + rows), margin, read, bone, hounsfield) for start in starts]


def _workers() -> int:
    return min(sitk.ProcessObject.GetGlobalDefaultNumberOfThreads(), _MOST_WORKERS)


def _fuse(
    planes: Iterator[Plane], strip: Strip, settings: FusionSettings, buffers: Buffers
) -> Iterator[tuple[Plane, np.ndarray | None]]:
    """Yield each plane with its fused values on the common scale, without the margin."""
    if settings.method is FusionMethod.undecimated:
        yield from fuseUndecimated(planes, strip, settings, buffers)
    elif settings.method in (FusionMethod.dwt, FusionMethod.swt):
        yield from fuseTextbook(planes, settings)
    else:
        for plane in planes:
            fixed, moving = plane.sources[0], meanOf(plane.sources[1:])
            if settings.method is FusionMethod.average:
                yield plane, settings.ctWeight * fixed + (1 - settings.ctWeight) * moving
            elif settings.method is FusionMethod.maximum:
                yield plane, np.maximum(fixed, moving)
            else:
                yield plane, None


def _finish(
    plane: Plane,
    values: np.ndarray | None,
    strip: Strip,
    scales: FusionScales,
    settings: FusionSettings,
    fused: np.ndarray,
) -> None:
    """Fill a strip's fused rows in the CT's units, with the CT where it lies beyond the common scale."""
    low, high = np.float32(scales.low), np.float32(scales.high)
    span = np.float32(scales.high - scales.low)
    moving = strip.core(meanOf(plane.sources[1:]))
    if settings.method is FusionMethod.color:
        fused[:] = _colored(strip.core(plane.sources[0]), moving, strip, scales, settings)
        return
    np.clip(values, 0, 1, out=fused)
    fused *= span
    fused += low
    above = plane.fixed.max() > high
    if not above and plane.fixed.min() >= low:
        return
    beyond = plane.fixed - low
    np.minimum(beyond, 0, out=beyond)
    # Below black the CT counts (air, fat) where the MRI is black too.
    hidden = moving * (-10 * span / np.float32(scales.tissueTop - scales.low))
    hidden += 1
    np.maximum(hidden, 0, out=hidden)
    if plane.below is not None:
        fused += plane.below * span * (1 - hidden)
    beyond *= hidden
    if above:
        beyond += np.maximum(plane.fixed - high, 0)
    fused += beyond


def _colored(
    fixed: np.ndarray, moving: np.ndarray, strip: Strip, scales: FusionScales, settings: FusionSettings
) -> np.ndarray:
    """Return RGB, 0 to 255: MRI in gray with tinted bone, or CT in magenta and MRI in green, gray where they agree."""
    span = scales.high - scales.low
    gray = np.clip(moving * np.float32(span / (scales.tissueTop - scales.low)), 0, 1)
    if settings.colorStyle is ColorStyle.overlay:
        ct = np.clip(fixed * np.float32(span / (scales.window[1] - scales.low)), 0, 1)
        rgb = np.stack([ct, gray, ct], axis=-1)
    else:
        bone = smoothStep(fixed, *strip.bone)[..., None]
        rgb = gray[..., None] * (1 - bone) + bone * _BONE_TINT * (0.45 + 0.55 * fixed[..., None])
    return np.rint(255 * rgb).astype(np.uint8)
