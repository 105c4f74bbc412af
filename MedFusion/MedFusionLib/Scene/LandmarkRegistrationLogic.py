"""Landmark registration on nodes: two volumes and two fiducial lists in, a transform node out."""

import re
from collections.abc import Sequence

import numpy as np
import slicer

from ..Core.Landmarks.LandmarkList import LandmarkList, checkNoCopy
from ..Core.Progress import Progress
from ..Core.Registration.Registration import RegistrationSettings, registerLandmarks
from ..Core.Registration.RegistrationResult import RegistrationResult
from .ControlPoints import NAMED_PAIRS, controlPointsIn, joinParentOf
from .RegistrationNodes import updateErrorTables
from .VolumeNodes import (
    definedPointsFromMarkups,
    imageFromVolumeNode,
    setTransformNode,
    worldImageFromVolumeNode,
)

FIXED_LANDMARKS_ROLE = "fixedLandmarks"
MOVING_LANDMARKS_ROLE = "movingLandmarks"
# The word FLE, and all that may be meant as its number, with signs and ranges that no number can have.
_FLE_NOTE = re.compile(
    r"\bFLE(?![A-Za-z_])\s*[:=]?\s*([-+\u2212]?[\d.,]*(?:e[-+]?\d+)?(?:\s*[-\u2013/]\s*\d+)?)", re.IGNORECASE
)


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
        target: np.ndarray | None = None,
    ) -> tuple[slicer.vtkMRMLTransformNode, RegistrationResult]:
        """Put the moving volume and its landmarks under a transform that brings them to the fixed volume.

        Nothing in the scene changes when the registration fails or is canceled. A transform node of an earlier
        registration of the same volume is used again. The moving landmarks may have another parent transform than
        their volume: they stay at the same places in it, and the fixed landmarks stay where they are in the world.

        :param target: world LPS point (3,) where the error matters, such as the tumor's centroid.
        """
        if fixedVolumeNode is movingVolumeNode:
            raise ValueError(f'"{fixedVolumeNode.GetName()}" is chosen as CT and as MRI; choose two different volumes.')
        result = registerLandmarks(
            *landmarkLists(fixedLandmarksNode, movingLandmarksNode, movingVolumeNode),
            settings,
            worldImageFromVolumeNode(fixedVolumeNode),
            imageFromVolumeNode(movingVolumeNode),
            target,
            progress,
        )
        if movingLandmarksNode:
            joinParentOf(movingLandmarksNode, movingVolumeNode)  # while the old transform still tells how
        transformNode = self._transformNodeOf(movingVolumeNode, (fixedVolumeNode, fixedLandmarksNode))
        transformNode.SetAndObserveTransformNodeID(None)  # the result leads from the world
        setTransformNode(transformNode, result.transform)
        transformNode.SetName(f"{movingVolumeNode.GetName()} to {fixedVolumeNode.GetName()}")
        for role, node in (
            (transformNode.GetFixedNodeReferenceRole(), fixedVolumeNode),
            (transformNode.GetMovingNodeReferenceRole(), movingVolumeNode),
            (FIXED_LANDMARKS_ROLE, fixedLandmarksNode),
            (MOVING_LANDMARKS_ROLE, movingLandmarksNode),
        ):
            transformNode.SetNodeReferenceID(role, node.GetID() if node else None)
        updateErrorTables(transformNode, result)
        movingVolumeNode.SetAndObserveTransformNodeID(transformNode.GetID())
        if movingLandmarksNode:
            movingLandmarksNode.SetAndObserveTransformNodeID(transformNode.GetID())
        return transformNode, result

    def _transformNodeOf(
        self,
        movingVolumeNode: slicer.vtkMRMLScalarVolumeNode,
        fixedNodes: Sequence[slicer.vtkMRMLTransformableNode | None],
    ) -> slicer.vtkMRMLTransformNode:
        """Return the volume's own registration transform, or a new node if it has none or moves a fixed node, too."""
        parentNode = movingVolumeNode.GetParentTransformNode()
        isOwn = parentNode and parentNode.GetNodeReference(parentNode.GetMovingNodeReferenceRole()) is movingVolumeNode
        if isOwn and not any(_isUnder(node, parentNode) for node in fixedNodes):
            return parentNode
        return self.scene.AddNewNodeByClass("vtkMRMLTransformNode", "Registration")


def _isUnder(node: slicer.vtkMRMLTransformableNode | None, transformNode: slicer.vtkMRMLTransformNode) -> bool:
    while node is not None and node is not transformNode:
        node = node.GetParentTransformNode()
    return node is not None


def landmarkLists(
    fixedLandmarksNode: slicer.vtkMRMLMarkupsFiducialNode | None,
    movingLandmarksNode: slicer.vtkMRMLMarkupsFiducialNode | None,
    movingVolumeNode: slicer.vtkMRMLScalarVolumeNode | None,
) -> tuple[LandmarkList | None, LandmarkList | None]:
    """Return the fixed landmarks in world LPS points and the moving ones in their volume's own LPS points."""
    if fixedLandmarksNode is not None and fixedLandmarksNode is movingLandmarksNode:
        raise ValueError(
            f'"{fixedLandmarksNode.GetName()}" is chosen as the landmarks of the CT and of the MRI; choose a list for '
            "each."
        )
    fixed, moving = landmarkList(fixedLandmarksNode, None), landmarkList(movingLandmarksNode, movingVolumeNode)
    if fixed is not None and moving is not None:
        checkNoCopy(fixed, moving)
    return fixed, moving


def landmarkList(
    markupsNode: slicer.vtkMRMLMarkupsFiducialNode | None, volumeNode: slicer.vtkMRMLScalarVolumeNode | None
) -> LandmarkList | None:
    """Return the landmarks of a list, in world LPS points or, with a volume node, in that volume's own LPS points.

    A landmark whose description holds "FLE 2.5" (or "fle 2,5") weighs as one that may be off by 2.5 mm; where only
    some of a list say so, the others count as the median of those.
    """
    if markupsNode is None:
        return None
    labels, points, placed = definedPointsFromMarkups(markupsNode)
    if volumeNode is not None:
        points = controlPointsIn(markupsNode, volumeNode)
    fle = _notedErrors(markupsNode, placed)
    isNamed = markupsNode.GetAttribute(NAMED_PAIRS) is not None
    return LandmarkList(tuple(labels), points, tuple(placed), f'landmarks "{markupsNode.GetName()}"', fle, isNamed)


def _notedErrors(markupsNode: slicer.vtkMRMLMarkupsFiducialNode, placed: list[bool]) -> tuple[float, ...] | None:
    """Return the placing error in mm that each landmark's description notes, or their median; None without notes."""
    noted = [_notedError(markupsNode, index) if isPlaced else None for index, isPlaced in enumerate(placed)]
    known = [value for value in noted if value is not None]
    if not known:
        return None
    return tuple(float(np.median(known)) if value is None else value for value in noted)


def _notedError(markupsNode: slicer.vtkMRMLMarkupsFiducialNode, index: int) -> float | None:
    description = markupsNode.GetNthControlPointDescription(index) or ""
    note = _FLE_NOTE.search(description)
    if note is None:
        return None
    try:
        value = float(note.group(1).rstrip(".,").replace(",", "."))
    except ValueError:
        value = 0.0
    if value <= 0:
        raise ValueError(
            f'Landmark "{markupsNode.GetNthControlPointLabel(index)}" of "{markupsNode.GetName()}" says '
            f'"{description}"; write FLE and a positive number of millimeters, such as "FLE 2.5", or no FLE.'
        )
    return value
