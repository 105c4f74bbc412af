"""What the user draws to point out the tumor: lines along diameters, points inside and outside."""

from collections.abc import Callable

import slicer
from slicer.i18n import tr as _

from ..Scene.TumorNodes import INSIDE_COLOR, OUTSIDE_COLOR
from . import Steps


class TumorPointing:
    """Make the markups, hand them to the mouse, and forget those that were never drawn."""

    def __init__(self, onChanged: Callable[[], None]) -> None:
        self._onChanged = onChanged
        self._observed: list[tuple[object, int]] = []
        self._watched: list[object] = []
        self.active: str | None = None
        self._isSwitching = False
        self._interactionNode = slicer.app.applicationLogic().GetInteractionNode()
        self._tag = self._interactionNode.AddObserver(
            slicer.vtkMRMLInteractionNode.InteractionModeChangedEvent, self._onModeChanged
        )
        self._parameters = None

    def cleanup(self) -> None:
        """Let go of the interaction node and of the markups."""
        self.stop()
        self.watch(None)
        self._interactionNode.RemoveObserver(self._tag)

    def watch(self, parameters: object | None) -> None:
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

    def nodes(self) -> list[object]:
        """Return all markups that point out the tumor."""
        points = (self._parameters.tumorInside, self._parameters.tumorOutside)
        return self.lines() + [node for node in points if node is not None]

    def lines(self) -> list[object]:
        """Return the lines."""
        return Steps.referencedNodes(self._parameters, Steps.TUMOR_LINES_ROLE)

    def counts(self) -> tuple[int, int, int]:
        """Return how many whole lines, points inside and points outside there are."""
        lines = sum(node.GetNumberOfDefinedControlPoints() == 2 for node in self.lines())
        inside, outside = self._parameters.tumorInside, self._parameters.tumorOutside
        return (
            lines,
            inside.GetNumberOfDefinedControlPoints() if inside else 0,
            outside.GetNumberOfDefinedControlPoints() if outside else 0,
        )

    def start(self, kind: str) -> None:
        """Wait for clicks.

        :param kind: "line", "inside" or "outside".
        """
        self.stop()
        node = self._newLine() if kind == "line" else self._points(kind)
        selectionNode = slicer.app.applicationLogic().GetSelectionNode()
        self._isSwitching = True
        selectionNode.SetReferenceActivePlaceNodeClassName(node.GetClassName())
        selectionNode.SetActivePlaceNodeID(node.GetID())
        self._interactionNode.SetPlaceModePersistence(0 if kind == "line" else 1)
        self._interactionNode.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.Place)
        self._isSwitching = False
        self.active = kind
        self._onChanged()

    def stop(self) -> None:
        """End drawing."""
        if self.active is None:
            return
        self.active = None
        self._isSwitching = True
        self._interactionNode.SwitchToViewTransformMode()
        self._isSwitching = False
        self._removeUnfinished()
        self._onChanged()

    def clear(self) -> None:
        """Remove what was drawn."""
        self.stop()
        for node in self.nodes():
            if node.IsA("vtkMRMLMarkupsLineNode"):
                slicer.mrmlScene.RemoveNode(node)
            else:
                node.RemoveAllControlPoints()
        self._onChanged()

    def _newLine(self) -> object:
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", _("Tumor diameter"))
        node.CreateDefaultDisplayNodes()
        self._parameters.parameterNode.AddNodeReferenceID(Steps.TUMOR_LINES_ROLE, node.GetID())
        return node

    def _points(self, kind: str) -> object:
        name = "tumorInside" if kind == "inside" else "tumorOutside"
        node = getattr(self._parameters, name)
        if node is None:
            title = _("Inside the tumor") if kind == "inside" else _("Outside the tumor")
            node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", title)
            node.CreateDefaultDisplayNodes()
            node.GetDisplayNode().SetSelectedColor(*(INSIDE_COLOR if kind == "inside" else OUTSIDE_COLOR))
            setattr(self._parameters, name, node)
        return node

    def _removeUnfinished(self) -> None:
        if self._parameters is None or slicer.mrmlScene.IsClosing():
            return
        for node in self.lines():
            if node.GetNumberOfDefinedControlPoints() < 2:
                slicer.mrmlScene.RemoveNode(node)

    def _onModeChanged(self, _caller: object, _event: str) -> None:
        place = slicer.vtkMRMLInteractionNode.Place
        if self.active and not self._isSwitching and self._interactionNode.GetCurrentInteractionMode() != place:
            self.active = None
            self._removeUnfinished()
            self._onChanged()
