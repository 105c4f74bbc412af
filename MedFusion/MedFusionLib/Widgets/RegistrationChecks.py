"""Look whether CT and MRI really fit: blend, flicker, edges, checkerboard, reveal, and the expected error as a map."""

from typing import TYPE_CHECKING

import qt
import slicer

from ..Workflow.MadeFrom import volumeState
from ..Workflow.Translation import tr as _
from .Runner import errorsShown
from .SliceOverlay import SliceOverlay

if TYPE_CHECKING:
    import SimpleITK as sitk

    from MedFusion import MedFusionWidget

    from ..Scene.SliceMosaic import SliceMosaic

_FLICKER_MILLISECONDS = 500
_GRAYS = (0.0, 255.0)


class RegistrationChecks:
    """Drive the views over each other, one check at a time; the nodes made for it are hidden, and go with the check."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        self._panel, self._ui = panel, panel.ui
        self._timer = qt.QTimer()
        self._timer.setInterval(_FLICKER_MILLISECONDS)
        self._timer.connect("timeout()", self._onFlicker)
        self._showsMoving = False
        self._mapID: str | None = None
        self._shown: float | None = None
        self._mosaic: SliceMosaic | None = None
        self._mosaicOf: tuple | None = None
        self._cursor: tuple[slicer.vtkMRMLCrosshairNode, int] | None = None
        self._overlay = SliceOverlay(panel, self._draw, self._onFailed)
        self._drawn = {
            self._ui.edgesButton: self._drawEdges,
            self._ui.checkerboardButton: self._drawCheckerboard,
            self._ui.revealButton: self._drawReveal,
        }
        self._buttons = (self._ui.flickerButton, *self._drawn, self._ui.treMapButton)
        self._ui.flickerButton.connect("toggled(bool)", self._onFlickerToggled)
        self._ui.treMapButton.connect("toggled(bool)", self._onMapToggled)
        for button in self._drawn:
            button.connect("toggled(bool)", lambda isOn, button=button: self._onDrawnToggled(button, isOn))

    def enter(self) -> None:
        # The views are left as they are until the user moves the slider.
        self._shown = self._panel.parameterNode.blend

    def leave(self) -> None:
        """End all checks."""
        for button in self._buttons:
            button.checked = False
        self._timer.stop()
        self._overlay.hide()
        self._removeMap()

    def update(self, transformNode: slicer.vtkMRMLTransformNode | None) -> None:
        """Enable the checks once there is something to check, and follow the slider and the volumes."""
        parameters = self._panel.parameterNode
        isReady = transformNode is not None and parameters.fixedVolume is not None
        for widget in (self._ui.blendSlider, *self._buttons):
            widget.enabled = isReady
        if not isReady:
            self.leave()
            return
        if self._ui.treMapButton.checked and self._map() is None:
            self._ui.treMapButton.checked = False
        hasSlid = self._shown != parameters.blend
        self._shown = parameters.blend
        if self._overlay.isShown:
            isMoved = self._mosaicOf != (volumeState(parameters.fixedVolume), volumeState(parameters.movingVolume))
            if hasSlid and not self._ui.checkerboardButton.checked:
                self._end()
            elif hasSlid or isMoved:
                self._overlay.show()
                return
        if hasSlid:
            self._show(parameters.blend / 100)

    def _end(self, *others: qt.QPushButton) -> None:
        """End the checks other than these."""
        for button in self._buttons:
            if button not in others:
                button.checked = False

    def _show(self, opacity: float) -> None:
        parameters = self._panel.parameterNode
        if parameters.compareViews:
            parameters.compareViews = False
        self._panel.views.overlay(parameters.fixedVolume, parameters.movingVolume, opacity)

    def _onFlickerToggled(self, isOn: bool) -> None:
        parameters = self._panel.parameterNode
        if isOn and parameters is not None:
            self._end(self._ui.flickerButton)
            self._timer.start()
        else:
            self._timer.stop()
            if parameters is not None and parameters.fixedVolume is not None and parameters.movingVolume is not None:
                self._show(parameters.blend / 100)

    def _onFlicker(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None or parameters.fixedVolume is None or parameters.movingVolume is None:
            self._ui.flickerButton.checked = False
            return
        self._showsMoving = not self._showsMoving
        self._show(1.0 if self._showsMoving else 0.0)

    def _onDrawnToggled(self, button: qt.QPushButton, isOn: bool) -> None:
        self._followCursor(isOn and button is self._ui.revealButton)
        if not isOn or self._panel.parameterNode is None:
            self._overlay.hide()
            return
        self._end(button)
        self._show(0.0)
        self._overlay.show()

    def _draw(self, sliceNode: slicer.vtkMRMLSliceNode) -> "tuple[sitk.Image, tuple[float, float]]":
        from ..Scene.SliceMosaic import SliceMosaic

        volumes = (self._panel.parameterNode.fixedVolume, self._panel.parameterNode.movingVolume)
        state = tuple(map(volumeState, volumes))
        if state != self._mosaicOf:
            self._mosaic, self._mosaicOf = SliceMosaic(*volumes), state
        draw = next(draw for button, draw in self._drawn.items() if button.checked)
        return draw(sliceNode), _GRAYS

    def _drawEdges(self, sliceNode: slicer.vtkMRMLSliceNode) -> "sitk.Image":
        return self._mosaic.edges(sliceNode)

    def _drawCheckerboard(self, sliceNode: slicer.vtkMRMLSliceNode) -> "sitk.Image":
        return self._mosaic.checkerboard(sliceNode, self._panel.parameterNode.blend / 100)

    def _drawReveal(self, sliceNode: slicer.vtkMRMLSliceNode) -> "sitk.Image":
        import numpy as np

        from ..Core.Images.Coordinates import flipPoints

        position = [0.0, 0.0, 0.0]
        if self._cursor is None or not self._cursor[0].GetCursorPositionRAS(position):
            matrix = sliceNode.GetSliceToRAS()  # no mouse in a view yet: the middle of the slice
            position = [matrix.GetElement(axis, 3) for axis in range(3)]
        return self._mosaic.reveal(sliceNode, flipPoints(np.array(position)))

    def _followCursor(self, isOn: bool) -> None:
        if self._cursor is not None:
            self._cursor[0].RemoveObserver(self._cursor[1])
            self._cursor = None
        node = self._panel.scene.GetFirstNodeByClass("vtkMRMLCrosshairNode") if isOn else None
        if node is not None:
            event = slicer.vtkMRMLCrosshairNode.CursorPositionModifiedEvent
            self._cursor = (node, node.AddObserver(event, lambda *_: self._overlay.show()))

    def _onFailed(self, error: Exception) -> None:
        with errorsShown(_("CT and MRI could not be compared.")):
            self._end()
            raise error

    def _map(self) -> slicer.vtkMRMLVolumeNode | None:
        return self._panel.scene.GetNodeByID(self._mapID) if self._mapID else None

    def _removeMap(self) -> None:
        node, self._mapID = self._map(), None
        self._ui.treMapLabel.visible = False
        if node is None or self._panel.scene.IsClosing():
            return
        from ..Scene.NodeFiles import discard

        colorNode = node.GetDisplayNode().GetColorNode()
        discard(self._panel.scene, node)
        if colorNode is not None:
            self._panel.scene.RemoveNode(colorNode)
        self._panel.views.removeForeground()

    def _onMapToggled(self, isOn: bool) -> None:
        parameters = self._panel.parameterNode
        if not isOn or parameters is None:
            self._removeMap()
            return
        from ..Workflow.RegistrationTexts import errorMapLegend

        self._end(self._ui.treMapButton)
        with errorsShown(_("The expected error could not be mapped."), waitCursor=True):
            node = self._panel.logic.steps.errorMap(parameters)
            self._mapID = node.GetID()
            if parameters.compareViews:
                parameters.compareViews = False
            self._panel.views.overlay(parameters.fixedVolume, node, 0.5)
            display = node.GetDisplayNode()
            self._ui.treMapLabel.text = errorMapLegend(display.GetWindowLevelMin(), display.GetWindowLevelMax())
            self._ui.treMapLabel.visible = True
            return
        self._ui.treMapButton.checked = False
