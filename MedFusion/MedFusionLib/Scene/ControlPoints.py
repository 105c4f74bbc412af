"""Control points in the coordinates of other nodes: where a landmark lies in a volume, whatever both are under."""

import numpy as np
import slicer
import vtk

from ..Core.Images.Coordinates import flipPoints

# An attribute of lists whose points the panel named pair by pair: P1 in one is P1 in the other.
NAMED_PAIRS = "MedFusion.namedPairs"
# VTK inverts transforms that bend space step by step; where they fold, it ends somewhere else.
_INVERSE_TOLERANCE_MM = 0.05


def pointsBetween(
    points: np.ndarray,
    fromParentNode: slicer.vtkMRMLTransformNode | None,
    toParentNode: slicer.vtkMRMLTransformNode | None,
) -> np.ndarray:
    """Return RAS points (N, 3) of nodes under one transform in the coordinates of nodes under another.

    Each point is moved by itself: unlike in `relativeTransform` nothing is sampled where a transform bends space.

    :param fromParentNode: None for points in the world, as toParentNode.
    """
    points = np.array(points, dtype=float).reshape(-1, 3)
    if fromParentNode is toParentNode:
        return points
    general = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(fromParentNode, toParentNode, general)
    return np.array([general.TransformPoint(point) for point in points]).reshape(-1, 3)


def controlPointsIn(markupsNode: slicer.vtkMRMLMarkupsNode, node: slicer.vtkMRMLTransformableNode) -> np.ndarray:
    """Return all control points (N, 3) of a list, set or not, in another node's own LPS millimeters.

    They are read as they are stored where both have the same parent transform; it need not be inverted then.
    """
    return flipPoints(_rasPointsIn(markupsNode, node))


def joinParentOf(markupsNode: slicer.vtkMRMLMarkupsNode, node: slicer.vtkMRMLTransformableNode) -> None:
    """Put a list under the parent transform of a node, its points staying where they are in the world."""
    if markupsNode.GetParentTransformNode() is node.GetParentTransformNode():
        return
    points = _rasPointsIn(markupsNode, node)
    with slicer.util.NodeModify(markupsNode):  # observers see points and parent change at once
        for index, point in enumerate(points):
            status = markupsNode.GetNthControlPointPositionStatus(index)
            markupsNode.SetNthControlPointPosition(index, *point, status)
        markupsNode.SetAndObserveTransformNodeID(node.GetTransformNodeID())


def _rasPointsIn(markupsNode: slicer.vtkMRMLMarkupsNode, node: slicer.vtkMRMLTransformableNode) -> np.ndarray:
    indices = range(markupsNode.GetNumberOfControlPoints())
    stored = np.array([markupsNode.GetNthControlPointPosition(index) for index in indices]).reshape(-1, 3)
    listParent, nodeParent = markupsNode.GetParentTransformNode(), node.GetParentTransformNode()
    points = pointsBetween(stored, listParent, nodeParent)
    if listParent is nodeParent:
        return points
    offsets = pointsBetween(points, nodeParent, None) - pointsBetween(stored, listParent, None)
    for index in np.flatnonzero(np.linalg.norm(offsets, axis=1) > _INVERSE_TOLERANCE_MM).tolist():
        if markupsNode.GetNthControlPointPositionStatus(index) == slicer.vtkMRMLMarkupsNode.PositionDefined:
            raise ValueError(
                f'Landmark "{markupsNode.GetNthControlPointLabel(index)}" of "{markupsNode.GetName()}" has no clear '
                f'place in "{node.GetName()}", for the transform "{nodeParent.GetName()}" folds space there; take '
                f'"{node.GetName()}" out of that transform (Data module) and place the landmark again.'
            )
    return points
