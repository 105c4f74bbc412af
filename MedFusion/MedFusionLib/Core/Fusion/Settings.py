"""The recipe of a fusion: what may be chosen, checked once, stored as strings."""

from dataclasses import dataclass, fields
from enum import Enum


class FusionMethod(Enum):
    """How the volumes are put together."""

    undecimated = "undecimated"
    dwt = "dwt"
    swt = "swt"
    average = "average"
    maximum = "maximum"
    color = "color"


class FusionMode(Enum):
    """Which coarse intensities the undecimated method keeps."""

    balanced = "balanced"
    bone = "bone"


class BaseRule(Enum):
    """How the textbook transforms (dwt, swt) merge their coarsest coefficients."""

    average = "average"
    maximum = "maximum"
    weighted = "weighted"


class DetailRule(Enum):
    """How detail coefficients are merged; dwt and swt have no gradient and take maxAbs in its place."""

    gradient = "gradient"
    energy = "energy"
    maxAbs = "maxAbs"
    average = "average"


class ColorStyle(Enum):
    """What the color method shows: MRI in gray with tinted bone, or CT and MRI in two complementary colors."""

    bone = "bone"
    overlay = "overlay"


class CtWindowPreset(Enum):
    """Ready CT windows in HU: what lies below is drawn as air, what lies above as the densest bone."""

    bone = (0.0, 1500.0)
    wide = (-150.0, 2500.0)
    brain = (0.0, 400.0)


@dataclass(frozen=True)
class FusionSettings:
    """Everything that determines a fused volume besides the volumes themselves.

    :param levels: number of wavelet levels; the undecimated method takes 1 to 3.
    :param wavelet: PyWavelets name, used by dwt and swt.
    :param sliceWise: True transforms each slice of the reference grid on its own (dwt, swt, undecimated).
    :param detailRule: gradient and energy give soft weights, maxAbs a choice.
    :param baseRule: used by dwt and swt; the undecimated method follows its mode.
    :param ctWeight: share of the CT, 0 to 1, in the weighted base rule.
    :param consistency: let the majority of the neighbors decide a maxAbs choice.
    :param ctWindow: HU range in which CT takes part in the fusion (ignored for a CT already in 8 bit).
    :param boneRange: HU at which bone begins to count and at which it counts fully. The MRI is scaled to stay below
        the second, so that in a fused volume every value above it is bone, in HU.
    :param mriPercentiles: intensities inside the head, in percent, that become black and the brightest tissue.
    :param featherMillimeters: width over which the MRI fades into the CT where the MRI's field of view ends.
    """

    method: FusionMethod = FusionMethod.undecimated
    mode: FusionMode = FusionMode.balanced
    levels: int = 2
    wavelet: str = "db2"
    sliceWise: bool = False
    detailRule: DetailRule = DetailRule.gradient
    baseRule: BaseRule = BaseRule.average
    ctWeight: float = 0.5
    consistency: bool = True
    colorStyle: ColorStyle = ColorStyle.bone
    ctWindow: tuple[float, float] = CtWindowPreset.bone.value
    boneRange: tuple[float, float] = (150.0, 300.0)
    mriPercentiles: tuple[float, float] = (0.5, 99.5)
    featherMillimeters: float = 6.0

    def __post_init__(self):
        most = 3 if self.method is FusionMethod.undecimated else 8
        if not 1 <= self.levels <= most:
            raise ValueError(f"{self.levels} levels were asked for; {self.method.value} fusion takes 1 to {most}.")
        if self.method in (FusionMethod.dwt, FusionMethod.swt):
            _checkWavelet(self.wavelet)
        if not 0 <= self.ctWeight <= 1:
            raise ValueError(f"The CT's weight is {self.ctWeight}; it must lie between 0 and 1.")
        for name in ("ctWindow", "boneRange"):
            low, high = getattr(self, name)
            if not low < high:
                raise ValueError(f"{name} is {low} to {high}; the first value must be the smaller one.")
        low, high = self.mriPercentiles
        if not 0 <= low < high <= 100:
            raise ValueError(f"mriPercentiles is {low} to {high}; both must lie in 0..100, the smaller one first.")
        if not 0 <= self.featherMillimeters <= 50:
            raise ValueError(f"featherMillimeters is {self.featherMillimeters}; it must lie between 0 and 50.")

    def asDict(self) -> dict[str, str]:
        """Return the recipe as strings, for node attributes and result files."""
        return {field.name: _toString(getattr(self, field.name)) for field in fields(self)}

    def usedSettings(self) -> dict[str, str]:
        """Return what of the recipe the method heeds, as strings, for the reader of a result."""
        used = ["method", "ctWindow", "boneRange", "mriPercentiles", "featherMillimeters"]
        if self.method is FusionMethod.undecimated:
            used += ["mode", "levels", "sliceWise", "detailRule"]
            used += ["consistency"] if self.detailRule is DetailRule.maxAbs else []
        elif self.method in (FusionMethod.dwt, FusionMethod.swt):
            used += ["levels", "wavelet", "sliceWise", "detailRule", "baseRule"]
            used += ["consistency"] if self.detailRule in (DetailRule.maxAbs, DetailRule.gradient) else []
            used += ["ctWeight"] if self.baseRule is BaseRule.weighted else []
        elif self.method is FusionMethod.average:
            used += ["ctWeight"]
        elif self.method is FusionMethod.color:
            used += ["colorStyle"]
        return {name: value for name, value in self.asDict().items() if name in used}

    @classmethod
    def fromDict(cls, values: dict[str, str]) -> "FusionSettings":
        """Return the settings that asDict() described; names that are not settings are passed over."""
        defaults = cls()
        known = {field.name: getattr(defaults, field.name) for field in fields(cls)}
        return cls(**{name: _fromString(values[name], default) for name, default in known.items() if name in values})


def _checkWavelet(name: str) -> None:
    import pywt

    if name not in pywt.wavelist(kind="discrete"):
        raise ValueError(f"'{name}' is not a discrete wavelet of PyWavelets; try haar, db2, sym4 or bior2.2.")


def _toString(value: object) -> str:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return " ".join(repr(float(part)) for part in value)
    return str(value)


def _fromString(text: str, default: object) -> object:
    if isinstance(default, Enum):
        return type(default)(text)
    if isinstance(default, bool):
        return text == "True"
    if isinstance(default, tuple):
        return tuple(float(part) for part in text.split())
    return type(default)(text)
