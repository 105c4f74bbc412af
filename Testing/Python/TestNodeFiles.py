"""Nodes survive being written to a file and read again, in every format that MedFusion promises."""

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Inputs.TransformFiles import readTransform
from MedFusionLib.Core.Inputs.VolumeFiles import readVolume, volumeName
from MedFusionLib.Core.Tumor.Segments import segmentsOfNames
from MedFusionLib.Scene.NodeFiles import addVolume, loadMarkups, loadSegmentation, saveNode, saveScene
from MedFusionLib.Scene.SegmentationNodes import labelImageFromSegmentation, setSegmentationLabels
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.VolumeNodes import (
    definedPointsFromMarkups,
    imageFromVolumeNode,
    setMarkupsPoints,
    setTransformNode,
)
from MedFusionTesting import sharedData


def obliqueImage(pixelType: int = sitk.sitkInt16) -> sitk.Image:
    image = sitk.Cast(sitk.GetImageFromArray(np.arange(5 * 6 * 7).reshape(5, 6, 7) % 120), pixelType)
    euler = sitk.Euler3DTransform()
    euler.SetRotation(0.3, -0.2, 0.5)
    image.SetDirection(euler.GetMatrix())
    image.SetSpacing((0.7, 1.1, 3.0))
    image.SetOrigin((12.0, -34.0, 56.0))
    return image


class TestNodeFiles(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.session = Session()
        self.addCleanup(self.session.close)
        self.scene = self.session.scene

    def test_a_volume_keeps_voxels_and_geometry_in_every_format(self):
        image = obliqueImage()
        node = addVolume(self.scene, image, "volume")
        for extension in (".nrrd", ".nii", ".nii.gz", ".mha"):
            with self.subTest(extension):
                path = self.folder / f"volume{extension}"
                saveNode(node, path)
                back = readVolume(path).image
                np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))
                np.testing.assert_allclose(back.GetDirection(), image.GetDirection(), atol=1e-5)
                np.testing.assert_allclose(back.GetSpacing(), image.GetSpacing(), atol=1e-5)
                np.testing.assert_allclose(back.GetOrigin(), image.GetOrigin(), atol=1e-4)

    def test_a_four_dimensional_file_with_one_volume_is_that_volume(self):
        image = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(1, 4, 5, 6)), isVector=False)
        sitk.WriteImage(image, str(self.folder / "one.nii.gz"))
        self.assertEqual(readVolume(self.folder / "one.nii.gz").image.GetSize(), (6, 5, 4))

    def test_stray_values_that_are_no_numbers_become_background(self):
        array = np.random.default_rng(0).normal(size=(4, 5, 6)).astype(np.float32)
        array[0, 0, :] = np.nan
        sitk.WriteImage(sitk.GetImageFromArray(array), str(self.folder / "some.nrrd"))
        image = readVolume(self.folder / "some.nrrd").image
        self.assertEqual(image[0, 0, 0], np.nanmin(array))

    def test_landmarks_keep_labels_and_world_points(self):
        node = self.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "landmarks")
        points = np.array([[1.5, -2.5, 3.5], [100, 200, -300]])
        setMarkupsPoints(node, points, ["Nasion", 'Ärger, "quoted"'])
        saveNode(node, self.folder / "landmarks.mrk.json")
        labels, found, placed = definedPointsFromMarkups(loadMarkups(self.scene, self.folder / "landmarks.mrk.json"))
        self.assertEqual((labels, placed), (["Nasion", 'Ärger, "quoted"'], [True, True]))
        np.testing.assert_allclose(found, points, atol=1e-4)

    def test_a_transform_keeps_what_it_does_to_points_and_its_direction(self):
        transform = sitk.Euler3DTransform()
        transform.SetCenter((10, 20, 30))
        transform.SetRotation(0.1, 0.2, -0.3)
        transform.SetTranslation((4, 5, 6))
        for extension in (".h5", ".tfm"):
            with self.subTest(extension):
                sitk.WriteTransform(transform, str(self.folder / f"first{extension}"))
                node = self.scene.AddNewNodeByClass("vtkMRMLTransformNode")
                setTransformNode(node, readTransform(self.folder / f"first{extension}"))
                saveNode(node, self.folder / f"second{extension}")
                back = readTransform(self.folder / f"second{extension}")
                for point in ((0, 0, 0), (50, -60, 70)):
                    np.testing.assert_allclose(back.TransformPoint(point), transform.TransformPoint(point), atol=1e-6)

    def test_a_damaged_transform_that_crashes_the_hdf5_library_is_refused(self):
        sitk.WriteTransform(sitk.Euler3DTransform(), str(self.folder / "sound.h5"))
        data = bytearray((self.folder / "sound.h5").read_bytes())
        data[data.index(b"Euler3D") - 5] = 0xFF  # the text's length, far beyond the file
        for name in ("damaged.h5", "damaged.tfm"):
            path = self.folder / name
            path.write_bytes(data)
            with self.subTest(name):
                code = f"import SimpleITK; SimpleITK.ReadTransform({str(path)!r})"
                crash = subprocess.run([sys.executable, "-c", code], capture_output=True).returncode
                self.assertNotIn(crash, (0, 1), "the file crashes no interpreter, so it tests nothing")
                with self.assertRaisesRegex(ValueError, "could not be read as an ITK transform"):
                    readTransform(path)

    def test_a_segmentation_keeps_its_segments(self):
        labelImage = sitk.Modulus(sitk.Cast(obliqueImage(), sitk.sitkUInt8), 3)
        node = self.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
        setSegmentationLabels(node, labelImage, segmentsOfNames({1: "core", 2: "edema"}), {1: (1, 0, 0), 2: (0, 0, 1)})
        saveNode(node, self.folder / "tumor.seg.nrrd")
        back, segments = labelImageFromSegmentation(
            loadSegmentation(self.scene, self.folder / "tumor.seg.nrrd"), labelImage
        )
        self.assertEqual(segments, segmentsOfNames({1: "core", 2: "edema"}))
        np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(labelImage))

    def test_a_scene_returns_with_its_nodes(self):
        addVolume(self.scene, obliqueImage(), "volume")
        saveScene(self.scene, self.folder / "scene.mrb")
        with Session() as other:
            other.loadScene(self.folder / "scene.mrb")
            node = other.scene.GetFirstNode("volume", "vtkMRMLScalarVolumeNode")
            self.assertEqual(imageFromVolumeNode(node)[3, 2, 1], obliqueImage()[3, 2, 1])

    def test_files_that_are_missing_or_something_else_are_refused_in_a_sentence(self):
        text = self.folder / "text.h5"
        text.write_text("no transform")
        for function, message in (
            (lambda _, path: readTransform(path), "transform"),
            (loadSegmentation, "segmentation"),
            (loadMarkups, "landmark|markups"),
            (lambda _, path: readVolume(path), "volume"),
        ):
            for path in (text, self.folder / "missing"):
                with self.subTest(f"{message} {path.name}"):
                    count = self.scene.GetNumberOfNodes()
                    with self.assertRaisesRegex(ValueError, message):
                        function(self.scene, path)
                    self.assertEqual(self.scene.GetNumberOfNodes(), count)

    def test_a_file_that_cannot_be_written_is_an_error(self):
        node = addVolume(self.scene, obliqueImage(), "volume")
        (self.folder / "file").write_text("")
        with self.assertRaisesRegex(RuntimeError, "could not be written"):
            saveNode(node, self.folder / "file" / "volume.nrrd")

    def test_a_volume_is_named_by_its_file(self):
        self.assertEqual(volumeName("folder/head.nii.gz"), "head")
        self.assertEqual(volumeName("T1.post.nrrd"), "T1.post")

    def test_real_volumes_open(self):
        for parts in (("mridir", "ct.nrrd"), ("aanlib", "case41_toxoplasmosis", "CT.nii.gz")):
            self.assertGreater(readVolume(sharedData(*parts)).image.GetNumberOfPixels(), 5 * 10**5)


if __name__ == "__main__":
    unittest.main()
