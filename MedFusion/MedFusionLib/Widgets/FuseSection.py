"""Section Fuse: combine CT and MRI in one volume."""

import time
from typing import TYPE_CHECKING

import slicer

from ..Core.Fusion.Settings import CtWindowPreset
from ..Core.Progress import Progress
from ..Scene.FusionDisplay import FusionDisplay, hasDisplays, showAs
from ..Workflow.MadeFrom import fusionState, volumeState
from ..Workflow.Parameters import FusionChoice, movingVolumes
from ..Workflow.Texts import meanings, paragraphs, table, warning
from ..Workflow.Translation import tr as _
from .FusionPreview import FusionPreview
from .Packages import ensurePackageOf
from .Section import Section

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

    from ..Core.Fusion.Fusion import FusionResult
    from .ParameterNode import MedFusionParameterNode


class FuseSection(Section):
    """Run and preview the fusion."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        super().__init__(panel)
        self._preview = FusionPreview(panel)
        # By the fused volume's ID: what was measured, and how it came out.
        self._metrics: dict[str, tuple[tuple, dict[str, float]]] = {}
        self._seconds = 0.0
        self._presets = {
            CtWindowPreset.bone: _("Bone and soft tissue"),
            CtWindowPreset.wide: _("Everything"),
            CtWindowPreset.brain: _("Brain"),
        }
        for text in (_("Custom"), *self._presets.values()):
            self._ui.windowPresetComboBox.addItem(text)
        self._ui.windowPresetComboBox.connect("currentIndexChanged(int)", self._onPreset)
        for text in (_("Bone and brain"), _("Brain"), _("Bone")):
            self._ui.fusionDisplayComboBox.addItem(text)
        self._ui.fusionDisplayComboBox.connect("currentIndexChanged(int)", self._onDisplay)
        self._ui.fuseButton.connect("clicked()", self._onFuse)
        self._ui.metricsButton.connect("clicked()", self._onMetrics)

    def leave(self) -> None:
        self._preview.hide()

    def update(self) -> None:
        parameters = self._panel.parameterNode
        if self._panel.runner.isRunning:
            return
        self._ui.fusionColorsComboBox.enabled = parameters.fusionMethod is FusionChoice.color
        self._ui.ctChangesCheckBox.enabled = parameters.fusionMethod is FusionChoice.selective
        self._ui.levelsSpinBox.enabled = parameters.fusionMethod.hasLevels
        self._showPreset(parameters)
        missing = self._missing(parameters)
        for widget in (self._ui.fuseButton, self._ui.previewCheckBox):
            widget.enabled = not missing
        self._ui.fuseButton.toolTip = missing or _("Fuse the whole volume (Alt+U).")
        fused = parameters.fusedVolume
        self._ui.fusionDisplayComboBox.enabled = fused is not None and hasDisplays(fused)
        isMeasurable = fused is not None and not fused.IsA("vtkMRMLVectorVolumeNode")
        self._ui.metricsButton.enabled = isMeasurable and not missing
        self._ui.fusionCard.text = self._card(parameters)
        self._ui.fusionCard.toolTip = self._meanings(parameters)
        self._ui.fusionCard.visible = bool(self._ui.fusionCard.text)
        if parameters.preview and not missing:
            self._preview.show()
        else:
            self._preview.hide()

    @staticmethod
    def _missing(parameters: "MedFusionParameterNode") -> str:
        if parameters.fixedVolume is None or not movingVolumes(parameters):
            return _("Choose a CT and an MRI first.")
        if parameters.fixedVolume is parameters.movingVolume:
            return _("Choose two different volumes.")
        if parameters.windowLow >= parameters.windowHigh:
            return _("The CT window must begin below its end.")
        return ""

    def _showPreset(self, parameters: "MedFusionParameterNode") -> None:
        window = (parameters.windowLow, parameters.windowHigh)
        box = self._ui.windowPresetComboBox
        blocked = box.blockSignals(True)
        windows = [preset.value for preset in self._presets]
        box.currentIndex = windows.index(window) + 1 if window in windows else 0
        box.blockSignals(blocked)

    def _onPreset(self, index: int) -> None:
        parameters = self._panel.parameterNode
        if parameters is None or index < 1:
            return
        with slicer.util.NodeModify(parameters.parameterNode):
            parameters.windowLow, parameters.windowHigh = list(self._presets)[index - 1].value

    def _onDisplay(self, index: int) -> None:
        parameters = self._panel.parameterNode
        if parameters is not None and parameters.fusedVolume is not None and index >= 0:
            showAs(parameters.fusedVolume, list(FusionDisplay)[index])

    def _onFuse(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None:
            return
        title = _("The volumes could not be fused.")
        if not self._panel.consent.isGiven(parameters, title):
            return
        start = time.monotonic()

        def work(progress: Progress) -> "FusionResult":
            ensurePackageOf(parameters.fusionMethod)
            return self._panel.logic.fuse(parameters, progress)

        result = self._panel.runner.run(self._ui.fuseButton, title, work)
        if result is None or self._panel.parameterNode is None:
            return
        self._seconds = time.monotonic() - start
        self._metrics.pop(parameters.fusedVolume.GetID(), None)
        self._ui.fusionDisplayComboBox.currentIndex = 0
        parameters.preview = False
        parameters.compareViews = False
        if parameters.tumorVolume is None:
            parameters.tumorVolume = parameters.movingVolume
        self._panel.views.showVolume(parameters.fusedVolume)
        self.update()

    def _onMetrics(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None:
            return
        metrics = self._panel.runner.run(
            self._ui.metricsButton,
            _("The fusion could not be measured."),
            lambda progress: self._panel.logic.steps.fusionMetrics(parameters, progress),
        )
        if metrics is not None and parameters.fusedVolume is not None and self._panel.parameterNode is not None:
            self._metrics[parameters.fusedVolume.GetID()] = (self._measuredOf(parameters), metrics)
            self.update()

    @staticmethod
    def _measuredOf(parameters: "MedFusionParameterNode") -> tuple:
        return (volumeState(parameters.fusedVolume), *fusionState(parameters)[:2])

    def _metricsOf(self, parameters: "MedFusionParameterNode") -> dict[str, float] | None:
        """Return the scores of the fused volume, as long as it is what was measured."""
        node = parameters.fusedVolume
        measured, metrics = self._metrics.get(node.GetID(), (None, None)) if node is not None else (None, None)
        return metrics if measured == self._measuredOf(parameters) else None

    def _card(self, parameters: "MedFusionParameterNode") -> str:
        node = parameters.fusedVolume
        if node is None:
            return ""
        result = self._panel.logic.steps.resultOf(node)
        lines = [_("Fused volume: {name}").format(name=node.GetName())]
        if result is not None:
            if self._seconds:
                lines[0] += _(" ({seconds:.1f} s)").format(seconds=self._seconds)
            lines += [result.settings.legend] if result.settings.legend else []
            lines += [warning(text) for text in result.warnings]
        if self._panel.logic.steps.isFusionOutOfDate(parameters):
            lines.append(warning(_("Out of date: the volumes or their alignment were changed since. Fuse again.")))
        metrics = self._metricsOf(parameters)
        if metrics:
            scores = [(name, f"{value:.3f}") for name, value in metrics.items() if isinstance(value, float)]
            lines.append(table(scores, pairsPerLine=3))
        return paragraphs(lines)

    def _meanings(self, parameters: "MedFusionParameterNode") -> str:
        """Return what the measures on the card say, or what the card is when there are none."""
        shown = self._metricsOf(parameters)
        if not shown:
            return _("The fused volume and what to think of it.")
        from ..Core.Fusion.Metrics import METRIC_MEANINGS

        return meanings((name, text) for name, text in METRIC_MEANINGS.items() if name in shown)
