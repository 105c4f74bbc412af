"""What is seen of a run's report without scrolling: whose it is, whether to trust it, how large, and what to check."""

import html

import numpy as np

from ..Core.Registration.RegistrationResult import RegistrationResult
from ..Core.Results.RunDocument import MeasuredTumor, RunDocument
from ..Core.Tumor.LesionMeasurements import LesionMeasurements, SegmentMeasurements
from ..Core.Tumor.Outline import SecondOpinion
from .IdentificationSection import identificationBlock
from .Page import Figure, bullets, contents, figures, legend, paragraph, table
from .Pictures import Plane
from .RegistrationSection import AGREEMENT, ERROR_MAP
from .Texts import ml, mm, mm2, placeText, registrationSentence, tumorSentence, verdictBox
from .Views import Views

_MOST_LESIONS = 6
_LARGE_DIFFERENCE = 0.25


def firstScreen(document: RunDocument, views: Views) -> str:
    """Return it."""
    registration, tumor = views.registration, document.tumor
    boxes = [
        verdictBox("Alignment", registration.verdict, registrationSentence(registration)),
        verdictBox("Outline", tumor.result.verdict, tumorSentence(tumor)) if tumor is not None else "",
    ]
    facts = [_facts(document, registration), toCheck(document), contents(*_headings(document, registration))]
    return (
        identificationBlock(document)
        + "".join(boxes)
        + f'<div class="first"><div>{"".join(facts)}</div><div>{_picture(views)}</div></div>'
    )


def _headings(document: RunDocument, registration: RegistrationResult) -> list[str]:
    """Return the headings that a reader jumps to."""
    shown = ["Registration"]
    shown += [ERROR_MAP] if registration.knowsError else []
    return [*shown, AGREEMENT, "Fusion", *(["Tumor"] if document.tumor is not None else []), "Inputs"]


def keyFigures(*entries: tuple[str, str, str]) -> str:
    """Return figures in large letters: what it is, its value, and what is to be known about it."""
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)} <small>{html.escape(note, quote=False)}</small></dd>"
        for name, value, note in entries
    )
    return f'<dl class="figures">{rows}</dl>'


def toCheck(document: RunDocument) -> str:
    """Return everything else that a reader has to look at: further reasons, warnings, and the next thing to do."""
    registration, tumor = document.registration, document.tumor
    verdicts = [registration.verdict] if registration is not None else []
    verdicts += [tumor.result.verdict] if tumor is not None else []
    sentences = [reason for verdict in verdicts for reason in verdict.reasons]
    if registration is not None:
        sentences.append(registration.advice)
        sentences += sizeDoubts(registration, tumor)
    sentences += document.warnings
    said = [verdict.reasons[0] for verdict in verdicts if verdict.reasons]
    items = bullets(tuple(sentence for sentence in dict.fromkeys(sentences) if sentence not in said))
    return f'<section class="check"><h2>Please check</h2>{items}</section>' if "<li>" in items else ""


def sizeDoubts(registration: RegistrationResult, tumor: MeasuredTumor | None) -> list[str]:
    """Return what makes the tumor's size doubtful though its outline is not."""
    if tumor is None:
        return []
    sentences = []
    if registration.images is not None and registration.images.stretched is not None:
        sentences.append("The tumor is measured in the MRI: where that is stretched, so are volume and diameters.")
    second = tumor.result.second
    for own, other in second.volumesMl if second is not None and not tumor.result.verdict.reasons else ():
        if abs(own - other) > _LARGE_DIFFERENCE * own:
            sentences.append(
                f"The second method's volume differs by {abs(own - other) / own:.0%}: look at the outline's border."
            )
    return sentences


def _facts(document: RunDocument, registration: RegistrationResult) -> str:
    """Return the expected error and the tumor's size: of one lesion in large letters, of several as a table."""
    entries = [
        (
            f"Expected error {placeText(error)}",
            mm(error.expected),
            f"with 95\N{NO-BREAK SPACE}% probability below {mm(error.bound)}",
        )
        for error in registration.expectedErrors[:1]
    ]
    if document.tumor is None:
        return keyFigures(*entries) + paragraph("No tumor was outlined.")
    total, second = document.tumor.measured.total, document.tumor.result.second
    if len(total.lesions) > 1:
        return keyFigures(*entries) + _lesionTable(total, second)
    entries += [
        ("Volume of the tumor", ml(total.volumeMl), volumeRange(total, second)),
        ("Diameters", diametersText(total), f"longest {total.plane}, and across"),
        ("Product of both", mm2(total.bidimensionalProductMm2), ""),
    ]
    return keyFigures(*entries)


def _lesionTable(total: SegmentMeasurements, second: SecondOpinion | None) -> str:
    rows = [
        _lesionRow(f"Lesion {n}", lesion, second) for n, lesion in enumerate(total.lesions[:_MOST_LESIONS], start=1)
    ]
    if len(total.lesions) > _MOST_LESIONS:
        rows.append((f"{len(total.lesions) - _MOST_LESIONS} more", "see below", "", "", ""))
    product = mm2(total.bidimensionalProductMm2)
    rows.append(("Sum", ml(total.volumeMl), volumeRange(total, second), "", product))
    return table(("Tumor", "Volume", "Its range", "Diameters", "Product"), rows)


def _lesionRow(name: str, lesion: LesionMeasurements, second: SecondOpinion | None) -> tuple[str, ...]:
    return (
        name,
        ml(lesion.volumeMl),
        volumeRange(lesion, second),
        diametersText(lesion),
        mm2(lesion.bidimensionalProductMm2),
    )


def diametersText(lesion: LesionMeasurements | SegmentMeasurements) -> str:
    """Return the longest diameter in the plane and the one across it."""
    return f"{lesion.axialDiameter.lengthMm:.1f} × {mm(lesion.perpendicularDiameter.lengthMm)}"


def volumeRange(lesion: LesionMeasurements | SegmentMeasurements, second: SecondOpinion | None) -> str:
    """Return between which volumes the true one is to be expected: those of two methods, else around the one."""
    parts = lesion.lesions if isinstance(lesion, SegmentMeasurements) and len(lesion.lesions) > 1 else (lesion,)
    low, high = np.sum([_limits(part, second) for part in parts], axis=0)
    digits = 1 if lesion.volumeMl >= 10 else 2
    return f"{max(low, 0.0):.{digits}f} to {high:.{digits}f}\N{NO-BREAK SPACE}ml"


def _limits(lesion: LesionMeasurements | SegmentMeasurements, second: SecondOpinion | None) -> tuple[float, float]:
    for own, other in second.volumesMl if second is not None else ():
        if np.allclose((own, abs(own - other)), (lesion.volumeMl, lesion.volumeUncertaintyMl), rtol=0.02):
            return min(own, other), max(own, other)
    return lesion.volumeMl - lesion.volumeUncertaintyMl, lesion.volumeMl + lesion.volumeUncertaintyMl


def _picture(views: Views) -> str:
    grid = views.whole(Plane.axial, pixel=0.45)
    picture = views.outlined(views.fused(grid), grid)
    place = "through the largest lesion" if views.document.tumor is not None else "through the middle of the CT"
    caption = f"axial: CT and MRI fused, {place}"
    return figures(Figure(picture, caption, marks=views.lesionNumbers(grid)), columns=1) + legend(*views.outlineLegend)
