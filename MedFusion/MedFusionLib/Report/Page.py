"""The report's page: one HTML file with everything inside it, for screen and paper."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .Pictures import Plane, pngDataUri

DISCLAIMER = (
    "Made by MedFusion, a research tool. Not a medical device; every result must be checked by a qualified person."
)
_STYLE = """
:root { color-scheme: light; }
* { box-sizing: border-box; }
body { font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; color: #1a1a1a; background: #fff;
       max-width: 64rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .2rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .6rem; border-bottom: 2px solid #1a1a1a; padding-bottom: .15rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p { margin: .4rem 0; max-width: 46rem; } p, li { overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: .6rem 0; font-size: .92rem; font-variant-numeric: tabular-nums; }
th { font-weight: 600; border-bottom: 1px solid #555; }
th, td { text-align: left; padding: .25rem 1rem .25rem 0; vertical-align: top; }
td { border-bottom: 1px solid #d0d0d0; }
.number { text-align: right; }
.pictures { display: grid; grid-template-columns: repeat(3, 1fr); gap: .7rem; margin: .6rem 0; }
figure { margin: 0; break-inside: avoid; }
figure > div { position: relative; background: #000; line-height: 0; }
figure img { width: 100%; display: block; }
.side { position: absolute; top: 50%; transform: translateY(-50%); padding: 0 .2rem; color: #fff; line-height: 1.2;
        font-size: .8rem; font-weight: 600; background: rgba(0, 0, 0, .5); }
.left { left: 0; } .right { right: 0; } .top { top: .1rem; left: 50%; transform: translateX(-50%); }
figcaption { font-size: .82rem; line-height: 1.35; color: #333; padding: .2rem 0 .4rem; }
.warnings { border: 2px solid #9a3300; border-left-width: 8px; padding: .5rem 1rem; margin: 1rem 0;
            background: #fff5ee; break-inside: avoid; }
.warnings ul { margin: .3rem 0; padding-left: 1.2rem; }
.beside { display: flex; flex-wrap: wrap; align-items: flex-start; gap: 0 3rem; }
.note { font-size: .86rem; color: #444; max-width: none; } code { overflow-wrap: anywhere; font-size: .8rem; }
@media (max-width: 40rem) { body { padding: .8rem; } .pictures { grid-template-columns: 1fr; }
                            table { display: block; overflow-x: auto; } }
@media print {
  html { font-size: 9.5pt; } body { font-size: 1rem; padding: 0; max-width: none; }
  h2 { break-after: avoid; margin-top: 1.2rem; } h3, h2 + p { break-after: avoid; }
  p, tr, li, .beside { break-inside: avoid; } main + .note { break-before: avoid; }
  th, td { padding-top: .12rem; padding-bottom: .12rem; } table { font-size: .9em; margin: .4rem 0; }
  thead { display: table-header-group; } .short { break-inside: avoid; } .pictures { gap: .4rem; }
  .warnings, figure > div { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
"""
_SIDES = {Plane.axial: ("R", "L", "A"), Plane.coronal: ("R", "L", "S"), Plane.sagittal: ("A", "P", "S")}


@dataclass(frozen=True)
class Figure:
    """A picture (RGB bytes) and what is seen on it; a caption that begins with a plane's name gets side letters."""

    picture: np.ndarray
    caption: str


def page(
    title: str,
    subtitle: str,
    warnings: Sequence[str],
    sections: Sequence[str],
    identification: str = "",
    foot: str = "",
) -> str:
    """Return the whole page as HTML.

    :param sections: HTML of each section, made by `section`.
    :param identification: HTML of the block that says whose report it is.
    :param foot: text at the foot of every printed page.
    """
    box = ""
    if warnings:
        items = "".join(f"<li>{html.escape(warning)}</li>" for warning in dict.fromkeys(warnings))
        box = f'<div class="warnings" role="note"><strong>Please check</strong><ul>{items}</ul></div>'
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}{_printedFoot(title, foot)}</style></head><body>"
        f'<h1>{html.escape(title)}</h1><p class="note">{html.escape(subtitle)}</p>{identification}{box}'
        f'<main>{"".join(sections)}</main><p class="note">{DISCLAIMER}</p></body></html>\n'
    )


def _printedFoot(title: str, foot: str) -> str:
    """Return the style that prints whose report it is and the page number at the foot of each A4 page."""
    text = " · ".join(part for part in (title, foot) if part)
    # Everything but letters and digits is written as a CSS escape, so that a name can end neither string nor style.
    quoted = "".join(c if c.isalnum() and c.isascii() else f"\\{ord(c):x} " for c in text)
    font = "font: 8pt sans-serif; color: #333;"
    return (
        "@page { size: A4; margin: 14mm 14mm 17mm; "
        f'@bottom-left {{ content: "{quoted}"; {font} }} '
        f'@bottom-right {{ content: counter(page) "\\a0/\\a0" counter(pages); {font} }} }}\n'
    )


def section(title: str, *parts: str) -> str:
    """Return a section with a heading."""
    return f"<section><h2>{html.escape(title)}</h2>{''.join(parts)}</section>"


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{html.escape(text)}</p>"


@dataclass(frozen=True)
class Markup:
    """HTML that is inserted as it is."""

    html: str


def code(text: str) -> Markup:
    """Return text set as code, such as a checksum or a file's name; it may break anywhere."""
    return Markup(f"<code>{html.escape(text)}</code>")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; columns of numbers are set to the right. Without rows there is no table."""
    if not rows:
        return ""
    numeric = [all(isinstance(row[column], (int, float)) for row in rows) for column in range(len(header))]
    head = "".join(_cell("th", name, number) for name, number in zip(header, numeric, strict=True))
    body = "".join(
        "<tr>" + "".join(_cell("td", value, number) for value, number in zip(row, numeric, strict=True)) + "</tr>"
        for row in rows
    )
    kept = ' class="short"' if len(rows) <= 12 else ""
    return f"<table{kept}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def beside(*parts: str) -> str:
    """Return parts next to each other, as far as the page is wide enough."""
    return f'<div class="beside">{"".join(parts)}</div>'


def _cell(tag: str, value: object, isNumber: bool) -> str:
    if isinstance(value, Markup):
        content = value.html
    elif isinstance(value, float):
        content = f"{value:.3g}" if abs(value) < 100 else f"{value:.1f}"
    else:
        content = html.escape(str(value))
    attributes = (' scope="col"' if tag == "th" else "") + (' class="number"' if isNumber else "")
    return f"<{tag}{attributes}>{content}</{tag}>"


def figures(*items: Figure) -> str:
    """Return pictures with captions, three in a row."""
    cells = "".join(
        f'<figure><div><img src="{pngDataUri(item.picture)}" alt="{html.escape(item.caption)}">'
        f"{_sideLetters(item.caption)}</div><figcaption>{html.escape(item.caption)}</figcaption></figure>"
        for item in items
    )
    return f'<div class="pictures">{cells}</div>'


def _sideLetters(caption: str) -> str:
    """Return the letters of the patient's sides for a picture of a standard plane."""
    for plane, (left, right, top) in _SIDES.items():
        if caption.casefold().startswith(plane.name):
            return (
                f'<span class="side left">{left}</span><span class="side right">{right}</span>'
                f'<span class="side top">{top}</span>'
            )
    return ""
