"""Look whether CT and MRI really fit: blend, flicker, edges, and the expected error as a map."""

from typing import TYPE_CHECKING

import qt
import slicer

from ..Scene.EdgeOverlay import addEdges
from ..Scene.NodeFiles import discard
from .Parameters import registrationOf
from .Runner import errorsShown
from .Translation import tr as _

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

_FLICKER_MILLISECONDS = 500


class RegistrationChecks:
    """Drive the views over each other; the nodes made for it are hidden, and go with the check."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        self._panel, self._ui = panel, panel.ui
        self._timer = qt.QTimer()
        self._timer.setInterval(_FLICKER_MILLISECONDS)
        self._timer.connect("timeout()", self._onFlicker)
        self._showsMoving = False
        self._edgesID: str | None = None
        self._mapID: str | None = None
        self._shown: tuple | None = None
        self._ui.flickerButton.connect("toggled(bool)", self._onFlickerToggled)
        self._ui.edgesButton.connect("toggled(bool)", self._onEdgesToggled)
        self._ui.treMapButton.connect("toggled(bool)", self._onMapToggled)

    def enter(self) -> None:
        # The views are left as they are until the user moves the slider.
        self._shown = (self._panel.parameterNode.blend,)

    def leave(self) -> None:
        for button in (self._ui.flickerButton, self._ui.edgesButton, self._ui.treMapButton):
            button.checked = False
        self._timer.stop()
        self._removeNode("_edgesID")
        self._removeNode("_mapID")

    def update(self, transformNode: slicer.vtkMRMLTransformNode | None) -> None:
        """Enable the checks once there is something to check, and follow the slider."""
        isReady = transformNode is not None and self._panel.parameterNode.fixedVolume is not None
        for widget in (self._ui.blendSlider, self._ui.flickerButton, self._ui.edgesButton, self._ui.treMapButton):
            widget.enabled = isReady
        if not isReady:
            self.leave()
            return
        for name, button in (("_edgesID", self._ui.edgesButton), ("_mapID", self._ui.treMapButton)):
            if button.checked and self._node(name) is None:
                button.checked = False
        if self._shown != (self._panel.parameterNode.blend,):
            self._shown = (self._panel.parameterNode.blend,)
            self._show(self._panel.parameterNode.blend / 100)

    def _node(self, name: str) -> slicer.vtkMRMLVolumeNode | None:
        nodeID = getattr(self, name)
        return self._panel.scene.GetNodeByID(nodeID) if nodeID else None

    def _removeNode(self, name: str) -> None:
        node = self._node(name)
        setattr(self, name, None)
        if node is None or self._panel.scene.IsClosing():
            return
        colorNode = node.GetDisplayNode().GetColorNode() if name == "_mapID" else None
        discard(self._panel.scene, node)
        if colorNode is not None:
            self._panel.scene.RemoveNode(colorNode)

    def _show(self, opacity: float) -> None:
        parameters = self._panel.parameterNode
        if parameters.compareViews:
            parameters.compareViews = False
        self._panel.views.overlay(parameters.fixedVolume, parameters.movingVolume, opacity, self._node("_edgesID"))

    def _onFlickerToggled(self, isOn: bool) -> None:
        if isOn and self._panel.parameterNode is not None:
            self._timer.start()
        else:
            self._timer.stop()
            if self._panel.parameterNode is not None and registrationOf(self._panel.parameterNode.movingVolume):
                self._show(self._panel.parameterNode.blend / 100)

    def _onFlicker(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None or parameters.fixedVolume is None or parameters.movingVolume is None:
            self._ui.flickerButton.checked = False
            return
        self._showsMoving = not self._showsMoving
        self._show(1.0 if self._showsMoving else 0.0)

    def _onEdgesToggled(self, isOn: bool) -> None:
        parameters = self._panel.parameterNode
        if parameters is None:
            return
        if not isOn:
            self._removeNode("_edgesID")
            return
        with errorsShown(_("The edges could not be drawn."), waitCursor=True):
            self._edgesID = addEdges(self._panel.scene, parameters.movingVolume).GetID()
            self._show(0.0)

    def _onMapToggled(self, isOn: bool) -> None:
        parameters = self._panel.parameterNode
        if parameters is None:
            return
        if not isOn:
            self._removeNode("_mapID")
            return
        with errorsShown(_("The expected error could not be mapped."), waitCursor=True):
            node = self._panel.logic.steps.errorMap(parameters)
            self._mapID = node.GetID()
            if parameters.compareViews:
                parameters.compareViews = False
            self._panel.views.overlay(parameters.fixedVolume, node, 0.5)
            return
        self._ui.treMapButton.checked = False
