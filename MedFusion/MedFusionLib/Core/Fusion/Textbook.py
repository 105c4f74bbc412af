"""The classical discrete and stationary wavelet fusions, any PyWavelets wavelet, 2D per slice or 3D."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from scipy import ndimage

from .Planes import Plane, meanOf
from .Settings import BaseRule, DetailRule, FusionMethod, FusionSettings


def fuseTextbook(planes: Iterator[Plane], settings: FusionSettings) -> Iterator[tuple[Plane, np.ndarray]]:
    """Yield each plane with its fused values on the common scale; several MRIs enter as their mean.

    In 3D (not sliceWise) all slices are held in memory, several times over for swt.

    H. Li, B. S. Manjunath, S. K. Mitra, Multisensor image fusion using the wavelet transform, Graph. Models Image
    Process. 57 (1995), doi:10.1006/gmip.1995.1022; O. Rockinger, Image sequence fusion using a shift-invariant wavelet
    transform, ICIP 1997, doi:10.1109/ICIP.1997.632093.
    """
    if settings.sliceWise:
        for plane in planes:
            yield plane, _fuse(plane.sources[0], meanOf(plane.sources[1:]), settings)
        return
    held = list(planes)
    if len(held) == 1:
        yield from fuseTextbook(iter(held), replace(settings, sliceWise=True))
        return
    fixed = np.stack([plane.sources[0] for plane in held])
    moving = np.stack([meanOf(plane.sources[1:]) for plane in held])
    yield from zip(held, _fuse(fixed, moving, settings), strict=True)


def _fuse(fixed: np.ndarray, moving: np.ndarray, settings: FusionSettings) -> np.ndarray:
    """Return the fusion of two arrays of the same shape, 2D or 3D."""
    import pywt

    if settings.method is FusionMethod.dwt:
        most = pywt.dwtn_max_level(fixed.shape, settings.wavelet)
        if settings.levels > most:
            raise ValueError(
                f"{settings.levels} levels of '{settings.wavelet}' need larger volumes; "
                f"{'x'.join(map(str, fixed.shape[::-1]))} voxels allow {most}. Choose fewer levels or 2D per slice."
            )
        ct, mri = (pywt.wavedecn(x, settings.wavelet, "symmetric", settings.levels) for x in (fixed, moving))
        fused = pywt.waverecn(_mergeAll(ct, mri, settings), settings.wavelet, "symmetric")
    else:
        block = 2**settings.levels
        widths = [(0, -size % block) for size in fixed.shape]
        padded = (np.pad(x, widths, "symmetric") for x in (fixed, moving))
        ct, mri = (pywt.swtn(x, settings.wavelet, settings.levels, trim_approx=True) for x in padded)
        fused = pywt.iswtn(_mergeAll(ct, mri, settings), settings.wavelet)
    return fused[tuple(slice(size) for size in fixed.shape)].astype(np.float32)


def _mergeAll(fixed: list, moving: list, settings: FusionSettings) -> list:
    merged: list[np.ndarray | dict[str, np.ndarray]] = [_mergeBase(fixed[0], moving[0], settings)]
    for detailsA, detailsB in zip(fixed[1:], moving[1:], strict=True):
        merged.append({band: _mergeDetail(detailsA[band], detailsB[band], settings) for band in detailsA})
    return merged


def _mergeBase(a: np.ndarray, b: np.ndarray, settings: FusionSettings) -> np.ndarray:
    if settings.baseRule is BaseRule.maximum:
        return np.maximum(a, b)
    return (a + b) / 2


def _mergeDetail(a: np.ndarray, b: np.ndarray, settings: FusionSettings) -> np.ndarray:
    if settings.detailRule is DetailRule.average:
        return (a + b) / 2
    if settings.detailRule is DetailRule.maxAbs:
        choice = (np.abs(a) >= np.abs(b)).astype(np.float32)
        if settings.consistency:
            choice = (ndimage.uniform_filter(choice, 3) > 0.5).astype(np.float32)
        return choice * a + (1 - choice) * b
    energyA, energyB = (ndimage.gaussian_filter(x * x, 1.0) for x in (a, b))
    share = energyA / (energyA + energyB + np.finfo(np.float32).tiny)
    return share * a + (1 - share) * b
