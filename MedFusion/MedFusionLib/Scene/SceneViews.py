"""What views show: those of a saved scene when it is opened in Slicer, and pictures laid over others."""

import numpy as np
import SimpleITK as sitk
import slicer

from ..Core.Images.Coordinates import flipPoints
from .NodeFiles import discard
from .VolumeNodes import setVolumeNodeImage

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


def overlayNode(
    scene: slicer.vtkMRMLScene,
    node: slicer.vtkMRMLVolumeNode | None,
    name: str,
    image: sitk.Image,
    window: tuple[float, float],
) -> slicer.vtkMRMLVolumeNode:
    """Return a hidden node, saved with no scene, that shows an image over a view.

    :param node: the one that showed the image before; it is used again where it can hold this one, else removed.
    :param window: what is black and white, of an image without colors.
    """
    isColor = image.GetNumberOfComponentsPerPixel() > 1
    className = "vtkMRMLVectorVolumeNode" if isColor else "vtkMRMLScalarVolumeNode"
    if node is not None and node.GetClassName() != className:
        discard(scene, node)
        node = None
    if node is None:
        node = scene.AddNewNodeByClass(className, name)
        node.SetHideFromEditors(True)
        node.SetSaveWithScene(False)
        node.CreateDefaultDisplayNodes()
        node.GetDisplayNode().SetSaveWithScene(False)
    setVolumeNodeImage(node, image)
    if not isColor:
        node.GetDisplayNode().SetAutoWindowLevel(False)
        node.GetDisplayNode().SetWindowLevelMinMax(*window)
    return node
