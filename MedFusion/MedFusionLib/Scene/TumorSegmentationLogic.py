"""Tumor segmentation on nodes: volume nodes and markups in, a segmentation node out."""

import dataclasses
from collections.abc import Sequence

import SimpleITK as sitk
import slicer

from ..Core.Progress import Progress
from ..Core.Resampling import resampleImage
from ..Core.TumorSegmentation import SegmentationSettings, TumorInteraction, TumorResult, segmentTumor
from .VolumeNodes import (
    imageFromVolumeNode,
    mappedPoints,
    relativeTransform,
    setSegmentationLabels,
    worldToNodeTransform,
)

TUMOR_COLOR = (0.89, 0.35, 0.18)


class TumorSegmentationLogic:
    """Outline tumors in volumes of a scene."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self.scene = scene

    def segment(
        self,
        volumeNodes: Sequence[slicer.vtkMRMLScalarVolumeNode],
        interaction: TumorInteraction | None,
        settings: SegmentationSettings | None = None,
        segmentationNode: slicer.vtkMRMLSegmentationNode | None = None,
        progress: Progress | None = None,
    ) -> tuple[slicer.vtkMRMLSegmentationNode, TumorResult]:
        """Write the tumor's outline into a segmentation node on the first volume's grid and under its transform.

        :param interaction: points in world LPS millimetres; stroke images are on the first volume's grid.
        :param segmentationNode: the node to fill; a new one when None.
        """
        sourceNode = volumeNodes[0]
        images = self.imagesOnFirstGrid(volumeNodes)
        result = segmentTumor(images, _inOwnPoints(interaction, sourceNode, images[0]), settings, progress=progress)
        if segmentationNode is None:
            segmentationNode = self.scene.AddNewNodeByClass(
                "vtkMRMLSegmentationNode", f"{sourceNode.GetName()} tumor segmentation"
            )
        colors = dict.fromkeys(result.segmentNames, TUMOR_COLOR)
        setSegmentationLabels(segmentationNode, result.labelImage, result.segmentNames, colors)
        segmentationNode.SetReferenceImageGeometryParameterFromVolumeNode(sourceNode)
        segmentationNode.SetAndObserveTransformNodeID(sourceNode.GetTransformNodeID())
        segmentationNode.SetAttribute("MedFusion.method", result.settings.method.value)
        return segmentationNode, result

    @staticmethod
    def imagesOnFirstGrid(volumeNodes: Sequence[slicer.vtkMRMLScalarVolumeNode]) -> list[sitk.Image]:
        """Return the volumes as images on the first one's grid, each from where it is shown in the scene."""
        images = [imageFromVolumeNode(volumeNodes[0])]
        for node in volumeNodes[1:]:
            transform = relativeTransform(volumeNodes[0], node, images[0])
            images.append(resampleImage(imageFromVolumeNode(node), images[0], transform))
        return images


def _inOwnPoints(
    interaction: TumorInteraction | None, volumeNode: slicer.vtkMRMLScalarVolumeNode, image: sitk.Image
) -> TumorInteraction | None:
    """Return an interaction with its world points as points of a volume that may be under a transform."""
    transform = worldToNodeTransform(volumeNode, image)
    if interaction is None or transform is None:
        return interaction
    moved = {}
    for name in ("seeds", "lines", "foregroundPoints", "backgroundPoints"):
        points = getattr(interaction, name)
        if points is not None:
            moved[name] = mappedPoints(points.reshape(-1, 3), transform).reshape(points.shape)
    return dataclasses.replace(interaction, **moved)
