"""Fused volumes: invariants first."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Fusion import fuseVolumes
from MedFusionLib.Core.FusionSettings import FusionMethod, FusionMode, FusionSettings


def makeCt() -> sitk.Image:
    """Return a small head in HU: skull, brain, air, noise."""
    k, j, i = np.mgrid[:24, :40, :40]
    radius = np.sqrt(((k - 11.5) * 1.6) ** 2 + (j - 19.5) ** 2 + (i - 19.5) ** 2)
    values = np.where(radius < 15, 35.0, np.where(radius < 18, 900.0, -1000.0))
    values += np.random.default_rng(1).normal(0, 5, values.shape)
    image = sitk.GetImageFromArray(np.rint(values).astype(np.int16))
    image.SetSpacing((1.0, 1.0, 1.5))
    image.SetOrigin((10.0, -20.0, 30.0))
    return image


def makeMri(ct: sitk.Image) -> sitk.Image:
    """Return an MRI of the same head: dark skull, bright brain with a lesion."""
    values = sitk.GetArrayFromImage(ct)
    mri = np.where((values > -200) & (values < 300), 600.0, 20.0)
    mri[10:13, 17:22, 17:22] = 1100
    mri += np.random.default_rng(2).normal(0, 10, mri.shape)
    image = sitk.GetImageFromArray(mri.astype(np.float32))
    image.CopyInformation(ct)
    return image


class TestFusion(unittest.TestCase):
    def test_fusing_an_image_with_itself_returns_it(self):
        ct = makeCt()
        for method in (FusionMethod.undecimated, FusionMethod.average, FusionMethod.maximum, FusionMethod.dwt):
            for mode in FusionMode:
                fused = fuseVolumes(ct, [ct], FusionSettings(method=method, mode=mode)).image
                np.testing.assert_allclose(
                    sitk.GetArrayFromImage(fused), sitk.GetArrayFromImage(ct), atol=0.01, err_msg=f"{method} {mode}"
                )

    def test_bone_keeps_its_hounsfield_units_and_tissue_stays_below(self):
        ct = makeCt()
        values = sitk.GetArrayFromImage(ct)
        for mode in FusionMode:
            fused = sitk.GetArrayFromImage(fuseVolumes(ct, [makeMri(ct)], FusionSettings(mode=mode)).image)
            self.assertLess(abs(np.median(fused[values > 600]) - 900), 60)
            self.assertLess(np.mean(fused[(values > -200) & (values < 200)] > 300), 0.02)

    def test_geometry_is_that_of_the_reference_grid(self):
        ct = makeCt()
        result = fuseVolumes(ct, [makeMri(ct)])
        self.assertEqual(result.image.GetSize(), ct.GetSize())
        self.assertEqual(result.image.GetOrigin(), ct.GetOrigin())

    def test_recipe_survives_as_strings(self):
        settings = FusionSettings(method=FusionMethod.swt, levels=3, wavelet="haar", sliceWise=True, ctWindow=(-10, 90))
        self.assertEqual(FusionSettings.fromDict(settings.asDict()), settings)
        self.assertTrue(all(isinstance(value, str) for value in settings.asDict().values()))

    def test_bad_settings_are_refused_with_a_sentence(self):
        for wrong in ({"levels": 4}, {"method": FusionMethod.dwt, "wavelet": "nope"}, {"ctWindow": (5, 5)}):
            with self.assertRaises(ValueError):
                FusionSettings(**wrong)


if __name__ == "__main__":
    unittest.main()
