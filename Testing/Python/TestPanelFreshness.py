"""What the panel shows follows the scene; a result that no longer fits what it was made from says so."""

import unittest

import numpy as np
import slicer
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Workflow.Parameters import TumorChoice, tumorCenter
from PanelTestCase import PanelTestCase, smallPhantom
from vtk.util import numpy_support


class TestPanelFreshness(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.loadPhantom()
        self.click("registerButton")

    def outlineTumor(self) -> None:
        """Outline the phantom's tumor by a click."""
        self.parameters.tumorVolume = self.parameters.movingVolume
        self.parameters.tumorMethod = TumorChoice.click
        self.click("pointInsideButton")
        self.placePoint(flipPoints(smallPhantom().targets[-1]))
        self.endPlacing()
        self.click("segmentButton")
        self.outlineNode = self.parameters.segmentation

    def paint(self, share: float) -> None:
        """Paint away a part of the first segment, by the function that the Segment Editor's effects call."""
        node = self.outlineNode
        segmentId = node.GetSegmentation().GetNthSegmentID(0)
        image = slicer.vtkOrientedImageData()
        node.GetBinaryLabelmapRepresentation(segmentId, image)
        voxels = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
        inside = np.flatnonzero(voxels)
        voxels[inside[: int(share * len(inside))]] = 0
        slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(image, node, segmentId)
        self.app.settle()

    def shownMl(self) -> float:
        return float(self.ui.measurementTable.item(0, 1).text().split()[0])

    def test_table_follows_painting_in_the_panel_and_in_another_module(self):
        self.outlineTumor()
        before = self.shownMl()
        self.ui.diametersCheckBox.checked = True
        self.paint(0.3)
        self.assertLess(self.shownMl(), 0.8 * before)
        self.assertFalse(self.ui.diametersCheckBox.checked, "diameters of an outline that has changed mislead")
        self.assertAlmostEqual(
            self.shownMl(), self.panel.logic.steps.measure(self.parameters).total.volumeMl, delta=0.01
        )
        between = self.shownMl()
        self.panel.exit()
        self.paint(0.3)
        self.panel.enter()
        self.app.settle()
        self.assertLess(self.shownMl(), 0.8 * between)

    def test_error_at_the_tumor_follows_painting(self):
        self.outlineTumor()
        transformNode = self.parameters.movingVolume.GetParentTransformNode()
        for _ in range(2):
            result = self.panel.logic.steps.resultOf(transformNode).withTarget(tumorCenter(self.parameters))
            self.assertIn(f"(TRE) {result.expectedErrors[0].expected:.2f} mm", self.ui.registrationCard.text)
            self.paint(0.7)

    def test_table_follows_renaming_adding_and_deleting_segments(self):
        self.outlineTumor()
        segmentation = self.parameters.segmentation.GetSegmentation()
        segmentation.GetNthSegment(0).SetName("Glioma")
        self.app.settle()
        self.assertEqual(self.ui.measurementTable.item(0, 0).text(), "Glioma")
        copy = slicer.vtkSegment()
        copy.DeepCopy(segmentation.GetNthSegment(0))
        copy.SetName("Second")
        rows = self.ui.measurementTable.rowCount
        segmentation.RemoveSegment(segmentation.GetNthSegmentID(0))
        self.app.settle()
        self.assertLess(self.ui.measurementTable.rowCount, rows)
        segmentation.AddSegment(copy)
        self.app.settle()
        names = [self.ui.measurementTable.item(row, 0).text() for row in range(self.ui.measurementTable.rowCount)]
        self.assertIn("Second", names)

    def test_outline_is_not_measured_again_for_a_surface_or_a_view(self):
        self.outlineTumor()
        self.ui.diametersCheckBox.checked = True
        self.ui.show3DCheckBox.checked = True
        self.app.settle()
        self.assertTrue(self.ui.diametersCheckBox.checked)

    def test_registration_is_out_of_date_when_a_landmark_moves_and_again_when_the_mri_moves(self):
        self.assertNotIn("Out of date", self.ui.registrationCard.text)
        position = np.array(self.parameters.fixedLandmarks.GetNthControlPointPositionWorld(0))
        self.parameters.fixedLandmarks.SetNthControlPointPositionWorld(0, *(position + [2, 0, 0]))
        self.app.settle()
        self.assertIn("Out of date", self.ui.registrationCard.text)
        self.click("registerButton")
        self.assertNotIn("Out of date", self.ui.registrationCard.text)
        import vtk

        transform = vtk.vtkTransform()
        transform.Translate(3, 0, 0)
        self.parameters.movingVolume.GetParentTransformNode().ApplyTransform(transform)
        self.app.settle()
        self.panel.onParametersModified()
        self.assertIn("Out of date", self.ui.registrationCard.text)

    def test_diameters_without_any_volume_are_refused_in_a_sentence(self):
        self.outlineTumor()
        self.scene.RemoveNode(self.parameters.movingVolume)
        self.app.settle()
        self.ui.diametersCheckBox.checked = True
        self.app.settle()
        self.assertRegex(self.errors()[0], r"^The diameters could not be drawn\.\n\nThe volume of the outline is gone")

    def test_images_are_asked_about_the_landmarks_once_the_hands_rest(self):
        section = self.panel.landmarksSection
        section.refresh()
        self.assertTrue(section._checkTimer.active)
        section.askImages()
        self.assertIn("The images agree with the landmarks", self.ui.fitLabel.text)
        fixed = self.parameters.fixedLandmarks
        for index in range(fixed.GetNumberOfControlPoints()):  # all mistaken alike: the fit itself cannot see it
            x, y, z = fixed.GetNthControlPointPositionWorld(index)
            fixed.SetNthControlPointPositionWorld(index, x + 25, y, z)
        self.app.settle()
        self.assertNotIn("images agree", self.ui.fitLabel.text)
        section.askImages()
        self.assertRegex(self.ui.fitLabel.text, "⚠.*images fit best")

    def test_fusion_and_its_scores_are_out_of_date_after_another_registration(self):
        self.click("fuseButton")
        self.click("metricsButton")
        self.assertNotIn("Out of date", self.ui.fusionCard.text)
        scores = self.ui.fusionCard.text
        position = np.array(self.parameters.fixedLandmarks.GetNthControlPointPositionWorld(0))
        self.parameters.fixedLandmarks.SetNthControlPointPositionWorld(0, *(position + [3, 0, 0]))
        self.app.settle()
        self.click("registerButton")
        self.assertIn("Out of date", self.ui.fusionCard.text)
        self.assertNotIn("<table>", self.ui.fusionCard.text)
        self.assertIn("<table>", scores)


if __name__ == "__main__":
    unittest.main()
