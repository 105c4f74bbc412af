"""Landmarks of tables: CSV and TSV with a header, as Slicer's Markups module exports them, and Slicer's old .fcsv."""

import csv
import re
from dataclasses import dataclass
from pathlib import Path

from ..Images.Coordinates import CoordinateSystem
from .LandmarkFile import (
    GivenLandmark,
    LandmarkFile,
    landmarkFile,
    parsedCoordinateSystem,
    requiredCoordinateSystem,
)
from .TextFile import readText
from .Units import millimetersPer

_SYSTEM = re.compile(r"^[#\s]*coordinate ?_?system\s*[=:,\t]\s*([^,;\t\r\n]+)", re.IGNORECASE)
_UNITS = re.compile(r"^[#\s]*(?:coordinate ?_?)?units?\s*[=:,\t]\s*([^,;\t\r\n]+)", re.IGNORECASE)
_COLUMNS = re.compile(r"^#\s*columns\s*=\s*(.*)$", re.IGNORECASE)
_AXIS = re.compile(r"^([xyzrlaps])(?:[ _.\-]*[\[(]?\s*(ras|lps)?[ ,_]*(mm|cm|m|um)?\s*[\])]?)$", re.IGNORECASE)
_NAMES = ("label", "name", "landmark", "point", "id")
_AXES = {CoordinateSystem.ras: ("r", "a", "s"), CoordinateSystem.lps: ("l", "p", "s")}
_FALSE = ("0", "false", "no")


@dataclass(frozen=True)
class _Header:
    """Which column holds what, and what the header says of axes and unit."""

    columns: dict[str, int]
    axes: tuple[int, int, int]
    coordinateSystem: CoordinateSystem | None
    unit: str | None


def readLandmarkTable(path: Path, coordinateSystem: CoordinateSystem | None = None) -> LandmarkFile:
    """Return the landmarks of a table with a header that names a label (or name) and x, y, z (or r, a, s; l, p, s).

    :param coordinateSystem: for a file that does not say its own.
    """
    said, unit, names, lines = _split(path, readText(path))
    delimiter = _delimiter(names if names else lines[0] if lines else "")
    header = _header(path, _fields(names, delimiter) if names else _fields(lines.pop(0) if lines else "", delimiter))
    system = requiredCoordinateSystem(said or header.coordinateSystem, coordinateSystem, path)
    if said and header.coordinateSystem and said is not header.coordinateSystem:
        raise ValueError(f"{path} says {said.value} at its top and {header.coordinateSystem.value} in its columns.")
    millimeters = millimetersPer(unit or header.unit or "mm", path)
    rows = [_fields(line, delimiter) for line in lines]
    landmarks = [_landmark(path, number, row, header, delimiter) for number, row in enumerate(rows, 1) if any(row)]
    if not landmarks:
        raise ValueError(f"{path} holds no point below its header.")
    return landmarkFile(path, landmarks, system, millimeters)


def _split(path: Path, text: str) -> tuple[CoordinateSystem | None, str | None, str, list[str]]:
    """Return what the comments say of axes, unit and columns, and the lines that are no comments."""
    lines: list[str] = []
    said, unit, names = None, None, ""
    for line in text.splitlines():
        isComment = line.lstrip().startswith("#")
        if (isComment or not lines) and (match := _SYSTEM.match(line)):
            said = parsedCoordinateSystem(match[1], path)
        elif (isComment or not lines) and (match := _UNITS.match(line)):
            unit = match[1]
        elif isComment and (match := _COLUMNS.match(line)):
            names = match[1]
        elif line.strip() and not isComment:
            lines.append(line)
    return said, unit, names, lines


def _delimiter(header: str) -> str:
    return next((character for character in ("\t", ";") if character in header), ",")


def _fields(line: str, delimiter: str) -> list[str]:
    try:
        return [field.strip() for field in next(csv.reader([line], delimiter=delimiter), [])]
    except csv.Error:
        return [field.strip() for field in line.split(delimiter)]


def _header(path: Path, names: list[str]) -> _Header:
    columns: dict[str, int] = {}
    axes: dict[str, int] = {}
    systems, units = set(), set()
    for index, name in enumerate(names):
        match = _AXIS.match(name)
        if match is None:
            columns.setdefault(name.lower(), index)
            continue
        axes.setdefault(match[1].lower(), index)
        systems |= {match[2].upper()} if match[2] else set()
        units |= {match[3]} if match[3] else set()
    for system, letters in _AXES.items():
        if set(letters) <= axes.keys():
            found, said = letters, system
            break
    else:
        found, said = ("x", "y", "z"), None
    if not set(found) <= axes.keys():
        raise ValueError(
            f"{path} is not a table of landmarks: its first line ({', '.join(names)[:60]}) must name the columns, such "
            "as name, x, y, z."
        )
    if len(systems) > 1 or len(units) > 1:
        raise ValueError(f"{path} names columns of different axes or units: {', '.join(names)[:60]}.")
    if systems:
        said = CoordinateSystem(systems.pop())
    first, second, third = (axes[letter] for letter in found)
    return _Header(columns, (first, second, third), said, units.pop() if units else None)


def _landmark(path: Path, number: int, row: list[str], header: _Header, delimiter: str) -> GivenLandmark:
    if len(row) <= max(header.axes):
        raise ValueError(f"Row {number} of {path} has {len(row)} of {max(header.axes) + 1} columns; complete it.")

    def text(*names: str, default: str = "") -> str:
        index = next((header.columns[name] for name in names if name in header.columns), None)
        return row[index] if index is not None and index < len(row) else default

    given = tuple(row[index] for index in header.axes)
    if delimiter != ",":  # a comma can be the decimal sign then
        given = tuple(value.replace(",", ".") for value in given)
    isDefined = text("defined", default="1").lower() not in _FALSE and any(given)
    flags = (text("selected", "sel", default="1"), text("visible", "vis", default="1"))
    isUsed = isDefined and all(flag.lower() not in _FALSE for flag in flags)
    label = text(*_NAMES)
    return GivenLandmark(label, given if isDefined else (), isUsed, text("description", "desc"))
