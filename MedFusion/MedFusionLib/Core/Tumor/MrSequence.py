"""What an MRI was weighted for, and what its name says about it."""

import re
from enum import Enum


class MrSequence(Enum):
    """What an MRI volume was weighted for."""

    unknown = "unknown"
    flair = "flair"
    t1 = "t1"
    t1c = "t1c"
    t2 = "t2"


def sequenceOfName(name: str) -> MrSequence:
    """Return the sequence that a volume's or a series' name speaks of, or unknown."""
    words = name.casefold()
    for pattern, sequence in (
        (r"flair|dark.?fluid|tirm", MrSequence.flair),
        (r"t1.?(c|ce|gd|gad|post|contrast|km)(?![a-z])|t1w?.?(post|gd|contrast)", MrSequence.t1c),
        (r"t2(?!\*)", MrSequence.t2),
        (r"t1|mprage|spgr", MrSequence.t1),
    ):
        if re.search(pattern, words):
            return sequence
    return MrSequence.unknown
