"""Lesions are measured each by itself, in the plane they were acquired in, by lines that stay within them."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.Diameters import axialDiameters, measuringPlane
from MedFusionLib.Core.Tumor.LesionMeasurements import TumorMeasurements
from MedFusionLib.Core.Tumor.Outline import SecondOpinion
from MedFusionLib.Core.Tumor.Segments import Segment
from MedFusionLib.Core.Tumor.TumorMeasurements import measureTumor

CORONAL = (1, 0, 0, 0, 0, 1, 0, -1, 0)  # the slices are stacked from front to back


def emptyGrid(size: tuple[int, int, int], spacing: tuple[float, float, float]) -> sitk.Image:
    """Return an image around the origin."""
    image = sitk.Image(size, sitk.sitkUInt8)
    image.SetSpacing(spacing)
    image.SetOrigin([-(n - 1) * s / 2 for n, s in zip(size, spacing, strict=True)])
    return image


def painted(grid: sitk.Image, *insides) -> sitk.Image:
    """Return labels 1, 2, ... where functions of x, y and z (mm along the grid's axes) are true."""
    axes = [np.arange(n) * s + o for n, s, o in zip(grid.GetSize(), grid.GetSpacing(), grid.GetOrigin(), strict=True)]
    z, y, x = np.meshgrid(*axes[::-1], indexing="ij")
    labels = np.zeros(z.shape, np.uint8)
    for label, inside in enumerate(insides, start=1):
        labels[inside(x, y, z)] = label
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(grid)
    return image


def ellipsoid(center: tuple[float, float, float], radii: tuple[float, float, float], degrees: float = 0.0):
    """Return a function that is true inside, its axes turned about z."""
    cosine, sine = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))

    def inside(x, y, z):
        u, v = x - center[0], y - center[1]
        u, v = u * cosine + v * sine, v * cosine - u * sine
        return (u / radii[0]) ** 2 + (v / radii[1]) ** 2 + ((z - center[2]) / radii[2]) ** 2 <= 1

    return inside


def bent(x, y, z):
    """Return the half of a ring of 14 to 20 mm."""
    radius = np.hypot(x, y)
    return (radius <= 20) & (radius >= 14) & (y >= 0) & (np.abs(z) <= 6)


def twoLesions() -> TumorMeasurements:
    """Return the measures of two lesions, 30 x 24 and 24 x 20 mm, in one segment."""
    far = ellipsoid((40, 30, 8), (12, 10, 10))
    near = ellipsoid((-35, -30, 0), (15, 12, 11))
    return measureTumor(painted(emptyGrid((130, 110, 60), (1.0, 1.0, 1.0)), lambda *p: near(*p) | far(*p)))


class TestLesions(unittest.TestCase):
    def test_two_lesions_in_one_segment_are_summed_and_no_diameter_joins_them(self):
        measured = twoLesions()
        total = measured.total
        self.assertEqual([len(total.lesions), len(measured.segments["Tumor"].lesions)], [2, 2])
        self.assertAlmostEqual(total.bidimensionalProductMm2, 30 * 24 + 24 * 20, delta=60)
        self.assertAlmostEqual(total.axialDiameter.lengthMm, 30, delta=1)
        self.assertAlmostEqual(total.longestDiameter.lengthMm, 30, delta=1)
        self.assertAlmostEqual(total.volumeMl, sum(lesion.volumeMl for lesion in total.lesions))
        self.assertLess(np.linalg.norm(total.centroid - (-35, -30, 0)), 0.5)
        values = measured.measurements()
        self.assertEqual(values["lesion_count"], 2)
        self.assertEqual([lesion["measurable"] for lesion in values["lesions"]], [True, True])

    def test_lesions_that_touch_stay_apart_where_each_was_pointed_at(self):
        first, second = ellipsoid((-10, 0, 0), (10, 8, 8)), ellipsoid((10, 0, 0), (10.5, 9, 8))
        image = painted(emptyGrid((60, 40, 40), (1.0, 1.0, 1.0)), first, second)
        pointedAt = [Segment(1, "Tumor 1", lesion=1), Segment(2, "Tumor 2", lesion=2)]
        self.assertEqual(len(measureTumor(image, segments=pointedAt).total.lesions), 2)
        parts = [Segment(1, "Necrosis", lesion=1), Segment(2, "Enhancing tumor", lesion=1)]
        self.assertEqual(len(measureTumor(image, segments=parts).total.lesions), 1)

    def test_crumbs_count_for_the_volume_and_are_no_lesions(self):
        image = painted(emptyGrid((60, 40, 40), (1.0, 1.0, 1.0)), ellipsoid((-10, 0, 0), (10, 8, 8)))
        whole = measureTumor(image).total.volumeMl
        for place in ((50, 5, 5), (55, 30, 30)):
            image[place] = 1
        total = measureTumor(image).total
        self.assertEqual((len(total.lesions), total.crumbs), (1, 2))
        self.assertAlmostEqual(total.volumeMl, whole + 0.002)

    def test_the_perpendicular_is_right_in_planes_of_voxels_that_are_not_square(self):
        errors = []
        for degrees in range(0, 180, 15):
            image = painted(emptyGrid((90, 44, 9), (0.6, 1.5, 5.0)), ellipsoid((0, 0, 0), (20, 13, 15), degrees))
            long, across = axialDiameters(sitk.GetArrayFromImage(image) > 0, image)
            errors.append((long.lengthMm / 40 - 1, across.lengthMm / 26 - 1))
        errors = np.abs(errors)
        self.assertLess(errors.mean(axis=0).max(), 0.03)
        self.assertLess(errors.max(), 0.06)

    def test_diameters_of_a_bent_lesion_stay_within_it(self):
        total = measureTumor(painted(emptyGrid((60, 60, 20), (1.0, 1.0, 1.0)), bent)).total
        # The longest chord of a ring touches its inner circle.
        self.assertAlmostEqual(total.axialDiameter.lengthMm, 2 * np.sqrt(20**2 - 14**2), delta=2.5)
        self.assertEqual(total.lesions[0].outsideShares[:2], (0.0, 0.0))
        self.assertRegex(" ".join(total.notes), r"longest diameter in 3D leaves the lesion for \d\d%")
        self.assertEqual(len(total.notes), 1)

    def test_a_line_across_a_hollow_is_said(self):
        ring = painted(
            emptyGrid((60, 60, 20), (1.0, 1.0, 1.0)),
            lambda x, y, z: (np.hypot(x, y) <= 20) & (np.hypot(x, y) >= 15) & (np.abs(z) <= 6),
        )
        total = measureTumor(ring).total
        self.assertAlmostEqual(total.axialDiameter.lengthMm, 40, delta=1.0)
        self.assertRegex(" ".join(total.notes), "in its plane crosses a hollow of the lesion")

    def test_the_plane_of_acquisition_is_used_and_named(self):
        rod = ellipsoid((0, 0, 0), (8, 20, 12))  # 40 mm along the second axis of its grid
        thick = painted(emptyGrid((40, 60, 12), (1.0, 1.0, 4.0)), rod)
        for direction, name in (
            (np.eye(3).ravel(), "axial"),
            (CORONAL, "coronal"),
            ((0, 0, 1, 1, 0, 0, 0, 1, 0), "sagittal"),
            (sitk.Euler3DTransform((0, 0, 0), 0.4, 0, 0).GetMatrix(), "oblique axial"),
        ):
            thick.SetDirection(np.array(direction, float).tolist())
            total = measureTumor(thick).total
            self.assertEqual(total.plane, name)
            self.assertAlmostEqual(total.axialDiameter.lengthMm, 40, delta=1.5)
            self.assertAlmostEqual(total.perpendicularDiameter.lengthMm, 16, delta=1.0)
            self.assertEqual(measureTumor(thick).measurements()["diameter_plane"], name)

    def test_cubic_voxels_are_measured_in_the_plane_nearest_to_axial(self):
        grid = emptyGrid((20, 20, 20), (1.0, 1.0, 1.1))
        grid.SetDirection(CORONAL)
        self.assertEqual((measuringPlane(grid).name, measuringPlane(grid).axis), ("axial", 1))

    def test_the_uncertainty_is_what_another_method_says(self):
        image = painted(emptyGrid((60, 40, 40), (1.0, 1.0, 1.0)), ellipsoid((0, 0, 0), (10, 8, 8)))
        alone = measureTumor(image).total
        second = SecondOpinion(image, ("click",), (0.6,), ((alone.volumeMl, 1.6 * alone.volumeMl),))
        doubted = measureTumor(image, second=second).total
        self.assertAlmostEqual(doubted.volumeUncertaintyMl, 0.6 * alone.volumeMl, delta=1e-6)
        unanswered = SecondOpinion(image, ("",), (float("nan"),), ((alone.volumeMl, 0.0),))
        self.assertEqual(measureTumor(image, second=unanswered).total.volumeUncertaintyMl, alone.volumeUncertaintyMl)


if __name__ == "__main__":
    unittest.main()
