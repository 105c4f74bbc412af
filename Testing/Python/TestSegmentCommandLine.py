"""The ways to point at a tumor on the command line."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Tumor.SearchMask import linesOutside
from MedFusionTesting import medfusion
from TestTumorSegmentation import ACROSS, headWithBall


class TestSegmentCommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name)
        flair, truth = headWithBall()
        t1c, _ = headWithBall(ball=-30, ring=150)
        for name, image in (("flair", flair), ("t1ce", t1c), ("truth", truth)):
            sitk.WriteImage(image, str(cls.folder / f"{name}.nrrd"))
        cls.line = "--line=" + ",".join(f"{value:.2f}" for value in flipPoints(ACROSS[0]).ravel())

    def outline(self, *arguments: object) -> tuple[str, str, Path]:
        """Run segment on the FLAIR and return what it printed, its log and the output."""
        output = self.folder / "made.seg.nrrd"
        flair = self.folder / "flair.nrrd"
        status, printed, errors = medfusion("segment", flair, *arguments, "--output", output, "--force")
        self.assertEqual(status, 0, errors)
        return printed, errors, output

    def assertDice(self, output: Path, least: float) -> None:
        status, printed, errors = medfusion("evaluate", "tumor", output, self.folder / "truth.nrrd")
        self.assertEqual(status, 0, errors)
        self.assertGreater(float(printed.strip().splitlines()[-1].split()[1]), least)

    def markups(self, name: str, points: np.ndarray) -> Path:
        """Write points (LPS) as Slicer's fiducial list."""
        path = self.folder / f"{name}.mrk.json"
        controls = [
            {"id": str(n), "label": f"{name}-{n}", "position": list(p), "positionStatus": "defined"}
            for n, p in enumerate(np.asarray(points, float).tolist(), start=1)
        ]
        schema = "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/"
        document = {
            "@schema": f"{schema}markups-schema-v1.0.3.json#",
            "markups": [{"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": controls}],
        }
        path.write_text(json.dumps(document))
        return path

    def test_a_line_a_click_the_watershed_and_nothing_outline_the_tumor(self):
        for arguments in (
            (self.line,),
            ("--tumor-seed=-15,-2,4",),
            (self.line, "--method", "watershed"),
            (),
        ):
            printed, _, output = self.outline(*arguments)
            self.assertRegex(printed, r"Tumor: \d+\.\d\d ml")
            self.assertDice(output, 0.85)

    def test_two_volumes_give_the_parts(self):
        printed, _, _ = self.outline(self.folder / "t1ce.nrrd", self.line)
        for name in ("Necrosis", "Enhancing tumor", "Tumor core"):
            self.assertIn(name, printed)

    def test_strokes_outline_and_correct(self):
        across = ACROSS[0, 0] + np.linspace(0.1, 0.9, 15)[:, None] * (ACROSS[0, 1] - ACROSS[0, 0])
        inside = self.markups("inside", across)
        outside = self.markups("outside", np.array([[15.0, y, 5.0] for y in (-20, -18, 18, 20)]))
        _, _, output = self.outline("--foreground", inside, "--background", outside)
        self.assertDice(output, 0.88)
        present = self.folder / "present.seg.nrrd"
        output.rename(present)
        _, _, corrected = self.outline("--foreground", inside, "--correct", present)
        self.assertDice(corrected, 0.88)

    def test_a_mask_limits_the_outline(self):
        truth = sitk.ReadImage(str(self.folder / "truth.nrrd"))
        sitk.WriteImage(truth, str(self.folder / "mask.nrrd"))
        printed, errors, _ = self.outline(self.line, "--mask", self.folder / "mask.nrrd")
        self.assertNotIn("The mask leaves out", errors)
        voxels = sitk.GetArrayFromImage(truth).sum() * np.prod(truth.GetSpacing()) / 1000
        self.assertLess(float(printed.split()[1]), 1.05 * voxels)

    def test_a_mask_that_cuts_a_line_is_said(self):
        mask = sitk.GetImageFromArray(np.ones((10, 10, 10), np.uint8))
        ends = np.array([[[2, 5, 5], [7, 5, 5]], [[5, 5, 5], [5, 5, 15]]], float)
        (told,) = linesOutside(mask, ends)
        self.assertRegex(told, "The mask leaves out 5[0-9]% of line 2")

    def test_an_mri_in_the_place_of_the_ct_is_refused(self):
        rng = np.random.default_rng(0)
        depth = np.linalg.norm(np.indices((24, 24, 24)) - 11.5, axis=0)
        for name, tissues, air in (("ct", (35, 1000, 10), -1000), ("mri", (330, 45, 420), 8)):
            values = np.select([depth < 7, depth < 9, depth < 10], tissues, air) + rng.normal(0, 8, depth.shape)
            values = values if name == "ct" else np.maximum(values, 0)
            sitk.WriteImage(sitk.GetImageFromArray(values.astype(np.int16)), str(self.folder / f"{name}.nrrd"))
        output = self.folder / "never.seg.nrrd"
        arguments = (self.folder / "ct.nrrd", "--ct", self.folder / "mri.nrrd", self.line, "--output", output)
        status, _, errors = medfusion("segment", *arguments)
        self.assertEqual(status, 2, errors)
        self.assertRegex(errors, "mri.nrrd was given as CT and looks like an MRI .* exchange them")

    def test_bad_requests_are_refused_with_one_sentence(self):
        flair, output = self.folder / "flair.nrrd", self.folder / "never.seg.nrrd"
        model = self.folder / "model"
        model.mkdir()
        for arguments, reason in (
            (("--line=1,2,3,1,2,3.5",), "voxels long"),
            (("--method", "automatic", "--sequence", "t1"), "does not work on T1"),
            (("--method", "line"), "Draw a line"),
            (("--method", "model"), "trained model"),
            (("--model-path", model), "dataset.json"),
            (("--model-path", self.folder), "inside the input"),
            (("--tumor-seed=900,900,900",), "outside the volume"),
        ):
            status, _, errors = medfusion("segment", flair, *arguments, "--output", output)
            self.assertEqual(status, 2, errors)
            self.assertRegex(errors.strip().splitlines()[-1], reason)
            self.assertFalse(output.exists())


if __name__ == "__main__":
    unittest.main()
