"""How far the running step is, with Cancel: in the status bar, in sight whatever card is open."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import slicer

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget


class ProgressDisplay:
    """Lend the panel's progress row to the main window's status bar while a step runs."""

    def __init__(self, panel: "MedFusionWidget", onCancel: Callable[[], None]) -> None:
        self._ui = panel.ui
        self._ui.cancelButton.connect("clicked()", onCancel)
        self._isLent = False

    def begin(self) -> None:
        """Show the row, empty."""
        self.show(0.0, "")
        window = slicer.util.mainWindow()
        if window is not None and not self._isLent:
            self._isLent = True
            window.statusBar().addPermanentWidget(self._ui.progressFrame, 1)
        self._ui.progressFrame.visible = True

    def show(self, fraction: float, message: str) -> None:
        """Show how far the step is."""
        self._ui.progressBar.value = round(100 * fraction)
        self._ui.progressLabel.text = message

    def end(self) -> None:
        """Take the row back into the panel, where it is hidden."""
        self._ui.progressFrame.visible = False
        if self._isLent:
            self._isLent = False
            slicer.util.mainWindow().statusBar().removeWidget(self._ui.progressFrame)
            self._ui.panelLayout.addWidget(self._ui.progressFrame)
            self._ui.progressFrame.visible = False
