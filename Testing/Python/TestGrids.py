"""The ground that images stand on: grids and their points, transforms as matrices, spread without outliers."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Grids import (
    boxAround,
    coarseGrid,
    cornerPoints,
    emptyImage,
    gridWithSpacing,
    imageBounds,
    imageCenter,
    imagePart,
    indexRange,
    indicesAt,
    isInside,
    isSameGrid,
    pointsAt,
    voxelPoints,
)
from MedFusionLib.Core.Images.Intensities import robustSpread
from MedFusionLib.Core.Images.Transforms import (
    TransformModel,
    affineFromMatrix,
    matrixFromTransform,
    matrixTransform,
    poseOf,
    transformPoints,
)
from scipy.spatial.transform import Rotation


def obliqueImage() -> sitk.Image:
    """Return an image whose axes are turned, with three different spacings."""
    turn = Rotation.from_euler("xyz", (20, -35, 50), degrees=True).as_matrix()
    return emptyImage((7, 5, 4), (0.7, 1.1, 2.9), (12.0, -30.0, 5.5), turn)


class TestGrids(unittest.TestCase):
    def test_points_and_indices_are_those_that_itk_gives(self):
        image = obliqueImage()
        indices = np.random.default_rng(1).uniform(-2, 8, (20, 3))
        expected = [image.TransformContinuousIndexToPhysicalPoint(index) for index in indices.tolist()]
        np.testing.assert_allclose(pointsAt(image, indices), expected, atol=1e-10)
        np.testing.assert_allclose(indicesAt(image, expected), indices, atol=1e-10)
        self.assertEqual(voxelPoints(image).shape, (4, 5, 7, 3))
        np.testing.assert_allclose(voxelPoints(image)[3, 1, 6], pointsAt(image, (6, 1, 3)), atol=1e-10)

    def test_a_point_is_inside_up_to_the_outer_faces_of_the_voxels(self):
        image = obliqueImage()
        points = pointsAt(image, [(-0.4, 0, 0), (-0.6, 0, 0), (6.4, 4.4, 3.4), (6.4, 4.4, 3.6)])
        self.assertEqual(isInside(image, points).tolist(), [True, False, True, False])

    def test_bounds_hold_all_corners_and_the_center_is_midway(self):
        image = obliqueImage()
        low, high = imageBounds(image)
        self.assertTrue(((cornerPoints(image) > low) & (cornerPoints(image) < high)).all())
        np.testing.assert_allclose(imageCenter(image), (low + high) / 2, atol=1e-10)
        np.testing.assert_allclose(imageCenter(image), cornerPoints(image).mean(axis=0), atol=1e-10)

    def test_the_part_around_points_holds_them_and_stays_in_the_image(self):
        image = obliqueImage()
        start, stop = indexRange(image, pointsAt(image, [(1.5, 2.2, 1.1), (3.2, 2.4, 9.0)]))
        self.assertEqual((start.tolist(), stop.tolist()), ([1, 2, 1], [5, 4, 4]))
        part = imagePart(image, start, stop)
        np.testing.assert_allclose(part.GetOrigin(), pointsAt(image, start), atol=1e-10)
        start, stop = indexRange(image, pointsAt(image, [(50, 50, 50)]))  # nowhere near: one voxel is left
        self.assertEqual((stop - start).tolist(), [1, 1, 1])

    def test_a_box_reaches_no_further_than_the_array(self):
        mask = np.zeros((6, 6, 6), bool)
        mask[0, 3, 4:] = True
        self.assertEqual(boxAround(mask), (slice(0, 1), slice(3, 4), slice(4, 6)))
        self.assertEqual(boxAround(mask, 2), (slice(0, 3), slice(1, 6), slice(2, 6)))

    def test_a_grid_of_other_voxels_fills_the_same_box(self):
        image = emptyImage((12, 8, 5), (1.0, 1.5, 3.0), (4.0, 5.0, 6.0), np.diag((1.0, -1.0, -1.0)))
        for other in (gridWithSpacing(image, (0.5, 1.0, 1.5)), gridWithSpacing(image, (2.0, 3.0, 3.0))):
            np.testing.assert_allclose(imageBounds(other), imageBounds(image), atol=1e-10)
        self.assertTrue(isSameGrid(gridWithSpacing(image, image.GetSpacing()), image))
        self.assertFalse(isSameGrid(gridWithSpacing(image, (2.0, 3.0, 3.0)), image))
        np.testing.assert_allclose(
            np.sort(cornerPoints(coarseGrid(image, 4.0)), axis=0), np.sort(cornerPoints(image), axis=0)
        )
        for spacing in ((0, 1, 1), (1, 1, float("nan")), (1, 1)):
            with self.assertRaisesRegex(ValueError, "three positive numbers"):
                gridWithSpacing(image, spacing)


class TestTransforms(unittest.TestCase):
    def test_a_matrix_survives_the_way_through_every_class_of_transform(self):
        turn = Rotation.from_euler("xyz", (5, 10, -20), degrees=True).as_matrix()
        offset, center = np.array([3.0, -7.0, 11.0]), np.array([40.0, 20.0, -10.0])
        points = np.random.default_rng(2).uniform(-90, 90, (9, 3))
        for model, matrix in (
            (TransformModel.rigid, turn),
            (TransformModel.similarity, 1.1 * turn),
            (TransformModel.affine, turn @ np.diag((1.1, 0.9, 1.0))),
        ):
            with self.subTest(model):
                transform = matrixTransform(matrix, offset, center, model)
                expected = points @ matrix.T + offset
                np.testing.assert_allclose(transformPoints(transform, points), expected, atol=1e-9)
                np.testing.assert_allclose(poseOf(transform).apply(points), expected, atol=1e-9)
                again = affineFromMatrix(matrixFromTransform(transform))
                np.testing.assert_allclose(transformPoints(again, points), expected, atol=1e-9)

    def test_no_transform_and_no_points_are_left_as_they_are(self):
        points = np.array([[1.0, 2.0, 3.0]])
        np.testing.assert_array_equal(transformPoints(None, points), points)
        self.assertEqual(transformPoints(sitk.Transform(), np.zeros((0, 3))).shape, (0, 3))


class TestIntensities(unittest.TestCase):
    def test_outliers_do_not_change_the_spread_of_normal_values(self):
        values = np.random.default_rng(3).normal(40.0, 7.0, 20001)
        self.assertAlmostEqual(robustSpread(values), 7.0, delta=0.2)
        values[:1000] = 1e6
        self.assertAlmostEqual(robustSpread(values), 7.0, delta=0.7)
        self.assertAlmostEqual(robustSpread(values, 40.0), 7.0, delta=0.7)


if __name__ == "__main__":
    unittest.main()
