"""Which segment of an outline belongs to which of the truth: by name, tissue or value, never by order."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from .Segments import Segment, SegmentUnion, TumorTissue

# What the values of a BraTS map mean; enhancing tumor is 4, in releases from 2023 on 3.
_BRATS_MAPS: dict[frozenset[int], dict[TumorTissue, tuple[int, ...]]] = {
    frozenset((1, 2, 4)): {TumorTissue.necrosis: (1,), TumorTissue.edema: (2,), TumorTissue.enhancing: (4,)},
    frozenset((1, 2, 3)): {TumorTissue.necrosis: (1,), TumorTissue.edema: (2,), TumorTissue.enhancing: (3,)},
}


@dataclass(frozen=True)
class LabeledSegments:
    """The segments of one label image.

    :param isNamed: whether their names mean something; else a name is its value.
    """

    segments: tuple[Segment | SegmentUnion, ...]
    isNamed: bool

    @property
    def values(self) -> frozenset[int]:
        """Return the labels that segments have alone."""
        return frozenset(segment.value for segment in self.segments if isinstance(segment, Segment))


@dataclass(frozen=True)
class SegmentPair:
    """Labels of an outline and those of the truth that they are held against, under one name."""

    name: str
    values: tuple[int, ...]
    truthValues: tuple[int, ...]


@dataclass(frozen=True)
class Pairing:
    """The pairs of an outline and the truth, and a sentence for whatever has no partner or was guessed."""

    pairs: tuple[SegmentPair, ...]
    notes: tuple[str, ...] = ()


def pairSegments(own: LabeledSegments, truth: LabeledSegments, given: Sequence[tuple[str, str]] = ()) -> Pairing:
    """Return which segments belong together.

    Named segments are paired by name, else by tissue; label maps by value. A named outline is held against a label map
    by what the values of BraTS maps mean (Menze et al. 2015, doi:10.1109/TMI.2014.2377694), if they are those.

    :param given: pairs of names or values, several joined by "+", that go before all that.
    :raises ValueError: for a given name or value that is not there.
    """
    if given:
        return Pairing(
            tuple(
                SegmentPair(f"{left} = {right}", _valuesOf(left, own, "outline"), _valuesOf(right, truth, "truth"))
                for left, right in given
            )
        )
    if own.isNamed and truth.isNamed:
        return _byNames(own.segments, truth.segments)
    if own.isNamed != truth.isNamed:
        return _byMeaning(own, truth)
    values = sorted(own.values | truth.values)
    pairs = tuple(SegmentPair(str(value), (value,), (value,)) for value in values)
    return Pairing(pairs, _lonely(sorted(own.values - truth.values), sorted(truth.values - own.values)))


def _valuesOf(text: str, labeled: LabeledSegments, what: str) -> tuple[int, ...]:
    """Return the labels of names or values joined by "+"."""
    byName = {_plain(segment.name): segment.values for segment in labeled.segments}
    byValue = {str(value): (value,) for value in labeled.values}
    found: list[int] = []
    for part in [text] if _plain(text) in byName else text.split("+"):
        values = byName.get(_plain(part)) or byValue.get(part.strip())
        if values is None:
            there = ", ".join(f"{segment.name} ({'+'.join(map(str, segment.values))})" for segment in labeled.segments)
            raise ValueError(f'The {what} has no segment "{part.strip()}"; it has {there or "none"}.')
        found += values
    return tuple(dict.fromkeys(found))


def _byNames(own: Sequence[Segment | SegmentUnion], truth: Sequence[Segment | SegmentUnion]) -> Pairing:
    """Return pairs of equal names, then of equal tissue where both have one of it left."""
    left, right = list(own), list(truth)
    pairs: list[SegmentPair] = []
    notes: list[str] = []

    def take(first: Segment | SegmentUnion, second: Segment | SegmentUnion) -> None:
        left.remove(first)
        right.remove(second)
        pairs.append(SegmentPair(first.name, first.values, second.values))

    for first in tuple(left):
        same = [second for second in right if _plain(second.name) == _plain(first.name)]
        if len(same) == 1 and sum(_plain(other.name) == _plain(first.name) for other in own) == 1:
            take(first, same[0])
    for first in tuple(left):
        kind = (first.tissue, first.lesion)
        same = [second for second in right if (second.tissue, second.lesion) == kind]
        alone = [other for other in left if (other.tissue, other.lesion) == kind]
        if len(same) == len(alone) == 1 and (first.tissue.isPart or len(own) == len(truth) == 1):
            notes.append(f"{first.name} is held against {same[0].name}: both are {first.tissue.value}.")
            take(first, same[0])
    return Pairing(tuple(pairs), (*notes, *_lonely([s.name for s in left], [s.name for s in right])))


def _byMeaning(own: LabeledSegments, truth: LabeledSegments) -> Pairing:
    """Return pairs of named segments and a label map's values, by what these mean."""
    named, values = (own, truth.values) if own.isNamed else (truth, own.values)
    meaning = _BRATS_MAPS.get(values)
    if meaning is None or not any(segment.tissue.isPart for segment in named.segments):
        if len(named.segments) == len(values) == 1:
            pair = (named.segments[0].values, tuple(values))
            name = named.segments[0].name
            return Pairing((SegmentPair(name, *(pair if own.isNamed else pair[::-1])),))
        left, right = [segment.name for segment in named.segments], sorted(values)
        return Pairing((), _lonely(left, right) if own.isNamed else _lonely(right, left))
    core = (*meaning[TumorTissue.necrosis], *meaning[TumorTissue.enhancing])
    meaning = meaning | {
        TumorTissue.nonEnhancing: meaning[TumorTissue.necrosis],
        TumorTissue.core: core,
        TumorTissue.wholeTumor: tuple(sorted(values)),
    }
    pairs = []
    for segment in named.segments:
        if segment.tissue in meaning and _isOnlyOne(segment, named.segments):
            pair = (segment.values, meaning[segment.tissue])
            pairs.append(SegmentPair(segment.name, *(pair if own.isNamed else pair[::-1])))
    paired = {pair.name for pair in pairs}
    left = [segment.name for segment in named.segments if segment.name not in paired]
    said = ", ".join(f"{labels[0]} {tissue.value}" for tissue, labels in list(meaning.items())[:3])
    note = f"The values {', '.join(map(str, sorted(values)))} are taken as those of a BraTS map ({said})."
    return Pairing(tuple(pairs), (note, *(_lonely(left, []) if own.isNamed else _lonely([], left))))


def _isOnlyOne(segment: Segment | SegmentUnion, segments: Sequence[Segment | SegmentUnion]) -> bool:
    return sum(other.tissue is segment.tissue for other in segments) == 1


def _lonely(own: Sequence[object], truth: Sequence[object]) -> tuple[str, ...]:
    """Return a sentence for each side that has segments without a partner."""
    notes = []
    for names, there, other in ((own, "outline", "truth"), (truth, "truth", "outline")):
        if names:
            listed = ", ".join(map(str, names))
            notes.append(f"Only the {there} has {listed}; if the {other} calls it otherwise, use --map.")
    return tuple(notes)


def _plain(name: str) -> str:
    """Return a name without what is no difference: case, white space, underscores, Unicode form."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().replace("_", " ").split())
