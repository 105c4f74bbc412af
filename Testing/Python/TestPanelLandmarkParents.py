"""Landmarks in the panel whose volumes are under transforms: fit, undo and registering again."""

import unittest

import numpy as np
from PanelTestCase import PanelTestCase

LABEL, FIXED, MOVING, RESIDUAL = range(4)


class TestPanelLandmarkParents(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.loadPhantom()

    def turn(self) -> np.ndarray:
        """Return a turn and shift as someone sets them by hand in the Transforms module."""
        matrix = np.eye(4)
        matrix[:2, :2] = [[0.9, -np.sqrt(0.19)], [np.sqrt(0.19), 0.9]]
        matrix[:3, 3] = (40, 15, -10)
        return matrix

    def addTransform(self, matrix: np.ndarray) -> object:
        import slicer

        node = self.scene.AddNewNodeByClass("vtkMRMLTransformNode", "manual")
        node.SetMatrixTransformToParent(slicer.util.vtkMatrixFromArray(matrix))
        return node

    def turnMriBeneathItsLandmarks(self) -> np.ndarray:
        """Turn the MRI, its list staying in the world on the same anatomy; return the points in the MRI's own RAS."""
        import slicer

        volume, node, matrix = self.parameters.movingVolume, self.parameters.movingLandmarks, self.turn()
        own = slicer.util.arrayFromMarkupsControlPoints(node)
        volume.SetAndObserveTransformNodeID(self.addTransform(matrix).GetID())
        slicer.util.updateMarkupsControlPointsFromArray(node, own @ matrix[:3, :3].T + matrix[:3, 3])
        self.panel.enter()
        self.app.settle()
        return own

    def test_registering_twice_gives_the_same_where_only_the_mri_was_under_a_transform(self):
        import slicer

        fixedWorld = slicer.util.arrayFromMarkupsControlPoints(self.parameters.fixedLandmarks, world=True)
        self.click("registerButton")
        transformNode = self.parameters.movingVolume.GetParentTransformNode()
        expected = slicer.util.arrayFromTransformMatrix(transformNode)
        rows = [self.tableText(row, RESIDUAL) for row in range(8)]
        self.parameters.movingVolume.SetAndObserveTransformNodeID(None)
        self.parameters.movingLandmarks.SetAndObserveTransformNodeID(None)
        own = self.turnMriBeneathItsLandmarks()
        for _ in range(2):
            self.click("registerButton")
            found = slicer.util.arrayFromTransformMatrix(self.parameters.movingVolume.GetParentTransformNode())
            np.testing.assert_allclose(found, expected, atol=1e-6)
            inMri = slicer.util.arrayFromMarkupsControlPoints(self.parameters.movingLandmarks)
            np.testing.assert_allclose(inMri, own, atol=1e-6)
            inCt = slicer.util.arrayFromMarkupsControlPoints(self.parameters.fixedLandmarks, world=True)
            np.testing.assert_allclose(inCt, fixedWorld)
            self.assertEqual([self.tableText(row, RESIDUAL) for row in range(8)], rows)

    def test_undo_after_registration_puts_a_point_back_onto_its_anatomy(self):
        import slicer

        own = self.turnMriBeneathItsLandmarks()
        node = self.parameters.movingLandmarks
        node.SetNthControlPointPositionWorld(2, *np.add(node.GetNthControlPointPositionWorld(2), (3, 0, 0)))
        self.app.settle()
        self.ui.landmarkTable.selectRow(5)
        self.click("deleteButton")
        self.click("registerButton")
        self.click("undoButton")
        self.assertEqual(node.GetNumberOfControlPoints(), 8)
        expected = own.copy()
        expected[2] += np.linalg.inv(self.turn()[:3, :3]) @ (3, 0, 0)
        np.testing.assert_allclose(slicer.util.arrayFromMarkupsControlPoints(node), expected, atol=1e-6)
        self.click("undoButton")
        np.testing.assert_allclose(slicer.util.arrayFromMarkupsControlPoints(node), own, atol=1e-6)
        self.assertIs(node.GetParentTransformNode(), self.parameters.movingVolume.GetParentTransformNode())

    def test_registering_is_no_step_of_undo(self):
        self.turnMriBeneathItsLandmarks()
        while self.ui.undoButton.enabled:
            self.click("undoButton")
        self.click("registerButton")
        self.assertFalse(self.ui.undoButton.enabled)

    def test_a_new_list_goes_under_the_mri_s_transform_whatever_it_is(self):
        self.startWithoutLandmarks()
        parentNode = self.addTransform(self.turn())
        self.parameters.movingVolume.SetAndObserveTransformNodeID(parentNode.GetID())
        self.click("placePairButton")
        self.assertIs(self.parameters.movingLandmarks.GetParentTransformNode(), parentNode)
        self.assertIsNone(self.parameters.fixedLandmarks.GetParentTransformNode())

    def test_a_spline_can_be_fitted_and_registered_again(self):
        self.parameters.model = type(self.parameters.model)["thinPlateSpline"]
        self.app.settle()
        for name in ("thinPlateSpline", "rigid"):
            self.click("registerButton")
            self.assertEqual(self.errors(), [])
            self.assertRegex(self.ui.fitLabel.text, "8 pairs, FRE")
            self.parameters.model = type(self.parameters.model)[name]
            self.app.settle()
            self.assertRegex(self.ui.fitLabel.text, "8 pairs, FRE")

    def test_the_live_fit_reads_the_ct_s_landmarks_where_they_are_in_the_world(self):
        import slicer

        parentNode = self.addTransform(self.turn())
        for node in (self.parameters.fixedVolume, self.parameters.fixedLandmarks):
            node.SetAndObserveTransformNodeID(parentNode.GetID())
        fit = self.panel.logic.steps.liveFit(self.parameters)
        world = slicer.util.arrayFromMarkupsControlPoints(self.parameters.fixedLandmarks, world=True)
        np.testing.assert_allclose(fit.fixedPoints * [-1, -1, 1], world, atol=1e-6)


if __name__ == "__main__":
    unittest.main()
