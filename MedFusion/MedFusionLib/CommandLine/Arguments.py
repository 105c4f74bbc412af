"""Arguments that several subcommands share."""

import argparse
import math
import re
from pathlib import Path

import numpy as np

from ..Core.Images.Coordinates import CoordinateSystem, flipPoints
from ..Core.Inputs.VolumeFiles import fileChecksum

_COORDINATES = re.compile(r"^-[0-9.]+([eE][-+]?[0-9]+)?(,[-+0-9.eE]+)+$")


def joinNegativeCoordinates(arguments: list[str]) -> list[str]:
    """Return the arguments with "--option -1,2,3" as "--option=-1,2,3", which argparse would take for an option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and joined[-1].startswith("--") and "=" not in joined[-1] and _COORDINATES.match(argument):
            joined[-1] += "=" + argument
        else:
            joined.append(argument)
    return joined


def coordinates(count: int):
    """Return an argparse type for points: "X,Y,Z" for count 1, "X,Y,Z,X,Y,Z" for count 2; of pictures without Z."""

    def parse(text: str) -> np.ndarray:
        try:
            values = [float(part) for part in text.split(",")]
        except ValueError:
            values = []
        if len(values) not in (2 * count, 3 * count) or not all(map(math.isfinite, values)):
            wanted = ",".join(["X,Y,Z"] * count)
            raise argparse.ArgumentTypeError(f"'{text}' is not {wanted} in millimeters, such as 12.5,-30,48")
        return np.reshape(values, (count, len(values) // count))

    return parse


def worldPoints(points: np.ndarray | None, arguments: argparse.Namespace) -> np.ndarray | None:
    """Return points of the command line as LPS millimeters.

    :raises ValueError: for points of pictures.
    """
    if points is None:
        return None
    if points.shape[1] != 3:
        raise ValueError(
            f"{','.join(f'{value:g}' for value in points[0])} is a point of a picture; in a volume points are X,Y,Z in "
            "millimeters."
        )
    return points if arguments.lps else flipPoints(points)


def addOutput(parser: argparse.ArgumentParser, metavar: str, help: str) -> None:
    """Add --output and --force."""
    parser.add_argument("--output", required=True, metavar=metavar, help=help)
    parser.add_argument("--force", action="store_true", help="replace an existing output")


def addThreshold(parser: argparse.ArgumentParser) -> None:
    """Add --threshold."""
    parser.add_argument(
        "--threshold",
        type=float,
        metavar="VALUE",
        help="smallest value that counts as inside in a probability map; without it such maps are refused",
    )


def addReport(parser: argparse.ArgumentParser) -> None:
    """Add --pdf and --full."""
    parser.add_argument("--pdf", action="store_true", help="write the report as report.pdf, too; needs WeasyPrint")
    parser.add_argument("--full", action="store_true", help="fold nothing away in the report; include all scores")


def addLandmarks(parser: argparse.ArgumentParser, required: bool = True) -> None:
    """Add the two landmark files."""
    for name, volume in (("ct", "CT"), ("mri", "MRI")):
        parser.add_argument(
            f"--{name}-landmarks",
            required=required,
            metavar="FILE",
            help=f"landmarks placed in the {volume}: .mrk.json or .fcsv of Slicer, or a CSV or TSV table with the "
            "columns name, x, y, z",
        )
    parser.add_argument(
        "--landmark-axes",
        choices=[system.value for system in CoordinateSystem],
        help="axes of landmark tables that do not state them; columns named r, a, s or l, p, s do",
    )


def addTumorPoints(parser: argparse.ArgumentParser) -> None:
    """Add the points that show where the tumor is."""
    parser.add_argument(
        "--tumor-seed",
        type=coordinates(1),
        action="append",
        metavar="X,Y,Z",
        help="a point inside the tumor, RAS millimeters; again for a further lesion; in pictures COLUMN,ROW in pixels",
    )
    parser.add_argument(
        "--line",
        type=coordinates(2),
        action="append",
        metavar="X,Y,Z,X,Y,Z",
        help="both ends of the tumor's longest diameter, RAS millimeters; again for a further lesion; in pictures "
        "COLUMN,ROW,COLUMN,ROW in pixels (of the CT's picture, on which the registered MRI lies)",
    )
    parser.add_argument("--lps", action="store_true", help="coordinates given here are LPS instead of RAS")


# Where things lie and are written does not belong to what a result was made from; inputs are known by their content.
_NOT_RECORDED = (
    *("command", "execute", "output", "force", "ct", "mri", "more", "ct_landmarks", "mri_landmarks"),
    *("quiet", "verbose", "threads", "json", "no_scene", "keep"),
)


def recordedOptions(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the options that a command was given, by name, as strings for the reader of a result.

    A file is known by its name and the beginning of its SHA-256, a folder by its name and that of what is in it.
    """
    given = {name: value for name, value in vars(arguments).items() if name not in _NOT_RECORDED}
    return {
        name: "; ".join(map(_recorded, value)) if isinstance(value, list) else _recorded(value)
        for name, value in sorted(given.items())
        if value is not None and value is not False and not (isinstance(value, list | tuple) and not value)
    }


def _recorded(value: object) -> str:
    if isinstance(value, np.ndarray):
        return ",".join(f"{number:.6g}" for number in value.ravel())
    if isinstance(value, tuple):
        return ",".join(map(_recorded, value))
    path = Path(value) if isinstance(value, str) and value else None
    if path is not None and path.is_file():
        return f"{path.name} ({fileChecksum(path)[:12]})"
    if path is not None and path.is_dir():
        return f"{path.name} ({fileChecksum(*sorted(file for file in path.rglob('*') if file.is_file()))[:12]})"
    return str(value)
