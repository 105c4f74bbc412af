"""Outlines checked by other methods, by the CT's cavity, and by each other."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.MrSequence import MrSequence
from MedFusionLib.Core.Tumor.Segments import TumorTissue
from MedFusionLib.Core.Tumor.TumorParts import labeledLesions
from MedFusionLib.Core.Tumor.TumorSegmentation import (
    SegmentationMethod,
    SegmentationSettings,
    TumorInteraction,
    segmentTumor,
)
from MedFusionLib.Core.Verdict import Judgment

SPACING = 1.6
SHAPE = (64, 66, 60)


def brainWith(lesions: list[tuple[tuple[float, float, float], float, float]]) -> tuple[sitk.Image, list[np.ndarray]]:
    """Return a noisy stripped brain with balls (center LPS, radius mm, brightness), and their masks."""
    k, j, i = np.meshgrid(*[np.arange(n) for n in SHAPE], indexing="ij")
    x, y, z = ((axis - (n - 1) / 2) * SPACING for axis, n in zip((i, j, k), SHAPE[::-1], strict=True))
    brain = (x / 42) ** 2 + (y / 48) ** 2 + (z / 45) ** 2 < 1
    values = np.full(SHAPE, 100.0)
    masks = []
    for center, radius, brightness in lesions:
        ball = sum((axis - c) ** 2 for axis, c in zip((x, y, z), center, strict=True)) < radius**2
        values[ball] = brightness
        masks.append(ball)
    values = (values + np.random.default_rng(3).normal(0, 7, SHAPE)) * brain
    image = sitk.GetImageFromArray(values.astype(np.float32))
    image.SetSpacing([SPACING] * 3)
    image.SetOrigin([-(n - 1) / 2 * SPACING for n in SHAPE[::-1]])
    return image, masks


def settings(method: SegmentationMethod, sequence: MrSequence = MrSequence.flair) -> SegmentationSettings:
    return SegmentationSettings(method, (sequence,))


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * float((first & second).sum()) / float(first.sum() + second.sum())


def lesion(result, value: int) -> np.ndarray:
    return sitk.GetArrayFromImage(result.labelImage) == value


class TestSecondOpinion(unittest.TestCase):
    LINE = np.array([[[4.0, 0, 4], [28.0, 0, 4]]])

    def test_a_clear_lesion_is_confirmed_with_both_methods_volumes(self):
        image, (truth,) = brainWith([((16, 0, 4), 12, 180)])
        for method, pointed in (
            (SegmentationMethod.line, TumorInteraction(lines=self.LINE)),
            (SegmentationMethod.click, TumorInteraction(seeds=np.array([[18.0, 2, 4]]))),
        ):
            result = segmentTumor([image], pointed, settings(method))
            self.assertIs(result.verdict.judgment, Judgment.confirmed, result.verdict.reasons)
            self.assertGreater(result.second.agreements[0], 0.85)
            own, second = result.second.volumesMl[0]
            self.assertAlmostEqual(own, truth.sum() * SPACING**3 / 1000, delta=0.15 * own)
            self.assertAlmostEqual(second, own, delta=0.2 * own)

    def test_what_nobody_pointed_at_is_not_confirmed(self):
        image, _truth = brainWith([((16, 0, 4), 12, 180)])
        result = segmentTumor([image], None, settings(SegmentationMethod.automatic))
        self.assertIs(result.verdict.judgment, Judgment.notConfirmed)

    def test_an_outline_much_longer_than_its_line_is_doubted(self):
        image, _truth = brainWith([((16, 0, 4), 16, 180)])
        line = np.array([[[10.0, 0, 4], [22.0, 0, 4]]])
        result = segmentTumor([image], TumorInteraction(lines=line), settings(SegmentationMethod.line))
        self.assertIs(result.verdict.judgment, Judgment.doubtful)
        self.assertRegex(" ".join(result.verdict.reasons), "line only 12 mm")

    def test_a_line_where_the_other_methods_see_another_lesion_is_doubted(self):
        image, _truth = brainWith([((16, 0, 4), 14, 108), ((-18, 0, 4), 14, 190)])
        line = np.array([[[4.0, 0, 4], [28.0, 0, 4]]])
        result = segmentTumor([image], TumorInteraction(lines=line), settings(SegmentationMethod.line))
        self.assertIs(result.verdict.judgment, Judgment.doubtful)

    def test_a_click_in_the_faint_half_of_a_lesion_hands_over_or_is_doubted(self):
        image, masks = brainWith([((16, 0, 4), 14, 150), ((14, 6, 4), 5, 260)])
        result = segmentTumor(
            [image], TumorInteraction(seeds=np.array([[14.0, 6, 4]])), settings(SegmentationMethod.click)
        )
        good = dice(lesion(result, 1), masks[0] | masks[1]) > 0.8
        self.assertTrue(good or result.verdict.judgment is Judgment.doubtful)


class TestTouchingLesions(unittest.TestCase):
    def test_two_lines_give_two_outlines_whatever_their_order(self):
        image, (large, small) = brainWith([((12, -10, 4), 15, 190), ((12, 11, 4), 7, 190)])
        lines = np.array([[[-3.0, -10, 4], [27.0, -10, 4]], [[5.0, 11, 4], [19.0, 11, 4]]])
        found = []
        for order in (lines, lines[::-1]):
            result = segmentTumor([image], TumorInteraction(lines=order), settings(SegmentationMethod.line))
            masks = [lesion(result, 1), lesion(result, 2)]
            found.append(masks if order is lines else masks[::-1])
            self.assertRegex(" ".join(result.verdict.reasons), "lies in the outline of line")
        self.assertGreater(dice(found[0][0], large), 0.85)
        self.assertGreater(dice(found[0][1], small), 0.6)
        for first, second in zip(*found, strict=True):
            np.testing.assert_array_equal(first, second)


class TestCavityCheck(unittest.TestCase):
    LINE = TumorInteraction(lines=np.array([[[4.0, 0, 4], [28.0, 0, 4]]]))

    def cut(self, image: sitk.Image, firstColumn: int) -> sitk.Image:
        """Return a cavity that ends at a column."""
        inside = np.ones(SHAPE, np.uint8)
        inside[:, :, firstColumn:] = 0
        cavity = sitk.GetImageFromArray(inside)
        cavity.CopyInformation(image)
        return cavity

    def test_a_cavity_that_cuts_the_tumor_is_left_and_named(self):
        image, (truth,) = brainWith([((16, 0, 4), 12, 180)])
        for column in (39, 25):  # through the tumor's middle, and all of it outside
            result = segmentTumor([image], self.LINE, settings(SegmentationMethod.line), self.cut(image, column))
            self.assertGreater(dice(lesion(result, 1), truth), 0.9)
            self.assertRegex(" ".join(result.verdict.reasons), "cavity found in the CT")

    def test_a_volume_too_thin_to_compare_its_sides_is_refused_or_outlined_but_never_fails(self):
        image, _truth = brainWith([((16, 0, 4), 12, 180)])
        slab = image[:, :, 33:35]
        for sequence in (MrSequence.flair, MrSequence.t1c):
            with self.assertRaisesRegex(ValueError, "16 mm each way"):
                segmentTumor([slab], None, settings(SegmentationMethod.automatic, sequence))
            result = segmentTumor([slab], self.LINE, settings(SegmentationMethod.line, sequence))
            self.assertTrue(lesion(result, 1).any())

    def test_a_cavity_away_from_the_tumor_is_kept_in_silence(self):
        image, _truth = brainWith([((16, 0, 4), 12, 180)])
        result = segmentTumor([image], self.LINE, settings(SegmentationMethod.line), self.cut(image, 55))
        self.assertIs(result.verdict.judgment, Judgment.confirmed, result.verdict.reasons)

    def test_the_users_own_mask_is_kept_to(self):
        image, _truth = brainWith([((16, 0, 4), 12, 180)])
        mask = self.cut(image, 39)
        result = segmentTumor([image], self.LINE, settings(SegmentationMethod.line), mask=mask)
        outside = lesion(result, 1) & (sitk.GetArrayViewFromImage(mask) == 0)
        self.assertLess(outside.sum(), 0.1 * lesion(result, 1).sum())


class TestTumorParts(unittest.TestCase):
    def test_a_core_that_does_not_enhance_is_found_as_what_is_dark(self):
        image, (whole, core) = brainWith([((16, 0, 4), 16, 98), ((16, 0, 4), 9, 55)])
        lesions = labeledLesions([whole], image, None)
        tissues = {segment.tissue: segment.value for segment in lesions.segments}
        self.assertEqual(set(tissues), {TumorTissue.nonEnhancing, TumorTissue.edema})
        self.assertGreater(dice(lesions.labels == tissues[TumorTissue.nonEnhancing], core), 0.8)

    def test_t1c_alone_parts_a_given_outline(self):
        image, (whole, core) = brainWith([((16, 0, 4), 16, 98), ((16, 0, 4), 9, 200)])
        present = sitk.GetImageFromArray(whole.astype(np.uint8))
        present.CopyInformation(image)
        strokes = settings(SegmentationMethod.strokes, MrSequence.t1c)
        result = segmentTumor([image], TumorInteraction(presentImage=present), strokes)
        values = {segment.tissue: segment.value for segment in result.segments}
        self.assertGreater(dice(lesion(result, values[TumorTissue.enhancing]), core), 0.9)
        self.assertEqual((sitk.GetArrayFromImage(result.labelImage) != 0).sum(), whole.sum())

    def test_an_even_tumor_is_not_parted(self):
        image, (whole,) = brainWith([((16, 0, 4), 16, 98)])
        lesions = labeledLesions([whole], image, None)
        self.assertEqual([segment.tissue for segment in lesions.segments], [TumorTissue.tumor])

    def test_t1c_alone_gives_a_ring_and_refuses_without_one(self):
        image, (rim, _middle) = brainWith([((16, 0, 4), 14, 260), ((16, 0, 4), 9, 60)])
        automatic = settings(SegmentationMethod.automatic, MrSequence.t1c)
        self.assertGreater(dice(lesion(segmentTumor([image], None, automatic), 1), rim), 0.85)
        even, _ = brainWith([])
        with self.assertRaisesRegex(ValueError, "clear ring"):
            segmentTumor([even], None, automatic)


if __name__ == "__main__":
    unittest.main()
