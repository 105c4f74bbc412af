"""Landmarks of pictures: a table of names with the column and row of a pixel, counted from 0 at the top left."""

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from .TextFile import readText

_COLUMNS, _ROWS, _NAMES = ("x", "column", "col", "i"), ("y", "row", "j"), ("name", "label", "landmark", "point", "id")


def readPixelLandmarks(path: str | Path) -> dict[str, np.ndarray]:
    """Return the points (column, row) of a CSV or TSV file by their names.

    :raises ValueError: when it is missing, damaged, or names a point twice.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no landmark file {path}.")
    lines = [line for line in readText(path).splitlines() if line.strip() and not line.startswith("#")]
    delimiter = next((sign for sign in "\t;" if lines and sign in lines[0]), ",")
    rows = [[field.strip() for field in row] for row in csv.reader(lines, delimiter=delimiter)]
    header = [field.lower() for field in rows[0]] if rows else []
    kinds = (_NAMES, _COLUMNS, _ROWS)
    found = [header.index(name) for names in kinds for name in [n for n in names if n in header][:1]]
    if len(found) != len(kinds):
        raise ValueError(f"{path} is not a table of pixels: its first line must name the columns, such as name, x, y.")
    points: dict[str, np.ndarray] = {}
    for number, row in enumerate(rows[1:], start=1):
        try:
            name, x, y = (row[index] for index in found)
            point = np.array([float(x), float(y)])
        except (IndexError, ValueError):
            text = delimiter.join(row)[:60]
            raise ValueError(f"Row {number} of {path} ({text}) is not a name with a column and a row.") from None
        if not np.isfinite(point).all() or name in points or not name:
            raise ValueError(f"Row {number} of {path} has no name of its own, or a position that is not a pixel.")
        points[name] = point
    return points


def pairedPixels(
    fixed: Mapping[str, np.ndarray], moving: Mapping[str, np.ndarray]
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Return the names that both lists have, and the points (N, 2) of each.

    :raises ValueError: where there is none.
    """
    names = [name for name in fixed if name in moving]
    if not names:
        raise ValueError(f"No name of one list ({', '.join(fixed)}) is in the other ({', '.join(moving)}).")
    return names, np.array([fixed[name] for name in names]), np.array([moving[name] for name in names])
