"""One long step at a time: progress, cancellation, and errors as one sentence."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, TypeVar

import qt
import slicer
import vtk

from ..Core.Progress import Canceled, Progress
from ..Workflow.Translation import tr as _
from .ProgressDisplay import ProgressDisplay

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

_Result = TypeVar("_Result")
_SECONDS_BETWEEN_EVENTS = 0.05
_CONTROLS = {
    "QPushButton",
    "QToolButton",
    "QCheckBox",
    "QComboBox",
    "QSpinBox",
    "QDoubleSpinBox",
    "QTableWidget",
    "qMRMLNodeComboBox",
    "qMRMLCheckableNodeComboBox",
    "ctkSliderWidget",
    "ctkPathLineEdit",
}


@contextmanager
def errorsShown(title: str, waitCursor: bool = False) -> Iterator[None]:
    """Show what goes wrong in the block as one sentence; the details go to the log."""
    try:
        with _waiting() if waitCursor else nullcontext():
            yield
    except Canceled as canceled:
        slicer.util.showStatusMessage(str(canceled), 5000)
    except (ValueError, RuntimeError, OSError, ImportError, MemoryError) as error:
        logging.debug(title, exc_info=True)
        sentence = str(error) or _("There is not enough memory; close other data or use a smaller volume.")
        slicer.util.errorDisplay(f"{title}\n\n{sentence}")
    except Exception as error:  # a mistake of this program: it is said, and the log has the details
        logging.exception(title)
        sentence = _("An unexpected error came up ({kind}: {text}); the log of the application has the details.")
        slicer.util.errorDisplay(f"{title}\n\n{sentence.format(kind=type(error).__name__, text=error)}")


@contextmanager
def _waiting() -> Iterator[None]:
    slicer.app.setOverrideCursor(qt.Qt.WaitCursor)
    try:
        yield
    finally:
        slicer.app.restoreOverrideCursor()


class Runner:
    """Run a step while its button reads Cancel and everything else waits."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        self._panel = panel
        self._isCanceled = False
        self._lastEvents = 0.0
        self.isRunning = False
        self._display = ProgressDisplay(panel, self.cancel)

    def run(self, button: qt.QPushButton, title: str, work: Callable[[Progress], _Result]) -> _Result | None:
        """Return what work(progress) returns, or None when it failed or was canceled; a second press cancels.

        :param title: the first line of the error dialog.
        """
        if self.isRunning:
            self.cancel()
            return None
        ui, text = self._panel.ui, button.text
        controls = [w for w in vars(ui).values() if w not in (button, ui.cancelButton) and w.className() in _CONTROLS]
        self.isRunning, self._isCanceled = True, False
        button.text = _("Cancel")
        for control in controls:
            control.enabled = False
        self._display.begin()
        result = None
        tag = self._panel.scene.AddObserver(
            slicer.vtkMRMLScene.NodeAboutToBeRemovedEvent, self._cancelWhenRemoved(self._nodesInUse())
        )
        try:
            with errorsShown(title):
                result = work(self._progress)
        finally:
            self._panel.scene.RemoveObserver(tag)
            self.isRunning = False
            self._display.end()
            button.text = text
            for control in controls:
                control.enabled = True
            self._panel.onParametersModified()
        return None if self._isCanceled else result

    def cancel(self) -> None:
        """Stop the running step at its next report."""
        self._isCanceled = True

    def _nodesInUse(self) -> list[slicer.vtkMRMLNode]:
        """Return the nodes that the parameter node refers to."""
        node = self._panel.parameterNode.parameterNode
        roles = [node.GetNthNodeReferenceRole(index) for index in range(node.GetNumberOfNodeReferenceRoles())]
        return [
            node.GetNthNodeReference(role, index)
            for role in roles
            for index in range(node.GetNumberOfNodeReferences(role))
        ]

    def _cancelWhenRemoved(self, nodes: list[slicer.vtkMRMLNode]) -> Callable:
        @vtk.calldata_type(vtk.VTK_OBJECT)
        def onRemoved(_caller: object, _event: str, node: slicer.vtkMRMLNode | None = None) -> None:
            if node in nodes:
                self.cancel()

        return onRemoved

    def _progress(self, fraction: float, message: str) -> bool:
        now = time.monotonic()
        if now - self._lastEvents > _SECONDS_BETWEEN_EVENTS or fraction in (0.0, 1.0):
            self._lastEvents = now
            self._display.show(fraction, message)
            slicer.app.processEvents()
        return not self._isCanceled
