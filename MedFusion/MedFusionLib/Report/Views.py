"""What all pictures of a run's report have in common: where they are taken and how they are drawn."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Core.Registration.RegistrationResult import RegistrationResult
from ..Core.Results.RunDocument import RunDocument, RunImages, ScoredFusion
from ..Core.Tumor.SecondOpinions import LEAST_AGREEMENT
from ..Core.Tumor.Segments import TumorTissue
from ..Core.Tumor.TumorMeasurements import numberedLesions
from .Pictures import (
    BONE_WINDOW,
    BRAIN_WINDOW,
    OUTLINE_COLOR,
    SOFT_WINDOW,
    Color,
    Plane,
    Window,
    cropGrid,
    ctWindow,
    headBox,
    robustWindow,
    sliceGrid,
    slicePicture,
    sliceValues,
    withOutline,
    withOutlines,
)

SECOND_COLOR = (60, 200, 255)
_ABOVE = 0.03  # of the height, where a lesion's number stands
_COLORS = {
    TumorTissue.edema: (90, 190, 100),
    TumorTissue.necrosis: (90, 130, 230),
    TumorTissue.nonEnhancing: (190, 110, 220),
    TumorTissue.enhancing: OUTLINE_COLOR,
}


@dataclass(frozen=True, eq=False)
class Views:
    """The images of a run as the report draws them, all in the CT's own coordinates."""

    document: RunDocument
    images: RunImages
    registration: RegistrationResult
    fusion: ScoredFusion

    @property
    def fixed(self) -> sitk.Image:
        """Return the CT."""
        return self.images.fixed

    @property
    def registered(self) -> sitk.Image:
        """Return the MRI on the CT's grid."""
        return self.images.registered

    @cached_property
    def center(self) -> np.ndarray:
        """Return where the planes cross (3,), LPS millimeters."""
        return self.document.center

    @cached_property
    def box(self) -> np.ndarray:
        """Return the box around the head (2, 3), LPS millimeters."""
        return headBox(self.fixed)

    @cached_property
    def softWindow(self) -> Window:
        """Return what of the CT shows bone and soft tissue alike."""
        return ctWindow(self.fixed, SOFT_WINDOW)

    @cached_property
    def boneWindow(self) -> Window:
        """Return what of the CT shows structure in bone."""
        return ctWindow(self.fixed, BONE_WINDOW)

    @cached_property
    def brainWindow(self) -> Window:
        """Return what of the CT shows structure in the brain."""
        return ctWindow(self.fixed, BRAIN_WINDOW)

    @cached_property
    def mriWindow(self) -> Window:
        """Return what of the MRI shows the head."""
        return robustWindow(self.registered)

    def whole(self, plane: Plane, pixel: float = 0.7) -> sitk.Image:
        """Return a plane's slice through the center over the whole head."""
        return sliceGrid(plane, self.center, self.box, pixel)

    def crop(self, plane: Plane, width: float, pixel: float = 0.4, around: np.ndarray | None = None) -> sitk.Image:
        """Return a small part of a plane around a point, the center where none is given."""
        return cropGrid(plane, self.center if around is None else around, width, pixel)

    def ct(self, grid: sitk.Image, window: Window | None = None) -> np.ndarray:
        """Return the CT on a slice."""
        return slicePicture(self.fixed, grid, window or self.softWindow)

    def mri(self, grid: sitk.Image) -> np.ndarray:
        """Return the MRI on a slice."""
        return slicePicture(self.registered, grid, self.mriWindow)

    def fused(self, grid: sitk.Image) -> np.ndarray:
        """Return the fused volume on a slice."""
        return slicePicture(self.fusion.result.image, grid, self.fusion.result.window)

    @cached_property
    def tissues(self) -> dict[TumorTissue, tuple[int, ...]]:
        """Return the labels of each tissue that is outlined."""
        found: dict[TumorTissue, tuple[int, ...]] = {}
        for segment in self.document.tumor.result.segments if self.document.tumor is not None else ():
            found[segment.tissue] = (*found.get(segment.tissue, ()), segment.value)
        return found

    @property
    def outlineLegend(self) -> tuple[tuple[Color, str], ...]:
        """Return the colors of the outlines and what they enclose."""
        entries = [(_COLORS.get(tissue, OUTLINE_COLOR), f"Outline: {tissue.value}") for tissue in self.tissues]
        return (*entries, *(self.secondLegend if self.doubtedSecond is not None else ()))

    @property
    def second(self) -> sitk.Image | None:
        """Return what a second method outlines, None where none could answer."""
        second = self.document.tumor.result.second if self.document.tumor is not None else None
        return second.labelImage if second is not None and any(second.methods) else None

    @property
    def secondLegend(self) -> tuple[tuple[Color, str], ...]:
        """Return the color of the second method's outline."""
        return ((SECOND_COLOR, "Outline of a second method"),)

    def lesionNumbers(self, grid: sitk.Image) -> tuple[tuple[str, float, float], ...]:
        """Return the numbers of several lesions that a slice cuts, above each, as shares of its width and height."""
        count = len(self.document.tumor.measured.total.lesions) if self.document.tumor is not None else 0
        numbered = self._lesionImage if count > 1 else None
        if numbered is None:
            return ()
        parts = sliceValues(numbered, grid, isLabel=True)
        marks = []
        for number, place in enumerate(ndimage.find_objects(parts, max_label=count), start=1):
            if place is not None:
                rows, columns = place
                top = max(rows.start / parts.shape[0] - _ABOVE, _ABOVE)
                marks.append((str(number), (columns.start + columns.stop) / 2 / parts.shape[1], top))
        return tuple(marks)

    @cached_property
    def _lesionImage(self) -> sitk.Image | None:
        """Return each lesion's number as the measurements count them, None without an outline."""
        tumor = self.document.tumor
        return None if tumor is None else numberedLesions(tumor.result.labelImage, tumor.result.allSegments)

    @property
    def doubtedSecond(self) -> sitk.Image | None:
        """Return what a second method outlines, where it does not agree."""
        second = self.document.tumor.result.second if self.document.tumor is not None else None
        # What no second method could answer (NaN) is not doubted by one.
        if second is None or not any(share < LEAST_AGREEMENT for share in second.agreements):
            return None
        return second.labelImage

    @property
    def tissueColors(self) -> list[tuple[tuple[int, ...], Color]]:
        """Return the labels that are drawn in one color, with it."""
        return [(values, _COLORS.get(tissue, OUTLINE_COLOR)) for tissue, values in self.tissues.items()]

    def outlined(self, picture: np.ndarray, grid: sitk.Image, withSecond: bool = False) -> np.ndarray:
        """Return a picture of a slice with the outlines drawn over it.

        :param withSecond: whether a second method's outline is drawn though it agrees.
        """
        if self.document.tumor is None:
            return picture
        second = self.second if withSecond else self.doubtedSecond
        if second is not None:
            picture = withOutline(picture, sliceValues(second, grid, isLabel=True) > 0, SECOND_COLOR)
        labels = sliceValues(self.document.tumor.result.labelImage, grid, isLabel=True)
        return withOutlines(picture, labels, self.tissueColors)


def viewsOf(document: RunDocument) -> Views:
    """Return the views of a run.

    :raises ValueError: where the document is another command's.
    """
    images, registration, fusion = document.images, document.registration, document.fusion
    if images is None or registration is None or fusion is None:
        raise ValueError(
            f"The report of a run needs registration and fusion, which {document.kind.value} does not make."
        )
    return Views(document, images, registration, fusion)
