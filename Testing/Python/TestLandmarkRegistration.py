"""Landmark registration as a whole: lists of landmarks in, a transform with its errors out."""

import json
import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Transforms import TransformModel, transformPoints
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from MedFusionLib.Core.Registration.Overlap import checkOverlap
from MedFusionLib.Core.Registration.Registration import RegistrationSettings, registerLandmarks
from MedFusionTesting import sharedData


def landmarksFromFile(path, name="landmarks") -> LandmarkList:
    points = json.loads(path.read_text())["markups"][0]["controlPoints"]
    return LandmarkList(tuple(p["label"] for p in points), np.array([p["position"] for p in points]), name=name)


class TestLandmarkRegistration(unittest.TestCase):
    def test_real_heads_land_within_the_accuracy_of_their_landmarks(self):
        for head, limit in (("head-a", 2.0), ("head-b", 3.0)):
            fixed = landmarksFromFile(sharedData("head-sim", head, "ct_landmarks.mrk.json"))
            moving = landmarksFromFile(sharedData("head-sim", head, "mr_landmarks.mrk.json"))
            targets = json.loads(sharedData("head-sim", head, "truth_targets.json").read_text())
            result = registerLandmarks(fixed, moving, target=np.array(targets["ct"][-1]))
            error = transformPoints(result.transform, np.array(targets["ct"])) - np.array(targets["mr"])
            self.assertLess(np.sqrt(np.mean(np.sum(error**2, axis=1))), limit)
            json.dumps(result.measurements())

    def test_images_that_do_not_overlap_are_refused_with_a_sentence(self):
        fixedImage = sitk.ReadImage(str(sharedData("visible-human", "vm_head_ct.mha")))
        movingImage = sitk.ReadImage(str(sharedData("visible-human", "vm_head_mri.mha")))
        with self.assertRaisesRegex(ValueError, "share only 0 %"):
            checkOverlap(fixedImage, movingImage, sitk.Transform(3, sitk.sitkIdentity))

    def test_an_image_overlaps_itself_fully(self):
        image = sitk.Image(10, 12, 14, sitk.sitkInt16)
        image.SetSpacing([2.0, 1.0, 0.5])
        self.assertAlmostEqual(checkOverlap(image, image, sitk.Transform(3, sitk.sitkIdentity)), 1.0)

    def test_a_questionable_scale_and_crowded_landmarks_are_warned_of(self):
        points = np.random.default_rng(2).uniform(-80, 80, (8, 3))
        labels = tuple("ABCDEFGH")
        settings = RegistrationSettings(model=TransformModel.similarity)
        scaled = registerLandmarks(LandmarkList(labels, points), LandmarkList(labels, 1.1 * points), settings)
        self.assertIn("scale the image by 1.10 to 1.10", " ".join(scaled.warnings))
        same = registerLandmarks(LandmarkList(labels, points), LandmarkList(labels, points), settings)
        self.assertEqual(same.warnings, ())
        crowded = registerLandmarks(LandmarkList(labels, 0.08 * points), LandmarkList(labels, 0.08 * points))
        self.assertIn("close together", " ".join(crowded.warnings))

    def test_every_model_gives_json_measurements(self):
        rng = np.random.default_rng(1)
        points = rng.uniform(-80, 80, (8, 3))
        labels = tuple(f"L{n}" for n in range(8))
        for model in TransformModel:
            result = registerLandmarks(
                LandmarkList(labels, points), LandmarkList(labels, points + 5.0), RegistrationSettings(model=model)
            )
            self.assertEqual(json.loads(json.dumps(result.measurements()))["landmarks"], 8)
            self.assertLess(result.fre, 1e-6)
