"""Small pieces of rich text for the cards of the panel."""

import html
from collections.abc import Iterable


def warning(text: str) -> str:
    """Return a sentence as a warning."""
    return f"⚠ {html.escape(text, quote=False)}"


def paragraphs(lines: Iterable[str]) -> str:
    """Return rich-text lines one below the other."""
    return "<br>".join(lines)


def table(rows: Iterable[tuple[str, str]]) -> str:
    """Return names and values in two columns."""
    cells = "".join(
        f"<tr><td>{html.escape(name)}&nbsp;&nbsp;</td><td><b>{html.escape(value)}</b></td></tr>" for name, value in rows
    )
    return f"<table>{cells}</table>"
