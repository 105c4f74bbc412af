"""Fused volumes in which changes that only the CT shows are drawn, in gray and in color; noise; several MRIs."""

import unittest
from unittest import mock

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Fusion.Fusion import fuseVolumes
from MedFusionLib.Core.Fusion.Noise import ctNoise
from MedFusionLib.Core.Fusion.Settings import COLOR_LEGENDS, ColorStyle, FusionMethod, FusionSettings
from scipy import ndimage

SHAPE = (12, 96, 96)
BALL = 10


def makeImage(values: np.ndarray) -> sitk.Image:
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing((1.0, 1.0, 3.0))
    return image


def makeHead(change: float = 0.0, noise: float = 4.0) -> tuple[sitk.Image, sitk.Image, np.ndarray]:
    """Return a head's CT in HU and MRI of two tissues, and a ball in which the CT alone is changed."""
    k, j, i = np.indices(SHAPE)
    radius = np.hypot(j - 47.5, i - 47.5)
    white = ndimage.gaussian_filter(np.random.default_rng(1).normal(0, 1, SHAPE), (0, 4, 4)) > 0
    tissue = np.where(white, 28.0, 36.0)
    ball = np.hypot(j - 40, i - 52) ** 2 + 9 * (k - 5.5) ** 2 < BALL**2
    ct = np.select([radius < 36, radius < 41], [tissue + change * ball, 900.0], -1000.0)
    mri = np.select([radius < 36, radius < 41], [np.where(white, 800.0, 500.0), 30.0], 10.0)
    random = np.random.default_rng(2)
    return makeImage(ct + random.normal(0, noise, SHAPE)), makeImage(mri + random.normal(0, 10, SHAPE)), ball


def fused(ct: sitk.Image, *mris: sitk.Image, **settings: object) -> np.ndarray:
    return sitk.GetArrayFromImage(fuseVolumes(ct, mris, FusionSettings(**settings)).image)


class TestCtChanges(unittest.TestCase):
    def test_what_only_the_ct_shows_is_drawn_and_the_rest_stays(self):
        ct, mri, ball = makeHead()
        plain = fused(ct, mri)
        inner = ndimage.binary_erosion(ball, iterations=2)
        brain = (sitk.GetArrayFromImage(ct) < 200) & (sitk.GetArrayFromImage(ct) > -200)
        brain = ndimage.binary_erosion(brain, np.ones((1, 3, 3)), iterations=4) & ~ndimage.binary_dilation(
            ball, iterations=8
        )
        for change, sign in ((-25, -1), (25, 1)):
            ct, mri, _ = makeHead(change)
            volume = fused(ct, mri, ctChanges=True)
            self.assertGreater(sign * (volume - plain)[inner].mean(), 30)
            self.assertLess(np.abs(fused(ct, mri) - plain)[inner].mean(), 5)
            self.assertLess(np.abs(volume - plain)[brain].mean(), 6)
            self.assertLess(volume[brain | ball].max(), 300)

    def test_bone_is_not_changed(self):
        ct, mri, _ = makeHead(25)
        values = sitk.GetArrayFromImage(ct)
        volume = fused(ct, mri, ctChanges=True)
        np.testing.assert_allclose(volume[values > 300], values[values > 300], atol=1e-3)
        np.testing.assert_array_equal(volume > 300, values > 300)

    def test_the_color_overlay_is_blue_where_it_is_less_dense_and_orange_where_denser(self):
        for change, more, less in ((-25, 2, 0), (25, 0, 2)):
            ct, mri, ball = makeHead(change)
            volume = fused(ct, mri, method=FusionMethod.color, colorStyle=ColorStyle.changes).astype(float)
            self.assertGreater((volume[..., more] - volume[..., less])[ndimage.binary_erosion(ball)].mean(), 40)
            self.assertLess(np.abs(volume[..., 2] - volume[..., 0])[6, 60:66, 30:60].mean(), 15)

    def test_a_ct_in_gray_levels_is_refused_with_a_sentence(self):
        _, mri, _ = makeHead()
        picture = makeImage(np.random.default_rng(3).integers(0, 256, SHAPE))
        with self.assertRaisesRegex(ValueError, "Hounsfield units.*0 and end at 255"):
            fused(picture, mri, ctChanges=True)

    def test_volumes_that_share_no_tissue_are_refused_with_a_sentence(self):
        ct, mri, _ = makeHead()
        mri.SetOrigin((70.0, 0.0, 30.0))
        with self.assertRaisesRegex(ValueError, "Only [0-9]+ samples.*registration"):
            fused(ct, mri, ctChanges=True)


class TestNoise(unittest.TestCase):
    def noise(self, ct: sitk.Image) -> float:
        return ctNoise(ct, 0.0, 1500.0, 300 / 255 / 1500, 0.1, True)

    def test_white_noise_has_the_energy_that_its_steps_have(self):
        values = np.full((5, 128, 128), 40.0)
        energy = self.noise(makeImage(values + np.random.default_rng(4).normal(0, 6, values.shape)))
        # Cells of four voxels have a quarter of the variance; each of the two axes counts the squared step once.
        self.assertAlmostEqual(energy * 1500**2 / (2 * 2 * 36 / 4), 1, delta=0.25)

    def test_a_volume_without_tissue_has_none(self):
        self.assertEqual(self.noise(makeImage(np.full((5, 64, 64), -1000.0))), 0)
        self.assertEqual(self.noise(makeImage(np.full((5, 4, 4), 40.0))), 0)

    def test_a_noisy_ct_in_a_narrow_window_leaves_the_mri_readable(self):
        ct, mri, _ = makeHead(noise=8.0)
        hounsfield, tissue = (sitk.GetArrayFromImage(image) for image in (ct, mri))
        brain = ndimage.binary_erosion(tissue > 300, np.ones((1, 3, 3)), iterations=8)
        pictures = [makeImage(np.rint(x.clip(0, 255))) for x in ((hounsfield + 20) * 255 / 120, tissue / 6)]
        clear = np.corrcoef(fused(*pictures)[brain], tissue[brain])[0, 1]
        with mock.patch("MedFusionLib.Core.Fusion.Inputs.ctNoise", return_value=0.0):
            noisy = np.corrcoef(fused(*pictures)[brain], tissue[brain])[0, 1]
        self.assertGreater(clear, 0.9)
        self.assertLess(1 - clear, 0.5 * (1 - noisy))


class TestSeveralMris(unittest.TestCase):
    def test_each_place_has_the_detail_of_the_clearer_mri_without_seams(self):
        ct, mri, _ = makeHead()
        clear = sitk.GetArrayFromImage(mri)
        blurred = ndimage.gaussian_filter(clear, (0, 4, 4))
        left, right = clear.copy(), clear.copy()
        left[..., 48:], right[..., :48] = blurred[..., 48:], blurred[..., :48]
        both, single = fused(ct, makeImage(left), makeImage(right)), fused(ct, mri)
        brain = ndimage.binary_erosion(clear > 300, np.ones((1, 3, 3)), iterations=6)
        self.assertGreater(np.corrcoef(both[brain], single[brain])[0, 1], 0.95)
        seam = brain & (np.abs(np.indices(SHAPE)[2] - 47.5) < 3)
        self.assertLess(np.abs(both - single)[seam].mean(), 1.5 * np.abs(both - single)[brain].mean() + 3)

    def test_order_of_the_mris_does_not_matter(self):
        ct, mri, _ = makeHead()
        second = makeImage(ndimage.gaussian_filter(sitk.GetArrayFromImage(mri), (0, 2, 2)))
        np.testing.assert_allclose(fused(ct, mri, second), fused(ct, second, mri), atol=1e-2)

    def test_the_second_tints_the_fusion_of_the_first(self):
        ct, mri, ball = makeHead()
        second = sitk.GetArrayFromImage(mri) * 0 + 100
        second[ball], second[:, :2] = 900, 0
        settings = {"method": FusionMethod.color, "colorStyle": ColorStyle.second}
        volume = fused(ct, mri, makeImage(second), **settings).astype(float)
        redness = volume[..., 0] - volume[..., 2]
        self.assertGreater(redness[ndimage.binary_erosion(ball)].mean(), 60)
        self.assertLess(np.abs(redness[6, 60:66, 30:60]).max(), 2)
        with self.assertRaisesRegex(ValueError, "second MRI"):
            fused(ct, mri, **settings)

    def test_every_color_style_has_a_legend(self):
        self.assertEqual(set(COLOR_LEGENDS), set(ColorStyle))


if __name__ == "__main__":
    unittest.main()
