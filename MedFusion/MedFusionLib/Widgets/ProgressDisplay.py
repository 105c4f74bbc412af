"""How far the running step is, with Cancel: in the status bar, in sight whatever card is open."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from .StatusBarRow import StatusBarRow

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget


class ProgressDisplay:
    """Show the panel's progress row while a step runs."""

    def __init__(self, panel: "MedFusionWidget", onCancel: Callable[[], None]) -> None:
        self._ui = panel.ui
        self._ui.cancelButton.connect("clicked()", onCancel)
        self._row = StatusBarRow(self._ui.progressFrame, self._ui.panelLayout, stretch=1)

    def begin(self) -> None:
        """Show the row, empty."""
        self.show(0.0, "")
        self._row.show()

    def show(self, fraction: float, message: str) -> None:
        """Show how far the step is."""
        self._ui.progressBar.value = round(100 * fraction)
        self._ui.progressLabel.text = message

    def end(self) -> None:
        """Hide the row."""
        self._row.hide()
