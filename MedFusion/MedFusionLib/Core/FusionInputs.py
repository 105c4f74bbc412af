"""What the sources of a fusion are, and how their intensities come onto one scale."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import SimpleITK as sitk

from .FusionSettings import FusionSettings

_SAMPLES_PER_AXIS = 96
_AIR_HU = -1024.0


class CtKind(Enum):
    """What the numbers of the fixed image are."""

    hounsfield = "hounsfield"
    display = "display"
    other = "other"


@dataclass(frozen=True)
class MovingScale:
    """How one moving image's values go onto the fixed image's scale: an affine map, then a soft shoulder.

    :param knee: value on the fixed scale where the shoulder begins; infinite for none.
    :param cap: value that the shoulder approaches and never passes.
    """

    gain: float = 1.0
    offset: float = 0.0
    knee: float = np.inf
    cap: float = np.inf

    def apply(self, values: np.ndarray) -> np.ndarray:
        """Return the values on the fixed image's scale."""
        scaled = values * np.float32(self.gain) + np.float32(self.offset)
        if np.isfinite(self.knee):
            above = scaled > self.knee
            room = np.float32(self.cap - self.knee)
            scaled[above] = self.knee + room * (1 - np.exp((self.knee - scaled[above]) / room))
        return scaled


@dataclass(frozen=True)
class FusionScales:
    """The common scale of one fusion, in the fixed image's own units.

    :param low: value below which the fixed image counts as air.
    :param high: value above which it is carried over unchanged instead of being fused.
    :param boneRange: values at which bone begins to count and counts fully.
    :param window: what to show, as low and high.
    """

    kind: CtKind
    low: float
    high: float
    boneRange: tuple[float, float]
    window: tuple[float, float]
    moving: tuple[MovingScale, ...]
    warnings: tuple[str, ...] = ()


def findScales(
    fixedImage: sitk.Image,
    movingImages: Sequence[sitk.Image],
    referenceImage: sitk.Image,
    toFixed: sitk.Transform,
    toMoving: Sequence[sitk.Transform],
    settings: FusionSettings,
) -> FusionScales:
    """Return the common scale, found on a coarse sample of the reference grid.

    :param toFixed: maps points of the reference image to points of the fixed image, LPS; toMoving likewise.
    """
    coarse = _coarseGrid(referenceImage)
    fixed = _sample(fixedImage, coarse, toFixed)
    moving = [_sample(image, coarse, transform) for image, transform in zip(movingImages, toMoving, strict=True)]
    return scalesFromSamples(fixed, moving, settings)


def scalesFromSamples(fixed: np.ndarray, moving: Sequence[np.ndarray], settings: FusionSettings) -> FusionScales:
    """Return the common scale of arrays on one grid; NaN marks what an image does not reach."""
    kind = recognizeCt(fixed)
    finite = fixed[np.isfinite(fixed)]
    warnings = []
    if kind is CtKind.hounsfield:
        low, high = settings.ctWindow
        boneRange = settings.boneRange
        head = fixed > -300
        top = boneRange[1]
        window = (low, low + 1.5 * (top - low))
    elif kind is CtKind.display:
        low, high, top = 0.0, 255.0, 255.0
        boneRange = (170.0, 230.0)
        head = fixed > 25
        window = (low, high)
    else:
        low, high = _range(finite, settings.mriPercentiles)
        top = high
        boneRange = (low + 0.6 * (high - low), low + 0.8 * (high - low))
        head = fixed > low + 0.1 * (high - low)
        window = (low, high)
        warnings.append(
            f"The first image's values ({finite.min():g} to {finite.max():g}) are neither HU nor 8 bit; "
            "it was treated like an MRI, and bone is only guessed from its brightest values."
        )
    scales = []
    for values in moving:
        inside = np.isfinite(values)
        if not inside.any():
            warnings.append("A moving image does not overlap the reference grid; it was left out.")
            scales.append(MovingScale())
            continue
        if recognizeCt(values) is kind:
            if kind is not CtKind.other:
                scales.append(MovingScale())
                continue
            source = _range(values[inside], settings.mriPercentiles)
        else:
            inHead = values[inside & head]
            source = _range(inHead if inHead.size > 100 else values[inside], settings.mriPercentiles)
        shoulder = kind is not CtKind.other
        bright = low + 0.85 * (top - low) if shoulder else top
        gain = (bright - low) / (source[1] - source[0])
        scales.append(
            MovingScale(gain, low - gain * source[0], bright if shoulder else np.inf, top if shoulder else np.inf)
        )
    return FusionScales(kind, low, high, boneRange, window, tuple(scales), tuple(warnings))


def recognizeCt(values: np.ndarray) -> CtKind:
    """Return whether values are Hounsfield units, a CT already windowed to 8 bit, or neither."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return CtKind.other
    if np.mean((finite < -200) & (finite > -1500)) > 0.005 and finite.max() > 100:
        return CtKind.hounsfield
    if finite.min() >= 0 and 100 < finite.max() <= 255:
        return CtKind.display
    return CtKind.other


def _range(values: np.ndarray, percentiles: tuple[float, float]) -> tuple[float, float]:
    low, high = (float(value) for value in np.percentile(values, percentiles))
    if high <= low:
        low, high = float(values.min()), float(values.max())
    if high <= low:
        raise ValueError(f"An image to be fused is constant ({low:g} everywhere); choose another volume.")
    return low, high


def _coarseGrid(referenceImage: sitk.Image) -> sitk.Image:
    size = referenceImage.GetSize()
    strides = [max(1, int(np.ceil(count / _SAMPLES_PER_AXIS))) for count in size]
    coarse = sitk.Image([-(-count // stride) for count, stride in zip(size, strides, strict=True)], sitk.sitkUInt8)
    coarse.SetOrigin(referenceImage.GetOrigin())
    coarse.SetDirection(referenceImage.GetDirection())
    coarse.SetSpacing([s * stride for s, stride in zip(referenceImage.GetSpacing(), strides, strict=True)])
    return coarse


def _sample(image: sitk.Image, coarse: sitk.Image, transform: sitk.Transform) -> np.ndarray:
    return sitk.GetArrayFromImage(
        sitk.Resample(image, coarse, transform, sitk.sitkNearestNeighbor, float("nan"), sitk.sitkFloat32)
    )
