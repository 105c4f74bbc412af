"""Section Register: bring the MRI to the CT, say how good it is, and let the user see for himself."""

import functools
from typing import TYPE_CHECKING

import qt
import slicer

from ..Workflow.Parameters import registrationOf, registrationSettings, tumorCenter
from ..Workflow.Translation import tr as _
from .CursorError import CursorError
from .RegistrationChecks import RegistrationChecks
from .Runner import errorsShown
from .Section import Section

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

    from ..Workflow.Nudge import Nudge
    from .ParameterNode import MedFusionParameterNode

# The ordinary views by the names that Slicer's own layouts give their planes.
_NUDGE_VIEWS = {"Axial": "Red", "Sagittal": "Yellow", "Coronal": "Green"}


class RegisterSection(Section):
    """Run the registration and show its result."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        super().__init__(panel)
        self._checks = RegistrationChecks(panel)
        self._cursorError = CursorError(panel)
        self._ui.registerButton.connect("clicked()", self._onRegister)
        self._connectNudge()

    @functools.cached_property
    def _nudge(self) -> "Nudge":
        from ..Workflow.Nudge import Nudge

        return Nudge(self._panel.logic.steps)

    def _connectNudge(self) -> None:
        """Let buttons and keys move the MRI: steps to the right, upward and counterclockwise in the chosen view."""
        self._nudgeButtons = []
        for text in _NUDGE_VIEWS:
            self._ui.nudgePlaneComboBox.addItem(text)
        for name, keys, *steps in (
            ("nudgeLeftButton", "Ctrl+Shift+Left", -1, 0, 0),
            ("nudgeRightButton", "Ctrl+Shift+Right", 1, 0, 0),
            ("nudgeUpButton", "Ctrl+Shift+Up", 0, 1, 0),
            ("nudgeDownButton", "Ctrl+Shift+Down", 0, -1, 0),
            ("nudgeTurnLeftButton", "Ctrl+Shift+PgUp", 0, 0, 1),
            ("nudgeTurnRightButton", "Ctrl+Shift+PgDown", 0, 0, -1),
        ):
            button = getattr(self._ui, name)
            button.setShortcut(qt.QKeySequence(keys))
            button.connect("clicked()", lambda *_, steps=steps: self._onNudge(*steps))
            self._nudgeButtons.append(button)
        self._ui.nudgeUndoButton.connect("clicked()", self._onNudgeUndo)

    def _onNudge(self, right: int, up: int, turn: int) -> None:
        parameters = self._panel.parameterNode
        if parameters is None or not self._nudge.isPossible(parameters):
            return
        logic = self._panel.views.logic(_NUDGE_VIEWS[self._ui.nudgePlaneComboBox.currentText])
        if logic is not None:
            with errorsShown(_("The MRI could not be moved.")):
                self._nudge.move(parameters, logic.GetSliceNode(), right, up, turn)
            self._panel.onParametersModified()

    def _onNudgeUndo(self) -> None:
        if self._panel.parameterNode is not None:
            self._nudge.undo(self._panel.parameterNode)
            self._panel.onParametersModified()

    def enter(self) -> None:
        self._checks.enter()

    def leave(self) -> None:
        self._checks.leave()
        self._cursorError.stop()

    def update(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None or self._panel.runner.isRunning:
            return
        missing = self._missing(parameters)
        self._ui.registerButton.enabled = not missing
        self._ui.registerButton.toolTip = missing or _("Bring the MRI to the CT (Alt+R).")
        transformNode = registrationOf(parameters.movingVolume)
        self._ui.registrationCard.visible = transformNode is not None
        isMovable = transformNode is not None and self._nudge.isPossible(parameters)
        for widget in (*self._nudgeButtons, self._ui.nudgePlaneComboBox):
            widget.enabled = isMovable
        self._ui.nudgeUndoButton.enabled = transformNode is not None and self._nudge.canUndo(parameters)
        if transformNode is None:
            self._ui.registrationCard.text = ""
            self._cursorError.stop()
        else:
            self._showResult(parameters, transformNode)
        self._checks.update(transformNode)

    def _showResult(self, parameters: "MedFusionParameterNode", transformNode: slicer.vtkMRMLTransformNode) -> None:
        from ..Workflow.RegistrationTexts import errorMeanings, registrationCard

        steps = self._panel.logic.steps
        result, isOutOfDate = steps.resultOf(transformNode), steps.isRegistrationOutOfDate(parameters)
        self._ui.registrationCard.text = registrationCard(result, tumorCenter(parameters), isOutOfDate)
        self._ui.registrationCard.toolTip = errorMeanings()
        self._cursorError.follow(None if isOutOfDate else result)

    @staticmethod
    def _missing(parameters: "MedFusionParameterNode") -> str:
        """Return what still has to be done before the registration can start."""
        if parameters.fixedVolume is None or parameters.movingVolume is None:
            return _("Choose a CT and an MRI first.")
        if parameters.fixedVolume is parameters.movingVolume:
            return _("Choose two different volumes.")
        if parameters.fixedLandmarks is not None and parameters.fixedLandmarks is parameters.movingLandmarks:
            return _("Choose different landmark lists for CT and MRI.")
        try:
            needed = registrationSettings(parameters).model.minimumPairs
        except ValueError as error:
            return str(error)
        if parameters.auto:
            return ""
        counts = [
            node.GetNumberOfDefinedControlPoints() if node is not None else 0
            for node in (parameters.fixedLandmarks, parameters.movingLandmarks)
        ]
        if min(counts) < needed:
            return _(
                "Place at least {needed} matched landmarks; there are {ct} in the CT and {mri} in the MRI."
            ).format(needed=needed, ct=counts[0], mri=counts[1])
        return ""

    def _onRegister(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None:
            return
        title = _("The volumes could not be registered.")
        if not self._panel.consent.isGiven(parameters, title):
            return
        self._nudge.forget()
        self._panel.runner.run(
            self._ui.registerButton, title, lambda progress: self._panel.logic.register(parameters, progress)
        )
