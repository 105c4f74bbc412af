"""Wavelet fusion on nodes: a CT and one or more MRI volume nodes in, one fused volume node out."""

from collections.abc import Sequence

import slicer

from ..Core.Fusion import FusionResult, fuseVolumes
from ..Core.FusionSettings import FusionSettings
from ..Core.Progress import Progress
from .VolumeNodes import imageFromVolumeNode, setVolumeNodeImage, worldToNodeTransform

SOURCE_ROLE = "fusionSource"


class WaveletFusionLogic:
    """Fuse volumes of a scene."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self.scene = scene

    def fuse(
        self,
        fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode,
        movingVolumeNodes: Sequence[slicer.vtkMRMLScalarVolumeNode],
        settings: FusionSettings | None = None,
        fusedVolumeNode: slicer.vtkMRMLScalarVolumeNode | None = None,
        progress: Progress | None = None,
    ) -> tuple[slicer.vtkMRMLScalarVolumeNode, FusionResult]:
        """Write the fusion of the volumes, each where it is shown in the scene, into a volume node on the CT's grid.

        :param fusedVolumeNode: the node to fill; a new one when None.
        """
        fixedImage = imageFromVolumeNode(fixedVolumeNode)
        result = fuseVolumes(
            fixedImage,
            [imageFromVolumeNode(node) for node in movingVolumeNodes],
            settings,
            [worldToNodeTransform(node, fixedImage) for node in movingVolumeNodes],
            worldToNodeTransform(fixedVolumeNode, fixedImage),
            progress=progress,
        )
        if fusedVolumeNode is None:
            fusedVolumeNode = self.scene.AddNewNodeByClass(
                "vtkMRMLScalarVolumeNode", f"{fixedVolumeNode.GetName()} + {movingVolumeNodes[0].GetName()}"
            )
        setVolumeNodeImage(fusedVolumeNode, result.image)
        fusedVolumeNode.SetAndObserveTransformNodeID(fixedVolumeNode.GetTransformNodeID())
        fusedVolumeNode.CreateDefaultDisplayNodes()
        displayNode = fusedVolumeNode.GetDisplayNode()
        displayNode.SetAutoWindowLevel(False)
        displayNode.SetWindowLevelMinMax(*result.window)
        for name, value in result.settings.asDict().items():
            fusedVolumeNode.SetAttribute(f"MedFusion.{name}", value)
        fusedVolumeNode.RemoveNodeReferenceIDs(SOURCE_ROLE)
        for node in (fixedVolumeNode, *movingVolumeNodes):
            fusedVolumeNode.AddNodeReferenceID(SOURCE_ROLE, node.GetID())
        return fusedVolumeNode, result
