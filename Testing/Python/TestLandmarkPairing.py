"""Which landmarks become pairs, and what is said about the others."""

import unittest

import numpy as np
from MedFusionLib.Core.LandmarkPairing import Pairing, pairLandmarks
from MedFusionLib.Core.Landmarks import LandmarkList


def landmarks(labels, used=None, name="landmarks"):
    points = np.array([[hash(label) % 97, n, 0] for n, label in enumerate(labels)], float)
    return LandmarkList(tuple(labels), points, used, name)


class TestLandmarkPairing(unittest.TestCase):
    def test_labels_match_in_any_order_and_the_rest_is_named(self):
        pairs = pairLandmarks(landmarks(["A", "B", "C", "D"]), landmarks(["D", "X", "A", "C"], name="MR landmarks"))
        self.assertEqual(pairs.labels, ("A", "C", "D"))
        np.testing.assert_array_equal(pairs.fixedPoints[:, 1], [0, 2, 3])
        np.testing.assert_array_equal(pairs.movingPoints[:, 1], [2, 3, 0])
        self.assertIn("B", " ".join(pairs.notes))
        self.assertIn("MR landmarks: X", " ".join(pairs.notes))

    def test_landmarks_without_names_are_paired_by_order_and_it_is_said(self):
        pairs = pairLandmarks(landmarks(["CT-1", "CT-2", "CT-3"]), landmarks(["", "", ""]))
        np.testing.assert_array_equal(pairs.fixedPoints[:, 1], pairs.movingPoints[:, 1])
        self.assertIn("order of the lists", " ".join(pairs.notes))

    def test_unset_landmarks_are_left_out_and_named(self):
        pairs = pairLandmarks(landmarks("ABC", (True, False, True)), landmarks("ABC"))
        self.assertEqual(pairs.labels, ("A", "C"))
        self.assertIn("unset or switched off in the landmarks: B", " ".join(pairs.notes))

    def test_labels_that_never_match_are_refused(self):
        with self.assertRaisesRegex(ValueError, "No label"):
            pairLandmarks(landmarks(["nose", "ear"]), landmarks(["chin", "brow"]))

    def test_a_label_used_twice_is_refused(self):
        with self.assertRaisesRegex(ValueError, "A more than once"):
            pairLandmarks(landmarks("AAB"), landmarks("ABC"))

    def test_order_needs_equal_counts(self):
        with self.assertRaisesRegex(ValueError, "as many landmarks"):
            pairLandmarks(landmarks("ABC"), landmarks("AB"), Pairing.order)

    def test_an_empty_list_is_refused(self):
        with self.assertRaisesRegex(ValueError, "no placed landmark"):
            pairLandmarks(landmarks(""), landmarks("ABC"))

    def test_a_point_that_is_not_finite_is_refused_unless_unused(self):
        with self.assertRaisesRegex(ValueError, "no valid position"):
            LandmarkList(("A",), np.array([[np.nan, 0, 0]]))
        LandmarkList(("A",), np.array([[np.nan, 0, 0]]), (False,))
