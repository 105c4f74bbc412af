"""What values are is judged by what they are: HU, off, scaled, inverted, an MRI however shifted, or a map."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.ValueJudgment import ValueKind, ctWarning, judgeImage, judgeValues
from MedFusionTesting import medfusion, sharedData
from scipy import ndimage


def head(values: dict[str, float], noise: float, seed: int = 0) -> np.ndarray:
    """Return a head (k, j, i) of air, scalp, skull, brain, ventricle."""
    k, j, i = np.indices((40, 56, 48))
    radius = np.sqrt((k - 19.5) ** 2 + ((j - 27.5) * 0.75) ** 2 + ((i - 23.5) * 0.9) ** 2)
    names = ("ventricle", "brain", "skull", "scalp")
    picked = np.select([radius < r for r in (5, 15, 17, 18.5)], [values[n] for n in names], values["air"]).astype(float)
    return ndimage.gaussian_filter(picked, 0.4) + np.random.default_rng(seed).normal(0, noise, radius.shape)


CT = head({"air": -1000, "scalp": 0, "skull": 1100, "brain": 35, "ventricle": 8}, 12)
MRI = np.maximum(head({"air": 8, "scalp": 420, "skull": 45, "brain": 330, "ventricle": 100}, 25, 1), 0)


def image(values: np.ndarray) -> sitk.Image:
    found = sitk.GetImageFromArray(np.rint(values).astype(np.int16))
    found.SetSpacing((4, 4, 4))
    return found


class TestValueJudgment(unittest.TestCase):
    def assertKind(self, values: np.ndarray, kind: ValueKind, pattern: str = ".") -> None:
        judged = judgeValues(values)
        self.assertIs(judged.kind, kind, judged.reason)
        self.assertRegex(judged.reason, pattern)

    def test_a_ct_in_hounsfield_units_is_known_also_with_padding(self):
        self.assertKind(CT, ValueKind.ctInHu, r"air at -(999|1000|1001) HU")
        padded = CT.copy()
        padded[:, :, :12] = -3024
        self.assertKind(padded, ValueKind.ctInHu)

    def test_an_mri_is_no_ct_whose_bone_would_be_the_fat_nor_a_map_when_it_is_scaled_to_1(self):
        fat = np.maximum(head({"air": 4, "scalp": 465, "skull": 40, "brain": 300, "ventricle": 95}, 8, 3), 0)
        self.assertKind(fat, ValueKind.mri)
        self.assertKind(MRI / MRI.max(), ValueKind.mri)
        tumor = np.hypot(np.hypot(*np.indices((40, 40, 40))[:2] - 20), np.indices((40, 40, 40))[2] - 20) < 8
        map = np.clip(ndimage.gaussian_filter(tumor.astype(float), 1), 0, 1)
        self.assertKind(map, ValueKind.map, "near 0 or 1")

    def test_a_ct_that_is_off_or_scaled_is_named_with_its_air_and_soft_tissue(self):
        for values, pattern in (
            (CT + 300, r"off by \+(29\d|30\d) \(air at -(69|70)\d, soft tissue at 33\d\)"),
            (CT - 150, "off by -1[45]"),
            (CT + 110, r"off by \+1[01]\d"),
            (np.maximum(CT + 1024, 0), r"off by \+10[12]"),
            (CT / 2, r"one of 0\.5 \(air at -(49|50)\d,"),
            (CT * 2, r"one of 2 \("),
        ):
            with self.subTest(pattern):
                self.assertKind(values, ValueKind.uncalibratedCt, pattern)

    def test_a_ct_whose_air_was_cut_off_is_a_ct_and_an_mri_without_its_air_is_none(self):
        self.assertKind(np.maximum(CT, 0), ValueKind.uncalibratedCt, "what lies below 0 was cut off")
        self.assertKind(np.where(MRI < 60, 0, MRI), ValueKind.mri)

    def test_an_inverted_ct_is_refused(self):
        for values in (-CT, 3000 - CT, 255 - np.clip((CT + 1000) / 8, 0, 255)):
            self.assertKind(values, ValueKind.invertedCt, "above")
            with self.assertRaisesRegex(ValueError, "ct.nrrd are inverted: .*air at .* invert them back"):
                ctWarning(judgeValues(values), "ct.nrrd")

    def test_an_mri_is_none_whatever_its_zero_and_scale_are(self):
        phase = np.random.default_rng(2).uniform(-4096, 4095, 40_000)
        for values in (MRI, MRI - 500, MRI - 1000, (MRI - MRI.mean()) / MRI.std(), MRI - np.roll(MRI, 2, 1), phase):
            self.assertKind(values, ValueKind.mri)
        self.assertIs(judgeImage(image(CT), "MR").kind, ValueKind.mri)

    def test_maps_constants_and_pictures_are_neither(self):
        self.assertKind((CT > 0).astype(float), ValueKind.map)
        self.assertKind(1 / (1 + np.exp(-CT / 5)), ValueKind.map)
        self.assertKind(np.full(99, np.nan), ValueKind.map)
        self.assertKind(np.clip(MRI / 3, 0, 255), ValueKind.eightBit)

    def test_the_commands_say_it_and_refuse_an_exchange(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for file, values in (("ct", CT), ("mri", MRI), ("shifted", CT + 300), ("negative", MRI - 500)):
                sitk.WriteImage(image(values), str(folder / f"{file}.nrrd"))

            def fuse(ct: str, mri: str) -> tuple[int, str, str]:
                paths = (folder / f"{ct}.nrrd", folder / f"{mri}.nrrd")
                return medfusion("fuse", *paths, "--output", folder / "fused.nrrd", "--force")

            status, _, errors = fuse("mri", "ct")
            self.assertEqual(status, 2)
            self.assertRegex(errors, "mri.nrrd was given as CT .* ct.nrrd was given as MRI .*; exchange them")
            self.assertFalse((folder / "fused.nrrd").exists())
            self.assertRegex(
                fuse("shifted", "mri")[2], r"Warning: .*shifted.nrrd .* not Hounsfield units: .* off by \+"
            )
            fused = []
            for mri in ("mri", "negative"):
                status, _, errors = fuse("ct", mri)
                self.assertEqual((status, "Warning" in errors), (0, False), errors)
                fused.append(sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "fused.nrrd"))))
            np.testing.assert_allclose(*fused, atol=1e-2)
            self.assertRegex(
                medfusion("inspect", folder / "shifted.nrrd")[1], r"not Hounsfield units \(they are off by"
            )


class TestRealValues(unittest.TestCase):
    def test_real_heads_are_judged_right(self):
        folder = sharedData("head-sim", "head-a")
        self.assertIs(judgeImage(sitk.ReadImage(str(folder / "ct.nrrd"))).kind, ValueKind.ctInHu)
        self.assertIs(judgeImage(sitk.ReadImage(str(folder / "mr_t1c.nrrd"))).kind, ValueKind.mri)


if __name__ == "__main__":
    unittest.main()
