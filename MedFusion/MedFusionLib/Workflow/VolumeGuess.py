"""Which volumes and lists of a scene are the CT, the MRI and their landmarks."""

import re
from typing import TYPE_CHECKING

import slicer

from ..Scene.SceneNodes import nodesOfClass

if TYPE_CHECKING:
    from .Choices import Choices

# The word CT, or CT at the beginning of a name in capitals such as CTBrain; not the end of "contrast" or "direct".
_CT_NAME = re.compile(r"(?<![A-Za-z])(ct(?![A-Za-z])|CT(?![a-z]))")


def guessVolumes(scene: slicer.vtkMRMLScene, parameters: "Choices") -> None:
    """Choose CT and MRI by DICOM modality, intensity range and name, and the lists of landmarks by name."""
    nodes = nodesOfClass(scene, "vtkMRMLScalarVolumeNode")
    nodes = [n for n in nodes if n.GetClassName() == "vtkMRMLScalarVolumeNode" and n.GetImageData()]
    fixed = next((node for node in nodes if looksLikeCt(node)), None)
    moving = [node for node in nodes if not looksLikeCt(node) and not node.GetAttribute("MedFusion.method")]
    if fixed is not None:
        parameters.fixedVolume = fixed
    if moving:
        parameters.movingVolume = moving[0]
    _guessLandmarks(scene, parameters)


def _guessLandmarks(scene: slicer.vtkMRMLScene, parameters: "Choices") -> None:
    lists = nodesOfClass(scene, "vtkMRMLMarkupsFiducialNode")
    for name, words in (("fixedLandmarks", ("ct",)), ("movingLandmarks", ("mr", "mri"))):
        found = [node for node in lists if set(node.GetName().lower().replace("_", " ").split()) & set(words)]
        if found and getattr(parameters, name) is None:
            setattr(parameters, name, found[0])


def looksLikeCt(volumeNode: slicer.vtkMRMLScalarVolumeNode) -> bool:
    """Return whether a volume is a CT: by its DICOM modality, else by its values, else by its name."""
    from ..Core.Images.ValueJudgment import judgeImage
    from ..Scene.VolumeNodes import imageFromVolumeNode

    modality = volumeNode.GetAttribute("DICOM.Modality")
    if modality:
        return modality == "CT"
    if volumeNode.GetImageData() is not None and judgeImage(imageFromVolumeNode(volumeNode)).isCt:
        return True
    return _CT_NAME.search(volumeNode.GetName()) is not None
