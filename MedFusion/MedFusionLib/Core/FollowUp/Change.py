"""One measure at two times, and what can be said of its change."""

from dataclasses import dataclass
from enum import Enum

import numpy as np

# RANO: the product of the diameters larger by 25 % is progression, smaller by 50 % response (Wen et al. 2023,
# doi:10.1200/JCO.23.01059).
INCREASE_PERCENT, DECREASE_PERCENT = 25.0, -50.0
_TWO_SIDED_95 = 1.96


class Passed(Enum):
    """Whether a change is beyond a limit."""

    yes = "yes"
    no = "no"
    uncertain = "uncertain"


@dataclass(frozen=True)
class Change:
    """One measure at both times, its change, and the uncertainty of the change (one standard deviation).

    :param outlineUncertainty: from how differently methods outline, as the runs tell it.
    :param registrationUncertainty: from how well the two time points were brought into one frame.
    :param voxelUncertainty: from where the outline runs between voxels.
    """

    name: str
    unit: str
    before: float
    after: float
    outlineUncertainty: float
    registrationUncertainty: float
    voxelUncertainty: float = 0.0

    @property
    def difference(self) -> float:
        """Return after minus before."""
        return self.after - self.before

    @property
    def percent(self) -> float:
        """Return the change in percent of the value before."""
        return 100 * self.difference / self.before if self.before else float("nan")

    @property
    def uncertainty(self) -> float:
        """Return all parts together."""
        parts = (self.outlineUncertainty, self.registrationUncertainty, self.voxelUncertainty)
        return float(np.linalg.norm(parts))

    @property
    def isBeyondUncertainty(self) -> bool:
        """Return True if the change is outside its 95 % interval around zero."""
        return abs(self.difference) > _TWO_SIDED_95 * self.uncertainty

    @property
    def percentInterval(self) -> tuple[float, float]:
        """Return the 95 % interval of the change in percent; not numbers where there was nothing before."""
        if not self.before:
            return float("nan"), float("nan")
        # The first value is as uncertain as the second and divides it, so a larger ratio is less sure.
        reach = _TWO_SIDED_95 * 100 * self.uncertainty * max(1.0, self.after / self.before) / self.before
        return self.percent - reach, self.percent + reach

    @property
    def isIncrease(self) -> Passed:
        """Return whether it is larger by more than 25 %; what was not there before is."""
        if not self.before:
            return Passed.yes if self.after else Passed.no
        low, high = self.percentInterval
        return Passed.yes if low > INCREASE_PERCENT else Passed.no if high < INCREASE_PERCENT else Passed.uncertain

    @property
    def isDecrease(self) -> Passed:
        """Return whether it is smaller by more than 50 %."""
        if not self.before:
            return Passed.no
        low, high = self.percentInterval
        return Passed.yes if high < DECREASE_PERCENT else Passed.no if low > DECREASE_PERCENT else Passed.uncertain

    def measurements(self) -> dict[str, object]:
        """Return the change as JSON types."""
        return {
            "before": self.before,
            "after": self.after,
            "difference": self.difference,
            "percent": self.percent,
            "percent_interval": list(self.percentInterval),
            "uncertainty": self.uncertainty,
            "uncertainty_from_outline": self.outlineUncertainty,
            "uncertainty_from_voxels": self.voxelUncertainty,
            "uncertainty_from_registration": self.registrationUncertainty,
            "beyond_uncertainty": self.isBeyondUncertainty,
            "larger_by_25_percent": self.isIncrease.value,
            "smaller_by_50_percent": self.isDecrease.value,
        }
