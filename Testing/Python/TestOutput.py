"""Outputs are written whole or not at all, and nothing that others made or gave is touched."""

import os
import signal
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

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
        with self.assertRaisesRegex(ValueError, "in the meantime"), outputFolder(path, force=False) as partial:
            (partial / "mine").touch()
            path.mkdir()
            (path / "theirs").touch()
        self.assertEqual([file.name for file in self.folder.rglob("*")], ["run", "theirs"])
        path = self.folder / "fused.nrrd"
        with self.assertRaisesRegex(ValueError, "in the meantime"), outputFile(path, force=False) as partial:
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

    def ownFolder(self, name: str = "run") -> Path:
        folder = self.folder / name
        folder.mkdir()
        (folder / "measurements.json").write_text('{"versions": {"medfusion": "1.0"}}')
        (folder / "fused.nrrd").write_text("old")
        return folder

    def test_force_replaces_only_a_folder_of_our_own_and_no_file_of_others(self):
        theirs = self.folder / "theirs"
        theirs.mkdir()
        (theirs / "thesis.tex").write_text("years of work")
        with self.assertRaisesRegex(ValueError, "holds no results of MedFusion"), outputFolder(theirs, force=True):
            self.fail("not refused before the work")
        (theirs / "measurements.json").write_text("[1, 2]")
        with self.assertRaisesRegex(ValueError, "holds no results of MedFusion"), outputFolder(theirs, force=True):
            self.fail("not refused before the work")
        run = self.ownFolder()
        for name in ("notes.txt", "dicom/0001.dcm", "fused/0001.txt"):
            (run / name).parent.mkdir(exist_ok=True)
            (run / name).touch()
            with self.assertRaisesRegex(ValueError, f"did not write .*{name}"), outputFolder(run, force=True):
                self.fail("not refused before the work")
            (run / name).unlink()
            if (run / name).parent != run:
                (run / name).parent.rmdir()
        with outputFolder(run, force=True) as partial:
            (partial / "fused.nrrd").write_text("new")
        self.assertEqual((run / "fused.nrrd").read_text(), "new")
        (self.folder / "empty").mkdir()
        for force in (True, False):
            with outputFolder(self.folder / "empty", force):
                pass
        self.assertEqual((theirs / "thesis.tex").read_text(), "years of work")

    def test_a_file_that_appears_in_the_folder_during_the_work_survives(self):
        run = self.ownFolder()
        with self.assertRaisesRegex(ValueError, "did not write .*notes"), outputFolder(run, force=True):
            (run / "notes.txt").write_text("mine")
        self.assertEqual((run / "notes.txt").read_text(), "mine")
        self.assertEqual((run / "fused.nrrd").read_text(), "old")

    def test_a_kill_in_the_exchange_is_healed_by_the_next_run(self):
        script = (
            "import os, pathlib, signal, sys\n"
            "from MedFusionLib.Core.Results.Output import outputFolder\n"
            "rename, left = pathlib.Path.rename, [int(sys.argv[2])]\n"
            "def counted(self, target):\n"
            "    if not left[0]: os.kill(os.getpid(), signal.SIGKILL)\n"
            "    left[0] -= 1\n"
            "    return rename(self, target)\n"
            "pathlib.Path.rename = counted\n"
            "with outputFolder(sys.argv[1], True) as partial:\n"
            '    (partial / \'measurements.json\').write_text(\'{"versions": {"medfusion": "2.0"}}\')\n'
            "os.kill(os.getpid(), signal.SIGKILL)\n"
        )
        environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT / "MedFusion")}
        for count, expected in ((0, "1.0"), (1, "1.0"), (2, "2.0")):
            run = self.ownFolder(f"run{count}")
            command = [sys.executable, "-c", script, str(run), str(count)]
            self.assertEqual(subprocess.run(command, env=environment, check=False).returncode, -signal.SIGKILL)
            self.assertEqual(run.exists(), count != 1)
            with self.assertRaisesRegex(ValueError, "exists already"), outputFolder(run, force=False):
                self.fail("the old result was not put back before it was asked for")
            self.assertIn(expected, (run / "measurements.json").read_text())
            with outputFolder(run, force=True):
                pass
            self.assertEqual([path.name for path in self.folder.iterdir() if path.name.startswith(".")], [])

    def test_an_exchange_that_fails_leaves_the_old_folder_under_its_name(self):
        run = self.ownFolder()
        for failure in (OSError("disk"), KeyboardInterrupt()):
            with self.assertRaises(type(failure)), outputFolder(run, force=True) as partial:
                whole = Path.rename

                def rename(path: Path, target: Path, failure=failure, partial=partial, whole=whole) -> Path:
                    if path == partial:
                        raise failure
                    return whole(path, target)

                patcher = patch.object(Path, "rename", rename)
                self.addCleanup(patcher.stop)
                patcher.start()
            patcher.stop()
            self.assertEqual([path.name for path in self.folder.iterdir()], ["run"])
            self.assertEqual((run / "fused.nrrd").read_text(), "old")

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
