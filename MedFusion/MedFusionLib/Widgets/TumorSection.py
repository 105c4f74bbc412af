"""Section Tumor: point it out, outline it, correct it, measure it."""

from typing import TYPE_CHECKING

import qt
import slicer

from ..Core.Progress import Progress
from ..Workflow.MadeFrom import volumeState
from ..Workflow.OutlineWatch import OutlineWatch, outlineState
from ..Workflow.Parameters import TumorChoice
from ..Workflow.Texts import measurementRows, warning
from ..Workflow.Translation import tr as _
from ..Workflow.TumorPointing import Pointed, TumorPointing
from ..Workflow.TumorTexts import tumorCard
from .OutlineChecks import OutlineChecks
from .Packages import ensurePackageOf
from .Runner import errorsShown
from .Section import Section

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

    from ..Core.Tumor.TumorSegmentation import TumorResult
    from .ParameterNode import MedFusionParameterNode


class TumorSection(Section):
    """Run the outlining and show what is measured."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        super().__init__(panel)
        self._pointing = TumorPointing(panel.scene, self._onPointed, panel.placeMode)
        self._outline = OutlineWatch(self._onPointed)
        self._checks = OutlineChecks(panel)
        self._measuredState: tuple | None = None
        self._diameterIDs: list[str] = []
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self.update)
        self._ui.pointInsideButton.connect("clicked()", self._onPointInside)
        self._ui.pointOutsideButton.connect("clicked()", lambda: self._onPoint(Pointed.outside))
        self._ui.scribbleButton.connect("clicked()", self._onScribble)
        self._ui.clearPointsButton.connect("clicked()", self._onClear)
        self._ui.segmentButton.connect("clicked()", self._onSegment)
        self._ui.segmentEditorButton.connect("clicked()", self._onSegmentEditor)
        self._ui.diametersCheckBox.connect("toggled(bool)", self._onDiameters)
        table = self._ui.measurementTable
        table.setColumnCount(4)
        table.setHorizontalHeaderLabels([_("Segment"), _("ml"), _("3D mm"), _("RANO mm")])
        for column, tip in enumerate(
            (
                _("The outlined segment."),
                _("Volume, with the uncertainty of its boundary."),
                _("Longest diameter in any direction."),
                _("Longest diameter in an axial slice and the longest one perpendicular to it."),
            )
        ):
            table.horizontalHeaderItem(column).setToolTip(tip)
        table.verticalHeader().visible = False
        table.horizontalHeader().setSectionResizeMode(qt.QHeaderView.ResizeToContents)
        table.horizontalHeader().setSectionResizeMode(0, qt.QHeaderView.Stretch)

    def enter(self) -> None:
        self._diameterIDs = [nodeID for nodeID in self._diameterIDs if self._panel.scene.GetNodeByID(nodeID)]

    def leave(self) -> None:
        self._pointing.stop()
        self._pointing.watch(None)
        self._outline.watch(None)
        self._timer.stop()

    def cleanup(self) -> None:
        super().cleanup()
        self._pointing.cleanup()

    def update(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None or self._panel.runner.isRunning:
            return
        self._pointing.watch(parameters)
        self._outline.watch(parameters.segmentation)
        method = parameters.tumorMethod
        self._showPointing(method)
        for widget in (self._ui.modelFolderEdit, self._ui.modelFolderEditLabel):
            widget.visible = method is TumorChoice.model
        for widget in (self._ui.tumorScribblesSelector, self._ui.tumorScribblesSelectorLabel, self._ui.scribbleButton):
            widget.visible = method is TumorChoice.strokes
        self._ui.scribbleButton.enabled = parameters.tumorVolume is not None
        missing = self._missing(parameters)
        self._ui.segmentButton.enabled = not missing
        self._ui.segmentButton.toolTip = missing or _("Outline the tumor (Alt+O).")
        self._ui.useCavityCheckBox.enabled = parameters.fixedVolume is not None
        hasOutline = parameters.segmentation is not None
        self._ui.segmentEditorButton.enabled = hasOutline and parameters.tumorVolume is not None
        self._ui.show3DCheckBox.enabled = hasOutline
        self._ui.diametersCheckBox.enabled = hasOutline
        self._show3D(parameters)
        self._showMeasurements(parameters)
        self._checks.enable()

    def _showPointing(self, method: TumorChoice) -> None:
        lines, inside, outside = self._pointing.counts()
        isPointed = method in (TumorChoice.line, TumorChoice.strokes) or method.isClicked
        if method is TumorChoice.line:
            text = _("Draw line ({count})").format(count=lines)
            tip = _("Draw a line along the longest diameter; press again for each further lesion.")
        elif method.isClicked:
            text = _("Click on tumor ({count})").format(count=inside)
            tip = _("Click once into each lesion.")
        else:
            text = _("Inside ({count})").format(count=inside)
            tip = _("Place points that are certainly inside the tumor.")
        for button in (self._ui.pointInsideButton, self._ui.pointOutsideButton):
            button.enabled = self._panel.parameterNode.tumorVolume is not None
        self._ui.pointInsideButton.text, self._ui.pointInsideButton.toolTip = text, tip
        self._ui.pointOutsideButton.text = _("Outside ({count})").format(count=outside)
        self._ui.pointInsideButton.visible = isPointed
        self._ui.clearPointsButton.visible = isPointed
        self._ui.pointOutsideButton.visible = method is TumorChoice.strokes
        self._ui.pointInsideButton.checked = self._pointing.active in (Pointed.line, Pointed.inside)
        self._ui.pointOutsideButton.checked = self._pointing.active is Pointed.outside
        self._ui.clearPointsButton.enabled = lines + inside + outside > 0

    def _missing(self, parameters: "MedFusionParameterNode") -> str:
        if parameters.tumorVolume is None:
            return _("Choose the volume in which the tumor is seen best.")
        lines, inside, outside = self._pointing.counts()
        method = parameters.tumorMethod
        if method is TumorChoice.line and not lines:
            return _("Draw a line along the longest diameter of the tumor first.")
        if method.isClicked and not inside:
            return _("Click on the tumor first.")
        if method is TumorChoice.strokes and parameters.tumorScribbles is None and not (inside and outside):
            return _("Place points inside and outside the tumor, or scribble there, first.")
        if (
            method is TumorChoice.strokes
            and parameters.tumorScribbles
            and parameters.tumorScribbles is parameters.segmentation
        ):
            return _("The outline itself cannot be the scribbles; choose another segmentation.")
        if method is TumorChoice.model and str(parameters.modelFolder) in ("", "."):
            return _("Choose the folder of a trained model first.")
        return ""

    def _onPointed(self) -> None:
        self._timer.start()

    def _onPointInside(self) -> None:
        if self._panel.parameterNode is not None:
            isLine = self._panel.parameterNode.tumorMethod is TumorChoice.line
            self._onPoint(Pointed.line if isLine else Pointed.inside)

    def _onPoint(self, kind: Pointed) -> None:
        if self._panel.parameterNode is None:
            return
        if self._pointing.active is kind:
            self._pointing.stop()
        else:
            self._pointing.start(kind)
        self.update()

    def _onClear(self) -> None:
        if self._panel.parameterNode is not None:
            self._pointing.clear()
            self.update()

    def _onSegment(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None:
            return
        self._pointing.stop()
        title = _("The tumor could not be outlined.")
        if not self._panel.consent.isGiven(parameters, title):
            return

        def work(progress: Progress) -> "TumorResult":
            ensurePackageOf(parameters.tumorMethod)
            return self._panel.logic.segment(parameters, progress)

        self._panel.runner.run(self._ui.segmentButton, title, work)

    def _onScribble(self) -> None:
        """Open the Segment Editor to scribble inside and outside the tumor."""
        from ..Scene.TumorNodes import addScribbles

        parameters = self._panel.parameterNode
        if parameters is None or parameters.tumorVolume is None:
            return
        self._pointing.stop()
        if parameters.tumorScribbles is None:
            segmentNames = (_("Inside the tumor"), _("Outside the tumor"))
            parameters.tumorScribbles = addScribbles(parameters.tumorVolume, _("Tumor scribbles"), segmentNames)
        self._openSegmentEditor(parameters.tumorScribbles)

    def _onSegmentEditor(self) -> None:
        """Open the Segment Editor to correct the outline."""
        parameters = self._panel.parameterNode
        if parameters is not None and parameters.segmentation is not None:
            self._openSegmentEditor(parameters.segmentation)

    def _openSegmentEditor(self, segmentationNode: slicer.vtkMRMLSegmentationNode) -> None:
        """Open the Segment Editor with segmentation and volume chosen; it reads both from its own parameter node."""
        tag, className = "SegmentEditor", "vtkMRMLSegmentEditorNode"
        editorNode = self._panel.scene.GetSingletonNode(tag, className)
        if editorNode is None:
            editorNode = self._panel.scene.CreateNodeByClass(className)
            editorNode.UnRegister(None)
            editorNode.SetSingletonTag(tag)
            editorNode = self._panel.scene.AddNode(editorNode)
        editorNode.SetAndObserveSegmentationNode(segmentationNode)
        editorNode.SetSelectedSegmentID(segmentationNode.GetSegmentation().GetNthSegmentID(0))
        editorNode.SetAndObserveSourceVolumeNode(self._panel.parameterNode.tumorVolume)
        slicer.util.selectModule("SegmentEditor")

    def _show3D(self, parameters: "MedFusionParameterNode") -> None:
        node = parameters.segmentation
        if node is None or node.GetDisplayNode() is None:
            return
        surface = slicer.vtkSegmentationConverter.GetSegmentationClosedSurfaceRepresentationName()
        hasSurface = node.GetSegmentation().ContainsRepresentation(surface)
        if parameters.show3D and not hasSurface and node.GetSegmentation().GetNumberOfSegments():
            node.CreateClosedSurfaceRepresentation()
        if node.GetDisplayNode().GetVisibility3D() != parameters.show3D:
            node.GetDisplayNode().SetVisibility3D(parameters.show3D)
            if parameters.show3D:
                self._panel.views.center3D()

    def _showMeasurements(self, parameters: "MedFusionParameterNode") -> None:
        node, volume = parameters.segmentation, parameters.tumorVolume
        if node is None and self._measuredState is None:
            return
        steps = self._panel.logic.steps
        isOutOfDate = steps.isOutlineOutOfDate(parameters)
        state = (outlineState(node), volumeState(volume), isOutOfDate) if node and volume else None
        if state == self._measuredState:
            return
        self._measuredState = state
        rows, text, tumor = [], "", None
        if state is not None:
            try:
                tumor = steps.outline(parameters)
                if tumor is not None:
                    rows = measurementRows(steps.measured(tumor))
                    text = tumorCard(tumor, isOutOfDate)
            except (ValueError, RuntimeError) as error:
                text = warning(str(error))
        # Lines along the diameters of an outline that has changed would mislead.
        self._ui.diametersCheckBox.checked = False
        self._fillTable(rows)
        self._ui.tumorCard.text = text
        self._ui.tumorCard.visible = bool(text)
        self._checks.show(tumor)
        self._panel.registerSection.update()  # it tells the error at the tumor

    def judgeAgain(self) -> None:
        """Show what is thought of an outline that the user accepted or exchanged."""
        self._measuredState = None
        self.update()

    def _onDiameters(self, isOn: bool) -> None:
        """Draw the diameters, or take them away again."""
        for node in filter(None, map(self._panel.scene.GetNodeByID, self._diameterIDs)):
            self._panel.scene.RemoveNode(node)
        self._diameterIDs = []
        parameters = self._panel.parameterNode
        if not isOn or parameters is None or parameters.segmentation is None:
            return
        with errorsShown(_("The diameters could not be drawn.")):
            nodes = self._panel.logic.steps.showDiameters(parameters)
            self._diameterIDs = [node.GetID() for node in nodes]

    def _fillTable(self, rows: list[tuple[str, ...]]) -> None:
        table = self._ui.measurementTable
        table.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate(row):
                table.setItem(number, column, qt.QTableWidgetItem(text))
