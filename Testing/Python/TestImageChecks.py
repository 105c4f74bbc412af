"""Wrong images are noticed, right ones are not accused."""

import unittest
from functools import cache

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Grids import voxelPoints
from MedFusionLib.Core.Images.Transforms import Pose, poseOf
from MedFusionLib.Core.Landmarks.ErrorBounds import lengthBound
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Core.Registration.ContentChecks import contentDoubts, scalpShare, sharedBody
from MedFusionLib.Core.Registration.EvidenceWeighing import imageError
from MedFusionLib.Core.Registration.Handedness import handedness
from MedFusionLib.Core.Registration.ImageChecks import checkImages
from MedFusionLib.Core.Registration.ImageJudgment import judgeImages
from MedFusionLib.Core.Registration.Refinement import RefinedPose, refinePose
from MedFusionLib.Core.Registration.TissueShift import findTissueShift
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
        evidence, checks = judgeImages(*phantomPair())
        self.assertEqual((checks.refusals, checks.doubts, checks.notes), ((), (), ()))
        self.assertIsNotNone(evidence.covariance)

    def test_a_stripped_mri_shows_no_scalp(self):
        ct, mri, refined = phantomPair()
        self.assertGreater(scalpShare(ct, mri, refined.pose), 0.8)
        depth = sitk.SignedMaurerDistanceMap(sitk.OtsuThreshold(mri, 0, 1), True, False, True)
        stripped = mri * sitk.Cast(depth > 14.0, mri.GetPixelID())
        self.assertLess(scalpShare(ct, stripped, refined.pose), 0.3)
        self.assertIn("skull-stripped", " ".join(checkImages(ct, stripped, refined).doubts))

    def test_an_mri_that_shows_little_of_the_ct_is_named(self):
        ct, mri, refined = phantomPair()
        self.assertGreater(sharedBody(ct, mri, refined.pose), 2000)
        middle = [size // 2 for size in mri.GetSize()]
        small = sitk.RegionOfInterest(mri, [18] * 3, [index - 9 for index in middle])
        self.assertLess(sharedBody(ct, small, refined.pose), 1e-3 * np.prod(18 * np.array(mri.GetSpacing())) + 5)
        self.assertIn("share only", " ".join(contentDoubts(ct, small, refined.pose)))

    def test_a_stretched_mri_is_named_with_its_stretch(self):
        ct, mri, refined = phantomPair()
        stretched = sitk.Image(mri)
        stretched.SetSpacing([1.06 * step for step in mri.GetSpacing()])
        refined = refinePose(ct, stretched, refined.pose)
        self.assertRegex(" ".join(checkImages(ct, stretched, refined).doubts), r"stretched against the CT \(\+[4-7]")

    def test_tissue_that_moved_deep_inside_is_named_and_stated(self):
        phantom = makePhantom(spacingFactor=1.5)
        ct, mri = phantom.ct, phantom.mri
        refined = refinePose(ct, mri, poseOf(phantom.ctToMri))
        self.assertIsNone(findTissueShift(ct, refined))
        grid = sitk.BinShrink(mri, [2, 2, 2])
        center = refined.pose.apply(np.array([0.0, 0.0, 10.0]))
        squares = np.sum((voxelPoints(grid) - center) ** 2, axis=-1, keepdims=True)
        field = sitk.GetImageFromArray(np.exp(-squares / (2 * 40.0**2)) * [0.0, -8.0, 0.0], isVector=True)
        field.CopyInformation(grid)
        moved = sitk.Resample(mri, sitk.DisplacementFieldTransform(field), sitk.sitkLinear)
        refined = refinePose(ct, moved, refined.pose)
        evidence, checks = judgeImages(ct, moved, refined)
        self.assertIn("tissue moved between the scans", " ".join(checks.doubts))
        bound = lengthBound(imageError(evidence).covariances(np.array([[0.0, 0.0, 10.0]])), 7)
        self.assertGreater(bound[0], 3.0)

    def test_a_mirrored_mri_of_a_head_is_refused(self):
        ct = sitk.ReadImage(str(sharedData("head-sim", "head-c", "ct.nrrd")))
        mri = sitk.ReadImage(str(sharedData("head-sim", "head-c", "mr_t1c.nrrd")))
        truth = poseOf(sitk.ReadTransform(str(sharedData("head-sim", "head-c", "truth_ct_to_mr.tfm"))))
        refined = refinePose(ct, mri, truth)
        self.assertGreater(handedness(ct, refined.pose, refined.comparisons), 1.1)
        mirrored = like(sitk.GetArrayFromImage(mri)[:, :, ::-1], mri)
        refined = refinePose(ct, mirrored, truth)
        self.assertIn("mirrored", " ".join(checkImages(ct, mirrored, refined).refusals))

    def test_real_stacks_of_the_same_patient_are_confirmed_and_mirrored_ones_refused(self):
        for case in ("case02_acute_stroke_1", "case16_acute_stroke_3", "case28_metastasis_bronch_ca"):
            folder = sharedData("aanlib", case)
            ct, mri = (sitk.ReadImage(str(next(folder.glob(f"{name}*")))) for name in ("CT", "MR"))
            _, checks = judgeImages(ct, mri, refinePose(ct, mri, Pose(np.eye(3), np.zeros(3))))
            self.assertEqual((checks.refusals, checks.doubts), ((), ()))
            mirrored = like(sitk.GetArrayFromImage(mri)[:, :, ::-1], mri)
            refined = refinePose(ct, mirrored, Pose(np.eye(3), np.zeros(3)))
            self.assertIn("mirrored", " ".join(checkImages(ct, mirrored, refined).refusals))

    def test_an_mri_in_the_place_of_the_ct_is_named(self):
        ct, mri, refined = phantomPair()
        self.assertIn("no CT", " ".join(contentDoubts(mri, mri, Pose(np.eye(3), np.zeros(3)))))
        clipped = sitk.Clamp(ct, lowerBound=0)
        self.assertEqual(contentDoubts(clipped, mri, refined.pose), ())


if __name__ == "__main__":
    unittest.main()
