"""medfusion register and run for pictures: landmarks in pixels, a fit in the plane, and what follows from it."""

import argparse
from dataclasses import replace
from pathlib import Path

from ..Core.Results import FileNames
from ..Core.Results.MeasurementsFile import measurementsText
from ..Core.Results.Output import outputFolder
from ..Core.Results.PictureDocument import PictureDocument
from ..Core.Results.PictureSteps import outlineSlice, withSteps
from ..Core.Tumor.TumorSegmentation import TumorResult
from ..Report.Pdf import checkPdfRenderer
from ..Scene.PictureFolder import writePictureFolder
from ..Scene.Session import Session
from .Fuse import fusionSettings
from .Pictures import alignedPictures, pictureMethod, pictureSummary, pointedPixels, refuseForPictures
from .Terminal import StepProgress, warn

_NOT_FOR_REGISTERING = ("auto", "refine", "transform", "targets", "series", "assume_orientation", "spacing")
_NOT_FOR_REGISTERING += ("tre_map", "bound_map", "landmark_axes")
_NOT_FOR_RUNS = (*_NOT_FOR_REGISTERING, "more", "fuse_with", "tumor", "tumor_frame", "threshold", "foreground")
_NOT_FOR_RUNS += ("background", "sequence", "model_path", "channel", "dicom", "error_margin", "lps")


def registerPictures(arguments: argparse.Namespace, inputs: dict[str, str]) -> None:
    """Register two pictures by their landmarks and write the folder."""
    refuseForPictures(arguments, _NOT_FOR_REGISTERING)
    if arguments.grid != "ct":
        raise ValueError("Pictures have no use for --grid mri; exchange the two pictures instead.")
    with outputFolder(arguments.output, arguments.force, inputs.values()) as folder, Session(folder) as session:
        document = alignedPictures(arguments, inputs)
        writePictureFolder(folder, session.scene, document)
    _say(document, arguments)


def runPictures(arguments: argparse.Namespace, inputs: dict[str, str], leftOut: tuple[str, ...]) -> None:
    """Register, fuse, outline and measure two pictures and write the result folder.

    :param leftOut: names of files that are not wanted.
    """
    refuseForPictures(arguments, _NOT_FOR_RUNS)
    if arguments.pdf:
        checkPdfRenderer()
    settings, pointed = fusionSettings(arguments), pointedPixels(arguments)
    method = pictureMethod(arguments, pointed)
    withScene = FileNames.SCENE not in leftOut
    with (
        outputFolder(arguments.output, arguments.force, inputs.values()) as folder,
        Session(folder) as session,
        StepProgress() as progress,
    ):
        progress.step("Register")
        document = alignedPictures(arguments, inputs)
        tumor: TumorResult | None = None
        if method is not None:
            progress.step("Outline")
            tumor = outlineSlice(document.registered, pointed, method, arguments.pixel, progress)
        document = replace(
            document,
            parameters={
                **document.parameters,
                "fusion": settings.usedSettings(),
                **({} if method is None else {"tumor": {"method": method.value, **pointed.recipe()}}),
            },
        )
        document = withSteps(document, settings, tumor, arguments.full, progress.step("Fuse and measure"))
        progress.step("Write")
        writePictureFolder(folder, session.scene, document, arguments.full, arguments.pdf, withScene)
        for name in leftOut:
            (folder / name).unlink(missing_ok=True)
    _say(document, arguments)
    if not arguments.json:
        print(f"Report: {Path(arguments.output) / FileNames.REPORT}")


def _say(document: PictureDocument, arguments: argparse.Namespace) -> None:
    warn(list(document.warnings))
    print(measurementsText(document.measurements()) if arguments.json else pictureSummary(document) + "\n", end="")
