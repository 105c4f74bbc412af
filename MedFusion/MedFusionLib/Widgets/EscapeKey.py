"""The Escape key, which ends placing; Slicer itself binds it to nothing."""

from typing import TYPE_CHECKING

import qt
import slicer

from ..Workflow.PlaceMode import PlaceMode

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget


class EscapeKey:
    """Listen to Escape in all of the application while something is placed, and to nothing else."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        self._active: list[PlaceMode] = []
        self._shortcut = qt.QShortcut(qt.QKeySequence("Escape"), slicer.util.mainWindow() or panel.uiWidget)
        self._shortcut.setContext(qt.Qt.ApplicationShortcut)
        self._shortcut.setEnabled(False)
        self._shortcut.connect("activated()", self._onPressed)

    def onSwitched(self, mode: PlaceMode) -> None:
        """Follow a mouse that begins or ends to place."""
        self._active = [each for each in self._active if each is not mode] + ([mode] if mode.isActive else [])
        self._shortcut.setEnabled(bool(self._active))

    def cleanup(self) -> None:
        """Take the key away from the application."""
        self._shortcut.setEnabled(False)
        self._shortcut.deleteLater()

    def _onPressed(self) -> None:
        for mode in list(self._active):
            mode.endByUser()
