"""Outlines checked by another, different method that needs nothing more from the user."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Grids import boxAround, pointsAt
from .Outline import Alternative, Outline, SecondOpinion

FULL_AGREEMENT = 0.9  # 5 of 7 good outlines from careless lines are not doubted for their length, no bad one (DEV)
LEAST_AGREEMENT = 0.75  # of .7 to .8 on 27 glioma cases: three outlines below .6 more are doubted, three good ones


@dataclass(frozen=True)
class OtherMethod:
    """A method that can be asked about an outline.

    :param words: what it is, for the user.
    :param outline: returns its own outline of the same lesion; raises ValueError where it finds none.
    """

    words: str
    outline: Callable[[Outline], Outline]


@dataclass(frozen=True)
class Opinion:
    """What another method said about one outline; without an outline where none could answer."""

    words: str = ""
    mask: np.ndarray | None = None
    agreement: float = float("nan")


def opinionOf(outline: Outline, others: Sequence[OtherMethod], shape: tuple[int, ...]) -> Opinion:
    """Return the other outline that agrees best; a further method is asked only where those before disagree."""
    best, bestAgreement, words = None, -1.0, ""
    for other in others:
        try:
            second = other.outline(outline)
        except ValueError:
            continue
        agreement = agreementOf(outline, second)
        if second.mask.any() and agreement > bestAgreement:
            best, bestAgreement, words = second, agreement, other.words
        if bestAgreement >= LEAST_AGREEMENT:
            break
    return Opinion() if best is None else Opinion(words, best.onGrid(shape), bestAgreement)


def agreementOf(first: Outline, second: Outline) -> float:
    """Return the Dice of two outlines of one image, each a part of it."""
    overlap = [
        slice(max(a.start or 0, b.start or 0), min(a.stop, b.stop))
        for a, b in zip(first.slices, second.slices, strict=True)
    ]
    if any(part.start >= part.stop for part in overlap):
        return 0.0
    inFirst, inSecond = (
        outline.mask[
            tuple(slice(p.start - s.start, p.stop - s.start) for p, s in zip(overlap, outline.slices, strict=True))
        ]
        for outline in (first, second)
    )
    total = int(first.mask.sum()) + int(second.mask.sum())
    return 2 * int((inFirst & inSecond).sum()) / total if total else 0.0


def doubtsOf(opinion: Opinion, volumesMl: tuple[float, float], isPlane: bool = False) -> tuple[str, ...]:
    """Return why another method's opinion makes an outline doubtful, nothing where it agrees.

    :param isPlane: whether the image is a single slice, in which there are areas and no volumes.
    """
    if opinion.mask is None:
        return ("No other method could check the outline; look at it slice by slice.",)
    if opinion.agreement >= LEAST_AGREEMENT:
        return ()
    own, second = volumesMl
    found = f"{second / own:.1f} times that area" if isPlane else f"{second:.1f} ml instead of {own:.1f} ml"
    return (
        f"Another method ({opinion.words}) outlines {found}, and the two agree by "
        f"a Dice of {opinion.agreement:.2f} only (below {LEAST_AGREEMENT:g}); compare both outlines.",
    )


def heldAgainst(outline: Outline, opinion: Opinion) -> tuple[str, ...]:
    """Return an outline's own doubts and suspicions, the latter only unless another method outlines nearly the same."""
    isConfirmed = opinion.mask is not None and opinion.agreement >= FULL_AGREEMENT
    return outline.doubts if isConfirmed else (*outline.doubts, *outline.suspicions)


def secondOpinion(opinions: Sequence[Opinion], masks: Sequence[np.ndarray], grid: sitk.Image) -> SecondOpinion:
    """Return all lesions' opinions as one label image with the volumes of both methods."""
    voxelMl = float(np.prod(grid.GetSpacing())) / 1000
    labels = np.zeros(grid.GetSize()[::-1], np.uint8)
    for number, opinion in enumerate(opinions, 1):
        if opinion.mask is not None:
            labels[opinion.mask & (labels == 0)] = number
    labelImage = sitk.GetImageFromArray(labels)
    labelImage.CopyInformation(grid)
    volumes = tuple(
        (float(mask.sum()) * voxelMl, float("nan") if opinion.mask is None else float(opinion.mask.sum()) * voxelMl)
        for opinion, mask in zip(opinions, masks, strict=True)
    )
    return SecondOpinion(labelImage, tuple(o.words for o in opinions), tuple(o.agreement for o in opinions), volumes)


def middleOf(outline: Outline, image: sitk.Image) -> np.ndarray:
    """Return the outline's voxel farthest from its border, LPS millimeters, shape (3,)."""
    box = boxAround(outline.mask)
    depth = ndimage.distance_transform_edt(np.pad(outline.mask[box], 1), sampling=image.GetSpacing()[::-1])
    place = np.unravel_index(int(np.argmax(depth)), depth.shape)
    index = [p - 1 + a.start + b.start for p, a, b in zip(place, box, outline.slices, strict=True)]
    return pointsAt(image, np.array([index[::-1]], float))[0]


def alternativeOf(outlines: Sequence[Outline], grid: sitk.Image) -> Alternative | None:
    """Return the other outlines that the method itself offers, None where it offers none."""
    if all(outline.other is None for outline in outlines):
        return None
    voxelMl = float(np.prod(grid.GetSpacing())) / 1000
    labels = np.zeros(grid.GetSize()[::-1], np.uint8)
    for number, outline in enumerate(outlines, 1):
        if outline.other is not None:
            labels[outline.other.onGrid(labels.shape) & (labels == 0)] = number
    labelImage = sitk.GetImageFromArray(labels)
    labelImage.CopyInformation(grid)
    volumes = (float("nan") if o.other is None else float(o.other.mask.sum()) * voxelMl for o in outlines)
    return Alternative(labelImage, tuple(o.otherWords for o in outlines), tuple(volumes))
