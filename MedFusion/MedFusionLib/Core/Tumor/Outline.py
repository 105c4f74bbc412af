"""One lesion's outline, as every method hands it on, and what another method says about it."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk


@dataclass(frozen=True)
class Outline:
    """One lesion's outline in a part of an image.

    :param mask: the lesion, array (KJI) of bool.
    :param slices: which part of the image the mask is, in array order (KJI).
    :param doubts: what speaks against the outline, one sentence each; none where nothing does.
    :param suspicions: what speaks against it unless another method outlines nearly the same, one sentence each.
    :param notes: what the user should know and what does not make the outline doubtful.
    :param other: another outline of the same lesion by the same method that the user may prefer, None for none.
    :param otherWords: what that outline is.
    """

    mask: np.ndarray
    slices: tuple[slice, ...]
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    other: "Outline | None" = None
    otherWords: str = ""
    suspicions: tuple[str, ...] = ()

    def onGrid(self, shape: tuple[int, ...]) -> np.ndarray:
        """Return the mask on the whole image's voxels (KJI)."""
        whole = np.zeros(shape, bool)
        whole[self.slices] = self.mask
        return whole


@dataclass(frozen=True)
class Alternative:
    """Outlines of the same method that the user may prefer, such as the larger of two nested ones.

    :param labelImage: on the result's grid, each lesion's number (1, 2, ...); 0 where there is no alternative.
    :param words: of each lesion what its alternative is; empty for none.
    :param volumesMl: of each lesion the alternative's volume in milliliters, NaN for none.
    """

    labelImage: sitk.Image
    words: tuple[str, ...]
    volumesMl: tuple[float, ...]


@dataclass(frozen=True)
class SecondOpinion:
    """What another, different method outlined, which needed nothing more from the user.

    :param labelImage: its outlines on the result's grid, each lesion's number (1, 2, ...); 0 where it found none.
    :param methods: of each lesion the method in words; empty where none could answer.
    :param agreements: of each lesion the Dice of both outlines, NaN where no second method could answer.
    :param volumesMl: of each lesion the volumes in milliliters, the result's and the other method's.
    """

    labelImage: sitk.Image
    methods: tuple[str, ...]
    agreements: tuple[float, ...]
    volumesMl: tuple[tuple[float, float], ...]
