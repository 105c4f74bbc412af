"""Small pieces of rich text for the cards of the panel."""

import html
from collections.abc import Iterable
from typing import TYPE_CHECKING

from ..Core.Verdict import Judgment
from .Translation import tr as _

if TYPE_CHECKING:
    from ..Core.Tumor.LesionMeasurements import TumorMeasurements


def warning(text: str) -> str:
    """Return a sentence as a warning."""
    return f"⚠ {html.escape(text, quote=False)}"


def verdictWord(judgment: Judgment) -> str:
    """Return a judgment as a colored mark and a word, as rich text."""
    color, word = {
        Judgment.confirmed: ("#2e9e44", _("Confirmed")),
        Judgment.doubtful: ("#d9a400", _("Doubtful")),
        Judgment.notConfirmed: ("#d33c2f", _("Not confirmed")),
    }[judgment]
    return f'<span style="color:{color}">●</span> <b>{html.escape(word)}.</b>'


def paragraphs(lines: Iterable[str]) -> str:
    """Return rich-text lines one below the other."""
    return "<br>".join(lines)


def table(rows: Iterable[tuple[str, str]], pairsPerLine: int = 1) -> str:
    """Return names and values, some pairs of them on each line."""
    cells = [
        f"<td>{html.escape(name)}&nbsp;&nbsp;</td><td><b>{html.escape(value)}</b>&nbsp;&nbsp;&nbsp;</td>"
        for name, value in rows
    ]
    lines = ["".join(cells[start : start + pairsPerLine]) for start in range(0, len(cells), pairsPerLine)]
    return f"<table>{''.join(f'<tr>{line}</tr>' for line in lines)}</table>"


def meanings(rows: Iterable[tuple[str, str]]) -> str:
    """Return names with what they mean, as a tooltip."""
    return paragraphs(f"<b>{html.escape(name)}</b>: {html.escape(text, quote=False)}" for name, text in rows)


def measurementRows(measurements: "TumorMeasurements") -> list[tuple[str, ...]]:
    """Return name, volume, longest diameter and RANO product of each lesion, and their sums, as texts."""
    rows = [
        (
            name,
            f"{lesion.volumeMl:.2f} ± {lesion.volumeUncertaintyMl:.2f}",
            f"{lesion.longestDiameter.lengthMm:.1f}",
            f"{lesion.axialDiameter.lengthMm:.1f} × {lesion.perpendicularDiameter.lengthMm:.1f}",
        )
        for name, lesion in measurements.namedLesions()
    ]
    total = measurements.total
    if len(total.lesions) > 1:
        sums = f"{total.volumeMl:.2f} ± {total.volumeUncertaintyMl:.2f}", f"{total.longestDiameter.lengthMm:.1f}"
        rows.append((f"All {len(total.lesions)} lesions", *sums, f"{total.bidimensionalProductMm2:.0f} mm²"))
    return rows
