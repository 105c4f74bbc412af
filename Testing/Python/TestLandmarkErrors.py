"""The error theory against published figures, Monte Carlo runs and known mistakes."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Transforms import TransformModel
from MedFusionLib.Core.Landmarks.ErrorBounds import expectedLength, lengthBound
from MedFusionLib.Core.Landmarks.LandmarkAdvice import bodySurface
from MedFusionLib.Core.Landmarks.LandmarkErrors import ErrorModel, estimateLocalizationError, leaveOneOut
from MedFusionLib.Core.Landmarks.LandmarkExchange import findExchange
from MedFusionLib.Core.Landmarks.LandmarkFit import fitMatrix
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from MedFusionLib.Core.Landmarks.ThinPlateSpline import fitThinPlateSpline
from MedFusionLib.Core.Progress import Canceled
from MedFusionLib.Core.Registration.Registration import RegistrationSettings, registerLandmarks
from MedFusionLib.Core.Registration.TreMap import treMap

# The reference case of Fitzpatrick, West and Maurer's formula with FLE^2 = 3 mm^2.
POINTS = np.array([[-30, 55, -10], [30, 55, -10], [0, 85, -30], [-70, -5, -25], [70, -5, -25], [0, -95, 10]], float)
TARGETS = np.array([POINTS.mean(axis=0), [0, -10, 90], [50, -40, 50]])
EXPECTED = np.array([0.7071, 1.3767, 1.2205])
RUNS = 2000
LABELS = tuple("ABCDEFGH")
HEAD = 80.0 * np.array(
    [[0, -1, 0], [0, 1, 0], [-1, 0, 0], [1, 0, 0], [0, 0, 1], [-0.6, -0.6, -0.5], [0.6, -0.6, -0.5], [0.5, 0.6, 0.6]]
)


def model(points=POINTS, kind=TransformModel.rigid, weights=None) -> ErrorModel:
    return ErrorModel(kind, points, np.ones(len(points)) if weights is None else weights)


def noisyFits(kind, weights=None, seed=1):
    """Return moving points (RUNS, N, 3) of FLE^2 = 3 mm^2 (by weight), and matrices and offsets of their fits."""
    sigma = np.ones(len(POINTS)) if weights is None else 1 / np.sqrt(weights)
    moving = POINTS + np.random.default_rng(seed).normal(0, 1, (RUNS, *POINTS.shape)) * sigma[:, None]
    return moving, *fitMatrix(np.broadcast_to(POINTS, moving.shape), moving, kind, weights)


def rms(vectors) -> np.ndarray:
    return np.sqrt(np.mean(np.sum(vectors**2, axis=-1), axis=0))


class TestLandmarkErrors(unittest.TestCase):
    def test_predicted_error_equals_the_published_reference_case(self):
        np.testing.assert_allclose(np.sqrt(3 * model().spreading(TARGETS)), EXPECTED, atol=1e-4)

    def test_predicted_error_at_the_head_center_falls_with_the_number_of_landmarks_as_published(self):
        rng = np.random.default_rng(2)
        for count, published in ((4, 0.61), (6, 0.45), (8, 0.38), (10, 0.33)):
            ratios = []
            for _ in range(300):
                directions = rng.normal(size=(count, 3))
                points = 80 * directions / np.linalg.norm(directions, axis=1)[:, None]
                ratios.append(np.sqrt(model(points).spreading(np.zeros((1, 3)))[0]))
            self.assertAlmostEqual(float(np.median(ratios)), published, delta=0.04, msg=count)

    def test_predicted_error_equals_monte_carlo_for_every_linear_model(self):
        for kind in (TransformModel.rigid, TransformModel.similarity, TransformModel.affine):
            _, matrices, offsets = noisyFits(kind)
            found = rms(np.einsum("bij,nj->bni", matrices, TARGETS) + offsets[:, None] - TARGETS)
            np.testing.assert_allclose(found, np.sqrt(3 * model(kind=kind).spreading(TARGETS)), rtol=0.03)

    def test_predicted_error_equals_monte_carlo_for_unequal_landmarks(self):
        weights = np.array([4.0, 0.25, 1, 1, 2, 0.5])
        _, matrices, offsets = noisyFits(TransformModel.rigid, weights)
        found = rms(np.einsum("bij,nj->bni", matrices, TARGETS) + offsets[:, None] - TARGETS)
        np.testing.assert_allclose(found, np.sqrt(3 * model(weights=weights).spreading(TARGETS)), rtol=0.03)

    def test_the_placing_error_is_recovered_and_its_interval_covers_the_truth(self):
        moving, matrices, offsets = noisyFits(TransformModel.rigid)
        residuals = np.linalg.norm(np.einsum("bij,nj->bni", matrices, POINTS) + offsets[:, None] - moving, axis=2)
        self.assertAlmostEqual(np.sqrt(np.mean(residuals**2)), 1.4142, delta=0.03)
        estimates = [estimateLocalizationError(model(), row) for row in residuals]
        self.assertAlmostEqual(np.sqrt(np.mean([e.fle**2 for e in estimates])), np.sqrt(3), delta=0.03)
        self.assertAlmostEqual(np.mean([e.low < np.sqrt(3) < e.high for e in estimates]), 0.95, delta=0.02)

    def test_a_small_residual_means_a_large_error_there(self):
        moving, matrices, offsets = noisyFits(TransformModel.rigid)
        residuals = rms(np.einsum("bij,nj->bni", matrices, POINTS) + offsets[:, None] - moving)
        np.testing.assert_allclose(residuals**2, 3 - 3 * model().spreading(POINTS), rtol=0.08)

    def test_the_covariance_of_the_error_has_the_predicted_length_for_every_model(self):
        for kind in TransformModel:
            errors = model(HEAD, kind)
            np.testing.assert_allclose(expectedLength(errors.covariances(TARGETS)) ** 2, errors.spreading(TARGETS))

    def test_the_bound_of_a_known_error_is_that_of_the_normal_distribution(self):
        line, ball = np.diag([4.0, 0.0, 0.0])[None], np.eye(3)[None]
        self.assertAlmostEqual(lengthBound(line, 10**7)[0], 2 * 1.95996, places=3)
        self.assertAlmostEqual(lengthBound(ball, 10**7)[0], np.sqrt(7.81473), places=3)
        self.assertGreater(lengthBound(ball, 3)[0], 2 * lengthBound(ball, 10**7)[0] / np.sqrt(3))

    def test_nineteen_of_twenty_errors_stay_below_their_bound_though_fle_is_only_estimated(self):
        for count in (6, 4):
            points, rng = POINTS[:count], np.random.default_rng(10)
            moving = points + rng.normal(0, 1, (RUNS, count, 3))
            matrices, offsets = fitMatrix(np.broadcast_to(points, moving.shape), moving, TransformModel.rigid)
            residuals = np.linalg.norm(np.einsum("bij,nj->bni", matrices, points) + offsets[:, None] - moving, axis=2)
            found = np.linalg.norm(np.einsum("bij,nj->bni", matrices, TARGETS) + offsets[:, None] - TARGETS, axis=2)
            errors = model(points)
            fle = np.array([estimateLocalizationError(errors, row).fle for row in residuals])
            bounds = fle[:, None] * lengthBound(errors.covariances(TARGETS), errors.freedom)
            np.testing.assert_allclose(np.mean(found < bounds, axis=0), 0.95, atol=0.015)

    def test_a_true_transform_rarely_contradicts_the_landmarks_and_a_wrong_one_does(self):
        moving, matrices, offsets = noisyFits(TransformModel.rigid)
        fitted = np.linalg.norm(np.einsum("bij,nj->bni", matrices, POINTS) + offsets[:, None] - moving, axis=2)
        for shift, share in ((0.0, 0.05), (4.0, 1.0)):
            others = np.linalg.norm(POINTS + [shift, 0.0, 0.0] - moving, axis=2)
            chances = [model().chanceOf(*rows) for rows in zip(fitted, others, strict=True)]
            self.assertAlmostEqual(np.mean(np.array(chances) < 0.05), share, delta=0.02)
        self.assertIsNone(model(POINTS[:4], TransformModel.affine).chanceOf(np.zeros(4), np.ones(4)))

    def test_leave_one_out_error_equals_the_reference_case(self):
        rng = np.random.default_rng(3)
        errors = [leaveOneOut(model(), POINTS + rng.normal(0, 1, POINTS.shape)).errors for _ in range(300)]
        self.assertAlmostEqual(np.sqrt(np.mean(np.square(errors))), 2.2355, delta=0.1)

    def test_few_landmarks_give_no_estimate_rather_than_a_wrong_one(self):
        self.assertIsNone(estimateLocalizationError(model(POINTS[:4], TransformModel.affine), np.zeros(4)))
        self.assertTrue(np.all(np.isnan(leaveOneOut(model(POINTS[:3]), POINTS[:3]).errors)))

    def test_an_outlier_stands_out_and_sound_landmarks_are_rarely_accused(self):
        rng = np.random.default_rng(4)
        first, flagged, accused = [], [], []
        for _ in range(200):
            fixed, moving = (HEAD + rng.normal(0, 1.5, HEAD.shape) for _ in range(2))
            accused.append(leaveOneOut(model(fixed), moving).outliers.any())
            direction = rng.normal(size=3)
            moving[2] += 15 * direction / np.linalg.norm(direction)
            loo = leaveOneOut(model(fixed), moving)
            first.append(np.argmin(loo.chances) == 2)
            flagged.append(loo.outliers[2])
        self.assertGreater(np.mean(first), 0.96)
        self.assertGreater(np.mean(flagged), 0.85)
        self.assertLess(np.mean(accused), 0.1)

    def test_two_exchanged_landmarks_are_named_and_sound_ones_are_not(self):
        rng = np.random.default_rng(5)
        for first, second in ((2, 3), (5, 6), (0, 7)):
            fixed, moving = (HEAD + rng.normal(0, 1.5, HEAD.shape) for _ in range(2))
            self.assertIsNone(findExchange(LABELS, fixed, moving))
            moving[[first, second]] = moving[[second, first]]
            exchange = findExchange(LABELS, fixed, moving)
            self.assertEqual((exchange.first, exchange.second), (LABELS[first], LABELS[second]))
            self.assertIn("FRE of a rigid fit falls from", exchange.sentence)

    def test_an_exchange_is_named_for_models_that_would_follow_it(self):
        rng = np.random.default_rng(11)
        moving = HEAD + rng.normal(0, 1.0, HEAD.shape)
        for first, second in ((0, 1), (2, 5), (3, 7)):
            points = moving.copy()
            points[[first, second]] = points[[second, first]]
            for kind in TransformModel:
                lists = LandmarkList(LABELS, HEAD), LandmarkList(LABELS, points)
                names = f"{LABELS[first]} and {LABELS[second]} look exchanged"
                try:
                    sentences = " ".join(registerLandmarks(*lists, RegistrationSettings(model=kind)).warnings)
                except ValueError as error:
                    sentences = str(error)
                self.assertIn(names, sentences, kind)

    def test_an_exchange_is_said_in_the_result_and_in_the_advice(self):
        moving = HEAD + 5.0
        moving[[2, 7]] = moving[[7, 2]]
        result = registerLandmarks(LandmarkList(LABELS, HEAD), LandmarkList(LABELS, moving))
        self.assertEqual(result.measurements()["swaps"], [["C", "H"]])
        self.assertIn("Exchange C and H", result.advice)

    def test_landmarks_of_another_size_are_warned_of_or_refused(self):
        moving = HEAD + np.random.default_rng(12).normal(0, 1.0, HEAD.shape)
        fixed = LandmarkList(LABELS, HEAD)
        self.assertNotIn("as far apart", " ".join(registerLandmarks(fixed, LandmarkList(LABELS, moving)).warnings))
        larger = registerLandmarks(fixed, LandmarkList(LABELS, 1.3 * moving))
        self.assertIn("1.296 times as far apart", " ".join(larger.warnings))
        with self.assertRaisesRegex(ValueError, "would scale the image by 2.49"):
            registerLandmarks(fixed, LandmarkList(LABELS, 2.5 * moving))

    def test_landmarks_paired_with_the_wrong_ones_are_never_called_well_placed(self):
        for order in ([1, 2, 0, 3, 4, 5, 6, 7], [1, 2, 3, 4, 5, 6, 7, 0]):
            result = registerLandmarks(LandmarkList(LABELS, HEAD), LandmarkList(LABELS, HEAD[order]))
            self.assertIn("do not belong together", " ".join(result.warnings))
            self.assertIn("Check which landmark is paired with which", result.advice)

    def test_a_spline_of_unequal_landmarks_is_predicted_as_monte_carlo_finds_it(self):
        rng, weights = np.random.default_rng(13), np.array([0.05, 1, 1, 1, 1, 1, 1, 1.0])
        targets = np.array([[0.0, -60.0, 0.0], [20.0, 10.0, 30.0]])
        found = []
        for _ in range(300):
            moving = HEAD + rng.normal(0, 1, HEAD.shape) / np.sqrt(weights)[:, None]
            found.append(fitThinPlateSpline(HEAD, moving, weights).transformPoints(targets) - targets)
        expected = np.sqrt(3 * model(HEAD, TransformModel.thinPlateSpline, weights).spreading(targets))
        np.testing.assert_allclose(rms(np.array(found)), expected, rtol=0.1)

    def test_advice_names_where_a_landmark_helps_and_its_figures_hold(self):
        low = HEAD[HEAD[:, 2] < 10]
        labels, rng = tuple("ABCDEFGH")[: len(low)], np.random.default_rng(6)
        moving = LandmarkList(labels, low + rng.normal(0, 1.5, low.shape))
        target = np.array([0.0, 0.0, 70.0])
        result = registerLandmarks(LandmarkList(labels, low), moving, target=target)
        self.assertRegex(result.advice, r"Add a landmark far superior.*at the tumor falls from .* to .* mm")
        after = float(result.advice.split(" to ")[1].split(" mm")[0])
        best = result.landmarks.errors.spreadingWithOneMore(np.array([[0.0, 0.0, 90.0]]), target)[0]
        self.assertAlmostEqual(after, result.fle * np.sqrt(best), delta=0.15)
        added = model(np.vstack([low, [0.0, 0.0, 90.0]]))
        self.assertAlmostEqual(best, added.spreading(target[None])[0], delta=0.01)

    def test_the_map_of_the_expected_error_equals_the_formula(self):
        image = sitk.Image(20, 30, 10, sitk.sitkInt16)
        image.SetSpacing((5.0, 4.0, 9.0))
        image.SetOrigin((-40.0, -50.0, -60.0))
        image.SetDirection((0, 1, 0, -1, 0, 0, 0, 0, 1))
        values = treMap(image, lambda points: 2 * np.sqrt(model().spreading(points)))
        for index in ((0, 0, 0), (19, 29, 9), (7, 13, 4)):
            point = np.array(image.TransformIndexToPhysicalPoint(index))
            self.assertAlmostEqual(values[index], 2 * np.sqrt(model().spreading(point[None])[0]), delta=0.01)

    def test_the_map_of_the_expected_error_stops_while_it_is_interpolated(self):
        stages = []

        def progress(fraction: float, message: str) -> bool:
            stages.append(message)
            return message != "Resampling"

        with self.assertRaises(Canceled):
            treMap(sitk.Image(20, 30, 10, sitk.sitkInt16), lambda points: np.ones(len(points)), progress)
        self.assertIn("Mapping the expected error", stages)

    def test_weights_favor_the_landmarks_that_are_known_better(self):
        rng = np.random.default_rng(7)
        moving = HEAD + rng.normal(0, 1, HEAD.shape)
        moving[0] += 8.0
        fle = (10.0,) + (1.0,) * 7
        alike = registerLandmarks(LandmarkList(LABELS, HEAD), LandmarkList(LABELS, moving))
        known = registerLandmarks(LandmarkList(LABELS, HEAD), LandmarkList(LABELS, moving, fle=fle))
        self.assertLess(known.residuals[1:].max(), alike.residuals[1:].max())
        self.assertGreater(known.residuals[0], alike.residuals[0])

    def test_a_live_fit_of_twenty_landmarks_takes_well_below_50_ms(self):
        import time

        rng = np.random.default_rng(8)
        points, labels = rng.uniform(-80, 80, (20, 3)), tuple(map(str, range(20)))
        for kind in TransformModel:
            lists = LandmarkList(labels, points), LandmarkList(labels, points + rng.normal(0, 1, points.shape))
            times = []
            for _ in range(5):
                start = time.thread_time()
                registerLandmarks(*lists, RegistrationSettings(model=kind)).measurements()
                times.append(time.thread_time() - start)
            self.assertLess(min(times), 0.05, kind)

    def test_candidates_for_landmarks_lie_on_the_body(self):
        z, y, x = np.indices((40, 40, 40)) - 20
        ball = sitk.GetImageFromArray(np.where(x**2 + y**2 + z**2 < 15**2, 40, -1000).astype(np.int16))
        ball.SetSpacing((4.0, 4.0, 4.0))
        radii = np.linalg.norm(bodySurface(ball) - 80.0, axis=1)
        self.assertTrue(np.all(np.abs(radii - 60) < 12))
