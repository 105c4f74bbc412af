"""The edges of a volume as a hidden label volume, to draw over another one."""

import SimpleITK as sitk
import slicer

from .NodeFiles import addVolume
from .VolumeNodes import imageFromVolumeNode

_SMOOTHING_MM = 1.2
_STRONGEST_SHARE = 0.04


def addEdges(scene: slicer.vtkMRMLScene, volumeNode: slicer.vtkMRMLScalarVolumeNode) -> slicer.vtkMRMLVolumeNode:
    """Return a new label volume with the strongest edges of a volume, where the volume is shown.

    Canny 1986, doi:10.1109/TPAMI.1986.4767851, with the upper threshold at a share of the strongest gradients.
    """
    image = sitk.Cast(imageFromVolumeNode(volumeNode), sitk.sitkFloat32)
    gradient = sitk.GetArrayViewFromImage(sitk.GradientMagnitudeRecursiveGaussian(image, _SMOOTHING_MM)).ravel()[::7]
    upper = float(sorted(gradient)[int(len(gradient) * (1 - _STRONGEST_SHARE))])
    edges = sitk.CannyEdgeDetection(image, upper / 3, upper, [_SMOOTHING_MM**2] * 3)
    labels = sitk.Cast(edges > 0, sitk.sitkUInt8)
    node = addVolume(scene, labels, f"{volumeNode.GetName()} edges", "vtkMRMLLabelMapVolumeNode")
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    return node
