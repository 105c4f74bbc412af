"""Whether a result may be trusted, in one word and the reasons for it: the same for registration and tumor."""

from dataclasses import dataclass
from enum import Enum


class Judgment(Enum):
    """What is thought of a result."""

    confirmed = "confirmed"
    doubtful = "doubtful"
    notConfirmed = "not confirmed"


@dataclass(frozen=True)
class Verdict:
    """A judgment and the sentences that led to it.

    :param reasons: one sentence each, with the values, most important first; none where the result is confirmed.
    """

    judgment: Judgment
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.judgment is Judgment.confirmed and self.reasons:
            raise ValueError("A confirmed result has no reasons against it.")
        if self.judgment is not Judgment.confirmed and not self.reasons:
            raise ValueError(f"A result that is {self.judgment.value} needs a reason.")

    def measurements(self) -> dict[str, object]:
        """Return it for measurements.json."""
        return {"verdict": self.judgment.value, "reasons": list(self.reasons)}
