"""The report's page: one HTML file with everything inside it, for screen and paper."""

import html
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .Pictures import pngDataUri

_STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.45 system-ui, "Segoe UI", Roboto, sans-serif; color: #1a1a1a; background: #fff;
       max-width: 62rem; margin: 0 auto; padding: 1.5rem; }
h1 { font-size: 1.5rem; margin: 0 0 .3rem; } h2 { font-size: 1.15rem; margin: 1.8rem 0 .5rem;
     border-bottom: 1px solid #999; }
table { border-collapse: collapse; margin: .5rem 0; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .2rem .8rem .2rem 0; border-bottom: 1px solid #ddd; vertical-align: top; }
td.number, th.number { text-align: right; }
.pictures { display: grid; grid-template-columns: repeat(3, 1fr); gap: .6rem; }
figure { margin: 0; break-inside: avoid; } figure img { width: 100%; background: #000; display: block; }
figcaption { font-size: .82rem; color: #333; padding: .2rem 0 .5rem; }
.warnings { border: 2px solid #a33a00; padding: .4rem 1rem; margin: 1rem 0; background: #fff6f0; }
.note { font-size: .85rem; color: #444; } code { overflow-wrap: anywhere; font-size: .8rem; }
@page { size: A4; margin: 14mm; }
@media print { body { font-size: 10.5pt; padding: 0; max-width: none; } section { break-inside: auto; }
               h2 { break-after: avoid; } tr { break-inside: avoid; } }
"""


@dataclass(frozen=True)
class Figure:
    """A picture (RGB bytes) and what is seen on it."""

    picture: np.ndarray
    caption: str


def page(title: str, subtitle: str, warnings: Sequence[str], sections: Sequence[str]) -> str:
    """Return the whole page as HTML.

    :param sections: HTML of each section, made by `section`.
    """
    box = ""
    if warnings:
        items = "".join(f"<li>{html.escape(warning)}</li>" for warning in warnings)
        box = f'<div class="warnings" role="note"><strong>Please check</strong><ul>{items}</ul></div>'
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{html.escape(title)}</title>'
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style></head><body>'
        f'<h1>{html.escape(title)}</h1><p class="note">{html.escape(subtitle)}</p>{box}{"".join(sections)}'
        '<p class="note">Made by MedFusion, a research tool. Not a medical device; '
        "every result must be checked by a qualified person.</p></body></html>\n"
    )


def section(title: str, *parts: str) -> str:
    """Return a section with a heading."""
    return f"<section><h2>{html.escape(title)}</h2>{''.join(parts)}</section>"


def paragraph(text: str) -> str:
    """Return a paragraph."""
    return f"<p>{html.escape(text)}</p>"


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Return a table; numbers are set to the right."""
    numeric = [all(isinstance(row[column], (int, float)) for row in rows) for column in range(len(header))]
    head = "".join(_cell("th", name, number) for name, number in zip(header, numeric, strict=True))
    body = "".join(
        "<tr>" + "".join(_cell("td", value, number) for value, number in zip(row, numeric, strict=True)) + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _cell(tag: str, value: object, isNumber: bool) -> str:
    text = f"{value:.3g}" if isinstance(value, float) and abs(value) < 100 else None
    text = text or (f"{value:.1f}" if isinstance(value, float) else str(value))
    return f"<{tag}{' class=number' if isNumber else ''}>{html.escape(text)}</{tag}>"


def figures(*items: Figure) -> str:
    """Return pictures with captions, three in a row."""
    cells = "".join(
        f'<figure><img src="{pngDataUri(item.picture)}" alt="{html.escape(item.caption)}">'
        f"<figcaption>{html.escape(item.caption)}</figcaption></figure>"
        for item in items
    )
    return f'<div class="pictures">{cells}</div>'
