"""What moves an outline's border and what speaks for it: half the contrast, the other side of the head, agreement."""

import unittest
from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.HalfMaximum import atHalfMaximum, isSolid
from MedFusionLib.Core.Tumor.HeadSides import headSides
from MedFusionLib.Core.Tumor.LineDoubts import LineFacts, lineDoubts
from MedFusionLib.Core.Tumor.LineSegmentation import outlineFromLine
from MedFusionLib.Core.Tumor.Outline import Outline
from MedFusionLib.Core.Tumor.SecondOpinions import Opinion, heldAgainst
from MedFusionLib.Core.Tumor.SegmentationMetrics import compareMasks
from MedFusionLib.Core.Tumor.WorkingRegion import workingRegion
from scipy import ndimage

SPACING = (1.0, 1.0, 4.0)


def imageOf(values: np.ndarray, spacing: tuple[float, float, float]) -> sitk.Image:
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing(spacing)
    return image


class TestOutlineBorder(unittest.TestCase):
    def blurredBall(self, step: float) -> tuple[object, np.ndarray]:
        """Return the region about a ball of 12 mm whose border is blurred, and the ball in it."""
        k, j, i = np.ogrid[0:16, 0:60, 0:60]
        ball = ((k - 8) * SPACING[2]) ** 2 + (j - 30) ** 2 + (i - 30) ** 2 < 12**2
        values = ndimage.gaussian_filter(100.0 + step * ball, (0.5, 2, 2))
        values += np.random.default_rng(3).normal(0, 2, values.shape)
        region = workingRegion(imageOf(values, SPACING), np.array([[30.0, 30.0, 32.0]]), 26.0)
        return region, region.sampled(imageOf(ball, SPACING)) > 0.5

    def test_an_outline_too_wide_or_too_narrow_moves_to_the_border(self):
        region, truth = self.blurredBall(80.0)
        usable = np.ones(truth.shape, bool)
        for wrong in (ndimage.binary_dilation(truth, iterations=2), ndimage.binary_erosion(truth, iterations=2)):
            before, after = (
                compareMasks(mask, truth, np.full(3, region.spacing)).dice
                for mask in (wrong, atHalfMaximum(region, wrong, usable))
            )
            self.assertLess(before, 0.85)
            self.assertGreater(after, 0.93)

    def test_the_border_never_leaves_the_mask_and_a_dark_lesion_stays_as_it_is(self):
        region, truth = self.blurredBall(80.0)
        usable = np.zeros(truth.shape, bool)
        usable[:, : truth.shape[1] // 2] = True
        self.assertFalse((atHalfMaximum(region, truth & usable, usable) & ~usable).any())
        region, truth = self.blurredBall(-60.0)
        wide = ndimage.binary_dilation(truth, iterations=2)
        np.testing.assert_array_equal(atHalfMaximum(region, wide, np.ones(truth.shape, bool)), wide)

    def test_a_sharp_lesion_on_an_mri_of_unknown_sequence_is_as_large_as_it_is(self):
        k, j, i = np.ogrid[0:40, 0:48, 0:48]  # voxels of 2 mm
        lesion = ((k - 20) / 6.5) ** 2 + ((j - 24) / 7.5) ** 2 + ((i - 24) / 6.0) ** 2 < 1
        values = 280.0 + 360 * lesion + np.random.default_rng(4).normal(0, 11, lesion.shape)
        line = np.array([[48.0, 33.0, 40.0], [48.0, 63.0, 40.0]])
        outline = outlineFromLine(imageOf(values, (2.0, 2.0, 2.0)), line)
        self.assertAlmostEqual(float(outline.mask.sum()) / float(lesion.sum()), 1.0, delta=0.15)

    def test_a_ring_is_not_solid(self):
        region, truth = self.blurredBall(80.0)
        self.assertTrue(isSolid(region, truth))
        region, truth = self.blurredBall(-60.0)
        self.assertFalse(isSolid(region, truth))

    def test_sides_are_compared_left_to_right_whatever_the_order_of_the_slices(self):
        z, y, x = np.ogrid[-25:25, -32:32, -28:28]  # voxels of 2.5 mm, a head longer than wide
        brain = (x / 24) ** 2 + (y / 29) ** 2 + (z / 23) ** 2 < 1
        lesion = (x - 12) ** 2 + (y - 8) ** 2 + z**2 < 5**2
        values = (100.0 + 70 * lesion + np.random.default_rng(2).normal(0, 5, brain.shape)) * brain
        axial = imageOf(values, (2.5, 2.5, 2.5))
        place = axial.TransformIndexToPhysicalPoint((40, 40, 25))
        for order in ("LPS", "PSL", "LSA"):
            image = sitk.DICOMOrient(axial, order)
            sides = headSides(image, image > 1)
            difference, midplane = sides.differenceImage(), sides.midplaneImage()
            mirrored = axial.TransformIndexToPhysicalPoint((16, 40, 25))
            self.assertGreater(difference.GetPixel(difference.TransformPhysicalPointToIndex(place)), 3, order)
            distance = midplane.GetPixel(midplane.TransformPhysicalPointToIndex(place))
            self.assertAlmostEqual(distance, 12 * 2.5, delta=3)
            self.assertLess(difference.GetPixel(difference.TransformPhysicalPointToIndex(mirrored)), -3, order)

    def test_another_methods_agreement_lifts_a_suspicion_and_no_doubt(self):
        mask = np.ones((2, 2, 2), bool)
        outline = Outline(mask, (slice(0, 2),) * 3, doubts=("far too long",), suspicions=("long",))
        self.assertEqual(heldAgainst(outline, Opinion("a click", mask, 0.95)), ("far too long",))
        self.assertEqual(heldAgainst(outline, Opinion("a click", mask, 0.8)), ("far too long", "long"))
        self.assertEqual(heldAgainst(outline, Opinion()), ("far too long", "long"))

    def test_a_border_along_falx_or_skull_and_a_line_too_short_are_suspected_or_doubted(self):
        right = LineFacts(40, 42, 20, 0.6, False, 0.3, 0.1, 0.05)
        self.assertEqual((lineDoubts(right).doubts, lineDoubts(right).suspicions), ([], []))
        for change, word, isDoubt in (
            ({"atMidplane": 0.3}, "midline", False),
            ({"atMask": 0.3}, "skull", False),
            ({"atMask": 0.6}, "skull", True),
            ({"longestMm": 58}, "1.45 times", False),
            ({"longestMm": 70}, "1.75 times", True),
            ({"balls": 3, "isPlane": True}, "disk", True),
        ):
            found = lineDoubts(replace(right, **change))
            said, other = (found.doubts, found.suspicions) if isDoubt else (found.suspicions, found.doubts)
            self.assertEqual((len(said), other), (1, []), change)
            self.assertIn(word, said[0])


if __name__ == "__main__":
    unittest.main()
