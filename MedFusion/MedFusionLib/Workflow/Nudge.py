"""Move the registered MRI by hand in small steps in the plane of a view, and take them back."""

from typing import TYPE_CHECKING

import slicer
import vtk

from ..Core.Registration.MovedByHand import movedByHand
from ..Core.Registration.RegistrationResult import RegistrationResult
from ..Scene.RegistrationNodes import updateErrorTables
from ..Scene.VolumeNodes import imageFromVolumeNode, worldToNodeTransform
from .Parameters import registrationOf
from .Steps import Steps

if TYPE_CHECKING:
    from .Choices import Choices

STEP_MM, STEP_DEGREES = 0.5, 0.5


class Nudge:
    """Move the transform of the registration, with the result that tells its errors."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        # The transform node's ID, its matrix and its result before each move.
        self._undo: list[tuple[str, vtk.vtkMatrix4x4, RegistrationResult]] = []

    def isPossible(self, parameters: "Choices") -> bool:
        """Return whether the MRI is registered in this session, and rigidly or affinely."""
        node = registrationOf(parameters.movingVolume)
        return (
            node is not None
            and node.IsLinear()
            and parameters.fixedVolume is not None
            and self._steps.resultOf(node) is not None
        )

    def canUndo(self, parameters: "Choices") -> bool:
        """Return whether the last move was one of the present registration."""
        node = registrationOf(parameters.movingVolume)
        return bool(self._undo) and node is not None and self._undo[-1][0] == node.GetID()

    def forget(self) -> None:
        """Forget all moves, because the MRI was registered anew."""
        self._undo.clear()

    def move(self, parameters: "Choices", sliceNode: slicer.vtkMRMLSliceNode, right: int, up: int, turn: int) -> None:
        """Move the MRI in the plane of a view.

        :param right: steps to the right of the view; up: steps upward; turn: steps counterclockwise about its middle.
        """
        node = registrationOf(parameters.movingVolume)
        axes = sliceNode.GetSliceToRAS()
        x, y, normal, middle = ([axes.GetElement(row, column) for row in range(3)] for column in range(4))
        motion = vtk.vtkTransform()
        motion.PostMultiply()
        motion.Translate(*(-value for value in middle))
        motion.RotateWXYZ(turn * STEP_DEGREES, *normal)
        motion.Translate(*(m + STEP_MM * (right * a + up * b) for m, a, b in zip(middle, x, y, strict=True)))
        before, after = vtk.vtkMatrix4x4(), vtk.vtkMatrix4x4()
        node.GetMatrixTransformToParent(before)
        vtk.vtkMatrix4x4.Multiply4x4(motion.GetMatrix(), before, after)
        result = self._steps.resultOf(node)
        self._undo.append((node.GetID(), before, result))
        node.SetMatrixTransformToParent(after)
        image = imageFromVolumeNode(parameters.fixedVolume)
        self._keep(parameters, node, movedByHand(result, worldToNodeTransform(parameters.movingVolume, image)))

    def undo(self, parameters: "Choices") -> None:
        """Take back the last move."""
        if self.canUndo(parameters):
            _nodeID, matrix, result = self._undo.pop()
            node = registrationOf(parameters.movingVolume)
            node.SetMatrixTransformToParent(matrix)
            self._keep(parameters, node, result)

    def _keep(self, parameters: "Choices", node: slicer.vtkMRMLTransformNode, result: RegistrationResult) -> None:
        self._steps.replaceRegistration(parameters, node, result)
        updateErrorTables(node, result)
