"""What a user decides about an outline: accepting it, taking the other one, correcting it by hand."""

import unittest
from dataclasses import replace

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.Outline import Alternative, SecondOpinion
from MedFusionLib.Core.Tumor.OutlineDecisions import accepted, corrected, withAlternative
from MedFusionLib.Core.Tumor.Segments import Segment, TumorTissue
from MedFusionLib.Core.Tumor.TumorSegmentation import SegmentationMethod, SegmentationSettings, TumorResult
from MedFusionLib.Core.Verdict import Judgment, Verdict


def labelImage(*boxes: tuple[int, slice]) -> sitk.Image:
    """Return a small image with a label in each box of columns."""
    labels = np.zeros((8, 8, 20), np.uint8)
    for label, columns in boxes:
        labels[2:6, 2:6, columns] = label
    return sitk.GetImageFromArray(labels)


def outlineOf(method: SegmentationMethod, verdict: Verdict) -> TumorResult:
    """Return a lesion of two parts, and one that has no other outline."""
    image = labelImage((1, slice(1, 3)), (2, slice(3, 5)), (3, slice(12, 15)))
    segments = (
        Segment(1, "Edema", TumorTissue.edema, 1),
        Segment(2, "Core", TumorTissue.core, 1),
        Segment(3, "Other", TumorTissue.tumor, 2),
    )
    other = Alternative(labelImage((1, slice(1, 9))), ("the larger outline", ""), (128 / 1000, float("nan")))
    second = SecondOpinion(
        labelImage((1, slice(1, 7)), (2, slice(12, 15))), ("a click", "a click"), (0.8, 1.0),
        ((0.064, 0.096), (0.048, 0.048)),
    )  # fmt: skip
    return TumorResult(
        image,
        segments,
        (*verdict.reasons, "A note."),
        SegmentationSettings(method),
        verdict=verdict,
        second=second,
        alternative=other,
    )


class TestOutlineDecisions(unittest.TestCase):
    def setUp(self) -> None:
        self.doubted = outlineOf(SegmentationMethod.click, Verdict(Judgment.doubtful, ("It is too small.",)))
        verdict = Verdict(Judgment.notConfirmed, ("Nobody pointed at it.", "The methods disagree."))
        self.automatic = outlineOf(SegmentationMethod.automatic, verdict)

    def test_accepting_removes_only_that_nobody_pointed(self):
        result = accepted(self.automatic)
        self.assertEqual(result.verdict, Verdict(Judgment.doubtful, ("The methods disagree.",)))
        self.assertIn("The outline was accepted by the user.", result.warnings)
        self.assertNotIn("Nobody pointed at it.", result.warnings)
        only = replace(self.automatic, verdict=Verdict(Judgment.notConfirmed, ("Nobody pointed at it.",)))
        self.assertIs(accepted(only).verdict.judgment, Judgment.confirmed)

    def test_only_what_is_not_confirmed_can_be_accepted(self):
        with self.assertRaisesRegex(ValueError, "doubtful; there is nothing to accept"):
            accepted(self.doubted)

    def test_outline_changed_by_hand_loses_everything_that_was_said_about_the_one_before(self):
        result = corrected(self.doubted)
        self.assertIs(result.verdict.judgment, Judgment.notConfirmed)
        self.assertIn("changed by hand", result.verdict.reasons[0])
        self.assertEqual(result.warnings, (*result.verdict.reasons, "A note."))
        self.assertIsNone(result.second)
        self.assertIsNone(result.alternative)

    def test_other_outline_keeps_parts_and_lesions(self):
        labels = sitk.GetArrayFromImage(withAlternative(self.doubted).labelImage)
        expected = sitk.GetArrayFromImage(labelImage((1, slice(1, 3)), (2, slice(3, 9)), (3, slice(12, 15))))
        np.testing.assert_array_equal(labels, expected)

    def test_other_outline_is_held_against_the_second_method(self):
        second = withAlternative(self.doubted).second
        np.testing.assert_allclose(second.agreements, [2 * 6 / (6 + 8), 1.0])
        np.testing.assert_allclose(second.volumesMl[0], [0.128, 0.096])
        smaller = replace(self.doubted.second, labelImage=labelImage((1, slice(1, 3))), volumesMl=((0.064, 0.032),) * 2)
        reasons = withAlternative(replace(self.doubted, second=smaller)).verdict.reasons
        self.assertIn("took another outline", reasons[0])
        self.assertIn("outlines 0.0 ml instead of 0.1 ml", reasons[1])

    def test_outlines_are_exchanged(self):
        result = withAlternative(self.doubted)
        self.assertEqual(result.alternative.words, ("the outline as it came first", ""))
        self.assertAlmostEqual(result.alternative.volumesMl[0], 0.064)
        self.assertNotIn("It is too small.", result.warnings)
        back = sitk.GetArrayFromImage(withAlternative(result).labelImage)
        np.testing.assert_array_equal(back, sitk.GetArrayFromImage(self.doubted.labelImage))
        with self.assertRaisesRegex(ValueError, "no other outline"):
            withAlternative(replace(self.doubted, alternative=None))


if __name__ == "__main__":
    unittest.main()
