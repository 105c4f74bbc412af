"""Refinement by the images and the start without landmarks, on a phantom whose truth is known and on real data."""

import json
import unittest
from functools import cache

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Grids import indexMatrix
from MedFusionLib.Core.Images.Transforms import Pose, TransformModel, poseOf, transformPoints
from MedFusionLib.Core.Landmarks.ErrorBounds import expectedLength
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Core.Progress import Canceled
from MedFusionLib.Core.Registration.AutoStart import findStart
from MedFusionLib.Core.Registration.ImagePyramid import movingField, sampleVoxelsByRank
from MedFusionLib.Core.Registration.MutualInformation import FixedSamples, interpolate, mutualInformation
from MedFusionLib.Core.Registration.PoseCovariance import scatterOfPoses
from MedFusionLib.Core.Registration.Refinement import refinePose
from MedFusionLib.Core.Registration.Registration import RegistrationSettings, registerLandmarks
from MedFusionTesting import sharedData
from scipy.ndimage import gaussian_filter
from scipy.spatial.transform import Rotation


def smoothNoise(shape=(40, 60, 50), seed=0) -> np.ndarray:
    values = gaussian_filter(np.random.default_rng(seed).uniform(size=shape), 3)
    return ((values - values.min()) / np.ptp(values) * 900).astype(np.float32)


@cache
def headCase(name: str) -> dict:
    """Return images, truth pose, targets and landmarks of one of the simulated heads."""
    truth = sitk.AffineTransform(sitk.ReadTransform(str(sharedData("head-sim", name, "truth_ct_to_mr.tfm"))))
    targets = json.loads(sharedData("head-sim", name, "truth_targets.json").read_text())
    lists = []
    for side in ("ct", "mr"):
        path = sharedData("head-sim", name, f"{side}_landmarks.mrk.json")
        points = json.loads(path.read_text())["markups"][0]["controlPoints"]
        labels = tuple(point["label"] for point in points)
        lists.append(LandmarkList(labels, np.array([point["position"] for point in points]), name=f"{side} landmarks"))
    return {
        "fixedImage": sitk.ReadImage(str(sharedData("head-sim", name, "ct.nrrd"))),
        "movingImage": sitk.ReadImage(str(sharedData("head-sim", name, "mr_t1c.nrrd"))),
        "truth": Pose(np.reshape(truth.GetMatrix(), (3, 3)), np.array(truth.GetTranslation())),
        "targets": (np.array(targets["ct"]), np.array(targets["mr"])),
        "landmarks": tuple(lists),
    }


def targetErrors(case: dict, transform: sitk.Transform) -> np.ndarray:
    fixedTargets, movingTargets = case["targets"]
    return np.linalg.norm(transformPoints(transform, fixedTargets) - movingTargets, axis=1)


class TestMutualInformation(unittest.TestCase):
    def setUp(self):
        self.image = sitk.GetImageFromArray(smoothNoise())
        self.image.SetSpacing((1.0, 1.5, 2.0))
        self.field = movingField(self.image, (0.0, 900.0), 32)
        self.points = np.random.default_rng(1).uniform((8, 12, 15), (40, 75, 60), (4000, 3))
        toIndex = indexMatrix(self.image)
        values, _ = interpolate(self.field.values, toIndex[:, :3] @ (self.points.T + 1.0) + toIndex[:, 3:])
        self.samples = FixedSamples(self.points, values.astype(np.int32), 32)

    def test_the_gradient_equals_the_slope(self):
        rng = np.random.default_rng(2)
        matrix, offset = np.eye(3) + rng.normal(0, 0.01, (3, 3)), np.array([2.0, 0.0, 1.5])
        gradient = mutualInformation(self.samples, self.field, matrix, offset).gradient
        for row, column, step in ((0, 0, 1e-4), (1, 2, 1e-4), (2, 3, 1e-2), (0, 3, 1e-2)):
            sides = []
            for sign in (1, -1):
                moved = np.column_stack([matrix, offset])
                moved[row, column] += sign * step
                sides.append(mutualInformation(self.samples, self.field, moved[:, :3], moved[:, 3]).information)
            slope = (sides[0] - sides[1]) / (2 * step)
            self.assertAlmostEqual(gradient[row, column], slope, delta=0.03 * abs(slope) + 1e-3)

    def test_it_is_greatest_where_the_images_agree_and_zero_where_they_do_not_meet(self):
        def information(shift: float) -> float:
            return mutualInformation(self.samples, self.field, np.eye(3), np.full(3, shift)).information

        self.assertGreater(information(1.0), max(information(0.0), information(2.0), information(4.0)))
        self.assertEqual(information(500.0), 0.0)


class TestRefinement(unittest.TestCase):
    def test_both_heads_reach_a_quarter_of_a_millimeter_from_their_landmarks(self):
        for name in ("head-a", "head-b"):
            case = headCase(name)
            result = registerLandmarks(
                *case["landmarks"], RegistrationSettings(refine=True), case["fixedImage"], case["movingImage"]
            )
            errors = targetErrors(case, result.transform)
            self.assertTrue(result.refined, result.warnings)
            self.assertLess(np.median(errors), 0.25)
            self.assertLess(errors.max(), 0.5)
            self.assertGreater(result.images.similarityAfter, result.images.similarityBefore)
            expected = result.expectedError(case["targets"][0])
            ratio = np.sqrt(np.mean(errors**2) / np.mean(expected**2))
            self.assertTrue(0.33 < ratio < 1.5, ratio)
            self.assertGreater(np.mean(errors < result.errorBound(case["targets"][0])), 0.9)
            self.assertEqual(result.measurements()["tre_from"], "images")
            self.assertNotIn("placing error explains", " ".join(result.warnings))

    def test_the_error_after_affine_refinement_is_not_said_too_small(self):
        for name in ("head-a", "head-b"):
            case = headCase(name)
            settings = RegistrationSettings(model=TransformModel.affine, refine=True)
            result = registerLandmarks(*case["landmarks"], settings, case["fixedImage"], case["movingImage"])
            errors = targetErrors(case, result.transform)
            self.assertEqual((result.refined, result.measurements()["tre_from"]), (True, "landmarks"))
            self.assertGreater(np.mean(errors < result.errorBound(case["targets"][0])), 0.95)

    def test_a_table_thick_slices_and_a_missing_vertex_do_not_throw_it_off(self):
        case = headCase("head-a")
        values = sitk.GetArrayFromImage(case["fixedImage"])
        values[:, -14:-8, 20:190] = 300  # a table close to the back of the head
        table = sitk.GetImageFromArray(values)
        table.CopyInformation(case["fixedImage"])
        thick = sitk.BinShrink(table, [1, 1, 2])
        moving = case["movingImage"][:, :, : int(0.8 * case["movingImage"].GetSize()[2])]
        result = registerLandmarks(*case["landmarks"], RegistrationSettings(refine=True), thick, moving)
        self.assertTrue(result.refined, result.warnings)
        self.assertLess(targetErrors(case, result.transform).max(), 1.0)

    def test_landmarks_that_are_all_off_a_little_are_kept_and_said_to_be_contradicted(self):
        case = headCase("head-a")
        fixed, moving = case["landmarks"]
        shifted = LandmarkList(moving.labels, moving.points + [2.5, 0.0, 0.0])
        images = case["fixedImage"], case["movingImage"]
        for settings in (RegistrationSettings(refine=True), RegistrationSettings(auto=True)):
            result = registerLandmarks(fixed, shifted, settings, *images)
            self.assertEqual(result.refined, settings.auto)
            self.assertIn("more than the", " ".join(result.warnings))
            self.assertGreater(result.expectedError(case["targets"][0]).min(), 1.5)

    def test_exchanged_landmarks_are_named_though_the_images_register(self):
        case = headCase("head-a")
        fixed, moving = case["landmarks"]
        points = moving.points.copy()
        points[[0, 1]] = points[[1, 0]]
        images = case["fixedImage"], case["movingImage"]
        for settings in (RegistrationSettings(refine=True), RegistrationSettings(auto=True)):
            result = registerLandmarks(fixed, LandmarkList(moving.labels, points), settings, *images)
            self.assertLess(targetErrors(case, result.transform).max(), 0.5)
            self.assertEqual([set(pair) for pair in result.measurements()["swaps"]], [{"L1", "L2"}])
            self.assertIn("Exchange L", result.advice)

    def test_it_is_refused_with_the_reason_when_it_leaves_the_landmarks(self):
        case = headCase("head-a")
        fixed, moving = case["landmarks"]
        shifted = LandmarkList(moving.labels, moving.points + [9.0, 0.0, 0.0])
        result = registerLandmarks(
            fixed, shifted, RegistrationSettings(refine=True), case["fixedImage"], case["movingImage"]
        )
        self.assertFalse(result.refined)
        self.assertIn("more than their own error allows", " ".join(result.warnings))
        self.assertIn("images and landmarks disagree", result.advice)
        self.assertTrue(np.all(result.expectedError(case["targets"][0]) > 8.0))
        self.assertAlmostEqual(np.linalg.norm(targetErrors(case, result.transform)[0]), 9.0, delta=1.0)

    def test_the_same_input_gives_the_same_output(self):
        image = sitk.GetImageFromArray(smoothNoise())
        image.SetSpacing((3.0, 3.0, 3.0))
        start = Pose(np.eye(3), np.array([2.0, -1.0, 1.0]))
        first, second = (refinePose(image, image, start).pose for _ in range(2))
        np.testing.assert_array_equal(first.matrix, second.matrix)
        np.testing.assert_array_equal(first.offset, second.offset)
        self.assertLess(np.abs(first.apply(np.full((1, 3), 80.0)) - 80.0).max(), 0.1)

    def test_images_without_content_are_refused(self):
        flat = sitk.Image(40, 40, 40, sitk.sitkInt16)
        with self.assertRaisesRegex(ValueError, "constant"):
            refinePose(flat, flat, Pose(np.eye(3), np.zeros(3)))

    def test_refinement_needs_images_and_a_model_it_can_move(self):
        case = headCase("head-a")
        with self.assertRaisesRegex(ValueError, "need both images"):
            registerLandmarks(*case["landmarks"], RegistrationSettings(refine=True))
        with self.assertRaisesRegex(ValueError, "rigid or affine"):
            RegistrationSettings(model=TransformModel.thinPlateSpline, refine=True)

    def test_canceling_stops_it(self):
        case = headCase("head-a")
        with self.assertRaises(Canceled):
            refinePose(
                case["fixedImage"],
                case["movingImage"],
                case["truth"],
                progress=lambda fraction, message: fraction < 0.2,
            )


class TestThickSlices(unittest.TestCase):
    def test_samples_lie_in_the_middle_of_voxels_inside_the_mask(self):
        image = sitk.GetImageFromArray(smoothNoise())
        image.SetSpacing((1.0, 1.5, 5.0))
        mask = sitk.BinShrink(image, [4, 4, 1]) > 300
        samples = sampleVoxelsByRank(image, mask, 5000, 16)
        toIndex = indexMatrix(image)
        indices = samples.points @ toIndex[:, :3].T + toIndex[:, 3]
        np.testing.assert_allclose(indices, np.rint(indices), atol=1e-6)
        self.assertTrue(all(mask[mask.TransformPhysicalPointToIndex(point)] for point in samples.points[::50].tolist()))
        self.assertAlmostEqual(len(samples.points), 5000, delta=500)
        counts = np.bincount(samples.bins)
        self.assertLess(counts.max(), 1.2 * counts.min())

    def test_half_a_head_of_thick_slices_is_not_pulled_along_them(self):
        phantom = makePhantom()
        half = phantom.ct[:, :, phantom.ct.GetDepth() // 2 :]
        truth = poseOf(phantom.ctToMri)
        refined = refinePose(half, phantom.mri, Pose(truth.matrix, truth.offset + [0.5, -0.5, 0.8]))
        steps = refined.pose.apply(phantom.targets) - truth.apply(phantom.targets)
        self.assertLess(np.sqrt(np.mean(np.sum(steps**2, axis=1))), 0.28)


class TestImageCovariance(unittest.TestCase):
    def test_its_covariance_is_that_of_the_jackknife(self):
        shifts = np.random.default_rng(1).normal(size=(8, 3))
        poses = [Pose(np.eye(3), shift) for shift in shifts]
        points = np.array([[10.0, 20.0, 30.0], [0.0, 0.0, 0.0]])
        expected = np.cov(shifts.T, bias=True) * 7
        covariance = scatterOfPoses(poses, Pose(np.eye(3), np.zeros(3)), points[0])
        np.testing.assert_allclose(covariance.covariances(points), [expected, expected])

    def test_parts_that_disagree_make_it_wide_and_parts_that_agree_narrow(self):
        fixed = sitk.GetImageFromArray(smoothNoise((50, 50, 50)))
        fixed.SetSpacing((3.0, 3.0, 3.0))
        stretch = sitk.AffineTransform(3)
        stretch.SetCenter((75.0, 75.0, 75.0))
        stretch.Scale((1.04, 1.0, 1.0))
        center, start = np.full((1, 3), 75.0), Pose(np.eye(3), np.zeros(3))
        expected = []
        for moving in (fixed, sitk.Resample(fixed, fixed, stretch)):
            refined = refinePose(fixed, moving, start)
            covariance = refined.covariance(center[0])
            expected.append(expectedLength(covariance.covariances(center))[0])
        self.assertLess(expected[0], 0.45)  # the floor for voxels of 3 mm
        self.assertGreater(expected[1], 1.8 * expected[0])


class TestAutoStart(unittest.TestCase):
    def test_a_head_turned_by_a_right_angle_is_found_without_landmarks(self):
        case = headCase("head-a")
        turn = Rotation.from_euler("xyz", (90, 0, 180), degrees=True).as_matrix()
        moving = sitk.Image(case["movingImage"])
        moving.SetDirection((turn @ np.reshape(moving.GetDirection(), (3, 3))).ravel().tolist())
        moving.SetOrigin((turn @ moving.GetOrigin()).tolist())
        result = registerLandmarks(None, None, RegistrationSettings(auto=True), case["fixedImage"], moving)
        turned = {"targets": (case["targets"][0], case["targets"][1] @ turn.T)}
        self.assertLess(targetErrors(turned, result.transform).max(), 0.5)
        self.assertIsNone(result.tre)
        self.assertLess(result.measurements()["tre_mm_at_body_center_95"], 1.0)
        self.assertLess(result.errorsUnder(case["targets"][0][-1])[1], 1.0)
        json.dumps(result.measurements())

    def test_a_slab_of_eight_slices_is_refused(self):
        fixedImage = sitk.ReadImage(str(sharedData("visible-human", "vm_head_ct.mha")))
        movingImage = sitk.ReadImage(str(sharedData("visible-human", "vm_head_mri.mha")))
        with self.assertRaisesRegex(RuntimeError, "8 mm thick"):
            findStart(fixedImage, movingImage)

    def test_images_that_do_not_show_the_same_thing_are_refused(self):
        images = []
        for seed in (1, 2):
            image = sitk.GetImageFromArray(smoothNoise((30, 30, 30), seed))
            image.SetSpacing((4.0, 4.0, 4.0))
            images.append(image)
        with self.assertRaisesRegex(RuntimeError, "place at least 3 landmark pairs"):
            findStart(*images)
