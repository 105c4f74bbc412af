"""Section Volumes: which CT, which MRIs, and what was understood of them."""

from typing import TYPE_CHECKING

import qt
import slicer

from ..Workflow.Parameters import OTHER_VOLUMES_ROLE, movingVolumes, referencedNodes
from ..Workflow.Translation import tr as _
from .Section import Section

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

    from .ParameterNode import MedFusionParameterNode


class VolumesSection(Section):
    """Mirror the volume choices and describe them."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        super().__init__(panel)
        self._described: tuple | None = None
        self._ui.phantomButton.connect("clicked()", self._onPhantom)
        self._ui.sampleDataButton.connect("clicked()", lambda: slicer.util.selectModule("SampleData"))
        self._ui.otherVolumesSelector.connect("checkedNodesChanged()", self._onOthersChecked)

    def enter(self) -> None:
        self._described = None

    def _onPhantom(self) -> None:
        """Load the phantom, and choose and show it."""
        if self._panel.parameterNode is not None:
            self._panel.loadPhantom()

    def update(self) -> None:
        parameters = self._panel.parameterNode
        isEmpty = parameters.fixedVolume is None and parameters.movingVolume is None
        for button in (self._ui.phantomButton, self._ui.sampleDataButton):
            button.visible = isEmpty
        self._showOthers(parameters)
        key = tuple(
            (node.GetID(), node.GetName(), node.GetImageData() is not None, node.GetTransformNodeID()) if node else None
            for node in (parameters.fixedVolume, *movingVolumes(parameters))
        )
        if key == self._described:
            return
        self._described = key
        self._ui.volumesLabel.visible = True
        if isEmpty:
            self._ui.volumesLabel.text = _("Load a CT and an MRI, or try MedFusion on the phantom or on sample data.")
        else:
            self._describe(parameters)

    def _describe(self, parameters: "MedFusionParameterNode") -> None:
        from ..Workflow.VolumeTexts import volumesText

        try:
            conflicts = self._panel.logic.steps.conflicts(parameters)
        except ValueError as error:
            conflicts = (str(error),)
        self._ui.volumesLabel.text = volumesText(parameters.fixedVolume, parameters.movingVolume, conflicts)

    def _showOthers(self, parameters: "MedFusionParameterNode") -> None:
        chosen = referencedNodes(parameters, OTHER_VOLUMES_ROLE)
        selector = self._ui.otherVolumesSelector
        blocked = selector.blockSignals(True)
        for index in range(selector.nodeCount()):
            node = selector.nodeFromIndex(index)
            if node is not None:
                selector.setCheckState(node, qt.Qt.Checked if node in chosen else qt.Qt.Unchecked)
        selector.blockSignals(blocked)

    def _onOthersChecked(self) -> None:
        parameters = self._panel.parameterNode
        if parameters is None:
            return
        with slicer.util.NodeModify(parameters.parameterNode):
            parameters.parameterNode.RemoveNodeReferenceIDs(OTHER_VOLUMES_ROLE)
            for node in self._ui.otherVolumesSelector.checkedNodes():
                parameters.parameterNode.AddNodeReferenceID(OTHER_VOLUMES_ROLE, node.GetID())
