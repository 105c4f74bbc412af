"""Landmarks in the panel: placing pair by pair, editing, undo, views, and the live fit."""

import time
import unittest

import numpy as np
from PanelTestCase import PanelTestCase, smallPhantom

LABEL, FIXED, MOVING, RESIDUAL = range(4)


class TestPanelLandmarks(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.loadPhantom()

    def truePairs(self) -> list[tuple[np.ndarray, np.ndarray]]:
        phantom, flip = smallPhantom(), [-1, -1, 1]
        return list(zip(phantom.ctLandmarks * flip, phantom.mriLandmarks * flip, strict=True))

    def test_pairs_are_placed_click_by_click(self):
        self.startWithoutLandmarks()
        self.assertEqual(self.ui.landmarkTable.rowCount, 0)
        self.click("placePairButton")
        for fixedPoint, movingPoint in self.truePairs()[:4]:
            self.assertIn("CT view", self.ui.placePairButton.text)
            self.placePoint(fixedPoint)
            self.assertIn("MRI view", self.ui.placePairButton.text)
            self.placePoint(movingPoint)
        self.assertEqual([self.tableText(row, LABEL) for row in range(4)], ["P1", "P2", "P3", "P4"])
        self.assertRegex(self.ui.fitLabel.text, "4 pairs, FRE")
        self.assertRegex(self.tableText(2, RESIDUAL), r"^\d\.\d$")
        self.click("placePairButton")
        self.assertFalse(self.ui.placePairButton.checked)
        self.assertTrue(self.ui.registerButton.enabled)

    def test_escape_ends_placing_and_the_missing_twin_comes_first_next_time(self):
        import slicer

        self.startWithoutLandmarks()
        self.click("placePairButton")
        self.placePoint(self.truePairs()[0][0])
        slicer.app.applicationLogic().GetInteractionNode().SwitchToViewTransformMode()
        self.app.settle()
        self.assertFalse(self.ui.placePairButton.checked)
        self.assertEqual(self.tableText(0, MOVING), "–")
        self.click("placePairButton")
        self.assertIn("MRI view", self.ui.placePairButton.text)
        self.placePoint(self.truePairs()[0][1])
        self.assertNotEqual(self.tableText(0, MOVING), "–")

    def test_the_point_under_the_mouse_does_not_count(self):
        node = self.parameters.movingLandmarks
        index = node.GetNumberOfControlPoints()
        node.AddNControlPoints(1, "", [0.0, 0.0, 0.0])
        node.SetNthControlPointPositionWorld(index, 1, 2, 3, node.PositionPreview)
        self.app.settle()
        self.assertEqual(self.ui.landmarkTable.rowCount, 8)
        self.assertIn("8 pairs", self.ui.fitLabel.text)

    def test_the_point_under_the_mouse_does_not_cost_a_fit(self):
        from unittest.mock import patch

        node = self.parameters.movingLandmarks
        index = node.GetNumberOfControlPoints()
        node.AddNControlPoints(1, "", [0.0, 0.0, 0.0])
        node.SetNthControlPointPositionWorld(index, 1, 2, 3, node.PositionPreview)
        self.app.settle()
        with patch.object(self.panel.logic.steps, "liveFit") as liveFit:
            for step in range(5):
                node.SetNthControlPointPositionWorld(index, step, 2, 3, node.PositionPreview)
                self.app.settle()
        liveFit.assert_not_called()

    def test_every_model_and_pairing_has_a_result_or_a_sentence(self):
        for model in range(self.ui.modelComboBox.count):
            for pairing in range(self.ui.pairingComboBox.count):
                self.ui.modelComboBox.currentIndex = model
                self.ui.pairingComboBox.currentIndex = pairing
                self.app.settle()
                with self.subTest(f"{self.ui.modelComboBox.currentText}, {self.ui.pairingComboBox.currentText}"):
                    self.assertRegex(self.ui.fitLabel.text, r"8 pairs, FRE|^⚠ .+\.$")
                    self.assertEqual(self.ui.landmarkTable.rowCount, 8)

    def test_keys_work_on_the_table(self):
        import qt
        from PySide6.QtTest import QTest

        table = self.ui.landmarkTable
        self.parent.show()
        self.parent.activateWindow()
        table.selectRow(2)
        table.setFocus()
        self.app.settle()
        for key, modifier, count in (
            (qt.Qt.Key_Delete, qt.Qt.NoModifier, 7),
            (qt.Qt.Key_Z, qt.Qt.ControlModifier, 8),
        ):
            QTest.keyClick(table, key, modifier)
            self.app.settle()
            self.assertEqual(table.rowCount, count)
        self.parent.hide()

    def test_moving_a_point_updates_the_fit_within_50_ms_for_20_pairs(self):
        rng = np.random.default_rng(3)
        fixed, moving = self.parameters.fixedLandmarks, self.parameters.movingLandmarks
        for node in (fixed, moving):
            node.RemoveAllControlPoints()
        for number, point in enumerate(rng.uniform(-70, 70, (20, 3))):
            fixed.AddControlPointWorld(*point, f"L{number}")
            moving.AddControlPointWorld(*(point + rng.normal(0, 1, 3)), f"L{number}")
        self.app.settle()
        before = self.tableText(5, RESIDUAL)
        seconds = []
        for step in range(10):
            start = time.process_time()
            moving.SetNthControlPointPositionWorld(5, 10.0 + step, 0.0, 0.0)
            self.app.settle()
            seconds.append(time.process_time() - start)
        self.assertNotEqual(self.tableText(5, RESIDUAL), before)
        self.assertLess(np.median(seconds), 0.05)

    def test_outlier_is_tinted(self):
        node = self.parameters.movingLandmarks
        clean = self.ui.landmarkTable.item(0, RESIDUAL).background().color().alpha()
        position = np.add(node.GetNthControlPointPositionWorld(3), [0, 0, 25])
        node.SetNthControlPointPositionWorld(3, *position)
        self.app.settle()
        tinted = self.ui.landmarkTable.item(3, RESIDUAL).background()
        self.assertNotEqual(
            tinted.color().getRgb(), self.ui.landmarkTable.item(0, RESIDUAL).background().color().getRgb()
        )
        self.assertGreater(tinted.color().alpha(), 0)
        self.assertIsNotNone(clean)

    def test_error_of_each_pair_left_out_is_shown(self):
        residual, leftOut = float(self.tableText(1, RESIDUAL)), float(self.tableText(1, RESIDUAL + 1))
        self.assertGreater(leftOut, residual)

    def test_unticked_pair_is_left_out(self):
        import qt

        self.ui.landmarkTable.item(2, LABEL).setCheckState(qt.Qt.Unchecked)
        self.app.settle()
        self.assertIn("7 pairs", self.ui.fitLabel.text)
        self.assertFalse(self.parameters.fixedLandmarks.GetNthControlPointSelected(2))
        self.assertEqual(self.tableText(2, RESIDUAL), "")

    def test_renaming_a_row_renames_both_points(self):
        self.ui.landmarkTable.item(1, LABEL).setText("Back of the head")
        self.app.settle()
        for node in (self.parameters.fixedLandmarks, self.parameters.movingLandmarks):
            self.assertEqual(node.GetNthControlPointLabel(1), "Back of the head")

    def test_deleting_and_undo_bring_everything_back(self):
        before = [self.tableText(row, column) for row in range(8) for column in range(4)]
        self.ui.landmarkTable.selectRow(3)
        self.click("deleteButton")
        self.assertEqual(self.ui.landmarkTable.rowCount, 7)
        self.ui.landmarkTable.item(0, LABEL).setText("Renamed")
        self.app.settle()
        self.click("undoButton")
        self.click("undoButton")
        self.assertEqual([self.tableText(row, column) for row in range(8) for column in range(4)], before)
        self.assertFalse(self.ui.undoButton.enabled)

    def test_a_whole_drag_is_one_step_of_undo(self):
        node = self.parameters.fixedLandmarks
        before = node.GetNthControlPointPositionWorld(0)
        node.InvokeEvent(node.PointStartInteractionEvent)
        for step in range(5):
            node.SetNthControlPointPositionWorld(0, 10.0 * step, 0, 0)
        node.InvokeEvent(node.PointEndInteractionEvent)
        self.app.settle()
        self.click("undoButton")
        np.testing.assert_allclose(node.GetNthControlPointPositionWorld(0), before)
        self.assertFalse(self.ui.undoButton.enabled)

    def test_undo_takes_back_a_misplaced_click_and_placing_goes_on(self):
        self.startWithoutLandmarks()
        self.click("placePairButton")
        (first, twin), (second, _) = self.truePairs()[:2]
        self.placePoint(first)
        self.placePoint(twin)
        self.placePoint(second)
        self.click("undoButton")
        self.assertEqual(self.parameters.fixedLandmarks.GetNumberOfDefinedControlPoints(), 1)
        self.assertIn("CT view", self.ui.placePairButton.text)
        self.placePoint(second)
        self.assertEqual(self.tableText(1, LABEL), "P2")

    def test_placing_ends_when_a_list_goes_and_undo_does_not_begin_it_again(self):
        self.loadPhantom()
        self.click("placePairButton")
        self.placePoint((10, 0, 0))
        self.scene.RemoveNode(self.parameters.movingLandmarks)
        self.app.settle()
        self.assertFalse(self.ui.placePairButton.checked)
        self.parameters.fixedLandmarks.SetNthControlPointPosition(0, 1.0, 2.0, 3.0)
        self.app.settle()
        self.click("undoButton")
        self.assertFalse(self.ui.placePairButton.checked)

    def test_rows_are_reordered_in_both_lists(self):
        self.ui.landmarkTable.selectRow(0)
        self.click("moveDownButton")
        self.assertEqual(self.tableText(1, LABEL), "Nasion")
        for node in (self.parameters.fixedLandmarks, self.parameters.movingLandmarks):
            self.assertEqual(node.GetNthControlPointLabel(1), "Nasion")
        self.assertIn("8 pairs", self.ui.fitLabel.text)

    def test_one_end_of_a_pair_is_placed_again(self):
        self.ui.landmarkTable.selectRow(4)
        label = self.tableText(4, LABEL)
        self.click("placeMovingButton")
        self.assertEqual(self.tableText(4, MOVING), "–")
        self.placePoint((1.0, 2.0, 3.0))
        self.assertEqual(self.tableText(4, LABEL), label)
        self.assertIn("1.0, 2.0, 3.0 mm", self.ui.landmarkTable.item(4, MOVING).toolTip())
        self.assertFalse(self.ui.placePairButton.checked)

    def test_a_click_on_a_row_shows_each_point_in_its_own_views(self):
        from MedFusionLib.Widgets.SliceViews import FIXED_VIEWS, MOVING_VIEWS

        self.ui.compareViewsCheckBox.checked = True
        self.app.settle()
        self.ui.landmarkTable.selectRow(2)
        self.app.settle()
        for node, views in (
            (self.parameters.fixedLandmarks, FIXED_VIEWS),
            (self.parameters.movingLandmarks, MOVING_VIEWS),
        ):
            matrix = self.panel.views.logic(views[0]).GetSliceNode().GetSliceToRAS()
            self.assertAlmostEqual(matrix.GetElement(2, 3), node.GetNthControlPointPositionWorld(2)[2], places=3)

    def test_comparison_shows_ct_above_mri_and_gives_the_layout_back(self):
        import slicer
        from MedFusionLib.Widgets.SliceViews import FIXED_VIEWS, MOVING_VIEWS

        former = slicer.app.layoutManager().layout
        self.ui.compareViewsCheckBox.checked = True
        self.app.settle()
        self.assertNotEqual(slicer.app.layoutManager().layout, former)
        for views, volume, markups in (
            (FIXED_VIEWS, self.parameters.fixedVolume, self.parameters.fixedLandmarks),
            (MOVING_VIEWS, self.parameters.movingVolume, self.parameters.movingLandmarks),
        ):
            for view in views:
                self.assertEqual(
                    self.panel.views.logic(view).GetSliceCompositeNode().GetBackgroundVolumeID(), volume.GetID()
                )
                self.assertTrue(self.panel.views.logic(view).GetSliceCompositeNode().GetLinkedControl())
            display = markups.GetDisplayNode()
            rows = {view: self.panel.views.logic(view).GetSliceNode().GetID() for view in FIXED_VIEWS + MOVING_VIEWS}
            self.assertEqual({view for view in rows if display.IsDisplayableInView(rows[view])}, set(views))
        self.panel.exit()
        self.assertEqual(slicer.app.layoutManager().layout, former)
        self.panel.enter()
        self.assertNotEqual(slicer.app.layoutManager().layout, former)
        self.ui.compareViewsCheckBox.checked = False
        self.assertEqual(slicer.app.layoutManager().layout, former)
        self.assertEqual(len(self.parameters.fixedLandmarks.GetDisplayNode().GetViewNodeIDs()), 0)

    def test_rows_are_linked_together_only_after_registration(self):
        from MedFusionLib.Widgets.SliceViews import FIXED_VIEWS, MOVING_VIEWS

        self.ui.compareViewsCheckBox.checked = True
        groups = [
            self.panel.views.logic(view).GetSliceNode().GetViewGroup() for view in (FIXED_VIEWS[0], MOVING_VIEWS[0])
        ]
        self.assertNotEqual(*groups)
        self.click("registerButton")
        groups = [
            self.panel.views.logic(view).GetSliceNode().GetViewGroup() for view in (FIXED_VIEWS[0], MOVING_VIEWS[0])
        ]
        self.assertEqual(*groups)

    def test_fit_after_registration_still_uses_the_mri_s_own_coordinates(self):
        before = [self.tableText(row, RESIDUAL) for row in range(8)]
        self.click("registerButton")
        self.assertEqual([self.tableText(row, RESIDUAL) for row in range(8)], before)

    def test_a_noted_placing_error_weighs_at_once_and_survives_undo(self):
        node = self.parameters.movingLandmarks
        before = self.ui.fitLabel.text
        node.SetNthControlPointDescription(0, "FLE 9")
        node.SetNthControlPointDescription(1, "FLE 1")
        self.app.settle()
        self.assertNotEqual(self.ui.fitLabel.text, before)
        self.ui.landmarkTable.selectRow(3)
        self.click("deleteButton")
        self.click("undoButton")
        self.assertEqual([node.GetNthControlPointDescription(index) for index in range(3)], ["FLE 9", "FLE 1", ""])

    def test_one_list_for_both_volumes_is_said_and_disables_registration(self):
        self.parameters.movingLandmarks = self.parameters.fixedLandmarks
        self.app.settle()
        self.assertIn("is chosen as the landmarks of the CT and of the MRI", self.ui.fitLabel.text)
        for auto in (False, True):
            self.parameters.auto = auto
            self.app.settle()
            self.assertFalse(self.ui.registerButton.enabled)
            self.assertEqual(self.ui.registerButton.toolTip, "Choose different landmark lists for CT and MRI.")

    def test_no_points_left_is_said_and_disables_registration(self):
        self.parameters.movingLandmarks.RemoveAllControlPoints()
        self.app.settle()
        self.assertIn("0 of at least 3 pairs", self.ui.fitLabel.text)
        self.assertFalse(self.ui.registerButton.enabled)
        self.assertIn("there are 8 in the CT and 0 in the MRI", self.ui.registerButton.toolTip)


if __name__ == "__main__":
    unittest.main()
