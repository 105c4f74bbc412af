"""Wavelet fusion on nodes: a CT and one or more MRI volume nodes in, one fused volume node out."""

from collections.abc import Sequence
from dataclasses import fields

import slicer

from ..Core.Fusion.Fusion import FusionGeometry, FusionResult, fuseVolumes
from ..Core.Fusion.Metrics import volumeFusionMetrics
from ..Core.Fusion.Settings import FusionMethod, FusionSettings
from ..Core.Images.Grids import isotropicGrid
from ..Core.Images.Resampling import resampleImage
from ..Core.Progress import Progress
from .Alignment import rememberAlignment
from .FusionDisplay import rememberDisplay, windowOf
from .VolumeNodes import imageFromVolumeNode, setVolumeNodeImage, worldToNodeTransform

SOURCE_ROLE = "fusionSource"
ATTRIBUTE_PREFIX = "MedFusion."


class WaveletFusionLogic:
    """Fuse volumes of a scene."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self.scene = scene

    def fuse(
        self,
        fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode,
        movingVolumeNodes: Sequence[slicer.vtkMRMLScalarVolumeNode],
        settings: FusionSettings | None = None,
        fusedVolumeNode: slicer.vtkMRMLVolumeNode | None = None,
        progress: Progress | None = None,
        referenceVolumeNode: slicer.vtkMRMLScalarVolumeNode | None = None,
        spacing: float | None = None,
    ) -> tuple[slicer.vtkMRMLVolumeNode, FusionResult]:
        """Write the fusion of the volumes, each where it is shown in the scene, into a volume node.

        The recipe is stored in the node's attributes (see repeat), and its sources in node references.

        :param fusedVolumeNode: the node to fill, a vector volume for the color method; a new one when None.
        :param referenceVolumeNode: the CT or an MRI whose grid the result has; the CT when None.
        :param spacing: edge of cubic voxels in millimeters over the reference volume's box; its own voxels when None.
        """
        settings = settings or FusionSettings()
        referenceVolumeNode = referenceVolumeNode or fixedVolumeNode
        fixedImage = imageFromVolumeNode(fixedVolumeNode)
        movingImages = [imageFromVolumeNode(node) for node in movingVolumeNodes]
        transforms = {
            node.GetID(): worldToNodeTransform(node, fixedImage)
            for node in (fixedVolumeNode, *movingVolumeNodes, referenceVolumeNode)
        }
        images = dict(zip([node.GetID() for node in movingVolumeNodes], movingImages, strict=True))
        images[fixedVolumeNode.GetID()] = fixedImage
        referenceImage = images.get(referenceVolumeNode.GetID())
        if referenceImage is None:
            referenceImage = imageFromVolumeNode(referenceVolumeNode)
        geometry = FusionGeometry(
            [transforms[node.GetID()] for node in movingVolumeNodes],
            transforms[fixedVolumeNode.GetID()],
            referenceImage if spacing is None else isotropicGrid(referenceImage, spacing),
            transforms[referenceVolumeNode.GetID()],
        )
        result = fuseVolumes(fixedImage, movingImages, settings, geometry, progress)
        if fusedVolumeNode is None:
            color = settings.method is FusionMethod.color
            fusedVolumeNode = self.scene.AddNewNodeByClass(
                "vtkMRMLVectorVolumeNode" if color else "vtkMRMLScalarVolumeNode",
                f"{fixedVolumeNode.GetName()} + {movingVolumeNodes[0].GetName()}",
            )
        setVolumeNodeImage(fusedVolumeNode, result.image)
        fusedVolumeNode.SetAndObserveTransformNodeID(referenceVolumeNode.GetTransformNodeID())
        rememberDisplay(fusedVolumeNode, result)
        for name, value in result.settings.asDict().items():
            fusedVolumeNode.SetAttribute(f"{ATTRIBUTE_PREFIX}{name}", value)
        fusedVolumeNode.RemoveNodeReferenceIDs(SOURCE_ROLE)
        for node in (fixedVolumeNode, *movingVolumeNodes):
            fusedVolumeNode.AddNodeReferenceID(SOURCE_ROLE, node.GetID())
        rememberAlignment(fusedVolumeNode, fixedVolumeNode, movingVolumeNodes)
        return fusedVolumeNode, result


def recipeOf(fusedVolumeNode: slicer.vtkMRMLVolumeNode) -> FusionSettings:
    """Return the settings that a fused volume was made with, from its attributes."""
    stored = {
        item.name: fusedVolumeNode.GetAttribute(f"{ATTRIBUTE_PREFIX}{item.name}") for item in fields(FusionSettings)
    }
    return FusionSettings.fromDict({name: value for name, value in stored.items() if value is not None})


def fusionResultOf(fusedVolumeNode: slicer.vtkMRMLVolumeNode) -> FusionResult:
    """Return the result that a fused volume holds, without the warnings of the run that made it."""
    return FusionResult(imageFromVolumeNode(fusedVolumeNode), windowOf(fusedVolumeNode), recipeOf(fusedVolumeNode))


def fusionMetricsOf(
    fusedVolumeNode: slicer.vtkMRMLVolumeNode,
    fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode,
    movingVolumeNode: slicer.vtkMRMLScalarVolumeNode,
    progress: Progress | None = None,
) -> dict[str, float]:
    """Return the scores of a fused volume on the CT's grid against the CT and the MRI where it is shown."""
    fixedImage = imageFromVolumeNode(fixedVolumeNode)
    movingImage = imageFromVolumeNode(movingVolumeNode)
    movingImage = resampleImage(movingImage, fixedImage, worldToNodeTransform(movingVolumeNode, fixedImage))
    images = (fixedImage, movingImage, imageFromVolumeNode(fusedVolumeNode))
    return volumeFusionMetrics(*images, recipeOf(fusedVolumeNode), progress)
