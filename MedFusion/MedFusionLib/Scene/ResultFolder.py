"""Everything a run produced, written into one folder: the same for the command line and the panel.

Scene hands out images, transforms and labels once, Core evaluates them, and nodes and files are written from what it
found.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path

import SimpleITK as sitk
import slicer

from ..Core.Dicom.Series import DicomSeries
from ..Core.Fusion.Fusion import FusionResult
from ..Core.Images.Resampling import Interpolation
from ..Core.Inputs.VolumeFiles import fileChecksum
from ..Core.Progress import Progress, report, subProgress
from ..Core.Registration.RegistrationResult import RegistrationResult
from ..Core.Results import FileNames
from ..Core.Results.DicomObjects import errorMargin, writeDicomObjects
from ..Core.Results.Evaluation import RunSteps, evaluateRun
from ..Core.Results.MeasurementsFile import writeMeasurements
from ..Core.Results.MeasurementsTable import writeMeasurementsTable
from ..Core.Results.Recipe import InputFile
from ..Core.Results.RunDocument import Provenance, RunDocument
from ..Core.Results.TransformFile import writeTransform
from ..Core.Tumor.TumorSegmentation import TumorResult
from ..Report.RunReport import writeRunReport
from .Alignment import checkFusedVolume, checkRegistration
from .NodeFiles import addVolume, discard, saveNode, saveScene
from .RegistrationNodes import updateErrorTables
from .SceneViews import showInSliceViews
from .SegmentationNodes import addMarginSegment, copyOnGrid
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
    areSidesAssumed: bool = False


@dataclass(frozen=True)
class WantedFiles:
    """What is written of a run.

    :param dicomFolder: existing empty folder for the results as DICOM objects, None for none.
    :param withPdf: the report as report.pdf, too.
    :param withErrorMargin: the tumor grown by the registration's error.
    :param inFull: score the fusion by all measures, not the task measures alone, and fold nothing away in the report.
    """

    dicomFolder: Path | None = None
    withPdf: bool = False
    withScene: bool = True
    withErrorMargin: bool = False
    inFull: bool = False


def evaluateResults(results: RunResults, files: WantedFiles, progress: Progress | None = None) -> RunDocument:
    """Return what the nodes of a run hold, resampled, measured and scored, in the CT's own coordinates.

    So the CT must not be under a transform.
    """
    _checkBelongTogether(results)
    return evaluateRun(_handOut(results, files), progress)


def writeResultFolder(
    folder: Path,
    scene: slicer.vtkMRMLScene,
    document: RunDocument,
    nodes: RunResults,
    files: WantedFiles,
    progress: Progress | None = None,
) -> None:
    """Write the files of an evaluated run into an existing empty folder, all in the CT's own coordinates.

    :param document: what `evaluateResults` returned for the nodes.
    """
    margin = errorMargin(document) if files.withErrorMargin else None
    if files.dicomFolder is not None:
        writeDicomObjects(files.dicomFolder, document, subProgress(progress, 0.0, 0.3), margin)
    report(progress, 0.3, "Writing the report")
    writeMeasurements(folder / FileNames.MEASUREMENTS, document.measurements())
    measured = document.tumor.measured if document.tumor is not None else None
    writeMeasurementsTable(folder / FileNames.MEASUREMENTS_TABLE, measured)
    writeRunReport(folder, document, files.withPdf, files.inFull)
    report(progress, 0.6, "Writing the volumes")
    if margin is not None:
        addMarginSegment(nodes.segmentationNode, margin)
    _showFigures(scene, nodes, document)
    _saveVolumes(folder, scene, nodes, document)
    showInSliceViews(scene, nodes.fusedVolumeNode, document.center)
    if files.withScene:
        report(progress, 0.85, "Writing the scene")
        saveScene(scene, folder / FileNames.SCENE)
    report(progress, 1.0, "Results written")


def _checkBelongTogether(results: RunResults) -> None:
    if results.fixedVolumeNode.GetParentTransformNode() is not None:
        raise ValueError(
            f'The CT "{results.fixedVolumeNode.GetName()}" is under a transform; harden it before results are saved.'
        )
    checkRegistration(results.registration.transform, results.fixedVolumeNode, results.movingVolumeNode)
    checkFusedVolume(results.fusedVolumeNode, results.fixedVolumeNode, _fusedMovingNodes(results))


def _fusedMovingNodes(results: RunResults) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Return the MRIs that went into the fused volume and are still in the scene."""
    fusedNode = results.fusedVolumeNode
    nodes = [
        fusedNode.GetNthNodeReference(SOURCE_ROLE, i) for i in range(fusedNode.GetNumberOfNodeReferences(SOURCE_ROLE))
    ]
    return [node for node in nodes if node is not None and node is not results.fixedVolumeNode]


def _handOut(results: RunResults, files: WantedFiles) -> RunSteps:
    """Return what the nodes hold, in the CT's own coordinates."""
    fixedImage = imageFromVolumeNode(results.fixedVolumeNode)
    dicom = {"ct": results.fixedDicom, "mri": results.movingDicom}
    return RunSteps(
        fixedImage,
        imageFromVolumeNode(results.movingVolumeNode),
        worldToNodeTransform(results.movingVolumeNode, fixedImage),
        results.registration,
        results.fusion,
        tumorInWorld(results, fixedImage),
        Provenance(
            names=(results.fixedVolumeNode.GetName(), results.movingVolumeNode.GetName()),
            inputs=results.inputs,
            interpolation=results.interpolation,
            told=results.recipe,
            notes=results.warnings,
            dicom={role: series for role, series in dicom.items() if series is not None},
            writesDicom=files.dicomFolder is not None,
            areSidesAssumed=results.areSidesAssumed,
        ),
        files.inFull,
    )


def tumorInWorld(results: RunResults, fixedImage: sitk.Image) -> TumorResult | None:
    """Return the outline in world coordinates, None where there is none."""
    tumor = results.tumor
    if tumor is None:
        return None
    transform = worldToNodeTransform(results.segmentationNode, fixedImage)
    second = tumor.second
    if second is not None:
        second = replace(second, labelImage=hardenedLabels(second.labelImage, transform, fixedImage))
    return replace(tumor, labelImage=hardenedLabels(tumor.labelImage, transform, fixedImage), second=second)


def _showFigures(scene: slicer.vtkMRMLScene, results: RunResults, document: RunDocument) -> None:
    """Put the document's figures into the scene, as tables and lines."""
    updateErrorTables(results.transformNode, document.registration)
    if document.tumor is not None:
        logic = TumorSegmentationLogic(scene)
        logic.showMeasurements(document.tumor.measured, results.segmentationNode, inWorld=True)


def _saveVolumes(folder: Path, scene: slicer.vtkMRMLScene, results: RunResults, document: RunDocument) -> None:
    registeredNode = addVolume(scene, document.images.registered, FileNames.REGISTERED_MRI.partition(".")[0])
    try:
        saveNode(registeredNode, folder / FileNames.REGISTERED_MRI)
    finally:
        discard(scene, registeredNode)
    writeTransform(results.registration.transform, folder / FileNames.TRANSFORM)
    saveNode(results.fusedVolumeNode, folder / FileNames.FUSED)
    _saveSegmentation(scene, results.segmentationNode, document.images.fixed, folder / FileNames.TUMOR)


def _saveSegmentation(
    scene: slicer.vtkMRMLScene, segmentationNode: slicer.vtkMRMLSegmentationNode, fixedImage: sitk.Image, path: Path
) -> None:
    """Write a segmentation in world coordinates on the CT's own grid, leaving the node as it is."""
    copyNode = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "tumor")
    try:
        transform = worldToNodeTransform(segmentationNode, fixedImage)
        copyOnGrid(segmentationNode, copyNode, fixedImage, transform)
        saveNode(copyNode, path)
    finally:
        discard(scene, copyNode)
