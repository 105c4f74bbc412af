"""The report's page: one HTML file with everything inside it, for screen and paper."""

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .Pictures import Color, Plane, pngDataUri
from .Style import STYLE

DISCLAIMER = (
    "Made by MedFusion, a research tool. Not a medical device; every result must be checked by a qualified person."
)
# What a picture's left, right and upper side are, by how its caption begins.
_SIDES = {
    Plane.axial.name: ("R", "L", "A"),
    Plane.coronal.name: ("R", "L", "S"),
    Plane.sagittal.name: ("A", "P", "S"),
    "surface seen from the front": ("R", "L", "S"),
    "surface seen from the left": ("A", "P", "S"),
    "surface seen from the right": ("P", "A", "S"),
}
_SIDE_LETTER = re.compile(r'(<span class="side [^>]*>\w)(</span>)')
_COLUMNS = {1: " one", 2: " two", 3: "", 4: " four", 6: " six"}


@dataclass(frozen=True)
class Figure:
    """A picture (RGB bytes) and what is seen on it; one that shows a standard plane begins with its name
    and gets the letters of the patient's sides.

    :param parts: how many pictures of the same plane lie beside each other in it.
    :param marks: texts with their places in it, shares of its width and height from the upper left.
    """

    picture: np.ndarray
    caption: str
    parts: int = 1
    marks: tuple[tuple[str, float, float], ...] = ()


@dataclass(frozen=True)
class Markup:
    """HTML that is inserted as it is."""

    html: str


def page(
    title: str, subtitle: str, first: str, sections: Sequence[str], foot: str = "", areSidesKnown: bool = True
) -> str:
    """Return the whole page as HTML.

    :param first: HTML of what is seen without scrolling.
    :param sections: HTML of each section, made by `section`.
    :param foot: text at the foot of every printed page.
    :param areSidesKnown: False puts a question mark behind the letters of the patient's sides in every picture.
    """
    body = f"{first}{''.join(sections)}"
    if not areSidesKnown:
        body = _SIDE_LETTER.sub(r"\1?\2", body)
        subtitle += "; the file does not say its orientation, so right and left are an assumption"
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{STYLE}{_printedFoot(title, foot)}</style></head><body>"
        f'<header class="head"><h1>{html.escape(title)}</h1><p class="note">{html.escape(subtitle)}</p></header>'
        f"<main>{body}</main>"
        f'<footer><p class="note">{DISCLAIMER}</p></footer></body></html>\n'
    )


def _printedFoot(title: str, foot: str) -> str:
    """Return the style that prints whose report it is and the page number at the foot of each A4 page."""
    text = " · ".join(part for part in (title, foot) if part)
    # Everything but letters and digits is written as a CSS escape, so that a name can end neither string nor style.
    quoted = "".join(c if c.isalnum() and c.isascii() else f"\\{ord(c):x} " for c in text)
    font = "font: 8pt sans-serif; color: #333;"
    return (
        "@page { size: A4; margin: 12mm 12mm 15mm; "
        f'@bottom-left {{ content: "{quoted}"; {font} }} '
        f'@bottom-right {{ content: counter(page) "\\a0/\\a0" counter(pages); {font} }} }}\n'
    )


def section(title: str, *parts: str) -> str:
    """Return a section with a heading."""
    return f'<section><h2 id="{anchor(title)}">{html.escape(title)}</h2>{"".join(parts)}</section>'


def heading(title: str) -> str:
    """Return a heading inside a section."""
    return f'<h3 id="{anchor(title)}">{html.escape(title)}</h3>'


def anchor(title: str) -> str:
    """Return what a link calls the place of a heading."""
    return "-".join(re.findall(r"\w+", title.lower()))


def contents(*titles: str) -> str:
    """Return links to headings of the page, for the screen."""
    links = "".join(f'<a href="#{anchor(title)}">{html.escape(title)}</a>' for title in titles)
    return f'<nav aria-label="On this page">{links}</nav>'


def paragraph(text: str) -> str:
    """Return a paragraph; none without text."""
    return f"<p>{html.escape(text, quote=False)}</p>" if text else ""


def bullets(sentences: Sequence[str]) -> str:
    """Return a list of sentences."""
    return f"<ul>{''.join(f'<li>{html.escape(sentence, quote=False)}</li>' for sentence in sentences)}</ul>"


def details(summary: str, *parts: str, isOpen: bool = False) -> str:
    """Return parts that are folded away until somebody asks for them; on paper they are seen only if open."""
    inner = "".join(parts)
    return f"<details{' open' * isOpen}><summary>{html.escape(summary)}</summary>{inner}</details>" if inner else ""


def legend(*entries: tuple[Color, str]) -> str:
    """Return what the colors in pictures mean."""
    items = "".join(
        f'<li><i style="background:rgb{color}"></i>{html.escape(meaning, quote=False)}</li>'
        for color, meaning in entries
    )
    return f'<ul class="legend">{items}</ul>'


def code(text: str) -> Markup:
    """Return text set as code, such as a checksum or a file's name; it may break anywhere."""
    return Markup(f"<code>{html.escape(text)}</code>")


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table whose first column names its rows. Without rows there is no table.

    Columns of numbers, and of texts that are numbers with a unit or a sign, are set to the right.
    """
    if not rows:
        return ""
    numeric = [column > 0 and all(_isNumber(row[column]) for row in rows) for column in range(len(header))]
    head = "".join(_cell("th", name, number) for name, number in zip(header, numeric, strict=True))
    body = "".join(f"<tr>{_row(row, numeric)}</tr>" for row in rows)
    kept = ' class="short"' if len(rows) <= 12 else ""
    return (
        f'<div class="wide" tabindex="0" role="group" aria-label="{html.escape(str(header[0]))}">'
        f"<table{kept}><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _row(row: Sequence[object], numeric: Sequence[bool]) -> str:
    cells = [_cell("td", value, number) for value, number in zip(row, numeric, strict=True)]
    return _cell("th", row[0], False).replace("col", "row", 1) + "".join(cells[1:])


def _isNumber(value: object) -> bool:
    text = value if isinstance(value, str) else str(value)
    return not text or text.lstrip("+-\N{MINUS SIGN}± ")[:1].isdigit()


def beside(*parts: str) -> str:
    """Return parts next to each other, as far as the page is wide enough."""
    return f'<div class="beside">{"".join(parts)}</div>'


def _cell(tag: str, value: object, isNumber: bool) -> str:
    content = value.html if isinstance(value, Markup) else html.escape(str(value), quote=False)
    attributes = (' scope="col"' if tag == "th" else "") + (' class="number"' if isNumber else "")
    return f"<{tag}{attributes}>{content}</{tag}>"


def figures(*items: Figure, columns: int = 3) -> str:
    """Return pictures with captions, so many in a row."""
    cells = "".join(
        f'<figure><div><img src="{pngDataUri(item.picture)}" alt="{html.escape(item.caption)}">'
        f"{_sideLetters(item)}{_marks(item)}</div>"
        f"<figcaption>{html.escape(item.caption, quote=False)}</figcaption></figure>"
        for item in items
    )
    return f'<div class="pictures{_COLUMNS[columns]}">{cells}</div>'


def _marks(figure: Figure) -> str:
    """Return the texts that are written into a picture."""
    return "".join(
        f'<span class="mark" style="left:{100 * x:.1f}%;top:{100 * y:.1f}%">{html.escape(text)}</span>'
        for text, x, y in figure.marks
    )


def _sideLetters(figure: Figure) -> str:
    """Return the letters of the patient's sides for a picture of a standard plane, for each of its parts."""
    sides = next((sides for begin, sides in _SIDES.items() if figure.caption.startswith(begin)), None)
    if sides is None:
        return ""
    left, right, top = sides
    if figure.parts == 1:
        places = [("", "", "")]
    else:
        width = 100 / figure.parts
        places = [
            (
                f' style="left:{n * width:g}%"',
                f' style="right:{100 - (n + 1) * width:g}%"',
                f' style="left:{(n + 0.5) * width:g}%"',
            )
            for n in range(figure.parts)
        ]
    return "".join(
        f'<span class="side left"{atLeft}>{left}</span><span class="side right"{atRight}>{right}</span>'
        f'<span class="side top"{atTop}>{top}</span>'
        for atLeft, atRight, atTop in places
    )
