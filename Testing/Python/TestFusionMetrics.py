"""Fusion scores: known values of simple pictures."""

import unittest

import numpy as np
from MedFusionLib.Core.FusionMetrics import METRIC_MEANINGS, fusionMetrics, volumeFusionMetrics


class TestFusionMetrics(unittest.TestCase):
    def setUp(self):
        random = np.random.default_rng(3)
        self.ct = np.zeros((64, 64))
        self.ct[8:56, 8:56] = 230
        self.ct[12:52, 12:52] = 40
        self.mri = np.zeros((64, 64))
        self.mri[12:52, 12:52] = 120 + random.normal(0, 20, (40, 40))

    def test_maximum_keeps_bone_and_never_overshoots(self):
        scores = fusionMetrics(self.ct, self.mri, np.maximum(self.ct, self.mri))
        self.assertAlmostEqual(scores["Bone"], 1)
        self.assertEqual(scores["Overshoot"], 0)

    def test_every_score_has_its_meaning(self):
        self.assertLessEqual(set(fusionMetrics(self.ct, self.mri, self.ct)), set(METRIC_MEANINGS))

    def test_volume_scores_are_the_mean_over_slices(self):
        ct, mri = np.stack([self.ct] * 3), np.stack([self.mri.clip(0, 255)] * 3)
        fused = np.maximum(ct, mri)
        for name, value in volumeFusionMetrics(ct, mri, fused).items():
            self.assertAlmostEqual(value, fusionMetrics(ct[0], mri[0], fused[0])[name], places=3)

    def test_images_of_different_size_are_refused(self):
        with self.assertRaises(ValueError):
            fusionMetrics(self.ct, self.mri[1:], self.ct)


if __name__ == "__main__":
    unittest.main()
