"""Looking whether CT and MRI fit, and moving the MRI by hand: one check at a time, and the views come back."""

import unittest

import numpy as np
import slicer
from MedFusionLib.Core.Images.Coordinates import flipPoints
from PanelTestCase import PanelTestCase, smallPhantom


class TestPanelChecks(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.loadPhantom()
        self.crosshair()
        self.click("registerButton")

    def composite(self, name: str = "Red") -> slicer.vtkMRMLSliceCompositeNode:
        return self.panel.views.logic(name).GetSliceCompositeNode()

    def crosshair(self) -> slicer.vtkMRMLCrosshairNode:
        """Return the node that every running Slicer has."""
        kind = "vtkMRMLCrosshairNode"
        return self.scene.GetFirstNodeByClass(kind) or self.scene.AddNewNodeByClass(kind)

    def picture(self, name: str = "Red") -> np.ndarray:
        """Return a copy of what is drawn over a view."""
        return slicer.util.arrayFromVolume(self.scene.GetNodeByID(self.composite(name).GetForegroundVolumeID())).copy()

    def test_one_check_at_a_time_and_the_views_come_back(self):
        self.ui.blendSlider.value = 30
        self.app.settle()
        before = (self.composite().GetForegroundVolumeID(), 0.0)
        names = ("checkerboardButton", "revealButton", "edgesButton", "flickerButton")
        for name in names:
            self.click(name)
            self.assertEqual([other for other in names if getattr(self.ui, other).checked], [name])
        self.click("flickerButton")
        self.click("checkerboardButton")
        self.assertIn("preview", self.scene.GetNodeByID(self.composite().GetForegroundVolumeID()).GetName())
        self.click("checkerboardButton")
        self.assertEqual(self.composite().GetForegroundVolumeID(), before[0])
        self.assertIsNone(self.scene.GetFirstNodeByName("MedFusion preview Red"))

    def test_checkerboard_is_in_all_planes_and_the_slider_moves_it(self):
        self.click("checkerboardButton")
        for name in ("Red", "Yellow", "Green"):
            self.assertGreater(self.picture(name).std(), 5)
        before = self.picture()
        self.ui.blendSlider.value = 80
        self.app.settle()
        self.assertTrue(self.ui.checkerboardButton.checked)
        self.assertGreater(np.mean(self.picture() != before), 0.05)

    def test_window_that_reveals_the_mri_follows_the_mouse(self):
        node = self.crosshair()
        self.click("revealButton")
        pictures = []
        for offset in (-30.0, 30.0):
            node.SetCursorPositionRAS([offset, *flipPoints(smallPhantom().targets[-1])[1:]])
            self.app.settle()
            pictures.append(self.picture("Green"))
        self.assertGreater(np.mean(pictures[0] != pictures[1]), 0.005)

    def test_expected_error_and_bound_follow_the_mouse_in_the_status_bar(self):
        label, result = (
            self.ui.cursorErrorLabel,
            self.panel.logic.steps.resultOf(self.parameters.movingVolume.GetParentTransformNode()),
        )
        texts = []
        for point in (np.zeros(3), np.array([0.0, 80.0, 60.0])):
            self.crosshair().SetCursorPositionRAS(point.tolist())
            self.app.settle()
            expected, bound = result.errorsUnder(flipPoints(point))
            self.assertIn(f"expected error {expected:.1f} mm, 95 % below {bound:.1f} mm", label.text)
            texts.append(label.text)
        self.assertNotEqual(*texts)
        self.assertTrue(self.app.mainWindow.statusBar().isAncestorOf(label))
        self.crosshair().SetCursorPositionInvalid()
        self.app.settle()
        self.assertTrue(label.isHidden(), "the mouse is in no view")
        self.crosshair().SetCursorPositionRAS([0.0, 0.0, 0.0])
        self.app.settle()
        self.assertFalse(label.isHidden())
        self.parameters.fixedLandmarks.SetNthControlPointPosition(0, 3.0, 2.0, 1.0)
        self.app.settle()
        self.assertTrue(label.isHidden(), "the errors are out of date")
        self.click("undoButton")
        self.panel.exit()
        self.assertFalse(self.app.mainWindow.statusBar().isAncestorOf(label))

    def test_edges_are_lines_in_every_plane(self):
        self.click("edgesButton")
        for name in ("Red", "Yellow", "Green"):
            picture = self.picture(name)[0]
            isEdge = picture[..., 0] != picture[..., 1]
            self.assertTrue(0.002 < isEdge.mean() < 0.12, isEdge.mean())
            filled = isEdge[:-4, :-4] & isEdge[2:-2, 2:-2] & isEdge[4:, 4:] & isEdge[4:, :-4] & isEdge[:-4, 4:]
            self.assertLess(filled.mean(), 0.002, f"{name}: edges fill areas")

    def test_error_map_has_a_legend_and_shows_its_differences(self):
        self.click("treMapButton")
        node = self.scene.GetNodeByID(self.composite().GetForegroundVolumeID())
        values, display = slicer.util.arrayFromVolume(node), node.GetDisplayNode()
        self.assertAlmostEqual(display.GetWindowLevelMin(), values.min(), delta=0.01)
        self.assertAlmostEqual(display.GetWindowLevelMax(), values.max(), delta=0.01)
        self.assertIn(f"{values.max():.1f} mm", self.ui.treMapLabel.text)
        self.click("treMapButton")
        self.assertTrue(self.ui.treMapLabel.isHidden())

    def test_nudge_moves_the_mri_in_the_plane_of_the_view_and_states_the_errors(self):
        transformNode = self.parameters.movingVolume.GetParentTransformNode()
        before = slicer.util.arrayFromTransformMatrix(transformNode)
        fre = self.panel.logic.steps.resultOf(transformNode).fre
        for name in ("nudgeRightButton", "nudgeUpButton"):
            self.click(name)
        moved = slicer.util.arrayFromTransformMatrix(transformNode)[:3, 3] - before[:3, 3]
        self.assertAlmostEqual(float(np.linalg.norm(moved)), 0.5 * np.sqrt(2), places=5)
        self.assertAlmostEqual(abs(moved[2]), 0.0, places=5)
        for _ in range(6):
            self.click("nudgeRightButton")
        result = self.panel.logic.steps.resultOf(transformNode)
        self.assertGreater(result.fre, fre + 0.5)
        self.assertIn("moved by hand", self.ui.registrationCard.text)
        self.assertIn("Doubtful", self.ui.registrationCard.text)
        self.assertNotIn("Out of date", self.ui.registrationCard.text)
        while self.ui.nudgeUndoButton.enabled:
            self.click("nudgeUndoButton")
        np.testing.assert_allclose(slicer.util.arrayFromTransformMatrix(transformNode), before)
        self.assertAlmostEqual(self.panel.logic.steps.resultOf(transformNode).fre, fre)

    def test_turning_keeps_the_middle_of_the_view(self):
        mri = self.parameters.movingVolume
        transformNode = mri.GetParentTransformNode()
        matrix = self.panel.views.logic("Red").GetSliceNode().GetSliceToRAS()
        middle = np.array([matrix.GetElement(row, 3) for row in range(3)] + [1.0])
        before = slicer.util.arrayFromTransformMatrix(transformNode)
        self.click("nudgeTurnLeftButton")
        after = slicer.util.arrayFromTransformMatrix(transformNode)
        motion = after @ np.linalg.inv(before)
        np.testing.assert_allclose(motion @ middle, middle, atol=1e-6)
        self.assertAlmostEqual(float(np.degrees(np.arccos((np.trace(motion[:3, :3]) - 1) / 2))), 0.5, places=4)

    def test_preview_is_fused_again_for_the_moved_view_only_and_restores_the_views(self):
        self.ui.blendSlider.value = 30
        self.app.settle()
        before = (self.composite().GetForegroundVolumeID(), self.composite().GetForegroundOpacity())
        self.ui.previewCheckBox.checked = True
        self.app.settle()
        from unittest.mock import patch

        with patch("MedFusionLib.Scene.SlicePreview.fuseVolumes") as fuse:
            fuse.side_effect = ValueError("Counted.")
            node = self.panel.views.logic("Red").GetSliceNode()
            node.SetSliceOffset(node.GetSliceOffset() + 2)
            self.app.settle()
            self.assertEqual(fuse.call_count, 1)
        self.parameters.preview = False
        self.app.settle()
        self.assertEqual((self.composite().GetForegroundVolumeID(), self.composite().GetForegroundOpacity()), before)


if __name__ == "__main__":
    unittest.main()
