"""What the commands do with pictures: single slices, points in pixels, and what volumes have and pictures have not."""

import argparse
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Core.Images.Resampling import Interpolation
from ..Core.Images.Transforms import TransformModel
from ..Core.Inputs.PixelLandmarks import readPixelLandmarks
from ..Core.Inputs.SliceFiles import readSlices
from ..Core.Inputs.VolumeFiles import volumeName
from ..Core.Results.PictureDocument import PictureDocument
from ..Core.Results.PictureSteps import PointedPixels, alignSlices, placedSlice
from ..Core.Results.Recipe import readFiles
from ..Core.Tumor.TumorSegmentation import SegmentationMethod


def addPixel(parser: argparse.ArgumentParser) -> None:
    """Add --pixel."""
    parser.add_argument(
        "--pixel",
        type=_pixel,
        metavar="MM",
        help="size of a pixel of pictures (.png, .jpg), in which points are columns and rows; unknown without it",
    )


def _pixel(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 100:
        raise argparse.ArgumentTypeError(f"'{text}' is not a pixel size in millimeters, such as 0.5")
    return value


def refuseForPictures(arguments: argparse.Namespace, names: Iterable[str]) -> None:
    """Raise ValueError for options that were given and that pictures have no use for.

    :param names: of the options, as the arguments have them.
    """
    given = [f"--{name.replace('_', '-')}" for name in names if getattr(arguments, name, None)]
    if given:
        raise ValueError(f"Pictures have no use for {', '.join(given)}; leave it out, or give volumes.")


def readPicture(path: str, pixelMm: float | None) -> sitk.Image:
    """Return a picture as one slice with square pixels."""
    return placedSlice(readSlices([path])[0], pixelMm)


def pointedPixels(arguments: argparse.Namespace) -> PointedPixels:
    """Return where the tumor was pointed at.

    :raises ValueError: for points in space.
    """
    for points in (*(arguments.tumor_seed or ()), *(arguments.line or ())):
        if points.shape[1] != 2:
            raise ValueError(
                f"{','.join(f'{value:g}' for value in points.ravel())} are points in space; in a picture points are "
                "COLUMN,ROW in pixels, counted from 0 at the top left."
            )
    return PointedPixels(
        None if arguments.line is None else np.stack(arguments.line),
        None if arguments.tumor_seed is None else np.concatenate(arguments.tumor_seed),
    )


def pictureMethod(arguments: argparse.Namespace, pointed: PointedPixels) -> SegmentationMethod | None:
    """Return how the tumor is outlined in a picture, None where nobody pointed at it or asked for it."""
    if arguments.method is not None:
        return arguments.method
    if pointed.lines is not None:
        return SegmentationMethod.line
    return None if pointed.seeds is None else SegmentationMethod.click


def alignedPictures(arguments: argparse.Namespace, inputs: dict[str, str]) -> PictureDocument:
    """Return a document of the two pictures, aligned by their landmarks."""
    if not (arguments.ct_landmarks and arguments.mri_landmarks):
        raise ValueError("Pictures are registered by landmarks alone: give --ct-landmarks and --mri-landmarks as CSV.")
    slices = readPicture(arguments.ct, arguments.pixel), readPicture(arguments.mri, arguments.pixel)
    landmarks = readPixelLandmarks(arguments.ct_landmarks), readPixelLandmarks(arguments.mri_landmarks)
    interpolation = Interpolation(arguments.interpolation)
    registration, registered, notes = alignSlices(
        slices, landmarks, TransformModel(arguments.model), arguments.pixel, interpolation
    )
    return PictureDocument(
        names=(volumeName(Path(arguments.ct)), volumeName(Path(arguments.mri))),
        fixed=slices[0],
        registered=registered,
        registration=registration,
        pixelMm=arguments.pixel,
        inputs=readFiles(inputs, {}),
        parameters={"registration": {"model": arguments.model, "interpolation": arguments.interpolation}},
        notes=notes,
    )


def pictureSummary(document: PictureDocument) -> str:
    """Return what a user wants to know first."""
    unit, factor = ("pixels", 1.0) if document.pixelMm is None else ("mm", document.pixelMm)
    fit = document.registration.fit
    parts = [f"{len(fit.residuals)} landmarks", f"FRE {fit.fre * factor:.2f} {unit}"]
    place, name = fit.center, "landmarks' center"
    if document.registration.target is not None:
        place, name = np.array(document.registration.target), "tumor"
    expected = fit.expectedError(place)
    if expected is not None:
        parts.append(f"expected TRE at the {name} {expected * factor:.2f} {unit}")
    lines = [f"Registration in the plane: {', '.join(parts)}"]
    if document.tumor is not None:
        lines += tumorLines(document.tumor.measurements(), document.pixelMm)
    return "\n".join(lines)


def tumorLines(tumor: dict, pixelMm: float | None) -> list[str]:
    """Return what is said of a tumor in a picture."""
    key, unit = ("px", "pixels") if pixelMm is None else ("mm", "mm")
    square = "px²" if pixelMm is None else "mm²"
    first = tumor["lesions"][0]
    where = f" in {tumor['lesion_count']} lesions" if tumor["lesion_count"] > 1 else ""
    return [
        f"Tumor: area {tumor[f'area_{key}2']:.0f} {square}{where}, longest diameter "
        f"{first[f'longest_diameter_{key}']:.1f} {unit}, across {first[f'perpendicular_diameter_{key}']:.1f} {unit}, "
        f"product {tumor[f'bidimensional_product_{key}2']:.0f} {square}",
        " ".join((f"Outline: {tumor['verdict']}.", *tumor["reasons"])),
    ]
