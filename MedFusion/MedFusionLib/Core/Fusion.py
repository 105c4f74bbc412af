"""Fuse a CT with one or more MRIs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pywt
import SimpleITK as sitk
from scipy import ndimage

from .FusionInputs import CtKind, FusionScales, findScales
from .FusionSettings import FusionMethod, FusionMode, FusionSettings
from .Progress import Progress, report

_B3_SPLINE = np.array([1, 4, 6, 4, 1], np.float32) / 16


@dataclass(frozen=True)
class FusionResult:
    """A fused volume and what is needed to show and to repeat it.

    :param image: on the reference grid, in the units of the fixed image (HU for a CT in HU).
    :param window: intensities to show as black and as white.
    """

    image: sitk.Image
    window: tuple[float, float]
    settings: FusionSettings
    warnings: tuple[str, ...] = ()


def fuseVolumes(
    fixedImage: sitk.Image,
    movingImages: Sequence[sitk.Image],
    settings: FusionSettings | None = None,
    movingTransforms: Sequence[sitk.Transform | None] | None = None,
    fixedTransform: sitk.Transform | None = None,
    referenceImage: sitk.Image | None = None,
    progress: Progress | None = None,
    referenceTransform: sitk.Transform | None = None,
) -> FusionResult:
    """Return one volume with the bone of the CT and the soft tissue of the MRIs.

    The result is in the CT's own units: in bone it is the CT's value, elsewhere the MRI, scaled to stay below bone.

    :param fixedImage: the CT, in HU or already windowed to 8 bit.
    :param movingImages: one or more MRIs, each on its own grid.
    :param movingTransforms: one per MRI, each maps world LPS points to that MRI's own points; None is the identity.
    :param fixedTransform: the same for the CT.
    :param referenceImage: grid of the result; the CT's if None.
    :param referenceTransform: maps world LPS points to the reference image's own points; the CT's own transform when
        there is no reference image.

    Sources: J.-L. Starck, J. Fadili, F. Murtagh, The undecimated wavelet decomposition and its reconstruction,
    IEEE Trans. Image Process. 16 (2007), doi:10.1109/TIP.2006.887733; S. Li, B. Yang, J. Hu, Performance comparison of
    different multi-resolution transforms for image fusion, Inf. Fusion 12 (2011), doi:10.1016/j.inffus.2010.03.002.
    """
    settings = settings or FusionSettings()
    if not movingImages:
        raise ValueError("Fusion needs a CT and at least one MRI; no MRI was given.")
    if movingTransforms is None:
        movingTransforms = [None] * len(movingImages)
    if len(movingTransforms) != len(movingImages):
        raise ValueError(f"{len(movingImages)} MRIs came with {len(movingTransforms)} transforms; give one for each.")
    for image in (fixedImage, *movingImages):
        if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
            raise ValueError(
                f"Fusion takes scalar 3D volumes; one has {image.GetDimension()} dimensions and "
                f"{image.GetNumberOfComponentsPerPixel()} values per voxel."
            )
    report(progress, 0.0, "Fusing")
    if referenceImage is None:
        referenceImage, referenceTransform = fixedImage, fixedTransform
    toFixed = _between(referenceTransform, fixedTransform)
    toMoving = [_between(referenceTransform, transform) for transform in movingTransforms]
    scales = findScales(fixedImage, movingImages, referenceImage, toFixed, toMoving, settings)
    fixed = _onReference(fixedImage, referenceImage, toFixed)
    moving = []
    for image, transform, scale in zip(movingImages, toMoving, scales.moving, strict=True):
        moving.append(scale.apply(_onReference(image, referenceImage, transform)))
    report(progress, 0.4, "Fusing")
    fused = _fuseArrays(fixed, moving, scales, settings, referenceImage.GetSpacing()[::-1])
    image = sitk.GetImageFromArray(fused, isVector=fused.ndim == 4)
    image.CopyInformation(referenceImage)
    report(progress, 1.0, "Fusing")
    window = (0.0, 255.0) if settings.method is FusionMethod.color else scales.window
    return FusionResult(image, window, settings, scales.warnings)


def _between(fromWorld: sitk.Transform | None, toImage: sitk.Transform | None) -> sitk.Transform:
    """Return the map from points of one image to points of another, both given as maps from world."""
    if fromWorld is toImage:
        return sitk.Transform(3, sitk.sitkIdentity)
    steps = sitk.CompositeTransform(3)
    if toImage is not None:
        steps.AddTransform(toImage)
    if fromWorld is not None:
        try:
            steps.AddTransform(fromWorld.GetInverse())
        except RuntimeError as error:
            raise RuntimeError("The reference volume's transform cannot be inverted; choose the CT's grid.") from error
    return steps


def _onReference(image: sitk.Image, referenceImage: sitk.Image, transform: sitk.Transform) -> np.ndarray:
    return sitk.GetArrayFromImage(
        sitk.Resample(image, referenceImage, transform, sitk.sitkLinear, float("nan"), sitk.sitkFloat32)
    )


def _fuseArrays(
    fixed: np.ndarray,
    moving: list[np.ndarray],
    scales: FusionScales,
    settings: FusionSettings,
    spacing: Sequence[float],
) -> np.ndarray:
    low = np.float32(scales.low)
    fixed = np.nan_to_num(fixed, nan=-1024.0 if scales.kind is CtKind.hounsfield else scales.low)
    if scales.kind is CtKind.hounsfield:
        fixed = np.maximum(fixed, -1024)
    a = np.clip(fixed, low, scales.high)
    layers = [np.where(np.isfinite(layer), layer, fixed) for layer in moving]
    b = np.mean(layers, axis=0)
    bRest = np.minimum(b - low, 0)
    b = np.maximum(b, low)
    member = _smoothStep(fixed, *scales.boneRange)
    if settings.method is FusionMethod.color:
        return _tinted(b, member, scales)
    if settings.method is FusionMethod.average:
        fused = (a + b) / 2
    elif settings.method is FusionMethod.maximum:
        fused = np.maximum(a, b)
    elif settings.method is FusionMethod.undecimated:
        fused = _undecimated(a, b, member, settings, spacing)
    else:
        fused = _textbook(a, b, settings)
    shown = _smoothStep(b, scales.low, scales.low + 0.1 * (scales.window[1] - scales.low))
    return (fused + (fixed - a) * np.where(fixed < low, 1 - shown, 1) + bRest * shown).astype(np.float32)


def _smoothStep(values: np.ndarray, start: float, stop: float) -> np.ndarray:
    t = np.clip((values - start) / (stop - start), 0, 1)
    return t * t * (3 - 2 * t)


def _undecimated(
    a: np.ndarray, b: np.ndarray, member: np.ndarray, settings: FusionSettings, spacing: Sequence[float]
) -> np.ndarray:
    bone = settings.mode is FusionMode.bone
    details = np.zeros_like(a)
    for level in range(settings.levels):
        nextA, nextB = (_smooth(x, level, spacing, settings.sliceWise) for x in (a, b))
        energyA, energyB = (_activity(x) for x in (a, b))
        weight = energyA**2 / (energyA**2 + energyB**2 + 1e-12)
        if bone:
            weight *= 0.3 + 0.7 * member
        details += weight * (a - nextA) + (1 - weight) * (b - nextB)
        a, b = nextA, nextB
    if not bone:
        return np.maximum(a, b) + details
    return member * a + (1 - member) * b + details


def _smooth(values: np.ndarray, level: int, spacing: Sequence[float], sliceWise: bool) -> np.ndarray:
    reach = 2**level * min(spacing[1:])
    for axis in range(3):
        step = round(reach / spacing[axis]) if axis == 0 else 2**level
        if axis == 0 and (sliceWise or reach < spacing[0]):
            continue
        kernel = np.zeros(4 * step + 1, np.float32)
        kernel[::step] = _B3_SPLINE
        values = ndimage.correlate1d(values, kernel, axis, mode="nearest")
    return values


def _activity(values: np.ndarray) -> np.ndarray:
    squared = np.gradient(values, axis=1) ** 2 + np.gradient(values, axis=2) ** 2
    return ndimage.gaussian_filter(squared, (0, 1, 1))


def _textbook(a: np.ndarray, b: np.ndarray, settings: FusionSettings) -> np.ndarray:
    fused = np.empty_like(a)
    for k in range(len(a)):
        one, two = (pywt.wavedec2(x[k], settings.wavelet, level=settings.levels) for x in (a, b))
        merged = [(one[0] + two[0]) / 2]
        for p, q in zip(one[1:], two[1:], strict=True):
            merged.append(tuple(np.where(np.abs(x) >= np.abs(y), x, y) for x, y in zip(p, q, strict=True)))
        fused[k] = pywt.waverec2(merged, settings.wavelet)[: a.shape[1], : a.shape[2]]
    return fused


def _tinted(b: np.ndarray, member: np.ndarray, scales: FusionScales) -> np.ndarray:
    gray = np.clip((b - scales.low) / (scales.window[1] - scales.low), 0, 1)
    tint = np.array([1.0, 0.85, 0.5], np.float32)
    rgb = gray[..., None] * (1 - member[..., None]) + member[..., None] * tint
    return np.rint(255 * rgb).astype(np.uint8)
