"""Resampling keeps values, types and places."""

import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Resampling import Interpolation, backgroundValue, resampleImage
from MedFusionLib.Core.Progress import Canceled
from MedFusionLib.Core.Registration.InverseCheck import inverseError


def ramp(pixelType=sitk.sitkInt16, spacing=(0.5, 0.7, 2.0)) -> sitk.Image:
    k, j, i = np.meshgrid(np.arange(12), np.arange(20), np.arange(30), indexing="ij")
    image = sitk.Cast(sitk.GetImageFromArray((10 * i + 5 * j + 20 * k).astype(np.float32)), pixelType)
    image.SetSpacing(spacing)
    image.SetOrigin((-4.0, 7.0, 30.0))
    image.SetDirection((0.0, -1.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0))
    return image


class TestResampling(unittest.TestCase):
    def test_an_image_on_its_own_grid_stays_as_it_is(self):
        image = ramp()
        for interpolation in Interpolation:
            resampled = resampleImage(image, image, interpolation=interpolation)
            self.assertEqual(resampled.GetPixelID(), image.GetPixelID())
            np.testing.assert_allclose(
                sitk.GetArrayFromImage(resampled), sitk.GetArrayFromImage(image), atol=1, err_msg=interpolation.value
            )

    def test_a_known_shift_moves_the_values(self):
        image = ramp(sitk.sitkFloat32)
        shift = sitk.TranslationTransform(3, image.TransformIndexToPhysicalPoint((3, 0, 0)))
        shift.SetOffset(np.subtract(image.TransformIndexToPhysicalPoint((3, 0, 0)), image.GetOrigin()).tolist())
        values = sitk.GetArrayFromImage(resampleImage(image, image, shift))
        np.testing.assert_allclose(values[..., :-3], sitk.GetArrayFromImage(image)[..., 3:], atol=1e-3)

    def test_an_inverse_is_measured_where_both_images_are(self):
        image, shift = ramp(), sitk.TranslationTransform(3, (2.0, 1.0, 2.0))
        self.assertAlmostEqual(inverseError(shift, shift.GetInverse(), image, image), 0.0)
        self.assertAlmostEqual(inverseError(shift, sitk.Transform(), image, image), 3.0)
        away = sitk.TranslationTransform(3, (500.0, 0.0, 0.0))
        self.assertEqual(inverseError(shift, away, image, image), 0.0)

    def test_outside_is_air_in_a_ct_and_zero_in_an_mr(self):
        mr, away = ramp() + 100, sitk.TranslationTransform(3, (500.0, 0.0, 0.0))
        ct = mr - 1300
        self.assertEqual(set(sitk.GetArrayFromImage(resampleImage(mr, mr, away)).ravel()), {0})
        self.assertEqual(set(sitk.GetArrayFromImage(resampleImage(ct, ct, away)).ravel()), {-1000})
        self.assertEqual(set(sitk.GetArrayFromImage(resampleImage(ct, ct, away, background=7)).ravel()), {7})

    def test_the_background_is_what_surrounds_the_body(self):
        rng, shape = np.random.default_rng(0), (24, 48, 48)
        body = sum(((n - (m - 1) / 2) / (0.4 * m)) ** 2 for n, m in zip(np.indices(shape), shape, strict=True)) < 1
        tissue = np.where(body, 40 + 15 * rng.normal(size=shape), 0)
        ct = np.where(body, tissue, -1000 + 20 * rng.normal(size=shape))
        padded = ct.copy()
        padded[:, :8], padded[:, -8:] = -3024, -2000
        mr = np.abs(np.where(body, 800 + 150 * rng.normal(size=shape), 15 * rng.normal(size=shape)))
        ringing = mr.copy()
        edge = rng.choice(np.flatnonzero(body), 40, replace=False)
        ringing.ravel()[edge] = -300 * rng.random(40)
        ringing.ravel()[edge[0]], ringing[10, 20, 20] = -300, -300
        stripped = np.where(body, rng.normal(size=shape), 0)
        zScored = (mr - mr.mean()) / mr.std()
        inBrain = ct[8:16, 18:30, 18:30].copy()
        inBrain[2, 3:6, 3:6] = -900
        for name, values, expected, tolerance in (
            ("CT", ct, -1000, 0),
            ("CT with padding", padded, -1000, 0),
            ("CT without air around it", inBrain, -900, 0),
            ("CT windowed at -150", np.clip(ct, -150, 250), -150, 0),
            ("CT windowed at -300", np.clip(ct, -300, 250), -300, 0),
            ("MR", mr, 0, 0),
            ("MR with ringing", ringing, 0, 15),
            ("z-scored MR", zScored, np.median(zScored[~body]), 0.05),
            ("z-scored brain", stripped, 0, 0),
            ("labels", body, 0, 0),
        ):
            value = backgroundValue(sitk.GetImageFromArray(values.astype(np.float32)))
            self.assertAlmostEqual(value, expected, delta=tolerance + 1e-3, msg=name)
        self.assertEqual(backgroundValue(sitk.GetImageFromArray(body.astype(np.uint8))), 0)
        self.assertEqual(backgroundValue(sitk.GetImageFromArray(ct.astype(np.int16))), -1000)

    def test_another_spacing_fills_the_same_box_and_keeps_the_places(self):
        image = ramp(sitk.sitkFloat32)
        fine = resampleImage(image, image, spacing=(1.0, 1.4, 1.0))
        self.assertEqual(fine.GetSize(), (15, 10, 24))
        for corner, other in (((-0.5, -0.5, -0.5), (-0.5, -0.5, -0.5)), ((14.5, 9.5, 23.5), (29.5, 19.5, 11.5))):
            np.testing.assert_allclose(
                fine.TransformContinuousIndexToPhysicalPoint(corner),
                image.TransformContinuousIndexToPhysicalPoint(other),
            )
        for index in ((5, 5, 10), (7, 4, 12)):
            point = fine.TransformIndexToPhysicalPoint(index)
            i, j, k = image.TransformPhysicalPointToContinuousIndex(point)
            self.assertAlmostEqual(fine[index], 10 * i + 5 * j + 20 * k, places=2)

    def test_a_spacing_that_is_not_positive_is_refused(self):
        with self.assertRaisesRegex(ValueError, "three positive numbers"):
            resampleImage(ramp(), ramp(), spacing=(1.0, 0.0, 1.0))

    def test_canceling_stops_it(self):
        calls = []

        def progress(fraction: float, message: str) -> bool:
            calls.append(fraction)
            return fraction < 0.3

        with self.assertRaises(Canceled):
            resampleImage(ramp(), sitk.Resample(ramp(), (200, 200, 200)), progress=progress)
        self.assertLess(max(calls), 1.0)

    def test_an_interrupt_stops_every_interpolation_as_what_it_is(self):
        for interpolation in Interpolation:
            calls = []

            def progress(fraction: float, message: str, calls: list = calls) -> None:
                calls.append(fraction)
                if fraction > 0.0:
                    raise KeyboardInterrupt

            with self.assertRaises(KeyboardInterrupt, msg=interpolation.value):
                resampleImage(ramp(), sitk.Image(200, 200, 60, sitk.sitkInt16), None, interpolation, progress=progress)
            self.assertLess(max(calls), 1.0)

    def test_a_bspline_stops_while_its_coefficients_are_computed(self):
        image = sitk.Resample(ramp(), (100, 100, 100))
        for stop in (KeyboardInterrupt, Canceled):
            calls = []

            def progress(fraction: float, message: str, calls: list = calls, stop: type = stop) -> None:
                calls.append(fraction)
                if 0.0 < fraction < 0.2:
                    raise stop

            with self.assertRaises(stop):
                resampleImage(image, image, None, Interpolation.bspline, progress=progress)
            self.assertLess(max(calls), 0.2)

    def test_there_is_never_much_work_between_two_reports(self):
        reference = sitk.Image(300, 250, 4, sitk.sitkInt16)
        for interpolation, most in ((Interpolation.sinc, 2**12), (Interpolation.bspline, 2**18)):
            fractions = []
            resampleImage(ramp(), reference, None, interpolation, progress=lambda f, _, to=fractions: to.append(f))
            self.assertLessEqual(max(np.diff(fractions)) * reference.GetNumberOfPixels(), most * 1.001)

    def test_parts_make_the_same_image_as_one_call(self):
        rng = np.random.default_rng(0)
        moving = sitk.GetImageFromArray(rng.normal(0, 500, (12, 20, 30)).astype(np.int16))
        reference = sitk.Image(700, 600, 7, sitk.sitkInt16)
        reference.SetSpacing((0.05, 0.04, 1.9))
        reference.SetDirection((0.8, -0.6, 0.0, 0.6, 0.8, 0.0, 0.0, 0.0, 1.0))
        turn = sitk.Euler3DTransform((15.0, 10.0, 6.0), 0.1, -0.05, 0.2, (1.0, 0.5, -0.3))
        for interpolation, name in (
            (Interpolation.nearest, sitk.sitkNearestNeighbor),
            (Interpolation.linear, sitk.sitkLinear),
            (Interpolation.bspline, sitk.sitkBSpline),
        ):
            whole = sitk.Resample(moving, reference, turn, name, -7.0)
            parts = resampleImage(moving, reference, turn, interpolation, -7.0)
            self.assertEqual(parts.GetDirection(), whole.GetDirection())
            np.testing.assert_array_equal(sitk.GetArrayViewFromImage(parts), sitk.GetArrayViewFromImage(whole))

    def test_colors_are_resampled_by_every_interpolation(self):
        color = sitk.Compose([sitk.Cast(ramp(), sitk.sitkUInt8)] * 3)
        for interpolation in Interpolation:
            resampled = resampleImage(color, color, None, interpolation)
            self.assertEqual(resampled.GetNumberOfComponentsPerPixel(), 3)
