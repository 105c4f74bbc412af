"""What the panel says about an outline, and what the user can do about it."""

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Tumor.Outline import Alternative, SecondOpinion
from MedFusionLib.Core.Verdict import Judgment, Verdict
from MedFusionLib.Scene.NodeFiles import saveScene
from MedFusionLib.Scene.VolumeNodes import imageFromVolumeNode
from MedFusionLib.Workflow.Parameters import TumorChoice
from PanelTestCase import PanelTestCase, smallPhantom
from vtk.util import numpy_support


class TestPanelOutlineChecks(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.loadPhantom()
        self.parameters.tumorVolume = self.parameters.movingVolume
        self.parameters.useCavity = False
        self.steps = self.panel.logic.steps

    def outlineBall(self, verdict: Verdict, secondMm: float = 9.0, otherMm: float | None = None) -> None:
        """Let the panel show a ball of 10 mm radius as if a method had outlined it."""
        from MedFusionLib.Core.Tumor.Segments import Segment
        from MedFusionLib.Core.Tumor.TumorSegmentation import SegmentationSettings, TumorResult
        from MedFusionLib.Scene.TumorSegmentationLogic import TumorSegmentationLogic

        image = imageFromVolumeNode(self.parameters.tumorVolume)
        own, second = self.ball(10.0), self.ball(secondMm)
        common = 2 * (own * second).sum() / (own.sum() + second.sum())
        other = None
        if otherMm is not None:
            other = Alternative(self.labels(self.ball(otherMm), image), ("the larger outline",), (4.2,))
        result = TumorResult(
            self.labels(own, image),
            (Segment(1, "Tumor"),),
            verdict.reasons,
            SegmentationSettings(),
            verdict=verdict,
            second=SecondOpinion(self.labels(second, image), ("a click",), (common,), ((4.19, 3.05),)),
            alternative=other,
        )
        node = TumorSegmentationLogic(self.scene).show(result, self.parameters.tumorVolume)
        self.steps.replaceOutline(node, result)
        self.parameters.segmentation = node
        self.app.settle()

    def ball(self, radius: float) -> np.ndarray:
        image = imageFromVolumeNode(self.parameters.tumorVolume)
        axes = np.indices(image.GetSize()[::-1]).reshape(3, -1).T * np.array(image.GetSpacing()[::-1])
        inside = np.linalg.norm(axes - axes.mean(axis=0), axis=1) < radius
        return inside.reshape(image.GetSize()[::-1]).astype(np.uint8)

    @staticmethod
    def labels(mask: np.ndarray, image: sitk.Image) -> sitk.Image:
        labelImage = sitk.GetImageFromArray(mask)
        labelImage.CopyInformation(image)
        return labelImage

    def paint(self, share: float) -> slicer.vtkOrientedImageData:
        """Paint away a part of the first segment, and return what was there."""
        node = self.parameters.segmentation
        segmentId = node.GetSegmentation().GetNthSegmentID(0)
        image = slicer.vtkOrientedImageData()
        node.GetBinaryLabelmapRepresentation(segmentId, image)
        voxels = numpy_support.vtk_to_numpy(image.GetPointData().GetScalars())
        before = slicer.vtkOrientedImageData()
        before.DeepCopy(image)
        inside = np.flatnonzero(voxels)
        voxels[inside[: int(share * len(inside))]] = 0
        self.write(image)
        return before

    def write(self, image: slicer.vtkOrientedImageData) -> None:
        node = self.parameters.segmentation
        segmentId = node.GetSegmentation().GetNthSegmentID(0)
        slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(image, node, segmentId)
        self.app.settle()

    def secondNodes(self) -> list:
        nodes = slicer.util.getNodesByClass("vtkMRMLSegmentationNode", self.scene)
        return [node for node in nodes if node.GetHideFromEditors()]

    def test_verdict_never_speaks_of_an_outline_that_was_changed_by_hand(self):
        self.outlineBall(Verdict(Judgment.confirmed), otherMm=12.0)
        self.assertIn("Confirmed", self.ui.tumorCard.text)
        self.assertIn("3.0 ml beside 4.2 ml", self.ui.tumorCard.text)
        before = self.paint(0.3)
        self.assertIn("Not confirmed", self.ui.tumorCard.text)
        self.assertIn("changed by hand", self.ui.tumorCard.text)
        self.assertNotIn("beside", self.ui.tumorCard.text)
        self.assertFalse(self.ui.secondOpinionCheckBox.enabled)
        self.assertTrue(self.ui.otherOutlineButton.isHidden())
        self.assertIs(self.steps.outline(self.parameters).verdict.judgment, Judgment.notConfirmed)
        self.write(before)
        self.assertIn("<b>Confirmed.</b>", self.ui.tumorCard.text, "undo brings the outline back that was checked")

    def test_a_name_changes_no_verdict(self):
        self.outlineBall(Verdict(Judgment.confirmed))
        self.parameters.segmentation.GetSegmentation().GetNthSegment(0).SetName("Glioma")
        self.app.settle()
        self.assertIn("<b>Confirmed.</b>", self.ui.tumorCard.text)

    def test_automatic_outline_is_not_confirmed_until_the_user_accepts_it(self):
        self.outlineBall(Verdict(Judgment.notConfirmed, ("The tumor was found without pointing at it.",)))
        self.assertIn("<b>Not confirmed.</b> The tumor was found", self.ui.tumorCard.text)
        self.click("acceptOutlineButton")
        self.assertIn("<b>Confirmed.</b>", self.ui.tumorCard.text)
        self.assertIn("accepted by the user", self.ui.tumorCard.text)
        self.assertTrue(self.ui.acceptOutlineButton.isHidden())
        self.paint(0.2)
        self.assertIn("<b>Not confirmed.</b>", self.ui.tumorCard.text, "what was accepted is not there any more")
        self.click("acceptOutlineButton")
        self.assertIn("<b>Confirmed.</b>", self.ui.tumorCard.text)

    def test_contours_of_a_second_method_that_disagrees_are_shown_at_once_with_both_volumes(self):
        self.outlineBall(Verdict(Judgment.doubtful, ("The methods disagree.",)), secondMm=5.0)
        self.assertTrue(self.ui.secondOpinionCheckBox.checked)
        (node,) = self.secondNodes()
        self.assertFalse(node.GetDisplayNode().GetVisibility2DFill())
        self.assertEqual(node.GetSegmentation().GetNthSegment(0).GetName(), "a click")
        self.click("secondOpinionCheckBox")
        self.assertEqual(self.secondNodes(), [])
        self.click("secondOpinionCheckBox")
        self.scene.RemoveNode(self.parameters.segmentation)
        self.app.settle()
        self.assertEqual(self.secondNodes(), [], "contours of an outline that is gone")

    def test_contours_of_a_second_method_that_agrees_are_shown_when_asked_for(self):
        self.outlineBall(Verdict(Judgment.confirmed))
        self.assertFalse(self.ui.secondOpinionCheckBox.checked)
        self.click("secondOpinionCheckBox")
        self.assertEqual(len(self.secondNodes()), 1)
        self.click("registerButton")
        (node,) = self.secondNodes()
        self.assertEqual(node.GetTransformNodeID(), self.parameters.segmentation.GetTransformNodeID())

    def test_nested_outlines_are_exchanged_by_one_click_and_taken_back_by_another(self):
        self.outlineBall(Verdict(Judgment.confirmed), otherMm=14.0)
        before = self.ui.measurementTable.item(0, 1).text()
        self.assertIn("4.2 ml", self.ui.otherOutlineButton.text)
        self.assertIn("the larger outline", self.ui.otherOutlineButton.toolTip)
        self.click("otherOutlineButton")
        grown = float(self.ui.measurementTable.item(0, 1).text().split()[0])
        self.assertGreater(grown, 2 * float(before.split()[0]))
        self.assertIn("<b>Doubtful.</b> The user took another outline", self.ui.tumorCard.text)
        self.assertIn("as it came first", self.ui.otherOutlineButton.toolTip)
        self.click("otherOutlineButton")
        self.assertEqual(self.ui.measurementTable.item(0, 1).text(), before)
        self.assertIn("<b>Confirmed.</b>", self.ui.tumorCard.text)

    def test_verdict_comes_back_with_the_scene_as_long_as_the_outline_is_the_same(self):
        for judgment, reasons in ((Judgment.confirmed, ()), (Judgment.doubtful, ("It is too small.",))):
            self.outlineBall(Verdict(judgment, reasons))
            text = self.ui.tumorCard.text.partition("<br>")[0]
            with tempfile.TemporaryDirectory() as folder:
                saveScene(self.scene, Path(folder) / "scene.mrb")
                self.app.clearScene()
                self.app.session.loadScene(Path(folder) / "scene.mrb")
            self.panel.enter()
            self.app.settle()
            self.assertEqual(self.ui.tumorCard.text.partition("<br>")[0], text)
        self.paint(0.3)
        self.assertIn("<b>Not confirmed.</b> The outline was changed by hand", self.ui.tumorCard.text)

    def test_nothing_is_offered_without_an_outline(self):
        self.click("registerButton")
        for name in ("secondOpinionCheckBox", "show3DCheckBox", "diametersCheckBox", "segmentEditorButton"):
            self.assertFalse(getattr(self.ui, name).enabled, name)
        for name in ("acceptOutlineButton", "otherOutlineButton"):
            self.assertTrue(getattr(self.ui, name).isHidden(), name)
        self.parameters.tumorVolume = None
        self.assertFalse(self.ui.pointInsideButton.enabled)

    def test_outline_says_when_its_volume_was_changed(self):
        self.click("registerButton")
        self.parameters.tumorMethod = TumorChoice.click
        self.click("pointInsideButton")
        self.placePoint(flipPoints(smallPhantom().targets[-1]))
        self.endPlacing()
        self.click("segmentButton")
        self.assertNotIn("Out of date", self.ui.tumorCard.text)
        slicer.util.arrayFromVolume(self.parameters.tumorVolume)[:5] += 1
        slicer.util.arrayFromVolumeModified(self.parameters.tumorVolume)
        self.panel.onParametersModified()
        self.app.settle()
        self.assertIn("Out of date", self.ui.tumorCard.text)

    def test_saved_results_carry_the_verdict_of_the_outline_as_it_is(self):
        self.outlineBall(Verdict(Judgment.confirmed))
        self.click("registerButton")
        self.click("fuseButton")
        self.paint(0.3)
        self.parameters.outputFolder = Path("unused")
        tumor = self.steps._runResults(self.parameters).tumor
        self.assertEqual(tumor.verdict, replace(tumor.verdict, judgment=Judgment.notConfirmed))
        self.assertIsNone(tumor.second)


if __name__ == "__main__":
    unittest.main()
