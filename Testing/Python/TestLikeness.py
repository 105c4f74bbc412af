"""Volumes that are fused as they lie are held against each other: aligned ones pass, others are warned of."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Registration.Likeness import measureLikeness
from MedFusionTesting import medfusion, sharedData
from TestValueJudgment import CT, MRI, image


def moved(source: sitk.Image, *shift: float) -> sitk.Image:
    """Return an image that lies elsewhere."""
    result = sitk.Image(source)
    result.SetOrigin((np.array(source.GetOrigin()) + shift).tolist())
    return result


class TestLikeness(unittest.TestCase):
    def test_aligned_images_pass_and_displaced_ones_do_not(self):
        ct, mri = image(CT), image(MRI)
        for shift in ((0, 0, 0), (2, 0, -2)):
            likeness = measureLikeness(ct, moved(mri, *shift))
            self.assertEqual(likeness.warnings("mri", "ct"), (), likeness)
            self.assertGreater(likeness.coverage, 0.95)
        for shift in ((15, 0, 0), (0, -25, 0), (0, 0, 20)):
            likeness = measureLikeness(ct, moved(mri, *shift))
            self.assertTrue(likeness.isOff or likeness.isUnrelated, shift)
            self.assertRegex(" ".join(likeness.warnings("mri", "ct")), "register them first")

    def test_noise_is_as_little_alike_as_unrelated_images(self):
        noise = image(np.random.default_rng(3).normal(300, 100, MRI.shape))
        likeness = measureLikeness(image(CT), noise)
        self.assertLess(likeness.similarity, 1.01)
        self.assertRegex(" ".join(likeness.warnings("mri", "ct")), "unrelated images|not to be aligned")

    def test_volumes_far_apart_share_nothing(self):
        likeness = measureLikeness(image(CT), moved(image(MRI), 900, 0, 0))
        self.assertEqual((likeness.coverage, likeness.similarity, likeness.isUnrelated), (0.0, None, True))

    def test_fuse_says_where_it_took_the_mri_to_lie(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            sitk.WriteImage(image(CT), str(folder / "ct.nrrd"))
            for file, shift in (("mri", 0), ("aside", 30)):
                sitk.WriteImage(moved(image(MRI), shift, 0, 0), str(folder / f"{file}.nrrd"))
                paths = (folder / "ct.nrrd", folder / f"{file}.nrrd")
                status, output, errors = medfusion("fuse", *paths, "--output", folder / "fused.nrrd", "--force")
                self.assertEqual(status, 0)
                self.assertRegex(output, rf"{file}.nrrd was taken as its header places it, without a transform")
                self.assertEqual("register them first" in errors, shift > 0, errors)


class TestRealLikeness(unittest.TestCase):
    def test_a_real_pair_passes_when_registered_and_not_as_it_was_scanned(self):
        folder = sharedData("head-sim", "head-b")
        ct, mri = (sitk.ReadImage(str(folder / f"{name}.nrrd")) for name in ("ct", "mr_t1c"))
        truth = sitk.ReadTransform(str(folder / "truth_ct_to_mr.tfm"))
        aligned = sitk.Resample(mri, ct, truth, sitk.sitkLinear, 0.0)
        self.assertEqual(measureLikeness(ct, aligned).warnings("mri", "ct"), ())
        self.assertTrue(measureLikeness(ct, mri).warnings("mri", "ct"))


if __name__ == "__main__":
    unittest.main()
