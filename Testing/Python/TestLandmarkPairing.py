"""Which landmarks become pairs, and what is said about the others."""

import unittest

import numpy as np
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from MedFusionLib.Core.Landmarks.LandmarkPairing import Pairing, pairLandmarks
from scipy.spatial.transform import Rotation


def landmarks(labels, used=(), name="landmarks"):
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

    def test_labels_in_other_capitals_or_with_underscores_are_paired_and_said_unless_two_would_fit(self):
        fixed = landmarks(["NASION", "Left ear", "tip", "Tip", "Inion"])
        pairs = pairLandmarks(fixed, landmarks(["left_ear", "Nasion", "TIP", "Inion", "X"]))
        self.assertEqual(pairs.labels, ("Inion", "NASION", "Left ear"))
        np.testing.assert_array_equal(pairs.movingPoints[:, 1], [3, 1, 0])
        self.assertIn("written differently: NASION with Nasion, Left ear with left_ear.", " ".join(pairs.notes))
        self.assertRegex(" ".join(pairs.notes), "Left out .*: tip, Tip.*: TIP, X")

    def test_landmarks_without_names_are_paired_by_order_and_it_is_said(self):
        pairs = pairLandmarks(landmarks(["CT-1", "CT-2", "CT-3"]), landmarks(["", "", ""]))
        np.testing.assert_array_equal(pairs.fixedPoints[:, 1], pairs.movingPoints[:, 1])
        self.assertIn("order of the lists", " ".join(pairs.notes))

    def test_numbers_after_names_do_not_make_a_list_unnamed(self):
        fixed = landmarks(["ear 1", "ear 2", "orbit 1", "orbit 2", "nose 1"])
        moving = landmarks(["inion 1", "nose 1", "orbit 1", "orbit 2", "ear 1"])
        pairs = pairLandmarks(fixed, moving)
        self.assertEqual(pairs.labels, ("ear 1", "orbit 1", "orbit 2", "nose 1"))
        np.testing.assert_array_equal(pairs.movingPoints[:, 1], [4, 2, 3, 1])
        self.assertIn("ear 2", " ".join(pairs.notes))

    def test_lists_that_slicer_numbered_are_paired_by_order_and_it_is_said(self):
        for fixed, moving in ((("F-1", "F-2", "F-10"), ("F-1", "F-2", "F-10")), (("F_1", "F_2"), ("P1", "P2"))):
            pairs = pairLandmarks(landmarks(fixed), landmarks(moving))
            np.testing.assert_array_equal(pairs.fixedPoints[:, 1], pairs.movingPoints[:, 1])
            self.assertEqual(len(pairs.labels), len(fixed))
            self.assertEqual(
                pairs.notes, ("The landmarks have no names, so they were paired in the order of the lists.",)
            )

    def test_unnamed_landmarks_paired_by_order_are_named_where_their_numbers_differ(self):
        pairs = pairLandmarks(landmarks(["F-1", "F-2", "F-4"]), landmarks(["M-1", "M-2", "M-3"]))
        self.assertEqual(len(pairs.labels), 3)
        self.assertIn("order of the lists; check those with other numbers: F-4 with M-3.", " ".join(pairs.notes))

    def test_a_deleted_point_among_numbered_ones_leaves_the_others_paired(self):
        fixed, moving = landmarks(["F-1", "F-2", "F-4"], name="CT landmarks"), landmarks(["F-1", "F-2", "F-3", "F-4"])
        pairs = pairLandmarks(fixed, moving)
        self.assertEqual(pairs.labels, ("F-1", "F-2", "F-4"))
        np.testing.assert_array_equal(pairs.movingPoints[:, 1], [0, 1, 3])
        self.assertIn("by their numbers", " ".join(pairs.notes))
        self.assertIn("no such label, in the landmarks: F-3", " ".join(pairs.notes))

    def test_equal_numbers_at_other_places_are_never_paired_by_order(self):
        pairs = pairLandmarks(landmarks(["F-1", "F-2", "F-3", "F-5"]), landmarks(["F-5", "F-1", "F-7", "F-2"]))
        self.assertEqual(pairs.labels, ("F-1", "F-2", "F-5"))
        pairs = pairLandmarks(landmarks(["F-1", "F-2", "F-3"]), landmarks(["F-2", "F-3", "F-4"]))
        self.assertEqual(pairs.labels, ("F-2", "F-3"))

    def test_unnamed_lists_of_other_lengths_are_refused(self):
        for fixed, moving in ((["F-1", "F-2", "F-3", "F-4"], ["M-1", "M-2", "M-4"]), ([""] * 4, [""] * 3)):
            with self.assertRaisesRegex(ValueError, "hold 4, the landmarks 3, so neither labels nor order"):
                pairLandmarks(landmarks(fixed), landmarks(moving))

    def test_landmarks_without_a_label_among_labeled_ones_are_counted(self):
        pairs = pairLandmarks(landmarks(["A", "B", "C", "", ""], name="CT landmarks"), landmarks(["A", "B", "C", ""]))
        self.assertEqual(pairs.labels, ("A", "B", "C"))
        self.assertIn("2 landmarks without a label were not used in the CT landmarks.", pairs.notes)
        self.assertIn("1 landmark without a label was not used in the landmarks.", pairs.notes)

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
        with self.assertRaisesRegex(ValueError, "equally many landmarks"):
            pairLandmarks(landmarks("ABC"), landmarks("AB"), Pairing.order)

    def test_an_empty_list_is_refused(self):
        with self.assertRaisesRegex(ValueError, "no placed landmark"):
            pairLandmarks(landmarks(""), landmarks("ABC"))

    def test_a_point_that_is_not_finite_is_refused_unless_unused(self):
        with self.assertRaisesRegex(ValueError, "no valid position"):
            LandmarkList(("A",), np.array([[np.nan, 0, 0]]))
        LandmarkList(("A",), np.array([[np.nan, 0, 0]]), (False,))


class TestPairingByShape(unittest.TestCase):
    def lists(self, points, keep, rng):
        """Return a labeled list, an unlabeled, turned, shuffled one of its first `keep` landmarks, and the order."""
        labels = tuple(f"L{n}" for n in range(len(points)))
        turn = Rotation.from_euler("xyz", rng.uniform(-180, 180, 3), degrees=True).as_matrix()
        order = rng.permutation(keep)
        moving = points[order] @ turn.T + [10.0, 200.0, -30.0] + rng.normal(0, 1.5, (keep, 3))
        fixed = LandmarkList(labels, points + rng.normal(0, 1.5, points.shape), name="CT landmarks")
        return fixed, LandmarkList(("",) * keep, moving), order

    def test_shuffled_landmarks_without_labels_find_their_partners(self):
        rng = np.random.default_rng(1)
        for count, keep in ((6, 6), (10, 8), (30, 28)):
            fixed, moving, order = self.lists(rng.uniform(-80, 80, (count, 3)), keep, rng)
            pairs = pairLandmarks(fixed, moving, Pairing.auto)
            self.assertGreaterEqual(len(pairs.labels), keep - 1)
            for label, point in zip(pairs.labels, pairs.movingPoints, strict=True):
                row = np.flatnonzero(order == int(label[1:]))[0]
                np.testing.assert_array_equal(point, moving.points[row])
            self.assertIn("by the shape", " ".join(pairs.notes))
            if keep < count:
                self.assertIn("Left out as nothing matches, in the CT landmarks", " ".join(pairs.notes))

    def test_a_symmetric_configuration_is_refused_as_ambiguous(self):
        corners = np.array([[x, y, z] for x in (-70, 70) for y in (-90, 90) for z in (-50, 50)], float)
        fixed, moving, _ = self.lists(corners, 8, np.random.default_rng(2))
        with self.assertRaisesRegex(ValueError, "about equally well"):
            pairLandmarks(fixed, moving, Pairing.auto)

    def test_shapes_that_differ_are_refused(self):
        rng = np.random.default_rng(3)
        fixed, _, _ = self.lists(rng.uniform(-80, 80, (8, 3)), 8, rng)
        other, _, _ = self.lists(rng.uniform(-300, 300, (8, 3)), 8, rng)
        with self.assertRaisesRegex(ValueError, "No pairing"):
            pairLandmarks(fixed, other, Pairing.auto)

    def test_triangles_alike_without_a_motion_that_settles_are_refused(self):
        rng = np.random.default_rng(5)
        fixed, moving = (LandmarkList(("",) * 5, rng.uniform(-90, 90, (5, 3))) for _ in range(2))
        with self.assertRaisesRegex(ValueError, "No pairing"):
            pairLandmarks(fixed, moving, Pairing.auto)

    def test_wide_letters_of_another_keyboard_are_the_same_letters(self):
        points = np.array([[0.0, 0, 0], [40, 0, 0], [0, 50, 0], [0, 0, 60]])
        names = ("Nasion", "Inion", "Vertex", "Left ear")
        wide = tuple(
            "".join(chr(ord(letter) + 0xFEE0) if letter != " " else letter for letter in name) for name in names
        )
        order = [2, 0, 3, 1]
        lists = LandmarkList(names, points), LandmarkList(tuple(wide[n] for n in order), points[order] + 7)
        pairs = pairLandmarks(*lists, Pairing.label)
        np.testing.assert_allclose(pairs.movingPoints - pairs.fixedPoints, np.full((4, 3), 7.0))
