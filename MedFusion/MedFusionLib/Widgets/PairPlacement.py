"""Place points pair by pair: a click in the CT, the same point in the MRI, and on."""

from collections.abc import Callable

import qt
import slicer

from .LandmarkLists import LandmarkLists, isDefined

_OTHER = {"fixed": "moving", "moving": "fixed"}


class PairPlacement:
    """Direct the mouse to the list whose turn it is. It ends with Escape, like every place mode of Slicer."""

    def __init__(self, lists: LandmarkLists, onStateChanged: Callable[[], None]) -> None:
        self._lists, self._onStateChanged = lists, onStateChanged
        self._isSwitching = False
        self._isAdvancing = False
        self.isActive = False
        self.waitingFor: str | None = None
        self._label: str | None = None
        self._goesOn = True
        self._interactionNode = slicer.app.applicationLogic().GetInteractionNode()
        self._tag = self._interactionNode.AddObserver(
            slicer.vtkMRMLInteractionNode.InteractionModeChangedEvent, self._onModeChanged
        )

    def cleanup(self) -> None:
        """Let go of the interaction node."""
        self.stop()
        self._interactionNode.RemoveObserver(self._tag)

    def start(self, side: str | None = None, label: str | None = None) -> None:
        """Wait for a click.

        :param side: "fixed" or "moving" to place a single point of the pair with this label; None goes on pair by pair,
            first with the point that is still missing in the MRI.
        """
        self._goesOn = side is None
        if side is None:
            rows = self._lists.rows(byOrder=False)
            alone = next((row for row in rows if row.movingIndex is None), None)
            side, label = ("moving", alone.label) if alone else ("fixed", None)
        self._label = label
        self.isActive = True
        self._waitFor(side)

    def stop(self) -> None:
        """End placing."""
        if not self.isActive:
            return
        self.isActive, self.waitingFor, self._label = False, None, None
        self._isSwitching = True
        self._interactionNode.SwitchToViewTransformMode()
        self._isSwitching = False
        self._onStateChanged()

    def _waitFor(self, side: str) -> None:
        self.waitingFor = side
        node = self._lists.fixed if side == "fixed" else self._lists.moving
        selectionNode = slicer.app.applicationLogic().GetSelectionNode()
        self._isSwitching = True
        selectionNode.SetReferenceActivePlaceNodeClassName(node.GetClassName())
        selectionNode.SetActivePlaceNodeID(node.GetID())
        self._interactionNode.SetPlaceModePersistence(1)
        self._interactionNode.SetCurrentInteractionMode(slicer.vtkMRMLInteractionNode.Place)
        self._isSwitching = False
        self._onStateChanged()

    def onPlaced(self, side: str, index: int) -> None:
        """Name a point that was just placed, and wait for the next one."""
        node = self._lists.fixed if side == "fixed" else self._lists.moving
        if not self.isActive or self._isAdvancing or side != self.waitingFor or not isDefined(node, index):
            return
        self._isAdvancing = True
        label = self._label or self._lists.freeLabel()
        self._lists.nameNewPoint(side, index, label)
        # The view is still busy with the click, so the other list takes over after it.
        qt.QTimer.singleShot(0, lambda: self._advance(side, label))

    def _advance(self, side: str, label: str) -> None:
        self._isAdvancing = False
        if not self.isActive or self.waitingFor != side or self._lists.fixed is None or self._lists.moving is None:
            return
        if not self._goesOn:
            self.stop()
            return
        twin = next((row for row in self._lists.rows(byOrder=False) if row.label == label), None)
        isComplete = twin is not None and twin.fixedIndex is not None and twin.movingIndex is not None
        if isComplete:
            self.start()
        else:
            self._label = label
            self._waitFor(_OTHER[side])

    def _onModeChanged(self, _caller: object, _event: str) -> None:
        """Notice that the user left the place mode by Escape, right click or the toolbar."""
        if self.isActive and not self._isSwitching:
            place = slicer.vtkMRMLInteractionNode.Place
            if self._interactionNode.GetCurrentInteractionMode() != place:
                self.isActive, self.waitingFor, self._label = False, None, None
                self._onStateChanged()
