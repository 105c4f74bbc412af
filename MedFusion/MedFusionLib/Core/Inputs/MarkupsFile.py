"""Check a markups file before Slicer reads it: its reader ends the whole process at some damaged files."""

import json
from pathlib import Path

_TEXTS = ("id", "label", "description", "associatedNodeID", "positionStatus")
_FLAGS = ("selected", "locked", "visibility")


def checkMarkupsFile(path: str | Path) -> None:
    """Raise ValueError with a sentence if a .mrk.json file has not the structure of Slicer's markups schema."""
    path = Path(path)
    advice = "save the landmarks in Slicer as .mrk.json and give that file"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is not a Slicer markups file: it is no JSON; {advice}.") from error
    markups = document.get("markups") if isinstance(document, dict) else None
    if not isinstance(markups, list) or not markups or not all(isinstance(item, dict) for item in markups):
        raise ValueError(f"{path} is not a Slicer markups file: it has no list of markups; {advice}.")
    for markup in markups:
        points = markup.get("controlPoints", [])
        if not isinstance(points, list):
            raise ValueError(f"{path} is not a Slicer markups file: its control points are no list; {advice}.")
        for number, point in enumerate(points, start=1):
            problem = _problemOf(point)
            if problem:
                raise ValueError(f"Control point {number} of {path} {problem}; place it again in Slicer.")


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
        return "has a label or another text that is no text"
    if not all(isinstance(point.get(name, True), bool) for name in _FLAGS):
        return "has a flag that is neither true nor false"
    return ""
