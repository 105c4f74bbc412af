"""The recipe of a fusion: what may be chosen, checked once, stored as strings."""

from dataclasses import dataclass, fields
from enum import Enum
from typing import Any

# Chosen by reason: 2 to the 8th voxels are a whole slice.
_MOST_LEVELS = 8


class FusionMethod(Enum):
    """How the volumes are put together; dwt and swt are there for comparison and need PyWavelets."""

    selective = "selective"
    dwt = "dwt"
    swt = "swt"
    average = "average"
    maximum = "maximum"
    color = "color"


class BaseRule(Enum):
    """How dwt and swt merge their coarsest coefficients."""

    average = "average"
    maximum = "maximum"


class DetailRule(Enum):
    """How dwt and swt merge their detail coefficients."""

    maxAbs = "maxAbs"
    energy = "energy"
    average = "average"


class ColorStyle(Enum):
    """What the color method shows."""

    bone = "bone"
    overlay = "overlay"
    changes = "changes"
    second = "second"


COLOR_LEGENDS = {
    ColorStyle.bone: "Gray: MRI. Yellow: bone of the CT.",
    ColorStyle.overlay: "Green: brighter in the MRI. Magenta: brighter in the CT. Gray: equal in both.",
    ColorStyle.changes: "Gray: fused volume. Blue: the CT is less dense than is usual where the MRI is as bright "
    "(infarct, edema). Orange: denser (bleeding, calcification, contrast). Full color at 30 HU. Beam hardening near "
    "thick bone is shown, too.",
    ColorStyle.second: "Gray: CT and first MRI fused. Red: the second MRI is brighter than its middle tissue.",
}
CHANGES_LEGEND = (
    "Darker than the MRI: the CT is less dense than is usual where the MRI is as bright (infarct, edema). Brighter: "
    "denser (bleeding, calcification, contrast). Beam hardening near thick bone looks the same."
)


class CtWindowPreset(Enum):
    """Ready CT windows in HU: what lies below is drawn as air, what lies above as the densest bone."""

    bone = (0.0, 1500.0)
    wide = (-150.0, 2500.0)
    brain = (0.0, 400.0)


@dataclass(frozen=True)
class FusionSettings:
    """Everything that determines a fused volume besides the volumes themselves.

    :param levels: number of wavelet levels of dwt and swt.
    :param wavelet: PyWavelets name, used by dwt and swt.
    :param sliceWise: True fuses each slice of the reference grid on its own (selective, dwt, swt).
    :param detailRule: of dwt and swt; energy gives soft weights, maxAbs a choice.
    :param baseRule: of dwt and swt.
    :param consistency: let the majority of the neighbors decide a maxAbs choice.
    :param ctChanges: whether the selective method shows density that only the CT has; needs a CT in HU.
    :param mriInBone: whether the selective method draws the MRI's dark detail in the bone of a CT in gray levels.
    :param ctWindow: HU range in which CT takes part in the fusion (ignored for a CT already in 8 bit).
    :param boneRange: HU at which bone begins to count and at which it counts fully. The MRI is scaled to stay below
        the second, so that in a fused volume every value above it is bone, in HU.
    :param mriPercentiles: intensities inside the head, in percent, that become black and the brightest tissue.
    :param featherMillimeters: width over which the MRI fades into the CT where the MRI's field of view ends.
    """

    method: FusionMethod = FusionMethod.selective
    levels: int = 2
    wavelet: str = "db2"
    sliceWise: bool = False
    detailRule: DetailRule = DetailRule.maxAbs
    baseRule: BaseRule = BaseRule.average
    consistency: bool = True
    colorStyle: ColorStyle = ColorStyle.bone
    ctChanges: bool = False
    mriInBone: bool = False
    ctWindow: tuple[float, float] = CtWindowPreset.bone.value
    boneRange: tuple[float, float] = (150.0, 300.0)
    mriPercentiles: tuple[float, float] = (0.5, 99.5)
    featherMillimeters: float = 6.0

    def __post_init__(self) -> None:
        if not 1 <= self.levels <= _MOST_LEVELS:
            raise ValueError(f"{self.levels} levels were asked for; dwt and swt take 1 to {_MOST_LEVELS}.")
        if self.method in (FusionMethod.dwt, FusionMethod.swt):
            _checkWavelet(self.wavelet)
        for name in ("ctWindow", "boneRange"):
            low, high = getattr(self, name)
            if not low < high:
                raise ValueError(f"{name} is {low} to {high}; the first value must be the smaller one.")
        low, high = self.mriPercentiles
        if not 0 <= low < high <= 100:
            raise ValueError(f"mriPercentiles is {low} to {high}; both must lie in 0..100, the smaller one first.")
        if not 0 <= self.featherMillimeters <= 50:
            raise ValueError(f"featherMillimeters is {self.featherMillimeters}; it must lie between 0 and 50.")

    @property
    def isSelective(self) -> bool:
        """Whether the volumes are fused selectively, be it to be shown in color."""
        onColor = (ColorStyle.changes, ColorStyle.second)
        return self.method is FusionMethod.selective or (
            self.method is FusionMethod.color and self.colorStyle in onColor
        )

    @property
    def showsCtChanges(self) -> bool:
        """Whether density that only the CT has is shown in gray or in color."""
        if self.method is FusionMethod.color:
            return self.colorStyle is ColorStyle.changes
        return self.method is FusionMethod.selective and self.ctChanges

    @property
    def legend(self) -> str:
        """What the colors, or the CT's changes in gray, mean; empty where there is nothing to explain."""
        if self.method is FusionMethod.color:
            return COLOR_LEGENDS[self.colorStyle]
        return CHANGES_LEGEND if self.showsCtChanges else ""

    def asDict(self) -> dict[str, str]:
        """Return the recipe as strings, for node attributes and result files."""
        return {field.name: _toString(getattr(self, field.name)) for field in fields(self)}

    def usedSettings(self) -> dict[str, str]:
        """Return what of the recipe the method heeds, as strings, for the reader of a result."""
        used = ["method", "ctWindow", "boneRange", "mriPercentiles", "featherMillimeters"]
        if self.method is FusionMethod.selective:
            used += ["sliceWise", "ctChanges", "mriInBone"]
        elif self.method in (FusionMethod.dwt, FusionMethod.swt):
            used += ["levels", "wavelet", "sliceWise", "detailRule", "baseRule"]
            used += ["consistency"] if self.detailRule is DetailRule.maxAbs else []
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


def _fromString(text: str, default: Any) -> Any:
    if isinstance(default, Enum):
        try:
            return type(default)(text)
        except ValueError as error:
            raise ValueError(f"'{text}' is not a fusion that this version of MedFusion makes; fuse again.") from error
    if isinstance(default, bool):
        return text == "True"
    if isinstance(default, tuple):
        return tuple(float(part) for part in text.split())
    return type(default)(text)
