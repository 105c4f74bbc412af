"""The steps of the panel: from its parameter node to the logics that the command line uses as well."""

import dataclasses
import logging
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import slicer

from ..Core.Dicom.Sequence import guessSequence
from ..Core.Fusion.Fusion import FusionResult
from ..Core.Fusion.Settings import FusionMethod
from ..Core.Images.Transforms import TransformModel
from ..Core.Inputs.Identity import conflictsBetween, frameWarnings
from ..Core.Landmarks.LandmarkPairing import Pairing
from ..Core.Progress import Progress, subProgress
from ..Core.Registration.PoseCheck import checkLandmarkPose
from ..Core.Registration.Registration import RegistrationSettings, registerLandmarks
from ..Core.Registration.RegistrationResult import RegistrationResult
from ..Core.Registration.SliceRegistration import isSingleSlice
from ..Core.Results import FileNames
from ..Core.Results.Output import outputFolder
from ..Core.Results.Recipe import interactionRecipe, registrationRecipe
from ..Core.Tumor.LesionMeasurements import TumorMeasurements
from ..Core.Tumor.TumorMeasurements import measureTumor
from ..Core.Tumor.TumorSegmentation import TumorInteraction, TumorResult
from ..Report.Pdf import checkPdfRenderer
from ..Scene.LandmarkRegistrationLogic import LandmarkRegistrationLogic, landmarkLists
from ..Scene.RegistrationNodes import showErrorMap
from ..Scene.TumorNodes import rememberVerdict, scribbleImages, tumorResultFromNode
from ..Scene.TumorSegmentationLogic import TumorSegmentationLogic
from ..Scene.VolumeNodes import (
    definedPointsFromMarkups,
    imageFromVolumeNode,
    transformFromNode,
    worldImageFromVolumeNode,
)
from ..Scene.WaveletFusionLogic import WaveletFusionLogic, fusionMetricsOf, fusionResultOf
from .MadeFrom import fusionState, registrationState, voxelState
from .Parameters import (
    TUMOR_LINES_ROLE,
    TumorChoice,
    drawnOnMovingVolumes,
    fusionSettings,
    movingVolumes,
    referencedNodes,
    registrationOf,
    registrationSettings,
    segmentationSettings,
    tumorCenter,
    tumorVolumes,
)
from .Translation import tr as _
from .VolumeDoubts import isOrientationAssumed, memoryDoubts, valueDoubts
from .VolumeHeaders import VolumeHeaders

if TYPE_CHECKING:
    from ..Scene.ResultFolder import RunResults
    from .Choices import Choices

DICOM_FOLDER = "dicom"
_SMALLEST_MAP_RANGE_MM = 0.2


class Steps:
    """Run the steps and remember their results as long as their nodes live."""

    def __init__(self, scene: slicer.vtkMRMLScene, headers: VolumeHeaders | None = None) -> None:
        """Work in a scene.

        :param headers: where the DICOM headers of volumes are read; None for nowhere.
        """
        self.scene = scene
        self.headers = headers or VolumeHeaders(lambda: None)
        # Results by the ID of the node that they made: the details that no node holds.
        self._results: dict[str, RegistrationResult | FusionResult | TumorResult] = {}
        # What the step that made a node was told, for the reader of the results.
        self._recipes: dict[str, dict[str, str]] = {}
        # What a node was made from, to tell when that has changed.
        self._madeFrom: dict[str, tuple] = {}

    def resultOf(self, node: slicer.vtkMRMLNode | None) -> RegistrationResult | FusionResult | TumorResult | None:
        """Return the result that made a node in this session."""
        return self._results.get(node.GetID()) if node is not None else None

    def forget(self) -> None:
        """Drop all results, because the scene is closed."""
        self._results.clear()
        self._recipes.clear()
        self._madeFrom.clear()

    def isRegistrationOutOfDate(self, parameters: "Choices") -> bool:
        """Return whether volumes, landmarks or pose changed since the MRI was registered in this session."""
        transformNode = registrationOf(parameters.movingVolume)
        if transformNode is None or transformNode.GetID() not in self._madeFrom:
            return False
        try:
            return registrationState(parameters) != self._madeFrom[transformNode.GetID()]
        except ValueError:  # one list is chosen for both images by now
            return True

    def isFusionOutOfDate(self, parameters: "Choices") -> bool:
        """Return whether the volumes or their poses changed since they were fused in this session."""
        node = parameters.fusedVolume
        return node is not None and self._madeFrom.get(node.GetID(), fusionState(parameters)) != fusionState(parameters)

    def conflicts(self, parameters: "Choices") -> tuple[str, ...]:
        """Return what the headers say against CT and MRIs belonging together, one sentence each.

        :raises ValueError: if one series is chosen as CT and as MRI.
        """
        volumes = [node for node in (parameters.fixedVolume, *movingVolumes(parameters)) if node is not None]
        return conflictsBetween([self.headers.patientOf(node) for node in volumes])

    def objections(self, parameters: "Choices") -> tuple[str, ...]:
        """Return all that speaks against working on the chosen volumes: headers, values, and too little memory.

        :raises ValueError: where they cannot be used together at all.
        """
        nodes = [node for node in (parameters.fixedVolume, *movingVolumes(parameters)) if node is not None]
        return (
            *self.conflicts(parameters),
            *memoryDoubts(nodes),
            *valueDoubts(parameters.fixedVolume, movingVolumes(parameters)),
        )

    def liveFit(self, parameters: "Choices") -> RegistrationResult:
        """Return the fit of the landmarks alone; quick enough for every movement of a point."""
        settings = RegistrationSettings(
            model=TransformModel[parameters.model.value], pairing=Pairing[parameters.pairing.value]
        )
        lists = landmarkLists(parameters.fixedLandmarks, parameters.movingLandmarks, parameters.movingVolume)
        return registerLandmarks(*lists, settings)

    def poseDoubts(self, parameters: "Choices", fit: RegistrationResult) -> tuple[str, ...] | None:
        """Return what the images say against the pose of the landmarks, in about half a second; None if not asked.

        :param fit: what liveFit returned.
        """
        if fit.landmarks is None or parameters.fixedVolume is None or parameters.movingVolume is None:
            return None
        images = (worldImageFromVolumeNode(parameters.fixedVolume), imageFromVolumeNode(parameters.movingVolume))
        if any(isSingleSlice(image) for image in images):
            return None  # they say too little about a pose in space
        return checkLandmarkPose(*images, fit.landmarks).doubts

    def register(
        self,
        parameters: "Choices",
        progress: Progress | None = None,
        given: slicer.vtkMRMLTransformNode | None = None,
    ) -> RegistrationResult:
        """Put all MRIs, and the segmentations drawn on them, under a transform that brings them to the CT.

        :param given: a transform made elsewhere that the MRI lies under; it is kept as it is and held against images
            and landmarks.
        """
        drawn, settings = drawnOnMovingVolumes(parameters), registrationSettings(parameters)
        if given is not None:
            kept = transformFromNode(given, worldImageFromVolumeNode(parameters.fixedVolume))
            settings = dataclasses.replace(settings, given=kept, auto=False, refine=False)
        transformNode, result = LandmarkRegistrationLogic(self.scene).register(
            parameters.fixedVolume,
            parameters.movingVolume,
            parameters.fixedLandmarks,
            parameters.movingLandmarks,
            settings,
            progress,
            tumorCenter(parameters),
        )
        headers = (self.headers.patientOf(parameters.fixedVolume), self.headers.patientOf(parameters.movingVolume))
        image = imageFromVolumeNode(parameters.fixedVolume)
        moved = frameWarnings(headers, image, result.transform, byLandmarks=result.landmarks is not None)
        result = dataclasses.replace(result, warnings=result.warnings + moved)
        for node in [*movingVolumes(parameters)[1:], *drawn]:
            node.SetAndObserveTransformNodeID(transformNode.GetID())
        self._results[transformNode.GetID()] = result
        self._recipes[transformNode.GetID()] = registrationRecipe(settings)
        self._madeFrom[transformNode.GetID()] = registrationState(parameters)
        return result

    def replaceRegistration(
        self,
        parameters: "Choices",
        transformNode: slicer.vtkMRMLTransformNode,
        result: RegistrationResult,
    ) -> None:
        """Keep another result for a transform that was moved by hand."""
        self._results[transformNode.GetID()] = result
        self._madeFrom[transformNode.GetID()] = registrationState(parameters)

    def _registrationFromLandmarks(self, parameters: "Choices") -> RegistrationResult:
        """Return what the landmarks say about a registration that was not made in this session."""
        try:
            return self.liveFit(parameters)
        except ValueError as error:
            raise ValueError(
                _("The registration was made in an earlier session and its errors are not known; register again, ")
                + _("then save.")
            ) from error

    def errorMap(self, parameters: "Choices", progress: Progress | None = None) -> slicer.vtkMRMLScalarVolumeNode:
        """Return a new hidden volume with the error in mm that the landmarks let expect all over the CT."""
        result = self.resultOf(registrationOf(parameters.movingVolume)) or self.liveFit(parameters)
        node = showErrorMap(parameters.fixedVolume, result, progress)
        low, high = node.GetImageData().GetScalarRange()
        # From its own least to its largest error: on a fixed scale a good map is one color.
        node.GetDisplayNode().SetWindowLevelMinMax(low, max(high, low + _SMALLEST_MAP_RANGE_MM))
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        return node

    def fuse(self, parameters: "Choices", progress: Progress | None = None) -> FusionResult:
        """Fuse the CT and the MRIs into the parameter node's fused volume."""
        node = parameters.fusedVolume
        settings = fusionSettings(parameters)
        if node is not None and node.IsA("vtkMRMLVectorVolumeNode") != (settings.method is FusionMethod.color):
            node = None
        node, result = WaveletFusionLogic(self.scene).fuse(
            parameters.fixedVolume, movingVolumes(parameters), settings, node, progress
        )
        parameters.fusedVolume = node
        self._results[node.GetID()] = result
        self._madeFrom[node.GetID()] = fusionState(parameters)
        return result

    def fusionMetrics(self, parameters: "Choices", progress: Progress | None = None) -> dict[str, float]:
        """Return the scores of the fused volume."""
        return fusionMetricsOf(parameters.fusedVolume, parameters.fixedVolume, parameters.movingVolume, progress)

    def segment(self, parameters: "Choices", progress: Progress | None = None) -> TumorResult:
        """Outline the tumor into the parameter node's segmentation."""
        interaction, volumes = self._interaction(parameters), tumorVolumes(parameters)
        sequences = tuple(guessSequence(node.GetName(), self.headers.patientOf(node)) for node in volumes)
        node, result = TumorSegmentationLogic(self.scene).segment(
            volumes,
            interaction,
            dataclasses.replace(segmentationSettings(parameters), sequences=sequences),
            parameters.segmentation,
            progress,
            parameters.fixedVolume if parameters.useCavity else None,
        )
        parameters.segmentation = node
        self.replaceOutline(node, result)
        self._recipes[node.GetID()] = interactionRecipe(interaction)
        self._madeFrom[node.GetID()] = voxelState(volumes)
        return result

    def replaceOutline(self, segmentationNode: slicer.vtkMRMLSegmentationNode, result: TumorResult) -> None:
        """Keep another result for an outline that the user judged or exchanged."""
        self._results[segmentationNode.GetID()] = result
        rememberVerdict(segmentationNode, result)

    def isOutlineOutOfDate(self, parameters: "Choices") -> bool:
        """Return whether voxels changed since the tumor was outlined in them in this session."""
        node = parameters.segmentation
        made = self._madeFrom.get(node.GetID(), ()) if node is not None else ()
        now = voxelState([self.scene.GetNodeByID(nodeID) for nodeID, _time in made])
        return any(state is not None and state != then for state, then in zip(now, made, strict=True))

    def _interaction(self, parameters: "Choices") -> TumorInteraction:
        """Return what the user pointed at, in world points."""

        def pointsOf(node: slicer.vtkMRMLMarkupsNode | None) -> np.ndarray | None:
            if node is None:
                return None
            _labels, points, placed = definedPointsFromMarkups(node)
            points = points[np.array(placed, bool)]
            return points if len(points) else None

        method = parameters.tumorMethod
        if method is TumorChoice.line:
            lines = [pointsOf(node) for node in referencedNodes(parameters, TUMOR_LINES_ROLE)]
            lines = [line for line in lines if line is not None and len(line) == 2]
            return TumorInteraction(lines=np.array(lines)) if lines else TumorInteraction()
        inside, outside = pointsOf(parameters.tumorInside), pointsOf(parameters.tumorOutside)
        if method.isClicked:
            return TumorInteraction(seeds=inside)
        if method is TumorChoice.strokes:
            scribbles, images = parameters.tumorScribbles, (None, None)
            if scribbles is not None:
                images = scribbleImages(scribbles, parameters.tumorVolume)
            return TumorInteraction(
                foregroundPoints=inside,
                backgroundPoints=outside,
                foregroundImage=images[0],
                backgroundImage=images[1],
            )
        return TumorInteraction()

    def measure(self, parameters: "Choices") -> TumorMeasurements:
        """Return the measurements of the segmentation as it is now, with every correction made by hand."""
        tumor = self.outline(parameters)
        if tumor is None:
            raise ValueError(_("There is no outline to measure; outline the tumor first."))
        return self.measured(tumor)

    @staticmethod
    def measured(tumor: TumorResult) -> TumorMeasurements:
        """Return the measurements of an outline."""
        return measureTumor(tumor.labelImage, segments=tumor.allSegments, second=tumor.second)

    def showDiameters(self, parameters: "Choices") -> list[slicer.vtkMRMLNode]:
        """Return new nodes with the measurements as a table and the diameters as lines."""
        logic = TumorSegmentationLogic(self.scene)
        tableNode, lineNodes = logic.showMeasurements(self.measure(parameters), parameters.segmentation)
        return [tableNode, *lineNodes]

    def save(self, parameters: "Choices", replace: bool, progress: Progress | None = None) -> Path:
        """Write the result folder of the command line and return the report's path.

        The results as DICOM objects go into a folder of their own in it.
        """
        # A third of the time that the panel takes to open.
        from ..Scene.ResultFolder import WantedFiles, evaluateResults, writeResultFolder

        if parameters.savePdf:
            checkPdfRenderer()
        folder = Path(parameters.outputFolder)
        results = self._runResults(parameters)
        if isSingleSlice(imageFromVolumeNode(results.fixedVolumeNode)):
            from ..Scene.PictureFolder import savePictures

            with outputFolder(folder, replace) as partial:
                savePictures(partial, self.scene, results, parameters.savePdf, parameters.saveScene)
            return folder / FileNames.REPORT
        with outputFolder(folder, replace) as partial:
            dicomFolder = partial / DICOM_FOLDER if parameters.saveDicom else None
            if dicomFolder is not None:
                dicomFolder.mkdir()
            files = WantedFiles(dicomFolder, parameters.savePdf, parameters.saveScene)
            document = evaluateResults(results, files, subProgress(progress, 0.1, 0.5))
            writeResultFolder(partial, self.scene, document, results, files, subProgress(progress, 0.5, 1.0))
        logging.info("Results written to %s", folder)
        return folder / FileNames.REPORT

    def _runResults(self, parameters: "Choices") -> "RunResults":
        """Gather the results; what this session did not compute is read back from the nodes."""
        from ..Scene.ResultFolder import RunResults, inputFiles

        transformNode = registrationOf(parameters.movingVolume)
        if transformNode is None or parameters.fusedVolume is None:
            raise ValueError(_("Register and fuse the volumes first; then save the results."))
        registration = self.resultOf(transformNode) or self._registrationFromLandmarks(parameters)
        fusion = self.resultOf(parameters.fusedVolume) or fusionResultOf(parameters.fusedVolume)
        segmentationNode = parameters.segmentation
        tumor = self.outline(parameters)
        if segmentationNode is None:
            segmentationNode = self.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "tumor")
            segmentationNode.CreateDefaultDisplayNodes()
            parameters.segmentation = segmentationNode
        return RunResults(
            fixedVolumeNode=parameters.fixedVolume,
            movingVolumeNode=parameters.movingVolume,
            transformNode=transformNode,
            registration=registration,
            fusedVolumeNode=parameters.fusedVolume,
            fusion=fusion,
            segmentationNode=segmentationNode,
            tumor=tumor,
            warnings=self.conflicts(parameters) + self._changesSince(parameters),
            areSidesAssumed=isOrientationAssumed(parameters.fixedVolume),
            fixedDicom=self.headers.seriesOf(parameters.fixedVolume),
            movingDicom=self.headers.seriesOf(parameters.movingVolume),
            recipe={
                "registration": self._recipes.get(transformNode.GetID(), {}),
                "tumor": self._recipes.get(segmentationNode.GetID(), {}) if tumor is not None else {},
            },
            inputs=inputFiles(
                ct=parameters.fixedVolume,
                mri=parameters.movingVolume,
                ct_landmarks=parameters.fixedLandmarks,
                mri_landmarks=parameters.movingLandmarks,
            ),
        )

    def _changesSince(self, parameters: "Choices") -> tuple[str, ...]:
        """Return what a reader of the results must know of changes after the registration."""
        if self.isRegistrationOutOfDate(parameters):
            return (_("Landmarks or volumes were changed after the registration; its errors are those of before."),)
        return ()

    def outline(self, parameters: "Choices") -> TumorResult | None:
        """Return the outline as it is in the scene now, or None when nothing is outlined.

        What was said about it when it was made is left out where it was changed by hand since.
        """
        segmentationNode = parameters.segmentation
        if segmentationNode is None:
            return None
        volumeNode = parameters.tumorVolume or parameters.movingVolume
        if volumeNode is None:
            raise ValueError(_("The volume of the outline is gone; choose the volume in which the tumor is seen."))
        return tumorResultFromNode(segmentationNode, volumeNode, self.resultOf(segmentationNode))
