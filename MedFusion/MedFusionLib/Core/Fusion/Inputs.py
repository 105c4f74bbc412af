"""What the sources of a fusion are, and how their intensities come onto one scale."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import emptyImage, isSameGrid
from ..Images.Intensities import AIR_HU, robustSpread
from ..Images.ValueJudgment import ValueKind, judgeValues
from ..Images.Voxels import everyNth
from .CtChanges import UsualCt, findUsualCt
from .Noise import ctNoise
from .Settings import FusionSettings

# Chosen by time: more samples move the scales by less than a gray level.
_SAMPLES_PER_AXIS = 64
_JUDGED_SAMPLES = 40_000  # tell as well what the values are, in a fraction of the time
_CLIPPED_HU, _CLIPPED_SHARE = 1000.0, 0.005  # bone that ends below the one, in more voxels than the other
_NARROW_STEPS = 5.0  # gray levels between places 2 voxels apart; 1 to 3 in bone windows
_SHOULDER = (180.0, 260.0)  # gray levels: bright tissue (cerebrospinal fluid on T2, fat) stays below white bone


class CtKind(Enum):
    """What the numbers of the fixed image are."""

    hounsfield = "hounsfield"
    display = "display"
    other = "other"


@dataclass(frozen=True)
class Source:
    """An image and the way to it: toImage maps points of the reference image to its own points, LPS."""

    image: sitk.Image
    toImage: sitk.Transform

    def isOnGrid(self, referenceImage: sitk.Image) -> bool:
        """Return whether the image's voxels are the reference image's voxels."""
        return self.toImage.GetTransformEnum() == sitk.sitkIdentity and isSameGrid(self.image, referenceImage)


@dataclass(frozen=True)
class MovingScale:
    """How one moving image's values go onto the fixed image's scale: an affine map, then a soft shoulder.

    :param knee: value on the fixed scale where the shoulder begins; infinite for none.
    :param cap: value that the shoulder approaches and never passes.
    :param padding: value that stands for "not measured"; None if there is none.
    :param partial: whether parts of the CT's grid have no value of this image.
    :param keepsBelow: whether values below black mean something (HU, when a CT is fused with a CT).
    """

    gain: float = 1.0
    offset: float = 0.0
    knee: float = np.inf
    cap: float = np.inf
    padding: float | None = None
    partial: bool = False
    keepsBelow: bool = False

    def onto(
        self,
        values: np.ndarray,
        low: float,
        span: float | np.floating,
        out: np.ndarray | None = None,
        highest: float = math.inf,
    ) -> np.ndarray:
        """Return the float32 values on the scale where low is 0 and low + span is 1, in the array out if given.

        :param highest: the largest of the values, if known.
        """
        scaled = np.multiply(values, np.float32(self.gain / span), out=out)
        scaled += np.float32((self.offset - low) / span)
        if np.isfinite(self.knee) and scaled.size and not highest * self.gain + self.offset <= self.knee:
            knee, room = (self.knee - low) / span, (self.cap - self.knee) / span
            flat = scaled.reshape(-1)
            above = np.flatnonzero(flat > knee)
            flat[above] = knee + room * (1 - np.exp((knee - flat[above]) / room))
        return scaled


@dataclass(frozen=True)
class FusionScales:
    """The common scale of one fusion, in the fixed image's own units.

    :param low: value below which the fixed image counts as air.
    :param high: value above which it is carried over unchanged instead of being fused.
    :param tissueTop: what the brightest tissue of the MRIs is scaled to stay below.
    :param boneRange: values at which bone begins to count and counts fully.
    :param window: what to show, as low and high.
    :param ctNoise: energy of the CT's noise in soft tissue, where 0 is low and 1 high; see Noise.ctNoise.
    :param usualCt: the CT that is usual at each brightness of the MRIs; None unless its changes are to be shown.
    """

    kind: CtKind
    low: float
    high: float
    tissueTop: float
    boneRange: tuple[float, float]
    window: tuple[float, float]
    moving: tuple[MovingScale, ...]
    warnings: tuple[str, ...] = ()
    ctNoise: float = 0.0
    usualCt: UsualCt | None = None

    @property
    def hounsfield(self) -> float:
        """One HU on the scale where 0 is low and 1 high, if the fixed image is in HU."""
        return 1 / (self.high - self.low)

    @property
    def gray(self) -> float:
        """One of 255 gray levels of the display window, where 0 is low and 1 high."""
        return (self.window[1] - self.window[0]) / 255 / (self.high - self.low)

    @property
    def bone(self) -> tuple[float, float]:
        """The bone range where 0 is low and 1 high."""
        start, stop = ((value - self.low) / (self.high - self.low) for value in self.boneRange)
        return start, stop


def findScales(sources: Sequence[Source], settings: FusionSettings) -> FusionScales:
    """Return the common scale, found on a coarse sample of the CT's grid, so that no other grid changes it.

    :param sources: the CT, then the MRIs, each with the way from the CT's points to its own.
    """
    fixed, *moving = _samples(sources)
    scales = scalesFromSamples(fixed, moving, settings)
    if not settings.isSelective:
        return scales
    span, hounsfield = scales.high - scales.low, scales.kind is CtKind.hounsfield
    noise = ctNoise(sources[0].image, scales.low, span, scales.gray, scales.bone[0], hounsfield)
    usual = _usualCt(fixed, moving, scales) if settings.showsCtChanges else None
    warnings = (*scales.warnings, *_narrowWindow(scales, noise, fixed))
    return replace(scales, ctNoise=noise, usualCt=usual, warnings=warnings)


def _narrowWindow(scales: FusionScales, noise: float, fixed: np.ndarray) -> Iterator[str]:
    """Yield what is lost where the CT was stored through a narrow window."""
    if scales.kind is CtKind.hounsfield:
        top = float(np.nanmax(fixed))
        if top < _CLIPPED_HU and np.mean(fixed == top) > _CLIPPED_SHARE:
            yield (
                f"The CT ends at {top:g} HU: it was stored through a window, so its bone has no densities above. Use "
                "the CT as the scanner stored it if you can."
            )
    steps = math.sqrt(noise / 2) / scales.gray
    if scales.kind is CtKind.display and steps > _NARROW_STEPS:
        yield (
            f"The CT's soft tissue varies by {steps:.0f} of 255 gray levels from place to place: it was stored "
            "through a narrow window. Its bone is white without structure, and its noise is not drawn."
        )


def _usualCt(fixed: np.ndarray, moving: Sequence[np.ndarray], scales: FusionScales) -> UsualCt:
    if scales.kind is not CtKind.hounsfield:
        raise ValueError(
            f"Changes that only the CT shows can be told in Hounsfield units alone; this CT's values begin at "
            f"{np.nanmin(fixed):g} and end at {np.nanmax(fixed):g}. Use the CT as the scanner stored it."
        )
    span = scales.high - scales.low
    onScale = []
    for values, scale in zip(moving, scales.moving, strict=True):
        present = np.isfinite(values) if scale.padding is None else np.isfinite(values) & (values != scale.padding)
        onScale.append(np.where(present, scale.onto(np.nan_to_num(values), scales.low, span).clip(0, 1), np.nan))
    return findUsualCt(fixed, onScale, scales.low, span)


def scalesFromSamples(fixed: np.ndarray, moving: Sequence[np.ndarray], settings: FusionSettings) -> FusionScales:
    """Return the common scale of arrays on one grid; NaN marks what an image does not reach."""
    kind = recognizeCt(fixed)
    warnings: list[str] = []
    low, high, tissueTop, boneRange, head = _fixedScale(fixed, kind, settings, warnings)
    scales = [_movingScale(values, kind, low, tissueTop, head, fixed, settings, warnings) for values in moving]
    # White is where bone counts fully: the tissue then has nearly the whole range of grays.
    window = (low, tissueTop) if kind is CtKind.hounsfield else (low, high)
    return FusionScales(kind, low, high, tissueTop, boneRange, window, tuple(scales), tuple(warnings))


def _fixedScale(
    fixed: np.ndarray, kind: CtKind, settings: FusionSettings, warnings: list[str]
) -> tuple[float, float, float, tuple[float, float], np.ndarray]:
    """Return black, the densest bone, the brightest tissue, the bone range and the head mask of the sample."""
    finite = fixed[np.isfinite(fixed)]
    if not finite.size:
        raise ValueError("The CT holds no numbers; choose another volume.")
    if kind is CtKind.hounsfield:
        low, high = settings.ctWindow
        if low >= settings.boneRange[0]:
            raise ValueError(
                f"The CT window begins at {low:g} HU, but bone already at {settings.boneRange[0]:g} HU; "
                "begin the window lower or the bone range higher."
            )
        return low, max(high, settings.boneRange[1]), settings.boneRange[1], settings.boneRange, fixed > -300
    if kind is CtKind.display:
        tissue = finite[(finite > 25) & (finite < 240)]
        start = 170.0
        if tissue.size:
            middle = float(np.median(tissue))
            start = float(np.clip(middle + 4 * robustSpread(tissue, middle), 120, 200))
        return 0.0, 255.0, 255.0, (start, start + 50), fixed > 25
    low, high = _range(finite, settings.mriPercentiles)
    warnings.append(
        f"The first image's values ({finite.min():g} to {finite.max():g}) are neither HU nor 8 bit; "
        "it was treated like an MRI, and bone is only guessed from its brightest values."
    )
    span = high - low
    return low, high, high, (low + 0.6 * span, low + 0.8 * span), fixed > low + 0.1 * span


def _movingScale(
    values: np.ndarray,
    kind: CtKind,
    low: float,
    tissueTop: float,
    head: np.ndarray,
    fixed: np.ndarray,
    settings: FusionSettings,
    warnings: list[str],
) -> MovingScale:
    padding = _paddingValue(values, fixed, kind)
    inside = np.isfinite(values)
    if padding is not None:
        inside &= values != padding
    if not inside.any():
        warnings.append("An MRI does not overlap the CT; it was left out. Check the registration.")
        return MovingScale(padding=padding, partial=True)
    partial = not inside.all()
    same = recognizeCt(values[inside]) is kind
    if same and kind is CtKind.display and settings.isSelective:
        return MovingScale(1.0, 0.0, *_SHOULDER, padding, partial)
    if same and kind is not CtKind.other:
        return MovingScale(padding=padding, partial=partial, keepsBelow=kind is CtKind.hounsfield)
    inHead = values[inside & head]
    source = _range(values[inside] if same or inHead.size < 100 else inHead, settings.mriPercentiles)
    if kind is CtKind.other:
        gain = (tissueTop - low) / (source[1] - source[0])
        return MovingScale(gain, low - gain * source[0], padding=padding, partial=partial)
    knee = low + 0.85 * (tissueTop - low)
    gain = (knee - low) / (source[1] - source[0])
    return MovingScale(gain, low - gain * source[0], knee, tissueTop, padding, partial)


def _paddingValue(values: np.ndarray, fixed: np.ndarray, kind: CtKind) -> float | None:
    """Return the value that stands for "not measured": far below 0, or exactly constant where the CT shows tissue."""
    finite = values[np.isfinite(values)]
    if not finite.size:
        return None
    least = float(finite.min())
    if recognizeCt(finite[finite > least]) is not CtKind.hounsfield and least <= AIR_HU and (finite == least).sum() > 1:
        return least
    if kind is CtKind.hounsfield:
        tissue = (fixed > 0) & (fixed < 100) & np.isfinite(values)
        if tissue.any() and np.mean(values[tissue] == least) > 0.01:
            return least
    return None


def recognizeCt(values: np.ndarray) -> CtKind:
    """Return whether values are Hounsfield units, a CT already windowed to 8 bit, or neither."""
    finite = values[np.isfinite(values)]
    if not finite.size or finite.min() == finite.max():
        return CtKind.other
    if judgeValues(finite[:: max(1, finite.size // _JUDGED_SAMPLES)]).kind is ValueKind.ctInHu:
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


def _samples(sources: Sequence[Source]) -> list[np.ndarray]:
    """Return the nearest values of all sources on every so many voxels of the first, NaN where a source ends."""
    image = sources[0].image
    steps = [max(1, math.ceil(count / _SAMPLES_PER_AXIS)) for count in image.GetSize()]
    size = [-(-count // step) for count, step in zip(image.GetSize(), steps, strict=True)]
    spacing = np.multiply(image.GetSpacing(), steps)
    coarse = emptyImage(size, spacing, image.GetOrigin(), image.GetDirection())
    return [
        everyNth(source.image, *steps).astype(np.float32)
        if source.isOnGrid(image)
        else sitk.GetArrayFromImage(
            sitk.Resample(
                source.image, coarse, source.toImage, sitk.sitkNearestNeighbor, float("nan"), sitk.sitkFloat32
            )
        )
        for source in sources
    ]
