"""Section Landmarks: the paired table, placing, undo, the comparison of views and the live fit."""

from collections.abc import Callable
from typing import TYPE_CHECKING

import qt

from ..Workflow.LandmarkLists import LandmarkLists, PairRow, Side, isDefined
from ..Workflow.MadeFrom import registrationState
from ..Workflow.PairPlacement import PairPlacement
from ..Workflow.Parameters import LandmarkPairing, registrationOf
from ..Workflow.Texts import paragraphs, warning
from ..Workflow.Translation import tr as _
from .ComparisonLayout import ComparisonLayout
from .LandmarkTable import LandmarkTable
from .Section import Section

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

    from ..Core.Registration.RegistrationResult import RegistrationResult

_REST_MILLISECONDS = 1000


class LandmarksSection(Section):
    """Keep table, lists, views and fit in step."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        super().__init__(panel)
        self._lists = LandmarkLists(self._refreshSoon, self._onPlaced)
        self._placement = PairPlacement(self._lists, self._showPlacement, panel.placeMode, panel.later)
        self._layout = ComparisonLayout(panel.views)
        self._table = LandmarkTable(
            self._ui.landmarkTable, onSelected=self._onSelected, onUsed=self._onUsed, onRenamed=self._onRenamed
        )
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self.refresh)
        # The images are asked once the hands rest.
        self._checkTimer = qt.QTimer()
        self._checkTimer.setSingleShot(True)
        self._checkTimer.setInterval(_REST_MILLISECONDS)
        self._checkTimer.connect("timeout()", self.askImages)
        self._doubts: tuple[str, ...] | None = None
        self._doubtsOf: tuple | None = None
        self._fitOf: tuple | None = None
        self._rows: list[PairRow] = []
        self.fit: RegistrationResult | None = None
        for name, receiver in (
            ("placePairButton", self._onPlacePair),
            ("placeFixedButton", lambda: self._onPlaceOne(Side.fixed)),
            ("placeMovingButton", lambda: self._onPlaceOne(Side.moving)),
            ("undoButton", self._onUndo),
            ("moveUpButton", lambda: self._onMove(-1)),
            ("moveDownButton", lambda: self._onMove(1)),
            ("deleteButton", self._onDelete),
        ):
            getattr(self._ui, name).connect("clicked()", receiver)
        self._shortcuts = [
            self._shortcut("Delete", self._onDelete),
            self._shortcut("Ctrl+Z", self._onUndo),
            self._shortcut("Ctrl+Up", lambda: self._onMove(-1)),
            self._shortcut("Ctrl+Down", lambda: self._onMove(1)),
        ]

    def _shortcut(self, keys: str, receiver: Callable[[], None]) -> qt.QShortcut:
        """Return a shortcut that works while the table has the keyboard."""
        shortcut = qt.QShortcut(qt.QKeySequence(keys), self._ui.landmarkTable)
        shortcut.setContext(qt.Qt.WidgetWithChildrenShortcut)
        shortcut.connect("activated()", receiver)
        return shortcut

    def enter(self) -> None:
        self.update()

    def leave(self) -> None:
        self._placement.stop()
        self._timer.stop()
        self._checkTimer.stop()
        self._lists.watch(None, None)
        self._layout.hide()

    def cleanup(self) -> None:
        super().cleanup()
        self._placement.cleanup()

    def update(self) -> None:
        parameters = self._panel.parameterNode
        if self._panel.runner.isRunning:
            return
        self._lists.watch(parameters.fixedLandmarks, parameters.movingLandmarks)
        if parameters.fixedLandmarks is None or parameters.movingLandmarks is None:
            self._placement.stop()
        isRegistered = registrationOf(parameters.movingVolume) is not None
        if parameters.compareViews:
            lists = (parameters.fixedLandmarks, parameters.movingLandmarks)
            self._layout.show(parameters.fixedVolume, parameters.movingVolume, lists)
            self._layout.link(parameters.linkViews, isRegistered)
        else:
            self._layout.hide()
        self._ui.linkViewsCheckBox.enabled = parameters.compareViews
        self._refreshSoon()

    def hideComparison(self) -> None:
        """Give the user's layout back until the next update."""
        self._layout.hide()

    def _refreshSoon(self) -> None:
        self._timer.start()

    def refresh(self) -> None:
        """Fit the pairs and show rows, errors and what can be done."""
        parameters = self._panel.parameterNode
        if parameters is None or self._panel.runner.isRunning:
            return
        self._rows = self._lists.rows(byOrder=parameters.pairing is LandmarkPairing.byOrder)
        self.fit, problem = None, ""
        if self._lists.fixed is not None and self._lists.moving is not None and self._rows:
            try:
                self.fit = self._panel.logic.steps.liveFit(parameters)
            except (ValueError, RuntimeError) as error:
                problem = str(error)
        self._fitOf = registrationState(parameters) if self.fit is not None else None
        if self._fitOf is None or self._doubtsOf != self._fitOf:
            self._doubts = None
            self._checkTimer.start()
        self._table.show(self._rows, self._lists, self.fit)
        self._ui.fitLabel.text = self._fitText(problem)
        self._ui.fitLabel.visible = bool(self._ui.fitLabel.text)
        self._showButtons()
        self._panel.registerSection.update()
        self._panel.showNextStep()

    def askImages(self) -> None:
        """Hold the fit against the images and say what they think of it."""
        parameters = self._panel.parameterNode
        if parameters is None or self.fit is None or self._panel.runner.isRunning:
            return
        try:
            if self._fitOf != registrationState(parameters):
                return  # it is fitted anew in a moment, and then asked again
            self._doubts = self._panel.logic.steps.poseDoubts(parameters, self.fit)
        except (ValueError, RuntimeError) as error:
            self._doubts = (str(error),)
        self._doubtsOf = self._fitOf
        self._ui.fitLabel.text = self._fitText("")

    def _fitText(self, problem: str) -> str:
        if self.fit is None:
            complete = sum(row.fixedIndex is not None and row.movingIndex is not None for row in self._rows)
            if complete < 3:
                return _("{count} of at least 3 pairs placed.").format(count=complete)
            return warning(problem)
        lines = [_("{count} pairs, FRE {fre:.2f} mm").format(count=len(self.fit.labels), fre=self.fit.fre)]
        if self._doubts == ():
            lines.append(_("The images agree with the landmarks."))
        return paragraphs(lines + [warning(text) for text in (*self.fit.warnings, *(self._doubts or ()))])

    def _showButtons(self) -> None:
        row = self._table.currentRow()
        hasVolumes = self._panel.parameterNode.fixedVolume is not None and (
            self._panel.parameterNode.movingVolume is not None
        )
        self._ui.placePairButton.enabled = hasVolumes
        for name in ("placeFixedButton", "placeMovingButton", "deleteButton"):
            getattr(self._ui, name).enabled = row >= 0
        self._ui.moveUpButton.enabled = row > 0
        self._ui.moveDownButton.enabled = 0 <= row < len(self._rows) - 1
        self._ui.undoButton.enabled = self._lists.canUndo

    def _showPlacement(self) -> None:
        texts = {
            Side.fixed: _("Click the point in a CT view..."),
            Side.moving: _("Click the same point in an MRI view..."),
            None: _("Place &next pair"),
        }
        self._ui.placePairButton.checked = self._placement.isActive
        self._ui.placePairButton.text = texts[self._placement.waitingFor]

    def _onPlacePair(self) -> None:
        if self._placement.isActive:
            self._placement.stop()
        elif self._panel.parameterNode is not None:
            self._makeLists()
            self._placement.start()
        self._showPlacement()

    def _makeLists(self) -> None:
        parameters = self._panel.parameterNode
        for name, title in (("fixedLandmarks", _("CT landmarks")), ("movingLandmarks", _("MRI landmarks"))):
            if getattr(parameters, name) is None:
                node = self._panel.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", title)
                node.CreateDefaultDisplayNodes()
                if name == "movingLandmarks" and parameters.movingVolume:
                    node.SetAndObserveTransformNodeID(parameters.movingVolume.GetTransformNodeID())
                setattr(parameters, name, node)
        if not parameters.compareViews:
            parameters.compareViews = True
        self._lists.watch(parameters.fixedLandmarks, parameters.movingLandmarks)

    def _onPlaceOne(self, side: Side) -> None:
        row = self._currentPair()
        if row is None:
            return
        self._makeLists()
        index = row.fixedIndex if side is Side.fixed else row.movingIndex
        if index is not None:
            # Only this end of the pair goes; it is placed anew under the same name.
            self._lists.delete(PairRow(row.label, *((index, None) if side is Side.fixed else (None, index))))
        self._placement.start(side, row.label)

    def _onPlaced(self, side: Side, index: int) -> None:
        self._placement.onPlaced(side, index)

    def _onUndo(self) -> None:
        wasPlacing = self._placement.isActive
        self._placement.stop()
        self._lists.undo()
        if wasPlacing:
            self._placement.start()

    def _onDelete(self) -> None:
        row = self._currentPair()
        if row is not None:
            self._lists.delete(row)

    def _onMove(self, step: int) -> None:
        index = self._table.currentRow()
        if index >= 0 and 0 <= index + step < len(self._rows):
            self._lists.swap(self._rows[index], self._rows[index + step])
            self.refresh()
            self._table.select(index + step)
            self._showButtons()

    def _currentPair(self) -> PairRow | None:
        index = self._table.currentRow()
        return self._rows[index] if 0 <= index < len(self._rows) else None

    def _onSelected(self) -> None:
        row = self._currentPair()
        if row is None or self._panel.parameterNode is None:
            return
        points = [
            list(node.GetNthControlPointPositionWorld(index)) if isDefined(node, index) else None
            for node, index in ((self._lists.fixed, row.fixedIndex), (self._lists.moving, row.movingIndex))
        ]
        self._layout.jump(*points)
        self._showButtons()

    def _onUsed(self, index: int, isUsed: bool) -> None:
        if index < len(self._rows):
            self._lists.setUsed(self._rows[index], isUsed)

    def _onRenamed(self, index: int, label: str) -> None:
        if index < len(self._rows) and label.strip():
            self._lists.rename(self._rows[index], label.strip())
        self._refreshSoon()
