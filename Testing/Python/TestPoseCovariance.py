"""The uncertainty of a pose, against theory and against many simulated poses."""

import unittest

import numpy as np
from MedFusionLib.Core.Images.Transforms import Pose, TransformModel
from MedFusionLib.Core.Landmarks.LandmarkErrors import ErrorModel
from MedFusionLib.Core.Registration.PoseCovariance import (
    PoseCovariance,
    covarianceOfFit,
    movedPose,
    poseDifference,
    weighedPose,
)
from scipy.spatial.transform import Rotation

LANDMARKS = np.array([[-30, 55, -10], [30, 55, -10], [0, 85, -30], [-70, -5, -25], [70, -5, -25], [0, -95, 10]], float)
TARGETS = np.array([[0.0, -10.0, 90.0], [50.0, -40.0, 50.0]])
REFERENCE = Pose(Rotation.from_euler("xyz", (20, -10, 30), degrees=True).as_matrix(), np.array([5.0, -7.0, 9.0]))


def uncertainty(scale: float, freedom: float, seed: int) -> PoseCovariance:
    factor = np.random.default_rng(seed).normal(size=(6, 6)) * scale
    factor[3:] /= 70.0
    return PoseCovariance(np.array([3.0, 4.0, -5.0]), factor @ factor.T, freedom)


class TestPoseCovariance(unittest.TestCase):
    def test_that_of_landmarks_is_the_published_error(self):
        model = ErrorModel(TransformModel.rigid, LANDMARKS, np.ones(6))
        covariance = covarianceOfFit(model, 1.7)
        np.testing.assert_allclose(covariance.covariances(TARGETS), 1.7**2 * model.covariances(TARGETS))

    def test_it_says_the_same_about_every_center(self):
        covariance = uncertainty(1.0, 7, 1)
        moved = covariance.about(np.array([-40.0, 20.0, 60.0]))
        np.testing.assert_allclose(moved.covariances(TARGETS), covariance.covariances(TARGETS))

    def test_it_tells_how_simulated_poses_scatter(self):
        covariance, rng = uncertainty(0.5, 7, 2), np.random.default_rng(3)
        draws = rng.multivariate_normal(np.zeros(6), covariance.matrix, 4000)
        mapped = np.stack([movedPose(REFERENCE, draw, covariance.center).apply(TARGETS) for draw in draws])
        errors = (mapped - REFERENCE.apply(TARGETS)) @ REFERENCE.matrix  # along the fixed axes
        found = np.einsum("bni,bnj->nij", errors, errors) / len(errors)
        expected = covariance.covariances(TARGETS)
        self.assertLess(np.abs(found - expected).max(), 0.06 * np.trace(expected, axis1=1, axis2=2).max())

    def test_a_difference_of_poses_is_found_again(self):
        difference = np.array([1.0, -2.0, 0.5, 0.02, -0.01, 0.03])
        moved = movedPose(REFERENCE, difference, LANDMARKS[0])
        np.testing.assert_allclose(poseDifference(moved, REFERENCE, LANDMARKS[0]), difference)


class TestWeighedPose(unittest.TestCase):
    def test_it_lies_at_the_one_that_is_certain(self):
        vague, sure = uncertainty(1.0, 7, 4), uncertainty(1e-4, 7, 5)
        other = movedPose(REFERENCE, np.array([1.0, 2.0, 3.0, 0.01, 0.0, 0.0]), vague.center)
        pose, covariance = weighedPose((REFERENCE, vague), (other, sure))
        np.testing.assert_allclose(pose.apply(TARGETS), other.apply(TARGETS), atol=1e-3)
        np.testing.assert_allclose(covariance.covariances(TARGETS), sure.covariances(TARGETS), rtol=1e-3)

    def test_two_alike_meet_half_way_with_half_the_variance(self):
        alike = uncertainty(1.0, 7, 6)
        other = movedPose(REFERENCE, np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0]), alike.center)
        pose, covariance = weighedPose((REFERENCE, alike), (other, alike))
        np.testing.assert_allclose(poseDifference(pose, REFERENCE, alike.center), [0.5, 0, 0, 0, 0, 0], atol=1e-9)
        np.testing.assert_allclose(covariance.matrix, alike.matrix / 2)
        self.assertAlmostEqual(covariance.freedom, 14)

    def test_it_is_better_than_either_and_says_how_good_it_is(self):
        parts, rng = (uncertainty(0.5, 30, 7), uncertainty(0.7, 30, 8)), np.random.default_rng(9)
        squares = []
        for _ in range(1500):
            poses = [movedPose(REFERENCE, rng.multivariate_normal(np.zeros(6), p.matrix), p.center) for p in parts]
            found, covariance = weighedPose(*zip(poses, parts, strict=True))
            squares.append([np.sum((p.apply(TARGETS) - REFERENCE.apply(TARGETS)) ** 2, 1) for p in (*poses, found)])
        first, second, both = np.mean(squares, axis=0)
        self.assertTrue(np.all(both < np.minimum(first, second)))
        np.testing.assert_allclose(both, np.trace(covariance.covariances(TARGETS), axis1=1, axis2=2), rtol=0.1)


if __name__ == "__main__":
    unittest.main()
