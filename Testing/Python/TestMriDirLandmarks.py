"""Real CT and T2 of a meat-and-bone phantom, turned by 180 degrees between both, registered by bone landmarks.

The landmarks are bone corners, cut bone ends and a joint head, placed by eye in the CT, found in the MR by eye and by
the best local match of a 22 mm ball around each, and looked at as crops of both images in three planes.
Soft tissue far from the bone moved by up to 5 mm between the scans, so all of them lie on bone.
"""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Resampling import resampleImage
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from MedFusionLib.Core.Registration.Registration import RegistrationSettings, registerLandmarks
from MedFusionTesting import sharedData

# label: CT point, MR point, both LPS millimeters
LANDMARKS = {
    "joint head": ((7.0, 43.4, -96.9), (-18.0, 63.1, 79.5)),
    "branch root": ((-40.4, -33.4, -64.4), (30.5, -11.9, 45.7)),
    "shaft corner low": ((-1.0, 11.4, -101.9), (-8.8, 29.2, 84.0)),
    "cut end anterior": ((-10.0, -85.0, -71.9), (3.5, -65.4, 54.7)),
    "shaft corner high": ((-6.0, 21.4, -80.9), (-5.3, 41.2, 64.0)),
    "thin end": ((-32.6, 4.1, -20.7), (18.6, 25.2, 2.6)),
    "cut end far": ((-27.9, -78.7, 13.1), (16.2, -59.3, -32.8)),
    "thick end": ((-16.2, 12.7, -48.2), (3.6, 33.1, 29.7)),
    "cut end middle": ((-3.7, -80.3, -38.2), (-5.5, -62.2, 20.7)),
}


def boneDarkness(fixedImage: sitk.Image, movingImage: sitk.Image, transform: sitk.Transform) -> float:
    """Return the T2 signal in the CT's bone as a share of that in its soft tissue; below 1 where they match."""
    ct = sitk.GetArrayFromImage(fixedImage)
    mr = sitk.GetArrayFromImage(resampleImage(movingImage, fixedImage, transform))
    return float(mr[(ct > 500) & (mr > 0)].mean() / mr[(ct > -50) & (ct < 150) & (mr > 0)].mean())


class TestMriDirLandmarks(unittest.TestCase):
    def setUp(self):
        self.fixedImage = sitk.ReadImage(str(sharedData("mridir", "ct.nrrd")))
        self.movingImage = sitk.ReadImage(str(sharedData("mridir", "mr_t2.nrrd")))
        labels, points = tuple(LANDMARKS), np.array(list(LANDMARKS.values()))
        self.fixed = LandmarkList(labels, points[:, 0], name="CT landmarks")
        self.moving = LandmarkList(labels[::-1], points[::-1, 1], name="MR landmarks")

    def test_bone_landmarks_turn_the_object_onto_itself(self):
        result = registerLandmarks(self.fixed, self.moving, None, self.fixedImage, self.movingImage)
        self.assertLess(result.fre, 1.3)
        self.assertLess(result.residuals.max(), 2.0)
        self.assertGreater(result.overlap, 0.9)
        matrix = np.array(result.transform.GetMatrix()).reshape(3, 3)
        np.testing.assert_allclose(np.diag(matrix), [-1, 1, -1], atol=0.01)
        self.assertLess(boneDarkness(self.fixedImage, self.movingImage, result.transform), 0.7)
        unregistered = boneDarkness(self.fixedImage, self.movingImage, sitk.Transform(3, sitk.sitkIdentity))
        self.assertGreater(unregistered, 1.0)

    def test_an_alignment_by_images_that_leaves_the_bone_is_refused_and_counts_as_error(self):
        settings = RegistrationSettings(refine=True)
        result = registerLandmarks(self.fixed, self.moving, settings, self.fixedImage, self.movingImage)
        self.assertFalse(result.refined)
        self.assertIn("more than their own error allows", " ".join(result.warnings))
        self.assertGreater(result.expectedError(result.fixedPoints).mean(), 1.0)
