"""A transform's file holds the transform and nothing of the time and the computer."""

import platform
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Transforms import transformPoints
from MedFusionLib.Core.Results.TransformFile import writeTransform

POINTS = np.random.default_rng(0).uniform(-3, 60, (9, 3))


class TestTransformFile(unittest.TestCase):
    def test_the_same_transform_gives_the_same_bytes_a_second_later_and_reads_back(self):
        pose = sitk.Euler3DTransform((4, 5, 6), 0.1, 0.2, 0.3, (1, 2, 3))
        spline = sitk.BSplineTransformInitializer(sitk.Image([30, 30, 30], sitk.sitkUInt8), [4, 4, 4])
        spline.SetParameters(np.random.default_rng(1).normal(size=len(spline.GetParameters())).tolist())
        transforms = (pose, spline, sitk.CompositeTransform([pose, spline]))
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for round_ in ("first", "second"):
                for index, transform in enumerate(transforms):
                    writeTransform(transform, folder / f"{round_}{index}.h5")
                time.sleep(1.1)  # HDF5 counts seconds
            for index, transform in enumerate(transforms):
                data = (folder / f"first{index}.h5").read_bytes()
                self.assertEqual(data, (folder / f"second{index}.h5").read_bytes())
                self.assertNotIn(platform.release().encode(), data)
                self.assertNotIn(platform.node().encode(), data)
                back = sitk.ReadTransform(str(folder / f"first{index}.h5"))
                np.testing.assert_allclose(transformPoints(back, POINTS), transformPoints(transform, POINTS))


if __name__ == "__main__":
    unittest.main()
