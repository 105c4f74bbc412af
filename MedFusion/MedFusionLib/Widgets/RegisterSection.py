"""Section Register: bring the MRI to the CT, say how good it is, and let the user see for himself."""

from typing import TYPE_CHECKING

from .Parameters import registrationOf, registrationSettings, tumorCenter
from .RegistrationChecks import RegistrationChecks
from .RegistrationTexts import errorMeanings, registrationCard
from .Section import Section
from .Translation import tr as _

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

    from .ParameterNode import MedFusionParameterNode


class RegisterSection(Section):
    """Run the registration and show its result."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        super().__init__(panel)
        self._checks = RegistrationChecks(panel)
        self._ui.registerButton.connect("clicked()", self._onRegister)
        self._ui.registrationCard.toolTip = errorMeanings()

    def enter(self) -> None:
        self._checks.enter()

    def leave(self) -> None:
        self._checks.leave()

    def update(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None or self._panel.runner.isRunning:
            return
        missing = self._missing(parameters)
        self._ui.registerButton.enabled = not missing
        self._ui.registerButton.toolTip = missing or _("Bring the MRI to the CT.")
        transformNode = registrationOf(parameters.movingVolume)
        steps = self._panel.logic.steps
        self._ui.registrationCard.text = (
            registrationCard(
                steps.resultOf(transformNode), tumorCenter(parameters), steps.isRegistrationOutOfDate(parameters)
            )
            if transformNode is not None
            else ""
        )
        self._ui.registrationCard.visible = transformNode is not None
        self._checks.update(transformNode)

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
        self._panel.runner.run(
            self._ui.registerButton, title, lambda progress: self._panel.logic.register(parameters, progress)
        )
