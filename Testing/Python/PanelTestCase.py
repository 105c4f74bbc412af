"""What the tests of the panel share: the running stand-in, the panel on a small phantom, and a user's hands."""

import functools
import sys
import traceback
import unittest
from unittest.mock import patch

import SlicerStandIn


@functools.cache
def smallPhantom() -> object:
    """Return the phantom with large voxels, made once."""
    from MedFusionLib.Core.Phantom import makePhantom

    return makePhantom(spacingFactor=2.0)


class PanelTestCase(unittest.TestCase):
    """Open the panel on an empty scene, and find nothing left behind when it is closed."""

    def setUp(self) -> None:
        self.app = SlicerStandIn.start()
        self.scene = self.app.scene
        self.app.clearScene()
        self.app.displayed.clear()
        self.app.installed.clear()
        self.app.answer = True
        # Exceptions in callbacks of VTK and Qt end in the exception hook, where nobody would notice them.
        self._tracebacks: list[str] = []
        self._formerHook, sys.excepthook = sys.excepthook, self._onTraceback
        # The slowest of the fusion's measures is not what is tested here.
        quick = patch("MedFusionLib.Core.Fusion.Scores.featureMutualInformation", lambda *_: 0.5)
        quick.start()
        self.addCleanup(quick.stop)
        self.parent, self.panel = self.app.openPanel()
        self.ui = self.panel.ui

    def tearDown(self) -> None:
        self.app.closePanel(self.parent, self.panel)
        self.app.clearScene()
        sys.excepthook = self._formerHook
        self.assertEqual(self._tracebacks, [])
        self.assertEqual([text for text in self.errors() if "unexpected error" in text], [])

    def _onTraceback(self, kind: type, value: BaseException, trace: object) -> None:
        self._tracebacks.append("".join(traceback.format_exception(kind, value, trace)))

    @property
    def parameters(self) -> object:
        return self.panel.parameterNode

    def startWithoutLandmarks(self) -> None:
        self.scene.RemoveNode(self.parameters.fixedLandmarks)
        self.scene.RemoveNode(self.parameters.movingLandmarks)
        self.app.settle()

    def loadPhantom(self) -> list:
        """Load the small phantom as the Sample Data module would, and let the panel choose it."""
        from MedFusionLib.Scene.PhantomNodes import addPhantom

        nodes = addPhantom(self.scene, smallPhantom())
        self.panel.enter()
        self.app.settle()
        return nodes

    def errors(self) -> list[str]:
        """Return the texts of the error dialogs so far."""
        return [text for kind, text in self.app.displayed if kind == "error"]

    def click(self, name: str) -> None:
        """Press a button and let everything follow."""
        button = getattr(self.ui, name)
        self.assertTrue(button.enabled, f"{name} is disabled: {button.toolTip}")
        button.click()
        self.app.settle()

    def placePoint(self, position: tuple[float, float, float]) -> None:
        """Click into a view: the point goes into the list whose turn it is, as Slicer's displayable manager does it.

        :param position: RAS millimeters.
        """
        import slicer

        applicationLogic = slicer.app.applicationLogic()
        interactionNode = applicationLogic.GetInteractionNode()
        self.assertEqual(interactionNode.GetCurrentInteractionMode(), interactionNode.Place)
        node = self.scene.GetNodeByID(applicationLogic.GetSelectionNode().GetActivePlaceNodeID())
        preview = node.GetNumberOfControlPoints()
        node.AddNControlPoints(1, "", [0.0, 0.0, 0.0])
        node.SetNthControlPointPositionWorld(preview, *position, node.PositionPreview)
        node.SetNthControlPointPositionWorld(preview, *position, node.PositionDefined)
        self.app.settle()

    def endPlacing(self) -> None:
        """Leave the place mode, as Escape or the last point of a line does."""
        import slicer

        slicer.app.applicationLogic().GetInteractionNode().SwitchToViewTransformMode()
        self.app.settle()

    def tableText(self, row: int, column: int) -> str:
        """Return the text of a cell of the landmark table."""
        return self.ui.landmarkTable.item(row, column).text()
