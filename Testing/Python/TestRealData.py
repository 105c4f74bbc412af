"""The whole chain on a real head with simulated truth, and fusion on a real patient's CT and MR."""

import json
import re
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.CommandLine.Evaluate import readTargets, targetRegistrationErrors
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Images.Resampling import resampleImage
from MedFusionLib.Core.Images.Transforms import transformPoints
from MedFusionLib.Core.Inputs.TransformFiles import readTransform
from MedFusionLib.Core.Inputs.VolumeFiles import fileChecksum
from MedFusionLib.Core.Landmarks.LandmarkFit import fitLandmarks
from MedFusionTesting import medfusion, sharedData


class TestRealHeads(unittest.TestCase):
    """One patient's head, simulated twice in different frames and with different tumors."""

    HEADS = ("head-a", "head-b")

    @classmethod
    def setUpClass(cls) -> None:
        cls.sources = [sharedData("head-sim", head) for head in cls.HEADS]
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        cls.before = [cls.checksums(source) for source in cls.sources]
        cls.targets = [readTargets(source / "truth_targets.json") for source in cls.sources]
        for head, source, (fixedTargets, _) in zip(cls.HEADS, cls.sources, cls.targets, strict=True):
            status, _, errors = medfusion(
                *("run", source / "ct.nrrd", source / "mr_t1c.nrrd", "--refine"),
                *("--ct-landmarks", source / "ct_landmarks.mrk.json"),
                *("--mri-landmarks", source / "mr_landmarks.mrk.json"),
                *("--lps", "--tumor-seed", ",".join(map(str, fixedTargets[-1])), "--output", cls.folder / head),
            )
            assert status == 0, errors

    @staticmethod
    def checksums(folder: Path) -> dict[str, str]:
        return {path.name: fileChecksum(path) for path in folder.iterdir()}

    def test_a_real_head_is_registered_fused_and_outlined(self):
        for head, source, before, targets in zip(self.HEADS, self.sources, self.before, self.targets, strict=True):
            with self.subTest(head):
                tre = targetRegistrationErrors(readTransform(self.folder / head / "ct_to_mri.h5"), *targets)
                self.assertLess(np.sqrt(np.mean(tre**2)), 0.4)
                tumor = json.loads((self.folder / head / "measurements.json").read_text())["tumor"]
                centroid = flipPoints(tumor["centroid_ras"])
                self.assertLess(np.linalg.norm(centroid - targets[0][-1]), 6.0)
                self.assertEqual(self.checksums(source), before)

    def test_the_ct_comes_onto_the_grid_of_the_mri_as_the_truth_says(self):
        source, output = self.sources[0], self.folder / "onMri"
        status, _, errors = medfusion(
            *("register", source / "ct.nrrd", source / "mr_t1c.nrrd", "--refine", "--grid", "mri"),
            *("--ct-landmarks", source / "ct_landmarks.mrk.json"),
            *("--mri-landmarks", source / "mr_landmarks.mrk.json", "--output", output),
        )
        self.assertEqual(status, 0, errors)
        ct, mri = (sitk.ReadImage(str(source / name)) for name in ("ct.nrrd", "mr_t1c.nrrd"))
        truth = resampleImage(ct, mri, sitk.ReadTransform(str(source / "truth_ct_to_mr.tfm")).GetInverse())
        values, true = (
            sitk.GetArrayFromImage(image).astype(float).ravel()
            for image in (sitk.ReadImage(str(output / "ct_registered.nrrd")), truth)
        )
        self.assertGreater(np.corrcoef(values, true)[0, 1], 0.999)

    def test_two_runs_are_compared_in_the_frame_that_their_skulls_share(self):
        output = self.folder / "change"
        status, _, errors = medfusion("compare", *(self.folder / head for head in self.HEADS), "--output", output)
        self.assertEqual(status, 0, errors)
        self.assertIn("do not overlap", errors)
        self.assertEqual((output / "report.html").read_text(encoding="utf-8").count("<figure>"), 19)
        points = self.targets[0][0]
        found = transformPoints(readTransform(output / "first_to_second.h5"), points)
        skulls = transformPoints(self.skullAlignment(points, found), points)
        self.assertLess(np.linalg.norm(found - skulls, axis=1).max(), 0.5)
        document = json.loads((output / "comparison.json").read_text())
        self.assertEqual(document["change"]["kept_ml"], 0)
        before, after = (self.solidVolume(source) for source in self.sources)
        volume = document["change"]["volume"]
        self.assertLess(abs(volume["difference"] - (after - before)), 1.96 * volume["uncertainty"])

    def skullAlignment(self, points: np.ndarray, found: np.ndarray) -> sitk.Transform:
        """Return the rigid transform that fits the CTs, which no comparison looks at, from 2 mm beside that found."""
        fixed, moving = (
            sitk.Clamp(sitk.ReadImage(str(source / "ct.nrrd")), sitk.sitkFloat32, -200, 1500) for source in self.sources
        )
        transform = fitLandmarks(points, found + (1.5, -1.0, 1.0))
        method = sitk.ImageRegistrationMethod()
        method.SetMetricAsCorrelation()
        method.SetMetricFixedMask(fixed > -150)
        method.SetMetricSamplingStrategy(method.REGULAR)
        method.SetMetricSamplingPercentage(0.05, 1)
        method.SetShrinkFactorsPerLevel([2])
        method.SetSmoothingSigmasPerLevel([1])
        method.SetOptimizerAsRegularStepGradientDescent(0.5, 1e-3, 100)
        method.SetOptimizerScalesFromPhysicalShift()
        method.SetInitialTransform(transform, inPlace=True)
        method.Execute(fixed, moving)
        return transform

    @staticmethod
    def solidVolume(source: Path) -> float:
        """Return the true volume in ml of the tumor without its edema."""
        truth = sitk.ReadImage(str(source / "truth_tumor_ct.nrrd"))
        labels = sitk.GetArrayViewFromImage(truth)
        return float(np.isin(labels, (1, 4)).sum() * np.prod(truth.GetSpacing()) / 1000)


class TestRealData(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def test_a_real_patient_is_fused(self):
        folder = sharedData("aanlib", "case41_toxoplasmosis")
        output = self.folder / "fused.nrrd"
        status, _, errors = medfusion("fuse", folder / "CT.nii.gz", folder / "MR_T2.nii.gz", "--output", output)
        self.assertEqual(status, 0, errors)
        fused, ct = sitk.ReadImage(str(output)), sitk.ReadImage(str(folder / "CT.nii.gz"))
        self.assertEqual(fused.GetSize(), ct.GetSize())
        np.testing.assert_allclose(fused.GetDirection(), ct.GetDirection(), atol=1e-6)
        status, printed, errors = medfusion("evaluate", "fusion", folder / "CT.nii.gz", folder / "MR_T2.nii.gz", output)
        self.assertEqual(status, 0, errors)
        self.assertGreater(float(re.search(r"^Bone\s+(\S+)", printed, re.MULTILINE).group(1)), 0.9)


if __name__ == "__main__":
    unittest.main()
