"""Where in an MRI a tumor can be: the same mask for every way of pointing at it."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Grids import indicesAt
from ..Progress import Progress, report, subProgress
from .BrainMask import brainMask
from .CoarseGrid import cavityOn
from .HeadMask import findHead, headFrame
from .ImageKind import ImageKind, constantValue, headShape
from .TumorEvidence import airLevel

# Chosen by hand on 37 whole heads with low-grade glioma and their crops, by how much of the tumor lies inside.
_LEAST_SLICES = 4
_LEAST_EXTENT_MM = 30.0
_CONSTANT_IN_CROP = 0.02
_SKIN_MM = 5.0
# Of the distance from the skin to the middle of a slice; scalp and skull are about 10 of 75 mm.
_SKULL_SHARE = 0.12
_ONE_SLICE = "The image is a single slice: area and diameters count, a volume does not."
_MOST_OUTSIDE = 0.03
_DOUBTFUL_OUTSIDE = 0.15


@dataclass(frozen=True)
class SearchMask:
    """Where a tumor can be.

    :param image: not zero there, on any grid in the image's world; None where it can be everywhere.
    :param kind: what the MRI shows, None where the mask is not from the MRI.
    :param doubts: what speaks against the mask, one sentence each.
    :param notes: what the user should know about it.
    """

    image: sitk.Image | None
    kind: ImageKind | None
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def onGrid(self, image: sitk.Image) -> np.ndarray | None:
        """Return the mask on an image's voxels (KJI), None where it is everywhere."""
        if self.image is None:
            return None
        return sitk.GetArrayFromImage(cavityOn(sitk.Cast(self.image, sitk.sitkFloat32), image)) != 0


def searchMask(image: sitk.Image, pointed: np.ndarray | None = None, progress: Progress | None = None) -> SearchMask:
    """Return where a tumor can be in an MRI, from the MRI alone.

    A stripped image keeps its own mask, a whole head gets a brain mask, a part of a head is taken as it is. What the
    user pointed at is never cut off: where it leaves the brain mask, as a meningioma can, all that lies below the skin
    around it belongs to the mask.

    :param pointed: points on the tumor, LPS millimeters, shape (N, 3).
    """
    report(progress, 0.0, "Finding the head")
    if image.GetSize()[2] == 1:
        return SearchMask(_inSlice(image, pointed), ImageKind.cropped, notes=(_ONE_SLICE,))
    value, share = constantValue(image)
    extentMm = min(n * s for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True))
    if min(image.GetSize()) < _LEAST_SLICES or extentMm < _LEAST_EXTENT_MM:
        return SearchMask(_without(image, value, share), ImageKind.cropped)
    head = findHead(image)
    frame = headFrame(head)
    kind = headShape(share, head, frame).kind
    if kind is ImageKind.stripped:
        return SearchMask(image != value, kind)
    if kind is ImageKind.cropped:
        return SearchMask(_without(image, value, share), kind)
    brain = brainMask(head, frame, subProgress(progress, 0.3, 1.0))
    mask, doubts = brain.coarse, brain.doubts
    if pointed is not None:
        mask, more = _widened(mask, brain.depthMm, pointed)
        doubts += more
    return SearchMask(mask, kind, doubts, brain.notes)


def _inSlice(image: sitk.Image, pointed: np.ndarray | None) -> sitk.Image:
    """Return the head in a single slice without its skin and skull, but never without what was pointed at."""
    values = sitk.GetArrayViewFromImage(image)[0].astype(np.float32)
    bright = ndimage.binary_opening(ndimage.gaussian_filter(values, 1.0) > airLevel(image), iterations=2)
    labels, count = ndimage.label(bright)
    if not count:
        return image * 0 + 1
    head = ndimage.binary_fill_holes(labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:])))
    depth = ndimage.distance_transform_edt(np.pad(head, 1))[1:-1, 1:-1]
    least = _SKULL_SHARE * float(depth.max())
    if pointed is not None:
        index = np.rint(indicesAt(image, pointed)).astype(int)[:, 1::-1]
        inside = (index >= 0).all(axis=1) & (index < depth.shape).all(axis=1)
        least = min(least, 0.5 * float(depth[tuple(index[inside].T)].min(initial=np.inf)))
    mask = sitk.GetImageFromArray((depth > least)[None].astype(np.uint8))
    mask.CopyInformation(image)
    return mask


def _without(image: sitk.Image, value: float, share: float) -> sitk.Image | None:
    """Return where an image holds something else than what was cut away, or None if nothing was."""
    return image != value if share > _CONSTANT_IN_CROP else None


def _widened(mask: sitk.Image, depthMm: sitk.Image, pointed: np.ndarray) -> tuple[sitk.Image, tuple[str, ...]]:
    """Return a mask that holds the surroundings of what was pointed at, and a sentence where it did not."""
    outside = 1 - float((valuesAt(mask, pointed) > 0.5).mean())
    if outside <= _MOST_OUTSIDE:
        return mask, ()
    center = pointed.mean(axis=0)
    reach = max(0.65 * float(np.linalg.norm(np.ptp(pointed, axis=0))), 12.0)
    index = indicesAt(mask, center[None])[0][::-1]
    axes = np.ogrid[tuple(slice(0, n) for n in mask.GetSize()[::-1])]
    near = sum(((axis - i) * mask.GetSpacing()[0]) ** 2 for axis, i in zip(axes, index, strict=True)) < reach**2
    values = sitk.GetArrayFromImage(mask)
    values[near & (sitk.GetArrayViewFromImage(depthMm) > _SKIN_MM)] = 1
    wider = sitk.GetImageFromArray(values)
    wider.CopyInformation(mask)
    if outside <= _DOUBTFUL_OUTSIDE:
        return wider, ()
    return wider, (
        f"{outside:.0%} of what was pointed at lies outside the brain found in the MRI; check that it is not scalp, "
        "orbit or skull.",
    )


def linesOutside(mask: sitk.Image, lines: np.ndarray) -> tuple[str, ...]:
    """Return a sentence for each line that a mask given by the user cuts.

    :param lines: their ends, LPS millimeters, shape (N, 2, 3).
    """
    doubts = []
    for number, (first, last) in enumerate(lines, start=1):
        outside = 1 - float((valuesAt(mask, np.linspace(first, last, 50)) != 0).mean())
        if outside > _MOST_OUTSIDE:
            doubts.append(
                f"The mask leaves out {outside:.0%} of line {number}, and the outline ends where the mask does; widen "
                "the mask, or leave it away."
            )
    return tuple(doubts)


def valuesAt(image: sitk.Image, points: np.ndarray) -> np.ndarray:
    """Return an image's values at LPS points, 0 outside it."""
    index = np.rint(indicesAt(image, points)).astype(int)
    inside = ((index >= 0) & (index < image.GetSize())).all(axis=1)
    values = np.zeros(len(points))
    values[inside] = [image.GetPixel(*place) for place in index[inside].tolist()]
    return values
