"""The report's part about two time points of one patient."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from ..Core.FollowUp.FollowUp import FollowUp
from ..Core.FollowUp.RigidAlignment import RigidAlignment
from ..Core.Images.Transforms import transformPoints
from .Page import Figure, figures, paragraph, section, table
from .Pictures import Plane, grayPicture, robustWindow, sliceGrid, sliceValues, withOutline

BEFORE_COLOR = (0, 200, 255)
AFTER_COLOR = (255, 150, 0)
_SAME_PLACE_MM = 10.0


def changeSection(followUp: FollowUp, days: int | None) -> str:
    """Return the section with each measure at both times, its change and the change's uncertainty.

    :param days: between the two studies, None if unknown.
    """
    rows = []
    for change in followUp.changes:
        rows.append(
            (
                f"{change.name.replace('_', ' ').capitalize()} ({change.unit})",
                f"{change.before:.1f}",
                f"{change.after:.1f}",
                f"{change.difference:+.1f}",
                f"{change.percent:+.0f}\N{NO-BREAK SPACE}%",
                f"± {change.uncertainty:.1f}",
                f"{change.outlineUncertainty:.1f}",
                f"{change.registrationUncertainty:.2f}",
                "yes" if change.isBeyondUncertainty else "no",
            )
        )
    header = (
        "Measure",
        "First",
        "Second",
        "Change",
        "in %",
        "Uncertain by",
        "outline",
        "registration",
        "Beyond 95\N{NO-BREAK SPACE}%",
    )
    interval = (
        f"{days} days between the studies. " if days is not None else "The days between the studies are unknown. "
    )
    return section(
        "Change of the tumor",
        paragraph(
            interval + "Volumes are those of each outline on its own image. Diameters are measured in the axial planes "
            "of the first time point."
        ),
        table(header, rows),
        paragraph(
            f"In the common frame {followUp.keptMl:.1f} ml are tumor at both times, {followUp.grownMl:.1f} ml only at "
            f"the second, {followUp.goneMl:.1f} ml only at the first."
        ),
        paragraph(
            "Uncertainties are one standard deviation: half a voxel of each outline, and the spread of each measure "
            "when the alignment is varied by its own error. In RANO a product larger by 25 % is progression and one "
            "smaller by 50 % is response, together with criteria that no image shows."
        ),
    )


def sideBySideSection(
    images: tuple[sitk.Image, sitk.Image],
    masks: tuple[sitk.Image, sitk.Image],
    alignment: RigidAlignment,
    centers: Sequence[np.ndarray],
) -> str:
    """Return the section with both time points beside each other in the frame of the first.

    The planes cross in the first tumor, and again in the second one if that lies elsewhere.

    :param images: MRI of the first and of the second time point, each in its own frame; so for `masks` and `centers`.
    """
    secondCenter = transformPoints(alignment.transform.GetInverse(), centers[1])[0]
    parts = [figures(*_rows(images, masks, alignment, centers[0]))]
    if np.linalg.norm(secondCenter - centers[0]) > _SAME_PLACE_MM:
        parts = [
            paragraph("Through the tumor of the first time point:"),
            *parts,
            paragraph("Through the tumor of the second time point:"),
            figures(*_rows(images, masks, alignment, secondCenter)),
        ]
    return section(
        "Side by side",
        paragraph(
            f"The second time point was aligned rigidly to the first by its intensities, the tumors left out. Forward "
            f"and backward alignment agree within {alignment.errorMm:.1f} mm at the tumor; the aligned images "
            f"correlate by {alignment.similarity:.2f}."
        ),
        *parts,
    )


def _rows(
    images: tuple[sitk.Image, sitk.Image],
    masks: tuple[sitk.Image, sitk.Image],
    alignment: RigidAlignment,
    center: np.ndarray,
) -> list[Figure]:
    """Return a row of three pictures for each plane through an LPS point of the first frame."""
    first, second = images
    windows = (robustWindow(first), robustWindow(second))
    pictures = []
    for plane in Plane:
        grid = sliceGrid(plane, center, first)
        before = sliceValues(masks[0], grid, isLabel=True) > 0
        after = sliceValues(masks[1], grid, alignment.transform, isLabel=True) > 0
        one = grayPicture(sliceValues(first, grid), windows[0])
        two = grayPicture(sliceValues(second, grid, alignment.transform), windows[1])
        both = withOutline(withOutline(two, before, BEFORE_COLOR), after, AFTER_COLOR)
        pictures.append(Figure(withOutline(one, before, BEFORE_COLOR), f"{plane.name}: first, outline in blue"))
        pictures.append(Figure(withOutline(two, after, AFTER_COLOR), f"{plane.name}: second, outline in orange"))
        pictures.append(Figure(both, f"{plane.name}: second with both outlines"))
    return pictures
