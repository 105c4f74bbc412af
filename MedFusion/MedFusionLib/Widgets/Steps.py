"""The steps of the panel: from its parameter node to the logics that the command line uses as well."""

import logging
import re
from pathlib import Path

import numpy as np
import slicer
from slicer.i18n import tr as _

from ..Core.Fusion.Settings import FusionMethod, FusionMode, FusionSettings
from ..Core.Images.Coordinates import flipPoints
from ..Core.Images.Transforms import TransformModel
from ..Core.Landmarks.LandmarkPairing import Pairing
from ..Core.Progress import Progress, subProgress
from ..Core.Registration.Registration import RegistrationResult, RegistrationSettings, registerLandmarks
from ..Core.Results import FileNames
from ..Core.Results.Output import outputFolder
from ..Scene.LandmarkRegistrationLogic import LandmarkRegistrationLogic, landmarkLists
from ..Scene.VolumeNodes import definedPointsFromMarkups

OTHER_VOLUMES_ROLE = "otherMovingVolume"
TUMOR_LINES_ROLE = "tumorLine"
# The word CT, or CT at the beginning of a name in capitals such as CTBrain; not the end of "contrast" or "direct".
_CT_NAME = re.compile(r"(?<![A-Za-z])(ct(?![A-Za-z])|CT(?![a-z]))")


def referencedNodes(parameters: object, role: str) -> list[slicer.vtkMRMLNode]:
    """Return the nodes that the parameter node refers to in a role."""
    node = parameters.parameterNode
    nodes = [node.GetNthNodeReference(role, index) for index in range(node.GetNumberOfNodeReferences(role))]
    return [each for each in nodes if each is not None]


def movingVolumes(parameters: object) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Return the MRI that is registered and then the other ones of its session."""
    volumes = [parameters.movingVolume] if parameters.movingVolume else []
    others = referencedNodes(parameters, OTHER_VOLUMES_ROLE)
    return volumes + [node for node in others if node not in (parameters.movingVolume, parameters.fixedVolume)]


def drawnOnMovingVolumes(parameters: object) -> list[slicer.vtkMRMLSegmentationNode]:
    """Return the panel's segmentations that lie on one of the MRIs and are to move with it."""
    nodes = [node for node in (parameters.segmentation, parameters.tumorScribbles) if node is not None]
    volumes = movingVolumes(parameters)
    sources = [node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()) for node in nodes]
    return [
        node
        for node, source in zip(nodes, sources, strict=True)
        if source in volumes and source.GetTransformNodeID() == node.GetTransformNodeID()
    ]


def registrationSettings(parameters: object) -> RegistrationSettings:
    """Return what the parameter node says about the registration."""
    return RegistrationSettings(
        model=TransformModel[parameters.model.value],
        pairing=Pairing[parameters.pairing.value],
        refine=parameters.refine,
        auto=parameters.auto,
    )


def fusionSettings(parameters: object) -> FusionSettings:
    """Return what the parameter node says about the fusion."""
    return FusionSettings(
        method=FusionMethod[parameters.fusionMethod.value],
        mode=FusionMode[parameters.fusionMode.value],
        levels=parameters.levels,
        ctWindow=(parameters.windowLow, parameters.windowHigh),
    )


def tumorVolumes(parameters: object) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Return the volume to outline the tumor in, and with an MRI the other MRIs of its session."""
    volumes = movingVolumes(parameters)
    if parameters.tumorVolume not in volumes:
        return [parameters.tumorVolume]
    return [parameters.tumorVolume] + [node for node in volumes if node is not parameters.tumorVolume]


def segmentationSettings(parameters: object) -> object:
    """Return what the parameter node says about the tumor's outline."""
    from ..Core.Tumor.TumorModels import ModelSettings
    from ..Core.Tumor.TumorSegmentation import SegmentationMethod, SegmentationSettings

    method = SegmentationMethod[parameters.tumorMethod.value]
    model = ModelSettings(str(parameters.modelFolder)) if method is SegmentationMethod.model else None
    return SegmentationSettings(method=method, model=model)


def registrationOf(movingVolumeNode: slicer.vtkMRMLScalarVolumeNode | None) -> slicer.vtkMRMLTransformNode | None:
    """Return the transform that a registration put the volume under."""
    transformNode = movingVolumeNode.GetParentTransformNode() if movingVolumeNode else None
    if transformNode and transformNode.GetNodeReferenceID(transformNode.GetMovingNodeReferenceRole()):
        return transformNode
    return None


def tumorCenter(parameters: object) -> np.ndarray | None:
    """Return the center of the outlined tumor in world LPS millimetres, once it can be known in the CT's space."""
    segmentationNode = parameters.segmentation
    if segmentationNode is None or registrationOf(parameters.movingVolume) is None:
        return None
    if not segmentationNode.GetSegmentation().GetNumberOfSegments():
        return None
    center = segmentationNode.GetSegmentCenterRAS(segmentationNode.GetSegmentation().GetNthSegmentID(0))
    return None if center is None else flipPoints(center)


def measurementRows(measurements: object) -> list[tuple[str, ...]]:
    """Return name, volume, longest diameter and RANO product of each segment, as texts."""
    return [
        (
            name,
            f"{lesion.volumeMl:.2f} ± {lesion.volumeUncertaintyMl:.2f}",
            f"{lesion.longestDiameter.lengthMm:.1f}",
            f"{lesion.axialDiameter.lengthMm:.1f} × {lesion.perpendicularDiameter.lengthMm:.1f}",
        )
        for name, lesion in measurements.segments.items()
    ]


class Steps:
    """Run the steps and remember their results as long as their nodes live."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self.scene = scene
        # Results by the ID of the node that they made: the details that no node holds.
        self._results: dict[str, object] = {}
        # What the step that made a node was told, for the reader of the results.
        self._recipes: dict[str, dict[str, str]] = {}

    def resultOf(self, node: slicer.vtkMRMLNode | None) -> object | None:
        """Return the result that made a node in this session."""
        return self._results.get(node.GetID()) if node is not None else None

    def forget(self) -> None:
        """Drop all results, because the scene is closed."""
        self._results.clear()
        self._recipes.clear()

    def guessVolumes(self, parameters: object) -> None:
        """Choose CT and MRI by DICOM modality, intensity range and name."""
        nodes = slicer.util.getNodesByClass("vtkMRMLScalarVolumeNode", self.scene)
        nodes = [n for n in nodes if n.GetClassName() == "vtkMRMLScalarVolumeNode" and n.GetImageData()]
        fixed = next((node for node in nodes if looksLikeCt(node)), None)
        moving = [node for node in nodes if not looksLikeCt(node) and not node.GetAttribute("MedFusion.method")]
        if fixed is not None:
            parameters.fixedVolume = fixed
        if moving:
            parameters.movingVolume = moving[0]
        self._guessLandmarks(parameters)

    def _guessLandmarks(self, parameters: object) -> None:
        lists = slicer.util.getNodesByClass("vtkMRMLMarkupsFiducialNode", self.scene)
        for name, words in (("fixedLandmarks", ("ct",)), ("movingLandmarks", ("mr", "mri"))):
            found = [node for node in lists if set(node.GetName().lower().replace("_", " ").split()) & set(words)]
            if found and getattr(parameters, name) is None:
                setattr(parameters, name, found[0])

    def liveFit(self, parameters: object) -> RegistrationResult:
        """Return the fit of the landmarks alone; quick enough for every movement of a point."""
        settings = RegistrationSettings(
            model=TransformModel[parameters.model.value], pairing=Pairing[parameters.pairing.value]
        )
        lists = landmarkLists(parameters.fixedLandmarks, parameters.movingLandmarks, parameters.movingVolume)
        return registerLandmarks(*lists, settings)

    def register(self, parameters: object, progress: Progress | None = None) -> RegistrationResult:
        """Put all MRIs, and the segmentations drawn on them, under a transform that brings them to the CT."""
        from ..Core.Results.Recipe import registrationRecipe

        drawn, settings = drawnOnMovingVolumes(parameters), registrationSettings(parameters)
        transformNode, result = LandmarkRegistrationLogic(self.scene).register(
            parameters.fixedVolume,
            parameters.movingVolume,
            parameters.fixedLandmarks,
            parameters.movingLandmarks,
            settings,
            progress,
            tumorCenter(parameters),
        )
        for node in [*movingVolumes(parameters)[1:], *drawn]:
            node.SetAndObserveTransformNodeID(transformNode.GetID())
        self._results[transformNode.GetID()] = result
        self._recipes[transformNode.GetID()] = registrationRecipe(settings)
        return result

    def _registrationFromLandmarks(self, parameters: object) -> RegistrationResult:
        """Return what the landmarks say about a registration that was not made in this session."""
        try:
            return self.liveFit(parameters)
        except ValueError as error:
            raise ValueError(
                _("The registration was made in an earlier session and its errors are not known; register again, ")
                + _("then save.")
            ) from error

    def errorMap(self, parameters: object, progress: Progress | None = None) -> slicer.vtkMRMLScalarVolumeNode:
        """Return a new hidden volume with the error in mm that the landmarks let expect all over the CT."""
        from ..Scene.RegistrationNodes import showErrorMap

        result = self.resultOf(registrationOf(parameters.movingVolume)) or self.liveFit(parameters)
        node = showErrorMap(parameters.fixedVolume, result, progress)
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        return node

    def fuse(self, parameters: object, progress: Progress | None = None) -> object:
        """Fuse the CT and the MRIs into the parameter node's fused volume."""
        from ..Scene.WaveletFusionLogic import WaveletFusionLogic

        node = parameters.fusedVolume
        settings = fusionSettings(parameters)
        if node is not None and node.IsA("vtkMRMLVectorVolumeNode") != (settings.method is FusionMethod.color):
            node = None
        node, result = WaveletFusionLogic(self.scene).fuse(
            parameters.fixedVolume, movingVolumes(parameters), settings, node, progress
        )
        parameters.fusedVolume = node
        self._results[node.GetID()] = result
        return result

    def fusionMetrics(self, parameters: object, progress: Progress | None = None) -> dict[str, float]:
        """Return the scores of the fused volume."""
        from ..Scene.WaveletFusionLogic import fusionMetricsOf

        return fusionMetricsOf(parameters.fusedVolume, parameters.fixedVolume, parameters.movingVolume, progress)

    def segment(self, parameters: object, progress: Progress | None = None) -> object:
        """Outline the tumor into the parameter node's segmentation."""
        from ..Core.Results.Recipe import interactionRecipe
        from ..Scene.TumorSegmentationLogic import TumorSegmentationLogic

        interaction = self._interaction(parameters)
        node, result = TumorSegmentationLogic(self.scene).segment(
            tumorVolumes(parameters),
            interaction,
            segmentationSettings(parameters),
            parameters.segmentation,
            progress,
            parameters.fixedVolume if parameters.useCavity else None,
        )
        parameters.segmentation = node
        self._results[node.GetID()] = result
        self._recipes[node.GetID()] = interactionRecipe(interaction)
        return result

    def _interaction(self, parameters: object) -> object:
        """Return what the user pointed at, in world points."""
        from ..Core.Tumor.TumorSegmentation import TumorInteraction
        from ..Scene.TumorNodes import scribbleImages

        def pointsOf(node: slicer.vtkMRMLMarkupsNode | None) -> np.ndarray | None:
            if node is None:
                return None
            _labels, points, placed = definedPointsFromMarkups(node)
            points = points[np.array(placed, bool)]
            return points if len(points) else None

        method = parameters.tumorMethod.value
        if method == "line":
            lines = [pointsOf(node) for node in referencedNodes(parameters, TUMOR_LINES_ROLE)]
            lines = [line for line in lines if line is not None and len(line) == 2]
            return TumorInteraction(lines=np.array(lines)) if lines else TumorInteraction()
        inside, outside = pointsOf(parameters.tumorInside), pointsOf(parameters.tumorOutside)
        if method in ("click", "watershed"):
            return TumorInteraction(seeds=inside)
        if method == "strokes":
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

    def measure(self, parameters: object) -> object:
        """Return the measurements of the segmentation as it is now, with every correction made by hand."""
        from ..Core.Tumor.TumorMeasurements import measureTumor

        tumor = self._tumorResult(parameters)
        if tumor is None:
            raise ValueError(_("There is no outline to measure; outline the tumor first."))
        return measureTumor(tumor.labelImage, segments=tumor.allSegments)

    def showDiameters(self, parameters: object) -> list[slicer.vtkMRMLNode]:
        """Return new nodes with the measurements as a table and the diameters as lines."""
        from ..Scene.TumorSegmentationLogic import TumorSegmentationLogic

        logic = TumorSegmentationLogic(self.scene)
        tableNode, lineNodes = logic.showMeasurements(self.measure(parameters), parameters.segmentation)
        return [tableNode, *lineNodes]

    def save(self, parameters: object, replace: bool, progress: Progress | None = None) -> Path:
        """Write the result folder of the command line and return the report's path."""
        from ..Scene.ResultFolder import writeResultFolder

        folder = Path(parameters.outputFolder)
        results = self._runResults(parameters, subProgress(progress, 0.0, 0.1))
        with outputFolder(folder, replace) as partial:
            writeResultFolder(partial, self.scene, results, subProgress(progress, 0.1, 1.0))
        logging.info("Results written to %s", folder)
        return folder / FileNames.REPORT

    def _runResults(self, parameters: object, progress: Progress | None) -> object:
        """Gather the results; what this session did not compute is read back from the nodes."""
        from ..Scene.ResultFolder import RunResults, inputFiles
        from ..Scene.WaveletFusionLogic import fusionResultOf

        transformNode = registrationOf(parameters.movingVolume)
        if transformNode is None or parameters.fusedVolume is None:
            raise ValueError(_("Register and fuse the volumes first; then save the results."))
        registration = self.resultOf(transformNode) or self._registrationFromLandmarks(parameters)
        fusion = self.resultOf(parameters.fusedVolume) or fusionResultOf(parameters.fusedVolume)
        segmentationNode = parameters.segmentation
        tumor = self._tumorResult(parameters)
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

    def _tumorResult(self, parameters: object) -> object | None:
        """Return the outline as it is in the scene now, or None when nothing is outlined."""
        from ..Scene.TumorNodes import tumorResultFromNode

        segmentationNode = parameters.segmentation
        if segmentationNode is None:
            return None
        volumeNode = parameters.tumorVolume or parameters.movingVolume
        return tumorResultFromNode(segmentationNode, volumeNode, self.resultOf(segmentationNode))


def looksLikeCt(volumeNode: slicer.vtkMRMLScalarVolumeNode) -> bool:
    """Return whether a volume is a CT: by its DICOM modality, else by air at -1000 HU, else by its name."""
    modality = volumeNode.GetAttribute("DICOM.Modality")
    if modality:
        return modality == "CT"
    if volumeNode.GetImageData() is not None:
        low, high = volumeNode.GetImageData().GetScalarRange()
        if -3100 <= low <= -500 and high > 200:
            return True
    return _CT_NAME.search(volumeNode.GetName()) is not None
