"""Voxels, points and transforms keep their place when they cross between MRML and SimpleITK."""

import gc
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Images.Transforms import matrixFromTransform, transformPoints
from MedFusionLib.Core.Tumor.Segments import segmentsOfNames
from MedFusionLib.Scene.NodeFiles import addVolume, discard
from MedFusionLib.Scene.SegmentationNodes import labelImageFromSegmentation, setSegmentationLabels
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.VolumeNodes import (
    definedPointsFromMarkups,
    hardenedLabels,
    imageFromVolumeNode,
    relativeTransform,
    setMarkupsPoints,
    setTransformNode,
    setVolumeNodeImage,
    worldToNodeTransform,
)


def obliqueImage(flipped: bool = False, pixelType: int = sitk.sitkInt16) -> sitk.Image:
    """Return a small anisotropic oblique image, optionally with two axes turned round, with distinct voxels."""
    random = np.random.default_rng(5)
    image = sitk.Cast(sitk.GetImageFromArray(random.integers(0, 100, (5, 7, 9))), pixelType)
    euler = sitk.Euler3DTransform()
    euler.SetRotation(0.3, -0.2, 0.5)
    direction = np.reshape(euler.GetMatrix(), (3, 3))
    if flipped:
        direction = direction @ np.diag([-1, 1, -1])
    image.SetDirection(direction.ravel().tolist())
    image.SetSpacing((0.7, 1.1, 3.0))
    image.SetOrigin((12.0, -34.0, 56.0))
    return image


def euler(angles: tuple, translation: tuple, center: tuple = (0, 0, 0)) -> sitk.Transform:
    transform = sitk.Euler3DTransform()
    transform.SetCenter(center)
    transform.SetRotation(*angles)
    transform.SetTranslation(translation)
    return transform


class TestVolumeNodes(unittest.TestCase):
    def setUp(self) -> None:
        self.session = Session()
        self.addCleanup(self.session.close)
        self.scene = self.session.scene

    def test_an_image_returns_from_its_node_unchanged(self):
        pixelTypes = (sitk.sitkInt8, sitk.sitkUInt8, sitk.sitkInt16, sitk.sitkUInt16, sitk.sitkInt32, sitk.sitkUInt32)
        for flipped in (False, True):
            for pixelType in (*pixelTypes, sitk.sitkFloat32, sitk.sitkFloat64):
                image = obliqueImage(flipped, pixelType)
                back = imageFromVolumeNode(addVolume(self.scene, image, "volume"))
                self.assertEqual(back.GetPixelID(), image.GetPixelID())
                np.testing.assert_array_equal(sitk.GetArrayFromImage(back), sitk.GetArrayFromImage(image))
                np.testing.assert_allclose(back.GetDirection(), image.GetDirection(), atol=1e-12)
                np.testing.assert_allclose(back.GetSpacing(), image.GetSpacing())
                np.testing.assert_allclose(back.GetOrigin(), image.GetOrigin())

    def test_a_voxel_has_the_same_place_in_slicer_and_in_itk(self):
        image = obliqueImage(flipped=True)
        node = addVolume(self.scene, image, "volume")
        matrix = vtk.vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        ras = matrix.MultiplyPoint((3, 2, 4, 1))[:3]
        np.testing.assert_allclose(flipPoints(ras), image.TransformIndexToPhysicalPoint((3, 2, 4)), atol=1e-9)
        self.assertEqual(node.GetImageData().GetScalarComponentAsDouble(3, 2, 4, 0), image[3, 2, 4])

    def test_changing_the_image_copy_leaves_the_node_alone(self):
        node = addVolume(self.scene, obliqueImage(), "volume")
        image = imageFromVolumeNode(node)
        image[0, 0, 0] = image[0, 0, 0] + 1
        self.assertNotEqual(imageFromVolumeNode(node)[0, 0, 0], image[0, 0, 0])

    def test_changing_the_image_afterwards_leaves_the_node_alone(self):
        image = obliqueImage()
        expected = sitk.GetArrayFromImage(image)
        node = addVolume(self.scene, image, "volume")
        image[0, 0, 0] = 77
        image *= 3
        del image
        gc.collect()
        sitk.GetImageFromArray(np.full((200, 200, 20), 9, np.int16))  # would land in freed memory
        np.testing.assert_array_equal(sitk.GetArrayFromImage(imageFromVolumeNode(node)), expected)

    def test_a_node_and_the_images_that_come_from_it_share_their_memory(self):
        image = obliqueImage()
        node = addVolume(self.scene, image, "volume")
        del image
        first, second = imageFromVolumeNode(node), imageFromVolumeNode(node)
        voxels = slicer.util.arrayFromVolume(node)
        self.assertFalse(first.IsUnique())
        del second
        discard(self.scene, node)
        del node, voxels
        gc.collect()
        self.assertTrue(first.IsUnique())
        np.testing.assert_array_equal(sitk.GetArrayFromImage(first), sitk.GetArrayFromImage(obliqueImage()))

    def test_voxels_changed_in_the_node_are_in_its_next_image(self):
        node = addVolume(self.scene, obliqueImage(), "volume")
        imageFromVolumeNode(node)
        slicer.util.arrayFromVolume(node)[1, 2, 3] = 1234
        self.assertEqual(imageFromVolumeNode(node)[3, 2, 1], 1234)
        other = np.arange(24, dtype=np.float32).reshape(2, 3, 4)
        slicer.util.updateVolumeFromArray(node, other)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(imageFromVolumeNode(node)), other)

    def test_a_geometry_changed_in_the_node_is_that_of_its_next_image(self):
        node = addVolume(self.scene, obliqueImage(), "volume")
        node.SetSpacing(0.7, 1.1, 3.1)
        np.testing.assert_allclose(imageFromVolumeNode(node).GetSpacing(), (0.7, 1.1, 3.1))
        node.SetOrigin(1, 2, 3)
        np.testing.assert_allclose(imageFromVolumeNode(node).GetOrigin(), (-1, -2, 3))

    def test_two_nodes_of_one_image_do_not_share_their_memory(self):
        image = obliqueImage()
        first, second = (addVolume(self.scene, image, name) for name in ("first", "second"))
        third = addVolume(self.scene, imageFromVolumeNode(first), "third")
        slicer.util.arrayFromVolume(first)[:] = 0
        for node in (second, third):
            np.testing.assert_array_equal(
                sitk.GetArrayFromImage(imageFromVolumeNode(node)), sitk.GetArrayFromImage(obliqueImage())
            )

    def test_a_node_without_voxels_is_refused_in_a_sentence(self):
        node = self.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Empty one")
        with self.assertRaisesRegex(ValueError, '"Empty one" holds no voxels'):
            imageFromVolumeNode(node)

    def test_a_registration_shows_the_moving_volume_at_the_fixed_points(self):
        transform = euler((0.2, -0.1, 0.3), (5, -7, 11), (20, 30, -10))
        transformNode = self.scene.AddNewNodeByClass("vtkMRMLTransformNode", "registration")
        setTransformNode(transformNode, transform)
        node = addVolume(self.scene, obliqueImage(), "moving")
        node.SetAndObserveTransformNodeID(transformNode.GetID())
        fixedPoint = np.array([3.0, -4.0, 25.0])
        movingPoint = np.array(transform.TransformPoint(fixedPoint))
        shownAt = np.zeros(4)
        toWorld = vtk.vtkMatrix4x4()
        transformNode.GetMatrixTransformToWorld(toWorld)
        toWorld.MultiplyPoint((*flipPoints(movingPoint), 1.0), shownAt)
        np.testing.assert_allclose(flipPoints(shownAt[:3]), fixedPoint, atol=1e-9)
        toNode = worldToNodeTransform(node, obliqueImage())
        np.testing.assert_allclose(transformPoints(toNode, [fixedPoint])[0], movingPoint, atol=1e-9)

    def test_a_bent_registration_survives_as_a_grid_and_is_sampled_back(self):
        displacement = np.zeros((12, 12, 12, 3))
        displacement[..., 0] = np.linspace(0, 3, 12)[None, None, :]
        displacement[..., 2] = np.linspace(-2, 2, 12)[:, None, None]
        field = sitk.GetImageFromArray(displacement, isVector=True)
        field.SetOrigin((-30, -20, -10))
        field.SetSpacing((6, 6, 6))
        transform = sitk.DisplacementFieldTransform(sitk.Image(field))
        transformNode = self.scene.AddNewNodeByClass("vtkMRMLTransformNode", "bent")
        setTransformNode(transformNode, transform)
        node = addVolume(self.scene, obliqueImage(), "moving")
        node.SetAndObserveTransformNodeID(transformNode.GetID())
        reference = sitk.Image([20, 20, 20], sitk.sitkUInt8)
        reference.SetOrigin((-15, -5, 5))
        for point in ([-5.0, 3.0, 15.0], [1.0, 9.0, 20.0]):
            expected = np.array(transform.TransformPoint(point))
            found = np.array(worldToNodeTransform(node, reference).TransformPoint(point))
            np.testing.assert_allclose(found, expected, atol=1e-6)

    def test_the_transform_between_two_nodes_goes_through_both_parents(self):
        nodes, toWorld = [], []
        for transform in (euler((0.1, 0, 0.2), (3, 4, 5)), euler((0, 0.3, 0), (-6, 0, 2))):
            transformNode = self.scene.AddNewNodeByClass("vtkMRMLTransformNode", "parent")
            setTransformNode(transformNode, transform)
            node = addVolume(self.scene, obliqueImage(), "volume")
            node.SetAndObserveTransformNodeID(transformNode.GetID())
            nodes.append(node)
            toWorld.append(np.linalg.inv(matrixFromTransform(transform)))
        found = matrixFromTransform(relativeTransform(nodes[0], nodes[1], obliqueImage()))
        np.testing.assert_allclose(found, np.linalg.inv(toWorld[1]) @ toWorld[0], atol=1e-9)
        self.assertIsNone(relativeTransform(nodes[0], nodes[0], obliqueImage()))

    def test_landmarks_keep_labels_places_and_tell_unset_and_hidden_ones(self):
        markups = self.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "landmarks")
        points = np.array([[1.0, 2, 3], [4, -5, 6], [7, 8, -9]])
        setMarkupsPoints(markups, points, ["a", "b", "c"])
        markups.UnsetNthControlPointPosition(1)
        markups.SetNthControlPointVisibility(2, False)
        labels, found, placed = definedPointsFromMarkups(markups)
        self.assertEqual(labels, ["a", "b", "c"])
        np.testing.assert_allclose(found[[0, 2]], points[[0, 2]])
        self.assertEqual(placed, [True, False, False])
        self.assertEqual(markups.GetNthControlPointPosition(0), (-1.0, -2.0, 3.0))

    def test_a_segmentation_returns_its_labels_on_an_oblique_grid(self):
        image = obliqueImage(flipped=True)
        labels = sitk.GetArrayFromImage(image) % 3
        labelImage = sitk.GetImageFromArray(labels.astype(np.uint8))
        labelImage.CopyInformation(image)
        node = self.scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
        setSegmentationLabels(node, labelImage, segmentsOfNames({1: "one", 2: "two"}), {1: (1, 0, 0), 2: (0, 1, 0)})
        back, segments = labelImageFromSegmentation(node, image)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(back), labels)
        self.assertEqual(segments, segmentsOfNames({1: "one", 2: "two"}))

    def test_hardening_labels_rigidly_changes_no_voxel_and_moves_every_point(self):
        labelImage = sitk.Cast(obliqueImage() > 50, sitk.sitkUInt8)
        transform = euler((0.2, 0.1, -0.3), (5, 6, 7))
        hardened = hardenedLabels(labelImage, transform, labelImage)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(hardened), sitk.GetArrayFromImage(labelImage))
        for index in ((0, 0, 0), (8, 6, 4), (3, 5, 2)):
            world = hardened.TransformIndexToPhysicalPoint(index)
            own = labelImage.TransformIndexToPhysicalPoint(index)
            np.testing.assert_allclose(transform.TransformPoint(world), own, atol=1e-9)

    def test_a_color_volume_keeps_its_three_values_per_voxel(self):
        rgb = sitk.GetImageFromArray(np.random.default_rng(1).integers(0, 255, (4, 5, 6, 3)).astype(np.uint8), True)
        node = self.scene.AddNewNodeByClass("vtkMRMLVectorVolumeNode", "color")
        setVolumeNodeImage(node, rgb)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(imageFromVolumeNode(node)), sitk.GetArrayFromImage(rgb))

    def test_the_session_leaves_nothing_behind(self):
        session = Session()
        folder = session._cacheFolder.name
        addVolume(session.scene, obliqueImage(), "volume")
        session.close()
        self.assertEqual(session.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode"), 0)
        self.assertFalse(Path(folder).exists())


if __name__ == "__main__":
    unittest.main()
