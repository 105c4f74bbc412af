"""The report's parts about two time points of one patient."""

from collections.abc import Sequence

import numpy as np

from ..Core.FollowUp.Change import Change, Passed
from ..Core.FollowUp.FollowUp import FollowUp
from ..Core.Results.Comparison import Comparison
from .Page import Figure, figures, heading, legend, paragraph, section, table
from .Pictures import (
    Color,
    Plane,
    checkerboard,
    grayPicture,
    headBox,
    robustWindow,
    sliceGrid,
    sliceValues,
    withOutline,
)

BEFORE_COLOR: Color = (0, 200, 255)
AFTER_COLOR: Color = (255, 150, 0)
OUTLINE_LEGEND = ((BEFORE_COLOR, "Outline of the first time"), (AFTER_COLOR, "Outline of the second time"))
_CHANGE_HEADER = ("Change", "95\N{NO-BREAK SPACE}% interval", "Certain")
_DASH_PIXELS = 8
_MOST_LESIONS, _LESIONS_IN_THREE_PLANES = 6, 3


def changeTable(followUp: FollowUp) -> str:
    """Return what became of each lesion, and the change of each measure of all with its 95 % interval."""
    rows = [(name(change), *_said(change)) for change in followUp.changes]
    header = ("Measure" if len(followUp.lesions) == 1 else "All lesions", "First to second", *_CHANGE_HEADER)
    return lesionTable(followUp) + table(header, rows) + paragraph(limitsText(followUp.changes[-1]))


def _said(change: Change) -> tuple[str, ...]:
    """Return both values, the change in percent, its 95 % interval, and whether it is beyond its uncertainty."""
    digits = 0 if max(abs(change.before), abs(change.after)) >= 100 else 1
    unit = f"\N{NO-BREAK SPACE}{change.unit}"
    interval = 1.96 * change.uncertainty
    return (
        f"{change.before:.{digits}f} \N{RIGHTWARDS ARROW} {change.after:.{digits}f}{unit}",
        percent(change),
        f"{signed(change.difference, digits)} ± {interval:.{digits}f}{unit}",
        "yes" if change.isBeyondUncertainty else "no",
    )


def limitsText(product: Change) -> str:
    """Return whether the product is beyond RANO's limits within its uncertainty."""
    words = {Passed.yes: "is", Passed.no: "is not", Passed.uncertain: "may or may not be"}
    return (
        f"Within its uncertainty the product {words[product.isIncrease]} larger by 25\N{NO-BREAK SPACE}%, and "
        f"{words[product.isDecrease]} smaller by 50\N{NO-BREAK SPACE}%."
    )


def lesionTable(followUp: FollowUp) -> str:
    """Return what became of each lesion; nothing where there is one that is the same."""
    if len(followUp.lesions) == 1 and not followUp.lesions[0].sentence:
        return ""
    rows = [
        (f"Lesion {number}, {lesion.match.fate.value}", name(change), *_said(change))
        for number, lesion in enumerate(followUp.lesions, start=1)
        for change in (lesion.volume, lesion.product)
    ]
    return table(("Lesion", "Measure", "First to second", *_CHANGE_HEADER), rows)


def name(change: Change) -> str:
    """Return what changed, for people."""
    return change.name.removeprefix("bidimensional_").replace("_", " ").capitalize()


def figure(value: float) -> str:
    """Return a measure with the decimals it deserves."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.1f}"


def signed(value: float, digits: int = 1) -> str:
    """Return a difference with its sign."""
    text = f"{abs(value):.{digits}f}"
    return text if not float(text) else ("+" if value > 0 else "\N{MINUS SIGN}") + text


def percent(change: Change) -> str:
    """Return a change in percent; nothing where there was nothing before."""
    value = change.percent
    return "" if value != value else f"{signed(value, 0)}\N{NO-BREAK SPACE}%"


def bothOutlines(comparison: Comparison) -> str:
    """Return the second time's MRI on the axial plane through the first one's tumor, with both outlines."""
    both = _Pair(comparison).on(Plane.axial, comparison.centers[0], pixel=0.5)[2]
    caption = "axial: the second time's MRI in the first one's frame, through the first one's largest lesion"
    return figures(Figure(both, caption), columns=1) + legend(*OUTLINE_LEGEND)


def sideBySideSection(comparison: Comparison) -> str:
    """Return the section with both time points beside each other in the frame of the first.

    The planes cross in each lesion; many lesions are shown on the axial plane only.
    """
    alignment, pair = comparison.alignment, _Pair(comparison)
    lesions = comparison.followUp.lesions[:_MOST_LESIONS]
    parts = []
    for number, lesion in enumerate(lesions, start=1):
        planes = tuple(Plane) if number <= _LESIONS_IN_THREE_PLANES else (Plane.axial,)
        title = f"Lesion {number}: {lesion.match.fate.value}" if len(comparison.followUp.lesions) > 1 else ""
        parts += [heading(title) if title else "", _rows(pair, lesion.center, planes, number)]
    return section(
        "Side by side",
        paragraph(
            f"The second time point was aligned rigidly to the first by its intensities, the tumors left out. Forward "
            f"and backward alignment agree within {alignment.errorMm:.1f}\N{NO-BREAK SPACE}mm at the tumor; the "
            f"aligned images correlate by {alignment.similarity:.2f}."
        ),
        legend(*OUTLINE_LEGEND),
        *parts,
    )


def detailsSection(comparison: Comparison) -> str:
    """Return the section with each measure at both times and where the uncertainty of its change comes from."""
    followUp = comparison.followUp
    days = "The days between the studies are unknown." if comparison.days is None else ""
    rows = [
        (
            f"{name(change)} ({change.unit})",
            figure(change.before),
            figure(change.after),
            signed(change.difference),
            percent(change),
            f"± {change.uncertainty:.1f}",
            f"{change.outlineUncertainty:.1f}",
            f"{change.voxelUncertainty:.1f}",
            f"{change.registrationUncertainty:.2f}",
            "yes" if change.isBeyondUncertainty else "no",
        )
        for change in followUp.changes
    ]
    header = (
        "Measure",
        "First",
        "Second",
        "Change",
        "in %",
        "Uncertain by",
        "outline",
        "voxels",
        "alignment",
        "Beyond 95 %",
    )
    return section(
        "Where the uncertainty comes from",
        paragraph(
            f"{days} Volumes are those of each outline on its own image. Diameters are measured in the axial planes of "
            "the first time point.".strip()
        ),
        table(header, rows),
        paragraph(
            f"In the common frame {followUp.keptMl:.1f} ml are tumor at both times, {followUp.grownMl:.1f} ml only at "
            f"the second, {followUp.goneMl:.1f} ml only at the first."
        ),
        paragraph(
            "Uncertainties in this table are one standard deviation: how differently two methods outline, half a voxel "
            "of each outline, and the spread of each measure when the alignment is varied by its own error. Volume and "
            "product are sums over all lesions, diameters those of the largest one. In RANO a product larger by 25 % "
            "is progression and one smaller by 50 % is response, together with criteria that no image shows."
        ),
    )


class _Pair:
    """Draw both time points on slices of the first one's frame."""

    def __init__(self, comparison: Comparison) -> None:
        self._runs, self._transform = comparison.runs, comparison.alignment.transform
        self._windows = [robustWindow(run.mri) for run in comparison.runs]
        self._box = headBox(comparison.runs[0].mri)

    def on(self, plane: Plane, center: np.ndarray, pixel: float = 0.7) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the first and the second time with their own outlines, and the second with both."""
        first, second = self._runs
        grid = sliceGrid(plane, center, self._box, pixel)
        before = sliceValues(first.tumor, grid, isLabel=True) > 0
        after = sliceValues(second.tumor, grid, self._transform, isLabel=True) > 0
        one = grayPicture(sliceValues(first.mri, grid), self._windows[0])
        two = grayPicture(sliceValues(second.mri, grid, self._transform), self._windows[1])
        marked = withOutline(two, after, AFTER_COLOR)
        # Where both lie over each other, their colors alternate.
        both = (
            withOutline(marked, before, BEFORE_COLOR),
            withOutline(withOutline(two, before, BEFORE_COLOR), after, AFTER_COLOR),
        )
        return withOutline(one, before, BEFORE_COLOR), marked, checkerboard(*both, _DASH_PIXELS)


def _rows(pair: _Pair, center: np.ndarray, planes: Sequence[Plane], number: int) -> str:
    """Return a row of three pictures for each plane through a lesion's center in the first frame."""
    pictures = []
    for plane in planes:
        titles = ("first time", "second time", "second time with both outlines")
        pictures += [
            Figure(picture, f"{plane.name}: lesion {number}, {title}")
            for picture, title in zip(pair.on(plane, center), titles, strict=True)
        ]
    return figures(*pictures)
