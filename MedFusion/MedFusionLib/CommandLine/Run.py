"""medfusion run: the whole chain from two volumes and their landmarks to a folder of results."""

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import NamedTuple

import slicer

from ..Core.Fusion.Settings import FusionSettings
from ..Core.Images.Coordinates import CoordinateSystem
from ..Core.Images.Resampling import Interpolation
from ..Core.Inputs.Identity import frameWarnings
from ..Core.Inputs.Memory import checkMemory
from ..Core.Inputs.OutlinePlace import OutlineFrame, coverageNote, frameOfOutline
from ..Core.Inputs.SegmentationFiles import SegmentationFile, readSegmentation
from ..Core.Inputs.SliceFiles import isSlice
from ..Core.Inputs.VolumeFiles import VolumeFile, volumeName
from ..Core.Progress import subProgress
from ..Core.Registration.Registration import RegistrationSettings
from ..Core.Results import FileNames
from ..Core.Results.MeasurementsFile import measurementsText
from ..Core.Results.Output import checkApart, checkStillFree, outputFolder
from ..Core.Results.Recipe import inputsRecipe, interactionRecipe, readFiles, registrationRecipe
from ..Core.Results.RunDocument import RunDocument
from ..Core.Tumor.TumorSegmentation import (
    SegmentationMethod,
    SegmentationSettings,
    TumorInteraction,
    TumorResult,
    givenOutline,
)
from ..Report.Pdf import checkPdfRenderer
from ..Scene.LandmarkRegistrationLogic import LandmarkRegistrationLogic
from ..Scene.NodeFiles import addVolume
from ..Scene.RegistrationNodes import showErrorMap
from ..Scene.ResultFolder import RunResults, WantedFiles, evaluateResults, writeResultFolder
from ..Scene.Session import Session
from ..Scene.TumorSegmentationLogic import TumorSegmentationLogic
from ..Scene.VolumeNodes import imageFromVolumeNode
from ..Scene.WaveletFusionLogic import WaveletFusionLogic
from .Arguments import addOutput, addReport, addThreshold, recordedOptions
from .Common import addJson
from .DicomInput import checkIdentities, readVolumes
from .FurtherMris import addFurtherMris, alignFurther, furtherInputs, fusedNodes, writeFurther
from .Fuse import addFusionArguments, fusionSettings
from .Pictures import addPixel
from .Register import (
    addInputs,
    addInterpolation,
    addRegistrationArguments,
    inputFiles,
    loadLandmarks,
    readTargets,
    registrationSettings,
    registrationSummary,
    withStart,
)
from .RegisterPictures import runPictures
from .Segment import addSegmentationArguments, interactionFiles, segmentationOptions
from .Terminal import StepProgress, warn
from .TumorSummary import tumorSummary

_KEPT = {
    "mri_registered": FileNames.REGISTERED_MRI,
    "ct_to_mri": FileNames.TRANSFORM,
    "fused": FileNames.FUSED,
    "tumor": FileNames.TUMOR,
    "report": FileNames.REPORT,
    "scene": FileNames.SCENE,
}


@dataclass(frozen=True)
class RunOptions:
    """What a run depends on besides its input files.

    :param interaction: where the tumor was pointed at, LPS millimeters in the CT's frame.
    :param interpolation: for the registered MRI; the fusion has its own.
    :param series: DICOM series chosen by UID or number, see `readVolumes`.
    :param dicomFolder: empty folder for the results as DICOM objects.
    :param given: the options by name as they were given, for the reader of the results.
    :param tumor: an outline made elsewhere.
    :param tumorFrame: which volume it was drawn on, None where its grid and place tell.
    """

    registration: RegistrationSettings
    fusion: FusionSettings
    segmentation: SegmentationSettings
    interaction: TumorInteraction
    interpolation: Interpolation = Interpolation.linear
    series: tuple[str, ...] = ()
    acceptIdentity: bool = False
    landmarkAxes: str | None = None
    assumedAxes: CoordinateSystem | None = None
    dicomFolder: Path | None = None
    withPdf: bool = False
    inFull: bool = False
    withErrorMargin: bool = False
    withScene: bool = True
    fusedMris: tuple[int, ...] = (1,)
    start: str | None = None
    given: dict[str, str] = field(default_factory=dict)
    tumor: SegmentationFile | None = None
    tumorFrame: OutlineFrame | None = None


def addArguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand."""
    addInputs(parser)
    addFurtherMris(parser)
    addRegistrationArguments(parser)
    addInterpolation(parser)
    addFusionArguments(parser, prefix="fusion-")
    addSegmentationArguments(parser)
    parser.add_argument("--tumor", metavar="SEG", help="an outline made elsewhere instead of one made here")
    parser.add_argument(
        "--tumor-frame",
        type=OutlineFrame,
        choices=list(OutlineFrame),
        metavar="ct|mri",
        help="which volume --tumor was drawn on, if its grid and position do not tell",
    )
    addThreshold(parser)
    addOutput(parser, "DIR", "folder for the results")
    parser.add_argument("--dicom", metavar="DIR", help="folder for the results as DICOM objects, beside --output")
    parser.add_argument(
        "--error-margin",
        action="store_true",
        help="add the tumor grown everywhere by the registration's error (95 %% bound), as a hidden "
        "segment and, with --dicom, as a region of the structure set",
    )
    addPixel(parser)
    addReport(parser)
    addJson(parser)
    parser.add_argument("--no-scene", action="store_true", help="write no scene.mrb, which is the largest file")
    parser.add_argument(
        "--keep",
        type=_kept,
        metavar="NAME,...",
        help=f"write only these beside measurements.json: {', '.join(_KEPT)}",
    )
    parser.set_defaults(execute=execute)


def _kept(text: str) -> tuple[str, ...]:
    """Return the files that a list of names means."""
    names = [name.strip() for name in text.split(",") if name.strip()]
    unknown = [name for name in names if name not in _KEPT]
    if unknown or not names:
        raise argparse.ArgumentTypeError(f"'{text}' is not a list of {', '.join(_KEPT)}")
    return tuple(_KEPT[name] for name in names)


def _leftOut(arguments: argparse.Namespace) -> tuple[str, ...]:
    """Return the files of a run that are not to be written."""
    kept = _KEPT.values() if arguments.keep is None else arguments.keep
    return tuple(
        name for name in _KEPT.values() if name not in kept or (name == FileNames.SCENE and arguments.no_scene)
    )


def execute(arguments: argparse.Namespace) -> None:
    """Run the chain and write the result folder."""
    inputs = inputFiles(arguments) | furtherInputs(arguments)
    if any(isSlice(path) for path in (arguments.ct, arguments.mri)):
        runPictures(arguments, inputs, _leftOut(arguments))
        return
    if arguments.pdf:
        checkPdfRenderer()
    targets = [target for target in (arguments.output, arguments.dicom) if target]
    checkApart(*targets)
    tumor = _givenTumor(arguments)
    protected = [*inputs.values(), *interactionFiles(arguments), *([arguments.tumor] if arguments.tumor else [])]
    with ExitStack() as outputs:
        folders = [outputs.enter_context(outputFolder(target, arguments.force, protected)) for target in targets]
        segmentation, interaction = segmentationOptions(arguments)
        options = RunOptions(
            registration=registrationSettings(arguments),
            fusion=fusionSettings(arguments),
            segmentation=segmentation,
            interaction=interaction,
            interpolation=Interpolation(arguments.interpolation),
            series=tuple(arguments.series),
            acceptIdentity=arguments.accept_identity,
            landmarkAxes=arguments.landmark_axes,
            assumedAxes=arguments.assume_orientation,
            dicomFolder=folders[1] if arguments.dicom else None,
            withPdf=arguments.pdf,
            inFull=arguments.full,
            withErrorMargin=arguments.error_margin,
            withScene=FileNames.SCENE not in _leftOut(arguments),
            fusedMris=arguments.fuse_with or (1,),
            start=arguments.transform,
            given=recordedOptions(arguments),
            tumor=tumor,
            tumorFrame=arguments.tumor_frame,
        )
        document = runChain(folders[0], inputs, options)
        for name in _leftOut(arguments):
            (folders[0] / name).unlink(missing_ok=True)
        checkStillFree(arguments.force, *targets)
    if arguments.json:
        print(measurementsText(document.measurements()), end="")
    else:
        printSummary(document, Path(arguments.output))


def runChain(folder: Path, inputs: dict[str, str], options: RunOptions) -> RunDocument:
    """Run all steps, write the results into a folder and return their document.

    :param inputs: paths of ct and mri, and of ct_landmarks and mri_landmarks unless the registration is automatic.
    """
    # What a killed run leaves must lie where the next one removes it.
    with Session(folder) as session, StepProgress() as progress:
        scene = session.scene
        progress.step("Load")
        more = [path for role, path in inputs.items() if role.startswith("mri_") and role[4:].isdecimal()]
        paths = (inputs["ct"], inputs["mri"], *more)
        modalities = ("CT", *["MR"] * (1 + len(more)))
        ct, mri, *others = readVolumes(paths, options.series, modalities, options.assumedAxes)
        told = tuple(warning for volume in (ct, mri, *others) for warning in volume.warnings)
        warn(told)  # now, for they may say why a later step fails
        checkMemory(*(volume.image for volume in (ct, mri, *others)))
        conflicts = checkIdentities((ct, mri, *others), options.acceptIdentity)
        outlineOf = None if options.tumor is None else frameOfOutline(options.tumor, ct, mri, options.tumorFrame)
        ctNode = addVolume(scene, ct.image, volumeName(inputs["ct"]))
        mriNode = addVolume(scene, mri.image, volumeName(inputs["mri"]))
        landmarks, landmarkNotes = loadLandmarks(scene, inputs, options.landmarkAxes)
        targets = readTargets(inputs, ct.image, options.landmarkAxes)
        transformNode, registration = LandmarkRegistrationLogic(scene).register(
            ctNode,
            mriNode,
            *landmarks,
            withStart(options.registration, options.start, ct, mri),
            progress.step("Register"),
        )
        registration = replace(registration, targets=targets)
        moved = frameWarnings(
            (ct.header, mri.header), ct.image, registration.transform, registration.landmarks is not None
        )
        if registration.knowsError:
            showErrorMap(ctNode, registration)
        further = alignFurther(scene, (mriNode, mri), list(zip(more, others, strict=True)), progress)
        mriNodes = [mriNode, *further.nodes]
        if outlineOf is None:
            segmentationNode, tumor, notes = _segment(scene, ctNode, mriNodes, options, progress.step("Outline"))
        else:
            volumeNode = ctNode if outlineOf is OutlineFrame.ct else mriNode
            segmentationNode, tumor, notes = _placeGiven(scene, volumeNode, options.tumor)
        fusedNode, fusion = WaveletFusionLogic(scene).fuse(
            ctNode, fusedNodes(mriNodes, options.fusedMris), options.fusion, progress=progress.step("Fuse")
        )
        fusedNode.SetName("fused")
        results = RunResults(
            fixedVolumeNode=ctNode,
            movingVolumeNode=mriNode,
            transformNode=transformNode,
            registration=registration,
            interpolation=options.interpolation,
            fusedVolumeNode=fusedNode,
            fusion=fusion,
            segmentationNode=segmentationNode,
            tumor=tumor,
            inputs=readFiles(inputs | _tumorFile(options), _byRole((ct, mri, *others))),
            warnings=conflicts + moved + told + landmarkNotes + further.notes + notes,
            fixedDicom=ct.dicom.header if ct.dicom else None,
            movingDicom=mri.dicom.header if mri.dicom else None,
            recipe={
                "registration": registrationRecipe(options.registration),
                "tumor": interactionRecipe(options.interaction),
                "inputs": inputsRecipe(options.series, options.acceptIdentity),
                "arguments": options.given,
            },
            areSidesAssumed=bool(ct.unknownOrientation),
        )
        files = WantedFiles(
            options.dicomFolder, options.withPdf, options.withScene, options.withErrorMargin, options.inFull
        )
        step = progress.step("Measure and write")
        document = evaluateResults(results, files, subProgress(step, 0.0, 0.4))
        writeResultFolder(folder, scene, document, results, files, subProgress(step, 0.4, 1.0))
        # The registered MRI is as large as the CT and no longer needed.
        document = document.withoutImages()
        images = [volume.image for volume in others]
        writeFurther(folder, further.nodes, images, ct.image, options.interpolation)
    warn([warning for warning in document.warnings if warning not in told])
    return document


def _givenTumor(arguments: argparse.Namespace) -> SegmentationFile | None:
    """Return the outline of --tumor, read before the work, for it may be none."""
    if arguments.tumor is None:
        return None
    pointing = ("method", "line", "tumor_seed", "foreground", "background", "model_path")
    others = [f"--{name.replace('_', '-')}" for name in pointing if getattr(arguments, name, None)]
    if others:
        raise ValueError(
            f"An outline is given with --tumor, so {', '.join(others)} cannot make another; leave one out."
        )
    outline = readSegmentation(arguments.tumor, arguments.threshold, arguments.assume_orientation)
    if outline.isEmpty:
        raise ValueError(f"{outline.path.name} holds no outline: every voxel is 0.")
    return outline


class _Outlined(NamedTuple):
    """The node of an outline, the outline unless nothing was found, and what is to be said of it."""

    node: slicer.vtkMRMLSegmentationNode
    tumor: TumorResult | None
    notes: tuple[str, ...]


def _placeGiven(
    scene: slicer.vtkMRMLScene, volumeNode: slicer.vtkMRMLVolumeNode, outline: SegmentationFile
) -> _Outlined:
    """Return a node with an outline made elsewhere over a volume, the outline as result, and what to say of it."""
    note = coverageNote(outline, imageFromVolumeNode(volumeNode), volumeNode.GetName())
    said = f"The outline is that of {outline.path.name}, drawn on {volumeNode.GetName()}."
    notes = tuple(filter(None, (said, note, *outline.warnings)))
    tumor = givenOutline(outline.labelImage, outline.segments, outline.unions)
    return _Outlined(TumorSegmentationLogic(scene).show(tumor, volumeNode), tumor, notes)


def _byRole(volumes: Sequence[VolumeFile]) -> dict[str, VolumeFile]:
    """Return the CT and the MRIs by their roles."""
    roles = ("ct", "mri", *(f"mri_{number}" for number in range(2, len(volumes))))
    return dict(zip(roles, volumes, strict=True))


def _segment(
    scene: slicer.vtkMRMLScene,
    ctNode: slicer.vtkMRMLVolumeNode,
    mriNodes: list[slicer.vtkMRMLVolumeNode],
    options: RunOptions,
    progress: StepProgress,
) -> _Outlined:
    """Outline the tumor; where nothing was pointed at and none is found, go on without one and say so."""
    try:
        segmentationNode, tumor = TumorSegmentationLogic(scene).segment(
            mriNodes, options.interaction, options.segmentation, progress=progress, ctNode=ctNode
        )
        return _Outlined(segmentationNode, tumor, ())
    except ValueError as error:
        if options.segmentation.method is not SegmentationMethod.automatic:
            raise
        segmentationNode = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "tumor")
        segmentationNode.CreateDefaultDisplayNodes()
        return _Outlined(segmentationNode, None, (f"No tumor was outlined: {error}",))


def _tumorFile(options: RunOptions) -> dict[str, str]:
    return {} if options.tumor is None else {"tumor": str(options.tumor.path)}


def printSummary(document: RunDocument, folder: Path) -> None:
    """Print what a user wants to know first."""
    print(registrationSummary(document.registration))
    if document.tumor is not None:
        print("\n".join(tumorSummary(document.tumor.measurements())))
    print(f"Report: {folder / FileNames.REPORT}")
