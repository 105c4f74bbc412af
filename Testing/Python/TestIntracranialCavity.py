"""The cavity of a made skull and of a real head."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.CoarseGrid import cavityOn
from MedFusionLib.Core.Tumor.IntracranialCavity import coarseCavity
from MedFusionLib.Core.Tumor.SegmentationMetrics import compareSegmentations
from MedFusionTesting import sharedData


def madeHead(spacing: tuple[float, float, float] = (2.0, 2.0, 2.0)) -> tuple[np.ndarray, np.ndarray, list[float]]:
    """Return a CT (HU) of scalp, skull and brain, open below, its cavity, and the spacing (x, y, z)."""
    size = [int(200 / s) for s in spacing]
    z, y, x = np.meshgrid(
        *[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(size[::-1], spacing[::-1], strict=True)], indexing="ij"
    )
    radius = np.sqrt((x / 70) ** 2 + (y / 85) ** 2 + (z / 75) ** 2)
    ct = np.full(radius.shape, -1000.0)
    ct[radius < 1.2] = 40
    ct[(radius < 1.1) & (radius > 1.0)] = 900
    ct[radius <= 1.0] = 35
    ct[(x**2 + y**2 < 15**2) & (z < -60) & (radius < 1.1)] = 35
    ct += np.random.default_rng(0).normal(0, 5, ct.shape)
    return ct, radius <= 1.0, list(spacing)


def asImage(array: np.ndarray, spacing: list[float]) -> sitk.Image:
    image = sitk.GetImageFromArray(array.astype(np.float32) if array.dtype != bool else array.astype(np.uint8))
    image.SetSpacing(spacing)
    return image


def cavityOf(ct: sitk.Image) -> sitk.Image:
    return cavityOn(coarseCavity(ct), ct)


def dice(ct: np.ndarray, truth: np.ndarray, spacing: list[float]) -> float:
    return compareSegmentations(cavityOf(asImage(ct, spacing)), asImage(truth, spacing))["all"].dice


class TestIntracranialCavity(unittest.TestCase):
    def test_the_cavity_of_a_made_head_is_found_at_any_slice_distance(self):
        for spacing in ((2.0, 2.0, 2.0), (1.6, 1.6, 5.0)):
            self.assertGreater(dice(*madeHead(spacing)), 0.95)

    def test_a_volume_that_is_no_head_by_its_size_is_refused(self):
        for shape, spacing, refusal in (((2, 2, 2), 1.0, "too small"), ((8, 8, 8), 1e6, "not the size of a head")):
            image = asImage(np.random.default_rng(0).normal(0, 500, shape), [spacing] * 3)
            with self.subTest(spacing=spacing), self.assertRaisesRegex(ValueError, refusal):
                coarseCavity(image)

    def test_a_hole_in_the_skull_does_no_harm(self):
        ct, truth, spacing = madeHead()
        hole = (slice(55, 80), slice(35, 60), slice(0, 45))
        ct[hole][ct[hole] > 300] = 40
        self.assertGreater(dice(ct, truth, spacing), 0.9)

    def test_metal_and_a_shunt_inside_do_no_harm(self):
        ct, truth, spacing = madeHead()
        ct[48:52, 48:52, 40:44] = 3000
        ct[50, 50, 50:85] = 400
        self.assertGreater(dice(ct, truth, spacing), 0.93)

    def test_a_head_without_top_or_bottom_keeps_its_cavity(self):
        ct, truth, spacing = madeHead()
        for part in (slice(0, 70), slice(35, None)):
            self.assertGreater(dice(ct[part], truth[part], spacing), 0.9)

    def test_any_orientation_gives_the_same_cavity(self):
        ct, truth, spacing = madeHead()
        turned = sitk.PermuteAxes(sitk.Flip(asImage(ct, spacing), [True, False, True]), [2, 0, 1])
        self.assertGreater(compareSegmentations(cavityOf(turned), asImage(truth, spacing))["all"].dice, 0.95)

    def test_a_volume_without_bone_is_refused(self):
        with self.assertRaisesRegex(ValueError, "bone"):
            coarseCavity(asImage(np.random.default_rng(0).normal(0, 20, (30, 30, 30)), [4.0] * 3))

    def test_the_cavity_of_a_real_head_agrees_with_its_brain(self):
        truth = sitk.ReadImage(str(sharedData("head-sim", "head-a", "truth_brain_ct.nrrd")))
        cavity = cavityOf(sitk.ReadImage(str(sharedData("head-sim", "head-a", "ct.nrrd"))))
        self.assertGreater(compareSegmentations(cavity, truth)["all"].dice, 0.93)


if __name__ == "__main__":
    unittest.main()
