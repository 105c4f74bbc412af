"""The synthetic head as nodes of a scene, as a user would have them after loading."""

import slicer

from ..Core.Phantom import Phantom
from .NodeFiles import addVolume
from .VolumeNodes import setMarkupsPoints


def addPhantom(scene: slicer.vtkMRMLScene, phantom: Phantom) -> list[slicer.vtkMRMLNode]:
    """Add the phantom's CT, MRI, CT landmarks and MRI landmarks to the scene and return the nodes in this order."""
    nodes = [addVolume(scene, phantom.ct, "Phantom CT"), addVolume(scene, phantom.mri, "Phantom MRI")]
    for name, points in (("CT landmarks", phantom.ctLandmarks), ("MRI landmarks", phantom.mriLandmarks)):
        markupsNode = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
        markupsNode.CreateDefaultDisplayNodes()
        setMarkupsPoints(markupsNode, points, list(phantom.landmarkLabels))
        nodes.append(markupsNode)
    return nodes
