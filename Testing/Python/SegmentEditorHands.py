"""What a user does in the Segment Editor, by the functions that the editor itself calls."""

import random

import numpy as np
import slicer
from vtk.util import numpy_support


class SegmentEditorHands:
    """Paint, undo, rename, add and remove segments by chance."""

    def __init__(self, chance: random.Random) -> None:
        self._random = chance
        self._history: tuple[str, slicer.vtkSegmentationHistory] | None = None

    def paint(self, node: slicer.vtkMRMLSegmentationNode) -> None:
        """Erase a part of a segment, after keeping the state for undo."""
        segmentId = self._anySegment(node)
        image = slicer.vtkOrientedImageData()
        if segmentId is None or not node.GetBinaryLabelmapRepresentation(segmentId, image) or image.IsEmpty():
            return
        if self._history is None or self._history[0] != node.GetID():
            history = slicer.vtkSegmentationHistory()
            history.SetSegmentation(node.GetSegmentation())
            self._history = (node.GetID(), history)
        self._history[1].SaveState()
        voxels = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
        inside = np.flatnonzero(voxels)
        voxels[inside[: len(inside) // 4]] = 0
        slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(image, node, segmentId)

    def undo(self, node: slicer.vtkMRMLSegmentationNode) -> None:
        """Take back the last stroke, as long as the segmentation is the one that was painted."""
        if self._history is not None and self._history[0] == node.GetID():
            history = self._history[1]
            if history.GetSegmentation() is node.GetSegmentation() and history.IsRestorePreviousStateAvailable():
                history.RestorePreviousState()

    def rename(self, node: slicer.vtkMRMLSegmentationNode) -> None:
        """Give a segment another name."""
        segmentId = self._anySegment(node)
        if segmentId is not None:
            node.GetSegmentation().GetSegment(segmentId).SetName(f"Segment {self._random.randrange(100)}")

    def add(self, node: slicer.vtkMRMLSegmentationNode) -> None:
        """Add an empty segment, or a copy of one."""
        segmentId = self._anySegment(node)
        if segmentId is None or self._random.random() < 0.5:
            node.GetSegmentation().AddEmptySegment()
            return
        copied = slicer.vtkSegment()
        copied.DeepCopy(node.GetSegmentation().GetSegment(segmentId))
        node.GetSegmentation().AddSegment(copied)

    def remove(self, node: slicer.vtkMRMLSegmentationNode) -> None:
        """Remove a segment."""
        segmentId = self._anySegment(node)
        if segmentId is not None:
            node.GetSegmentation().RemoveSegment(segmentId)

    def _anySegment(self, node: slicer.vtkMRMLSegmentationNode) -> str | None:
        ids = node.GetSegmentation().GetSegmentIDs()
        return self._random.choice(ids) if ids else None
