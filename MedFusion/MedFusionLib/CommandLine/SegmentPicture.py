"""medfusion segment for a picture: the tumor outlined and measured in one slice."""

import argparse
from contextlib import ExitStack
from pathlib import Path

import SimpleITK as sitk

from ..Core.Inputs.VolumeFiles import volumeName
from ..Core.Results.FileFormats import OutputFormat, isSegmentationFile
from ..Core.Results.Output import outputFile
from ..Core.Results.PictureSteps import outlineSlice
from ..Core.Tumor.PlaneMeasurements import measureInPlane
from ..Report.PictureReport import grayOf
from ..Report.Pictures import OUTLINE_COLOR, withOutline
from ..Scene.NodeFiles import addVolume, saveNode
from ..Scene.Session import Session
from ..Scene.TumorSegmentationLogic import TumorSegmentationLogic
from .Pictures import pictureMethod, pointedPixels, readPicture, refuseForPictures, tumorLines
from .Terminal import StepProgress, warn

_NOT_FOR_PICTURES = ("more", "series", "assume_orientation", "ct", "keep_cavity", "mask", "correct", "threshold")
_NOT_FOR_PICTURES += ("foreground", "background", "sequence", "model_path", "channel", "lps")


def segmentPicture(arguments: argparse.Namespace) -> None:
    """Outline, measure and write the segmentation, and the picture with the outline as PNG beside it."""
    refuseForPictures(arguments, _NOT_FOR_PICTURES)
    OutputFormat.labelMap.check(arguments.output)
    pointed = pointedPixels(arguments)
    method = pictureMethod(arguments, pointed)
    if method is None:
        raise ValueError("In a picture draw a line along the tumor (--line) or click on it (--tumor-seed), in pixels.")
    drawn = Path(arguments.output).with_name(f"{_stem(arguments.output)}.png")
    with ExitStack() as stack:
        path, picturePath = (
            stack.enter_context(outputFile(target, arguments.force, [arguments.volume]))
            for target in (arguments.output, drawn)
        )
        session, progress = stack.enter_context(Session()), stack.enter_context(StepProgress())
        progress.step("Load")
        picture = readPicture(arguments.volume, arguments.pixel)
        tumor = outlineSlice(picture, pointed, method, arguments.pixel, progress.step("Outline"))
        progress.step("Measure and write")
        measured = measureInPlane(tumor.labelImage, {}, arguments.pixel)
        if isSegmentationFile(path):
            node = addVolume(session.scene, picture, volumeName(arguments.volume))
            saveNode(TumorSegmentationLogic(session.scene).show(tumor, node), path)
        else:
            sitk.WriteImage(tumor.labelImage, str(path), useCompression=True)
        mask = sitk.GetArrayFromImage(tumor.labelImage)[0] != 0
        outlined = withOutline(grayOf(picture), mask, OUTLINE_COLOR)
        sitk.WriteImage(sitk.GetImageFromArray(outlined, isVector=True), str(picturePath))
    unknown = "The size of a pixel is unknown, so lengths are in pixels; --pixel MM gives it."
    warn([*tumor.warnings, *([unknown] if arguments.pixel is None else [])])
    print("\n".join(tumorLines(measured.measurements() | tumor.verdict.measurements(), arguments.pixel)))
    print(f"Picture: {drawn}")


def _stem(path: str) -> str:
    name = Path(path).name
    return volumeName(name) or name
