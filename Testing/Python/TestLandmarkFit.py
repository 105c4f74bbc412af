"""The closed-form fits against known transforms, against SimpleITK, and against useless landmarks."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Transforms import TransformModel, transformPoints
from MedFusionLib.Core.Landmarks.LandmarkFit import fitLandmarks
from scipy.spatial.transform import Rotation

POINTS = np.array([[-30, 55, -10], [30, 55, -10], [0, 85, -30], [-70, -5, -25], [70, -5, -25], [0, -95, 10]], float)
TARGETS = np.array([[0, -10, 90], [50, -40, 50], [0, 0, 0]], float)


def turned(points, degrees=(10, -20, 170), scale=1.0, shift=(12, -30, 55)):
    return scale * Rotation.from_euler("xyz", degrees, degrees=True).apply(points) + shift


class TestLandmarkFit(unittest.TestCase):
    def test_every_model_recovers_a_known_rigid_motion(self):
        for model in TransformModel:
            for degrees in ((0, 0, 0), (10, -20, 170), (0, 180, 0), (0, 90, 0), (180, 0, 0)):
                transform = fitLandmarks(POINTS, turned(POINTS, degrees), model)
                error = transformPoints(transform, TARGETS) - turned(TARGETS, degrees)
                self.assertLess(np.abs(error).max(), 1e-5, (model, degrees))

    def test_similarity_and_affine_recover_a_known_scale(self):
        for model in (TransformModel.similarity, TransformModel.affine, TransformModel.thinPlateSpline):
            error = transformPoints(fitLandmarks(POINTS, turned(POINTS, scale=1.2), model), TARGETS)
            np.testing.assert_allclose(error, turned(TARGETS, scale=1.2), atol=1e-5)

    def test_rigid_fit_equals_the_landmark_initializer_of_itk(self):
        rng = np.random.default_rng(2)
        moving = turned(POINTS) + rng.normal(0, 2, POINTS.shape)
        reference = sitk.LandmarkBasedTransformInitializer(
            sitk.VersorRigid3DTransform(), POINTS.ravel().tolist(), moving.ravel().tolist()
        )
        np.testing.assert_allclose(
            transformPoints(fitLandmarks(POINTS, moving), TARGETS), transformPoints(reference, TARGETS), atol=1e-6
        )

    def test_affine_fit_equals_the_landmark_initializer_of_itk(self):
        rng = np.random.default_rng(3)
        moving = turned(POINTS) + rng.normal(0, 2, POINTS.shape)
        reference = sitk.LandmarkBasedTransformInitializer(
            sitk.AffineTransform(3), POINTS.ravel().tolist(), moving.ravel().tolist()
        )
        own = fitLandmarks(POINTS, moving, TransformModel.affine)
        np.testing.assert_allclose(transformPoints(own, TARGETS), transformPoints(reference, TARGETS), atol=1e-6)

    def test_thin_plate_spline_meets_every_landmark(self):
        rng = np.random.default_rng(4)
        moving = turned(POINTS) + rng.normal(0, 2, POINTS.shape)
        transform = fitLandmarks(POINTS, moving, TransformModel.thinPlateSpline)
        self.assertLess(np.abs(transformPoints(transform, POINTS) - moving).max(), 1e-6)

    def test_weights_equal_repeated_landmarks(self):
        rng = np.random.default_rng(5)
        moving = turned(POINTS) + rng.normal(0, 2, POINTS.shape)
        for model in (TransformModel.rigid, TransformModel.similarity, TransformModel.affine):
            weighted = fitLandmarks(POINTS, moving, model, np.array([1, 1, 1, 1, 1, 0.0]))
            fewer = fitLandmarks(POINTS[:5], moving[:5], model)
            np.testing.assert_allclose(transformPoints(weighted, TARGETS), transformPoints(fewer, TARGETS), atol=1e-6)

    def assertRefused(self, pattern, fixedPoints, movingPoints, model=TransformModel.rigid, weights=None):
        with self.assertRaisesRegex(ValueError, pattern):
            fitLandmarks(fixedPoints, movingPoints, model, weights)

    def test_too_few_landmarks_are_refused(self):
        for model in TransformModel:
            few = POINTS[: model.minimumPairs - 1]
            self.assertRefused("at least", few, turned(few), model)
        self.assertRefused("at least 3", np.zeros((0, 3)), np.zeros((0, 3)))

    def test_unequal_counts_are_refused(self):
        self.assertRefused("equally many points", POINTS, POINTS[:4])

    def test_collinear_landmarks_are_refused(self):
        rng = np.random.default_rng(6)
        line = np.outer(np.linspace(0, 150, 6), [0.6, 0.8, 0.0]) + rng.normal(0, 0.5, (6, 3))
        self.assertRefused("on a line", line, turned(line))

    def test_coplanar_landmarks_are_refused_for_affine_and_spline_only(self):
        plane = POINTS * [1, 1, 0]
        fitLandmarks(plane, turned(plane))
        for model in (TransformModel.affine, TransformModel.thinPlateSpline):
            self.assertRefused("in a plane", plane, turned(plane), model)

    def test_landmarks_at_the_same_place_are_refused(self):
        double = POINTS.copy()
        double[3] = double[1]
        self.assertRefused("2 and 4 .* same place", double, turned(POINTS))

    def test_mirrored_landmarks_are_refused(self):
        mirrored = turned(POINTS * [1, 1, -1])
        for model in TransformModel:
            self.assertRefused("mirror", POINTS, mirrored, model)

    def test_noise_on_nearly_flat_landmarks_never_makes_a_mirror_image(self):
        flat, rng, mirroring = POINTS * [1, 1, 0.03], np.random.default_rng(8), 0
        for _ in range(50):
            moving = turned(flat + rng.normal(0, 2, flat.shape))
            for model in (TransformModel.rigid, TransformModel.similarity):
                matrix = np.reshape(fitLandmarks(flat, moving, model).GetMatrix(), (3, 3))
                self.assertGreater(np.linalg.det(matrix), 0)
            offsets = [points - points.mean(axis=0) for points in (flat, moving)]
            mirroring += np.linalg.det(offsets[1].T @ offsets[0]) < 0
        self.assertGreater(mirroring, 5)

    def test_a_scale_far_from_one_is_refused(self):
        self.assertRefused("scale the image", POINTS, turned(POINTS, scale=10.0), TransformModel.similarity)

    def test_positions_that_are_not_numbers_and_bad_weights_are_refused(self):
        bad = POINTS.copy()
        bad[0, 0] = np.nan
        self.assertRefused("not a number", bad, POINTS)
        self.assertRefused("weights", POINTS, POINTS, weights=np.array([1, 1, 1, 1, 1, -1.0]))
