"""Tumor segmentation on nodes of a scene."""

import json
import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Images.Transforms import transformPoints
from MedFusionLib.Core.Tumor.MrSequence import MrSequence, sequenceOfName
from MedFusionLib.Core.Tumor.SegmentationMetrics import compareSegmentations
from MedFusionLib.Core.Tumor.TumorMeasurements import measureTumor
from MedFusionLib.Core.Tumor.TumorSegmentation import SegmentationSettings, TumorInteraction
from MedFusionLib.Scene.NodeFiles import addVolume
from MedFusionLib.Scene.SegmentationNodes import CAVITY_NAME, labelImageFromSegmentation
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.TumorSegmentationLogic import TumorSegmentationLogic
from MedFusionLib.Scene.VolumeNodes import definedPointsFromMarkups, imageFromVolumeNode, setTransformNode
from TestIntracranialCavity import madeHead
from TestTumorSegmentation import ACROSS, headWithBall


class TestTumorSegmentationLogic(unittest.TestCase):
    def setUp(self):
        self.scene = self.enterContext(Session()).scene
        self.logic = TumorSegmentationLogic(self.scene)

    def placed(self, image: sitk.Image, name: str):
        return addVolume(self.scene, image, name)

    def test_the_segmentation_has_terminology_recipe_and_reference_geometry(self):
        image, truth = headWithBall()
        volumeNode = self.placed(image, "FLAIR")
        node, result = self.logic.segment([volumeNode], TumorInteraction(lines=ACROSS))
        segment = node.GetSegmentation().GetNthSegment(0)
        self.assertEqual(segment.GetName(), "Tumor")
        _, terminology = _tag(segment, "TerminologyEntry")
        self.assertIn("SCT^108369006^Neoplasm", terminology)
        recipe = json.loads(node.GetAttribute("MedFusion.recipe"))
        self.assertEqual((recipe["method"], recipe["volumes"], recipe["sequences"]), ("line", ["FLAIR"], ["flair"]))
        np.testing.assert_allclose(flipPoints(np.array(recipe["lines"][0])), ACROSS[0], atol=1e-3)
        self.assertEqual(
            node.GetNodeReference(node.GetReferenceImageGeometryReferenceRole()).GetID(), volumeNode.GetID()
        )
        labels, segments = labelImageFromSegmentation(node, image)
        self.assertEqual(segments, result.segments)
        self.assertGreater(compareSegmentations(labels, truth)["all"].dice, 0.92)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(result.labelImage))

    def test_a_volume_under_a_transform_is_outlined_where_it_is_shown(self):
        image, truth = headWithBall()
        volumeNode = self.placed(image, "mri")
        moved = sitk.Euler3DTransform((0, 0, 0), 0.2, -0.1, 0.3, (20.0, -30.0, 10.0))
        transformNode = self.scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "pose")
        setTransformNode(transformNode, moved)
        volumeNode.SetAndObserveTransformNodeID(transformNode.GetID())
        worldLine = transformPoints(moved.GetInverse(), ACROSS[0])
        node, result = self.logic.segment([volumeNode], TumorInteraction(lines=worldLine[None]))
        self.assertEqual(node.GetParentTransformNode(), transformNode)
        self.assertGreater(compareSegmentations(result.labelImage, truth)["all"].dice, 0.92)
        measurements = measureTumor(result.labelImage)
        _, lines = self.logic.showMeasurements(measurements, node)
        _, ends, _ = definedPointsFromMarkups(lines[0])
        middle = transformPoints(moved.GetInverse(), measurements.total.centroid)[0]
        self.assertLess(np.linalg.norm(ends.mean(axis=0) - middle), 6.0)

    def test_parts_come_with_the_whole_tumor_and_the_core(self):
        flair, _ = headWithBall()
        t1c, _ = headWithBall(ball=-30, ring=150)
        nodes = [self.placed(flair, "flair"), self.placed(t1c, "t1ce")]
        node, result = self.logic.segment(nodes, TumorInteraction(lines=ACROSS))
        segmentation = node.GetSegmentation()
        names = [segmentation.GetNthSegment(i).GetName() for i in range(segmentation.GetNumberOfSegments())]
        self.assertEqual(names, ["Necrosis", "Edema", "Enhancing tumor", "Whole tumor", "Tumor core"])
        labels, found = labelImageFromSegmentation(node, flair)
        self.assertEqual(found, result.segments)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(result.labelImage))

    def test_the_cavity_of_the_ct_limits_the_outline_and_is_kept_on_request(self):
        ct, cavity, spacing = madeHead()
        ctImage = sitk.GetImageFromArray(ct.astype(np.float32))
        ctImage.SetSpacing(spacing)
        ctImage.SetOrigin([-99.0] * 3)
        ctNode = self.placed(ctImage, "ct")
        size = np.array(ct.shape)
        axes = np.ogrid[tuple(slice(0, n) for n in size)]
        ball = sum((2.0 * a - 99 - c) ** 2 for a, c in zip(axes, (0, 0, 55), strict=True)) < 18**2
        values = np.where(ct > -200, 100.0, 0.0) + 80 * ball + np.random.default_rng(0).normal(0, 5, ct.shape)
        mri = sitk.GetImageFromArray(values.astype(np.float32))
        mri.CopyInformation(ctImage)
        line = np.array([[[55.0, -17.0, 0.0], [55.0, 17.0, 0.0]]])
        node, result = self.logic.segment(
            [self.placed(mri, "flair")], TumorInteraction(lines=line), ctNode=ctNode, keepCavity=True
        )
        labels = sitk.GetArrayFromImage(result.labelImage) > 0
        self.assertLess((labels & ~cavity).sum(), 0.05 * labels.sum())
        segmentation = node.GetSegmentation()
        self.assertEqual(segmentation.GetNthSegment(1).GetName(), CAVITY_NAME)
        self.assertEqual(labelImageFromSegmentation(node, mri)[1], result.segments)

    def test_a_ct_without_bone_is_left_aside_with_a_warning(self):
        image, _ = headWithBall()
        ctNode = self.placed(image, "ct")
        _, result = self.logic.segment([self.placed(image, "flair")], TumorInteraction(lines=ACROSS), ctNode=ctNode)
        self.assertRegex(" ".join(result.warnings), "not limited to the inside of the skull")

    def test_measurements_become_a_table_and_two_lines(self):
        image, _ = headWithBall()
        node, result = self.logic.segment([self.placed(image, "flair")], TumorInteraction(lines=ACROSS))
        measurements = measureTumor(result.labelImage, {"flair": image})
        table, lines = self.logic.showMeasurements(measurements, node)
        self.assertEqual(table.GetNumberOfRows(), 2)
        titles = [table.GetColumnName(i) for i in range(table.GetNumberOfColumns())]
        self.assertLessEqual({"segment", "volume_ml", "bidimensional_product_mm2", "flair mean"}, set(titles))
        self.assertAlmostEqual(
            float(table.GetCellText(0, titles.index("volume_ml"))), measurements.total.volumeMl, delta=0.01
        )
        self.assertEqual(len(lines), 2)
        _, ends, _ = definedPointsFromMarkups(lines[0])
        self.assertAlmostEqual(
            float(np.linalg.norm(ends[1] - ends[0])), measurements.total.axialDiameter.lengthMm, places=4
        )

    def test_a_second_outline_replaces_the_first_in_the_same_node(self):
        image, _ = headWithBall()
        volumeNode = self.placed(image, "flair")
        node, _ = self.logic.segment([volumeNode], TumorInteraction(lines=ACROSS))
        again, _ = self.logic.segment(
            [volumeNode], TumorInteraction(lines=ACROSS), SegmentationSettings(), segmentationNode=node
        )
        self.assertIs(again, node)
        self.assertEqual(node.GetSegmentation().GetNumberOfSegments(), 1)
        self.assertEqual(imageFromVolumeNode(volumeNode).GetSize(), image.GetSize())


class TestSequenceNames(unittest.TestCase):
    def test_names_tell_the_sequence(self):
        for name, sequence in (
            ("Brats18_TCIA01_flair", MrSequence.flair),
            ("mr_t1c", MrSequence.t1c),
            ("x_t1ce", MrSequence.t1c),
            ("MRBrainT1", MrSequence.t1),
            ("T1 post contrast", MrSequence.t1c),
            ("MRBrainT2", MrSequence.t2),
            ("t2_flair", MrSequence.flair),
            ("mri", MrSequence.unknown),
        ):
            self.assertIs(sequenceOfName(name), sequence, name)


def _tag(segment, name: str) -> tuple[bool, str]:
    """Return whether a segment has a tag, and its value."""
    import vtk

    value = vtk.reference("")
    found = segment.GetTag(name, value)
    return bool(found), str(value)


if __name__ == "__main__":
    unittest.main()
