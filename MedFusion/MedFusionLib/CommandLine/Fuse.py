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
    addFusionArguments(parser)
    addSeries(parser)
    addOutput(parser, "FUSED.nrrd", "file for the fused volume")
    parser.set_defaults(execute=execute)


def addFusionArguments(parser: argparse.ArgumentParser, prefix: str = "") -> None:
    """Add what chooses how the volumes are fused.

    :param prefix: "fusion-" where other steps have a method too.
    """
    methods, modes = ([choice.value for choice in choices] for choices in (FusionMethod, FusionMode))
    parser.add_argument(f"--{prefix}method", dest="fusion_method", choices=methods, default="undecimated")
    parser.add_argument(f"--{prefix}mode", dest="fusion_mode", choices=modes, default="balanced")


def fusionSettings(arguments: argparse.Namespace) -> FusionSettings:
    """Return the settings that the fusion arguments describe."""
    return FusionSettings(method=FusionMethod(arguments.fusion_method), mode=FusionMode(arguments.fusion_mode))


def execute(arguments: argparse.Namespace) -> None:
    """Fuse and write the volume."""
    settings = fusionSettings(arguments)
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
