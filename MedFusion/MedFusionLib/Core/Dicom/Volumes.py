"""Tell apart the volumes that the image planes of one DICOM series make."""

from dataclasses import dataclass

import numpy as np

from .Slices import VOLUME_KEYWORDS, DicomSlice

# Chosen above the rounding of decimal strings and far below any slice distance.
COINCIDENCE_MM = 0.01
# Tags that tell which of two planes at one place was made later.
_MOSAIC_REFUSAL = (
    "It is a mosaic, many slices tiled in each picture, as Siemens scanners store time series; convert it to NIfTI "
    "first (dcm2niix does) and give one volume of that."
)
_TIME_KEYWORDS = ("AcquisitionNumber", "AcquisitionTime", "ContentTime", "TriggerTime", "TemporalPositionIdentifier")


@dataclass(frozen=True)
class SliceVolume:
    """The planes of one volume, in order along their normal, and what was left out to get there.

    :param duplicates: planes at one place that no tag tells apart; they can be used only if their pixels are equal.
    :param refusal: why the planes cannot be used as a volume, empty if they can.
    """

    slices: tuple[DicomSlice, ...]
    label: str = ""
    duplicates: tuple[tuple[DicomSlice, DicomSlice], ...] = ()
    warnings: tuple[str, ...] = ()
    refusal: str = ""


def splitIntoVolumes(slices: tuple[DicomSlice, ...]) -> tuple[SliceVolume, ...]:
    """Return the volumes that one series holds: localizers set aside, orientations and overlapping stacks apart."""
    warnings: list[str] = []
    images = [s for s in slices if not s.isLocalizer]
    if images and len(images) < len(slices):
        warnings.append(f"{len(slices) - len(images)} localizer images in the series were left out.")
    stacks = sorted(_stacks(images or list(slices)), key=len, reverse=True)
    largest = len(stacks[0]) if stacks else 0
    small = [stack for stack in stacks if len(stack) <= 3 and len(stack) * 4 <= largest]
    for difference in dict.fromkeys(_difference(stack[0], stacks[0][0]) for stack in small):
        count = sum(len(stack) for stack in small if _difference(stack[0], stacks[0][0]) == difference)
        warnings.append(f"{count} images of another {difference} than the other {largest} were left out.")
    kept = [stack for stack in stacks if not any(stack is other for other in small)]
    volumes: list[SliceVolume] = []
    for stack in kept:
        label = _orientationName(stack[0]) if len(kept) > 1 else ""
        volumes.extend(_volumesOfStack(stack, label, tuple(warnings)))
    return tuple(volumes)


def _stacks(slices: list[DicomSlice]) -> list[list[DicomSlice]]:
    stacks: list[list[DicomSlice]] = []
    for item in slices:
        for stack in stacks:
            if not _difference(stack[0], item):
                stack.append(item)
                break
        else:
            stacks.append([item])
    return stacks


def _difference(a: DicomSlice, b: DicomSlice) -> str:
    """Return why two planes cannot be of one stack, empty if they can."""
    if (a.rows, a.columns) != (b.rows, b.columns) or not np.allclose(a.spacing, b.spacing, rtol=1e-3):
        return "matrix or pixel spacing"
    if a.frameOfReferenceUid != b.frameOfReferenceUid:
        return "frame of reference"
    isParallel = np.allclose(a.rowDirection, b.rowDirection, atol=2e-3) and np.allclose(
        a.columnDirection, b.columnDirection, atol=2e-3
    )
    return "" if isParallel else "orientation"


def _orientationName(item: DicomSlice) -> str:
    return ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(item.normal)))]


def _positions(slices: list[DicomSlice]) -> np.ndarray:
    return np.array([s.position for s in slices]) @ slices[0].normal


def _coincident(slices: list[DicomSlice]) -> list[list[DicomSlice]]:
    """Return the slices sorted along the normal, those at the same place together."""
    along = _positions(slices)
    order = sorted(
        range(len(slices)), key=lambda i: (round(float(along[i]), 4), slices[i].instanceNumber, slices[i].frame)
    )
    groups: list[list[DicomSlice]] = []
    last = -np.inf
    for index in order:
        if along[index] - last > COINCIDENCE_MM:
            groups.append([])
            last = along[index]
        groups[-1].append(slices[index])
    return groups


def _volumesOfStack(stack: list[DicomSlice], label: str, warnings: tuple[str, ...]) -> list[SliceVolume]:
    if stack[0].isMosaic:
        return [SliceVolume(tuple(_sorted(stack)), label, (), warnings, _MOSAIC_REFUSAL)]
    groups = _coincident(stack)
    parts = _partsByTag(stack, groups)
    if parts:
        return [
            SliceVolume(tuple(slices), f"{label} {name}".strip(), (), (*warnings, *_alternation(slices)))
            for name, slices in parts
        ]
    slices, notes, duplicates = _oneAtEachPlace(groups)
    return [
        SliceVolume(
            tuple(slices), label, duplicates, (*warnings, *notes, *_alternation(slices)), refusal=_overlap(slices)
        )
    ]


def _partsByTag(stack: list[DicomSlice], groups: list[list[DicomSlice]]) -> list[tuple[str, list[DicomSlice]]]:
    """Return the volumes that planes at the same or almost the same places belong to, by name; none if it is one.

    A tag is believed only if it makes as many volumes as there are planes at one place, and not if the volumes
    merely touch: a tag that changes from plane to plane would make each plane a volume of its own.
    """
    most = max(len(group) for group in groups)
    isOverlapping = most == 1 and bool(_overlap([group[0] for group in groups]))
    if most == 1 and not isOverlapping:
        return []
    repeated = sum(len(group) > 1 for group in groups)
    typical = _typicalStep(_steps([group[0] for group in groups]))
    for keyword, word in VOLUME_KEYWORDS.items():
        parts: dict[str, list[DicomSlice]] = {}
        for item in stack:
            parts.setdefault(_value(item, keyword), []).append(item)
        smallest = min(len(part) for part in parts.values())
        if smallest < 2 or len(parts) < 2 or any(len(_coincident(part)) < len(part) for part in parts.values()):
            continue
        if isOverlapping:
            isVolume = all(_steps(_sorted(part)).min() >= typical / 2 for part in parts.values())
        else:
            isVolume = len(parts) == most and 2 * repeated >= smallest
        if isVolume:
            named = sorted(parts.items(), key=lambda item: _numberOrText(item[0]))
            return [(f"{word} {value}", _sorted(part)) for value, part in named]
    return [] if isOverlapping else _partsByTurn(groups)


def _partsByTurn(groups: list[list[DicomSlice]]) -> list[tuple[str, list[DicomSlice]]]:
    """Return volumes whose planes all have tags of their own: the first at each place, the second, and so on."""
    count = len(groups[0])
    if len(groups) < 2 or any(len(group) != count for group in groups):
        return []
    for keyword in _TIME_KEYWORDS:
        if all(_areTold(group, keyword) for group in groups):
            inTurn = [_byTag(group, keyword) for group in groups]
            word = VOLUME_KEYWORDS[keyword]
            return [(f"{word} {i + 1} of {count}", [group[i] for group in inTurn]) for i in range(count)]
    return []


def _oneAtEachPlace(
    groups: list[list[DicomSlice]],
) -> tuple[list[DicomSlice], tuple[str, ...], tuple[tuple[DicomSlice, DicomSlice], ...]]:
    """Return one plane for each place, what to say of the others, and those that must be equal to the one."""
    repeated = [group for group in groups if len(group) > 1]
    isRetake = 2 * len(repeated) <= len(groups)
    slices: list[DicomSlice] = []
    notes: list[str] = []
    duplicates: list[tuple[DicomSlice, DicomSlice]] = []
    retaken = 0
    for group in groups:
        keyword = next((keyword for keyword in _TIME_KEYWORDS if _areTold(group, keyword)), None)
        if len(group) > 1 and isRetake and keyword is not None:
            slices.append(_byTag(group, keyword)[-1])
            retaken += 1
        else:
            slices.append(group[0])
            duplicates.extend((group[0], other) for other in group[1:])
    if retaken:
        notes.append(f"{retaken} slices were taken more than once; the last of each is used.")
    if duplicates:
        notes.append(f"{len(duplicates)} slices are there more than once; the first of each is used.")
    return slices, tuple(notes), tuple(duplicates)


def _areTold(group: list[DicomSlice], keyword: str) -> bool:
    values = {_value(item, keyword) for item in group}
    return len(values) == len(group) and "" not in values


def _byTag(group: list[DicomSlice], keyword: str) -> list[DicomSlice]:
    return sorted(group, key=lambda item: _numberOrText(_value(item, keyword)))


def _value(item: DicomSlice, keyword: str) -> str:
    return dict(item.volumeValues).get(keyword, "")


def _sorted(part: list[DicomSlice]) -> list[DicomSlice]:
    return [group[0] for group in _coincident(part)]


def _steps(slices: list[DicomSlice]) -> np.ndarray:
    """Return the distances of neighbors along the normal, mm; the slices lie in that order."""
    return np.diff(_positions(slices))


def _typicalStep(steps: np.ndarray) -> float:
    return float(np.percentile(steps, 90)) if len(steps) else 0.0


def _overlap(slices: list[DicomSlice]) -> str:
    """Return a sentence if the slices are two stacks pushed into each other, which would mix two images."""
    steps = _steps(slices)
    if len(steps) < 3:
        return ""
    isTiny = steps < 0.1 * _typicalStep(steps)
    # Many small distances in a row are a region of thin slices, a few large ones are gaps; two stacks take turns.
    runs = np.split(isTiny, np.flatnonzero(np.diff(isTiny)) + 1)
    isOverlapping = isTiny.mean() < 0.7 and any(run[0] and len(run) <= 3 for run in runs)
    even, odd = steps[::2], steps[1::2]
    if len(steps) >= 6 and not isOverlapping:
        spread = max(np.ptp(even), np.ptp(odd))
        difference = abs(even.mean() - odd.mean())
        isOverlapping = difference > 0.1 * (even.mean() + odd.mean()) and difference > 4 * spread
    if not isOverlapping:
        return ""
    return (
        f"Two stacks of slices overlap (distances of {steps.min():.2g} and {_typicalStep(steps):.2g} mm in turn), and "
        "no tag tells which volume they belong to; export each as a series of its own."
    )


def _alternation(slices: list[DicomSlice]) -> tuple[str, ...]:
    """Return a warning if neighbors come from different acquisitions all along the stack."""
    values = [_value(item, "AcquisitionNumber") for item in slices]
    names = sorted(set(values), key=_numberOrText)
    changes = sum(a != b for a, b in zip(values, values[1:], strict=False))
    if len(values) < 4 or not 2 <= len(names) <= 4 or changes < 0.8 * (len(values) - 1):
        return ()
    listed = " and ".join(name or "none" for name in names)
    return (
        f"The slices alternate between acquisitions ({listed}); if the patient moved in between, or the acquisitions "
        "differ, neighboring slices do not fit.",
    )


def _numberOrText(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return float("inf"), text
