"""What speaks against an outline that was made from a line."""

from dataclasses import dataclass, field

import numpy as np

# Fitted on the DEV half of Testing/Benchmark/OutlineBenchmark.py by which outlines below 0.6 they catch and how few
# above 0.8: along the midline lay .13 to .28 of 7 outlines below .8, at most .11 of those above, of these along the
# mask at most .23.
_LONG, _FAR_TOO_LONG = 1.35, 1.6
_LARGE, _FAR_TOO_LARGE = 1.25, 2.0
_FAINT_OVERLAP = 0.85
_AT_MASK, _MOSTLY_AT_MASK = 0.25, 0.5
_AT_MIDPLANE = 0.13


@dataclass(frozen=True)
class LineFacts:
    """What is known of an outline and of the line that it was made from.

    :param lengthMm: of the line.
    :param longestMm: longest diameter of the outline.
    :param volumeMl: of the outline.
    :param balls: how many times the ball (in a single slice the disk) on the line it is.
    :param isPlane: whether the image is a single slice.
    :param overlap: of its intensities with those around it.
    :param atMask: share of its border along the brain's surface or the skull.
    :param atMidplane: share of its border along the plane between the sides of the head.
    """

    lengthMm: float
    longestMm: float
    volumeMl: float
    balls: float
    isPlane: bool
    overlap: float
    atMask: float
    atMidplane: float


@dataclass
class LineDoubts:
    """What makes an outline doubtful, and what does so unless another method outlines nearly the same."""

    doubts: list[str] = field(default_factory=list)
    suspicions: list[str] = field(default_factory=list)

    def say(self, sentence: str, value: float, suspicious: float, doubtful: float = np.inf) -> None:
        """Add a sentence if a value passes a limit."""
        if value > doubtful:
            self.doubts.append(sentence)
        elif value > suspicious:
            self.suspicions.append(sentence)


def lineDoubts(facts: LineFacts) -> LineDoubts:
    """Return what speaks against an outline from a line.

    A line drawn carelessly in a wrong slice is too short, too, and some tumors end at the falx or the skull, so a
    moderate excess is a suspicion only.
    """
    found = LineDoubts()
    longest, length = facts.longestMm, facts.lengthMm
    lengths = longest / length
    found.say(
        f"The outline is {longest:.0f} mm long and the line only {length:.0f} mm ({lengths:.2f} times); it may have "
        "run into what lies beside the tumor.",
        lengths,
        _LONG,
        _FAR_TOO_LONG,
    )
    ballMl = np.pi / 6 * facts.lengthMm**3 / 1000
    found.say(
        f"The outline has {facts.balls:.1f} times the area of the disk on the line; is the line the longest diameter?"
        if facts.isPlane
        else f"The outline has {facts.volumeMl:.1f} ml, more than the ball on the line ({ballMl:.1f} ml); is the line "
        "the longest diameter?",
        facts.balls,
        _LARGE,
        _FAR_TOO_LARGE,
    )
    found.say(
        f"The tumor hardly differs from what lies around it here (overlap of intensities {facts.overlap:.0%}); "
        "check the outline, or draw the line on another sequence.",
        facts.overlap,
        _FAINT_OVERLAP,
    )
    found.say(
        f"{facts.atMask:.0%} of the outline's border runs along the brain's surface or skull; check it there.",
        facts.atMask,
        _AT_MASK,
        _MOSTLY_AT_MASK,
    )
    found.say(
        f"{facts.atMidplane:.0%} of the outline's border runs along the midline (falx); check it there.",
        facts.atMidplane,
        _AT_MIDPLANE,
    )
    return found
