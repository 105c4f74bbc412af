"""What the JSON file beside a trained model says, refused in a sentence where it says nothing that can be used."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .MrSequence import MrSequence, sequenceOfName
from .Segments import Segment, SegmentUnion, segmentsOfNames, tissueOfName

# By the type that labels are stored in.
_LARGEST_LABEL = 65535
# What BraTS calls its sequences from 2023 on; elsewhere "t2f" would be taken for T2.
_BRATS_NAMES = {"t2f": MrSequence.flair, "t1n": MrSequence.t1, "t1c": MrSequence.t1c, "t2w": MrSequence.t2}


@dataclass(frozen=True)
class LabelTable:
    """The labels of a model: of single values, and of several.

    :param values: every label above 0 that a name or a union has, in order.
    """

    segments: tuple[Segment, ...]
    unions: tuple[SegmentUnion, ...]

    @property
    def values(self) -> tuple[int, ...]:
        """Return the labels above 0 in order."""
        every: tuple[Segment | SegmentUnion, ...] = (*self.segments, *self.unions)
        return tuple(sorted({value for item in every for value in item.values}))

    def valuesOfOutputs(self, count: int) -> tuple[int, ...]:
        """Return the label of each of a network's outputs, of which the first is the background.

        :raises ValueError: when the labels do not fit the number of outputs.
        """
        ordered = (0, *self.values)
        if count == 1 and len(ordered) == 2:
            return ordered
        if count == len(ordered):
            return ordered
        if count == max(ordered) + 1:
            return tuple(range(count))
        raise ValueError(
            f"The model has {count} output(s) and its JSON file names the labels {', '.join(map(str, ordered))}; there "
            "must be one output for each label, the background included."
        )


def readModelFile(path: Path) -> dict[str, object]:
    """Return a JSON object that must be beside a model."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path.name} of the model is missing or not JSON.") from error
    if not isinstance(document, dict):
        raise ValueError(f"{path.name} of the model holds no JSON object with names and values.")
    return document


def labelTable(labels: object, name: str) -> LabelTable:
    """Return the labels of a table of names and values, or of names and lists of values."""
    if not isinstance(labels, dict) or not labels:
        raise ValueError(f'{name} of the model has no "labels": names with their values.')
    names: dict[int, str] = {}
    groups: dict[str, tuple[int, ...]] = {}
    for title, value in labels.items():
        values = [_label(item, title, name) for item in (value if isinstance(value, list) else [value])]
        if not values:
            raise ValueError(f'The label "{title}" in {name} of the model has no value.')
        if len(values) > 1:
            groups[title] = tuple(dict.fromkeys(values))
        elif values[0] in names:
            raise ValueError(f'"{names[values[0]]}" and "{title}" in {name} of the model have one value, {values[0]}.')
        elif values[0]:
            names[values[0]] = title
    for value in sorted({v for group in groups.values() for v in group if v} - set(names)):
        names[value] = f"Part {value}"
    if not names:
        raise ValueError(f"{name} of the model names no label above 0.")
    unions = tuple(SegmentUnion(values, title, tissueOfName(title)) for title, values in groups.items())
    return LabelTable(segmentsOfNames(names), unions)


def _label(value: object, title: str, name: str) -> int:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value or value not in range(1 << 16):
        raise ValueError(
            f'The label "{title}" in {name} of the model is {json.dumps(value)[:40]}; it must be a whole number from 0 '
            f"to {_LARGEST_LABEL}."
        )
    return int(value)


def channelNames(channels: object, name: str) -> list[str]:
    """Return the names of a model's channels from a list, or from a table of numbers and names."""
    if isinstance(channels, dict):
        if not all(str(key).isdecimal() for key in channels):
            raise ValueError(f"The channels in {name} of the model are not numbered.")
        channels = [channels[key] for key in sorted(channels, key=int)]
    if not isinstance(channels, list) or not channels or not all(isinstance(item, str) and item for item in channels):
        raise ValueError(f"{name} of the model does not name its channels.")
    if len(set(channels)) < len(channels):
        raise ValueError(f"{name} of the model gives one name to two channels: {', '.join(channels)}.")
    return list(channels)


def volumesOfChannels(
    names: Sequence[str], chosen: dict[str, int], sequences: Sequence[MrSequence]
) -> tuple[list[int], tuple[str, ...]]:
    """Return the number of each channel's volume, and a sentence where the volumes' order decided.

    What the user chose goes first, then the sequence that a channel's name speaks of; order only where no name tells.

    :param chosen: the volume of channels by name.
    :param sequences: what each volume was weighted for.
    :raises ValueError: when a channel gets no volume, or one of another sequence.
    """
    unknown = set(chosen) - set(names)
    if unknown:
        raise ValueError(f"The model has no channel {', '.join(sorted(unknown))}; it has {', '.join(names)}.")
    beyond = [f"{name}={number + 1}" for name, number in chosen.items() if not 0 <= number < len(sequences)]
    if beyond:
        raise ValueError(
            f"--channel {', '.join(beyond)} names a volume that is not there: {len(sequences)} were given."
        )
    found = dict(chosen)
    for name in names:
        wanted = _sequenceOf(name)
        fits = [number for number, sequence in enumerate(sequences) if sequence is wanted]
        if name not in found and wanted is not MrSequence.unknown and len(fits) == 1:
            found[name] = fits[0]
    left = [number for number in range(len(sequences)) if number not in found.values()]
    byOrder = []
    for name in names:
        if name in found:
            continue
        free = [n for n in left if MrSequence.unknown in (_sequenceOf(name), sequences[n])]
        if not free:
            raise ValueError(
                f"The model needs {len(names)} channel(s) ({', '.join(names)}) and {name} is missing: {len(sequences)} "
                f"volume(s) were given ({', '.join(sequence.value for sequence in sequences)}). Say which it is with "
                f"--channel {name}=NUMBER."
            )
        found[name] = free[0]
        left.remove(free[0])
        byOrder.append(f"{name} is volume {free[0] + 1}")
    note = f"The model's channels were given by the order of the volumes: {', '.join(byOrder)}."
    isGuess = byOrder and len(names) > 1
    return [found[name] for name in names], (note,) if isGuess else ()


def _sequenceOf(channel: str) -> MrSequence:
    return _BRATS_NAMES.get(channel.casefold(), sequenceOfName(channel))


def numbersOf(value: object, count: int, what: str, name: str) -> tuple[float, ...]:
    """Return a list of finite numbers of a JSON file."""
    items = value if isinstance(value, list) else []
    numbers = [float(v) for v in items if isinstance(v, (int, float)) and not isinstance(v, bool)]
    if len(items) != count or len(numbers) != count or not np.isfinite(numbers).all():
        raise ValueError(f"{what} in {name} of the model must be {count} numbers, not {json.dumps(value)[:60]}.")
    return tuple(numbers)
