"""medfusion fuse: a CT and an MRI that are aligned in the world, on any grids, into one volume."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from ..Core.Fusion.Fusion import fuseVolumes
from ..Core.Fusion.Settings import (
    BaseRule,
    ColorStyle,
    CtWindowPreset,
    DetailRule,
    FusionMethod,
    FusionSettings,
)
from ..Core.Inputs.SliceFiles import isSlice, readSlices, writeSlice
from ..Core.Inputs.VolumeFiles import VolumeFile, volumeName
from ..Core.Registration.Likeness import measureLikeness
from ..Core.Results.FileFormats import OutputFormat
from ..Core.Results.Output import outputFile
from .Arguments import addOutput
from .DicomInput import addIdentity, addOrientation, addSeries, checkIdentities, readVolumes
from .Terminal import StepProgress, warn


def addArguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand."""
    parser.add_argument(
        "ct", metavar="CT", help="a file or a DICOM folder; a picture (.png, .jpg) or a single slice with such an MRI"
    )
    parser.add_argument("mri", metavar="MRI", nargs="+", help="one or more registered MRIs, on any grid")
    addFusionArguments(parser)
    parser.add_argument(
        "--grid", choices=("ct", "mri"), default="ct", help="whose voxels the result has (the first MRI's)"
    )
    parser.add_argument("--spacing", type=float, metavar="MM", help="cubic voxels of this size over the grid's box")
    addSeries(parser)
    addOrientation(parser)
    addIdentity(parser)
    addOutput(parser, "FUSED.nrrd", "file for the fused volume")
    parser.set_defaults(execute=execute)


def addFusionArguments(parser: argparse.ArgumentParser, prefix: str = "") -> None:
    """Add what chooses how the volumes are fused.

    :param prefix: "fusion-" where other steps have a method too.
    """
    group = parser.add_argument_group("fusion")
    defaults = FusionSettings()

    def choice(name: str, choices: type[Enum], default: Enum, help: str) -> None:
        values = [item.value for item in choices]
        group.add_argument(f"--{prefix}{name}", dest=f"fusion_{name}", choices=values, default=default.value, help=help)

    choice("method", FusionMethod, defaults.method, "selective: bone of the CT, tissue of the MRI; color: see --color")
    choice("detail", DetailRule, defaults.detailRule, "dwt and swt: how fine structure is chosen")
    choice("base", BaseRule, defaults.baseRule, "dwt and swt: how coarse intensities are merged")
    choice(
        "color",
        ColorStyle,
        defaults.colorStyle,
        "bone or CT over the MRI, what only the CT shows, or a second MRI as a tint",
    )
    group.add_argument(
        f"--{prefix}ct-changes",
        dest="fusion_ct_changes",
        action="store_true",
        help="selective: darker or brighter where the CT is less or more dense than is usual where the MRI is as "
        "bright (infarct, edema, bleeding, calcification; beam hardening looks the same)",
    )
    group.add_argument(
        f"--{prefix}mri-in-bone",
        dest="fusion_mri_in_bone",
        action="store_true",
        help="selective, CT in gray levels: draw the MRI's dark detail in the bone (marrow) instead of solid white",
    )
    group.add_argument(
        f"--{prefix}levels",
        dest="fusion_levels",
        type=int,
        default=defaults.levels,
        metavar="N",
        help="dwt and swt: wavelet levels",
    )
    group.add_argument(
        f"--{prefix}wavelet",
        dest="fusion_wavelet",
        default=defaults.wavelet,
        metavar="NAME",
        help="dwt and swt: haar, db2, ...",
    )
    group.add_argument(
        f"--{prefix}slice-wise", dest="fusion_slice_wise", action="store_true", help="never mix neighboring slices"
    )
    group.add_argument(
        f"--{prefix}window",
        dest="fusion_window",
        type=_window,
        default=defaults.ctWindow,
        metavar="LOW,HIGH",
        help=f"HU range of the CT that takes part, or one of {', '.join(preset.name for preset in CtWindowPreset)}",
    )


def _window(text: str) -> tuple[float, float]:
    if text in CtWindowPreset.__members__:
        return CtWindowPreset[text].value
    try:
        low, high = (float(part) for part in text.split(","))
    except ValueError:
        names = ", ".join(CtWindowPreset.__members__)
        raise argparse.ArgumentTypeError(f"'{text}' is neither LOW,HIGH in HU nor one of {names}") from None
    return low, high


def fusionSettings(arguments: argparse.Namespace) -> FusionSettings:
    """Return the settings that the fusion arguments describe."""
    return FusionSettings(
        method=FusionMethod(arguments.fusion_method),
        levels=arguments.fusion_levels,
        wavelet=arguments.fusion_wavelet,
        sliceWise=arguments.fusion_slice_wise,
        detailRule=DetailRule(arguments.fusion_detail),
        baseRule=BaseRule(arguments.fusion_base),
        colorStyle=ColorStyle(arguments.fusion_color),
        ctChanges=arguments.fusion_ct_changes,
        mriInBone=arguments.fusion_mri_in_bone,
        ctWindow=arguments.fusion_window,
    )


def execute(arguments: argparse.Namespace) -> None:
    """Fuse and write the volume."""
    settings = fusionSettings(arguments)
    if any(isSlice(path) for path in (arguments.ct, *arguments.mri)):
        _fuseSlices(arguments, settings)
        return
    # A scene takes seconds to load, for which a help page or a wrong argument should not have to wait.
    from ..Scene.NodeFiles import addVolume, saveNode
    from ..Scene.Session import Session
    from ..Scene.WaveletFusionLogic import WaveletFusionLogic

    OutputFormat.image.check(arguments.output)
    with (
        outputFile(arguments.output, arguments.force, [arguments.ct, *arguments.mri]) as path,
        Session() as session,
        StepProgress() as progress,
    ):
        progress.step("Load")
        modalities = ("CT", *["MR"] * len(arguments.mri))
        paths = (arguments.ct, *arguments.mri)
        volumes = readVolumes(paths, arguments.series, modalities, arguments.assume_orientation)
        warnings = checkIdentities(volumes, arguments.accept_identity)
        likeness = _likeness(volumes, [Path(path).name for path in paths])
        nodes = [
            addVolume(session.scene, volume.image, volumeName(source))
            for volume, source in zip(volumes, (arguments.ct, *arguments.mri), strict=True)
        ]
        fusedNode, fusion = WaveletFusionLogic(session.scene).fuse(
            nodes[0],
            nodes[1:],
            settings,
            progress=progress.step("Fuse"),
            referenceVolumeNode=nodes[0 if arguments.grid == "ct" else 1],
            spacing=arguments.spacing,
        )
        progress.step("Write")
        saveNode(fusedNode, path)
    told = [warning for volume in volumes for warning in volume.warnings]
    warn([*warnings, *told, *likeness.warnings, *fusion.warnings])
    print("\n".join(filter(None, (settings.legend, *likeness.statements))))


def _fuseSlices(arguments: argparse.Namespace, settings: FusionSettings) -> None:
    """Fuse single slices or pictures, for which there is no scene and nothing to resample them to."""
    if arguments.grid != "ct" or arguments.spacing is not None:
        raise ValueError("Single slices are fused pixel by pixel; leave --grid and --spacing away.")
    paths = (arguments.ct, *arguments.mri)
    with outputFile(arguments.output, arguments.force, paths) as path, StepProgress() as progress:
        progress.step("Load")
        ct, *mris = readSlices(paths)
        fusion = fuseVolumes(ct, mris, settings, progress=progress.step("Fuse"))
        progress.step("Write")
        writeSlice(fusion.image, fusion.window, path)
    warn(fusion.warnings)
    if settings.legend:
        print(settings.legend)


@dataclass
class _Told:
    """Collect what is said of the MRIs' places, and what is warned of."""

    statements: list[str] = field(default_factory=list)
    warnings: list[str] = field(default_factory=list)


def _likeness(volumes: Sequence[VolumeFile], names: Sequence[str]) -> _Told:
    """Return how each MRI agrees with the CT where its header places it, for nothing else aligns them here."""
    told = _Told()
    for volume, name in zip(volumes[1:], names[1:], strict=True):
        try:
            likeness = measureLikeness(volumes[0].image, volume.image)
        except ValueError as error:
            told.warnings.append(f"Whether {name} is aligned with {names[0]} could not be checked: {error}")
            continue
        told.statements.append(likeness.statement(name))
        told.warnings.extend(likeness.warnings(name, names[0]))
    return told
