"""The edges of a volume as a hidden label volume, to draw over another one."""

import numpy as np
import SimpleITK as sitk
import slicer

from .NodeFiles import addVolume
from .VolumeNodes import imageFromVolumeNode

_SMOOTHING_MM = 1.2
_STRONGEST_SHARE = 0.15


def addEdges(scene: slicer.vtkMRMLScene, volumeNode: slicer.vtkMRMLScalarVolumeNode) -> slicer.vtkMRMLVolumeNode:
    """Return a new label volume with the strongest edges of a volume, where the volume is shown.

    Edges are the zero crossings of the Laplacian of Gaussian where the gradient is strong: Marr, Hildreth 1980,
    doi:10.1098/rspb.1980.0020.
    """
    image = sitk.Cast(imageFromVolumeNode(volumeNode), sitk.sitkFloat32)
    gradient = sitk.GradientMagnitudeRecursiveGaussian(image, _SMOOTHING_MM)
    values = sitk.GetArrayFromImage(gradient)
    threshold = float(np.quantile(values[::2, ::2, ::2], 1 - _STRONGEST_SHARE))
    crossings = sitk.ZeroCrossing(sitk.LaplacianRecursiveGaussian(image, _SMOOTHING_MM))
    labels = sitk.Cast(crossings > 0, sitk.sitkUInt8) * sitk.Cast(gradient > threshold, sitk.sitkUInt8)
    node = addVolume(scene, labels, f"{volumeNode.GetName()} edges", "vtkMRMLLabelMapVolumeNode")
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    return node
