"""Section Fuse: combine CT and MRI in one volume."""

import time

import slicer
from slicer.i18n import tr as _

from . import Steps
from .ComparisonLayout import showVolume
from .FusionPreview import FusionPreview
from .Packages import ensurePackages
from .Texts import meanings, paragraphs, table, warning

# Ready windows in HU; the names of the combo box follow this order, after "Custom".
_PRESETS = ((0.0, 1500.0), (-150.0, 2500.0), (0.0, 400.0))
_WAVELETS = ("undecimated", "dwt", "swt")
_MOST_UNDECIMATED_LEVELS = 3


class FuseSection:
    """Run and preview the fusion."""

    def __init__(self, panel: object) -> None:
        self._panel, self._ui = panel, panel.ui
        self._preview = FusionPreview(panel)
        self._metrics: dict[str, dict[str, float]] = {}
        self._seconds = 0.0
        for text in (_("Custom"), _("Bone and soft tissue"), _("Everything"), _("Brain")):
            self._ui.windowPresetComboBox.addItem(text)
        self._ui.windowPresetComboBox.connect("currentIndexChanged(int)", self._onPreset)
        self._ui.fuseButton.connect("clicked()", self._onFuse)
        self._ui.metricsButton.connect("clicked()", self._onMetrics)

    def enter(self) -> None:
        pass

    def leave(self) -> None:
        self._preview.hide()

    def cleanup(self) -> None:
        self.leave()

    def update(self) -> None:
        parameters = self._panel.parameterNode
        if self._panel.runner.isRunning:
            return
        method = parameters.fusionMethod.value
        self._ui.fusionModeComboBox.enabled = method == "undecimated"
        self._ui.levelsSpinBox.enabled = method in _WAVELETS
        if method == "undecimated" and parameters.levels > _MOST_UNDECIMATED_LEVELS:
            parameters.levels = _MOST_UNDECIMATED_LEVELS
            return
        self._showPreset(parameters)
        missing = self._missing(parameters)
        for widget in (self._ui.fuseButton, self._ui.previewCheckBox):
            widget.enabled = not missing
        self._ui.fuseButton.toolTip = missing or _("Fuse the whole volume.")
        fused = parameters.fusedVolume
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
    def _missing(parameters: object) -> str:
        if parameters.fixedVolume is None or not Steps.movingVolumes(parameters):
            return _("Choose a CT and an MRI first.")
        if parameters.fixedVolume is parameters.movingVolume:
            return _("Choose two different volumes.")
        if parameters.windowLow >= parameters.windowHigh:
            return _("The CT window must begin below its end.")
        return ""

    def _showPreset(self, parameters: object) -> None:
        window = (parameters.windowLow, parameters.windowHigh)
        box = self._ui.windowPresetComboBox
        blocked = box.blockSignals(True)
        box.currentIndex = _PRESETS.index(window) + 1 if window in _PRESETS else 0
        box.blockSignals(blocked)

    def _onPreset(self, index: int) -> None:
        parameters = self._panel.parameterNode
        if parameters is None or index < 1:
            return
        with slicer.util.NodeModify(parameters.parameterNode):
            parameters.windowLow, parameters.windowHigh = _PRESETS[index - 1]

    def _onFuse(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None:
            return
        start = time.monotonic()

        def work(progress: object) -> object:
            ensurePackages(self._panel.resourcePath("requirements.txt"))
            return self._panel.logic.fuse(parameters, progress)

        result = self._panel.runner.run(self._ui.fuseButton, _("The volumes could not be fused."), work)
        if result is None or self._panel.parameterNode is None:
            return
        self._seconds = time.monotonic() - start
        self._metrics.pop(parameters.fusedVolume.GetID(), None)
        parameters.preview = False
        parameters.compareViews = False
        if parameters.tumorVolume is None:
            parameters.tumorVolume = parameters.movingVolume
        showVolume(parameters.fusedVolume)
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
            self._metrics[parameters.fusedVolume.GetID()] = metrics
            self.update()

    def _card(self, parameters: object) -> str:
        node = parameters.fusedVolume
        if node is None:
            return ""
        result = self._panel.logic.steps.resultOf(node)
        lines = [_("Fused volume: {name}").format(name=node.GetName())]
        if result is not None:
            if self._seconds:
                lines[0] += _(" ({seconds:.1f} s)").format(seconds=self._seconds)
            lines += [warning(text) for text in result.warnings]
        metrics = self._metrics.get(node.GetID())
        if metrics:
            scores = [(name, f"{value:.3f}") for name, value in metrics.items() if isinstance(value, float)]
            lines.append(table(scores, pairsPerLine=3))
        return paragraphs(lines)

    def _meanings(self, parameters: object) -> str:
        """Return what the measures on the card say, or what the card is when there are none."""
        from ..Core.Fusion.Metrics import METRIC_MEANINGS

        shown = self._metrics.get(parameters.fusedVolume.GetID()) if parameters.fusedVolume is not None else None
        if not shown:
            return _("The fused volume and what to think of it.")
        return meanings((name, text) for name, text in METRIC_MEANINGS.items() if name in shown)
