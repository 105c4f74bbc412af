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


if __name__ == "__main__":
    unittest.main()
