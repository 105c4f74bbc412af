"""What a saved scene shows when it is opened in Slicer."""

import numpy as np
import slicer

from ..Core.Images.Coordinates import flipPoints

_VIEWS = {"Red": "Axial", "Green": "Coronal", "Yellow": "Sagittal"}
_FIELD_OF_VIEW_MM = 260.0


def showInSliceViews(scene: slicer.vtkMRMLScene, volumeNode: slicer.vtkMRMLVolumeNode, center: np.ndarray) -> None:
    """Let the three standard slice views of the scene show a volume at a point.

    :param center: LPS millimeters.
    """
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    for name, orientation in _VIEWS.items():
        compositeNode = _singleton(scene, "vtkMRMLSliceCompositeNode", name)
        compositeNode.SetLayoutName(name)
        compositeNode.SetBackgroundVolumeID(volumeNode.GetID())
        sliceNode = _singleton(scene, "vtkMRMLSliceNode", name)
        sliceNode.SetLayoutName(name)
        sliceNode.SetOrientation(orientation)
        if not sliceNode.IsMappedInLayout():  # a view on the screen keeps its size
            sliceNode.SetDimensions(256, 256, 1)
            sliceNode.SetFieldOfView(_FIELD_OF_VIEW_MM, _FIELD_OF_VIEW_MM, 1.0)
        sliceNode.JumpSliceByCentering(*flipPoints(center))
    selectionNode = _singleton(scene, "vtkMRMLSelectionNode", "Singleton")
    selectionNode.SetActiveVolumeID(volumeNode.GetID())


def _singleton(scene: slicer.vtkMRMLScene, className: str, tag: str) -> slicer.vtkMRMLNode:
    node = scene.GetSingletonNode(tag, className)
    if node is None:
        node = scene.CreateNodeByClass(className)
        node.UnRegister(None)
        node.SetSingletonTag(tag)
        node.SetName(tag if tag != "Singleton" else "Selection")
        node = scene.AddNode(node)
    return node
