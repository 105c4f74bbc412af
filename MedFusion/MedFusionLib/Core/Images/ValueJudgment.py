"""What the values of a volume are: a CT in Hounsfield units, one that is off, inverted or scaled, an MRI, or a map.

A CT is known by its shape, whatever its scale: most of a head is soft tissue within a tenth of the way from air to
water, hardly anything lies between air and that, and bone lies far above it. An MRI spreads its tissues.
"""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import SimpleITK as sitk

from .Intensities import AIR_HU
from .Voxels import everyNth

# By what tissues have in Hounsfield units; the numbers of samples, bins and labels by time.
SOFT_TISSUE_HU = 40.0
_SAMPLES_PER_AXIS = 64
_AIR_RANGE_HU = (-1060.0, -850.0)
_PADDING_HU = -1500.0  # what scanners write where they measured nothing lies below, or is air
_SOFT_RANGE_HU = (-150.0, 150.0)
_BINS = 400
_MOST_LABELS = 12
_LARGEST_SHIFT_HU = 60.0  # of air and soft tissue alike; contrast agent, fat and noise move one of them
_MOST_WHITE = 0.4  # of a picture, whose background is black
_MOST_UNSURE = 0.25  # of a map of probabilities
# Shares of what is not air that tell a CT by its shape. Fitted on the DEV half of
# Testing/Benchmark/ValueBenchmark.py by hand, to call every CT and no MRI a CT.
_LEAST_SOFT = 0.45
_MOST_BETWEEN = 0.25
_LEAST_BONE = 0.02
_LEAST_DENSE_BONE = 0.01  # of a CT: .06 and more; of an MRI whose fat takes bone's place: 0
_LEAST_AIR = 0.05
_LEAST_SOFT_IN_HU = 0.25
_MOST_DENSE = 0.35
_MOST_THIN = 0.35
_FACTORS = (0.2, 5.0)
_LEAST_CUT_OFF, _MOST_SOFT_OF_BONE = 0.2, 0.1  # a share of the voxels, and of the brightest bone's value


class ValueKind(Enum):
    """What the values of a volume are."""

    ctInHu = "CT in Hounsfield units"
    uncalibratedCt = "CT whose values are not Hounsfield units"
    invertedCt = "inverted CT"
    eightBit = "picture of 8 bits"
    mri = "MRI"
    map = "map of labels or probabilities"


@dataclass(frozen=True)
class ValueJudgment:
    """Hold what the values are, and why.

    :param reason: half a sentence with the values that decided, such as "air at -700, soft tissue at 335".
    """

    kind: ValueKind
    reason: str

    @property
    def isCt(self) -> bool:
        """Return whether the values are those of a CT, on whatever scale."""
        return self.kind in (ValueKind.ctInHu, ValueKind.uncalibratedCt, ValueKind.invertedCt)


def judgeImage(image: sitk.Image, modality: str = "") -> ValueJudgment:
    """Return what the values of an image are, from a sample of its voxels.

    :param modality: as a DICOM header gives it; its MR is believed.
    """
    steps = [max(1, -(-count // _SAMPLES_PER_AXIS)) for count in image.GetSize()]
    return judgeValues(everyNth(image, *steps), modality)


def judgeValues(values: np.ndarray, modality: str = "") -> ValueJudgment:
    """Return what values are.

    :param values: any shape; what is not finite is left out.
    """
    values = np.asarray(values, dtype=np.float64).ravel()
    values = values[np.isfinite(values)]
    if not values.size or values.min() == values.max():
        return ValueJudgment(ValueKind.map, "it is constant")
    if modality == "MR":
        return ValueJudgment(ValueKind.mri, "its header says MR")
    map = _mapReason(values)
    if map:
        return ValueJudgment(ValueKind.map, map)
    shift = _shiftOfHu(values)
    if shift:
        return ValueJudgment(ValueKind.uncalibratedCt, shift)
    reason = _hounsfield(values, modality)
    return ValueJudgment(ValueKind.ctInHu, reason) if reason else _judgeShape(values)


def _judgeShape(values: np.ndarray) -> ValueJudgment:
    """Return what values are that are neither a map nor Hounsfield units."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and 100 < high <= 255:
        white = float(np.mean(values > 0.95 * high))
        if white > _MOST_WHITE:
            reason = f"{white:.0%} of it is white, as if air at {high:g} lay above tissue"
            return ValueJudgment(ValueKind.invertedCt, reason)
        return ValueJudgment(ValueKind.eightBit, f"its values go from {low:g} to {high:g}")
    peaks = _ctPeaks(values)
    turned = None if peaks else _ctPeaks(-values)
    if turned:
        return ValueJudgment(
            ValueKind.invertedCt, f"air at {-turned[0]:.0f} lies above soft tissue at {-turned[1]:.0f}"
        )
    if peaks:
        return ValueJudgment(ValueKind.uncalibratedCt, _offScale(*peaks))
    cutOff = _cutOff(values)
    if cutOff:
        return ValueJudgment(ValueKind.uncalibratedCt, cutOff)
    sign = f"its values go from {low:.4g} to {high:.4g}"
    return ValueJudgment(ValueKind.mri, f"{sign}, without air near -1000 and soft tissue near 40")


def _mapReason(values: np.ndarray) -> str:
    """Return why values are labels or probabilities, "" if they are not."""
    low, high = float(values.min()), float(values.max())
    if low >= 0 and len(np.unique(values[:: max(1, values.size // 20_000)])) <= _MOST_LABELS:
        return f"it holds few values, from {low:g} to {high:g}"
    # An MRI scaled to 0..1 has its tissues between these, a map of probabilities only its borders.
    if low >= 0 and high <= 1 and np.mean((values > 0.05) & (values < 0.95)) < _MOST_UNSURE:
        return f"most of its values, from {low:g} to {high:g}, are near 0 or 1"
    return ""


def _shiftOfHu(values: np.ndarray) -> str:
    """Return by how much air and soft tissue are off alike where both lie so near to their places as to pass for HU."""
    air = values[(values > _PADDING_HU) & (values < -300)]
    soft = values[(values > SOFT_TISSUE_HU - 250) & (values < SOFT_TISSUE_HU + 250)]
    if min(air.size, soft.size) < _LEAST_AIR * values.size:
        return ""
    shifts = float(np.median(air)) - AIR_HU, float(np.median(soft)) - SOFT_TISSUE_HU
    isShifted = min(np.abs(shifts)) > _LARGEST_SHIFT_HU and shifts[0] * shifts[1] > 0 and np.ptp(shifts) < 40
    return _offScale(AIR_HU + shifts[0], SOFT_TISSUE_HU + shifts[1]) if isShifted else ""


def _hounsfield(values: np.ndarray, modality: str) -> str:
    """Return why values are Hounsfield units, "" if they are not: air and soft tissue lie where they must."""
    low = values.min()
    measured = values[values > low] if low < _PADDING_HU else values
    thin = measured[measured < -300]
    body = measured[measured > _AIR_RANGE_HU[1]]
    isSoft = (body > _SOFT_RANGE_HU[0]) & (body < _SOFT_RANGE_HU[1])
    if not body.size or np.mean(measured > 500) > _MOST_DENSE or body.max() < 100 or np.mean(body < -200) > _MOST_THIN:
        return ""
    if thin.size > 0.005 * values.size:
        air = float(np.median(thin))
        isRight = _AIR_RANGE_HU[0] < air < _AIR_RANGE_HU[1] and isSoft.mean() > _LEAST_SOFT_IN_HU
        return f"air at {air:.0f} HU" if isRight else ""
    # Cut out of a head: without air nothing tells low values of an MRI from soft tissue, but a header does.
    middle = float(np.median(body))
    isNear = abs(middle - SOFT_TISSUE_HU) < 60 and isSoft.mean() > 0.5
    return f"its header says CT, soft tissue at {middle:.0f} HU, no air" if modality == "CT" and isNear else ""


def _ctPeaks(values: np.ndarray) -> tuple[float, float] | None:
    """Return the values of air and of soft tissue if the values have the shape of a head CT's, on any scale."""
    low, high = np.percentile(values, (0.05, 99.95))
    if high <= low:
        return None
    counts, edges = np.histogram(values, _BINS, (low, high))
    smooth = np.convolve(counts, np.hanning(9) / np.hanning(9).sum(), "same")
    centers = (edges[1:] + edges[:-1]) / 2
    air = float(centers[np.argmax(np.where(centers < low + 0.35 * (high - low), smooth, 0))])
    apart = centers > air + 0.15 * (high - low)
    soft = float(centers[np.argmax(np.where(apart, smooth, 0))])
    share = (values - air) / (soft - air)
    body = share[share > 0.15]
    if body.size < 0.02 * values.size:
        return None
    isSoft = np.mean(np.abs(body - 1) < 0.1) >= _LEAST_SOFT
    isEmptyBetween = np.mean(body < 0.75) <= _MOST_BETWEEN
    hasBone = np.mean(body > 1.5) >= _LEAST_BONE and np.mean(body > 1.75) >= _LEAST_DENSE_BONE
    hasAir = np.mean(np.abs(share) < 0.1) >= _LEAST_AIR
    isLikely = _FACTORS[0] < (soft - air) / (SOFT_TISSUE_HU - AIR_HU) < _FACTORS[1]
    return (air, soft) if isSoft and isEmptyBetween and hasBone and hasAir and isLikely else None


def _cutOff(values: np.ndarray) -> str:
    """Return how a CT without its air looks, "" if values are none: no MRI's brightest voxels stand out so far."""
    low, high = float(values.min()), float(np.percentile(values, 99.95))
    body = values[values > low]
    if not body.size or body.size > (1 - _LEAST_CUT_OFF) * values.size:
        return ""
    middle = float(np.median(body))
    if middle - low > _MOST_SOFT_OF_BONE * (high - low):
        return ""
    return f"what lies below {low:.0f} was cut off (soft tissue at {middle:.0f}, bone up to {high:.0f})"


def _offScale(air: float, soft: float) -> str:
    """Return how values with these peaks differ from Hounsfield units."""
    factor = (soft - air) / (SOFT_TISSUE_HU - AIR_HU)
    where = f"air at {air:.0f}, soft tissue at {soft:.0f}"
    if abs(factor - 1) < 0.1:
        return f"they are off by {(air - AIR_HU + soft - SOFT_TISSUE_HU) / 2:+.0f} ({where})"
    return f"a step of 1 HU is one of {factor:.2g} ({where})"


def checkNotExchanged(ct: ValueJudgment, mri: ValueJudgment, ctName: str, mriName: str) -> None:
    """Raise ValueError where a CT and an MRI were given in each other's place."""
    if ct.kind is ValueKind.mri and mri.kind is ValueKind.ctInHu:
        raise ValueError(
            f"{ctName} was given as CT and looks like an MRI ({ct.reason}), {mriName} was given as MRI and is a CT "
            f"({mri.reason}); exchange them."
        )


def ctWarning(judgment: ValueJudgment, name: str) -> str:
    """Return what speaks against a volume given as CT, "" if nothing does or its 8 bits do not tell.

    :raises ValueError: where it is inverted, for then bone is taken for air.
    """
    if judgment.kind in (ValueKind.ctInHu, ValueKind.eightBit):
        return ""
    if judgment.kind is ValueKind.invertedCt:
        raise ValueError(f"The values of {name} are inverted: {judgment.reason}; invert them back and try again.")
    if judgment.kind is ValueKind.uncalibratedCt:
        return f"The values of {name} are those of a CT but not Hounsfield units: {judgment.reason}; correct them."
    return f"{name} was given as CT, but its values are those of no CT in Hounsfield units: {judgment.reason}."


def mriWarning(judgment: ValueJudgment, name: str) -> str:
    """Return what speaks against a volume given as MRI, "" if nothing does."""
    if judgment.kind in (ValueKind.mri, ValueKind.eightBit):
        return ""
    article = "an" if judgment.kind is ValueKind.invertedCt else "a"
    return f"{name} was given as MRI, but its values are those of {article} {judgment.kind.value}: {judgment.reason}."
