"""Every way to point out the tumor in the panel: clicks, points, and scribbles painted in the Segment Editor."""

import unittest
from pathlib import Path
from unittest.mock import patch

import SimpleITK as sitk
from MedFusionLib.Workflow.Parameters import TumorChoice
from PanelTestCase import PanelTestCase, smallPhantom


class TestPanelTumor(PanelTestCase):
    def test_tumor_is_outlined_by_a_click_as_well(self):
        from MedFusionLib.Core.Images.Coordinates import flipPoints

        self.loadPhantom()
        self.click("registerButton")
        self.ui.tumorMethodComboBox.currentIndex = 1
        self.parameters.tumorVolume = self.parameters.movingVolume
        self.assertIn("Click on the tumor", self.ui.segmentButton.toolTip)
        self.click("pointInsideButton")
        self.placePoint(flipPoints(smallPhantom().targets[-1]))
        self.click("segmentButton")
        self.assertEqual(self.errors(), [])
        self.assertGreater(float(self.ui.measurementTable.item(0, 1).text().split()[0]), 1.0)

    def test_the_skull_limits_the_outline_only_when_it_shall(self):
        self.loadPhantom()
        self.click("registerButton")
        self.parameters.tumorVolume = self.parameters.movingVolume
        for isLimited in (True, False):
            self.ui.useCavityCheckBox.checked = isLimited
            with patch("MedFusionLib.Scene.TumorSegmentationLogic.TumorSegmentationLogic.segment") as segment:
                segment.side_effect = ValueError("Enough seen.")
                with self.assertRaises(ValueError):
                    self.panel.logic.segment(self.parameters)
            self.assertIs(segment.call_args.args[5], self.parameters.fixedVolume if isLimited else None)

    def test_every_way_to_point_out_the_tumor_ends_in_an_outline_or_a_sentence(self):
        from MedFusionLib.Core.Images.Coordinates import flipPoints

        self.loadPhantom()
        self.click("registerButton")
        self.parameters.tumorVolume = self.parameters.movingVolume
        self.parameters.modelFolder = Path("no model here")
        self.ui.tumorCollapsibleButton.collapsed = False
        center = flipPoints(smallPhantom().targets[-1])
        choices = TumorChoice
        for choice in (choices.strokes, choices.watershed, choices.automatic, choices.model):
            with self.subTest(choice.name):
                self.app.displayed.clear()
                self.parameters.tumorMethod = choice
                self.app.settle()
                for name, offsets in (("pointInsideButton", (0, 8)), ("pointOutsideButton", (45, -45))):
                    if getattr(self.ui, name).isVisibleTo(self.parent):
                        self.click(name)
                        for offset in offsets:
                            self.placePoint(center + [0, offset, 0])
                        self.endPlacing()
                self.click("segmentButton")
                if choice is choices.model:
                    self.assertRegex(self.errors()[0], r"^The tumor could not be outlined\.\n\n[^\n]+[.]$")
                else:
                    self.assertEqual(self.errors(), [])
                    self.assertGreater(self.ui.measurementTable.rowCount, 0)

    def _scribble(self, segmentationNode: object) -> None:
        """Paint in the tumor and in a ring around it, where they are in the CT, as the brush leaves it."""
        import slicer
        from MedFusionLib.Scene.VolumeNodes import orientedImageData

        tumor = smallPhantom().tumorLabels > 0
        ring = sitk.BinaryDilate(tumor, (8, 8, 3)) - sitk.BinaryDilate(tumor, (6, 6, 2))
        name = slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName()
        segmentation = segmentationNode.GetSegmentation()
        for index, mask in enumerate((sitk.BinaryErode(tumor, (2, 2, 1)), ring)):
            self.assertTrue(sitk.GetArrayViewFromImage(mask).any())
            segment = segmentation.GetNthSegment(index)
            segment.RemoveRepresentation(name)
            labels = sitk.Cast(mask, sitk.sitkUInt8) * segment.GetLabelValue()
            segment.AddRepresentation(name, orientedImageData(labels))

    def _startScribbling(self) -> object:
        """Press the button and return the segmentation that it makes."""
        self.parameters.tumorMethod = TumorChoice.strokes
        self.parameters.useCavity = False
        self.app.settle()
        self.assertIn("scribble", self.ui.segmentButton.toolTip)
        self.click("scribbleButton")
        return self.parameters.tumorScribbles

    @staticmethod
    def _truthOn(image: sitk.Image, isMri: bool) -> sitk.Image:
        """Return the phantom's tumor on an image's grid."""
        toCt = smallPhantom().ctToMri.GetInverse() if isMri else sitk.Transform()
        return sitk.Resample(smallPhantom().tumorLabels, image, toCt, sitk.sitkNearestNeighbor) > 0

    def test_scribble_button_opens_the_segment_editor_with_two_segments_on_the_volume(self):
        self.loadPhantom()
        self.click("registerButton")
        self.ui.tumorCollapsibleButton.collapsed = False
        self.assertFalse(self.ui.scribbleButton.isVisibleTo(self.parent), "a line needs no scribbles")
        mri = self.parameters.tumorVolume = self.parameters.movingVolume
        node = self._startScribbling()
        self.assertTrue(self.ui.scribbleButton.isVisibleTo(self.parent))
        segments = [node.GetSegmentation().GetNthSegment(index) for index in range(2)]
        self.assertEqual([segment.GetName() for segment in segments], ["Inside the tumor", "Outside the tumor"])
        self.assertNotEqual(*(segment.GetColor() for segment in segments))
        self.assertIs(node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()), mri)
        self.assertIs(node.GetParentTransformNode(), mri.GetParentTransformNode())
        self.assertIs(self.ui.tumorScribblesSelector.currentNode(), node)
        self.assertEqual(self.app.selectedModule, "SegmentEditor")
        editorNode = self.scene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
        self.assertIs(editorNode.GetSegmentationNode(), node)
        self.assertIs(editorNode.GetSourceVolumeNode(), mri)
        self.assertEqual(editorNode.GetSelectedSegmentID(), node.GetSegmentation().GetNthSegmentID(0))
        self.click("scribbleButton")
        self.assertIs(self.parameters.tumorScribbles, node, "scribbles are continued, not begun again")
        self.click("segmentButton")
        self.assertRegex(
            self.errors()[0], r"^The tumor could not be outlined\.\n\nThere is no stroke on the tumor.+\.$"
        )

    def test_tumor_is_outlined_from_scribbles_in_the_ct_space_and_on_the_registered_mri(self):
        from MedFusionLib.Scene.SegmentationNodes import labelImageFromSegmentation
        from MedFusionLib.Scene.TumorNodes import scribbleImages
        from MedFusionLib.Scene.VolumeNodes import imageFromVolumeNode

        self.loadPhantom()
        self.parameters.tumorVolume = self.parameters.fixedVolume
        node = self._startScribbling()
        self._scribble(node)
        self.click("registerButton")
        self.assertIsNone(node.GetParentTransformNode(), "scribbles on the CT stay with the CT")
        for volume in (self.parameters.fixedVolume, self.parameters.movingVolume):
            with self.subTest(volume.GetName()):
                self.parameters.tumorVolume = volume
                truth = self._truthOn(imageFromVolumeNode(volume), volume is self.parameters.movingVolume)
                inside, outside = scribbleImages(node, volume)
                self.assertGreater(self._shareIn(inside, truth), 0.95)
                self.assertLess(self._shareIn(outside, truth), 0.02)
                self.click("segmentButton")
                self.assertEqual(self.errors(), [])
                outline = self.parameters.segmentation
                self.assertIsNot(outline, node)
                self.assertIs(outline.GetParentTransformNode(), volume.GetParentTransformNode())
                labels, _names = labelImageFromSegmentation(outline, imageFromVolumeNode(volume))
                self.assertGreater(self._shareIn(inside, labels != 0), 0.95)
                self.assertLess(self._shareIn(outside, labels != 0), 0.02)

    @staticmethod
    def _shareIn(mask: sitk.Image, other: sitk.Image) -> float:
        """Return the share of a mask that lies in another one."""
        inMask = sitk.GetArrayViewFromImage(mask) != 0
        return float(sitk.GetArrayViewFromImage(other)[inMask].mean())

    def test_scribbles_and_outline_on_the_mri_move_with_it_when_it_is_registered(self):
        mri = self.loadPhantom()[1]
        self.parameters.tumorVolume = mri
        node = self._startScribbling()
        self.parameters.segmentation = self.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "outline")
        self.parameters.segmentation.SetReferenceImageGeometryParameterFromVolumeNode(mri)
        self.click("registerButton")
        self.assertIs(node.GetParentTransformNode(), mri.GetParentTransformNode())
        self.assertIs(self.parameters.segmentation.GetParentTransformNode(), mri.GetParentTransformNode())

    def test_segmentations_that_cannot_be_scribbles_are_refused_in_a_sentence(self):
        self.loadPhantom()
        self.parameters.tumorVolume = self.parameters.movingVolume
        node = self._startScribbling()
        self.parameters.segmentation = node
        self.app.settle()
        self.assertFalse(self.ui.segmentButton.enabled)
        self.assertIn("choose another segmentation", self.ui.segmentButton.toolTip)
        self.parameters.segmentation = None
        node.GetSegmentation().RemoveSegment("outside")
        self.app.settle()
        self.click("segmentButton")
        self.assertRegex(self.errors()[0], r"has 1 segments; scribbles need one inside .+\.$")


if __name__ == "__main__":
    unittest.main()
