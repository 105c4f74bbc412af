"""A user who does anything at any time in the panel."""

import functools
import random
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
import SimpleITK as sitk
import slicer
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Images.Transforms import transformPoints
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Core.Progress import Progress, report
from MedFusionLib.Core.Tumor.TumorSegmentation import (
    SegmentationSettings,
    TumorInteraction,
    TumorResult,
    segmentTumor,
)
from MedFusionLib.Scene.NodeFiles import saveScene
from MedFusionLib.Scene.PhantomNodes import addPhantom
from MedFusionLib.Workflow.Parameters import FusionChoice, TumorChoice
from PanelInvariants import ROLES, checkFigures, checkRoles, rolesOf
from PanelTestCase import PanelTestCase
from SegmentEditorHands import SegmentEditorHands

_LANDMARKS = ("fixedLandmarks", "movingLandmarks")
_CHECKS = ("flickerButton", "edgesButton", "checkerboardButton", "revealButton", "treMapButton")
_BOXES = ("compareViewsCheckBox", "linkViewsCheckBox", "previewCheckBox", "show3DCheckBox", "diametersCheckBox")
_NUDGES = ("nudgeLeftButton", "nudgeUpButton", "nudgeTurnLeftButton", "nudgeTurnRightButton", "nudgeUndoButton")
_WANTS_VOLUMES = 0.2
_STEPS = ("registerButton", "fuseButton", "segmentButton")


@functools.cache
def tinyPhantom() -> object:
    """Return the phantom with very large voxels, made once."""
    return makePhantom(spacingFactor=4.0)


_outlined: dict[tuple, TumorResult] = {}


def _outlinedOnce(
    images: list[sitk.Image],
    interaction: TumorInteraction,
    settings: SegmentationSettings,
    cavity: sitk.Image | None,
    progress: Progress | None,
    mask: sitk.Image | None,
) -> TumorResult:
    """Return an outline, computed once for the same images and clicks."""
    report(progress, 0.0, "Outlining the tumor")
    seeds = None if interaction.seeds is None else tuple(interaction.seeds.round().ravel())
    key = (*(sitk.Hash(image) for image in images), *(image.GetOrigin() for image in images), seeds, settings)
    if key not in _outlined:
        _outlined[key] = segmentTumor(images, interaction, settings, cavity, progress, mask)
    return _outlined[key]


@dataclass(frozen=True)
class _Action:
    """Something to do, how often, and the roles that it may fill."""

    do: Callable[[], None]
    weight: int
    mayFill: tuple[str, ...] = ()


class RandomUser:
    """Drive a panel by chance."""

    def __init__(self, case: PanelTestCase, seed: int) -> None:
        # What an outline costs is not what is tested here.
        quick = patch("MedFusionLib.Scene.TumorSegmentationLogic.segmentTumor", _outlinedOnce)
        quick.start()
        case.addCleanup(quick.stop)
        self._case, self._random = case, random.Random(seed)
        self._folder = tempfile.TemporaryDirectory()
        self._saved: Path | None = None
        self._clicked = (0.0, 0.0, 0.0)
        self._editor = SegmentEditorHands(self._random)
        stepsFill = ("fusedVolume", "tumorVolume", "segmentation")
        self._actions = {
            "load phantom": _Action(self.loadPhantom, 1, ROLES),
            "choose node": _Action(self._chooseNode, 4, ROLES),
            "close scene": _Action(self._clearScene, 1),
            "save scene": _Action(self._saveScene, 1),
            "load scene": _Action(self._loadScene, 1, ROLES),
            "other module and back": _Action(self._leaveAndEnter, 3, ROLES),
            "place pair": _Action(self._placePair, 8, _LANDMARKS),
            "drag point": _Action(self._dragPoint, 8),
            "rename point": _Action(self._renamePoint, 2),
            "undo": _Action(self._press("undoButton"), 4),
            "delete or move row": _Action(self._press("deleteButton", "moveUpButton", "moveDownButton"), 4),
            "select row": _Action(self._selectRow, 4),
            "register": _Action(self._press("registerButton"), 2),
            "nudge": _Action(self._press(*_NUDGES), 5),
            "fuse": _Action(self._press("fuseButton"), 1, ("fusedVolume", "tumorVolume")),
            "point at tumor": _Action(self._pointAtTumor, 3, ("tumorInside", "tumorVolume")),
            "outline": _Action(self._press("segmentButton"), 2, ("segmentation",)),
            "accept or exchange": _Action(self._press("acceptOutlineButton", "otherOutlineButton"), 2),
            "disturb a step": _Action(self._disturbStep, 1, stepsFill),
            "delete node": _Action(self._deleteNode, 2),
            "delete node of a role": _Action(self._deleteNodeOfRole, 1),
            "toggle check": _Action(self._press(*_CHECKS), 5),
            "toggle box": _Action(self._press(*_BOXES, "secondOpinionCheckBox"), 5),
            "move mouse": _Action(self._moveMouse, 4),
            "slide": _Action(self._slide, 3),
            "paint": _Action(self._edit(self._editor.paint), 4),
            "undo painting": _Action(self._edit(self._editor.undo), 3),
            "rename segment": _Action(self._edit(self._editor.rename), 2),
            "add segment": _Action(self._edit(self._editor.add), 1),
            "remove segment": _Action(self._edit(self._editor.remove), 1),
        }

    def act(self) -> str:
        """Do one thing, check what must hold, and return what was done."""
        case = self._case
        names = list(self._actions)
        name = self._random.choices(names, [action.weight for action in self._actions.values()])[0]
        if not any(rolesOf(case).values()) and self._random.random() < _WANTS_VOLUMES:
            name = "load phantom"  # else most of the time would pass with nothing to do
        before = rolesOf(case)
        self._actions[name].do()
        case.app.settle()
        case.assertEqual(case._tracebacks, [], name)
        case.assertFalse([text for text in case.errors() if "unexpected error" in text], name)
        case.app.displayed.clear()
        if case.panel.parameterNode is not None:
            checkRoles(case, before, frozenset(self._actions[name].mayFill), name)
            checkFigures(case, name)
        return name

    def close(self) -> None:
        """Remove what was saved."""
        self._folder.cleanup()

    def _press(self, *names: str) -> Callable[[], None]:
        def press() -> None:
            button = getattr(self._case.ui, self._random.choice(names))
            if button.enabled and not button.isHidden():
                button.click()

        return press

    def loadPhantom(self) -> None:
        """Load the phantom, after closing the scene where it has several already."""
        if self._case.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") > 6:
            self._clearScene()
        addPhantom(self._case.scene, tinyPhantom())
        self._case.panel.enter()
        parameters = self._case.parameters
        if parameters.fusionMethod is not FusionChoice.average:
            parameters.fusionMethod = FusionChoice.average
            parameters.useCavity = False
        parameters.tumorMethod = self._random.choice((TumorChoice.click, TumorChoice.automatic))

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
            self._random.choice((self._deleteNode, self._edit(self._editor.paint)))()
        self._case.app.settle()
        self._case.panel.enter()

    def _placePair(self) -> None:
        button = self._case.ui.placePairButton
        if button.enabled and not button.checked:
            button.click()
        for _ in range(self._random.randint(1, 3)):
            logic = slicer.app.applicationLogic()
            node = self._case.scene.GetNodeByID(logic.GetSelectionNode().GetActivePlaceNodeID() or "")
            mode = logic.GetInteractionNode()
            if mode.GetCurrentInteractionMode() == mode.Place and node is not None:
                self._case.placePoint(self._placeFor(node))
        if self._random.random() < 0.5:
            self._case.endPlacing()

    def _placeFor(self, node: slicer.vtkMRMLMarkupsNode) -> tuple[float, ...]:
        """Return where to click: mostly the last place of the CT in the MRI, off by a millimeter or so."""
        if node is not self._case.parameters.movingLandmarks or self._random.random() < 0.1:
            self._clicked = tuple(self._random.uniform(-60, 60) for _ in range(3))
            return self._clicked
        point = flipPoints(np.array(self._clicked))
        if node.GetParentTransformNode() is None:
            point = transformPoints(tinyPhantom().ctToMri, point[None])[0]
        return tuple(flipPoints(point) + [self._random.gauss(0, 1) for _ in range(3)])

    def _anyPoint(self) -> tuple[slicer.vtkMRMLMarkupsNode, int] | None:
        parameters = self._case.parameters
        node = self._random.choice((parameters.fixedLandmarks, parameters.movingLandmarks))
        count = node.GetNumberOfControlPoints() if node is not None else 0
        return (node, self._random.randrange(count)) if count else None

    def _dragPoint(self) -> None:
        point = self._anyPoint()
        if point is not None:
            node, index = point
            position = np.array(node.GetNthControlPointPositionWorld(index)) + self._random.uniform(-5, 5)
            node.SetNthControlPointPositionWorld(index, *position)

    def _renamePoint(self) -> None:
        point = self._anyPoint()
        if point is not None:
            point[0].SetNthControlPointLabel(point[1], f"P{self._random.randrange(9)}")

    def _selectRow(self) -> None:
        count = self._case.ui.landmarkTable.rowCount
        if count:
            self._case.ui.landmarkTable.selectRow(self._random.randrange(count))

    def _pointAtTumor(self) -> None:
        parameters = self._case.parameters
        if parameters.tumorVolume is None:
            parameters.tumorVolume = parameters.movingVolume
        button = self._case.ui.pointInsideButton
        if parameters.tumorVolume is not None and button.enabled and not button.isHidden():
            button.click()
            mode = slicer.app.applicationLogic().GetInteractionNode()
            if mode.GetCurrentInteractionMode() == mode.Place:
                self._case.placePoint(tuple(flipPoints(tinyPhantom().targets[-1])))
            self._case.endPlacing()

    def _disturbStep(self) -> None:
        """Close the scene, delete a node or cancel while a step runs."""
        import qt

        button = getattr(self._case.ui, self._random.choice(_STEPS))
        disturb = (self._case.app.clearScene, self._deleteNodeOfRole, self._case.ui.cancelButton.click, button.click)
        if button.enabled:
            qt.QTimer.singleShot(0, self._random.choice(disturb))
            button.click()
        self._case.app.settle()
        self._case.panel.enter()

    def _chooseNode(self) -> None:
        """Choose another node for a role, as its selector does; mostly one whose role is empty."""
        parameters = self._case.parameters
        empty = [role for role in ROLES if getattr(parameters, role) is None]
        role = self._random.choice(empty if empty and self._random.random() < 0.8 else ROLES)
        kind = "MarkupsFiducial" if "Landmarks" in role or role in ("tumorInside", "tumorOutside") else "ScalarVolume"
        if role in ("segmentation", "tumorScribbles"):
            kind = "Segmentation"
        nodes = slicer.util.getNodesByClass(f"vtkMRML{kind}Node", self._case.scene)
        nodes = [node for node in nodes if not node.GetHideFromEditors()]
        if nodes:
            setattr(parameters, role, self._random.choice(nodes))

    def _deleteNode(self) -> None:
        scene, kinds = self._case.scene, ("ScalarVolume", "MarkupsFiducial", "Segmentation", "Transform")
        kind = f"vtkMRML{self._random.choice(kinds)}Node"
        nodes = [scene.GetNthNodeByClass(n, kind) for n in range(scene.GetNumberOfNodesByClass(kind))]
        if nodes:
            scene.RemoveNode(self._random.choice(nodes))

    def _deleteNodeOfRole(self) -> None:
        nodeID = rolesOf(self._case).get(self._random.choice(ROLES))
        node = self._case.scene.GetNodeByID(nodeID or "")
        if node is not None:
            self._case.scene.RemoveNode(node)

    def _moveMouse(self) -> None:
        kind = "vtkMRMLCrosshairNode"
        node = self._case.scene.GetFirstNodeByClass(kind) or self._case.scene.AddNewNodeByClass(kind)
        node.SetCursorPositionRAS([self._random.uniform(-60, 60) for _ in range(3)])

    def _slide(self) -> None:
        if self._case.ui.blendSlider.enabled:
            self._case.ui.blendSlider.value = self._random.randrange(101)

    def _edit(self, change: Callable[[slicer.vtkMRMLSegmentationNode], None]) -> Callable[[], None]:
        def edit() -> None:
            parameters = self._case.panel.parameterNode
            kind = "vtkMRMLSegmentationNode"
            nodes = slicer.util.getNodesByClass(kind, self._case.scene)
            node = parameters.segmentation if parameters is not None else next(iter(nodes), None)
            if node is not None:
                change(node)

        return edit
