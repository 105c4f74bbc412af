"""Landmark registration on nodes: two volumes and two fiducial lists in, a transform node out."""

import slicer

from ..Core.LandmarkRegistration import RegistrationResult, RegistrationSettings, registerLandmarks
from ..Core.Landmarks import LandmarkList
from ..Core.Progress import Progress
from .VolumeNodes import (
    definedPointsFromMarkups,
    imageFromVolumeNode,
    mappedPoints,
    setTransformNode,
    worldToNodeTransform,
)

FIXED_LANDMARKS_ROLE = "fixedLandmarks"
MOVING_LANDMARKS_ROLE = "movingLandmarks"


class LandmarkRegistrationLogic:
    """Register a moving volume to a fixed one in a scene."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self.scene = scene

    def register(
        self,
        fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode,
        movingVolumeNode: slicer.vtkMRMLScalarVolumeNode,
        fixedLandmarksNode: slicer.vtkMRMLMarkupsFiducialNode | None,
        movingLandmarksNode: slicer.vtkMRMLMarkupsFiducialNode | None,
        settings: RegistrationSettings | None = None,
        progress: Progress | None = None,
    ) -> tuple[slicer.vtkMRMLTransformNode, RegistrationResult]:
        """Put the moving volume and its landmarks under a transform that brings them to the fixed volume.

        Nothing in the scene changes when the registration fails or is cancelled. A transform node of an earlier
        registration of the same volume is used again.
        """
        result = registerLandmarks(
            landmarkList(fixedLandmarksNode, None),
            landmarkList(movingLandmarksNode, movingVolumeNode),
            settings,
            imageFromVolumeNode(fixedVolumeNode),
            imageFromVolumeNode(movingVolumeNode),
            progress=progress,
        )
        transformNode = self._transformNodeOf(movingVolumeNode)
        setTransformNode(transformNode, result.transform)
        transformNode.SetName(f"{movingVolumeNode.GetName()} to {fixedVolumeNode.GetName()}")
        for role, node in (
            (transformNode.GetFixedNodeReferenceRole(), fixedVolumeNode),
            (transformNode.GetMovingNodeReferenceRole(), movingVolumeNode),
            (FIXED_LANDMARKS_ROLE, fixedLandmarksNode),
            (MOVING_LANDMARKS_ROLE, movingLandmarksNode),
        ):
            transformNode.SetNodeReferenceID(role, node.GetID() if node else None)
        movingVolumeNode.SetAndObserveTransformNodeID(transformNode.GetID())
        if movingLandmarksNode:
            movingLandmarksNode.SetAndObserveTransformNodeID(transformNode.GetID())
        return transformNode, result

    def _transformNodeOf(self, movingVolumeNode: slicer.vtkMRMLScalarVolumeNode) -> slicer.vtkMRMLTransformNode:
        """Return the volume's own registration transform, or a new node."""
        parentNode = movingVolumeNode.GetParentTransformNode()
        if parentNode and parentNode.GetNodeReferenceID(parentNode.GetMovingNodeReferenceRole()) == (
            movingVolumeNode.GetID()
        ):
            return parentNode
        return self.scene.AddNewNodeByClass("vtkMRMLTransformNode", "Registration")


def landmarkList(
    markupsNode: slicer.vtkMRMLMarkupsFiducialNode | None, volumeNode: slicer.vtkMRMLScalarVolumeNode | None
) -> LandmarkList | None:
    """Return the landmarks of a list, in world LPS points or, with a volume node, in that volume's own LPS points."""
    if markupsNode is None:
        return None
    labels, points, placed = definedPointsFromMarkups(markupsNode)
    if volumeNode is not None:
        points = mappedPoints(points, worldToNodeTransform(volumeNode))
    return LandmarkList(tuple(labels), points, tuple(placed), f'landmarks "{markupsNode.GetName()}"')
