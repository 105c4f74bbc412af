"""medfusion inspect: what DICOM series or volume is at a path."""

import argparse
from pathlib import Path

from ..Core.Images.Grids import directionOf
from ..Core.Images.ValueJudgment import judgeImage
from ..Core.Inputs.VolumeFiles import isDicomPath, readAnyOrientation


def addArguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand."""
    parser.add_argument("path", metavar="PATH", help="a DICOM folder or file, or a volume file")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> None:
    """Print what is there, series by series."""
    path = Path(arguments.path)
    if path.exists() and not isDicomPath(path):
        print(_describeFile(path))
        return
    from ..Core.Dicom.Inspection import inspectPath

    print(inspectPath(path))


def _describeFile(path: Path) -> str:
    from ..Core.Dicom.Inspection import orientationText

    volume = readAnyOrientation(path)
    image = volume.image
    size, spacing = image.GetSize(), image.GetSpacing()
    judged = judgeImage(image)
    unknown = volume.unknownOrientation
    plane = orientationText(directionOf(image)[:, 2])
    rows = [
        ("Matrix", " x ".join(map(str, size))),
        ("Spacing", " x ".join(f"{value:.4g}" for value in spacing) + " mm"),
        ("Extent", " x ".join(f"{n * value:.4g}" for n, value in zip(size, spacing, strict=True)) + " mm"),
        ("Orientation", f"unknown, left and right included: {unknown}" if unknown else plane),
        ("Values", f"{image.GetPixelIDTypeAsString()}, {judged.kind.value} ({judged.reason})"),
    ]
    lines = [f"  {name:<19}{value}" for name, value in rows]
    return "\n".join([path.name, *lines, *(f"  Warning: {warning}" for warning in volume.warnings)])
