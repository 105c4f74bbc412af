"""Section Register: bring the MRI to the CT, say how good it is, and let the user see for himself."""

import html

from slicer.i18n import tr as _

from . import Steps
from .RegistrationChecks import RegistrationChecks
from .Texts import meanings, paragraphs, table, warning


class RegisterSection:
    """Run the registration and show its result."""

    def __init__(self, panel: object) -> None:
        self._panel, self._ui = panel, panel.ui
        self._checks = RegistrationChecks(panel)
        self._ui.registerButton.connect("clicked()", self._onRegister)
        self._ui.registrationCard.toolTip = self._meanings()

    def enter(self) -> None:
        self._checks.enter()

    def leave(self) -> None:
        self._checks.leave()

    def cleanup(self) -> None:
        self.leave()

    def update(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None or self._panel.runner.isRunning:
            return
        missing = self._missing(parameters)
        self._ui.registerButton.enabled = not missing
        self._ui.registerButton.toolTip = missing or _("Bring the MRI to the CT.")
        transformNode = Steps.registrationOf(parameters.movingVolume)
        self._ui.registrationCard.text = self._card(self._panel.logic.steps.resultOf(transformNode), transformNode)
        self._ui.registrationCard.visible = transformNode is not None
        self._checks.update(transformNode)

    @staticmethod
    def _missing(parameters: object) -> str:
        """Return what still has to be done before the registration can start."""
        if parameters.fixedVolume is None or parameters.movingVolume is None:
            return _("Choose a CT and an MRI first.")
        if parameters.fixedVolume is parameters.movingVolume:
            return _("Choose two different volumes.")
        if parameters.fixedLandmarks is not None and parameters.fixedLandmarks is parameters.movingLandmarks:
            return _("Choose different landmark lists for CT and MRI.")
        try:
            needed = Steps.registrationSettings(parameters).model.minimumPairs
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
        self._panel.runner.run(
            self._ui.registerButton,
            _("The volumes could not be registered."),
            lambda progress: self._panel.logic.register(parameters, progress),
        )

    def _card(self, result: object | None, transformNode: object | None) -> str:
        if transformNode is None:
            return ""
        if result is None:
            return _(
                "Registered in an earlier session. Register again to see the errors, and before saving "
                "where the images refined it."
            )
        center = Steps.tumorCenter(self._panel.parameterNode)
        measured = (result if center is None else result.withTarget(center)).measurements()
        rows = [(_("Landmarks"), str(measured["landmarks"]) if measured["landmarks"] else _("none"))]
        for key, title in (("fre_mm", _("Residual (FRE)")), ("fle_mm", _("Placing error (FLE)"))):
            if measured[key] is not None:
                rows.append((title, f"{measured[key]:.2f} mm"))
        rows += self._expectedError(measured)
        if measured["refinement_shift_mm"] is not None:
            rows.append((_("Moved by the images"), f"{measured['refinement_shift_mm']:.2f} mm"))
        advice = [html.escape(measured["advice"])] if measured["advice"] else []
        return paragraphs([table(rows), *advice] + [warning(text) for text in result.warnings])

    @staticmethod
    def _meanings() -> str:
        """Return what the errors on the card say."""
        return meanings(
            (
                (
                    _("FRE, fiducial registration error"),
                    _("the root mean square of the distances that remain between paired landmarks after the fit."),
                ),
                (
                    _("FLE, fiducial localization error"),
                    _("how far a landmark typically is from its true place, estimated from what the fit leaves over."),
                ),
                (
                    _("TRE, target registration error"),
                    _("how far off CT and MRI are to be expected at the place that matters, which no landmark shows."),
                ),
            )
        )

    @staticmethod
    def _expectedError(measured: dict[str, object]) -> list[tuple[str, str]]:
        """Return the error to expect where it matters: at the tumor once it is outlined, else amid the landmarks."""
        for key, title in (
            ("tumor", _("Expected error at the tumor (TRE)")),
            ("landmarks_center", _("Expected error amid landmarks (TRE)")),
            ("body_center", _("Expected error amid the head (TRE)")),
        ):
            expected, bound = measured[f"tre_mm_at_{key}"], measured[f"tre_mm_at_{key}_95"]
            if expected is not None:
                return [
                    (title, _("{expected:.2f} mm, 95 % below {bound:.2f} mm").format(expected=expected, bound=bound))
                ]
        return []
