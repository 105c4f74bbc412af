"""medfusion demo: the chain on the synthetic head, held against its truth."""

import argparse
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Core.Fusion.Settings import FusionSettings
from ..Core.Images.Transforms import transformPoints
from ..Core.Inputs.TransformFiles import readTransform
from ..Core.Phantom import Phantom, makePhantom
from ..Core.Registration.Registration import RegistrationSettings
from ..Core.Results import FileNames
from ..Core.Results.Output import outputFolder
from ..Core.Results.RunDocument import RunDocument
from ..Core.Tumor.MrSequence import MrSequence
from ..Core.Tumor.SegmentationMetrics import compareSegmentations
from ..Core.Tumor.TumorSegmentation import SegmentationMethod, SegmentationSettings, TumorInteraction
from ..Report.Overview import writeOverview
from ..Scene.NodeFiles import addVolume, loadSegmentation, saveNode
from ..Scene.SegmentationNodes import labelImageFromSegmentation
from ..Scene.Session import Session
from ..Scene.VolumeNodes import setMarkupsPoints
from .Evaluate import targetRegistrationErrors
from .Run import RunOptions, printSummary, runChain


def addArguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand."""
    parser.add_argument("--output", default="demo", metavar="DIR", help="folder for input and results (demo)")
    parser.add_argument("--force", action="store_true", help="replace an existing output")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> None:
    """Make the phantom, run the chain on it and print TRE and Dice against the truth."""
    with outputFolder(arguments.output, arguments.force) as folder:
        phantom = makePhantom()
        inputs = writePhantom(phantom, folder / "input")
        results = folder / "results"
        results.mkdir()
        document = runChain(results, inputs, _options(phantom))
        errors, dice = compareWithTruth(phantom, results)
        _drawOverview(phantom, results, folder / "overview.png", document)
    printSummary(document, Path(arguments.output) / "results")
    rms = np.sqrt(np.mean(errors**2))
    print(f"TRE against the truth: RMS {rms:.2f} mm at {len(errors)} targets, {errors[-1]:.2f} mm at the tumor")
    print(f"Dice against the truth: {dice:.3f}")
    print(f"Picture: {Path(arguments.output) / 'overview.png'}")


def _options(phantom: Phantom) -> RunOptions:
    return RunOptions(
        registration=RegistrationSettings(),
        fusion=FusionSettings(),
        segmentation=SegmentationSettings(SegmentationMethod.click, (MrSequence.t1c,)),
        interaction=TumorInteraction(seeds=phantom.targets[-1:]),
    )


def writePhantom(phantom: Phantom, folder: Path) -> dict[str, str]:
    """Write the phantom's volumes and landmarks as a user would have them, and return their paths by role."""
    folder.mkdir()
    paths = {
        "ct": folder / "ct.nrrd",
        "mri": folder / "mri.nrrd",
        "ct_landmarks": folder / "ct_landmarks.mrk.json",
        "mri_landmarks": folder / "mri_landmarks.mrk.json",
    }
    with Session() as session:
        saveNode(addVolume(session.scene, phantom.ct, "ct"), paths["ct"])
        saveNode(addVolume(session.scene, phantom.mri, "mri"), paths["mri"])
        for role, points in (("ct_landmarks", phantom.ctLandmarks), ("mri_landmarks", phantom.mriLandmarks)):
            markupsNode = session.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", role)
            setMarkupsPoints(markupsNode, points, list(phantom.landmarkLabels))
            saveNode(markupsNode, paths[role])
    return {role: str(path) for role, path in paths.items()}


def _drawOverview(phantom: Phantom, results: Path, path: Path, document: RunDocument) -> None:
    registeredImage, fusedImage = (
        sitk.ReadImage(str(results / name)) for name in (FileNames.REGISTERED_MRI, FileNames.FUSED)
    )
    with Session() as session:
        segmentationNode = loadSegmentation(session.scene, results / FileNames.TUMOR)
        labelImage, _ = labelImageFromSegmentation(segmentationNode, phantom.ct)
    fused = (fusedImage, document.fusion.result.window)
    writeOverview(path, phantom.ct, registeredImage, fused, labelImage, phantom.targets[-1])


def compareWithTruth(phantom: Phantom, results: Path) -> tuple[np.ndarray, float]:
    """Return the TRE at the phantom's targets in millimeters and the Dice of the tumor's enhancing and necrotic part.

    Edema is left out because it is not what a click on contrast-enhanced T1 outlines.
    """
    truthTargets = transformPoints(phantom.ctToMri, phantom.targets)
    errors = targetRegistrationErrors(readTransform(results / FileNames.TRANSFORM), phantom.targets, truthTargets)
    core = sitk.Cast((phantom.tumorLabels == 1) | (phantom.tumorLabels == 4), sitk.sitkUInt8)
    with Session() as session:
        segmentationNode = loadSegmentation(session.scene, results / FileNames.TUMOR)
        labelImage, _ = labelImageFromSegmentation(segmentationNode, core)
    return errors, compareSegmentations(sitk.Cast(labelImage > 0, sitk.sitkUInt8), core)["all"].dice
