"""medfusion fuse: a CT and an MRI that are aligned in the world, on any grids, into one volume."""

import argparse

from ..Core.FusionSettings import FusionMethod, FusionMode, FusionSettings
from ..Scene.NodeFiles import addVolume, saveNode, volumeName
from ..Scene.Session import Session
from ..Scene.WaveletFusionLogic import WaveletFusionLogic
from .Arguments import addOutput
from .DicomInput import addSeries, readVolumes
from .Output import outputFile
from .Terminal import StepProgress, warn


def addParser(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("fuse", help="fuse a CT with a registered MRI on any grid")
    parser.add_argument("ct", metavar="CT", help="a file or a DICOM folder")
    parser.add_argument("mri", metavar="MRI", nargs="+", help="one or more registered MRIs, on any grid")
    parser.add_argument("--method", choices=[method.value for method in FusionMethod], default="undecimated")
    parser.add_argument("--mode", choices=[mode.value for mode in FusionMode], default="balanced")
    addSeries(parser)
    addOutput(parser, "FUSED.nrrd", "file for the fused volume")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> None:
    """Fuse and write the volume."""
    settings = FusionSettings(method=FusionMethod(arguments.method), mode=FusionMode(arguments.mode))
    with (
        outputFile(arguments.output, arguments.force, [arguments.ct, *arguments.mri]) as path,
        Session() as session,
        StepProgress() as progress,
    ):
        progress.step("Load")
        modalities = ("CT", *["MR"] * len(arguments.mri))
        volumes = readVolumes((arguments.ct, *arguments.mri), arguments.series, modalities)
        nodes = [
            addVolume(session.scene, volume.image, volumeName(source))
            for volume, source in zip(volumes, (arguments.ct, *arguments.mri), strict=True)
        ]
        fusedNode, fusion = WaveletFusionLogic(session.scene).fuse(
            nodes[0], nodes[1:], settings, progress=progress.step("Fuse")
        )
        progress.step("Write")
        saveNode(fusedNode, path)
    warn([warning for volume in volumes for warning in volume.warnings] + list(fusion.warnings))
