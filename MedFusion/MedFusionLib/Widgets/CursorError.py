"""The expected error and its 95 % bound under the mouse: in the status bar, beside the place that Slicer tells."""

from typing import TYPE_CHECKING

import qt
import slicer

from .StatusBarRow import StatusBarRow

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

    from ..Core.Registration.RegistrationResult import RegistrationResult


class CursorError:
    """Follow the mouse in the views while there is a registration whose error is known."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        self._panel, self._label = panel, panel.ui.cursorErrorLabel
        self._row = StatusBarRow(self._label, panel.ui.panelLayout)
        self._result: RegistrationResult | None = None
        self._followed: tuple[slicer.vtkMRMLCrosshairNode, int] | None = None
        # The mouse moves more often than anyone reads.
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._show)

    def follow(self, result: "RegistrationResult | None") -> None:
        """Tell the errors of a registration from now on, None for none."""
        if result is None or not result.knowsError:
            self.stop()
            return
        self._result = result
        node = self._panel.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode")
        if node is not None and self._followed is None:
            event = slicer.vtkMRMLCrosshairNode.CursorPositionModifiedEvent
            self._followed = (node, node.AddObserver(event, lambda *_: self._timer.start()))
        self._timer.start()

    def stop(self) -> None:
        """Let go of the mouse."""
        self._timer.stop()
        if self._followed is not None:
            self._followed[0].RemoveObserver(self._followed[1])
        self._followed, self._result = None, None
        self._row.hide()

    def _show(self) -> None:
        import numpy as np

        from ..Core.Images.Coordinates import flipPoints
        from ..Workflow.RegistrationTexts import errorUnderCursor

        position = [0.0, 0.0, 0.0]
        if self._followed is None or self._result is None:
            return
        if not self._followed[0].GetCursorPositionRAS(position):
            self._row.hide()
            return
        self._label.text = errorUnderCursor(self._result, flipPoints(np.array(position)))
        self._row.show()
