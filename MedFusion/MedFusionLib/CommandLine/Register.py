"""medfusion register: the MRI brought to the CT by landmarks, by the images, or by both."""

import argparse
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import SimpleITK as sitk
import slicer

from ..Core.Images.Coordinates import CoordinateSystem
from ..Core.Images.Grids import isInside
from ..Core.Images.Resampling import Interpolation, resampleImage
from ..Core.Images.Transforms import TransformModel, poseOf
from ..Core.Inputs.Identity import frameWarnings
from ..Core.Inputs.LandmarkFile import readLandmarkFile
from ..Core.Inputs.SliceFiles import isSlice
from ..Core.Inputs.TransformFiles import readTransform
from ..Core.Inputs.VolumeFiles import VolumeFile, volumeName
from ..Core.Landmarks.LandmarkPairing import Pairing
from ..Core.Registration.InverseCheck import checkInverse
from ..Core.Registration.Registration import RegistrationSettings
from ..Core.Registration.RegistrationResult import RegistrationResult, Target
from ..Core.Results import FileNames
from ..Core.Results.FileFormats import OutputFormat
from ..Core.Results.MeasurementsFile import measurementsText, writeMeasurements
from ..Core.Results.Output import checkApart, checkStillFree, outputFile, outputFolder
from ..Core.Results.Recipe import inputsRecipe, readFiles, registrationRecipe
from ..Core.Results.RunDocument import Provenance, ResultKind, RunDocument
from ..Core.Results.TransformFile import writeTransform
from ..Scene.LandmarkRegistrationLogic import LandmarkRegistrationLogic
from ..Scene.NodeFiles import addLandmarkList, addVolume, landmarksName, saveNode
from ..Scene.RegistrationNodes import boundMap, errorMap
from ..Scene.Session import Session
from ..Scene.VolumeNodes import relativeTransform
from .Arguments import addLandmarks, addOutput
from .Common import addJson
from .DicomInput import addIdentity, addOrientation, addSeries, checkIdentity, headersOf, readVolumes
from .Pictures import addPixel
from .RegisterPictures import registerPictures
from .Terminal import StepProgress, warn


def addArguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand."""
    addInputs(parser)
    addRegistrationArguments(parser)
    addInterpolation(parser)
    parser.add_argument(
        "--grid", choices=("ct", "mri"), default="ct", help="mri: write the CT on the MRI's grid, ct_registered.nrrd"
    )
    parser.add_argument(
        "--spacing",
        type=_spacing,
        metavar="MM",
        help="voxel size of the registered volume: one number, or X,Y,Z (that of the grid)",
    )
    parser.add_argument("--tre-map", metavar="FILE", help="write the expected TRE in mm at every voxel of the CT")
    parser.add_argument(
        "--bound-map", metavar="FILE", help="write the bound below which the TRE in mm stays with 95 %% probability"
    )
    addOutput(parser, "DIR", "folder for the registered volume, ct_to_mri.h5 and measurements.json")
    addPixel(parser)
    addJson(parser)
    parser.set_defaults(execute=execute)


def addInputs(parser: argparse.ArgumentParser) -> None:
    """Add the two volumes, how they are read, and their landmarks."""
    parser.add_argument("ct", metavar="CT", help="fixed volume: a file or a DICOM folder")
    parser.add_argument("mri", metavar="MRI", help="moving volume: a file or a DICOM folder")
    addSeries(parser)
    addOrientation(parser)
    addIdentity(parser)
    addLandmarks(parser, required=False)


def addRegistrationArguments(parser: argparse.ArgumentParser) -> None:
    """Add what chooses how the volumes are registered."""
    parser.add_argument("--model", choices=[model.value for model in TransformModel], default="rigid")
    parser.add_argument(
        "--pairing",
        choices=[pairing.value for pairing in Pairing],
        default="label",
        help="how landmarks find their partner; auto goes by the shape they make",
    )
    parser.add_argument(
        "--refine", action="store_true", help="follow the landmarks by mutual information of the images"
    )
    parser.add_argument(
        "--auto", action="store_true", help="register without landmarks, or refuse where that is unsafe"
    )
    parser.add_argument(
        "--transform",
        metavar="FILE",
        help="a registration made elsewhere, CT to MRI points (.h5, .tfm, .txt, .xfm, DICOM registration): kept as it "
        "is and held against images and landmarks; with --auto it is only where the images begin",
    )
    parser.add_argument(
        "--targets", metavar="FILE", help="landmark list of points in the CT at which the expected error is reported"
    )


def readTargets(inputs: dict[str, str], ct: sitk.Image, axes: str | None = None) -> tuple[Target, ...]:
    """Return the points in the CT at which the error is asked for, if a list of them was given.

    :param axes: RAS or LPS, for lists that do not say it.
    """
    if "targets" not in inputs:
        return ()
    given = readLandmarkFile(inputs["targets"], CoordinateSystem(axes) if axes else None)
    used = [(mark, point) for mark, point in zip(given.landmarks, given.points, strict=True) if mark.isUsed]
    if not used:
        raise ValueError(f"{inputs['targets']} holds no placed point; place the targets in the CT.")
    targets = tuple(Target(mark.label or str(number + 1), point) for number, (mark, point) in enumerate(used))
    outside = [target.label for target in targets if not isInside(ct, target.point)]
    if outside:
        raise ValueError(
            f"Outside of the CT lie these points of {inputs['targets']}: {', '.join(outside)}; place the targets in "
            "the CT."
        )
    return targets


def withStart(
    settings: RegistrationSettings, path: str | None, ct: VolumeFile, mri: VolumeFile
) -> RegistrationSettings:
    """Return the settings with the transform of a file: kept as the result, or with --auto as the images' start."""
    if path is None:
        return settings
    frames = tuple(volume.header.frameOfReferenceUid if volume.header else "" for volume in (ct, mri))
    transform = readTransform(path, frames)
    if not settings.auto:
        return replace(settings, given=transform)
    if not transform.IsLinear():
        raise ValueError(f"{Path(path).name} bends space; only a rigid or affine transform can be a start.")
    return replace(settings, start=poseOf(transform))


def addInterpolation(parser: argparse.ArgumentParser) -> None:
    """Add how the resampled volume gets its values."""
    interpolations = [interpolation.value for interpolation in Interpolation]
    parser.add_argument("--interpolation", choices=interpolations, default="linear", help="for the registered volume")


def registrationSettings(arguments: argparse.Namespace) -> RegistrationSettings:
    """Return the settings that the registration arguments describe."""
    if arguments.transform and not arguments.auto and arguments.refine:
        raise ValueError("--transform without --auto is kept as it is; leave --refine away, or add --auto instead.")
    if bool(arguments.ct_landmarks) != bool(arguments.mri_landmarks):
        raise ValueError("Landmarks come in pairs: give both --ct-landmarks and --mri-landmarks.")
    if not (arguments.auto or arguments.transform or arguments.ct_landmarks):
        raise ValueError(
            "Give --ct-landmarks and --mri-landmarks, --auto to register without landmarks, or a --transform to use."
        )
    return RegistrationSettings(
        TransformModel(arguments.model), Pairing(arguments.pairing), arguments.refine, arguments.auto
    )


def inputFiles(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the paths that were given, by role."""
    roles = ("ct", "mri", "ct_landmarks", "mri_landmarks", "targets", "foreground", "background")
    paths = {role: getattr(arguments, role, None) for role in roles}
    for first, second, what in (("ct", "mri", "volume"), ("ct_landmarks", "mri_landmarks", "landmark list")):
        given = {Path(path).resolve() for path in (paths[first], paths[second]) if path}
        if paths[first] and paths[second] and len(given) == 1 and given.pop().is_file():
            raise ValueError(f"{paths[first]} was given for both the CT and the MRI; give each its own {what}.")
    return {role: path for role, path in paths.items() if path}


def loadLandmarks(
    scene: slicer.vtkMRMLScene, inputs: dict[str, str], axes: str | None = None
) -> tuple[tuple[slicer.vtkMRMLMarkupsNode | None, ...], tuple[str, ...]]:
    """Return the nodes of the CT's and the MRI's landmarks, None for those that were not given, and the reader's notes.

    :param axes: RAS or LPS, for lists that do not say it.
    """
    nodes, notes = [], []
    for role in ("ct_landmarks", "mri_landmarks"):
        if role not in inputs:
            nodes.append(None)
            continue
        found = readLandmarkFile(inputs[role], CoordinateSystem(axes) if axes else None)
        nodes.append(addLandmarkList(scene, found, landmarksName(inputs[role])))
        notes.extend(found.notes)
    return tuple(nodes), tuple(notes)


def registrationSummary(registration: RegistrationResult) -> str:
    """Return one line of the measurements that a user wants to know first."""
    measured = registration.measurements()
    count = measured["landmarks"]
    parts = [f"{count} landmarks"]
    if registration.isGiven:
        parts = ["transform as given", *([f"held against {count} landmarks"] if count else [])]
    residual = "error there (RMS)" if registration.isGiven else "FRE"
    for key, name in (("fre_mm", residual), ("fle_mm", "FLE")):
        if measured[key] is not None:
            parts.append(f"{name} {measured[key]:.2f} mm")
    places = (("tumor", "tumor"), ("landmarks_center", "landmarks' center"), ("body_center", "body's center"))
    for key, name in places:
        expected, bound = measured[f"tre_mm_at_{key}"], measured[f"tre_mm_at_{key}_95"]
        if expected is not None:
            parts.append(f"expected TRE at the {name} {expected:.2f} mm, with 95 % probability below {bound:.2f} mm")
            break
    if measured["refined"]:
        parts.append("refined by the images")
    return f"Registration: {', '.join(parts)}\n{measured['advice']}"


def _spacing(text: str) -> tuple[float, float, float]:
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) not in (1, 3) or not all(0 < value < 100 for value in values):
        raise argparse.ArgumentTypeError(f"'{text}' is not a voxel size in millimeters, such as 1 or 0.5,0.5,2")
    return tuple(values * 3 if len(values) == 1 else values)


def execute(arguments: argparse.Namespace) -> None:
    """Register and write the folder."""
    inputs = inputFiles(arguments)
    if any(isSlice(path) for path in (arguments.ct, arguments.mri)):
        registerPictures(arguments, inputs)
        return
    settings = registrationSettings(arguments)
    maps = [path for path in (arguments.tre_map, arguments.bound_map) if path]
    for path in maps:
        OutputFormat.image.check(path)
    targets = [arguments.output, *maps]
    checkApart(*targets)
    with ExitStack() as outputs:
        folder = outputs.enter_context(outputFolder(arguments.output, arguments.force, inputs.values()))
        mapFiles = [
            (make, outputs.enter_context(outputFile(path, arguments.force, inputs.values())))
            for make, path in ((errorMap, arguments.tre_map), (boundMap, arguments.bound_map))
            if path
        ]
        session, progress = outputs.enter_context(Session()), outputs.enter_context(StepProgress())
        progress.step("Load")
        paths = (arguments.ct, arguments.mri)
        ct, mri = readVolumes(paths, arguments.series, ("CT", "MR"), arguments.assume_orientation)
        told = [*ct.warnings, *mri.warnings]
        warn(told)  # now, for they may say why a later step fails
        conflicts = checkIdentity(ct, mri, arguments.accept_identity)
        ctNode = addVolume(session.scene, ct.image, volumeName(arguments.ct))
        mriNode = addVolume(session.scene, mri.image, volumeName(arguments.mri))
        landmarks, notes = loadLandmarks(session.scene, inputs, arguments.landmark_axes)
        asked = readTargets(inputs, ct.image, arguments.landmark_axes)
        _, registration = LandmarkRegistrationLogic(session.scene).register(
            ctNode, mriNode, *landmarks, withStart(settings, arguments.transform, ct, mri), progress.step("Register")
        )
        registration = replace(registration, targets=asked)
        name, source, target, transform = "mri_registered", mri.image, ct.image, registration.transform
        if arguments.grid == "mri":
            name, source, target = "ct_registered", ct.image, mri.image
            transform = relativeTransform(mriNode, ctNode, mri.image)
            if not transform.IsLinear():
                checkInverse(registration.transform, transform, ct.image, mri.image)
        registeredImage = resampleImage(
            source,
            target,
            transform,
            Interpolation(arguments.interpolation),
            progress=progress.step("Resample"),
            spacing=arguments.spacing,
        )
        for make, path in mapFiles:
            sitk.WriteImage(make(ct.image, registration, progress.step("Map the error")), str(path), True)
        progress.step("Write")
        saveNode(addVolume(session.scene, registeredImage, name), folder / f"{name}.nrrd")
        writeTransform(registration.transform, folder / FileNames.TRANSFORM)
        document = RunDocument(
            ResultKind.register,
            Provenance(
                names=(ctNode.GetName(), mriNode.GetName()),
                inputs=readFiles(inputs, {"ct": ct, "mri": mri}),
                interpolation=Interpolation(arguments.interpolation),
                told={
                    "registration": registrationRecipe(settings),
                    "inputs": inputsRecipe(arguments.series, arguments.accept_identity),
                },
                notes=(
                    *conflicts,
                    *frameWarnings(
                        (ct.header, mri.header), ct.image, registration.transform, registration.landmarks is not None
                    ),
                    *told,
                    *notes,
                ),
                dicom=headersOf(ct=ct, mri=mri),
            ),
            registration,
        )
        writeMeasurements(folder / FileNames.MEASUREMENTS, document.measurements())
        checkStillFree(arguments.force, *targets)
    warn([warning for warning in document.warnings if warning not in told])
    if arguments.json:
        print(measurementsText(document.measurements()), end="")
        return
    print(registrationSummary(registration))
