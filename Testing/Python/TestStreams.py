"""A full or closed standard output does not turn a finished run into a failure."""

import os
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import SimpleITK as sitk
from MedFusionTesting import PROJECT_ROOT
from TestLesions import ellipsoid, emptyGrid, painted


@unittest.skipUnless(Path("/dev/full").exists(), "this system has no device that is always full")
class TestStreams(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.outline = self.folder / "outline.nii.gz"
        image = painted(emptyGrid((30, 30, 20), (1.0, 1.0, 1.0)), ellipsoid((0, 0, 0), (8, 8, 6)))
        sitk.WriteImage(image, str(self.outline))

    def measure(self, *arguments: object, full: str) -> int:
        """Run measure with one stream full and return the exit status."""
        environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT / "MedFusion")}
        command = [sys.executable, "-m", "MedFusionLib", "measure", self.outline, *arguments]
        with open("/dev/full", "w") as device, open(os.devnull, "w") as nowhere:
            streams = {"stdout": nowhere, "stderr": nowhere} | {full: device}
            return subprocess.run([*map(str, command)], env=environment, check=False, **streams).returncode

    def test_what_was_written_into_files_is_finished(self):
        for number, full in enumerate(("stdout", "stderr")):
            output = self.folder / f"values{number}.json"
            self.assertEqual(self.measure("--output", output, full=full), 0, full)
            self.assertGreater(output.stat().st_size, 200)

    def test_what_could_only_be_printed_and_was_not_is_a_failure(self):
        self.assertEqual(self.measure(full="stdout"), 1)
        self.assertEqual(self.measure(full="stderr"), 0)


if __name__ == "__main__":
    unittest.main()
