"""The functions for scripts, and the notebook that shows them, run from top to bottom without Slicer."""

import contextlib
import io
import json
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import numpy as np
from MedFusionLib import Api
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionTesting import PROJECT_ROOT

NOTEBOOK = PROJECT_ROOT / "Docs" / "notebook" / "MedFusion.ipynb"


class TestApi(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.head = makePhantom(spacingFactor=3.0)

    def test_landmarks_are_paired_by_name_whatever_their_order(self):
        labels = self.head.landmarkLabels
        ct = dict(zip(labels, self.head.ctLandmarks, strict=True))
        mri = dict(zip(labels, self.head.mriLandmarks, strict=True))
        turned = dict(reversed(mri.items()))
        first, second = (Api.register(self.head.ct, self.head.mri, ct, points) for points in (mri, turned))
        self.assertAlmostEqual(first.fre, second.fre, places=9)
        errors = [
            np.subtract(first.transform.TransformPoint(p.tolist()), self.head.ctToMri.TransformPoint(p.tolist()))
            for p in self.head.targets
        ]
        self.assertLess(np.linalg.norm(errors, axis=1).max(), 3.0)

    def test_what_cannot_be_used_is_refused_in_a_sentence(self):
        with self.assertRaisesRegex(ValueError, "landmark"):
            Api.register(self.head.ct, self.head.mri, {"a": (0, 0, 0)}, {"a": (0, 0, 0)})
        with self.assertRaises(ValueError):
            Api.register(self.head.ct, self.head.mri, {"a": (0, 0, 0)}, model="elastic")
        with self.assertRaisesRegex(ValueError, "must be"):
            Api.segment(self.head.mri, lines=[[0, 0, 0]])
        with tempfile.TemporaryDirectory() as folder, self.assertRaisesRegex(ValueError, "measurements.json"):
            Api.openRun(folder)

    def test_scripts_need_no_slicer(self):
        script = "import sys; import MedFusionLib.Api; print([m for m in ('slicer', 'vtk', 'qt') if m in sys.modules])"
        command = [sys.executable, "-c", script]
        printed = subprocess.run(command, cwd=PROJECT_ROOT / "MedFusion", capture_output=True, text=True, check=True)
        self.assertEqual(printed.stdout.strip(), "[]")

    def test_the_notebook_runs_from_top_to_bottom_and_the_truth_lies_below_the_bound(self):
        cells = json.loads(NOTEBOOK.read_text(encoding="utf-8"))["cells"]
        sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]
        printed = io.StringIO()
        names: dict[str, object] = {"display": lambda shown: None}
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), contextlib.redirect_stdout(printed):
            for source in sources:
                exec(compile(source, NOTEBOOK.name, "exec"), names)
            self.assertLessEqual({path.name for path in Path(folder).iterdir()}, {"fused.nii.gz"})
        self.assertGreaterEqual(names["below"], 0.9)
        self.assertLess(names["picture"](names["head"].ct).shape[0], 600)
        self.assertIn("expected error at the tumor", printed.getvalue())
        self.assertTrue(all(not cell.get("outputs") for cell in cells))


if __name__ == "__main__":
    unittest.main()
