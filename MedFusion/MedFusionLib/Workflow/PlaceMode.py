"""The mouse that places points of a markups node until the user or the panel ends it."""

from collections.abc import Callable

import slicer


class PlaceMode:
    """Hand a markups node to the mouse, and notice when the user takes the mouse back."""

    def __init__(
        self,
        interactionNode: slicer.vtkMRMLInteractionNode,
        selectionNode: slicer.vtkMRMLSelectionNode,
        onEndedByUser: Callable[[], None],
        onSwitched: Callable[["PlaceMode"], None] = lambda _mode: None,
    ) -> None:
        """Follow the interaction node of a scene.

        :param onEndedByUser: called when placing ends by right click, the toolbar, the last point of a line, or
            because something else is placed now.
        :param onSwitched: called whenever placing begins or ends.
        """
        self._interactionNode, self._selectionNode, self._onEnded = interactionNode, selectionNode, onEndedByUser
        self._onSwitched = onSwitched
        self.isActive = False
        self._isSwitching = False
        self._placedID = ""
        self._tags = [
            (node, node.AddObserver(event, self._onModified))
            for node, event in (
                (interactionNode, slicer.vtkMRMLInteractionNode.InteractionModeChangedEvent),
                (selectionNode, slicer.vtkMRMLSelectionNode.ActivePlaceNodeIDChangedEvent),
            )
        ]

    def cleanup(self) -> None:
        """Let go of both nodes."""
        self.stop()
        for node, tag in self._tags:
            node.RemoveObserver(tag)

    def start(self, markupsNode: slicer.vtkMRMLMarkupsNode, isPersistent: bool = True) -> None:
        """Let each click place a point of a list, or only those of one line."""
        self._isSwitching = True
        self._placedID = markupsNode.GetID()
        self._selectionNode.SetReferenceActivePlaceNodeClassName(markupsNode.GetClassName())
        self._selectionNode.SetActivePlaceNodeID(markupsNode.GetID())
        self._interactionNode.SetPlaceModePersistence(int(isPersistent))
        self._interactionNode.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.Place)
        self._isSwitching = False
        self.isActive = True
        self._onSwitched(self)

    def stop(self) -> None:
        """Give the mouse back."""
        if not self.isActive:
            return
        self.isActive = False
        self._isSwitching = True
        self._interactionNode.SwitchToViewTransformMode()
        self._isSwitching = False
        self._onSwitched(self)

    def endByUser(self) -> None:
        """Give the mouse back because the user wants it, by the Escape key for one."""
        if self.isActive:
            self.stop()
            self._onEnded()

    def _onModified(self, _caller: object, _event: str) -> None:
        if not self.isActive or self._isSwitching:
            return
        isPlacing = self._interactionNode.GetCurrentInteractionMode() == slicer.vtkMRMLInteractionNode.Place
        if not isPlacing or self._selectionNode.GetActivePlaceNodeID() != self._placedID:
            self.isActive = False
            self._onSwitched(self)
            self._onEnded()
