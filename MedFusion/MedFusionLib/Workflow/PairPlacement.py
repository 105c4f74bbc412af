"""Place points pair by pair: a click in the CT, the same point in the MRI, and on."""

from collections.abc import Callable

from .LandmarkLists import LandmarkLists, Side, isDefined
from .PlaceMode import PlaceMode


class PairPlacement:
    """Direct the mouse to the list whose turn it is."""

    def __init__(
        self,
        lists: LandmarkLists,
        onStateChanged: Callable[[], None],
        placeModeFor: Callable[[Callable[[], None]], PlaceMode],
        later: Callable[[Callable[[], None]], None],
    ) -> None:
        """Make the placement; it rests until start().

        :param placeModeFor: returns the mouse that calls what it is given when the user ends placing.
        :param later: runs what it is given after the present click.
        """
        self._lists, self._onStateChanged, self._later = lists, onStateChanged, later
        self._isAdvancing = False
        self.isActive = False
        self.waitingFor: Side | None = None
        self._label: str | None = None
        self._goesOn = True
        self._mouse = placeModeFor(self._onEnded)

    def cleanup(self) -> None:
        """Let go of the mouse."""
        self.stop()
        self._mouse.cleanup()

    def start(self, side: Side | None = None, label: str | None = None) -> None:
        """Wait for a click.

        :param side: where to place a single point of the pair with this label; None goes on pair by pair, first with
            the point that is still missing in the MRI.
        """
        if self._lists.fixed is None or self._lists.moving is None:
            return
        self._goesOn = side is None
        if side is None:
            rows = self._lists.rows(byOrder=False)
            alone = next((row for row in rows if row.movingIndex is None), None)
            side, label = (Side.moving, alone.label) if alone else (Side.fixed, None)
        self._label = label
        self.isActive = True
        self._waitFor(side)

    def stop(self) -> None:
        """End placing."""
        if self.isActive:
            self._mouse.stop()
            self._onEnded()

    def _onEnded(self) -> None:
        self.isActive, self.waitingFor, self._label = False, None, None
        self._onStateChanged()

    def _waitFor(self, side: Side) -> None:
        self.waitingFor = side
        self._mouse.start(self._lists.fixed if side is Side.fixed else self._lists.moving)
        self._onStateChanged()

    def onPlaced(self, side: Side, index: int) -> None:
        """Name a point that was just placed, and wait for the next one."""
        node = self._lists.fixed if side is Side.fixed else self._lists.moving
        if not self.isActive or self._isAdvancing or side is not self.waitingFor or not isDefined(node, index):
            return
        self._isAdvancing = True
        label = self._label or self._lists.freeLabel()
        self._lists.nameNewPoint(side, index, label)
        # The view is still busy with the click, so the other list takes over after it.
        self._later(lambda: self._advance(side, label))

    def _advance(self, side: Side, label: str) -> None:
        self._isAdvancing = False
        if not self.isActive or self.waitingFor is not side or self._lists.fixed is None or self._lists.moving is None:
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
            self._waitFor(side.other)
