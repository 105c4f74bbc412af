"""medfusion segment: the tumor in a volume, outlined and measured."""

import argparse
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..Core.Inputs.SegmentationFiles import readMask, readSegmentation
from ..Core.Inputs.SliceFiles import isSlice
from ..Core.Inputs.VolumeFiles import volumeName
from ..Core.Results.FileFormats import OutputFormat, isSegmentationFile
from ..Core.Results.Output import outputFile
from ..Core.Tumor.MrSequence import MrSequence
from ..Core.Tumor.SearchMask import linesOutside
from ..Core.Tumor.TumorMeasurements import measureTumor
from ..Core.Tumor.TumorModels import ModelSettings
from ..Core.Tumor.TumorSegmentation import SegmentationMethod, SegmentationSettings, TumorInteraction
from .Arguments import addOutput, addThreshold, addTumorPoints, worldPoints
from .DicomInput import addIdentity, addOrientation, addSeries, checkBesideCt, checkIdentities, readVolumes
from .Pictures import addPixel
from .Terminal import StepProgress, warn
from .TumorSummary import tumorSummary

_METHODS = [method for method in SegmentationMethod if method is not SegmentationMethod.given]


def addArguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand."""
    parser.add_argument("volume", metavar="VOLUME", help="a file or a DICOM folder")
    parser.add_argument("more", nargs="*", metavar="MORE", help="more volumes of the patient in the same coordinates")
    addSeries(parser)
    addOrientation(parser)
    addIdentity(parser)
    parser.add_argument("--ct", metavar="CT", help="head CT in the same coordinates: the tumor lies inside its skull")
    parser.add_argument("--keep-cavity", action="store_true", help="write the inside of the skull as a segment, too")
    parser.add_argument("--mask", metavar="FILE", help="any segmentation of where the tumor can be, instead of --ct")
    parser.add_argument(
        "--correct",
        metavar="SEG",
        help="an outline that the strokes correct, keeping its parts and lesions; without strokes a T1c divides it",
    )
    addThreshold(parser)
    addSegmentationArguments(parser)
    addPixel(parser)
    addOutput(
        parser,
        "TUMOR",
        "file for the segmentation: .seg.nrrd, or a label map as .nrrd or .nii.gz; of a picture a PNG beside it, too",
    )
    parser.set_defaults(execute=execute)


def addSegmentationArguments(parser: argparse.ArgumentParser) -> None:
    """Add what shows where the tumor is and chooses how it is outlined."""
    parser.add_argument(
        "--method",
        type=SegmentationMethod,
        choices=_METHODS,
        metavar="|".join(method.value for method in _METHODS),
        help="how the tumor is outlined; if left out, what is given decides: line, click, strokes, model or automatic",
    )
    addTumorPoints(parser)
    for name, place in (("foreground", "on the tumor"), ("background", "beside it")):
        parser.add_argument(f"--{name}", metavar="FILE.mrk.json", help=f"points of strokes {place}, saved by Slicer")
    parser.add_argument(
        "--sequence",
        type=MrSequence,
        choices=list(MrSequence),
        action="append",
        metavar="|".join(sequence.value for sequence in MrSequence),
        help="the sequence of each volume, once for each in turn; if left out, headers and file names tell",
    )
    parser.add_argument("--model-path", metavar="PATH", help="nnU-Net v2 results folder, or .onnx file with a .json")
    parser.add_argument(
        "--channel",
        action="append",
        default=[],
        metavar="NAME=NUMBER",
        help="which volume (1 is the first) is a channel of the model",
    )


def segmentationOptions(arguments: argparse.Namespace) -> tuple[SegmentationSettings, TumorInteraction]:
    """Return how to outline and what was pointed at (world LPS millimeters), as the arguments describe it."""
    seeds, lines = (
        None if points is None else worldPoints(_together(points), arguments)
        for points in (arguments.tumor_seed, arguments.line)
    )
    foreground, background = (_strokePoints(path) for path in (arguments.foreground, arguments.background))
    interaction = TumorInteraction(
        seeds=seeds,
        lines=None if lines is None else lines.reshape(-1, 2, 3),
        foregroundPoints=foreground,
        backgroundPoints=background,
    )
    model = None
    if arguments.model_path is not None:
        model = ModelSettings(arguments.model_path, tuple(_channel(text) for text in arguments.channel))
    method = arguments.method or _methodFor(interaction, model, getattr(arguments, "correct", None) is not None)
    sequences = tuple(arguments.sequence or ())
    return SegmentationSettings(method=method, sequences=sequences, model=model), interaction


def _together(points: Sequence[np.ndarray]) -> np.ndarray:
    """Return points of several options in one array.

    :raises ValueError: where some are points of pictures and others not.
    """
    if len({part.shape[1] for part in points}) > 1:
        raise ValueError("Some points have three coordinates and some two; give X,Y,Z in millimeters for all.")
    return np.concatenate(points)


def _methodFor(interaction: TumorInteraction, model: ModelSettings | None, isCorrection: bool) -> SegmentationMethod:
    """Return the method that fits what was given."""
    if model is not None:
        return SegmentationMethod.model
    if interaction.lines is not None:
        return SegmentationMethod.line
    if interaction.seeds is not None:
        return SegmentationMethod.click
    if isCorrection or interaction.foregroundPoints is not None or interaction.backgroundPoints is not None:
        return SegmentationMethod.strokes
    return SegmentationMethod.automatic


def _channel(text: str) -> tuple[str, int]:
    """Return a channel's name and the index of its volume from NAME=NUMBER."""
    name, _, number = text.rpartition("=")
    if not name or not number.isdecimal() or int(number) < 1:
        raise ValueError(f'--channel "{text}" is not NAME=NUMBER, such as FLAIR=1.')
    return name, int(number) - 1


def _strokePoints(path: str | None) -> np.ndarray | None:
    """Return the placed points of a markups file, LPS millimeters."""
    if path is None:
        return None
    from ..Scene.NodeFiles import loadMarkups
    from ..Scene.Session import Session
    from ..Scene.VolumeNodes import definedPointsFromMarkups

    with Session() as session:
        _labels, points, placed = definedPointsFromMarkups(loadMarkups(session.scene, path))
    points = points[np.array(placed, bool)]
    if not len(points):
        raise ValueError(f"{path} holds no placed point; draw the stroke again.")
    return points


def execute(arguments: argparse.Namespace) -> None:
    """Outline, measure and write the segmentation."""
    # A scene takes seconds to load, for which a help page or a wrong argument should not have to wait.
    from ..Scene.NodeFiles import addVolume, saveNode
    from ..Scene.Session import Session
    from ..Scene.TumorSegmentationLogic import TumorSegmentationLogic
    from .SegmentPicture import segmentPicture

    if isSlice(arguments.volume):
        segmentPicture(arguments)
        return
    settings, interaction = segmentationOptions(arguments)
    OutputFormat.labelMap.check(arguments.output)
    with (
        outputFile(arguments.output, arguments.force, _inputs(arguments)) as path,
        Session() as session,
        StepProgress() as progress,
    ):
        progress.step("Load")
        paths = [arguments.volume, *arguments.more]
        axes = arguments.assume_orientation
        volumes = readVolumes(paths, arguments.series, assumedAxes=axes)
        volumeNodes = [
            addVolume(session.scene, volume.image, volumeName(name))
            for volume, name in zip(volumes, paths, strict=True)
        ]
        ct = () if arguments.ct is None else readVolumes([arguments.ct], (), ("CT",), axes)
        warnings = checkIdentities((*ct, *volumes), arguments.accept_identity)
        if ct:
            warnings = (*warnings, *checkBesideCt(ct[0], volumes, (arguments.ct, *paths)))
        ctNode = addVolume(session.scene, ct[0].image, "ct") if ct else None
        drawnOn = volumes[0].image
        mask = None if arguments.mask is None else readMask(arguments.mask, arguments.threshold, axes, drawnOn)
        if mask is not None and interaction.lines is not None:
            warnings = (*warnings, *linesOutside(mask, interaction.lines))
        if arguments.correct is not None:
            present = readSegmentation(arguments.correct, arguments.threshold, axes, drawnOn)
            warnings = (*warnings, *present.warnings)
            segments = present.allSegments if len(present.allSegments) > 1 or present.isNamed else ()
            interaction = replace(interaction, presentImage=present.labelImage, presentSegments=segments)
        segmentationNode, tumor = TumorSegmentationLogic(session.scene).segment(
            volumeNodes,
            interaction,
            settings,
            progress=progress.step("Outline"),
            ctNode=ctNode,
            mask=mask,
            keepCavity=arguments.keep_cavity,
        )
        progress.step("Measure and write")
        measurements = measureTumor(tumor.labelImage, segments=tumor.allSegments, second=tumor.second)
        if isSegmentationFile(path):
            saveNode(segmentationNode, path)
        else:
            sitk.WriteImage(tumor.labelImage, str(path), useCompression=True)
    warn([*warnings, *(warning for volume in (*ct, *volumes) for warning in volume.warnings), *tumor.warnings])
    print("\n".join(tumorSummary(measurements.measurements() | tumor.verdict.measurements())))
    if not isSegmentationFile(arguments.output):
        print("Values: " + ", ".join(f"{segment.value} {segment.name}" for segment in tumor.segments))


def _inputs(arguments: argparse.Namespace) -> list[str]:
    """Return the files that are read and so must not be written."""
    paths = (arguments.volume, *arguments.more, arguments.ct, arguments.mask, arguments.correct)
    return [*(path for path in paths if path is not None), *interactionFiles(arguments)]


def interactionFiles(arguments: argparse.Namespace) -> list[str]:
    """Return the files that `segmentationOptions` reads."""
    paths = (arguments.foreground, arguments.background, arguments.model_path)
    return [path for path in paths if path is not None]
