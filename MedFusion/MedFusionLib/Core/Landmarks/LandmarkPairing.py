"""Which landmark of one image belongs to which of the other."""

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass
from enum import Enum

import numpy as np

from .GeometricPairing import pairByGeometry
from .LandmarkList import LandmarkList

_DEFAULT_LABEL = re.compile(r"(.*?)(\d+)")  # Slicer numbers what nobody named: "F-1", "CT landmarks-3"
# By what a rigid fit needs.
_FEWEST_SHARED_LABELS = 3


class Pairing(Enum):
    """How landmarks of two lists are matched."""

    label = "label"
    order = "order"
    auto = "auto"


@dataclass(frozen=True, eq=False)
class PairedLandmarks:
    """Hold matched landmarks: row i of fixedPoints belongs to row i of movingPoints, LPS millimeters.

    :param weights: shape (N,), 1 / FLE^2 of each pair, all 1 where nothing is known.
    """

    labels: tuple[str, ...]
    fixedPoints: np.ndarray
    movingPoints: np.ndarray
    weights: np.ndarray
    notes: tuple[str, ...] = ()


def pairLandmarks(fixed: LandmarkList, moving: LandmarkList, pairing: Pairing = Pairing.label) -> PairedLandmarks:
    """Return the landmarks that both lists share, with notes that name what was left out.

    Pairing by label goes by the order of the lists, and says so, where nobody named the landmarks of either list.
    """
    notes = [*_unusedNotes(fixed), *_unusedNotes(moving)]
    fixedIndices, movingIndices = fixed.usedIndices, moving.usedIndices
    for landmarks, indices in ((fixed, fixedIndices), (moving, movingIndices)):
        if not indices:
            raise ValueError(f"The {landmarks.name} hold no placed landmark; place at least 3 in each image.")
    if pairing is Pairing.label and None not in (_commonPrefix(fixed), _commonPrefix(moving)):
        pairing = _pairingOfUnnamed(fixed, moving, notes)
    if pairing is Pairing.label:
        pairs = _pairByLabel(fixed, moving, notes)
    elif pairing is Pairing.order:
        pairs = _pairByOrder(fixed, moving)
    else:
        pairs = _pairByShape(fixed, moving, notes)
    return _paired(fixed, moving, pairs, notes)


def _paired(
    fixed: LandmarkList, moving: LandmarkList, pairs: list[tuple[int, int]], notes: list[str]
) -> PairedLandmarks:
    fixedRows, movingRows = [i for i, _ in pairs], [j for _, j in pairs]
    labels = tuple(fixed.labels[i] or moving.labels[j] or str(n + 1) for n, (i, j) in enumerate(pairs))
    if len(set(labels)) < len(labels):
        labels = tuple(f"{label} ({n + 1})" for n, label in enumerate(labels))
    weights = np.ones(len(pairs))
    if fixed.fle is not None or moving.fle is not None:
        squares = np.zeros(len(pairs))
        for side, rows in ((fixed, fixedRows), (moving, movingRows)):
            if side.fle is not None:
                squares += np.array(side.fle)[rows] ** 2
        weights = 1 / squares
    return PairedLandmarks(labels, fixed.points[fixedRows], moving.points[movingRows], weights, tuple(notes))


def _commonPrefix(landmarks: LandmarkList) -> str | None:
    """Return what stands before the numbers of landmarks that nobody named, "" without labels, None if named."""
    labels = _usedLabels(landmarks)
    if landmarks.isNamed:
        return None
    if not any(labels):
        return ""
    matches = [_DEFAULT_LABEL.fullmatch(label) for label in labels]
    prefixes = {match[1] if match else None for match in matches}
    return prefixes.pop() if len(prefixes) == 1 else None


def _pairingOfUnnamed(fixed: LandmarkList, moving: LandmarkList, notes: list[str]) -> Pairing:
    """Return how to pair landmarks that nobody named: by order, unless equal labels contradict it, and note it."""
    labels = fixedLabels, movingLabels = _usedLabels(fixed), _usedLabels(moving)
    shared = set(fixedLabels) & set(movingLabels) - {""}
    moved = any(fixedLabels.index(label) != movingLabels.index(label) for label in shared)
    if fixedLabels != movingLabels and (moved or len(shared) >= _FEWEST_SHARED_LABELS):
        notes.append("The landmarks have no names, so they were paired by their numbers.")
        return Pairing.label
    if len(fixedLabels) != len(movingLabels):
        raise ValueError(
            f"The landmarks have no names, and the {fixed.name} hold {len(fixedLabels)}, the {moving.name} "
            f"{len(movingLabels)}, so neither labels nor order tell which belong together; give pairs the same label "
            "or remove the surplus."
        )
    note = "The landmarks have no names, so they were paired in the order of the lists"
    numbers = [[(_DEFAULT_LABEL.fullmatch(label) or ("", "", ""))[2] for label in side] for side in labels]
    differing = [
        f"{fixedLabel} with {movingLabel}"
        for fixedLabel, movingLabel, number, other in zip(*labels, *numbers, strict=True)
        if number and other and int(number) != int(other)
    ]
    notes.append(f"{note}; check those with other numbers: {', '.join(differing)}." if differing else f"{note}.")
    return Pairing.order


def _usedLabels(landmarks: LandmarkList) -> list[str]:
    return [landmarks.labels[index] for index in landmarks.usedIndices]


def _unusedNotes(landmarks: LandmarkList) -> list[str]:
    left = [
        label or str(n + 1)
        for n, (label, used) in enumerate(zip(landmarks.labels, landmarks.used, strict=True))
        if not used
    ]
    return [f"Left out as unset or switched off in the {landmarks.name}: {', '.join(left)}."] if left else []


def labelKey(label: str) -> str:
    """Return what two labels that look the same on a screen have in common: characters in one form, single spaces."""
    visible = "".join(c for c in unicodedata.normalize("NFKC", label) if unicodedata.category(c) != "Cf")
    return " ".join(visible.split())


def _pairByLabel(fixed: LandmarkList, moving: LandmarkList, notes: list[str]) -> list[tuple[int, int]]:
    positions = [_positionsByLabel(fixed), _positionsByLabel(moving)]
    shared = [key for key in positions[0] if key in positions[1]]
    pairs = [(positions[0][key], positions[1][key]) for key in shared]
    _pairLoosely(fixed, moving, positions, pairs, notes)
    differing = [fixed.labels[i] for i, j in pairs[: len(shared)] if fixed.labels[i] != moving.labels[j]]
    if differing:
        notes.append(
            f"Paired although the labels are stored differently (spaces or composed letters): {', '.join(differing)}."
        )
    for side, (landmarks, own) in enumerate(zip((fixed, moving), positions, strict=True)):
        paired = {pair[side] for pair in pairs}
        alone = [landmarks.labels[index] for index in own.values() if index not in paired]
        if alone:
            notes.append(f"Left out as the other list has no such label, in the {landmarks.name}: {', '.join(alone)}.")
        unlabeled = len(landmarks.usedIndices) - len(own)
        if unlabeled:
            what = "1 landmark without a label was" if unlabeled == 1 else f"{unlabeled} landmarks without a label were"
            notes.append(f"{what} not used in the {landmarks.name}.")
    if not pairs:
        raise ValueError(
            f"No label of the {fixed.name} ({', '.join(positions[0])}) is found in the {moving.name} "
            f"({', '.join(positions[1])}); give pairs the same label or pair by order."
        )
    return pairs


def _pairLoosely(
    fixed: LandmarkList,
    moving: LandmarkList,
    positions: list[dict[str, int]],
    pairs: list[tuple[int, int]],
    notes: list[str],
) -> None:
    """Add pairs of what is left whose labels differ only by capitals, underscores or hyphens, and say which."""
    loose: list[dict[str, list[int]]] = [{}, {}]
    for side, own in enumerate(positions):
        for key, index in own.items():
            if key not in positions[1 - side]:
                plain = " ".join(key.casefold().replace("_", " ").replace("-", " ").split())
                loose[side].setdefault(plain, []).append(index)
    found = [(own[0], loose[1][key][0]) for key, own in loose[0].items() if len(own) == len(loose[1].get(key, ())) == 1]
    if found:
        said = ", ".join(f"{fixed.labels[i]} with {moving.labels[j]}" for i, j in found)
        notes.append(f"Paired although the labels are written differently: {said}.")
        pairs += found


def _positionsByLabel(landmarks: LandmarkList) -> dict[str, int]:
    """Return where each label, as `labelKey` has it, stands in the list."""
    keys = [(labelKey(landmarks.labels[index]), index) for index in landmarks.usedIndices]
    counts = Counter(key for key, _ in keys if key)
    repeated = [key for key, count in counts.items() if count > 1]
    if repeated:
        raise ValueError(
            f"The {landmarks.name} use the label {', '.join(repeated)} more than once; rename one, or pair by order."
        )
    return {key: index for key, index in keys if key}


def _pairByShape(fixed: LandmarkList, moving: LandmarkList, notes: list[str]) -> list[tuple[int, int]]:
    indices = fixed.usedIndices, moving.usedIndices
    matched, fre = pairByGeometry(fixed.points[indices[0]], moving.points[indices[1]])
    pairs = [(indices[0][i], indices[1][j]) for i, j in matched]
    notes.append(f"{len(pairs)} landmarks were paired by the shape they make (FRE {fre:.1f} mm).")
    for side, landmarks in enumerate((fixed, moving)):
        taken = {pair[side] for pair in pairs}
        alone = [landmarks.labels[index] or str(index + 1) for index in indices[side] if index not in taken]
        if alone:
            notes.append(f"Left out as nothing matches, in the {landmarks.name}: {', '.join(alone)}.")
    return pairs


def _pairByOrder(fixed: LandmarkList, moving: LandmarkList) -> list[tuple[int, int]]:
    fixedIndices, movingIndices = fixed.usedIndices, moving.usedIndices
    if len(fixedIndices) != len(movingIndices):
        raise ValueError(
            f"Pairing by order needs equally many landmarks in both lists, but the {fixed.name} hold "
            f"{len(fixedIndices)} and the {moving.name} {len(movingIndices)}; remove the surplus or pair by label."
        )
    return list(zip(fixedIndices, movingIndices, strict=True))
