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
    addTumorPoints(parser)
    addOutput(parser, "TUMOR.seg.nrrd", "file for the segmentation")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> None:
    """Outline, measure and write the segmentation."""
    seeds = worldPoints(arguments.tumor_seed, arguments)
    method = SegmentationMethod.automatic if seeds is None else SegmentationMethod.click
    with (
        outputFile(arguments.output, arguments.force, [arguments.volume]) as path,
        Session() as session,
        StepProgress() as progress,
    ):
        progress.step("Load")
        (volume,) = readVolumes([arguments.volume], arguments.series)
        volumeNode = addVolume(session.scene, volume.image, volumeName(arguments.volume))
        segmentationNode, tumor = TumorSegmentationLogic(session.scene).segment(
            [volumeNode],
            TumorInteraction(seeds=seeds),
            SegmentationSettings(method=method),
            progress=progress.step("Outline"),
        )
        progress.step("Measure and write")
        measurements = measureTumor(tumor.labelImage)
        saveNode(segmentationNode, path)
    warn([*volume.warnings, *tumor.warnings])
    total = measurements.total
    print(f"Tumor: {total.volumeMl:.2f} ml, longest diameter {total.longestDiameter.lengthMm:.1f} mm")
