"""The page over all subjects of a cohort: one sortable table, to find the doubtful ones and to mark them."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from .CohortScript import SCRIPT, STYLE
from .Page import DISCLAIMER

_PLOT_WIDTH, _PLOT_HEIGHT = 260, 56
_BARS = 20


@dataclass(frozen=True)
class Thumbnail:
    """A small picture of a subject: its file as the page sees it, and what is seen on it."""

    file: str
    caption: str


@dataclass(frozen=True)
class Cell:
    """What is shown of one measure, what it is sorted by, and whether it stands out from the other subjects."""

    text: str
    order: float | str
    isOutlier: bool = False


@dataclass(frozen=True)
class SubjectRow:
    """One row of the page.

    :param status: "confirmed", "doubtful", "failed" or "missing", which colors the row's word and filters it.
    :param report: its report as the page sees it, empty where there is none.
    :param cells: a cell for each of the page's measures.
    :param notes: warnings, reasons of a verdict, or the sentence with which it failed.
    """

    name: str
    status: str
    report: str
    cells: tuple[Cell, ...]
    notes: tuple[str, ...] = ()
    thumbnails: tuple[Thumbnail, ...] = ()


@dataclass(frozen=True)
class Distribution:
    """The values of one measure over all subjects."""

    title: str
    unit: str
    values: tuple[float, ...]


def cohortPage(
    title: str, measures: Sequence[str], rows: Sequence[SubjectRow], distributions: Sequence[Distribution]
) -> str:
    """Return the page as HTML; pictures and reports lie beside it, everything else is in it."""
    counts = {status: sum(row.status == status for row in rows) for status in dict.fromkeys(r.status for r in rows)}
    summary = ", ".join(f"{count} {status}" for status, count in counts.items())
    plots = "".join(_plot(distribution) for distribution in distributions if len(distribution.values) > 1)
    head = "".join(
        f'<th scope="col" aria-sort="none"><button type="button">{html.escape(name)}</button></th>'
        for name in ("Subject", "Status", *measures, "Notes")
    )
    body = "".join(_row(row, measures) for row in rows)
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src 'self' file:; "
        "style-src 'unsafe-inline'; script-src 'unsafe-inline'\">"
        f"<title>{html.escape(title)}</title><style>{STYLE}</style></head>"
        f'<body data-cohort="{html.escape(title)}"><main><h1>{html.escape(title)}</h1>'
        f'<p id="summary">{len(rows)} subjects: {html.escape(summary)}.</p>'
        f'<section aria-label="Distributions" class="plots">{plots}</section>{_controls(counts)}'
        f'<div class="wide" tabindex="0" role="region" aria-label="Subjects"><table id="subjects"><thead><tr>{head}'
        '<th scope="col">Edges over CT</th><th scope="col">Fused, outline</th><th scope="col">Your mark</th>'
        f'<th scope="col">Your note</th></tr></thead><tbody>{body}</tbody></table></div>'
        f'<p class="note">{DISCLAIMER}</p></main><script>{SCRIPT}</script></body></html>\n'
    )


def _controls(counts: dict[str, int]) -> str:
    options = "".join(f'<option value="{html.escape(s)}">{html.escape(s)} ({n})</option>' for s, n in counts.items())
    return (
        '<form class="controls"><label>Search <input type="search" id="search"></label>'
        f'<label>Status <select id="status"><option value="">all</option>{options}</select></label>'
        '<label>Mark <select id="marked"><option value="">all</option><option value="none">not marked</option>'
        "<option>good</option><option>doubtful</option><option>bad</option></select></label>"
        '<button type="button" id="export">Save the marks as review.tsv</button>'
        '<output id="shown" aria-live="polite"></output></form>'
    )


def _row(row: SubjectRow, measures: Sequence[str]) -> str:
    name = html.escape(row.name)
    link = f'<a href="{html.escape(row.report)}">{name}</a>' if row.report else name
    cells = "".join(
        f'<td data-order="{html.escape(str(cell.order))}"{_outlierClass(cell)}>{html.escape(cell.text)}'
        + (
            f'<span class="flag" title="{html.escape(measure)} stands out from the other subjects"> outlier</span>'
            if cell.isOutlier
            else ""
        )
        + "</td>"
        for cell, measure in zip(row.cells, measures, strict=True)
    )
    items = "".join(f"<li>{html.escape(note)}</li>" for note in row.notes)
    count = len(row.notes)
    notes = f"<details><summary>{count} note{'s' * (count != 1)}</summary><ul>{items}</ul></details>" if count else ""
    pictures = "".join(
        f'<td><a href="{html.escape(picture.file)}"><img loading="lazy" width="120" height="120" '
        f'src="{html.escape(picture.file)}" alt="{html.escape(f"{row.name}: {picture.caption}")}"></a></td>'
        for picture in row.thumbnails
    ) + "<td></td>" * (2 - len(row.thumbnails))
    return (
        f'<tr data-name="{name}" data-status="{html.escape(row.status)}">'
        f'<th scope="row" data-order="{name}">{link}</th>'
        f'<td data-order="{html.escape(row.status)}"><span class="status {html.escape(row.status)}">'
        f'{html.escape(row.status)}</span></td>{cells}<td data-order="{count}">{notes}</td>{pictures}'
        f'<td><select class="mark" aria-label="Your mark for {name}"><option value=""></option><option>good</option>'
        f'<option>doubtful</option><option>bad</option></select></td><td><input class="remark" type="text" '
        f'aria-label="Your note for {name}"></td></tr>'
    )


def _outlierClass(cell: Cell) -> str:
    return ' class="outlier"' if cell.isOutlier else ""


def _plot(distribution: Distribution) -> str:
    """Return a histogram as SVG, with its ends in words."""
    low, high = min(distribution.values), max(distribution.values)
    width = (high - low) / _BARS or 1.0
    counts = [0] * _BARS
    for value in distribution.values:
        counts[min(int((value - low) / width), _BARS - 1)] += 1
    step = _PLOT_WIDTH / _BARS
    bars = "".join(
        f'<rect x="{index * step:.1f}" y="{_PLOT_HEIGHT - height:.1f}" width="{step - 1:.1f}" height="{height:.1f}"/>'
        for index, count in enumerate(counts)
        if (height := _PLOT_HEIGHT * count / max(counts)) > 0
    )
    unit = f" {distribution.unit}" if distribution.unit else ""
    words = f"{distribution.title}: {low:.3g} to {high:.3g}{unit}, {len(distribution.values)} subjects"
    return (
        f'<figure><svg role="img" aria-label="{html.escape(words)}" viewBox="0 0 {_PLOT_WIDTH} {_PLOT_HEIGHT}">{bars}'
        f"</svg><figcaption>{html.escape(words)}</figcaption></figure>"
    )
