"""Segments are told by their tissue, whatever they are called."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
from MedFusionLib.Core.Inputs.SegmentationFiles import readSegmentation
from MedFusionLib.Core.Tumor.Segments import (
    Segment,
    SegmentUnion,
    TumorTissue,
    membersOf,
    segmentsOfNames,
    tissueOfName,
)
from MedFusionLib.Scene.NodeFiles import loadSegmentation, saveNode
from MedFusionLib.Scene.SegmentationNodes import (
    addSegment,
    copyOnGrid,
    labelImageFromSegmentation,
    segmentsOfNode,
    setSegmentationLabels,
    tagSegment,
)

COLOR = (1.0, 0.0, 0.0)


def labelsOf(*values: int) -> sitk.Image:
    """Return cubes of labels in a row."""
    array = np.zeros((6, 6, 4 * len(values) + 2), np.uint8)
    for number, value in enumerate(values):
        array[1:4, 1:4, 4 * number + 1 : 4 * number + 4] = value
    return sitk.GetImageFromArray(array)


class TestSegments(unittest.TestCase):
    def test_english_names_of_other_programs_tell_the_tissue(self):
        for name, tissue in (
            ("Peritumoral edema", TumorTissue.edema),
            ("ED", TumorTissue.edema),
            ("NCR", TumorTissue.necrosis),
            ("necrotic_core", TumorTissue.necrosis),
            ("Non-enhancing tumor", TumorTissue.nonEnhancing),
            ("enhancing tumor", TumorTissue.enhancing),
            ("ET", TumorTissue.enhancing),
            ("Tumor core", TumorTissue.core),
            ("whole_tumor", TumorTissue.wholeTumor),
            ("Metastasis", TumorTissue.tumor),
            ("Segment_4", TumorTissue.tumor),
        ):
            self.assertIs(tissueOfName(name), tissue, name)

    def test_several_undivided_tumors_are_a_lesion_each_and_parts_are_one(self):
        lesions = [segment.lesion for segment in segmentsOfNames({1: "Met left", 2: "Met right"})]
        self.assertEqual(lesions, [1, 2])
        parts = segmentsOfNames({1: "Necrosis", 2: "Edema", 4: "Enhancing tumor"})
        self.assertEqual([segment.lesion for segment in parts], [1, 1, 1])
        numbered = segmentsOfNames({1: "Edema 1", 2: "Enhancing tumor 1", 3: "Edema 2"})
        self.assertEqual([segment.lesion for segment in numbered], [1, 1, 2])

    def test_equal_names_are_kept_apart(self):
        self.assertEqual(membersOf([Segment(1, "A"), SegmentUnion((1, 2), "A")]), {"A": (1,), "A (2)": (1, 2)})

    def test_tissue_lesion_and_value_outlive_a_translation_and_a_file(self):
        scene = slicer.vtkMRMLScene()
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
        parts = (
            Segment(1, "Nekrose", TumorTissue.necrosis, 2),
            Segment(2, "Ödem", TumorTissue.edema, 2),
            Segment(4, "Tumorrand", TumorTissue.enhancing, 2),
        )
        union = SegmentUnion((1, 2, 4), "Ganzer Tumor", TumorTissue.wholeTumor, 2)
        labelImage = labelsOf(1, 2, 4)
        setSegmentationLabels(node, labelImage, parts, dict.fromkeys((1, 2, 4), COLOR))
        tagSegment(addSegment(node, sitk.Cast(labelImage > 0, sitk.sitkUInt8), union.name, COLOR), union)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tumor.seg.nrrd"
            saveNode(node, path)
            back = loadSegmentation(scene, path)
        labels, segments = labelImageFromSegmentation(back, labelImage)
        self.assertEqual(segments, parts)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(labelImage))
        self.assertIn(union, segmentsOfNode(back).values())

    def test_a_segment_drawn_beside_ours_gets_a_free_label(self):
        scene = slicer.vtkMRMLScene()
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
        labelImage = labelsOf(1, 2, 3)
        setSegmentationLabels(node, labelImage, (Segment(1, "a"), Segment(3, "b")), dict.fromkeys((1, 3), COLOR))
        addSegment(node, sitk.Cast(labelImage == 2, sitk.sitkUInt8), "drawn by hand", COLOR)
        labels, segments = labelImageFromSegmentation(node, labelImage)
        self.assertEqual({segment.name: segment.value for segment in segments}, {"a": 1, "b": 3, "drawn by hand": 2})
        np.testing.assert_array_equal(sitk.GetArrayFromImage(labels), sitk.GetArrayFromImage(labelImage))

    def test_a_copy_takes_the_grid_of_an_image_however_far_the_patient_lies(self):
        scene = slicer.vtkMRMLScene()
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
        labelImage = labelsOf(1, 2)
        pose = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.5, -0.6, 0.7, (40.0, 50.0, -3000.0))
        parts = (Segment(1, "a", TumorTissue.necrosis), Segment(2, "b", TumorTissue.edema))
        setSegmentationLabels(node, labelImage, parts, dict.fromkeys((1, 2), COLOR))
        image = sitk.Image((40, 36, 30), sitk.sitkInt16)
        image.SetSpacing((0.4, 0.4, 0.5))
        image.SetDirection(pose.GetInverse().GetMatrix())
        image.SetOrigin(pose.GetInverse().TransformPoint((-1.0, -4.0, -4.0)))
        copy = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "copy")
        copyOnGrid(node, copy, image, pose)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tumor.seg.nrrd"
            saveNode(copy, path)
            read = readSegmentation(path)
        self.assertEqual(read.labelImage.GetSize(), image.GetSize())
        np.testing.assert_allclose(read.labelImage.GetOrigin(), image.GetOrigin(), atol=1e-6)
        self.assertEqual(read.segments, parts)
        expected = sitk.Resample(labelImage, image, pose, sitk.sitkNearestNeighbor)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(read.labelImage), sitk.GetArrayFromImage(expected))
        self.assertEqual(int((sitk.GetArrayFromImage(read.labelImage) == 1).any()), 1)


if __name__ == "__main__":
    unittest.main()
