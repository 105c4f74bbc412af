"""The choices of the panel and the settings that they stand for, with the roles of the nodes it refers to."""

from enum import Enum
from typing import TYPE_CHECKING

import slicer

from ..Core.Fusion.Settings import ColorStyle, FusionMethod, FusionSettings
from .Translation import tr as _

if TYPE_CHECKING:
    import numpy as np

    from ..Core.Registration.Registration import RegistrationSettings
    from ..Core.Tumor.TumorSegmentation import SegmentationSettings
    from .Choices import Choices

OTHER_VOLUMES_ROLE = "otherMovingVolume"
TUMOR_LINES_ROLE = "tumorLine"
_NO_GUESS = "MedFusion.noGuess"


class RegistrationModel(Enum):
    """The transform models; the values of this and the next enums are the names of Core's own members."""

    rigid = "rigid"
    similarity = "similarity"
    affine = "affine"
    thinPlateSpline = "thinPlateSpline"

    def label(self) -> str:
        return {
            RegistrationModel.rigid: _("Rigid"),
            RegistrationModel.similarity: _("Similarity (rigid and scale)"),
            RegistrationModel.affine: _("Affine"),
            RegistrationModel.thinPlateSpline: _("Thin-plate spline"),
        }[self]


class LandmarkPairing(Enum):
    """How the points of two lists are matched."""

    byName = "label"
    byOrder = "order"
    byPosition = "auto"

    def label(self) -> str:
        return {
            LandmarkPairing.byName: _("By name"),
            LandmarkPairing.byOrder: _("By order"),
            LandmarkPairing.byPosition: _("By position alone"),
        }[self]


class FusionChoice(Enum):
    """The fusion methods."""

    selective = "selective"
    dwt = "dwt"
    swt = "swt"
    average = "average"
    maximum = "maximum"
    color = "color"

    def label(self) -> str:
        return {
            FusionChoice.selective: _("Bone of CT, tissue of MRI"),
            FusionChoice.dwt: _("Discrete wavelet"),
            FusionChoice.swt: _("Stationary wavelet"),
            FusionChoice.average: _("Average"),
            FusionChoice.maximum: _("Maximum"),
            FusionChoice.color: _("Color"),
        }[self]

    @property
    def hasLevels(self) -> bool:
        """Return whether the method works on wavelet levels."""
        return self in (FusionChoice.dwt, FusionChoice.swt)


class FusionColors(Enum):
    """What the color fusion shows."""

    bone = "bone"
    overlay = "overlay"
    changes = "changes"
    second = "second"

    def label(self) -> str:
        return {
            FusionColors.bone: _("Bone over MRI"),
            FusionColors.overlay: _("Both, to check the alignment"),
            FusionColors.changes: _("Changes that only the CT shows"),
            FusionColors.second: _("Second MRI as a tint"),
        }[self]


class TumorChoice(Enum):
    """How the tumor is pointed out."""

    line = "line"
    click = "click"
    strokes = "strokes"
    automatic = "automatic"
    watershed = "watershed"
    model = "model"

    def label(self) -> str:
        return {
            TumorChoice.line: _("Line along the longest diameter"),
            TumorChoice.click: _("One click"),
            TumorChoice.strokes: _("Points or scribbles"),
            TumorChoice.automatic: _("Automatic"),
            TumorChoice.watershed: _("Watershed from one click"),
            TumorChoice.model: _("Trained model"),
        }[self]

    @property
    def isClicked(self) -> bool:
        """Return whether single clicks into the tumor are all that is needed."""
        return self in (TumorChoice.click, TumorChoice.watershed)


def referencedNodes(parameters: "Choices", role: str) -> list[slicer.vtkMRMLNode]:
    """Return the nodes that the parameter node refers to in a role."""
    node = parameters.parameterNode
    nodes = [node.GetNthNodeReference(role, index) for index in range(node.GetNumberOfNodeReferences(role))]
    return [each for each in nodes if each is not None]


def rolesOf(parameterNode: slicer.vtkMRMLScriptedModuleNode, node: slicer.vtkMRMLNode) -> list[str]:
    """Return the roles in which a parameter node refers to a node."""
    roles = [parameterNode.GetNthNodeReferenceRole(i) for i in range(parameterNode.GetNumberOfNodeReferenceRoles())]
    return [role for role in roles if parameterNode.HasNodeReferenceID(role, node.GetID())]


def forgetNode(parameterNode: slicer.vtkMRMLScriptedModuleNode, node: slicer.vtkMRMLNode) -> None:
    """Empty the roles of a node that is about to go; a volume that the user removes is not guessed anew."""
    roles = rolesOf(parameterNode, node)
    if roles:
        parameterNode.SetAttribute(_NO_GUESS, "1")
    with slicer.util.NodeModify(parameterNode):
        for role in roles:
            for index in reversed(range(parameterNode.GetNumberOfNodeReferences(role))):
                if parameterNode.GetNthNodeReferenceID(role, index) == node.GetID():
                    parameterNode.RemoveNthNodeReferenceID(role, index)


def mayGuess(parameters: "Choices") -> bool:
    """Return whether CT and MRI were never chosen, so that they may be guessed."""
    isEmpty = parameters.fixedVolume is None and parameters.movingVolume is None
    return isEmpty and not parameters.parameterNode.GetAttribute(_NO_GUESS)


def movingVolumes(parameters: "Choices") -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Return the MRI that is registered and then the other ones of its session."""
    volumes = [parameters.movingVolume] if parameters.movingVolume else []
    others = referencedNodes(parameters, OTHER_VOLUMES_ROLE)
    return volumes + [node for node in others if node not in (parameters.movingVolume, parameters.fixedVolume)]


def tumorVolumes(parameters: "Choices") -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Return the volume to outline the tumor in, and with an MRI the other MRIs of its session."""
    volumes = movingVolumes(parameters)
    if parameters.tumorVolume not in volumes:
        return [parameters.tumorVolume]
    return [parameters.tumorVolume] + [node for node in volumes if node is not parameters.tumorVolume]


def drawnOnMovingVolumes(parameters: "Choices") -> list[slicer.vtkMRMLSegmentationNode]:
    """Return the panel's segmentations that lie on one of the MRIs and are to move with it."""
    nodes = [node for node in (parameters.segmentation, parameters.tumorScribbles) if node is not None]
    volumes = movingVolumes(parameters)
    sources = [node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()) for node in nodes]
    return [
        node
        for node, source in zip(nodes, sources, strict=True)
        if source in volumes and source.GetTransformNodeID() == node.GetTransformNodeID()
    ]


def registrationOf(movingVolumeNode: slicer.vtkMRMLScalarVolumeNode | None) -> slicer.vtkMRMLTransformNode | None:
    """Return the transform that a registration put the volume under."""
    transformNode = movingVolumeNode.GetParentTransformNode() if movingVolumeNode else None
    if transformNode and transformNode.GetNodeReferenceID(transformNode.GetMovingNodeReferenceRole()):
        return transformNode
    return None


def tumorCenter(parameters: "Choices") -> "np.ndarray | None":
    """Return the center of the outlined tumor in world LPS millimeters, once it can be known in the CT's space."""
    from ..Core.Images.Coordinates import flipPoints

    segmentationNode = parameters.segmentation
    if segmentationNode is None or registrationOf(parameters.movingVolume) is None:
        return None
    if not segmentationNode.GetSegmentation().GetNumberOfSegments():
        return None
    center = segmentationNode.GetSegmentCenterRAS(segmentationNode.GetSegmentation().GetNthSegmentID(0))
    return None if center is None else flipPoints(center)


def registrationSettings(parameters: "Choices") -> "RegistrationSettings":
    """Return what the parameter node says about the registration."""
    from ..Core.Images.Transforms import TransformModel
    from ..Core.Landmarks.LandmarkPairing import Pairing
    from ..Core.Registration.Registration import RegistrationSettings

    return RegistrationSettings(
        model=TransformModel[parameters.model.value],
        pairing=Pairing[parameters.pairing.value],
        refine=parameters.refine,
        auto=parameters.auto,
    )


def fusionSettings(parameters: "Choices") -> FusionSettings:
    """Return what the parameter node says about the fusion."""
    return FusionSettings(
        method=FusionMethod[parameters.fusionMethod.value],
        colorStyle=ColorStyle[parameters.fusionColors.value],
        ctChanges=parameters.ctChanges,
        levels=parameters.levels,
        ctWindow=(parameters.windowLow, parameters.windowHigh),
    )


def segmentationSettings(parameters: "Choices") -> "SegmentationSettings":
    """Return what the parameter node says about the tumor's outline."""
    from ..Core.Tumor.TumorModels import ModelSettings
    from ..Core.Tumor.TumorSegmentation import SegmentationMethod, SegmentationSettings

    method = SegmentationMethod[parameters.tumorMethod.value]
    model = ModelSettings(str(parameters.modelFolder)) if method is SegmentationMethod.model else None
    return SegmentationSettings(method=method, model=model)
