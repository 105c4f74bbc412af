"""What the views show: never nothing where there is something to see, and the mouse comes back by Escape."""

import tempfile
import types
import unittest
from pathlib import Path

import slicer
import vtk
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Scene.NodeFiles import saveScene
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Widgets.SliceViews import FIXED_VIEWS, MOVING_VIEWS
from MedFusionLib.Workflow.Parameters import TumorChoice
from PanelTestCase import PanelTestCase, smallPhantom
from PySide6 import QtCore, QtTest

COMPARISON_LAYOUT = 61217


class TestPanelViews(PanelTestCase):
    def loadFarPhantom(self) -> None:
        """Load the phantom at coordinates that do not contain 0, like those of nearly every CT."""
        nodes = self.loadPhantom()
        for node in nodes[:2]:
            matrix = vtk.vtkMatrix4x4()
            node.GetIJKToRASMatrix(matrix)
            for row in range(3):
                matrix.SetElement(row, 3, matrix.GetElement(row, 3) + 900)
            node.SetIJKToRASMatrix(matrix)

    def assertInSight(self, name: str) -> None:
        """Check that the middle of a view lies in its background volume."""
        logic = self.panel.views.logic(name)
        volume = self.scene.GetNodeByID(logic.GetSliceCompositeNode().GetBackgroundVolumeID())
        self.assertIsNotNone(volume, name)
        bounds = [0.0] * 6
        volume.GetRASBounds(bounds)
        toRas = logic.GetSliceNode().GetSliceToRAS()
        for axis in range(3):
            middle = toRas.GetElement(axis, 3)
            self.assertTrue(bounds[2 * axis] <= middle <= bounds[2 * axis + 1], f"{name}: {middle} not in {bounds}")

    def test_first_pair_is_placed_in_views_that_show_the_volumes(self):
        self.loadFarPhantom()
        self.click("placePairButton")
        for name in FIXED_VIEWS + MOVING_VIEWS:
            self.assertInSight(name)

    def test_mri_row_follows_the_registration(self):
        self.loadFarPhantom()
        self.parameters.fixedLandmarks.ApplyTransform(_translation(900))
        self.parameters.movingLandmarks.ApplyTransform(_translation(900))
        self.ui.compareViewsCheckBox.checked = True
        self.app.settle()
        matrix = vtk.vtkMatrix4x4()
        mri = self.parameters.movingVolume
        mri.GetIJKToRASMatrix(matrix)
        matrix.SetElement(2, 3, matrix.GetElement(2, 3) + 700)
        mri.SetIJKToRASMatrix(matrix)
        self.parameters.movingLandmarks.ApplyTransform(_translation(0, 0, 700))
        self.app.settle()
        self.click("registerButton")
        for name in MOVING_VIEWS:
            self.assertInSight(name)

    def test_overlay_and_fused_volume_are_in_sight_and_the_users_zoom_is_kept(self):
        self.loadFarPhantom()
        self.parameters.fixedLandmarks.ApplyTransform(_translation(900))
        self.parameters.movingLandmarks.ApplyTransform(_translation(900))
        self.click("registerButton")
        self.ui.blendSlider.value = 30
        self.app.settle()
        self.assertInSight("Red")
        node = self.panel.views.logic("Red").GetSliceNode()
        node.SetFieldOfView(50, 50, 1)
        self.ui.blendSlider.value = 40
        self.app.settle()
        self.assertEqual(node.GetFieldOfView()[0], 50)
        self.click("fuseButton")
        self.assertInSight("Red")

    def test_surface_is_centered_in_the_3d_view(self):
        self.loadPhantom()
        self.parameters.tumorVolume = self.parameters.movingVolume
        self.parameters.tumorMethod = TumorChoice.click
        self.click("pointInsideButton")
        self.placePoint(flipPoints(smallPhantom().mriLandmarks[:1].mean(axis=0)))
        self.parameters.segmentation = self.scene.AddNewNodeByClass("vtkMRMLSegmentationNode")
        self.parameters.segmentation.CreateDefaultDisplayNodes()
        self.parameters.segmentation.GetDisplayNode().SetVisibility3D(False)
        view = slicer.app.layoutManager().threeDWidget(0).threeDView()
        before = view.centered
        self.ui.show3DCheckBox.checked = True
        self.app.settle()
        self.assertEqual(view.centered, before + 1)

    def test_phantom_of_the_sample_data_is_shown(self):
        from unittest.mock import patch

        phantom = smallPhantom()
        with patch("MedFusionLib.Core.Phantom.makePhantom", lambda spacingFactor=1.0: phantom):
            self.app.moduleFile().downloadPhantom()
        self.app.settle()
        self.assertInSight("Red")

    def test_layout_is_described_when_the_application_starts(self):
        module = self.app.moduleFile()
        slicer.app.startupReceivers.clear()
        module.MedFusion(types.SimpleNamespace())
        for receiver in slicer.app.startupReceivers:
            receiver()
        self.assertTrue(slicer.app.layoutManager().layoutLogic().GetLayoutNode().IsLayoutDescription(COMPARISON_LAYOUT))

    def test_scene_saved_during_comparison_opens_to_views_where_the_module_is_unknown(self):
        self.loadPhantom()
        self.ui.compareViewsCheckBox.checked = True
        self.app.settle()
        with tempfile.TemporaryDirectory() as folder, Session() as other:
            saveScene(self.scene, Path(folder) / "scene.mrb")
            other.loadScene(Path(folder) / "scene.mrb")
            layout = other.scene.GetFirstNodeByClass("vtkMRMLLayoutNode")
            self.assertNotEqual(layout.GetViewArrangement() if layout else None, COMPARISON_LAYOUT)
        self.ui.compareViewsCheckBox.checked = False
        self.assertTrue(slicer.app.layoutManager().layoutLogic().GetLayoutNode().GetSaveWithScene())

    def test_escape_ends_placing_wherever_the_keyboard_is(self):
        self.loadPhantom()
        self.parameters.tumorVolume = self.parameters.movingVolume
        interactionNode = slicer.app.applicationLogic().GetInteractionNode()
        for window in (self.app.mainWindow, self.parent):
            window.show()
        for window in (self.app.mainWindow, self.parent, self.ui.landmarkTable):
            for button in ("placePairButton", "pointInsideButton"):
                with self.subTest(button=button, window=window.className()):
                    self.click(button)
                    self.assertEqual(interactionNode.GetCurrentInteractionMode(), interactionNode.Place)
                    self._press(window, QtCore.Qt.Key.Key_Escape)
                    self.assertNotEqual(interactionNode.GetCurrentInteractionMode(), interactionNode.Place)
                    self.assertFalse(getattr(self.ui, button).checked)
        self.assertEqual(self.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode"), 0)
        self.app.mainWindow.hide()

    def _press(self, widget: object, key: object) -> None:
        widget.activateWindow()
        self.app.settle()
        QtTest.QTest.keyClick(widget, key)
        self.app.settle()


def _translation(x: float, y: float | None = None, z: float | None = None) -> vtk.vtkTransform:
    transform = vtk.vtkTransform()
    transform.Translate(x, x if y is None else y, x if z is None else z)
    return transform


if __name__ == "__main__":
    unittest.main()
