"""The tumor's outline on made images whose tumor is known."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.SegmentationMetrics import compareSegmentations
from MedFusionLib.Core.TumorSegmentation import SegmentationMethod, SegmentationSettings, TumorInteraction, segmentTumor

CLICK = SegmentationSettings(method=SegmentationMethod.click)


def headWithBall(spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> tuple[sitk.Image, sitk.Image]:
    """Return a noisy ball of brain with a bright ball (radius 12 mm) at (15, 0, 5) LPS, and the truth."""
    size = [int(100 / s) for s in spacing]
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(size[::-1], spacing[::-1], strict=True)]
    z, y, x = np.meshgrid(*axes, indexing="ij")
    tumor = (x - 15) ** 2 + y**2 + (z - 5) ** 2 < 12**2
    values = np.where(x**2 + y**2 + z**2 < 45**2, 100.0, 0.0) + 80.0 * tumor
    values += np.random.default_rng(1).normal(0, 8, values.shape)
    image, truth = sitk.GetImageFromArray(values.astype(np.float32)), sitk.GetImageFromArray(tumor.astype(np.uint8))
    for made in (image, truth):
        made.SetSpacing(spacing)
        made.SetOrigin([axis[0] for axis in axes[::-1]])
    return image, truth


class TestTumorSegmentation(unittest.TestCase):
    def test_a_click_outlines_the_ball_on_any_spacing(self):
        for spacing in ((1.0, 1.0, 1.0), (0.9, 1.1, 3.0)):
            image, truth = headWithBall(spacing)
            result = segmentTumor([image], TumorInteraction(seeds=np.array([[15.0, 2.0, 4.0]])), CLICK)
            self.assertEqual(result.segmentNames, {1: "Tumor"})
            self.assertGreater(compareSegmentations(result.labelImage, truth)["all"].dice, 0.9)

    def test_a_seed_outside_the_volume_is_refused(self):
        image, _ = headWithBall()
        with self.assertRaisesRegex(ValueError, "outside the volume"):
            segmentTumor([image], TumorInteraction(seeds=np.array([[500.0, 0.0, 0.0]])), CLICK)

    def test_seeds_that_are_not_numbers_are_refused(self):
        with self.assertRaisesRegex(ValueError, "not a number"):
            TumorInteraction(seeds=np.array([[np.nan, 0.0, 0.0]]))


if __name__ == "__main__":
    unittest.main()
