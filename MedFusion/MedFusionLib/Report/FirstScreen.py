"""What is seen of a run's report without scrolling: whose it is, whether to trust it, how large, and what to check."""

import html

from ..Core.Results.RunDocument import MeasuredTumor, RunDocument
from ..Core.Tumor.LesionMeasurements import LesionMeasurements, SegmentMeasurements
from .IdentificationSection import identificationBlock
from .Page import Figure, bullets, figures, legend, paragraph, table
from .Pictures import Plane
from .Texts import ml, mm, mm2, placeText, registrationSentence, tumorSentence, verdictBox
from .Views import Views

_MOST_LESIONS = 6


def firstScreen(document: RunDocument, views: Views) -> str:
    """Return it."""
    tumor = document.tumor
    boxes = [
        verdictBox("Alignment", document.registration.verdict, registrationSentence(document.registration)),
        verdictBox("Outline", tumor.result.verdict, tumorSentence(tumor)) if tumor is not None else "",
    ]
    facts = [_errorFigures(document), _tumorFigures(tumor), toCheck(document)]
    return (
        identificationBlock(document)
        + "".join(boxes)
        + f'<div class="first"><div>{"".join(facts)}</div><div>{_picture(views)}</div></div>'
    )


def keyFigures(*entries: tuple[str, str, str]) -> str:
    """Return figures in large letters: what it is, its value, and what is to be known about it."""
    rows = "".join(
        f"<dt>{html.escape(name)}</dt><dd>{html.escape(value)} <small>{html.escape(note, quote=False)}</small></dd>"
        for name, value, note in entries
    )
    return f'<dl class="figures">{rows}</dl>'


def toCheck(document: RunDocument) -> str:
    """Return everything that a reader has to look at: reasons of the verdicts, warnings, and the next thing to do."""
    sentences: list[str] = []
    for verdict in (
        document.registration.verdict if document.registration is not None else None,
        document.tumor.result.verdict if document.tumor is not None else None,
    ):
        sentences += verdict.reasons if verdict is not None else ()
    sentences += document.warnings
    if document.registration is not None:
        sentences.append(document.registration.advice)
    items = bullets(tuple(dict.fromkeys(sentences)))
    return f'<section class="check"><h2>Please check</h2>{items}</section>' if sentences else ""


def _errorFigures(document: RunDocument) -> str:
    errors = document.registration.expectedErrors[:1]
    return keyFigures(
        *(
            (
                f"Expected error {placeText(error)}",
                mm(error.expected),
                f"with 95\N{NO-BREAK SPACE}% probability below {mm(error.bound)}",
            )
            for error in errors
        )
    )


def _tumorFigures(tumor: MeasuredTumor | None) -> str:
    if tumor is None:
        return paragraph("No tumor was outlined.")
    total = tumor.measured.total
    if len(total.lesions) == 1:
        return keyFigures(
            ("Volume", ml(total.volumeMl), volumeRange(total)),
            ("Diameters", diametersText(total), f"longest in the {total.plane} plane, and across"),
            ("Product", mm2(total.bidimensionalProductMm2), ""),
        )
    rows = [_lesionRow(f"Lesion {n}", lesion) for n, lesion in enumerate(total.lesions[:_MOST_LESIONS], start=1)]
    if len(total.lesions) > _MOST_LESIONS:
        rows.append((f"{len(total.lesions) - _MOST_LESIONS} more", "see below", "", ""))
    rows.append(("Sum", f"{ml(total.volumeMl)} ({volumeRange(total)})", "", mm2(total.bidimensionalProductMm2)))
    return table(("Tumor", "Volume", "Diameters", "Product"), rows)


def _lesionRow(name: str, lesion: LesionMeasurements) -> tuple[str, ...]:
    return name, ml(lesion.volumeMl), diametersText(lesion), mm2(lesion.bidimensionalProductMm2)


def diametersText(lesion: LesionMeasurements | SegmentMeasurements) -> str:
    """Return the longest diameter in the plane and the one across it."""
    return f"{lesion.axialDiameter.lengthMm:.1f} × {mm(lesion.perpendicularDiameter.lengthMm)}"


def volumeRange(lesion: LesionMeasurements | SegmentMeasurements) -> str:
    """Return between which volumes the true one is to be expected."""
    low = max(lesion.volumeMl - lesion.volumeUncertaintyMl, 0.0)
    digits = 1 if lesion.volumeMl >= 10 else 2
    return f"{low:.{digits}f} to {ml(lesion.volumeMl + lesion.volumeUncertaintyMl)}"


def _picture(views: Views) -> str:
    grid = views.whole(Plane.axial, pixel=0.45)
    picture = views.outlined(views.fused(grid), grid)
    place = "through the largest lesion" if views.document.tumor is not None else "through the middle of the CT"
    caption = f"axial: CT and MRI fused, {place}"
    return figures(Figure(picture, caption), columns=1) + legend(*views.outlineLegend)
