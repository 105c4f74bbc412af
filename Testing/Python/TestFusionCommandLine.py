"""The fusion's options on the command line."""

import argparse
import tempfile
import unittest
from pathlib import Path

import SimpleITK as sitk
from MedFusionLib.CommandLine.Demo import writePhantom
from MedFusionLib.CommandLine.Fuse import addFusionArguments, fusionSettings
from MedFusionLib.Core.Fusion.Settings import (
    BaseRule,
    ColorStyle,
    CtWindowPreset,
    DetailRule,
    FusionMethod,
    FusionSettings,
)
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionTesting import medfusion


class TestFusionOptions(unittest.TestCase):
    def settings(self, *arguments: str, prefix: str = "") -> FusionSettings:
        parser = argparse.ArgumentParser()
        addFusionArguments(parser, prefix)
        return fusionSettings(parser.parse_args(arguments))

    def test_no_option_gives_the_default_settings(self):
        self.assertEqual(self.settings(), FusionSettings())

    def test_every_option_reaches_its_setting(self):
        arguments = (
            "--method swt --ct-changes --levels 3 --wavelet haar --slice-wise --detail energy --base maximum "
            "--color overlay --window -100,900"
        ).replace("--window ", "--window=")
        expected = FusionSettings(
            method=FusionMethod.swt,
            ctChanges=True,
            levels=3,
            wavelet="haar",
            sliceWise=True,
            detailRule=DetailRule.energy,
            baseRule=BaseRule.maximum,
            colorStyle=ColorStyle.overlay,
            ctWindow=(-100.0, 900.0),
        )
        self.assertEqual(self.settings(*arguments.split()), expected)
        prefixed = arguments.replace("--", "--fusion-")
        self.assertEqual(self.settings(*prefixed.split(), prefix="fusion-"), expected)

    def test_windows_have_names(self):
        self.assertEqual(self.settings("--window", "wide").ctWindow, CtWindowPreset.wide.value)


class TestFuse(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        cls.inputs = writePhantom(makePhantom(spacingFactor=4.0), cls.folder / "input")

    def fuse(self, *arguments: object) -> tuple[int, str]:
        status, _, errors = medfusion(
            "fuse", self.inputs["ct"], self.inputs["mri"], *arguments, "--output", self.folder / "f.nrrd", "--force"
        )
        return status, errors

    def test_the_result_has_the_grid_that_was_asked_for(self):
        mri = sitk.ReadImage(str(self.inputs["mri"]))
        status, errors = self.fuse("--method", "color", "--grid", "mri")
        self.assertEqual(status, 0, errors)
        fused = sitk.ReadImage(str(self.folder / "f.nrrd"))
        self.assertEqual((fused.GetSize(), fused.GetNumberOfComponentsPerPixel()), (mri.GetSize(), 3))
        status, errors = self.fuse(self.inputs["mri"], "--spacing", "5", "--window", "-100,1500")
        self.assertEqual(status, 0, errors)
        self.assertEqual(sitk.ReadImage(str(self.folder / "f.nrrd")).GetSpacing(), (5.0, 5.0, 5.0))

    def test_bad_options_are_refused_with_a_sentence(self):
        for arguments, pattern in (
            (("--levels", "9"), "9 levels"),
            (("--method", "dwt", "--wavelet", "nope"), "nope"),
            (("--window", "10"), "LOW,HIGH"),
            (("--window", "300,100"), "smaller"),
            (("--spacing", "0"), "spacing"),
        ):
            status, errors = self.fuse(*arguments)
            self.assertEqual(status, 2, errors)
            self.assertRegex(errors, pattern)


class TestSlices(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        phantom = makePhantom(spacingFactor=2.0)
        ct = phantom.ct[:, :, phantom.ct.GetDepth() // 2]
        mri = sitk.Resample(phantom.mri, phantom.ct, phantom.ctToMri)[:, :, phantom.ct.GetDepth() // 2]
        cls.slices = [sitk.Cast(image, sitk.sitkFloat32) for image in (ct, mri)]
        windows = ((-20.0, 100.0), (0.0, float(sitk.GetArrayViewFromImage(mri).max())))
        for name, image, window in zip(("ct", "mri"), cls.slices, windows, strict=True):
            picture = sitk.Cast(sitk.IntensityWindowing(image, *window, 0.0, 255.0), sitk.sitkUInt8)
            sitk.WriteImage(picture, str(cls.folder / f"{name}.png"))
            sitk.WriteImage(sitk.Compose([picture] * 3), str(cls.folder / f"{name}.jpg"))
            sitk.WriteImage(image, str(cls.folder / f"{name}2d.nrrd"))
            sitk.WriteImage(sitk.JoinSeries(image), str(cls.folder / f"{name}1.nrrd"))
        tinted = sitk.Compose([picture, picture * 0, picture * 0])
        sitk.WriteImage(tinted, str(cls.folder / "color.png"))
        sitk.WriteImage(picture[:-2], str(cls.folder / "small.png"))
        sitk.WriteImage(phantom.mri, str(cls.folder / "volume.nrrd"))

    def fuse(self, ct: str, mri: str, output: str, *arguments: str) -> tuple[int, str]:
        status, _, errors = medfusion(
            "fuse", self.folder / ct, self.folder / mri, *arguments, "--output", self.folder / output, "--force"
        )
        return status, errors

    def test_pictures_give_a_picture_and_slices_a_slice(self):
        for kind, output in (
            (".png", "fused.png"),
            (".jpg", "fused.png"),
            ("2d.nrrd", "f.nrrd"),
            ("1.nrrd", "f.nii.gz"),
        ):
            status, errors = self.fuse(f"ct{kind}", f"mri{kind}", output)
            self.assertEqual(status, 0, errors)
            fused = sitk.ReadImage(str(self.folder / output))
            self.assertEqual(fused.GetSize()[:2], self.slices[0].GetSize())
            if output.endswith("png"):
                self.assertEqual(fused.GetPixelID(), sitk.sitkUInt8)
            else:
                bone = sitk.GetArrayFromImage(self.slices[0]) > 400
                difference = sitk.GetArrayFromImage(fused)[0] - sitk.GetArrayFromImage(self.slices[0])
                self.assertLess(abs(difference[bone]).max(), 1e-3)

    def test_a_narrow_window_is_told(self):
        self.assertIn("narrow window", self.fuse("ct.png", "mri.png", "fused.png")[1])
        self.assertNotIn("window", self.fuse("ct1.nrrd", "mri1.nrrd", "f.nrrd")[1])

    def test_what_does_not_fit_is_refused_with_a_sentence(self):
        for ct, mri, arguments, pattern in (
            ("ct.png", "small.png", (), "aligned pixel by pixel"),
            ("ct.png", "color.png", (), "in color"),
            ("ct1.nrrd", "volume.nrrd", (), "ct1.nrrd is 2D.*slices with slices"),
            ("ct.png", "mri.png", ("--spacing", "1"), "--spacing"),
        ):
            status, errors = self.fuse(ct, mri, "refused.png", *arguments)
            self.assertEqual(status, 2, errors)
            self.assertRegex(errors, pattern)
            self.assertFalse((self.folder / "refused.png").exists())


if __name__ == "__main__":
    unittest.main()
