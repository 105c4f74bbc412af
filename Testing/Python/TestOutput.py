"""Outputs are written whole or not at all, and nothing that others made or gave is touched."""

import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from MedFusionLib.Core.Results.Output import checkApart, outputFile, outputFolder
from MedFusionTesting import PROJECT_ROOT


class TestOutput(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def assertRefused(self, pattern: str, path: Path, force: bool, *inputs: Path) -> None:
        before = sorted(self.folder.rglob("*"))
        for output in (outputFolder, outputFile):
            with self.assertRaisesRegex(ValueError, pattern), output(path, force, inputs):
                self.fail("not refused before the work")
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def test_outputs_that_hold_each_other_are_refused(self):
        link = self.folder / "link"
        link.symlink_to(self.folder)
        run = self.folder / "run"
        for outputs in ((run, run / "dicom"), (run / "run", run), (run, run), (run, link / "run"), (run, link)):
            with self.assertRaisesRegex(ValueError, "lies inside"):
                checkApart(*outputs)
        checkApart(run, self.folder / "run_dicom")

    def test_an_output_that_appears_during_the_work_is_left_alone(self):
        path = self.folder / "run"
        with self.assertRaisesRegex(ValueError, "during the work"), outputFolder(path, force=False) as partial:
            (partial / "mine").touch()
            path.mkdir()
            (path / "theirs").touch()
        self.assertEqual([file.name for file in self.folder.rglob("*")], ["run", "theirs"])
        path = self.folder / "fused.nrrd"
        with self.assertRaisesRegex(ValueError, "during the work"), outputFile(path, force=False) as partial:
            partial.write_text("mine")
            path.write_text("theirs")
        self.assertEqual(path.read_text(), "theirs")

    def test_an_output_inside_an_input_folder_is_refused(self):
        series, file = self.folder / "series", self.folder / "ct.nrrd"
        series.mkdir()
        file.touch()
        self.assertRefused("lies inside the input", series / "new" / "out", True, file, series)
        with outputFolder(self.folder / "out", False, [file, series]) as partial:
            (partial / "result").touch()
        self.assertTrue((self.folder / "out" / "result").exists())

    def test_the_folder_one_works_in_is_no_output(self):
        before = Path.cwd()
        self.addCleanup(os.chdir, before)
        work = self.folder / "work"
        work.mkdir()
        os.chdir(work)
        for path in (".", "..", work, self.folder, "/"):
            with self.subTest(path), self.assertRaisesRegex(ValueError, "in use"), outputFolder(path, True):
                self.fail("not refused before the work")
        self.assertEqual(list(self.folder.rglob("*")), [work])

    @unittest.skipUnless(hasattr(signal, "SIGKILL"), "no SIGKILL on this system")
    def test_what_a_killed_run_left_is_removed_by_the_next_and_a_living_run_is_not(self):
        path = self.folder / "run [1]"
        script = (
            "import sys, time\n"
            "from MedFusionLib.Core.Results.Output import outputFolder\n"
            "with outputFolder(sys.argv[1], False) as partial:\n"
            "    (partial / 'patient').touch()\n"
            "    print(partial, flush=True)\n"
            "    time.sleep(60)\n"
        )
        environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT / "MedFusion")}
        command = [sys.executable, "-c", script, str(path)]
        runs = [subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) for _ in range(2)]
        for run in runs:
            self.addCleanup(run.stdout.close)
            self.addCleanup(run.wait)
            self.addCleanup(run.kill)
        killed, living = (Path(run.stdout.readline().strip()) for run in runs)
        runs[0].kill()
        runs[0].wait()
        self.assertTrue((killed / "patient").exists())
        with outputFolder(path, force=False):
            self.assertFalse(killed.exists())
            self.assertTrue((living / "patient").exists())
        self.assertEqual(sorted(self.folder.iterdir()), sorted([living, path]))


if __name__ == "__main__":
    unittest.main()
