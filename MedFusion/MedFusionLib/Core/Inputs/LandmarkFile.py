"""Landmark lists of any kind of file, as named points in LPS millimeters: .mrk.json, .fcsv, CSV and TSV."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..Images.Coordinates import CoordinateSystem, flipPoints

LANDMARK_SUFFIXES = (".mrk.json", ".json", ".fcsv", ".csv", ".tsv", ".txt")
_SMALLEST_EXTENT_MM = 0.5  # a head in meters spans less, any stroke spans more
# By what a rigid fit needs.
_FEWEST_POINTS = 3


@dataclass(frozen=True)
class GivenLandmark:
    """Hold one landmark as a file gives it.

    :param given: its coordinates as they are written there, () for one that is not placed.
    :param isUsed: False for landmarks that are unset, hidden or switched off.
    """

    label: str
    given: tuple[str, ...]
    isUsed: bool = True
    description: str = ""


@dataclass(frozen=True, eq=False)
class LandmarkFile:
    """Hold the landmarks of a file.

    :param points: shape (N, 3), LPS millimeters, NaN in rows of landmarks that are not placed.
    :param notes: what the reader had to assume or to convert.
    """

    landmarks: tuple[GivenLandmark, ...]
    points: np.ndarray
    coordinateSystem: CoordinateSystem
    notes: tuple[str, ...] = ()


def readLandmarkFile(path: str | Path, coordinateSystem: CoordinateSystem | None = None) -> LandmarkFile:
    """Return the landmarks of a file.

    :param coordinateSystem: for files that do not say theirs.
    :raises ValueError: when it is missing, damaged, or does not tell what its numbers mean.
    """
    from .LandmarkTable import readLandmarkTable  # they build what is defined here
    from .MarkupsFile import readMarkupsFile

    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no landmark file {path}.")
    isTable = path.name.lower().endswith((".csv", ".tsv", ".txt", ".fcsv"))
    return (readLandmarkTable if isTable else readMarkupsFile)(path, coordinateSystem)


def parsedCoordinateSystem(text: str, path: Path) -> CoordinateSystem:
    """Return the coordinate system that a file names; 0 and 1 are what Slicer before 4.11 wrote.

    :raises ValueError: where it is neither RAS nor LPS.
    """
    name = text.strip().strip("\"'").upper()
    known = {"RAS": CoordinateSystem.ras, "0": CoordinateSystem.ras}
    known |= {"LPS": CoordinateSystem.lps, "1": CoordinateSystem.lps}
    if name not in known:
        raise ValueError(
            f'{path} says coordinate system "{text.strip()}", which is neither RAS nor LPS, so left and right are '
            "unknown; export the points again in RAS or LPS."
        )
    return known[name]


def requiredCoordinateSystem(
    said: CoordinateSystem | None, assumed: CoordinateSystem | None, path: Path
) -> CoordinateSystem:
    """Return what a file says of its axes, or what the user says where the file does not.

    :raises ValueError: where nobody says it, or both do and differ.
    """
    if said is not None and assumed is not None and said is not assumed:
        raise ValueError(
            f"{path} says that its points are {said.value}, but --landmark-axes {assumed.value} was given; "
            "leave that option out or correct the file."
        )
    found = said or assumed
    if found is None:
        raise ValueError(
            f"{path} does not say whether its points are RAS or LPS; name the columns r, a, s or l, p, s, write the "
            "line '# CoordinateSystem = LPS' at its top, or add --landmark-axes RAS or LPS."
        )
    return found


def landmarkFile(
    path: Path,
    landmarks: Sequence[GivenLandmark],
    coordinateSystem: CoordinateSystem,
    millimeters: float = 1.0,
    notes: Sequence[str] = (),
) -> LandmarkFile:
    """Return landmarks with their points in LPS millimeters.

    :param millimeters: how many a unit of the given numbers has.
    :raises ValueError: for a coordinate that is no finite number or lies farther away than any scanner reaches.
    """
    points = np.full((len(landmarks), 3), np.nan)
    for index, landmark in enumerate(landmarks):
        if landmark.given:
            points[index] = [_number(text) * millimeters for text in landmark.given]
            if not np.all(np.abs(points[index]) < 1e6):
                raise ValueError(
                    f'Control point {index + 1} of {path}, "{landmark.label}", has the position '
                    f"{quotedPoint(landmark, coordinateSystem)}, which is not a position; place it again."
                )
        elif landmark.isUsed:
            raise ValueError(f'Control point {index + 1} of {path}, "{landmark.label}", has no position; place it.')
    used = points[[landmark.isUsed for landmark in landmarks]]
    extent = float(np.linalg.norm(np.ptp(used, axis=0))) if len(used) >= _FEWEST_POINTS else np.inf
    if extent < _SMALLEST_EXTENT_MM:
        raise ValueError(
            f"The {len(used)} points of {path} lie within {extent:.2g} mm of each other, which no landmarks of a head "
            "do; are they in meters? Export them in millimeters."
        )
    if millimeters != 1:
        notes = [*notes, f"{path.name}: its points were converted to millimeters (1 unit is {millimeters:g} mm)."]
    points = flipPoints(points) if coordinateSystem is CoordinateSystem.ras else points
    return LandmarkFile(tuple(landmarks), points, coordinateSystem, tuple(notes))


def quotedPoint(landmark: GivenLandmark, coordinateSystem: CoordinateSystem) -> str:
    """Return a landmark's coordinates as the user wrote them, with their axes."""
    return f"({', '.join(landmark.given)}) {coordinateSystem.value}"


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
