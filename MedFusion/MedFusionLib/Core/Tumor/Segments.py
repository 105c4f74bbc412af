"""The segments of an outlined tumor: which label, under what name, and what tissue it is."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import Enum

# A segment that is the tumor grown by the registration's error, which is no tissue.
MARGIN_TAG, MARGIN_NAME = "MedFusion.registrationError", "Tumor with registration error"
MARGIN_COLOR = (0.95, 0.90, 0.35)


class TumorTissue(Enum):
    """What a segment is made of, whatever its name says; the value is how files keep it."""

    tumor = "tumor"
    wholeTumor = "whole tumor"
    core = "tumor core"
    enhancing = "enhancing tumor"
    nonEnhancing = "non-enhancing tumor core"
    necrosis = "necrosis"
    edema = "edema"

    @property
    def snomedCode(self) -> tuple[str, str]:
        """Return the SNOMED CT code and its meaning."""
        return _SNOMED_CODES.get(self, ("108369006", "Neoplasm"))

    @property
    def isPart(self) -> bool:
        """Return True for a part of a tumor that other parts complete."""
        return self not in (TumorTissue.tumor, TumorTissue.wholeTumor)


_SNOMED_CODES = {
    TumorTissue.necrosis: ("6574001", "Necrosis"),
    TumorTissue.edema: ("79654002", "Edema"),
}
# Chosen by eye, and by what other programs color these parts.
_COLORS = {
    TumorTissue.necrosis: (0.30, 0.45, 0.85),
    TumorTissue.edema: (0.55, 0.88, 0.58),
    TumorTissue.enhancing: (0.93, 0.25, 0.20),
    TumorTissue.nonEnhancing: (0.62, 0.50, 0.78),
    TumorTissue.core: (0.98, 0.80, 0.25),
}
_TUMOR_COLOR = (0.89, 0.35, 0.18)
_FURTHER_TUMORS = ((0.55, 0.30, 0.75), (0.15, 0.65, 0.65), (0.85, 0.65, 0.15), (0.75, 0.25, 0.50))
# What people and trained models call the parts; the first that fits counts.
_NAME_PATTERNS = (
    (r"o?edema|\bed\b|snfh|infiltrat", TumorTissue.edema),
    (r"non.?enhanc|\bnet(c)?\b|\bnetc\b", TumorTissue.nonEnhancing),
    (r"necro|\bncr\b", TumorTissue.necrosis),
    (r"enhanc|\bet\b", TumorTissue.enhancing),
    (r"core|\btc\b", TumorTissue.core),
    (r"whole|\bwt\b", TumorTissue.wholeTumor),
)


def tissueOfName(name: str) -> TumorTissue:
    """Return the tissue that a foreign segment's English name speaks of, tumor where it names none.

    The parts are those of Menze et al. 2015, doi:10.1109/TMI.2014.2377694 (BraTS).
    """
    words = re.sub(r"[_/]", " ", name.casefold())
    return next((tissue for pattern, tissue in _NAME_PATTERNS if re.search(pattern, words)), TumorTissue.tumor)


@dataclass(frozen=True)
class Segment:
    """What one label of a label image is.

    :param value: the label, above 0.
    :param lesion: the number of the lesion it belongs to, from 1 on; the parts of one tumor share it.
    """

    value: int
    name: str
    tissue: TumorTissue = TumorTissue.tumor
    lesion: int = 1

    @property
    def values(self) -> tuple[int, ...]:
        """Return its label as a union has it."""
        return (self.value,)


@dataclass(frozen=True)
class SegmentUnion:
    """Several labels of a label image under one name, such as the whole tumor."""

    values: tuple[int, ...]
    name: str
    tissue: TumorTissue = TumorTissue.tumor
    lesion: int = 1


def membersOf(segments: Sequence[Segment | SegmentUnion]) -> dict[str, tuple[int, ...]]:
    """Return the labels of each segment by its name; a name that comes again gets a number."""
    members: dict[str, tuple[int, ...]] = {}
    for segment in segments:
        name, number = segment.name, 1
        while name in members:
            number += 1
            name = f"{segment.name} ({number})"
        members[name] = segment.values
    return members


def segmentsOfNames(names: dict[int, str]) -> tuple[Segment, ...]:
    """Return segments of a file or a model that tells only the name of each label.

    A number at the end of the names tells lesions apart; several undivided tumors are a lesion each.
    """
    found = [Segment(value, name, tissueOfName(name)) for value, name in names.items()]
    searched = (re.search(r"[^\d.](\d{1,3})$", segment.name) for segment in found)
    numbers = [number for number in searched if number is not None]
    if len(numbers) == len(found):
        return tuple(replace(segment, lesion=int(n[1]) or 1) for segment, n in zip(found, numbers, strict=True))
    undivided = [segment.value for segment in found if not segment.tissue.isPart]
    return tuple(
        replace(segment, lesion=undivided.index(segment.value) + 1) if segment.value in undivided else segment
        for segment in found
    )


def segmentColor(segment: Segment | SegmentUnion) -> tuple[float, float, float]:
    """Return the color of a segment's tissue; further undivided tumors differ."""
    if segment.tissue in _COLORS:
        return _COLORS[segment.tissue]
    if segment.tissue is TumorTissue.tumor and segment.lesion > 1:
        return _FURTHER_TUMORS[(segment.lesion - 2) % len(_FURTHER_TUMORS)]
    return _TUMOR_COLOR
