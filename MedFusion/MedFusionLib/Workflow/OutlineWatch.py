"""Notice every change of an outline, by whatever it is made: painting, undo, renaming, deleting, moving."""

from collections.abc import Callable

import slicer


class OutlineWatch:
    """Follow one segmentation node.

    Painting in the Segment Editor changes neither the time of the node nor that of its segmentation, only that of the
    labelmap, and is told by SourceRepresentationModified.
    """

    _EVENTS = ("SourceRepresentationModified", "SegmentModified", "SegmentAdded", "SegmentRemoved")

    def __init__(self, onChanged: Callable[[], None]) -> None:
        self._onChanged = onChanged
        self._node: slicer.vtkMRMLSegmentationNode | None = None
        self._tags: list[int] = []

    def watch(self, node: slicer.vtkMRMLSegmentationNode | None) -> None:
        """Follow a node from now on, None for none."""
        if node is self._node:
            return
        for tag in self._tags:
            self._node.RemoveObserver(tag)
        self._node = node
        events = [getattr(slicer.vtkSegmentation, name) for name in self._EVENTS]
        events += [slicer.vtkMRMLTransformableNode.TransformModifiedEvent, "ModifiedEvent"]
        self._tags = [node.AddObserver(event, lambda *_: self._onChanged()) for event in events] if node else []


def outlineState(node: slicer.vtkMRMLSegmentationNode) -> tuple:
    """Return what changes whenever the outline does; surfaces made for display leave it as it is."""
    segmentation = node.GetSegmentation()
    labelmap = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
    segments = []
    for segmentId in segmentation.GetSegmentIDs():
        segment = segmentation.GetSegment(segmentId)
        image = segment.GetRepresentation(labelmap)
        segments.append((segmentId, segment.GetName(), segment.GetLabelValue(), image.GetMTime() if image else 0))
    parent = node.GetParentTransformNode()
    return (node.GetID(), tuple(segments), (parent.GetID(), parent.GetTransformToWorldMTime()) if parent else None)
