"""Small faults that change figures and letters without breaking anything: each must be noticed here."""

import re
import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Transforms import TransformModel
from MedFusionLib.Core.Inputs.VolumeFiles import checkedVolume
from MedFusionLib.Core.Landmarks.LandmarkErrors import ErrorModel, estimateLocalizationError
from MedFusionLib.Core.Landmarks.LandmarkFit import fitMatrix
from MedFusionLib.Report.Page import Figure, figures, page

RUNS = 3000


class TestSilentFaults(unittest.TestCase):
    def test_the_placing_error_is_estimated_without_bias_for_every_model(self):
        points = np.random.default_rng(3).uniform(-80, 80, (6, 3))
        for model, fewest in ((TransformModel.rigid, 4), (TransformModel.similarity, 4), (TransformModel.affine, 5)):
            fixed = points[:fewest]
            moving = fixed + np.random.default_rng(4).normal(0, 1, (RUNS, fewest, 3))
            matrices, offsets = fitMatrix(np.broadcast_to(fixed, moving.shape), moving, model)
            mapped = np.einsum("rij,nj->rni", matrices, fixed) + offsets[:, None]
            residuals = np.linalg.norm(mapped - moving, axis=2)
            errors = ErrorModel(model, fixed, np.ones(fewest))
            squares = [estimateLocalizationError(errors, residual).fle ** 2 for residual in residuals]
            # One parameter too few or too many moves this by a fifth or more.
            self.assertAlmostEqual(float(np.mean(squares)) / 3, 1.0, delta=0.06, msg=model.value)

    def test_a_volume_of_which_most_is_no_number_is_refused_and_one_of_which_less_is_repaired(self):
        for share, isUsable in ((0.45, True), (0.55, False), (0.9, False)):
            values = np.random.default_rng(5).normal(size=(10, 10, 10)).astype(np.float32)
            values.reshape(-1)[: int(share * 1000)] = np.nan
            image = sitk.GetImageFromArray(values)
            if isUsable:
                self.assertRegex(checkedVolume(image, "a.nrrd")[1], "45.00% of a.nrrd's voxels")
            else:
                with self.assertRaisesRegex(ValueError, f"{share:.0%} of a.nrrd's voxels are not numbers"):
                    checkedVolume(image, "a.nrrd")

    def test_every_picture_has_the_letters_of_its_own_sides(self):
        # As radiologists look at a patient: right on the left, and from the left side the face is on the left.
        for caption, expected in (
            ("axial: a", "RLA"),
            ("coronal: a", "RLS"),
            ("sagittal: a", "APS"),
            ("surface seen from the front", "RLS"),
            ("surface seen from the left", "APS"),
            ("surface seen from the right", "PAS"),
        ):
            html = figures(Figure(np.zeros((4, 4, 3), np.uint8), caption))
            found = dict(re.findall(r'<span class="side (left|right|top)"[^>]*>(\w)<', html))
            self.assertEqual("".join(found[side] for side in ("left", "right", "top")), expected, caption)

    def test_letters_of_sides_that_are_assumed_have_a_question_mark_in_every_picture(self):
        pictures = figures(
            Figure(np.zeros((4, 8, 3), np.uint8), "axial: L1", parts=2),
            Figure(np.zeros((4, 4, 3), np.uint8), "surface seen from the front"),
        )
        known = re.findall(r'<span class="side [^>]*>([^<]*)<', page("t", "s", pictures, [pictures]))
        assumed = re.findall(
            r'<span class="side [^>]*>([^<]*)<', page("t", "s", pictures, [pictures], areSidesKnown=False)
        )
        self.assertEqual(known[:3], ["R", "L", "A"])
        self.assertEqual(assumed, [f"{letter}?" for letter in known])
        self.assertIn("right and left are an assumption", page("t", "s", "", [], areSidesKnown=False))


if __name__ == "__main__":
    unittest.main()
