"""Load nodes from files into a scene and save nodes to files, without the application."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

from ..Core.Images.Coordinates import flipPoints
from ..Core.Inputs.LandmarkFile import LANDMARK_SUFFIXES, LandmarkFile, readLandmarkFile
from ..Core.Inputs.VolumeFiles import volumeName
from .VolumeNodes import setVolumeNodeImage


def addVolume(
    scene: slicer.vtkMRMLScene, image: sitk.Image, name: str, className: str = "vtkMRMLScalarVolumeNode"
) -> slicer.vtkMRMLVolumeNode:
    """Add a volume node that holds an LPS image, with display nodes."""
    volumeNode = scene.AddNewNodeByClass(className, name)
    setVolumeNodeImage(volumeNode, image)
    volumeNode.CreateDefaultDisplayNodes()
    return volumeNode


def loadMarkups(scene: slicer.vtkMRMLScene, path: str | Path) -> slicer.vtkMRMLMarkupsFiducialNode:
    """Add the landmarks of a file (.mrk.json, .fcsv, CSV, TSV) to the scene."""
    return addLandmarkList(scene, readLandmarkFile(path), landmarksName(path))


def addLandmarkList(scene: slicer.vtkMRMLScene, found: LandmarkFile, name: str) -> slicer.vtkMRMLMarkupsFiducialNode:
    """Add a list of control points that holds the landmarks of a file, also those that are unset or switched off."""
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
    for landmark, point in zip(found.landmarks, flipPoints(found.points), strict=True):
        isPlaced = bool(np.isfinite(point).all())
        index = node.AddControlPoint(vtk.vtkVector3d(*(point if isPlaced else np.zeros(3))), landmark.label)
        node.SetNthControlPointLabel(index, landmark.label)  # an empty one would have been numbered
        node.SetNthControlPointDescription(index, landmark.description)
        node.SetNthControlPointSelected(index, landmark.isUsed or not isPlaced)
        if not isPlaced:
            node.UnsetNthControlPointPosition(index)
    return node


def landmarksName(path: str | Path) -> str:
    """Return a landmark file's name without its extension."""
    name = Path(path).name
    extension = next((item for item in LANDMARK_SUFFIXES if name.lower().endswith(item)), "")
    return name[: len(name) - len(extension)] or name


def discard(scene: slicer.vtkMRMLScene, node: slicer.vtkMRMLDisplayableNode) -> None:
    """Remove a node with its display nodes.

    The node goes first: a view that still shows it would give it a new display node.
    """
    displayNodes = [node.GetNthDisplayNode(index) for index in range(node.GetNumberOfDisplayNodes())]
    for each in (node, *displayNodes):
        scene.RemoveNode(each)


def loadSegmentation(scene: slicer.vtkMRMLScene, path: str | Path) -> slicer.vtkMRMLSegmentationNode:
    """Add a segmentation (.seg.nrrd, or a label volume) to the scene."""
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no segmentation file {path}.")
    try:
        sitk.ReadImage(str(path))  # Slicer's reader ends the whole process at a damaged file
    except RuntimeError as error:
        raise ValueError(f"{path} could not be read as a segmentation (.seg.nrrd) or label volume.") from error
    segmentationNode = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", volumeName(path))
    storageNode = slicer.vtkMRMLSegmentationStorageNode()
    storageNode.SetFileName(str(path))
    if not storageNode.ReadData(segmentationNode):
        discard(scene, segmentationNode)
        raise ValueError(f"{path} could not be read as a segmentation (.seg.nrrd) or label volume.")
    segmentationNode.CreateDefaultDisplayNodes()
    return segmentationNode


def saveNode(node: slicer.vtkMRMLStorableNode, path: str | Path) -> None:
    """Write a node's data to a file in the format of the file's extension.

    :raises RuntimeError: when the file was not written.
    """
    storageNode = node.CreateDefaultStorageNode()
    if storageNode is None:
        raise RuntimeError(f'"{node.GetName()}" holds nothing that can be saved.')
    storageNode.SetFileName(str(path))
    if not storageNode.WriteData(node) or not Path(path).is_file():
        raise RuntimeError(f'"{node.GetName()}" could not be written to {path}; is the disk full or write-protected?')


def saveScene(scene: slicer.vtkMRMLScene, path: str | Path) -> None:
    """Write a whole scene as a bundle (.mrb)."""
    if not scene.WriteToMRB(str(path)) or not Path(path).is_file():
        raise RuntimeError(f"The scene could not be written to {path}; is the disk full or write-protected?")
