"""Reading the PDF that tests write, without a library for it."""

import re
import unittest
import zlib
from pathlib import Path

from MedFusionLib.Report.Pdf import checkPdfRenderer


def skipWithoutPdf() -> None:
    """Skip the test where no PDF can be made, saying what is missing."""
    try:
        checkPdfRenderer()
    except ValueError as error:
        raise unittest.SkipTest(str(error)) from error


def pageTexts(path: Path) -> list[str]:
    """Return the text of each page, once for each font as if all of it were set in that font."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", path.read_bytes(), re.DOTALL)
    contents = [zlib.decompressobj().decompress(stream).decode("latin-1") for stream in streams if stream[:1] == b"x"]
    fonts = [
        {glyph: bytes.fromhex(text).decode("utf-16-be") for glyph, text in re.findall(r"<(\w+)> <(\w+)>\n", content)}
        for content in contents
        if "beginbfchar" in content
    ]
    return [
        "\n".join(
            "".join(font.get(glyph, "") for glyph in re.findall(r"<(\w{4})>", line))
            for font in fonts
            for line in re.findall(r"\[(.*?)\] TJ", content)
        )
        for content in contents
        if "] TJ" in content
    ]
