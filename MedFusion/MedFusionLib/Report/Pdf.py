"""A report's files: its page, and the same as PDF, drawn by WeasyPrint where that is installed."""

import contextlib
import io
import logging
import os
from pathlib import Path
from types import ModuleType

from ..Core.Results import FileNames


def checkPdfRenderer() -> None:
    """Raise ValueError with what to install if no PDF can be made here."""
    _renderer()


def writePdf(path: Path, html: str) -> None:
    """Write a page made by `Page.page` as PDF. It holds no time, and nothing about this computer.

    Nothing is fetched, for the page has its pictures inside.
    """
    renderer = _renderer()
    inside = renderer.urls.URLFetcher(allowed_protocols=("data",))
    renderer.HTML(string=html, url_fetcher=inside).write_pdf(path)


def _renderer() -> ModuleType:
    # WeasyPrint prints a notice where a library is missing; the user gets one sentence instead.
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            import weasyprint
    except ImportError as error:
        raise ValueError(
            "A PDF needs WeasyPrint, which is not installed; install it (pip install weasyprint), or leave out --pdf "
            "and print report.html from a browser."
        ) from error
    except OSError as error:
        raise ValueError(
            "A PDF needs the system library Pango, which WeasyPrint cannot find; install it (on Debian and Ubuntu: "
            "apt install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0), or leave out --pdf and print "
            "report.html from a browser."
        ) from error
    # Without HarfBuzz's subsetter fontTools writes the time into the fonts, unless this says another one.
    os.environ.setdefault("SOURCE_DATE_EPOCH", "0")
    # It warns of every style that is for browsers only.
    for name in ("weasyprint", "fontTools"):
        logging.getLogger(name).setLevel(logging.ERROR)
    return weasyprint


def writeReport(folder: Path, html: str, withPdf: bool) -> None:
    """Write a report's page, and the same as PDF where it is wanted, into an existing folder."""
    (folder / FileNames.REPORT).write_text(html, encoding="utf-8")
    if withPdf:
        writePdf(folder / FileNames.PDF_REPORT, html)
