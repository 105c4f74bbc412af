"""What an MRI shows of the head, and where the brain is in it."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.ImageKind import ImageKind
from MedFusionLib.Core.Tumor.SearchMask import searchMask
from MedFusionTesting import sharedData

SPACING = (2.5, 2.5, 3.0)


def madeHead(scalp: float = 300.0, air: float = 0.0, noise: float = 8.0) -> tuple[np.ndarray, np.ndarray]:
    """Return a head of ellipsoids with a neck and eyes (array KJI of SPACING), and its brain."""
    shape = (66, 92, 76)
    k, j, i = np.meshgrid(*[np.arange(n) for n in shape], indexing="ij")
    z, y, x = ((axis - c) * s for axis, c, s in zip((k, j, i), (36, 46, 38), SPACING[::-1], strict=True))

    def ellipsoid(a: float, b: float, c: float) -> np.ndarray:
        return (x / a) ** 2 + (y / b) ** 2 + (z / c) ** 2 < 1

    neck = ((x / 55) ** 2 + ((y - 20) / 55) ** 2 < 1) & (z < -40)
    face = ((x / 50) ** 2 + ((y + 45) / 45) ** 2 < 1) & (z < -25)
    head = ellipsoid(78, 97, 88) | neck | face
    brain = ellipsoid(65, 84, 75) & (z > -50 - 0.1 * y) & ((z > -22) | (y > -50))
    values = np.where(head, 220.0, air)
    values[head & ~ellipsoid(72, 91, 82) & (z > -45)] = scalp
    values[ellipsoid(72, 91, 82)] = 40
    values[brain] = 200
    values[(x / 6) ** 2 + (y / 25) ** 2 + ((z - 5) / 10) ** 2 < 1] = 60
    rng = np.random.default_rng(2)
    return np.maximum(values + rng.normal(0, noise, shape), 0), brain


def asImage(values: np.ndarray, spacing: tuple[float, float, float] = SPACING) -> sitk.Image:
    image = sitk.GetImageFromArray(np.asarray(values, np.float32))
    image.SetSpacing(spacing)
    return image


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * float((first & second).sum()) / float(first.sum() + second.sum())


class TestBrainMask(unittest.TestCase):
    def test_a_whole_head_is_one_whatever_fills_its_air(self):
        values, _brain = madeHead()
        head = values > 20
        zeroed = np.where(head, values, 0)
        defaced = zeroed.copy()
        defaced[:28, :30] = 0
        for name, array in (("noise", values), ("zeroed air", zeroed), ("defaced", defaced)):
            with self.subTest(name):
                self.assertIs(searchMask(asImage(array)).kind, ImageKind.whole)

    def test_a_brain_without_its_skull_keeps_its_own_mask(self):
        values, brain = madeHead()
        search = searchMask(asImage(np.where(brain, values + 1, 0)))
        self.assertIs(search.kind, ImageKind.stripped)
        np.testing.assert_array_equal(search.onGrid(asImage(values)), brain)

    def test_a_part_of_a_head_is_taken_as_it_is(self):
        values, _brain = madeHead()
        search = searchMask(asImage(values[28:50, 30:60, 25:50]))
        self.assertIs(search.kind, ImageKind.cropped)
        self.assertIsNone(search.image)

    def test_a_lesion_in_a_crop_without_air_is_not_taken_for_a_head(self):
        k, j, i = np.meshgrid(*[np.arange(40)] * 3, indexing="ij")
        ball = (k - 20) ** 2 + (j - 20) ** 2 + (i - 20) ** 2 < 12**2
        values = 100 + 80 * ball + np.random.default_rng(4).normal(0, 5, ball.shape)
        self.assertIs(searchMask(asImage(values, (1.0, 1.0, 1.0))).kind, ImageKind.cropped)

    def test_the_brain_mask_holds_the_brain_and_ends_at_scalp_and_neck(self):
        values, brain = madeHead()
        gray = 500 - np.where(values > 20, values, 0)
        for name, array in (("black air", values), ("gray air", gray)):
            with self.subTest(name):
                mask = searchMask(asImage(array)).onGrid(asImage(values))
                self.assertGreater(dice(mask, brain), 0.85)
                self.assertGreater(mask[brain].mean(), 0.97)
                self.assertFalse(mask[:8].any())

    def test_thick_slices_and_any_orientation_give_the_same_brain(self):
        values, brain = madeHead()
        image = asImage(values)
        thick = asImage(values[::2], (2.5, 2.5, 6.0))
        self.assertGreater(dice(searchMask(thick).onGrid(thick), brain[::2]), 0.85)
        turned = sitk.PermuteAxes(sitk.Flip(image, [True, False, True]), [2, 0, 1])
        mask = asImage(searchMask(turned).onGrid(turned).astype(np.uint8))
        mask.CopyInformation(turned)
        back = sitk.Resample(mask, image, sitk.Transform(), sitk.sitkNearestNeighbor)
        self.assertGreater(dice(sitk.GetArrayFromImage(back) > 0, searchMask(image).onGrid(image)), 0.97)

    def test_what_was_pointed_at_beside_the_brain_mask_belongs_to_it_and_is_doubted(self):
        values, _brain = madeHead()
        image = asImage(values)
        index = np.array([[38.0, 10.0, 40.0], [38.0, 14.0, 40.0]])  # in the frontal bone
        points = np.array([image.TransformContinuousIndexToPhysicalPoint(i.tolist()) for i in index])
        plain, wider = searchMask(image), searchMask(image, points)
        self.assertFalse(plain.onGrid(image)[40, 11, 38])
        self.assertTrue(wider.onGrid(image)[40, 11, 38])
        self.assertRegex(" ".join(wider.doubts), "outside the brain")

    def test_a_real_head_agrees_with_its_brain(self):
        folder = sharedData("head-sim", "head-c")
        image = sitk.ReadImage(str(folder / "mr_t1c.nrrd"))
        truth = sitk.ReadImage(str(folder / "truth_brain_ct.nrrd"))
        search = searchMask(image)
        self.assertIs(search.kind, ImageKind.whole)
        transform = sitk.ReadTransform(str(folder / "truth_ct_to_mr.tfm"))
        mask = sitk.GetArrayFromImage(sitk.Resample(search.image, truth, transform, sitk.sitkLinear, 0.0)) > 0.5
        self.assertGreater(dice(mask, sitk.GetArrayFromImage(truth) > 0), 0.92)


if __name__ == "__main__":
    unittest.main()
