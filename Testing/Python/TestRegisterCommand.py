"""The options of `medfusion register`, on a phantom whose truth is known."""

import json
from pathlib import Path
from unittest.mock import patch

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Resampling import resampleImage
from MedFusionLib.Core.Inputs.TransformFiles import readTransform
from MedFusionTesting import checkDocument, medfusion
from PhantomCase import PhantomCase


class TestRegisterCommand(PhantomCase):
    def register(self, name: str, *options: object, landmarks: bool = True) -> tuple[dict, np.ndarray, str]:
        """Return the measurements under "registration", the TRE at the phantom's targets, and what was printed."""
        output = self.folder / name
        arguments = self.runArguments()[1:] if landmarks else [self.inputs["ct"], self.inputs["mri"]]
        status, printed, errors = medfusion("register", *arguments, *options, "--output", output)
        self.assertEqual(status, 0, errors)
        transform = readTransform(output / "ct_to_mri.h5")
        truth = self.phantom.ctToMri
        differences = [
            np.subtract(transform.TransformPoint(target.tolist()), truth.TransformPoint(target.tolist()))
            for target in self.phantom.targets
        ]
        checkDocument(output / "measurements.json")
        document = json.loads((output / "measurements.json").read_text())
        return document["registration"], np.linalg.norm(differences, axis=1), printed

    def test_refine_comes_closer_than_landmarks_and_says_how_far_it_moved(self):
        alone, before, _ = self.register("landmarks")
        refined, after, printed = self.register("refined", "--refine")
        self.assertFalse(alone["refined"])
        self.assertIsNone(alone["refinement_shift_mm"])
        self.assertTrue(refined["refined"])
        self.assertGreater(refined["refinement_shift_mm"], 0.1)
        self.assertGreater(refined["similarity"]["after"], refined["similarity"]["before"])
        self.assertLess(after.max(), min(before.max(), 0.6))
        self.assertIn("refined by the images", printed)

    def test_spacing_and_interpolation_shape_the_registered_volume(self):
        self.register("coarse", "--spacing", "4,4,6", "--interpolation", "nearest")
        image = sitk.ReadImage(str(self.folder / "coarse" / "mri_registered.nrrd"))
        np.testing.assert_allclose(image.GetSpacing(), (4, 4, 6))
        original = np.unique(sitk.GetArrayFromImage(sitk.ReadImage(str(self.inputs["mri"]))))
        self.assertTrue(np.isin(np.unique(sitk.GetArrayFromImage(image)), np.append(original, 0)).all())

    def test_the_ct_comes_onto_the_grid_of_the_mri(self):
        self.register("onMri", "--refine", "--grid", "mri")
        names = {path.name for path in (self.folder / "onMri").iterdir()}
        self.assertEqual(names, {"ct_registered.nrrd", "ct_to_mri.h5", "measurements.json"})
        image = sitk.ReadImage(str(self.folder / "onMri" / "ct_registered.nrrd"))
        mri, ct = (sitk.ReadImage(str(self.inputs[role])) for role in ("mri", "ct"))
        self.assertEqual((image.GetSize(), image.GetPixelID()), (mri.GetSize(), ct.GetPixelID()))
        np.testing.assert_allclose(image.GetOrigin(), mri.GetOrigin(), atol=1e-4)
        np.testing.assert_allclose(image.GetDirection(), mri.GetDirection(), atol=1e-6)
        truth = resampleImage(ct, mri, self.phantom.ctToMri.GetInverse())
        values, true = (sitk.GetArrayFromImage(each).astype(float).ravel() for each in (image, truth))
        self.assertGreater(np.corrcoef(values, true)[0, 1], 0.999)
        self.register("coarseOnMri", "--grid", "mri", "--spacing", "5")
        coarse = sitk.ReadImage(str(self.folder / "coarseOnMri" / "ct_registered.nrrd"))
        np.testing.assert_allclose(coarse.GetSpacing(), (5, 5, 5))

    def test_the_ct_follows_a_spline_back_onto_the_mri(self):
        self.register("splineOnMri", "--model", "tps", "--grid", "mri")
        transform = readTransform(self.folder / "splineOnMri" / "ct_to_mri.h5")
        image = sitk.ReadImage(str(self.folder / "splineOnMri" / "ct_registered.nrrd"))
        ct = sitk.ReadImage(str(self.inputs["ct"]))
        around = resampleImage(image, ct, transform, background=0)
        covered = resampleImage(sitk.Cast(image > -5000, sitk.sitkUInt8), ct, transform)
        inside = sitk.GetArrayFromImage(covered) == 1
        values, original = (sitk.GetArrayFromImage(each).astype(float)[inside] for each in (around, ct))
        self.assertGreater(np.corrcoef(values, original)[0, 1], 0.995)

    def test_one_file_for_both_sides_is_refused(self):
        for role, other in (("mri", "ct"), ("mri_landmarks", "ct_landmarks")):
            arguments = self.runArguments(**{role: self.inputs[other]})[1:]
            self.assertRefused(
                "given for both the CT and the MRI", "register", *arguments, "--output", self.folder / "o"
            )

    def test_the_map_of_the_expected_error_lies_on_the_ct(self):
        path = self.folder / "tre.nrrd"
        measured, _, _ = self.register("mapped", "--tre-map", path)
        image, ct = sitk.ReadImage(str(path)), sitk.ReadImage(str(self.inputs["ct"]))
        self.assertEqual((image.GetSize(), image.GetSpacing()), (ct.GetSize(), ct.GetSpacing()))
        values = sitk.GetArrayFromImage(image)
        self.assertAlmostEqual(values.min(), measured["tre_mm_at_landmarks_center"], delta=0.05)
        self.assertGreater(values.max(), 1.5 * values.min())

    def test_the_map_of_the_bound_lies_above_that_of_the_expected_error(self):
        paths = [self.folder / f"{name}.nrrd" for name in ("expected", "bound")]
        measured, _, _ = self.register("both", "--tre-map", paths[0], "--bound-map", paths[1])
        expected, bound = (sitk.GetArrayFromImage(sitk.ReadImage(str(path))) for path in paths)
        self.assertTrue(np.all(bound > expected))
        self.assertAlmostEqual(bound.min(), measured["tre_mm_at_landmarks_center_95"], delta=0.1)

    def test_the_error_is_told_at_the_targets_that_are_asked_for(self):
        measured, _, _ = self.register("asked", "--targets", self.inputs["ct_landmarks"])
        self.assertEqual([target["label"] for target in measured["targets"]], list(self.phantom.landmarkLabels))
        ras = self.phantom.ctLandmarks * [-1, -1, 1]
        np.testing.assert_allclose([target["position_ras"] for target in measured["targets"]], ras, atol=0.006)
        for target in measured["targets"]:
            self.assertTrue(measured["tre_mm_at_landmarks_center"] < target["expected_mm"] < target["bound95_mm"])
        arguments = ["register", *self.runArguments()[1:], "--output", self.folder / "far", "--targets"]
        self.assertRefused("There is no landmark file", *arguments, self.folder / "absent.mrk.json")
        far = self.changedLandmarks(
            "far.mrk.json", lambda points: [p | {"position": [900 + 10 * n, 0, 0]} for n, p in enumerate(points)]
        )
        self.assertRefused("Outside of the CT lie these points", *arguments, far)

    def test_a_spline_meets_the_landmarks_and_is_a_file_that_itk_reads(self):
        measured, errors, _ = self.register("spline", "--model", "tps")
        self.assertLess(measured["fre_mm"], 1e-3)
        self.assertGreater(measured["fle_mm"], 0.5)
        self.assertLess(errors.max(), 6.0)

    def test_landmarks_without_labels_pair_by_their_shape(self):
        def shuffle(points: list) -> list:
            return [point | {"label": ""} for point in points[::-1]]

        path = self.changedLandmarks("unlabeled.mrk.json", shuffle)
        arguments = self.runArguments(mri_landmarks=path)[1:]
        status, _, errors = medfusion(
            "register", *arguments, "--pairing", "auto", "--output", self.folder / "unlabeled"
        )
        self.assertEqual(status, 0, errors)
        self.assertIn("paired by the shape they make", errors)
        measured = json.loads((self.folder / "unlabeled" / "measurements.json").read_text())["registration"]
        self.assertEqual(set(measured["residuals_mm"]), set(self.phantom.landmarkLabels))

    def test_auto_needs_no_landmarks(self):
        measured, errors, _ = self.register("auto", "--auto", landmarks=False)
        self.assertEqual(measured["landmarks"], 0)
        self.assertIsNone(measured["fre_mm"])
        self.assertLess(errors.max(), 1.0)

    def test_auto_begins_at_a_transform_that_is_given(self):
        path = self.folder / "start.tfm"
        sitk.WriteTransform(self.phantom.ctToMri, str(path))
        with patch("MedFusionLib.Core.Registration.Registration.findStart", side_effect=AssertionError("searched")):
            _measured, errors, _ = self.register("begun", "--auto", "--transform", path, landmarks=False)
        self.assertLess(errors.max(), 1.0)
        volumes = ["register", self.inputs["ct"], self.inputs["mri"], "--output", self.folder / "refused"]
        self.assertRefused("leave --refine away", *volumes, "--transform", path, "--refine")
        self.assertRefused("There is no transform file", *volumes, "--auto", "--transform", self.folder / "none.dcm")

    def test_what_cannot_be_done_is_refused(self):
        volumes = ["register", self.inputs["ct"], self.inputs["mri"], "--output", self.folder / "refused"]
        self.assertRefused("Give --ct-landmarks and --mri-landmarks, --auto", *volumes)
        arguments = [*("register", *self.runArguments()[1:]), "--output", self.folder / "refused"]
        self.assertRefused("Refinement is rigid or affine", *arguments, "--refine", "--model", "tps")
        self.assertRefused("voxel size in millimeters", *arguments, "--spacing", "0")

    def test_a_spline_that_folds_does_not_bring_the_ct_to_the_mri(self):
        paths = {}
        for role, offset in (("ct_landmarks", 4.0), ("mri_landmarks", -40.0)):
            document = json.loads(Path(self.inputs[role]).read_text())
            points = document["markups"][0]["controlPoints"]
            x, y, z = points[0]["position"]
            points.append(points[0] | {"id": "99", "label": "Misplaced", "position": [x + offset, y, z]})
            paths[role] = self.writeText(f"folded_{role}.mrk.json", json.dumps(document))
        arguments = [*("register", *self.runArguments(**paths)[1:]), "--model", "tps", "--output", self.folder / "fold"]
        self.assertRefused("The spline folds the image", *arguments, "--grid", "mri")
