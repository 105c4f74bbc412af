"""Everything a run produced, written into one folder: the same for the command line and the panel."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer

from ..Core.Dicom.Export import DicomResults, exportDicom
from ..Core.Dicom.Registration import RegistrationBasis
from ..Core.Dicom.Series import DicomSeries
from ..Core.Fusion.Fusion import FusionResult
from ..Core.Fusion.Metrics import scoreTable
from ..Core.Images.Grids import imageCenter
from ..Core.Images.Resampling import Interpolation, resampleImage
from ..Core.Inputs.VolumeFiles import fileChecksum
from ..Core.Progress import Progress, report, subProgress
from ..Core.Registration.Registration import RegistrationResult
from ..Core.Results import FileNames
from ..Core.Results.MeasurementsFile import DICOM_PACKAGES, versions, writeMeasurements
from ..Core.Results.Recipe import InputFile, parametersOf
from ..Core.Tumor.TumorMeasurements import TumorMeasurements, measureTumor
from ..Core.Tumor.TumorSegmentation import TumorResult
from ..Report.FusionSection import fusionSection
from ..Report.IdentificationSection import identificationBlock, patientLine
from ..Report.InputsSection import inputsSection
from ..Report.Page import page
from ..Report.Pdf import writePdf
from ..Report.RegistrationSection import registrationSection
from ..Report.TumorSection import tumorSection
from .Alignment import checkFusedVolume, checkRegistration
from .NodeFiles import addVolume, discard, saveNode, saveScene
from .RegistrationNodes import updateErrorTables
from .SceneViews import showInSliceViews
from .TumorSegmentationLogic import TumorSegmentationLogic
from .VolumeNodes import hardenedLabels, imageFromVolumeNode, worldToNodeTransform
from .WaveletFusionLogic import SOURCE_ROLE


def inputFiles(**nodes: slicer.vtkMRMLStorableNode | None) -> tuple[InputFile, ...]:
    """Return the files that nodes, by their roles, were loaded from, as far as they are still there."""
    files = []
    for role, node in nodes.items():
        storageNode = node.GetStorageNode() if node is not None else None
        names = [storageNode.GetFileName()] if storageNode is not None else []
        names += [storageNode.GetNthFileName(i) for i in range(storageNode.GetNumberOfFileNames())] if names else []
        paths = [Path(name) for name in dict.fromkeys(names) if name]
        if paths and all(path.is_file() for path in paths):
            files.append(InputFile(role, paths[0].name, fileChecksum(*paths)))
    return tuple(files)


@dataclass(frozen=True)
class RunResults:
    """The nodes and results of the steps of one run.

    :param recipe: for each step, what it was told besides what the results themselves know.
    """

    fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode
    movingVolumeNode: slicer.vtkMRMLScalarVolumeNode
    transformNode: slicer.vtkMRMLTransformNode
    registration: RegistrationResult
    fusedVolumeNode: slicer.vtkMRMLVolumeNode
    fusion: FusionResult
    segmentationNode: slicer.vtkMRMLSegmentationNode
    tumor: TumorResult | None
    inputs: tuple[InputFile, ...] = ()
    interpolation: Interpolation = Interpolation.linear
    warnings: tuple[str, ...] = field(default=())
    fixedDicom: DicomSeries | None = None
    movingDicom: DicomSeries | None = None
    recipe: dict[str, dict[str, str]] = field(default_factory=dict)


def writeResultFolder(
    folder: Path,
    scene: slicer.vtkMRMLScene,
    results: RunResults,
    progress: Progress | None = None,
    dicomFolder: Path | None = None,
    withPdf: bool = False,
) -> dict[str, object]:
    """Write the result files into an existing empty folder and return the measurements document.

    All files are in the CT's own coordinates, so the CT must not be under a transform.

    :param dicomFolder: existing empty folder for the results as DICOM objects, None for none.
    :param withPdf: write the report as report.pdf, too.
    """
    if results.fixedVolumeNode.GetParentTransformNode() is not None:
        raise ValueError(
            f'The CT "{results.fixedVolumeNode.GetName()}" is under a transform; harden it before results are saved.'
        )
    checkRegistration(results.registration.transform, results.fixedVolumeNode, results.movingVolumeNode)
    checkFusedVolume(results.fusedVolumeNode, results.fixedVolumeNode, _fusedMovingNodes(results))
    document, html, center = _evaluate(folder, scene, results, progress, dicomFolder)
    sitk.WriteTransform(results.registration.transform, str(folder / FileNames.TRANSFORM))
    saveNode(results.fusedVolumeNode, folder / FileNames.FUSED)
    _saveHardenedSegmentation(scene, results.segmentationNode, folder / FileNames.TUMOR)
    writeMeasurements(folder / FileNames.MEASUREMENTS, document)
    (folder / FileNames.REPORT).write_text(html, encoding="utf-8")
    if withPdf:
        writePdf(folder / FileNames.PDF_REPORT, html)
    report(progress, 0.9, "Writing the scene")
    showInSliceViews(scene, results.fusedVolumeNode, center)
    saveScene(scene, folder / FileNames.SCENE)
    report(progress, 1.0, "Results written")
    return document


def _evaluate(
    folder: Path,
    scene: slicer.vtkMRMLScene,
    results: RunResults,
    progress: Progress | None,
    dicomFolder: Path | None,
) -> tuple[dict[str, object], str, np.ndarray]:
    """Return the measurements document, the report and the place it shows; write what the registered MRI is for.

    That MRI is as large as the CT, so nothing holds it any longer when this is done.
    """
    report(progress, 0.0, "Resampling the MRI")
    fixedImage = imageFromVolumeNode(results.fixedVolumeNode)
    registeredImage = _registeredImage(results, fixedImage)
    report(progress, 0.2, "Measuring")
    labelImage, tumorMeasurements = _measureTumor(results, fixedImage, registeredImage)
    if tumorMeasurements is not None:
        target = np.asarray(tumorMeasurements.total.centroid)
        results = replace(results, registration=results.registration.withTarget(target))
        TumorSegmentationLogic(scene).showMeasurements(tumorMeasurements, results.segmentationNode, inWorld=True)
    updateErrorTables(results.transformNode, results.registration)
    images = (fixedImage, registeredImage, results.fusion.image)
    scores = scoreTable(*images, results.fusion.settings, subProgress(progress, 0.25, 0.4))
    document = _document(results, scores, tumorMeasurements, dicomFolder is not None)
    if dicomFolder is not None:
        exported = _dicomResults(results, registeredImage, labelImage, tumorMeasurements)
        exportDicom(dicomFolder, exported, subProgress(progress, 0.4, 0.6))
    center = _center(tumorMeasurements, fixedImage)
    report(progress, 0.6, "Writing the report")
    html = _reportPage(results, document, tumorMeasurements, labelImage, (fixedImage, registeredImage), center)
    report(progress, 0.75, "Writing the volumes")
    registeredNode = addVolume(scene, registeredImage, "mri_registered")
    try:
        saveNode(registeredNode, folder / FileNames.REGISTERED_MRI)
    finally:
        discard(scene, registeredNode)
    return document, html, center


def _fusedMovingNodes(results: RunResults) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Return the MRIs that went into the fused volume and are still in the scene."""
    fusedNode = results.fusedVolumeNode
    nodes = [
        fusedNode.GetNthNodeReference(SOURCE_ROLE, i) for i in range(fusedNode.GetNumberOfNodeReferences(SOURCE_ROLE))
    ]
    return [node for node in nodes if node is not None and node is not results.fixedVolumeNode]


def _registeredImage(results: RunResults, fixedImage: sitk.Image) -> sitk.Image:
    movingImage = imageFromVolumeNode(results.movingVolumeNode)
    transform = worldToNodeTransform(results.movingVolumeNode, fixedImage)
    return resampleImage(movingImage, fixedImage, transform, results.interpolation)


def _measureTumor(
    results: RunResults, fixedImage: sitk.Image, registeredImage: sitk.Image
) -> tuple[sitk.Image | None, TumorMeasurements | None]:
    if results.tumor is None:
        return None, None
    transform = worldToNodeTransform(results.segmentationNode, fixedImage)
    labelImage = hardenedLabels(results.tumor.labelImage, transform, fixedImage)
    images = {"CT": fixedImage, "MRI": registeredImage}
    if not _isColor(results.fusion):
        images["fused"] = results.fusion.image
    segments, cavity = results.tumor.allSegments, results.tumor.cavity
    return labelImage, measureTumor(labelImage, images, ct=fixedImage, segments=segments, cavity=cavity)


def _isColor(fusion: FusionResult) -> bool:
    return fusion.image.GetNumberOfComponentsPerPixel() > 1


def _document(
    results: RunResults,
    scores: dict[str, dict[str, float]],
    tumorMeasurements: TumorMeasurements | None,
    writesDicom: bool,
) -> dict[str, object]:
    warnings = list(results.registration.warnings) + list(results.fusion.warnings) + list(results.warnings)
    if results.tumor is not None:
        warnings += results.tumor.warnings
    dicom = {role: s for role, s in (("ct", results.fixedDicom), ("mri", results.movingDicom)) if s is not None}
    document = {
        "created": datetime.now().strftime("%Y-%m-%d %H:%M"),
        "registration": results.registration.measurements(),
        "fusion": {
            "method": results.fusion.settings.method.value,
            "mode": results.fusion.settings.mode.value,
            "display_window": list(results.fusion.window),
        }
        | scores.get("fused", {})
        | {name: scores[name] for name in ("copy_ct", "copy_mri") if name in scores},
        "tumor": tumorMeasurements.measurements() if tumorMeasurements else None,
        "warnings": warnings,
        "versions": versions(*(DICOM_PACKAGES if dicom or writesDicom else ())),
        "inputs": {item.role: item.measurements() for item in results.inputs},
        "parameters": parametersOf(
            results.registration.model,
            results.interpolation,
            results.fusion.settings,
            results.tumor.settings if results.tumor is not None else None,
            results.recipe,
        ),
    }
    identity = {role: series.identity() for role, series in dicom.items()}
    return document | ({"dicom": identity} if identity else {})


def _dicomResults(
    results: RunResults,
    registeredImage: sitk.Image,
    labelImage: sitk.Image | None,
    tumorMeasurements: TumorMeasurements | None,
) -> DicomResults:
    registration = results.registration
    return DicomResults(
        transform=registration.transform,
        registeredImage=registeredImage,
        fusedImage=None if _isColor(results.fusion) else results.fusion.image,
        fixed=results.fixedDicom,
        moving=results.movingDicom,
        labelImage=labelImage,
        segments=results.tumor.segments if results.tumor else (),
        lesions=tumorMeasurements.segments if tumorMeasurements else {},
        registrationComment=_registrationComment(registration),
        registrationBasis=_registrationBasis(registration),
        isTumorAutomatic=results.tumor is not None and results.tumor.settings.method.isAutomatic,
        version=versions().get("medfusion", ""),
    )


def _registrationComment(registration: RegistrationResult) -> str:
    if not registration.labels:
        return "Registered by the images, without landmarks"
    return f"FRE {registration.fre:.2f} mm from {len(registration.labels)} landmark pairs"


def _registrationBasis(registration: RegistrationResult) -> RegistrationBasis:
    if not registration.refined:
        return RegistrationBasis.landmarks
    return RegistrationBasis.images if registration.landmarks is None else RegistrationBasis.landmarksAndImages


def _center(tumorMeasurements: TumorMeasurements | None, fixedImage: sitk.Image) -> np.ndarray:
    """Return where the pictures are taken: the tumor's centroid, else the CT's center; LPS millimetres."""
    if tumorMeasurements is not None:
        return np.asarray(tumorMeasurements.total.centroid)
    return imageCenter(fixedImage)


def _reportPage(
    results: RunResults,
    document: dict[str, object],
    tumorMeasurements: TumorMeasurements | None,
    labelImage: sitk.Image | None,
    images: tuple[sitk.Image, sitk.Image],
    center: np.ndarray,
) -> str:
    fixedImage, registeredImage = images
    sections = [
        registrationSection(results.registration, fixedImage, registeredImage, center),
        fusionSection(results.fusion, document["fusion"], fixedImage, registeredImage, center),
    ]
    if tumorMeasurements is not None:
        sections.append(tumorSection(tumorMeasurements, labelImage, registeredImage, center))
    sections.append(inputsSection(document["inputs"], document["parameters"], document["versions"]))
    dicom = (results.fixedDicom, results.movingDicom)
    subtitle = f"{results.movingVolumeNode.GetName()} registered to {results.fixedVolumeNode.GetName()}"
    identification = identificationBlock(*dicom, document["created"])
    return page("MedFusion report", subtitle, document["warnings"], sections, identification, patientLine(*dicom))


def _saveHardenedSegmentation(
    scene: slicer.vtkMRMLScene, segmentationNode: slicer.vtkMRMLSegmentationNode, path: Path
) -> None:
    """Write a segmentation in world coordinates, leaving the node as it is."""
    copyNode = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "tumor")
    try:
        copyNode.GetSegmentation().DeepCopy(segmentationNode.GetSegmentation())
        copyNode.SetAndObserveTransformNodeID(segmentationNode.GetTransformNodeID())
        copyNode.HardenTransform()
        saveNode(copyNode, path)
    finally:
        discard(scene, copyNode)
