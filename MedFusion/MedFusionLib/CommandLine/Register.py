"""medfusion register: the MRI brought to the CT by landmarks."""

import argparse
from pathlib import Path

import SimpleITK as sitk

from ..Core.LandmarkFit import TransformModel
from ..Core.LandmarkRegistration import RegistrationSettings
from ..Core.MeasurementsFile import versions, writeMeasurements
from ..Core.Resampling import resampleImage
from ..Core.VolumeFiles import fileChecksum
from ..Scene.LandmarkRegistrationLogic import LandmarkRegistrationLogic
from ..Scene.NodeFiles import addVolume, loadMarkups, saveNode, volumeName
from ..Scene.Session import Session
from .Arguments import addLandmarks, addOutput
from .DicomInput import addIdentity, addSeries, checkIdentity, readVolumes
from .Output import outputFolder
from .Terminal import StepProgress, warn


def addParser(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("register", help="bring the MRI to the CT by landmarks")
    parser.add_argument("ct", metavar="CT", help="fixed volume: a file or a DICOM folder")
    parser.add_argument("mri", metavar="MRI", help="moving volume: a file or a DICOM folder")
    addSeries(parser)
    addIdentity(parser)
    addLandmarks(parser)
    addRegistrationArguments(parser)
    addOutput(parser, "DIR", "folder for mri_registered.nrrd, ct_to_mri.h5 and measurements.json")
    parser.set_defaults(execute=execute)


def addRegistrationArguments(parser: argparse.ArgumentParser) -> None:
    """Add what chooses how the volumes are registered."""
    parser.add_argument("--model", choices=[model.value for model in TransformModel], default="rigid")


def registrationSettings(arguments: argparse.Namespace) -> RegistrationSettings:
    """Return the settings that the registration arguments describe."""
    return RegistrationSettings(model=TransformModel(arguments.model))


def execute(arguments: argparse.Namespace) -> None:
    """Register and write the folder."""
    inputs = {
        "ct": arguments.ct,
        "mri": arguments.mri,
        "ct_landmarks": arguments.ct_landmarks,
        "mri_landmarks": arguments.mri_landmarks,
    }
    settings = registrationSettings(arguments)
    with (
        outputFolder(arguments.output, arguments.force, inputs.values()) as folder,
        Session() as session,
        StepProgress() as progress,
    ):
        progress.step("Load")
        ct, mri = readVolumes((arguments.ct, arguments.mri), arguments.series, ("CT", "MR"))
        conflicts = checkIdentity(ct, mri, arguments.accept_identity)
        ctNode = addVolume(session.scene, ct.image, volumeName(arguments.ct))
        mriNode = addVolume(session.scene, mri.image, volumeName(arguments.mri))
        _, registration = LandmarkRegistrationLogic(session.scene).register(
            ctNode,
            mriNode,
            loadMarkups(session.scene, arguments.ct_landmarks),
            loadMarkups(session.scene, arguments.mri_landmarks),
            settings,
            progress.step("Register"),
        )
        registeredImage = resampleImage(mri.image, ct.image, registration.transform, progress=progress.step("Resample"))
        progress.step("Write")
        saveNode(addVolume(session.scene, registeredImage, "mri_registered"), folder / "mri_registered.nrrd")
        sitk.WriteTransform(registration.transform, str(folder / "ct_to_mri.h5"))
        warnings = [*conflicts, *ct.warnings, *mri.warnings, *registration.warnings]
        writeMeasurements(
            folder / "measurements.json",
            {
                "registration": registration.measurements(),
                "warnings": warnings,
                "versions": versions(),
                "inputs": {
                    role: {"file": Path(path).name, "sha256": fileChecksum(path)} for role, path in inputs.items()
                },
            },
        )
    warn(warnings)
    print(f"Registration: {len(registration.labels)} landmarks, FRE {registration.fre:.2f} mm")
