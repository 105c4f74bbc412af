"""The whole chain on a real head with simulated truth, and fusion on a real patient's CT and MR."""

import json
import re
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.CommandLine.Evaluate import readTargets, targetRegistrationErrors
from MedFusionLib.Core.Coordinates import flipPoints
from MedFusionLib.Core.VolumeFiles import fileChecksum
from MedFusionLib.Scene.NodeFiles import readTransform
from MedFusionTesting import medfusion, sharedData


class TestRealData(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def test_a_real_head_is_registered_fused_and_outlined(self):
        for head in ("head-a", "head-b"):
            with self.subTest(head):
                folder, output = sharedData("head-sim", head), self.folder / head
                before = {path.name: fileChecksum(path) for path in folder.iterdir()}
                fixedTargets, movingTargets = readTargets(folder / "truth_targets.json")
                seed = ",".join(map(str, fixedTargets[-1]))
                status, _, errors = medfusion(
                    *("run", folder / "ct.nrrd", folder / "mr_t1c.nrrd"),
                    *("--ct-landmarks", folder / "ct_landmarks.mrk.json"),
                    *("--mri-landmarks", folder / "mr_landmarks.mrk.json"),
                    *("--lps", "--tumor-seed", seed, "--output", output),
                )
                self.assertEqual(status, 0, errors)
                tre = targetRegistrationErrors(readTransform(output / "ct_to_mri.h5"), fixedTargets, movingTargets)
                self.assertLess(np.sqrt(np.mean(tre**2)), 1.0)
                tumor = json.loads((output / "measurements.json").read_text())["tumor"]
                centroid = flipPoints(tumor["centroid_ras"])
                self.assertLess(np.linalg.norm(centroid - fixedTargets[-1]), 6.0)
                self.assertEqual({path.name: fileChecksum(path) for path in folder.iterdir()}, before)

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
