"""Two times are compared lesion by lesion, and only where the same was measured."""

import dataclasses
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.FollowUp.Change import Change, Passed
from MedFusionLib.Core.FollowUp.FollowUp import FollowUp, TumorState, compareTumors
from MedFusionLib.Core.FollowUp.LesionPairing import LesionFate
from MedFusionLib.Core.FollowUp.RigidAlignment import RigidAlignment
from MedFusionLib.Core.Inputs.SegmentationFiles import SegmentationFile
from MedFusionLib.Core.Results.Comparability import comparabilityNotes, differencesBetween
from MedFusionLib.Core.Results.RunFolder import RunFolder
from MedFusionLib.Core.Tumor.Segments import Segment, segmentsOfNames
from TestLesions import ellipsoid, emptyGrid, painted

A, B = ellipsoid((-28, -20, 0), (15, 12, 11)), ellipsoid((26, 18, 4), (12, 10, 10))
GROWN = ellipsoid((26, 18, 4), (16, 14, 13))
FAR = ellipsoid((-30, 25, -5), (6, 6, 6))


def state(*lesions, relativeError: float = 0.0) -> TumorState:
    """Return lesions in one segment."""
    grid = emptyGrid((110, 90, 50), (1.0, 1.0, 1.2))
    image = painted(grid, lambda x, y, z: np.logical_or.reduce([lesion(x, y, z) for lesion in lesions]))
    return TumorState(image, (Segment(1, "Tumor"),), relativeError)


def compared(before: TumorState, after: TumorState, errorMm: float = 0.3) -> FollowUp:
    """Return the change; the second head is held differently."""
    pose = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.1, -0.05, 0.2, (12.0, -7.0, 5.0))
    moved = sitk.Image(after.labelImage)
    moved.SetDirection(pose.GetMatrix())
    moved.SetOrigin(pose.TransformPoint(after.labelImage.GetOrigin()))
    return compareTumors(before, dataclasses.replace(after, labelImage=moved), RigidAlignment(pose, errorMm, 0.95))


class TestLesionChange(unittest.TestCase):
    def test_growth_of_one_of_two_lesions_is_progression_of_their_sum(self):
        found = compared(state(A, B), state(A, GROWN))
        product = found.changes[-1]
        self.assertAlmostEqual(product.percent, 100 * (720 + 32 * 28) / 1200 - 100, delta=6)
        self.assertIsNot(product.isIncrease, Passed.no)
        self.assertEqual([lesion.match.fate for lesion in found.lesions], [LesionFate.same] * 2)
        still, grown = (lesion.product.percent for lesion in found.lesions)
        self.assertAlmostEqual(still, 0, delta=3)
        self.assertAlmostEqual(grown, 100 * 32 * 28 / 480 - 100, delta=10)
        self.assertEqual(found.warnings, ())

    def test_new_and_gone_lesions_are_said_with_their_place(self):
        found = compared(state(A, B), state(A, FAR))
        fates = {lesion.match.fate: lesion for lesion in found.lesions}
        self.assertEqual(set(fates), {LesionFate.same, LesionFate.gone, LesionFate.new})
        self.assertRegex(" ".join(found.warnings), "new lesion of 0.9. ml at R 30, A -25, S -5")
        self.assertRegex(" ".join(found.warnings), "A lesion of 5.0. ml at R -26, A -18, S 4 mm is gone")
        self.assertIs(fates[LesionFate.new].product.isIncrease, Passed.yes)
        self.assertIs(fates[LesionFate.gone].product.isDecrease, Passed.yes)

    def test_merged_and_split_lesions_are_compared_by_their_sums(self):
        left, right = ellipsoid((-9, 0, 0), (8, 8, 8)), ellipsoid((9, 0, 0), (8, 8, 8))
        bridge = ellipsoid((0, 0, 0), (12, 6, 6))
        merged = compared(state(left, right), state(left, right, bridge))
        self.assertEqual([lesion.match.fate for lesion in merged.lesions], [LesionFate.merged])
        self.assertIn("2 lesions have merged into one", " ".join(merged.warnings))
        self.assertAlmostEqual(merged.lesions[0].volume.before, 2 * 4 / 3 * np.pi * 0.512, delta=0.1)
        split = compared(state(left, right, bridge), state(left, right))
        self.assertEqual([lesion.match.fate for lesion in split.lesions], [LesionFate.split])

    def test_a_small_lesion_is_found_again_although_the_alignment_errs(self):
        tiny, moved = ellipsoid((30, -20, 0), (2, 2, 2)), ellipsoid((33.5, -20, 1), (2, 2, 2))
        found = compared(state(A, tiny), state(A, moved), 1.0)
        self.assertEqual([lesion.match.fate for lesion in found.lesions], [LesionFate.same] * 2)

    def test_what_methods_disagree_about_makes_a_change_uncertain(self):
        sure, unsure = compared(state(B), state(GROWN)), compared(state(B, relativeError=0.4), state(GROWN))
        self.assertIs(sure.changes[-1].isIncrease, Passed.yes)
        self.assertIs(unsure.changes[-1].isIncrease, Passed.uncertain)
        self.assertGreater(unsure.changes[0].outlineUncertainty, sure.changes[0].outlineUncertainty)

    def test_limits_are_passed_only_beyond_the_interval(self):
        for after, sigma, increase, decrease in (
            (130, 1, Passed.yes, Passed.no),
            (130, 10, Passed.uncertain, Passed.no),
            (110, 2, Passed.no, Passed.no),
            (40, 2, Passed.no, Passed.yes),
            (48, 5, Passed.no, Passed.uncertain),
        ):
            change = Change("volume", "ml", 100.0, float(after), 0.0, 0.0, float(sigma))
            self.assertEqual((change.isIncrease, change.isDecrease), (increase, decrease), after)


def run(name: str, sequences: str, method: str = "line", names: tuple[str, ...] = ("Tumor",), spacing: float = 1.0):
    """Return a run as far as comparability asks for it."""
    image = painted(emptyGrid((40, 40, 20), (1.0, 1.0, spacing)), ellipsoid((0, 0, 0), (8, 8, 8)))
    segments = segmentsOfNames(dict(enumerate(names, start=1)))
    document = {"tumor": {"volume_ml": 1.0}, "parameters": {"tumor": {"sequences": sequences, "method": method}}}
    return RunFolder(Path(name), image, SegmentationFile(image, segments), document)


class TestComparability(unittest.TestCase):
    def test_other_sequences_and_other_parts_are_different_things(self):
        first, second = run("r1", "flair"), run("r2", "t1c")
        self.assertRegex(" ".join(differencesBetween((first, second))), "r1 was outlined on FLAIR, .* r2 on T1c")
        core = run("r3", "unknown", names=("Necrosis", "Enhancing tumor"))
        whole = run("r4", "unknown", names=("Necrosis", "Edema"))
        self.assertRegex(
            " ".join(differencesBetween((core, whole))), "r3 is the tumor core, that of r4 the whole tumor"
        )

    def test_the_same_thing_is_compared_without_a_word(self):
        parted = run("r2", "flair, t1c", names=("Necrosis", "Edema", "Enhancing tumor"))
        for runs in ((run("r1", "flair"), parted), (run("r1", "unknown"), run("r2", "unknown"))):
            self.assertEqual(differencesBetween(runs), ())
            self.assertEqual(comparabilityNotes(runs, 0.95), ())

    def test_other_methods_voxels_and_unlike_images_are_said(self):
        runs = run("r1", "unknown"), run("r2", "unknown", "automatic", spacing=3.0)
        said = " ".join(comparabilityNotes(runs, 0.5))
        for pattern in ("the method line, r2 by automatic", "voxels of r1 are 1 x 1 x 1 mm", "two sequences"):
            self.assertRegex(said, pattern)


if __name__ == "__main__":
    unittest.main()
