"""medfusion segment: the tumor in a volume, outlined and measured."""

import argparse

from ..Core.TumorMeasurements import measureTumor
from ..Core.TumorSegmentation import SegmentationMethod, SegmentationSettings, TumorInteraction
from ..Scene.NodeFiles import addVolume, saveNode, volumeName
from ..Scene.Session import Session
from ..Scene.TumorSegmentationLogic import TumorSegmentationLogic
from .Arguments import addOutput, addTumorPoints, worldPoints
from .DicomInput import addSeries, readVolumes
from .Output import outputFile
from .Terminal import StepProgress, warn


def addParser(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("segment", help="outline and measure the tumor in a volume")
    parser.add_argument("volume", metavar="VOLUME", help="a file or a DICOM folder")
    addSeries(parser)
    addSegmentationArguments(parser)
    addOutput(parser, "TUMOR.seg.nrrd", "file for the segmentation")
    parser.set_defaults(execute=execute)


def addSegmentationArguments(parser: argparse.ArgumentParser) -> None:
    """Add what shows where the tumor is and chooses how it is outlined."""
    addTumorPoints(parser)


def segmentationOptions(arguments: argparse.Namespace) -> tuple[SegmentationSettings, TumorInteraction]:
    """Return how to outline and what was pointed at (world LPS millimetres), as the arguments describe it."""
    seeds = worldPoints(arguments.tumor_seed, arguments)
    method = SegmentationMethod.automatic if seeds is None else SegmentationMethod.click
    return SegmentationSettings(method=method), TumorInteraction(seeds=seeds)


def execute(arguments: argparse.Namespace) -> None:
    """Outline, measure and write the segmentation."""
    settings, interaction = segmentationOptions(arguments)
    with (
        outputFile(arguments.output, arguments.force, [arguments.volume]) as path,
        Session() as session,
        StepProgress() as progress,
    ):
        progress.step("Load")
        (volume,) = readVolumes([arguments.volume], arguments.series)
        volumeNode = addVolume(session.scene, volume.image, volumeName(arguments.volume))
        segmentationNode, tumor = TumorSegmentationLogic(session.scene).segment(
            [volumeNode], interaction, settings, progress=progress.step("Outline")
        )
        progress.step("Measure and write")
        measurements = measureTumor(tumor.labelImage)
        saveNode(segmentationNode, path)
    warn([*volume.warnings, *tumor.warnings])
    total = measurements.total
    print(f"Tumor: {total.volumeMl:.2f} ml, longest diameter {total.longestDiameter.lengthMm:.1f} mm")
