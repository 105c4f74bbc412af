"""Segments are held against those they belong to: by name, tissue or value, never by order."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
from MedFusionLib.Core.Tumor.AgreementDoubts import agreementDoubts
from MedFusionLib.Core.Tumor.SegmentationMetrics import comparePairs
from MedFusionLib.Core.Tumor.SegmentPairing import LabeledSegments, pairSegments
from MedFusionLib.Core.Tumor.Segments import Segment, SegmentUnion, TumorTissue, segmentsOfNames
from MedFusionLib.Scene.NodeFiles import saveNode
from MedFusionLib.Scene.SegmentationNodes import setSegmentationLabels
from MedFusionTesting import medfusion
from TestSegmentationFiles import labelImage


def named(*names: str) -> LabeledSegments:
    return LabeledSegments(segmentsOfNames(dict(enumerate(names, start=1))), True)


def valued(*values: int) -> LabeledSegments:
    return LabeledSegments(tuple(Segment(value, str(value)) for value in values), False)


def pairsOf(*arguments) -> dict[tuple[int, ...], tuple[int, ...]]:
    return {pair.values: pair.truthValues for pair in pairSegments(*arguments).pairs}


def doubtsOf(labels: np.ndarray, truth: np.ndarray) -> str:
    """Return what is doubted where the values of two label arrays (k, j, i) are held against each other."""
    images = [sitk.GetImageFromArray(array.astype(np.uint8)) for array in (labels, truth)]
    pairs = pairSegments(valued(1, 2), valued(1, 2)).pairs
    return " ".join(agreementDoubts(*images, pairs, comparePairs(*images, pairs)))


class TestSegmentPairing(unittest.TestCase):
    def test_exchanged_labels_other_places_and_inverted_maps_are_doubted_and_nothing_else(self):
        truth = np.zeros((10, 12, 14))
        truth[2:5, 3:8, 3:8], truth[6:9, 3:8, 3:8] = 1, 2
        self.assertEqual(doubtsOf(truth, truth), "")
        self.assertEqual(doubtsOf(np.roll(truth, 2, 2), truth), "", "poor, but nothing else fits better")
        exchanged = np.where(truth > 0, 3 - truth, 0)
        self.assertRegex(
            doubtsOf(exchanged, truth), "1 of the outline agrees better with 2 .*1.00 instead of 0.00.*--map"
        )
        self.assertRegex(doubtsOf(np.roll(truth, 6, 2), truth), r"outline \(0\.\d ml\) .*share no voxel")
        self.assertRegex(doubtsOf(truth == 0, truth), "The outline fills 9\\d% of its volume, as an inverted map")

    def test_label_maps_are_paired_by_value_and_gaps_are_said(self):
        pairing = pairSegments(valued(1, 2, 3), valued(1, 2, 4))
        self.assertEqual([pair.values for pair in pairing.pairs], [(1,), (2,), (3,), (4,)])
        self.assertRegex(" ".join(pairing.notes), "Only the outline has 3.*Only the truth has 4")
        self.assertEqual(pairsOf(valued(1, 2, 3), valued(1, 2, 4), [("3", "4")]), {(3,): (4,)})

    def test_names_are_paired_whatever_their_order_and_spelling(self):
        own, truth = named("Edema", "Necrosis", "Enhancing tumor"), named("enhancing_tumor", "NECROSIS", "Edema")
        self.assertEqual(pairsOf(own, truth), {(1,): (3,), (2,): (2,), (3,): (1,)})

    def test_a_translated_name_is_paired_by_its_tissue_and_said(self):
        own = LabeledSegments((Segment(5, "Ödem", TumorTissue.edema), Segment(6, "Rand", TumorTissue.enhancing)), True)
        pairing = pairSegments(own, named("Enhancing tumor", "Edema"))
        self.assertEqual({pair.values: pair.truthValues for pair in pairing.pairs}, {(5,): (2,), (6,): (1,)})
        self.assertIn("Ödem is held against Edema", " ".join(pairing.notes))

    def test_names_meet_the_values_of_brats_maps_and_no_others(self):
        union = SegmentUnion((1, 3), "Tumor core", TumorTissue.core)
        own = LabeledSegments((*named("Edema", "Enhancing tumor", "Necrosis").segments, union), True)
        expected = {(1,): (2,), (2,): (4,), (3,): (1,), (1, 3): (1, 4)}
        self.assertEqual(pairsOf(own, valued(1, 2, 4)), expected)
        self.assertEqual(pairsOf(valued(1, 2, 4), own), {right: left for left, right in expected.items()})
        other = pairSegments(own, valued(7, 8, 9))
        self.assertEqual(other.pairs, ())
        self.assertRegex(" ".join(other.notes), "Only the truth has 7, 8, 9.*--map")

    def test_two_tumors_of_unlike_names_are_not_paired_by_order(self):
        self.assertEqual(pairsOf(named("left", "right"), named("Tumor 1", "Tumor 2")), {})

    def test_a_segment_that_is_not_there_is_refused_with_what_is(self):
        with self.assertRaisesRegex(ValueError, 'truth has no segment "9"; it has 1 .1., 2 .2.'):
            pairSegments(valued(1), valued(1, 2), [("1", "9")])


class TestEvaluateTumor(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.labels = labelImage()
        self.truth = self.folder / "truth.nii.gz"
        sitk.WriteImage(self.labels, str(self.truth))

    def rows(self, *arguments: object) -> tuple[dict[str, float], str]:
        """Return the Dice of each row, and what was said."""
        status, printed, errors = medfusion("evaluate", "tumor", *arguments)
        self.assertEqual(status, 0, errors)
        lines = printed[printed.index("label ") :].splitlines()[1:]
        return {line[:18].strip(): float(line[18:].split()[0]) for line in lines}, errors

    def test_a_map_with_gaps_agrees_with_itself(self):
        self.assertEqual(self.rows(self.truth, self.truth)[0], {"1": 1.0, "2": 1.0, "4": 1.0, "all": 1.0})

    def test_a_named_outline_agrees_with_its_brats_map(self):
        scene = slicer.vtkMRMLScene()
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "s")
        order = (Segment(2, "Edema", TumorTissue.edema), Segment(4, "ET", TumorTissue.enhancing), Segment(1, "NCR"))
        setSegmentationLabels(node, self.labels, order, dict.fromkeys((1, 2, 4), (1.0, 0.0, 0.0)))
        saveNode(node, self.folder / "seg.seg.nrrd")
        rows, said = self.rows(self.folder / "seg.seg.nrrd", self.truth)
        self.assertEqual(rows, {"Edema": 1.0, "ET": 1.0, "all": 1.0})
        self.assertRegex(said, "BraTS map.*\n.*Only the outline has NCR")
        rows, _said = self.rows(self.folder / "seg.seg.nrrd", self.truth, "--map", "NCR=1,2=2+4")
        self.assertEqual(rows["NCR = 1"], 1.0)
        self.assertLess(rows["2 = 2+4"], 1.0)

    def test_probabilities_are_refused_or_cut_and_bad_maps_named(self):
        soft = self.folder / "soft.nii.gz"
        sitk.WriteImage(sitk.Cast(self.labels > 0, sitk.sitkFloat32) * 0.9, str(soft))
        whole = self.folder / "whole.nii.gz"
        sitk.WriteImage(sitk.Cast(self.labels > 0, sitk.sitkUInt8), str(whole))
        self.assertEqual(self.rows(soft, whole, "--threshold", "0.5")[0], {"1": 1.0, "all": 1.0})
        for arguments, reason in (
            ((soft, whole), "map of probabilities"),
            ((whole, self.truth, "--map", "1=9"), "no segment"),
            ((whole, self.truth, "--map", "1"), "is not SEG=TRUTH"),
        ):
            status, _printed, errors = medfusion("evaluate", "tumor", *arguments)
            self.assertEqual(status, 2)
            self.assertRegex(errors, reason)

    def test_what_lies_beyond_the_truths_grid_counts_as_wrong(self):
        cropped = self.folder / "cropped.nii.gz"
        sitk.WriteImage(self.labels[:, :, :8], str(cropped))
        rows, _said = self.rows(self.truth, cropped)
        voxels = sitk.GetArrayFromImage(self.labels)
        both, extra = int((voxels[:8] == 4).sum()), int((voxels == 4).sum())
        self.assertAlmostEqual(rows["4"], 2 * both / (both + extra), places=3)


if __name__ == "__main__":
    unittest.main()
