"""What a user decides about an outline: to accept it, to take the other one that the method offers, to correct it."""

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import boxAround
from ..Verdict import Judgment, Verdict
from .Outline import Alternative, SecondOpinion
from .SecondOpinions import Opinion, doubtsOf
from .SegmentLayers import keptLabels
from .TumorSegmentation import TumorResult

_CORRECTED = "The outline was changed by hand; no method has checked it as it is now."
_ACCEPTED = "The outline was accepted by the user."
_FORMER = "the outline as it came first"


def accepted(result: TumorResult) -> TumorResult:
    """Return an outline that the user has looked at and wants: what else speaks against it still does."""
    judgment, (_first, *others) = result.verdict.judgment, result.verdict.reasons or ("",)
    if judgment is not Judgment.notConfirmed:
        raise ValueError(f"The outline is {judgment.value}; there is nothing to accept.")
    verdict = Verdict(Judgment.doubtful, tuple(others)) if others else Verdict(Judgment.confirmed)
    notes = tuple(warning for warning in result.warnings if warning not in result.verdict.reasons)
    return replace(result, verdict=verdict, warnings=(_ACCEPTED, *notes, *others))


def corrected(result: TumorResult) -> TumorResult:
    """Return an outline that was changed by hand, without what was said about the one before."""
    notes = tuple(warning for warning in result.warnings if warning not in result.verdict.reasons)
    verdict = Verdict(Judgment.notConfirmed, (_CORRECTED,))
    return replace(result, verdict=verdict, warnings=(_CORRECTED, *notes), second=None, alternative=None)


def withAlternative(result: TumorResult) -> TumorResult:
    """Return the result with the other outlines in the place of its own, which become the alternative.

    Parts stay what they are; what is new belongs to the nearest one.
    """
    alternative = result.alternative
    if alternative is None:
        raise ValueError("The method offers no other outline.")
    labels, others = (sitk.GetArrayFromImage(image) for image in (result.labelImage, alternative.labelImage))
    numbers = np.zeros(labels.shape, np.uint16)
    for segment in result.segments:
        numbers[labels == segment.value] = segment.lesion
    lesions = range(1, len(alternative.words) + 1)
    offered = [lesion for lesion in lesions if alternative.words[lesion - 1]]
    masks = {lesion: others == lesion if lesion in offered else numbers == lesion for lesion in lesions}
    second = None if result.second is None else _asked(result.second, masks, result.labelImage)
    verdict = Verdict(Judgment.doubtful, _doubts(alternative, second))
    notes = tuple(warning for warning in result.warnings if warning not in result.verdict.reasons)
    return replace(
        result,
        labelImage=_onGrid(_relabeled(labels, numbers, masks, result.labelImage), result.labelImage),
        warnings=(*verdict.reasons, *notes),
        verdict=verdict,
        second=second,
        alternative=_former(numbers, offered, alternative, result.labelImage),
    )


def _relabeled(labels: np.ndarray, numbers: np.ndarray, masks: dict[int, np.ndarray], grid: sitk.Image) -> np.ndarray:
    """Return the labels on each lesion's other mask."""
    spacing = np.array(grid.GetSpacing()[::-1])
    kept = np.zeros_like(labels)
    for lesion, mask in masks.items():
        if not (numbers == lesion).any():
            continue  # another lesion covers it wholly
        box = boxAround(mask | (numbers == lesion))
        free = mask[box] & (kept[box] == 0)
        own = np.where(numbers[box] == lesion, labels[box], 0)
        kept[box] = np.where(free, keptLabels(free, own, spacing), kept[box])
    return kept


def _doubts(alternative: Alternative, second: SecondOpinion | None) -> tuple[str, ...]:
    """Return why the other outlines are not simply confirmed."""
    words = ", ".join(filter(None, alternative.words))
    doubts: tuple[str, ...] = (f"The user took another outline than the one that the method prefers: {words}.",)
    if second is not None:
        for method, agreement, volumes in zip(second.methods, second.agreements, second.volumesMl, strict=True):
            mask = None if np.isnan(agreement) else np.zeros(0)
            doubts += doubtsOf(Opinion(method, mask, agreement), volumes)
    return doubts


def _asked(second: SecondOpinion, masks: dict[int, np.ndarray], grid: sitk.Image) -> SecondOpinion:
    """Return what the second method's outlines say about others of the same lesions."""
    voxelMl = float(np.prod(grid.GetSpacing())) / 1000
    found = sitk.GetArrayViewFromImage(second.labelImage)
    agreements, volumes = [], []
    for number, (agreement, (_own, other)) in enumerate(zip(second.agreements, second.volumesMl, strict=True), 1):
        mask = masks[number]
        common = int((mask & (found == number)).sum())
        total = int(mask.sum()) + int((found == number).sum())
        agreements.append(agreement if np.isnan(agreement) else 2 * common / total)
        volumes.append((float(mask.sum()) * voxelMl, other))
    return replace(second, agreements=tuple(agreements), volumesMl=tuple(volumes))


def _former(numbers: np.ndarray, offered: list[int], alternative: Alternative, grid: sitk.Image) -> Alternative:
    """Return the outlines that were taken back as what can be taken instead."""
    voxelMl = float(np.prod(grid.GetSpacing())) / 1000
    count = len(alternative.words)
    return Alternative(
        _onGrid(np.where(np.isin(numbers, offered), numbers, 0), grid),
        tuple(_FORMER if number in offered else "" for number in range(1, count + 1)),
        tuple(
            float((numbers == number).sum()) * voxelMl if number in offered else float("nan")
            for number in range(1, count + 1)
        ),
    )


def _onGrid(labels: np.ndarray, grid: sitk.Image) -> sitk.Image:
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(grid)
    return image
