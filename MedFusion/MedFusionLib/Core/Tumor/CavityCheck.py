"""The intracranial cavity of a CT as limit of outlines, left where it cuts a tumor."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from .Outline import Outline

# Chosen by hand on made cases: a craniotomy, streaks of metal, a calcified tumor at the skull.
_CLEAR_MM = 4.0
_SAID, _CUTS = 0.03, 0.10


@dataclass(frozen=True)
class LimitedOutlines:
    """Outlines, and what is to be said about the cavity that was to limit them.

    :param usesCavity: whether it did, or the MRI's own mask instead.
    """

    outlines: list[Outline]
    usesCavity: bool
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def limitedByCavity(
    inCavity: Callable[[], list[Outline]], inMri: Callable[[], list[Outline]], cavity: sitk.Image
) -> LimitedOutlines:
    """Return the outlines within the cavity, or those within the MRI's mask where the cavity cuts them.

    A craniotomy, metal or a calcified tumor at the skull draws the cavity's wall through the tumor. So an outline that
    comes near the wall is made again without the cavity, and what of it lies outside the cavity is said.

    :param inCavity: returns the outlines within the cavity; may raise ValueError.
    :param inMri: returns them within the mask that the MRI alone gives.
    :param cavity: not zero inside, on the outlined image's grid.
    """
    inside = sitk.GetArrayViewFromImage(cavity) != 0
    try:
        limited = inCavity()
        if not all(outline.mask.any() for outline in limited):
            raise ValueError("The outline came out empty.")
    except ValueError as refusal:
        return _withoutCavity(inMri, refusal)
    spacing = np.array(cavity.GetSpacing()[::-1])
    if not any(_isNearWall(outline, inside, spacing) for outline in limited):
        return LimitedOutlines(limited, True)
    try:
        free = inMri()
    except ValueError:
        return LimitedOutlines(limited, True)
    outside = max(float((~inside[o.slices] & o.mask).sum()) / max(float(o.mask.sum()), 1.0) for o in free)
    if outside <= _SAID:
        return LimitedOutlines(limited, True)
    said = f"{outside:.0%} of the tumor outlined without the CT lies outside the cavity found in the CT"
    if outside <= _CUTS:
        return LimitedOutlines(limited, True, notes=(f"{said}; it is left out.",))
    return LimitedOutlines(
        free,
        False,
        doubts=(f"{said} (craniotomy, metal, calcified tumor?); the MRI's own mask limits the outline instead.",),
    )


def _withoutCavity(inMri: Callable[[], list[Outline]], refusal: ValueError) -> LimitedOutlines:
    """Return the outlines without the cavity within which they were refused, or refuse naming the CT."""
    try:
        free = inMri()
    except ValueError as error:
        raise ValueError(f"{error} (The same with the cavity found in the CT as without it.)") from refusal
    doubt = "Within the cavity found in the CT no outline was possible, so the MRI's own mask limits it instead: "
    return LimitedOutlines(free, False, doubts=(f"{doubt}{refusal}",))


def _isNearWall(outline: Outline, inside: np.ndarray, spacing: np.ndarray) -> bool:
    """Return whether an outline comes within 4 mm of the cavity's wall."""
    reach = np.ceil(_CLEAR_MM / spacing).astype(int)
    wide = np.pad(outline.mask, [(n, n) for n in reach])
    near = ndimage.distance_transform_edt(~wide, sampling=spacing) <= _CLEAR_MM
    near = near[tuple(slice(n, -n) for n in reach)]
    return bool((near & ~inside[outline.slices]).any())
