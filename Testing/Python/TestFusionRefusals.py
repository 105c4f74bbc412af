"""What fusion refuses, and how it is stopped."""

import unittest
from unittest import mock

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Fusion.Fusion import FusionGeometry, fuseVolumes
from MedFusionLib.Core.Fusion.Settings import (
    FusionMethod,
    FusionSettings,
)
from MedFusionLib.Core.Images.Grids import isotropicGrid
from MedFusionLib.Core.Progress import Canceled
from TestFusion import fused, makeCt, makeImage, makeMri


class TestBadInput(unittest.TestCase):
    def test_bad_settings_are_refused_with_a_sentence(self):
        for wrong in (
            {"levels": 9},
            {"levels": 0},
            {"method": FusionMethod.dwt, "wavelet": "nope"},
            {"ctWindow": (5, 5)},
            {"mriPercentiles": (50, 120)},
        ):
            with self.assertRaisesRegex(ValueError, r"\.$"):
                FusionSettings(**wrong)

    def test_bad_volumes_are_refused_with_a_sentence(self):
        ct = makeCt()
        constant = makeImage(np.full((24, 40, 48), 7, np.int16))
        flat = sitk.Image([40, 40], sitk.sitkInt16)
        colored = sitk.Image([8, 8, 8], sitk.sitkVectorUInt8)
        for fixed, moving in ((ct, [constant]), (constant, [ct]), (ct, []), (flat, [ct]), (ct, [colored])):
            with self.assertRaises(ValueError):
                fuseVolumes(fixed, moving)
        with self.assertRaises(ValueError):
            fuseVolumes(ct, [ct], geometry=FusionGeometry([None, None]))
        with self.assertRaises(ValueError):
            fused(ct, makeMri(ct), method=FusionMethod.dwt, levels=8)
        with self.assertRaises(ValueError):
            fused(ct, makeMri(ct), ctWindow=(200, 1000))
        with self.assertRaises(ValueError):
            isotropicGrid(ct, 0)

    def test_saying_no_to_progress_cancels(self):
        ct = makeCt()
        for answers in ([False], [None, False]):
            with self.assertRaises(Canceled):
                fuseVolumes(ct, [makeMri(ct)], progress=mock.MagicMock(side_effect=answers))

    def test_progress_ends_at_one(self):
        ct = makeCt()
        progress = mock.MagicMock(return_value=None)
        fuseVolumes(ct, [makeMri(ct)], progress=progress)
        self.assertEqual(progress.call_args.args[0], 1.0)


if __name__ == "__main__":
    unittest.main()
