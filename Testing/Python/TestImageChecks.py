"""Wrong images are noticed, right ones are not accused."""

import unittest
from dataclasses import replace
from functools import cache

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Transforms import Pose, poseOf
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Core.Registration.ImageChecks import checkImages, handedness, scalpShare
from MedFusionLib.Core.Registration.ImageJudgement import judgeImages
from MedFusionLib.Core.Registration.Refinement import RefinedPose, refinePose
from MedFusionTesting import sharedData


@cache
def phantomPair() -> tuple[sitk.Image, sitk.Image, RefinedPose]:
    phantom = makePhantom(spacingFactor=2.0)
    return phantom.ct, phantom.mri, refinePose(phantom.ct, phantom.mri, poseOf(phantom.ctToMri))


def like(values: np.ndarray, image: sitk.Image) -> sitk.Image:
    made = sitk.GetImageFromArray(values)
    made.CopyInformation(image)
    return made


class TestImageChecks(unittest.TestCase):
    def test_a_right_pair_is_confirmed(self):
        checks = checkImages(*phantomPair())
        self.assertEqual((checks.doubts, checks.refusals), ((), ()))
        evidence, refusals, doubts = judgeImages(*phantomPair())
        self.assertEqual((refusals, doubts), ((), ()))
        self.assertIsNotNone(evidence.covariance)

    def test_a_stripped_mri_shows_no_scalp(self):
        ct, mri, refined = phantomPair()
        self.assertGreater(scalpShare(ct, mri, refined.pose), 0.8)
        depth = sitk.SignedMaurerDistanceMap(sitk.OtsuThreshold(mri, 0, 1), True, False, True)
        stripped = mri * sitk.Cast(depth > 14.0, mri.GetPixelID())
        self.assertLess(scalpShare(ct, stripped, refined.pose), 0.3)
        self.assertIn("skull-stripped", " ".join(checkImages(ct, stripped, refined).doubts))

    def test_an_mri_that_hardly_meets_the_ct_is_refused(self):
        ct, mri, refined = phantomPair()
        outside = replace(refined, pose=Pose(refined.pose.matrix, refined.pose.offset, 0.3, 0.2))
        self.assertIn("Only 20 %", " ".join(checkImages(ct, mri, outside).refusals))

    def test_a_stretched_mri_is_named_with_its_stretch(self):
        ct, mri, refined = phantomPair()
        stretched = sitk.Image(mri)
        stretched.SetSpacing([1.06 * step for step in mri.GetSpacing()])
        refined = refinePose(ct, stretched, refined.pose)
        self.assertRegex(" ".join(checkImages(ct, stretched, refined).doubts), r"stretched against the CT \(\+[4-7]")

    def test_a_mirrored_mri_of_a_head_is_refused(self):
        ct = sitk.ReadImage(str(sharedData("head-sim", "head-c", "ct.nrrd")))
        mri = sitk.ReadImage(str(sharedData("head-sim", "head-c", "mr_t1c.nrrd")))
        truth = poseOf(sitk.ReadTransform(str(sharedData("head-sim", "head-c", "truth_ct_to_mr.tfm"))))
        self.assertGreater(handedness(ct, refinePose(ct, mri, truth)), 1.1)
        mirrored = like(sitk.GetArrayFromImage(mri)[:, :, ::-1], mri)
        refined = refinePose(ct, mirrored, truth)
        self.assertIn("mirrored", " ".join(checkImages(ct, mirrored, refined).refusals))

    def test_real_stacks_of_the_same_patient_are_not_refused(self):
        for case in ("case02_acute_stroke_1", "case21_hypertensive_enceph"):
            folder = sharedData("aanlib", case)
            ct, mri = (sitk.ReadImage(str(next(folder.glob(f"{name}*")))) for name in ("CT", "MR"))
            refined = refinePose(ct, mri, Pose(np.eye(3), np.zeros(3)))
            self.assertEqual(checkImages(ct, mri, refined).refusals, ())


if __name__ == "__main__":
    unittest.main()
