"""The phantom is what it says: its truth fits its pictures."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Phantom import EDEMA, ENHANCING, NECROSIS, makePhantom


class TestPhantom(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.phantom = makePhantom(spacingFactor=2.0)
        cls.registered = sitk.GetArrayFromImage(
            sitk.Resample(cls.phantom.mri, cls.phantom.ct, cls.phantom.ctToMri, sitk.sitkLinear, 0.0)
        )
        cls.ct = sitk.GetArrayFromImage(cls.phantom.ct)
        cls.labels = sitk.GetArrayFromImage(cls.phantom.tumorLabels)

    def test_the_same_seed_gives_the_same_head_and_another_seed_other_noise(self):
        again, other = makePhantom(spacingFactor=4.0), makePhantom(seed=2, spacingFactor=4.0)
        first = makePhantom(spacingFactor=4.0)
        self.assertEqual(sitk.Hash(first.mri), sitk.Hash(again.mri))
        self.assertNotEqual(sitk.Hash(first.mri), sitk.Hash(other.mri))

    def test_the_true_pose_brings_bone_of_the_ct_onto_dark_bone_of_the_mri(self):
        bone = self.ct > 700
        self.assertGreater(bone.mean(), 0.02)
        self.assertLess(np.median(self.registered[bone]), 120)

    def test_the_tumor_enhances_around_a_dark_center_with_edema_outside(self):
        enhancing, necrosis, edema = (
            np.median(self.registered[self.labels == value]) for value in (ENHANCING, NECROSIS, EDEMA)
        )
        self.assertGreater(enhancing, 1.5 * edema)
        self.assertLess(necrosis, 0.5 * enhancing)

    def test_landmarks_scatter_by_the_localization_error_asked_for(self):
        exact = makePhantom(spacingFactor=8.0, localizationError=0.0)
        moved = np.array([exact.ctToMri.TransformPoint(point) for point in exact.ctLandmarks])
        np.testing.assert_allclose(moved, exact.mriLandmarks, atol=1e-9)
        errors = np.concatenate(
            [makePhantom(seed, 8.0, localizationError=0.8).ctLandmarks - exact.ctLandmarks for seed in range(20)]
        )
        self.assertAlmostEqual(errors.std(), 0.8, delta=0.1)

    def test_the_last_target_lies_in_the_tumor(self):
        index = self.phantom.tumorLabels.TransformPhysicalPointToIndex(self.phantom.targets[-1].tolist())
        self.assertEqual(self.phantom.tumorLabels[index], NECROSIS)


if __name__ == "__main__":
    unittest.main()
