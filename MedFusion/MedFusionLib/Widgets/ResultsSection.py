"""Section Results: save everything into a folder and read the report."""

from pathlib import Path
from typing import TYPE_CHECKING

import qt

from ..Core.Results import FileNames
from ..Workflow.Parameters import registrationOf
from ..Workflow.Translation import tr as _
from .Section import Section

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

    from .ParameterNode import MedFusionParameterNode


class ResultsSection(Section):
    """Write the folder that the command line writes."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        super().__init__(panel)
        self._ui.saveButton.connect("clicked()", self._onSave)
        self._ui.openReportButton.connect("clicked()", self._onOpenReport)
        self._ui.overwriteCheckBox.connect("toggled(bool)", lambda _isOn: self.update())

    @property
    def isSaved(self) -> bool:
        """Return whether the chosen folder holds results."""
        parameters = self._panel.parameterNode
        return parameters is not None and self._report(parameters) is not None

    def update(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None or self._panel.runner.isRunning:
            return
        missing = self._missing(parameters)
        self._ui.saveButton.enabled = not missing
        self._ui.saveButton.toolTip = missing or self._whatIsSaved(parameters)
        report = self._report(parameters)
        self._ui.openReportButton.enabled = report is not None
        self._ui.resultsLabel.visible = report is not None
        self._ui.resultsLabel.text = _("The results are in {folder}.").format(folder=parameters.outputFolder)

    def _missing(self, parameters: "MedFusionParameterNode") -> str:
        if registrationOf(parameters.movingVolume) is None:
            return _("Register the MRI to the CT first.")
        if parameters.fixedVolume is None or parameters.fusedVolume is None:
            return _("Fuse the volumes first.")
        if str(parameters.outputFolder) in ("", "."):
            return _("Choose a folder for the results.")
        if Path(parameters.outputFolder).exists() and not self._ui.overwriteCheckBox.checked:
            return _("This folder exists; choose another name, or allow to replace it.")
        return ""

    def _whatIsSaved(self, parameters: "MedFusionParameterNode") -> str:
        if self._panel.logic.steps.resultOf(registrationOf(parameters.movingVolume)) is not None:
            return _("Save everything into the folder.")
        return _(
            "Save everything into the folder. The registration is of an earlier session: its errors are computed "
            "from the landmarks; if the images refined it, register and fuse again first."
        )

    @staticmethod
    def _report(parameters: "MedFusionParameterNode") -> Path | None:
        path = Path(parameters.outputFolder) / FileNames.REPORT
        return path if str(parameters.outputFolder) not in ("", ".") and path.is_file() else None

    def _onSave(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None:
            return
        replace = self._ui.overwriteCheckBox.checked
        # The saved scene must open well where this module's layout is not known; it comes back afterwards.
        self._panel.landmarksSection.hideComparison()
        self._panel.runner.run(
            self._ui.saveButton,
            _("The results could not be saved."),
            lambda progress: self._panel.logic.save(parameters, replace, progress),
        )

    def _onOpenReport(self) -> None:
        parameters = self._panel.parameterNode
        report = self._report(parameters) if parameters is not None else None
        if report is not None:
            qt.QDesktopServices.openUrl(qt.QUrl(report.resolve().as_uri()))
