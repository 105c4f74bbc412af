"""Fusion scores: known values of simple pictures, then published code's values on the pairs that papers share."""

import json
import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Fusion.Metrics import (
    METRIC_MEANINGS,
    fusionMetrics,
    scoreTable,
    volumeFusionMetrics,
)
from MedFusionTesting import sharedData
from PIL import Image


def stacked(plane: np.ndarray, count: int) -> sitk.Image:
    """Return a volume of like slices."""
    return sitk.GetImageFromArray(np.stack([plane] * count))


class TestFusionMetrics(unittest.TestCase):
    def setUp(self):
        random = np.random.default_rng(3)
        self.ct = np.zeros((64, 64))
        self.ct[8:56, 8:56] = 230
        self.ct[12:52, 12:52] = 40
        self.mri = np.zeros((64, 64))
        self.mri[12:52, 12:52] = (120 + random.normal(0, 20, (40, 40))).clip(0, 255)

    def test_maximum_keeps_bone_and_never_overshoots(self):
        scores = fusionMetrics(self.ct, self.mri, np.maximum(self.ct, self.mri))
        self.assertAlmostEqual(scores["Bone"], 1)
        self.assertEqual(scores["Overshoot"], 0)

    def test_an_image_fused_with_itself_scores_full_marks(self):
        scores = fusionMetrics(self.mri, self.mri, self.mri)
        for name, best in {"QABF": 1, "QW": 1, "QCB": 1, "FMI": 1, "QMI": 2, "VIF": 2, "SSIM": 2}.items():
            self.assertAlmostEqual(scores[name], best, delta=0.03, msg=name)

    def test_something_brighter_than_both_sources_is_overshoot(self):
        fused = np.maximum(self.ct, self.mri)
        fused[20:30, 20:30] = 255
        self.assertAlmostEqual(fusionMetrics(self.ct, self.mri, fused)["Overshoot"], 100 * 100 / 48**2, delta=0.3)

    def test_every_score_has_its_meaning(self):
        self.assertEqual(list(fusionMetrics(self.ct, self.mri, self.ct)), list(METRIC_MEANINGS))

    def test_volume_scores_are_the_mean_over_slices(self):
        fused = np.maximum(self.ct, self.mri)
        ticks = []
        volumes = [stacked(plane, 3) for plane in (self.ct, self.mri, fused)]
        scores = volumeFusionMetrics(*volumes, progress=lambda fraction, message: ticks.append(fraction))
        single = fusionMetrics(self.ct, self.mri, fused)
        for name, value in scores.items():
            self.assertAlmostEqual(value, single[name], places=3, msg=name)
        self.assertEqual(ticks[-1], 1)

    def test_a_copy_of_the_mri_has_all_of_its_tissue_and_none_of_the_bone(self):
        scores = scoreTable(*(stacked(plane, 2) for plane in (self.ct, self.mri, self.ct)))
        self.assertGreater(scores["copy_mri"]["Soft"], 0.99)
        self.assertLess(scores["copy_mri"]["Bone"], 0.1)
        self.assertAlmostEqual(scores["copy_ct"]["Bone"], 1)
        self.assertEqual(scores["copy_mri"]["Dimmed"], 0)
        self.assertEqual(scores["copy_ct"]["Dimmed"], 100)

    def test_a_hollow_lesion_is_dimmed(self):
        lesion = np.zeros((64, 64), bool)
        lesion[22:42, 22:42] = True
        self.mri[lesion] = 200
        self.assertEqual(fusionMetrics(self.ct, self.mri, self.mri)["Dimmed"], 0)
        hollow = self.mri.copy()
        hollow[27:37, 27:37] = 130
        share = 100 / ((self.mri - self.ct > 50)[15:49, 15:49]).sum()
        self.assertAlmostEqual(fusionMetrics(self.ct, self.mri, hollow)["Dimmed"], 100 * share, delta=2)
        self.assertTrue(np.isnan(fusionMetrics(self.ct, self.ct, self.ct)["Dimmed"]))

    def test_the_task_measures_are_those_of_the_full_table(self):
        volumes = [stacked(plane, 2) for plane in (self.ct, self.mri, np.maximum(self.ct, self.mri))]
        short, full = scoreTable(*volumes), scoreTable(*volumes, full=True)
        self.assertLessEqual(set(short["fused"]), {"Bone", "Soft", "Overshoot", "Dimmed"})
        for column, scores in short.items():
            for name, value in scores.items():
                self.assertEqual(full[column][name], value)

    def test_the_table_holds_the_copies_beside_and_is_empty_for_color(self):
        ct, mri = stacked(self.ct, 2), stacked(self.mri, 2)
        scores = scoreTable(ct, mri, stacked(np.maximum(self.ct, self.mri), 2), full=True)
        self.assertEqual(list(scores), ["fused", "copy_ct", "copy_mri"])
        self.assertGreater(scores["fused"]["SCD"], max(scores["copy_ct"]["SCD"], scores["copy_mri"]["SCD"]))
        self.assertEqual(scoreTable(ct, mri, sitk.Image([64, 64, 2], sitk.sitkVectorUInt8, 3)), {})

    def test_bad_input_is_refused_with_a_sentence(self):
        for wrong in ((self.ct, self.mri[1:], self.ct), (self.ct * 2, self.mri, self.ct), (self.ct * np.nan,) * 3):
            with self.assertRaises(ValueError):
                fusionMetrics(*wrong)
        with self.assertRaises(ValueError):
            volumeFusionMetrics(*[sitk.Image([64, 64, 2], sitk.sitkFloat32)] * 3)


class TestPublishedScores(unittest.TestCase):
    """The reference values agree with the metrics' published code to 5 digits; FMI was not cross-checked."""

    NAMES = {"FMI": "FMIw", "Bone": "boneKeep", "Soft": "softCorr", "Overshoot": "overshoot%"}

    def test_scores_equal_the_reference(self):
        folder = sharedData("aanlib-fused")
        reference = json.loads((folder / "scores.json").read_text())
        for name, method in (("16009.png", "PYRAMID-grayscale"), ("2010.png", "ASFE-Fusion"), ("41014.png", "average")):
            ct, mri = (np.asarray(Image.open(folder / kind / name).convert("L"), float) for kind in ("CT", "MRI"))
            average = method == "average"
            fused = np.rint((ct + mri) / 2) if average else np.asarray(Image.open(folder / method / name).convert("L"))
            scores = fusionMetrics(ct, mri, fused)
            del scores["Dimmed"]  # our own, and not in the reference
            for metric, value in scores.items():
                expected = reference[name][method][self.NAMES.get(metric, metric)]
                # FMI decides by rounding noise in black background.
                tolerance = 0.02 if metric == "FMI" else 5e-6 * max(1.0, abs(expected))
                self.assertAlmostEqual(value, expected, delta=tolerance, msg=f"{metric} of {method} on {name}")


if __name__ == "__main__":
    unittest.main()
