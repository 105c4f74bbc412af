"""Measurements of shapes whose size is known."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.TumorMeasurements import measureTumor


def ellipsoid(
    radii: tuple[float, float, float], spacing: tuple[float, float, float] = (1.0, 1.0, 1.0), label: int = 1
) -> sitk.Image:
    """Return an ellipsoid with radii (x, y, z) in mm around (10, -20, 30) LPS."""
    size = [int(2 * r / s) + 12 for r, s in zip(radii, spacing, strict=True)]
    origin = [c - (n - 1) * s / 2 for c, n, s in zip((10, -20, 30), size, spacing, strict=True)]
    grid = np.meshgrid(
        *[(np.arange(n) - (n - 1) / 2) * s for n, s in zip(size[::-1], spacing[::-1], strict=True)], indexing="ij"
    )
    inside = sum((axis / r) ** 2 for axis, r in zip(grid, radii[::-1], strict=True)) <= 1
    image = sitk.GetImageFromArray((label * inside).astype(np.uint8))
    image.SetSpacing(spacing)
    image.SetOrigin(origin)
    return image


class TestTumorMeasurements(unittest.TestCase):
    def test_an_ellipsoid_has_its_volume_diameters_and_centroid(self):
        for spacing in ((1.0, 1.0, 1.0), (0.6, 0.8, 3.0)):
            total = measureTumor(ellipsoid((20, 12, 15), spacing)).total
            truthMl = 4 / 3 * np.pi * 20 * 12 * 15 / 1000
            self.assertAlmostEqual(total.volumeMl, truthMl, delta=0.02 * truthMl)
            self.assertLess(abs(total.volumeMl - truthMl), total.volumeUncertaintyMl)
            self.assertAlmostEqual(total.axialDiameter.lengthMm, 40, delta=1.0)
            self.assertAlmostEqual(total.perpendicularDiameter.lengthMm, 24, delta=1.2)
            self.assertAlmostEqual(total.bidimensionalProductMm2, 960, delta=60)
            self.assertAlmostEqual(total.longestDiameter.lengthMm, 40, delta=1.0)
            np.testing.assert_allclose(total.centroid, (10, -20, 30), atol=0.1)

    def test_the_longest_diameter_is_found_out_of_the_axial_plane(self):
        total = measureTumor(ellipsoid((10, 10, 25))).total
        self.assertAlmostEqual(total.longestDiameter.lengthMm, 50, delta=1.0)
        self.assertAlmostEqual(total.axialDiameter.lengthMm, 20, delta=1.0)

    def test_the_two_axial_diameters_are_perpendicular_and_in_one_slice(self):
        total = measureTumor(ellipsoid((20, 12, 15))).total
        long = total.axialDiameter.end - total.axialDiameter.start
        short = total.perpendicularDiameter.end - total.perpendicularDiameter.start
        self.assertAlmostEqual(float(long @ short), 0.0, delta=1e-6)
        self.assertAlmostEqual(total.axialDiameter.start[2], total.perpendicularDiameter.end[2])

    def test_a_turned_grid_changes_no_measurement(self):
        image = ellipsoid((20, 12, 15))
        before = measureTumor(image).total
        angle = np.deg2rad(30)
        image.SetDirection((np.cos(angle), -np.sin(angle), 0, np.sin(angle), np.cos(angle), 0, 0, 0, 1))
        after = measureTumor(image).total
        self.assertAlmostEqual(after.volumeMl, before.volumeMl)
        self.assertAlmostEqual(after.axialDiameter.lengthMm, before.axialDiameter.lengthMm)
        direction = (after.axialDiameter.end - after.axialDiameter.start) / after.axialDiameter.lengthMm
        self.assertAlmostEqual(abs(float(direction @ (np.cos(angle), np.sin(angle), 0))), 1.0, delta=0.02)

    def test_a_ball_is_spherical_and_a_rod_is_not(self):
        self.assertAlmostEqual(measureTumor(ellipsoid((15, 15, 15))).total.sphericity, 1.0, delta=0.02)
        self.assertAlmostEqual(measureTumor(ellipsoid((15, 15, 15), (0.7, 0.7, 3.0))).total.sphericity, 1.0, delta=0.05)
        self.assertLess(measureTumor(ellipsoid((5, 5, 40))).total.sphericity, 0.8)

    def test_a_single_voxel_can_be_measured(self):
        array = np.zeros((5, 5, 5), np.uint8)
        array[2, 2, 2] = 1
        total = measureTumor(sitk.GetImageFromArray(array)).total
        self.assertAlmostEqual(total.volumeMl, 0.001)
        self.assertAlmostEqual(total.axialDiameter.lengthMm, 1.0, delta=0.5)

    def test_intensities_and_depth_are_those_of_the_images(self):
        image = ellipsoid((10, 10, 10))
        values = sitk.Cast(image, sitk.sitkFloat32) * 50 + 10
        cavity = sitk.Cast(sitk.ConstantPad(image, [20] * 3, [20] * 3) >= 0, sitk.sitkUInt8)
        cavity = sitk.ConstantPad(cavity, [3] * 3, [3] * 3)
        total = measureTumor(image, {"mr": values}, cavity).total
        self.assertAlmostEqual(total.intensities["mr"].mean, 60.0)
        self.assertAlmostEqual(total.intensities["mr"].standardDeviation, 0.0)
        self.assertAlmostEqual(total.depthMm, 26, delta=2)
        self.assertAlmostEqual(total.centroidDepthMm, 36, delta=2)

    def test_depths_are_those_of_the_whole_cavity_wherever_the_tumor_lies(self):
        grid = sitk.Image([100, 90, 80], sitk.sitkUInt8)
        grid.SetSpacing([1.5, 1.5, 2.0])
        k, j, i = np.indices(grid.GetSize()[::-1])
        cavity = sitk.GetImageFromArray((np.hypot(np.hypot(i - 50, j - 45) * 1.5, (k - 40) * 2) < 64).astype(np.uint8))
        cavity.CopyInformation(grid)
        depths = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(cavity, True, False, True))
        for middle in ((40, 45, 50), (40, 30, 60), (5, 45, 50), (40, 2, 50), (40, 45, 8)):
            with self.subTest(middle=middle):
                labels = np.zeros(depths.shape, np.uint8)
                labels[tuple(slice(n - 2, n + 3) for n in middle)] = 1
                image = sitk.GetImageFromArray(labels)
                image.CopyInformation(grid)
                total = measureTumor(image, cavityMask=cavity).total
                self.assertAlmostEqual(total.depthMm, max(depths[labels > 0].min(), 0), places=4)
                self.assertAlmostEqual(total.centroidDepthMm, depths[middle], places=4)

    def test_measurements_are_per_label_and_in_ras(self):
        first = sitk.GetArrayFromImage(ellipsoid((8, 8, 8)))
        both = sitk.GetImageFromArray(np.concatenate([first, 2 * first], axis=2))
        measurements = measureTumor(both).measurements()
        self.assertEqual(set(measurements["segments"]), {"Tumor 1", "Tumor 2"})
        one = measurements["segments"]["Tumor 1"]["volume_ml"]
        self.assertAlmostEqual(measurements["volume_ml"], 2 * one)
        single = measureTumor(ellipsoid((8, 8, 8))).measurements()
        np.testing.assert_allclose(single["centroid_ras"], (-10, 20, 30), atol=0.1)

    def test_an_empty_segmentation_is_refused(self):
        with self.assertRaisesRegex(ValueError, "empty"):
            measureTumor(sitk.GetImageFromArray(np.zeros((5, 5, 5), np.uint8)))


if __name__ == "__main__":
    unittest.main()
