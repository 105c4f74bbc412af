"""Landmarks of Slicer's markups files (.mrk.json).

They are read here and not by Slicer, whose reader ends the whole process at some damaged files and takes a coordinate
system that it does not know for RAS.
"""

import json
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

_TEXTS = ("id", "label", "description", "associatedNodeID", "positionStatus")
_FLAGS = ("selected", "locked", "visibility")
_ADVICE = "save the landmarks in Slicer as .mrk.json and give that file"


def readMarkupsFile(path: Path, coordinateSystem: CoordinateSystem | None = None) -> LandmarkFile:
    """Return the first list of points of a .mrk.json file.

    :param coordinateSystem: for a file that does not say its own.
    """
    markup = _firstPointList(path, _markupsOf(path))
    said = markup.get("coordinateSystem")
    if said is not None:
        said = parsedCoordinateSystem(str(said), path)
    unit = markup.get("coordinateUnits")
    unit = unit[0] if isinstance(unit, list) and unit else unit  # a code, its scheme and its meaning
    millimeters = 1.0 if unit is None else millimetersPer(str(unit), path)
    landmarks = []
    for number, point in enumerate(markup.get("controlPoints", []), start=1):
        problem = _problemOf(point)
        if problem:
            raise ValueError(f"Control point {number} of {path} {problem}; place it again in Slicer.")
        landmarks.append(_landmark(point))
    return landmarkFile(path, landmarks, requiredCoordinateSystem(said, coordinateSystem, path), millimeters)


def _markupsOf(path: Path) -> list[dict]:
    try:
        document = json.loads(readText(path))
    except RecursionError as error:
        raise ValueError(f"{path} is not a Slicer markups file: it is not JSON; {_ADVICE}.") from error
    except json.JSONDecodeError as error:
        raise ValueError(f"{path} is not a Slicer markups file: it is not JSON; {_ADVICE}.") from error
    markups = document.get("markups") if isinstance(document, dict) else None
    if not isinstance(markups, list) or not markups or not all(isinstance(item, dict) for item in markups):
        raise ValueError(f"{path} is not a Slicer markups file: it has no list of markups; {_ADVICE}.")
    return markups


def _firstPointList(path: Path, markups: list[dict]) -> dict:
    markup = next((item for item in markups if item.get("type", "Fiducial") == "Fiducial"), None)
    if markup is None:
        kinds = ", ".join(sorted({str(item.get("type")).lower() for item in markups}))
        raise ValueError(f"{path} holds a {kinds} and no list of points; {_ADVICE}.")
    if not isinstance(markup.get("controlPoints", []), list):
        raise ValueError(f"{path} is not a Slicer markups file: its control points are not a list; {_ADVICE}.")
    return markup


def _landmark(point: dict) -> GivenLandmark:
    position = point.get("position")
    given: tuple[str, ...] = ()
    if isinstance(position, list) and point.get("positionStatus", "defined") == "defined":
        given = tuple(repr(value) for value in position)
    isUsed = bool(given) and point.get("selected", True) and point.get("visibility", True)
    return GivenLandmark(point.get("label", ""), given, isUsed, point.get("description", ""))


def _problemOf(point: object) -> str:
    if not isinstance(point, dict):
        return "is empty"
    for name, count in (("position", 3), ("orientation", 9)):
        values = point.get(name)
        if values is None or values == "":  # what Slicer writes for a point that is not placed
            continue
        isList = isinstance(values, list) and len(values) == count
        if not isList or not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
            return f"has a {name} that is not {count} numbers"
    if not all(isinstance(point.get(name, ""), str) for name in _TEXTS):
        return "has a label or description that is not text"
    if not all(isinstance(point.get(name, True), bool) for name in _FLAGS):
        return "has a flag that is neither true nor false"
    return ""
