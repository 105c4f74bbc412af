"""Agreement of segmentations with known answers."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.SegmentationMetrics import bestUnion, compareSegmentations


def labelImage(array: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> sitk.Image:
    image = sitk.GetImageFromArray(array.astype(np.uint8))
    image.SetSpacing(spacing)
    return image


def cube(start: int, stop: int, label: int = 1) -> np.ndarray:
    array = np.zeros((30, 30, 30), np.uint8)
    array[start:stop, 10:20, 10:20] = label
    return array


class TestSegmentationMetrics(unittest.TestCase):
    def test_a_segmentation_agrees_perfectly_with_itself(self):
        image = labelImage(cube(5, 15) + 2 * cube(18, 22), (0.7, 1.0, 2.5))
        scores = compareSegmentations(image, image)
        self.assertEqual(set(scores), {1, 2, "all"})
        for score in scores.values():
            self.assertEqual(score.dice, 1.0)
            self.assertEqual(score.hausdorff95Mm, 0.0)
            self.assertEqual(score.averageSurfaceDistanceMm, 0.0)
            self.assertEqual(score.volumeError, 0.0)

    def test_an_undivided_segment_is_held_against_the_labels_it_covers(self):
        truth = cube(5, 10, 1) + cube(10, 15, 4) + cube(15, 25, 2)
        union, scores = bestUnion(labelImage(cube(5, 15)), labelImage(truth))
        self.assertEqual((union, scores.dice), ((1, 4), 1.0))
        with self.assertRaisesRegex(ValueError, "no label"):
            bestUnion(labelImage(cube(5, 15)), labelImage(np.zeros_like(truth)))

    def test_a_shifted_cube_has_the_dice_and_distance_of_geometry(self):
        spacing = (1.0, 1.0, 3.0)
        scores = compareSegmentations(labelImage(cube(7, 17), spacing), labelImage(cube(5, 15), spacing))["all"]
        self.assertAlmostEqual(scores.dice, 0.8)
        self.assertAlmostEqual(scores.hausdorff95Mm, 6.0)

    def test_a_thicker_cube_has_its_volume_error(self):
        score = compareSegmentations(labelImage(cube(5, 17)), labelImage(cube(5, 15)))["all"]
        self.assertAlmostEqual(score.volumeError, 0.2)
        self.assertAlmostEqual(score.truthVolumeMl, 1.0)

    def test_an_empty_segmentation_scores_zero_and_two_empty_ones_agree(self):
        empty = labelImage(np.zeros((30, 30, 30)))
        self.assertEqual(compareSegmentations(empty, labelImage(cube(5, 15)))["all"].dice, 0.0)
        self.assertEqual(compareSegmentations(empty, empty)["all"].dice, 1.0)

    def test_different_grids_are_compared_in_the_world(self):
        fine = labelImage(np.repeat(np.repeat(np.repeat(cube(5, 15), 2, 0), 2, 1), 2, 2), (0.5, 0.5, 0.5))
        fine.SetOrigin((-0.25, -0.25, -0.25))
        self.assertEqual(compareSegmentations(fine, labelImage(cube(5, 15)))["all"].dice, 1.0)


if __name__ == "__main__":
    unittest.main()
