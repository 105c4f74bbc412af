"""Text that a user gives, in whichever encoding the program that wrote it chose."""

import codecs
from pathlib import Path

# Chosen far above any list of points, so that a volume given by mistake is not read as text.
_LONGEST_BYTES = 50_000_000
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def readText(path: Path) -> str:
    """Return the text of a file in UTF-8, UTF-16 or UTF-32, whether or not it begins with a byte order mark.

    :raises ValueError: when it cannot be read, is far too long for such a file, or is in none of them.
    """
    try:
        if path.stat().st_size > _LONGEST_BYTES:
            raise ValueError(f"{path} has {path.stat().st_size / 1e6:.0f} MB; give a list of points, not an image.")
        data = path.read_bytes()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error
    try:
        return data.decode(_encodingOf(data))
    except UnicodeError as error:
        raise ValueError(f"{path} is not text in UTF-8 or UTF-16; save it again as UTF-8.") from error


def _encodingOf(data: bytes) -> str:
    for mark, encoding in _MARKS:
        if data.startswith(mark):
            return encoding
    # Without a mark: text of these files is mostly ASCII, of which UTF-16 makes every second byte 0.
    low, high = data[0:200:2], data[1:200:2]
    if high and high.count(0) > 0.8 * len(high):
        return "utf-16-le"
    if low and low.count(0) > 0.8 * len(low):
        return "utf-16-be"
    return "utf-8"
