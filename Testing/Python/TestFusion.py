"""Fused volumes: invariants, known truth, sources of every kind, bad input."""

import time
import unittest
from unittest import mock

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Fusion import Strips
from MedFusionLib.Core.Fusion.Fusion import FusionGeometry, fuseVolumes
from MedFusionLib.Core.Fusion.Selective import zSteps
from MedFusionLib.Core.Fusion.Settings import (
    BaseRule,
    ColorStyle,
    DetailRule,
    FusionMethod,
    FusionSettings,
)
from MedFusionLib.Core.Images.Grids import isotropicGrid
from scipy import ndimage


def makeImage(values: np.ndarray, spacing: tuple[float, float, float] = (1.0, 1.0, 1.5)) -> sitk.Image:
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing)
    image.SetOrigin((10.0, -20.0, 30.0))
    return image


def makeCt(
    shape: tuple[int, int, int] = (24, 40, 48), spacing: tuple[float, float, float] = (1.0, 1.0, 1.5)
) -> sitk.Image:
    """Return a small head in HU: scalp, skull, brain, air, noise."""
    k, j, i = np.indices(shape)
    middle = (np.array(shape) - 1) / 2
    radius = np.sqrt(((k - middle[0]) * 1.5) ** 2 + (j - middle[1]) ** 2 + (i - middle[2]) ** 2)
    values = np.select([radius < 14, radius < 17, radius < 19], [35.0, 900.0, -60.0], -1000.0)
    values += np.random.default_rng(1).normal(0, 5, shape)
    return makeImage(np.rint(values).astype(np.int16), spacing)


def makeMri(ct: sitk.Image) -> sitk.Image:
    """Return an MRI of the same head: dark skull, bright scalp, gray brain with a lesion."""
    values = sitk.GetArrayFromImage(ct)
    mri = np.select([values < -500, values < 0, values < 300], [20.0, 1300.0, 600.0], 50.0)
    mri[10:13, 17:22, 17:22] = 1000
    mri += np.random.default_rng(2).normal(0, 10, mri.shape)
    image = sitk.GetImageFromArray(mri.astype(np.float32))
    image.CopyInformation(ct)
    return image


def arrayOf(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image)


def fused(ct: sitk.Image, *mris: sitk.Image, **settings: object) -> np.ndarray:
    return arrayOf(fuseVolumes(ct, mris, FusionSettings(**settings)).image)


def halved(volume: np.ndarray) -> np.ndarray:
    return (volume[:, ::2, ::2] + volume[:, 1::2, ::2] + volume[:, ::2, 1::2] + volume[:, 1::2, 1::2]) / 4


def referenceFusion(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the selective fusion of two volumes of gray levels, cubic voxels and no bone, by whole-volume filters."""
    b = np.where(b > 180, 260 - 80 * np.exp((180 - b) / 80), b)
    margin = 16
    rows, columns = a.shape[1:]
    a, b = (np.pad(volume.astype(float), ((0, 0), (0, rows % 2), (0, columns % 2)), "edge") for volume in (a, b))
    cellsA, cellsB = (np.pad(halved(volume), ((0, 0), (margin, margin), (margin, margin)), "edge") for volume in (a, b))
    smooth = cellsA - cellsB
    for level, axes in ((0, (0,)), (1, (0,)), (0, (1, 2)), (2, (0,)), (1, (1, 2))):
        kernel = np.zeros(4 * 2**level + 1)
        kernel[:: 2**level] = np.array([1, 4, 6, 4, 1]) / 16
        for axis in axes:
            smooth = ndimage.correlate1d(smooth, kernel, axis, mode="nearest")
    energies = []
    for volume in (cellsA, cellsB):
        squared = ndimage.correlate1d(volume, [-1, 0, 1], 0, mode="nearest") ** 2
        for axis in (1, 2):
            for kernel in ([-1, 1, 0], [0, -1, 1]):
                squared += ndimage.correlate1d(volume, kernel, axis, mode="nearest") ** 2
        for axis in (1, 2):
            squared = ndimage.correlate1d(squared, [1 / 4, 1 / 2, 1 / 4], axis, mode="nearest")
        energies.append(squared / 2)
    share = 1 / (1 + ((energies[1] + 32) / (0.35 * energies[0] + 1e-9)).clip(0, 1000) ** 8)
    share = ndimage.correlate1d(share, [1 / 4, 1 / 2, 1 / 4], 0, mode="nearest")
    share *= (1 - (cellsB - cellsA) / 110).clip(0, 1)
    haze = smooth.clip(0)
    added = 0.25 * (cellsB / 60).clip(0, 1) * haze - share * (smooth - haze / 2)
    inner = (slice(None), slice(2 * margin, 2 * margin + rows), slice(2 * margin, 2 * margin + columns))
    a, b = (volume[:, :rows, :columns] for volume in (a, b))
    fused = b + _doubled(added)[inner] + _doubled(share)[inner] * (a - b)
    return fused.clip(np.minimum(a, b) - 6, np.maximum(a, b) + 6).clip(0, 255)


def _doubled(cells: np.ndarray) -> np.ndarray:
    for axis in (1, 2):
        sides = [ndimage.correlate1d(cells, kernel, axis) for kernel in ([1 / 4, 3 / 4, 0], [0, 3 / 4, 1 / 4])]
        shape = list(cells.shape)
        shape[axis] *= 2
        cells = np.stack(sides, axis=axis + 1).reshape(shape)
    return cells


class TestInvariants(unittest.TestCase):
    def test_fusing_an_image_with_itself_returns_it(self):
        cases = [{"method": method} for method in FusionMethod if method is not FusionMethod.color]
        cases += [
            {"sliceWise": True},
            {"method": FusionMethod.dwt, "levels": 1},
            {"method": FusionMethod.swt, "sliceWise": True},
        ]
        cases += [{"method": FusionMethod.dwt, "levels": 1, "detailRule": rule} for rule in DetailRule]
        for ct in (makeCt(), makeCt(spacing=(0.7, 0.7, 5.0)), makeMri(makeCt())):
            for case in cases:
                np.testing.assert_allclose(fused(ct, ct, **case), arrayOf(ct), atol=0.02, err_msg=str(case))

    def test_result_does_not_depend_on_strips_or_threads(self):
        ct = makeCt()
        whole = makeMri(ct)
        threads = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
        cases = [(whole, {}), (whole, {"ctChanges": True}), (whole[5:40, 6:33, 3:20], {})]
        for mri, case in cases:
            results = []
            for voxels, workers in ((1, 1), (1, 3), (10**9, 1)):
                with (
                    mock.patch.object(Strips, "_VOXELS_AT_ONCE", voxels),
                    mock.patch.object(Strips, "_VOXELS_WORTH_A_WORKER", 1),
                ):
                    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(workers)
                    try:
                        results.append(fused(ct, mri, **case))
                    finally:
                        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(threads)
            # Resampling rounds by where a strip begins; everything else is the same to the last bit.
            tolerance = 0 if mri is whole else 1e-3
            np.testing.assert_allclose(results[0], results[1], rtol=0, atol=tolerance)
            np.testing.assert_allclose(results[0], results[2], rtol=0, atol=tolerance)

    def test_a_few_slices_equal_those_of_the_whole_volume(self):
        ct = makeCt()
        mri = makeMri(ct)[5:40, 6:33, 3:20]
        for case in ({}, {"ctChanges": True}, {"method": FusionMethod.dwt, "levels": 1}):
            whole = fuseVolumes(ct, [mri], FusionSettings(**case)).image
            part = fuseVolumes(ct, [mri], FusionSettings(**case), geometry=FusionGeometry(slices=range(9, 12))).image
            np.testing.assert_array_equal(arrayOf(part), arrayOf(whole)[9:12])
            self.assertEqual(part.GetOrigin(), whole[:, :, 9:12].GetOrigin())

    def test_streaming_equals_filtering_the_whole_volume(self):
        random = np.random.default_rng(4)
        a, b = (ndimage.gaussian_filter(random.random((14, 36, 45)), 1) for _ in range(2))
        a, b = (np.rint(255 * (x - x.min()) / (x.max() - x.min())) for x in (a, b))
        images = [makeImage(x.astype(np.uint8), (1.0, 1.0, 1.0)) for x in (a, b)]
        with (
            mock.patch("MedFusionLib.Core.Fusion.Inputs.ctNoise", return_value=0.0),
            mock.patch("MedFusionLib.Core.Fusion.Inputs.FusionScales.bone", (2.0, 3.0)),
        ):
            np.testing.assert_allclose(fused(*images), referenceFusion(a, b), atol=0.01)

    def test_bone_in_gray_levels_is_as_white_as_the_CT_and_brighter_than_the_brightest_tissue(self):
        ct, mri = np.full((1, 60, 60), 70, np.uint8), np.full((1, 60, 60), 90, np.uint8)
        ct[:, 20:40, 20:40], mri[:, 20:40, 20:40] = 255, 20
        mri[:, 28:32, 28:32], mri[:, 45:55, 20:40] = 0, 255  # detail in the bone; fluid beside it
        solid, detailed = (fused(makeImage(ct), makeImage(mri), mriInBone=value)[0] for value in (False, True))
        np.testing.assert_allclose(solid[22:38, 22:38], 255, atol=0.5)
        self.assertLess(detailed[28:32, 28:32].max(), 245)
        self.assertLess(solid[47:53, 22:38].max(), 235)
        self.assertGreater(solid[47:53, 22:38].min(), 200)

    def test_noise_of_a_narrow_window_CT_does_not_hide_the_MRI(self):
        random = np.random.default_rng(3)
        ct = random.normal(120, 40, (1, 128, 128))
        ct[:, 8:24, 8:24] = 255
        mri = np.full((1, 128, 128), 60.0)
        mri[:, 60:80, 60:80] = 150
        result = fused(makeImage(ct.clip(0, 255).astype(np.uint8)), makeImage(mri.astype(np.uint8)))
        self.assertLess(np.mean(np.abs(result - mri)[0, 30:] > 40), 0.01)
        self.assertGreater(result[0, 10:22, 10:22].min(), 254)

    def test_thick_slices_are_not_mixed(self):
        ct = makeCt(spacing=(0.5, 0.5, 5.0))
        mri = makeMri(ct)
        np.testing.assert_array_equal(fused(ct, mri), fused(ct, mri, sliceWise=True))
        self.assertGreater(np.abs(fused(makeCt(), makeMri(makeCt())) - fused(ct, mri)).max(), 1)

    def test_levels_reach_along_z_only_where_the_slices_are_thin_enough(self):
        settings = FusionSettings()
        for distance, steps in (
            (1.0, [1, 2, 4]),
            (0.5, [2, 4, 8]),
            (1.5, [0, 1, 3]),
            (4.0, [0, 0, 1]),
            (5.0, [0, 0, 0]),
        ):
            self.assertEqual(zSteps(settings, (1.0, 1.0, distance)), steps)

    def test_senseless_spacings_take_no_longer_than_others(self):
        ct = makeCt()
        for spacing in ((1e-6, 1e-6, 1e-6), (1.0, 1.0, 1e-6), (1e6, 1e6, 1e6)):
            small = makeImage(arrayOf(ct)[:8], spacing)
            mri = makeImage(arrayOf(makeMri(ct))[:8], spacing)
            mri.SetOrigin([0.3 * step for step in spacing])
            start = time.monotonic()
            with self.subTest(spacing=spacing):
                self.assertTrue(np.isfinite(fused(small, mri)).all())
                self.assertLess(time.monotonic() - start, 20)

    def test_bone_keeps_its_hounsfield_units_and_tissue_stays_below(self):
        ct = makeCt()
        values = arrayOf(ct)
        inside = ndimage.binary_erosion(values > 600)
        brain = ndimage.binary_erosion((values > -20) & (values < 200), iterations=2)
        result = fuseVolumes(ct, [makeMri(ct)])
        volume = arrayOf(result.image)
        self.assertLess(np.abs(volume - values)[inside].max(), 1e-3)
        np.testing.assert_array_equal(volume > 300, values > 300)
        self.assertLess(volume[brain].max(), 300)
        self.assertEqual(result.window, (0.0, 300.0))

    def test_the_lesion_keeps_its_contrast(self):
        ct = makeCt()
        mri = arrayOf(makeMri(ct))
        volume = fused(ct, makeMri(ct))
        contrast = volume[11, 18:21, 18:21].mean() / volume[11, 18:21, 25:28].mean()
        self.assertGreater(contrast, 0.95 * mri[11, 18:21, 18:21].mean() / mri[11, 18:21, 25:28].mean())

    def test_no_dark_seam_runs_along_the_skull(self):
        ct = makeCt()
        values, mri = arrayOf(ct), arrayOf(makeMri(ct))
        brain = ndimage.binary_erosion((values > -20) & (values < 200) & (mri > 400) & (mri < 700), iterations=1)
        volume = fused(ct, makeMri(ct))
        inner = ndimage.binary_erosion(brain, iterations=4)
        self.assertGreater(np.percentile(volume[brain & ~inner], 10), 0.9 * np.median(volume[inner]))

    def test_recipe_survives_as_strings(self):
        settings = FusionSettings(method=FusionMethod.swt, levels=3, wavelet="haar", sliceWise=True, ctWindow=(-10, 90))
        self.assertEqual(FusionSettings.fromDict(settings.asDict()), settings)
        self.assertTrue(all(isinstance(value, str) for value in settings.asDict().values()))


class TestGeometry(unittest.TestCase):
    def test_geometry_is_that_of_the_reference_grid(self):
        ct = makeCt()
        grid = isotropicGrid(ct, 2.0)
        for reference, expected in ((None, ct), (grid, grid)):
            image = fuseVolumes(ct, [makeMri(ct)], geometry=FusionGeometry(referenceImage=reference)).image
            self.assertEqual(image.GetSize(), expected.GetSize())
            np.testing.assert_allclose(image.GetOrigin(), expected.GetOrigin())
            np.testing.assert_allclose(image.GetSpacing(), expected.GetSpacing())
            np.testing.assert_allclose(image.GetDirection(), expected.GetDirection())

    def test_isotropic_grid_covers_the_same_box(self):
        ct = makeCt()
        grid = isotropicGrid(ct, 0.5)
        np.testing.assert_allclose(
            grid.TransformContinuousIndexToPhysicalPoint([-0.5] * 3),
            ct.TransformContinuousIndexToPhysicalPoint([-0.5] * 3),
        )

    def test_a_moved_mri_under_its_transform_fuses_as_if_it_had_not_moved(self):
        ct = makeCt()
        mri = makeMri(ct)
        pose = sitk.Euler3DTransform((20.0, 0.0, 40.0), 0.2, -0.1, 0.15, (5.0, -3.0, 8.0))
        oblique = sitk.Image(mri)
        matrix = np.array(pose.GetMatrix()).reshape(3, 3)
        oblique.SetDirection((matrix @ np.array(mri.GetDirection()).reshape(3, 3)).ravel().tolist())
        oblique.SetOrigin(pose.TransformPoint(mri.GetOrigin()))
        moved = arrayOf(fuseVolumes(ct, [oblique], geometry=FusionGeometry([pose])).image)
        inner = (slice(2, -2), slice(8, -8), slice(8, -8))
        np.testing.assert_allclose(moved[inner], fused(ct, mri)[inner], atol=1)

    def test_a_transform_over_everything_changes_nothing(self):
        ct = makeCt()
        mri = makeMri(ct)
        pose = sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.2, -0.1, 0.15, (50.0, -30.0, 80.0))
        both = fuseVolumes(ct, [mri], geometry=FusionGeometry([sitk.Euler3DTransform(pose)], pose))
        np.testing.assert_allclose(arrayOf(both.image)[2:-2, 7:-7, 7:-7], fused(ct, mri)[2:-2, 7:-7, 7:-7], atol=0.5)


class TestSources(unittest.TestCase):
    def test_where_the_field_of_view_ends_the_ct_goes_on_without_a_seam(self):
        ct = makeImage(np.full((30, 40, 40), 35, np.int16), (1.0, 1.0, 1.0))
        ct[:4] = -1000
        ct[:, :, 28:] = 900
        mri = makeImage(np.random.default_rng(5).normal(700, 5, (30, 40, 40)).astype(np.float32), (1.0, 1.0, 1.0))
        mri[:3], mri[4:8] = 0, 50
        for image in (mri[:22], sitk.Paste(mri * 0, mri, (22, 40, 30))):
            line = fused(ct, image)[12, 20, 10:36]
            self.assertAlmostEqual(line[-1], 35, delta=1)
            self.assertGreater(line[2], 150)
            self.assertLess(np.abs(np.diff(line)).max(), 0.3 * (line[2] - 35))

    def test_not_a_number_padding_metal_and_negative_values_do_no_harm(self):
        ct = makeCt()
        clean = fused(ct, makeMri(ct))
        values, mri = arrayOf(ct), arrayOf(makeMri(ct))
        values[:, :2], values[11, 20, 24], values[:, -2:] = -3024, 30000, -2000
        mri[:, :, :3], mri[12, 20, 22], mri[0] = -2000, np.nan, -2000
        mri[:, 38:] = -5
        dirty = arrayOf(fuseVolumes(makeImage(values), [makeImage(mri)]).image)
        self.assertTrue(np.isfinite(dirty).all())
        self.assertGreaterEqual(dirty.min(), -1024)
        self.assertGreater(dirty[11, 20, 24], 20000)
        far = np.abs(np.indices(dirty.shape) - np.reshape([11, 20, 24], (3, 1, 1, 1))).max(axis=0) > 8
        brain = far & (arrayOf(ct) > 0) & (arrayOf(ct) < 100)
        self.assertLess(np.abs(dirty - clean)[brain].max(), 15)

    def test_a_missing_ct_leaves_the_mri(self):
        values = arrayOf(makeCt()).astype(np.float32)
        values[11, 18:21, 18:21] = np.nan
        volume = fused(makeImage(values), makeMri(makeCt()))
        self.assertTrue(np.isfinite(volume).all())
        self.assertGreater(volume[11, 19, 19], 150)

    def test_a_windowed_ct_does_not_turn_the_brain_patchy(self):
        values = arrayOf(makeCt())
        random = np.random.default_rng(6)
        windowed = np.select([values < -500, values < 0, values < 300], [0, 40, 130], 255) + random.normal(
            0, 18, values.shape
        )
        mri = ndimage.gaussian_filter(random.normal(0, 1, values.shape), 1.5) * 600 + 110
        mri[values < -500] = 0
        images = [makeImage(np.rint(x).clip(0, 255).astype(np.uint8)) for x in (windowed, mri)]
        volume = fused(*images)
        brain = ndimage.binary_erosion((values > 0) & (values < 300), iterations=3)
        self.assertGreater(np.corrcoef(volume[brain], arrayOf(images[1])[brain])[0, 1], 0.95)
        self.assertGreater(np.percentile(volume[ndimage.binary_erosion(values > 600)], 5), 200)
        self.assertLessEqual(volume.max(), 255)

    def test_two_mris_both_show_their_lesion(self):
        ct = makeCt()
        first, second = arrayOf(makeMri(ct)), arrayOf(makeMri(ct))
        second[10:13, 17:22, 17:22] = 600
        second[10:13, 17:22, 26:31] = 1000
        volume = fused(ct, makeImage(first), makeImage(second))
        brain = volume[11, 25:28, 22:25].mean()
        self.assertGreater(volume[11, 18:21, 18:21].mean(), 1.2 * brain)
        self.assertGreater(volume[11, 18:21, 27:30].mean(), 1.2 * brain)

    def test_an_mri_that_does_not_overlap_leaves_the_ct_and_a_warning(self):
        ct = makeCt()
        mri = makeMri(ct)
        mri.SetOrigin((1000.0, 0.0, 0.0))
        result = fuseVolumes(ct, [mri])
        np.testing.assert_allclose(arrayOf(result.image), arrayOf(ct), atol=0.01)
        self.assertIn("overlap", result.warnings[0])


class TestOtherMethods(unittest.TestCase):
    def test_textbook_transforms_take_any_wavelet_and_rule(self):
        ct = makeCt((16, 33, 47))
        mri = makeMri(makeCt((16, 33, 47)))
        for method in (FusionMethod.dwt, FusionMethod.swt):
            for wavelet in ("haar", "db2", "bior2.2"):
                for baseRule in BaseRule:
                    for sliceWise in (True, False):
                        volume = fused(
                            ct,
                            mri,
                            method=method,
                            wavelet=wavelet,
                            baseRule=baseRule,
                            sliceWise=sliceWise,
                            levels=1,
                            detailRule=DetailRule.maxAbs,
                        )
                        self.assertTrue(np.isfinite(volume).all())
                        self.assertEqual(volume.shape, (16, 33, 47))

    def test_color_shows_agreement_in_gray_and_bone_in_a_tint(self):
        ct = makeCt()
        overlay = fuseVolumes(ct, [ct], FusionSettings(method=FusionMethod.color, colorStyle=ColorStyle.overlay))
        self.assertEqual(overlay.image.GetNumberOfComponentsPerPixel(), 3)
        colors = arrayOf(overlay.image)
        np.testing.assert_array_equal(colors[..., 0], colors[..., 1])
        tinted = fused(ct, makeMri(ct), method=FusionMethod.color)
        bone = ndimage.binary_erosion(arrayOf(ct) > 600)
        self.assertGreater(tinted[bone][:, 0].mean(), 1.4 * tinted[bone][:, 2].mean())
        np.testing.assert_array_equal(tinted[11, 22:26, 22:26, 0], tinted[11, 22:26, 22:26, 2])


if __name__ == "__main__":
    unittest.main()
