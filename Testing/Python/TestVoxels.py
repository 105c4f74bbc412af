"""Large volumes are read a part at a time: nothing copies a volume that shares its memory with a node."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Fusion.Fusion import FusionGeometry, fuseVolumes
from MedFusionLib.Core.Fusion.Metrics import scoreTable
from MedFusionLib.Core.Images.Resampling import resampleImage
from MedFusionLib.Core.Images.Transforms import transformPoints
from MedFusionLib.Core.Images.Voxels import everyNth, extremes, slabs, writableVoxels
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from MedFusionLib.Core.Landmarks.LandmarkPairing import Pairing
from MedFusionLib.Core.Phantom import Phantom, makePhantom
from MedFusionLib.Core.Registration.Registration import RegistrationSettings, registerLandmarks
from MedFusionLib.Core.Tumor.IntracranialCavity import coarseCavity
from MedFusionLib.Core.Tumor.TumorMeasurements import measureTumor
from MedFusionLib.Core.Tumor.TumorSegmentation import (
    SegmentationMethod,
    SegmentationSettings,
    TumorInteraction,
    segmentTumor,
)
from MedFusionLib.Report.Pictures import robustWindow


class TestVoxels(unittest.TestCase):
    def setUp(self):
        self.array = np.random.default_rng(4).integers(-500, 500, (19, 7, 11)).astype(np.int16)
        self.image = sitk.GetImageFromArray(self.array)
        self.image.SetSpacing((0.5, 0.7, 1.5))

    def test_slabs_are_the_image_in_order_and_in_place(self):
        parts = list(slabs(self.image))
        self.assertEqual([start for start, _ in parts], [0, 8, 16])
        np.testing.assert_array_equal(np.concatenate([sitk.GetArrayFromImage(part) for _, part in parts]), self.array)
        for start, part in parts:
            self.assertEqual(part.GetOrigin(), self.image.TransformIndexToPhysicalPoint((0, 0, start)))

    def test_every_nth_voxel_is_that_of_the_array(self):
        np.testing.assert_array_equal(everyNth(self.image, 3), self.array[::3, ::3, ::3])
        np.testing.assert_array_equal(everyNth(self.image, 1, 2, 4), self.array[::4, ::2, ::1])

    def test_extremes_are_those_of_the_array_and_tell_a_missing_number(self):
        self.assertEqual(extremes(self.image), (self.array.min(), self.array.max()))
        self.array = self.array.astype(np.float32)
        self.array[11, 3, 4] = np.nan
        self.assertTrue(np.isnan(extremes(sitk.GetImageFromArray(self.array))).all())

    def test_what_is_written_into_the_voxels_is_in_the_image(self):
        image = sitk.Image([4, 3, 2], sitk.sitkInt16)
        writableVoxels(image)[1, 2, 3] = 5
        self.assertEqual(image[3, 2, 1], 5)


class TestSharedVolumes(unittest.TestCase):
    phantom: Phantom

    @classmethod
    def setUpClass(cls):
        cls.phantom = makePhantom(spacingFactor=2.5)

    def setUp(self):
        self.owners = self.phantom.ct, self.phantom.mri
        self.ct, self.mri = map(sitk.Image, self.owners)

    def tearDown(self):
        # An image that is looked at as an array stops to share its memory and has a copy of all of it.
        for image in (self.ct, self.mri):
            self.assertFalse(image.IsUnique())

    def test_registering(self):
        fixed, moving = (
            LandmarkList(self.phantom.landmarkLabels, points, (True,) * len(points), "landmarks")
            for points in (self.phantom.ctLandmarks, self.phantom.mriLandmarks)
        )
        settings = RegistrationSettings(pairing=Pairing.label, refine=True)
        result = registerLandmarks(fixed, moving, settings, self.ct, self.mri)
        targets = self.phantom.targets
        moved = transformPoints(result.transform, targets) - transformPoints(self.phantom.ctToMri, targets)
        self.assertLess(np.linalg.norm(moved, axis=1).max(), 5.0)

    def test_fusing_and_scoring(self):
        transform = self.phantom.ctToMri
        fused = fuseVolumes(self.ct, [self.mri], geometry=FusionGeometry([transform])).image
        registered = resampleImage(self.mri, self.ct, transform)
        self.owners += (registered,)
        shared = sitk.Image(registered)
        fuseVolumes(self.ct, [shared])
        scoreTable(self.ct, shared, fused)
        robustWindow(shared)
        self.assertFalse(shared.IsUnique())

    def test_outlining_and_measuring(self):
        seeds = np.array([self.phantom.ctToMri.TransformPoint(self.phantom.targets[-1].tolist())])
        settings = SegmentationSettings(method=SegmentationMethod.click)
        tumor = segmentTumor([self.mri], TumorInteraction(seeds=seeds), settings)
        outlined = measureTumor(tumor.labelImage, {"MRI": self.mri}).total
        true = measureTumor(self.phantom.tumorLabels, {"CT": self.ct}, ct=self.ct, cavity=coarseCavity(self.ct)).total
        self.assertEqual((set(outlined.intensities), set(true.intensities)), ({"MRI"}, {"CT"}))
        self.assertGreater(true.centroidDepthMm, 5.0)


if __name__ == "__main__":
    unittest.main()
