"""What the user draws to point out the tumor: lines along diameters, points inside and outside."""

from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

import slicer

from .Parameters import TUMOR_LINES_ROLE, referencedNodes
from .PlaceMode import PlaceMode
from .Translation import tr as _

if TYPE_CHECKING:
    from .Choices import Choices


class Pointed(Enum):
    """What is drawn."""

    line = "line"
    inside = "inside"
    outside = "outside"


class TumorPointing:
    """Make the markups, hand them to the mouse, and forget those that were never drawn."""

    def __init__(
        self,
        scene: slicer.vtkMRMLScene,
        onChanged: Callable[[], None],
        placeModeFor: Callable[[Callable[[], None]], PlaceMode],
    ) -> None:
        """Point into a scene.

        :param placeModeFor: returns the mouse that calls what it is given when the user ends drawing.
        """
        self._scene, self._onChanged = scene, onChanged
        self._observed: list[tuple[slicer.vtkMRMLMarkupsNode, int]] = []
        self._watched: list[slicer.vtkMRMLMarkupsNode] = []
        self.active: Pointed | None = None
        self._parameters: Choices | None = None
        self._mouse = placeModeFor(self._onEnded)

    def cleanup(self) -> None:
        """Let go of the mouse and of the markups."""
        self.stop()
        self.watch(None)
        self._mouse.cleanup()

    def watch(self, parameters: "Choices | None") -> None:
        """Follow the markups of a parameter node."""
        self._parameters = parameters
        nodes = self.nodes() if parameters is not None else []
        if nodes == self._watched:
            return
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        events = (
            slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent,
            slicer.vtkMRMLMarkupsNode.PointRemovedEvent,
        )
        self._watched = nodes
        self._observed = [
            (node, node.AddObserver(event, lambda *_: self._onChanged())) for node in nodes for event in events
        ]

    def nodes(self) -> list[slicer.vtkMRMLMarkupsNode]:
        """Return all markups that point out the tumor."""
        points = (self._parameters.tumorInside, self._parameters.tumorOutside)
        return self.lines() + [node for node in points if node is not None]

    def lines(self) -> list[slicer.vtkMRMLMarkupsNode]:
        """Return the lines."""
        return referencedNodes(self._parameters, TUMOR_LINES_ROLE)

    def counts(self) -> tuple[int, int, int]:
        """Return how many whole lines, points inside and points outside there are."""
        lines = sum(node.GetNumberOfDefinedControlPoints() == 2 for node in self.lines())
        inside, outside = self._parameters.tumorInside, self._parameters.tumorOutside
        return (
            lines,
            inside.GetNumberOfDefinedControlPoints() if inside else 0,
            outside.GetNumberOfDefinedControlPoints() if outside else 0,
        )

    def start(self, kind: Pointed) -> None:
        """Wait for clicks."""
        self.stop()
        node = self._newLine() if kind is Pointed.line else self._points(kind)
        self._mouse.start(node, isPersistent=kind is not Pointed.line)
        self.active = kind
        self._onChanged()

    def stop(self) -> None:
        """End drawing."""
        if self.active is None:
            return
        self._mouse.stop()
        self._onEnded()

    def _onEnded(self) -> None:
        self.active = None
        self._removeUnfinished()
        self._onChanged()

    def clear(self) -> None:
        """Remove what was drawn."""
        self.stop()
        for node in self.nodes():
            if node.IsA("vtkMRMLMarkupsLineNode"):
                self._scene.RemoveNode(node)
            else:
                node.RemoveAllControlPoints()
        self._onChanged()

    def _newLine(self) -> slicer.vtkMRMLMarkupsLineNode:
        node = self._scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", _("Tumor diameter"))
        node.CreateDefaultDisplayNodes()
        self._parameters.parameterNode.AddNodeReferenceID(TUMOR_LINES_ROLE, node.GetID())
        return node

    def _points(self, kind: Pointed) -> slicer.vtkMRMLMarkupsFiducialNode:
        from ..Scene.TumorNodes import INSIDE_COLOR, OUTSIDE_COLOR

        name = "tumorInside" if kind is Pointed.inside else "tumorOutside"
        node = getattr(self._parameters, name)
        if node is None:
            title = _("Inside the tumor") if kind is Pointed.inside else _("Outside the tumor")
            node = self._scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", title)
            node.CreateDefaultDisplayNodes()
            node.GetDisplayNode().SetSelectedColor(*(INSIDE_COLOR if kind is Pointed.inside else OUTSIDE_COLOR))
            setattr(self._parameters, name, node)
        return node

    def _removeUnfinished(self) -> None:
        if self._parameters is None or self._scene.IsClosing():
            return
        for node in self.lines():
            if node.GetNumberOfDefinedControlPoints() < 2:
                self._scene.RemoveNode(node)
