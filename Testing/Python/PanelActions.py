"""A user who does anything at any time in the panel, and what must hold after each of his actions."""

import functools
import random
import tempfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import slicer
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Scene.NodeFiles import saveScene
from MedFusionLib.Scene.PhantomNodes import addPhantom
from MedFusionLib.Workflow.Parameters import FusionChoice, TumorChoice
from MedFusionLib.Workflow.Texts import measurementRows
from PanelTestCase import PanelTestCase
from vtk.util import numpy_support

ROLES = (
    *("fixedVolume", "movingVolume", "fixedLandmarks", "movingLandmarks", "fusedVolume"),
    *("tumorVolume", "tumorInside", "tumorOutside", "tumorScribbles", "segmentation"),
)


@functools.cache
def tinyPhantom() -> object:
    """Return the phantom with very large voxels, made once."""
    return makePhantom(spacingFactor=4.0)


class RandomUser:
    """Drive a panel by chance; what an action may fill is said with it."""

    def __init__(self, case: PanelTestCase, seed: int) -> None:
        self._case, self._random = case, random.Random(seed)
        self._folder = tempfile.TemporaryDirectory()
        self._saved: Path | None = None
        everything = frozenset(ROLES)
        self._actions: list[tuple[Callable[[], None], frozenset[str], int]] = [
            (self._loadPhantom, everything, 1),
            (self._clearScene, frozenset(), 1),
            (self._saveScene, frozenset(), 1),
            (self._loadScene, everything, 1),
            (self._leaveAndEnter, everything, 3),
            (self._placePair, frozenset(("fixedLandmarks", "movingLandmarks")), 8),
            (self._dragPoint, frozenset(), 8),
            (self._pressAny("undoButton", "deleteButton", "moveUpButton", "moveDownButton"), frozenset(), 6),
            (self._selectRow, frozenset(), 4),
            (self._press("registerButton"), frozenset(), 3),
            (self._pressAny("nudgeLeftButton", "nudgeTurnLeftButton", "nudgeUndoButton"), frozenset(), 4),
            (self._press("fuseButton"), frozenset(("fusedVolume", "tumorVolume")), 1),
            (self._pointAtTumor, frozenset(("tumorInside", "tumorVolume")), 3),
            (self._press("segmentButton"), frozenset(("segmentation",)), 2),
            (self._paint, frozenset(), 5),
            (self._renameSegment, frozenset(), 2),
            (self._removeSegment, frozenset(), 1),
            (self._deleteNode, frozenset(), 2),
            (self._toggleAny("flickerButton", "edgesButton", "checkerboardButton", "revealButton", "treMapButton")
             , frozenset(), 4),
            (self._toggleAny("compareViewsCheckBox", "previewCheckBox", "show3DCheckBox", "diametersCheckBox")
             , frozenset(), 4),
            (self._slide, frozenset(), 3),
        ]  # fmt: skip

    def act(self) -> str:
        """Do one thing, check what must hold, and return what was done."""
        case = self._case
        action, mayFill, _weight = self._random.choices(self._actions, [weight for *_, weight in self._actions])[0]
        before = self._roles()
        name = getattr(action, "__name__", "press")
        action()
        case.app.settle()
        case.assertEqual(case._tracebacks, [], name)
        case.assertFalse([text for text in case.errors() if "Traceback" in text], name)
        case.app.displayed.clear()
        if case.panel.parameterNode is not None:
            for role, node in self._roles().items():
                if node is not None and node != before.get(role) and role not in mayFill:
                    case.fail(f"{name} put {node} into the role {role}, where {before.get(role)} was")
            self._checkTable(name)
        return name

    def close(self) -> None:
        """Remove what was saved."""
        self._folder.cleanup()

    def _roles(self) -> dict[str, str | None]:
        parameters = self._case.panel.parameterNode
        if parameters is None:
            return {}
        nodes = {role: getattr(parameters, role) for role in ROLES}
        return {role: node.GetID() if node is not None else None for role, node in nodes.items()}

    def _checkTable(self, action: str) -> None:
        """Compare the table with a fresh measurement."""
        case, parameters, table = self._case, self._case.parameters, self._case.ui.measurementTable
        rows = []
        node = parameters.segmentation
        if node is not None and parameters.tumorVolume is not None and node.GetSegmentation().GetNumberOfSegments():
            try:
                rows = measurementRows(case.panel.logic.steps.measure(parameters))
            except (ValueError, RuntimeError):
                rows = []
        shown = [tuple(table.item(r, c).text() for c in range(table.columnCount)) for r in range(table.rowCount)]
        case.assertEqual(shown, rows, f"after {action} the table is stale")

    def _press(self, name: str) -> Callable[[], None]:
        def press() -> None:
            button = getattr(self._case.ui, name)
            if button.enabled:
                button.click()

        press.__name__ = name
        return press

    def _pressAny(self, *names: str) -> Callable[[], None]:
        def press() -> None:
            self._press(self._random.choice(names))()

        press.__name__ = "/".join(names)
        return press

    def _toggleAny(self, *names: str) -> Callable[[], None]:
        def toggle() -> None:
            widget = getattr(self._case.ui, self._random.choice(names))
            if widget.enabled:
                widget.click()

        toggle.__name__ = "/".join(names)
        return toggle

    def _loadPhantom(self) -> None:
        if self._case.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") > 6:
            self._clearScene()
        addPhantom(self._case.scene, tinyPhantom())
        self._case.panel.enter()
        parameters = self._case.parameters
        if parameters.fusionMethod is not FusionChoice.average:
            parameters.fusionMethod = FusionChoice.average
            parameters.tumorMethod = TumorChoice.click
            parameters.useCavity = False

    def _clearScene(self) -> None:
        self._case.app.clearScene()
        self._case.panel.enter()

    def _saveScene(self) -> None:
        self._saved = Path(self._folder.name) / "scene.mrb"
        self._saved.unlink(missing_ok=True)
        saveScene(self._case.scene, self._saved)

    def _loadScene(self) -> None:
        if self._saved is not None:
            self._case.app.session.loadScene(self._saved)

    def _leaveAndEnter(self) -> None:
        self._case.panel.exit()
        if self._random.random() < 0.5:
            self._deleteNode()
        self._case.app.settle()
        self._case.panel.enter()

    def _placePair(self) -> None:
        button = self._case.ui.placePairButton
        if button.enabled and not button.checked:
            button.click()
        for _ in range(self._random.randint(1, 3)):
            interactionNode = slicer.app.applicationLogic().GetInteractionNode()
            node = self._case.scene.GetNodeByID(
                slicer.app.applicationLogic().GetSelectionNode().GetActivePlaceNodeID() or ""
            )
            if interactionNode.GetCurrentInteractionMode() == interactionNode.Place and node is not None:
                self._case.placePoint(tuple(self._random.uniform(-60, 60) for _ in range(3)))
        if self._random.random() < 0.5:
            self._case.endPlacing()

    def _dragPoint(self) -> None:
        parameters = self._case.parameters
        node = self._random.choice((parameters.fixedLandmarks, parameters.movingLandmarks))
        if node is None or not node.GetNumberOfControlPoints():
            return
        index = self._random.randrange(node.GetNumberOfControlPoints())
        position = np.array(node.GetNthControlPointPositionWorld(index)) + self._random.uniform(-5, 5)
        node.SetNthControlPointPositionWorld(index, *position)

    def _selectRow(self) -> None:
        count = self._case.ui.landmarkTable.rowCount
        if count:
            self._case.ui.landmarkTable.selectRow(self._random.randrange(count))

    def _pointAtTumor(self) -> None:
        parameters = self._case.parameters
        if parameters.tumorVolume is None:
            parameters.tumorVolume = parameters.movingVolume
        if parameters.tumorVolume is not None and self._case.ui.pointInsideButton.enabled:
            self._case.ui.pointInsideButton.click()
            interactionNode = slicer.app.applicationLogic().GetInteractionNode()
            if interactionNode.GetCurrentInteractionMode() == interactionNode.Place:
                self._case.placePoint(tuple(flipPoints(tinyPhantom().targets[-1])))
            self._case.endPlacing()

    def _segmentation(self) -> slicer.vtkMRMLSegmentationNode | None:
        node = self._case.parameters.segmentation
        return node if node is not None and node.GetSegmentation().GetNumberOfSegments() else None

    def _paint(self) -> None:
        node = self._segmentation()
        if node is None:
            return
        segmentId = node.GetSegmentation().GetNthSegmentID(0)
        image = slicer.vtkOrientedImageData()
        if not node.GetBinaryLabelmapRepresentation(segmentId, image) or image.IsEmpty():
            return
        voxels = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
        inside = np.flatnonzero(voxels)
        voxels[inside[: len(inside) // 4]] = 0
        slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(image, node, segmentId)

    def _renameSegment(self) -> None:
        if self._segmentation() is not None:
            name = f"Segment {self._random.randrange(100)}"
            self._segmentation().GetSegmentation().GetNthSegment(0).SetName(name)

    def _removeSegment(self) -> None:
        if self._segmentation() is not None:
            segmentation = self._segmentation().GetSegmentation()
            segmentation.RemoveSegment(segmentation.GetNthSegmentID(0))

    def _deleteNode(self) -> None:
        scene, kinds = self._case.scene, ("ScalarVolume", "MarkupsFiducial", "Segmentation", "Transform")
        kind = f"vtkMRML{self._random.choice(kinds)}Node"
        nodes = [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]
        if nodes:
            scene.RemoveNode(self._random.choice(nodes))

    def _slide(self) -> None:
        if self._case.ui.blendSlider.enabled:
            self._case.ui.blendSlider.value = self._random.randrange(101)
