"""What speaks against the chosen volumes themselves: sides that no file tells, and values that cannot be right.

Slicer shows left and right of every volume, also of one whose file does not say where they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import slicer

from ..Core.Images.Coordinates import CoordinateSystem
from ..Core.Images.ValueJudgment import checkNotExchanged, ctWarning, judgeImage, mriWarning
from ..Core.Inputs.FileGeometry import affineOf, assumed, headerGeometry
from ..Core.Inputs.Memory import checkMemoryOfLoaded
from ..Core.Inputs.VolumeSize import VolumeSize
from ..Scene.VolumeNodes import ijkToRasMatrix, imageFromVolumeNode, matrixFromArray
from .Parameters import movingVolumes
from .Translation import tr as _

if TYPE_CHECKING:
    from .Choices import Choices

# An attribute of volumes: which way their axes lead by the user's word, for their file does not say it.
_SAID_AXES = "MedFusion.assumedAxes"


@dataclass(frozen=True)
class OrientationQuestion:
    """Ask which way the axes of a volume lead.

    :param shown: how they lead as the volume is shown now; None for neither of the two ways.
    """

    volumeNode: slicer.vtkMRMLVolumeNode
    reason: str
    shown: CoordinateSystem | None

    @property
    def choices(self) -> tuple[CoordinateSystem, ...]:
        """Return the ways to ask for, the one that is shown first."""
        return tuple(sorted(CoordinateSystem, key=lambda axes: axes is not self.shown))

    def text(self, axes: CoordinateSystem) -> str:
        """Return the question whether the axes lead this way."""
        where = {
            CoordinateSystem.ras: _("to the right, front and top of the patient (RAS)"),
            CoordinateSystem.lps: _("to the left, back and top of the patient (LPS)"),
        }[axes]
        return _(
            '"{name}" does not say its orientation in the patient, not even left and right ({reason}). Do you know '
            "that its axes lead {where}?"
        ).format(name=self.volumeNode.GetName(), reason=self.reason, where=where)


def orientationQuestion(volumeNode: slicer.vtkMRMLVolumeNode | None) -> OrientationQuestion | None:
    """Return the question about a volume whose file does not say left and right, None where it does or was answered."""
    if volumeNode is None or isOrientationAssumed(volumeNode) or volumeNode.GetImageData() is None:
        return None
    storageNode = volumeNode.GetStorageNode()
    path = Path((storageNode.GetFileName() if storageNode is not None else "") or "")
    if not path.is_file() or 1 in volumeNode.GetImageData().GetDimensions():
        return None  # made in the scene, or a picture, which has no sides
    try:
        geometry = headerGeometry(path)
    except ValueError:  # a unit that nobody knows; Slicer has read the file all the same
        return None
    if not geometry.unknown:
        return None
    image = imageFromVolumeNode(volumeNode)
    shown = [axes for axes in CoordinateSystem if _leadsAs(affineOf(assumed(image, axes)), affineOf(image))]
    return OrientationQuestion(volumeNode, geometry.unknown, shown[0] if shown else None)


def orientationQuestions(parameters: "Choices") -> tuple[OrientationQuestion, ...]:
    """Return what must be asked before the chosen volumes are used: which way their axes lead."""
    nodes = dict.fromkeys((parameters.fixedVolume, *movingVolumes(parameters)))
    return tuple(question for node in nodes if (question := orientationQuestion(node)) is not None)


def answerOrientation(parameters: "Choices", question: OrientationQuestion, axes: CoordinateSystem) -> None:
    """Let the axes of a volume lead where the user says; its landmarks go with it."""
    lists = {parameters.fixedVolume: parameters.fixedLandmarks, parameters.movingVolume: parameters.movingLandmarks}
    assumeOrientation(question.volumeNode, axes, lists.get(question.volumeNode))


def _leadsAs(first: np.ndarray, second: np.ndarray) -> bool:
    """Return whether the axes of two (4, 4) matrices lead the same way, up to a turn by less than 90 degrees."""
    return bool(np.all(np.sum(first[:3, :3] * second[:3, :3], axis=0) > 0))


def assumeOrientation(
    volumeNode: slicer.vtkMRMLVolumeNode,
    axes: CoordinateSystem,
    *markupsNodes: slicer.vtkMRMLMarkupsNode | None,
) -> None:
    """Let the axes of a volume lead where the user says, and lists placed in it keep their places in its voxels.

    :param markupsNodes: lists with the volume's parent transform; None for those that there are not.
    """
    image = imageFromVolumeNode(volumeNode)
    before, after = (ijkToRasMatrix(placed) for placed in (image, assumed(image, axes)))
    moved = after @ np.linalg.inv(before)
    volumeNode.SetIJKToRASMatrix(matrixFromArray(after))
    for node in markupsNodes:
        for index in range(node.GetNumberOfControlPoints() if node is not None else 0):
            point = moved @ [*node.GetNthControlPointPosition(index), 1.0]
            node.SetNthControlPointPosition(index, *point[:3], node.GetNthControlPointPositionStatus(index))
    volumeNode.SetAttribute(_SAID_AXES, axes.value)


def isOrientationAssumed(volumeNode: slicer.vtkMRMLVolumeNode | None) -> bool:
    """Return whether left and right of a volume are only what the user said."""
    return volumeNode is not None and bool(volumeNode.GetAttribute(_SAID_AXES))


def memoryDoubts(volumeNodes: Sequence[slicer.vtkMRMLVolumeNode]) -> tuple[str, ...]:
    """Return a sentence if work on loaded volumes needs more memory than is free; no voxel is looked at."""
    images = [node.GetImageData() for node in volumeNodes]
    sizes = [VolumeSize(image.GetDimensions(), image.GetScalarSize()) for image in images if image is not None]
    try:
        checkMemoryOfLoaded(sizes)
    except ValueError as error:
        return (str(error),)
    return ()


def valueDoubts(
    fixedNode: slicer.vtkMRMLVolumeNode | None, movingNodes: list[slicer.vtkMRMLVolumeNode]
) -> tuple[str, ...]:
    """Return what speaks against the values of a CT and of MRIs, one sentence each.

    :raises ValueError: where CT and MRI were exchanged, or the CT is inverted.
    """
    nodes = [node for node in (fixedNode, *movingNodes) if node is not None and node.GetImageData() is not None]
    judged = {
        node.GetID(): judgeImage(imageFromVolumeNode(node), node.GetAttribute("DICOM.Modality") or "") for node in nodes
    }
    isPair = fixedNode is not None and fixedNode.GetID() in judged and movingNodes and movingNodes[0].GetID() in judged
    if isPair:
        first, second = fixedNode, movingNodes[0]
        checkNotExchanged(judged[first.GetID()], judged[second.GetID()], first.GetName(), second.GetName())
    found = [(ctWarning if node is fixedNode else mriWarning)(judged[node.GetID()], node.GetName()) for node in nodes]
    return tuple(filter(None, found))
