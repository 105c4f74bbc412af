"""medfusion cohort as its user runs it, on small phantoms."""

import json
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from MedFusionLib.Cohort import SubjectRun
from MedFusionLib.CommandLine.Demo import writePhantom
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Core.Results.Output import folderLock
from MedFusionTesting import medfusion

COLUMNS = ("participant_id", "session", "ct", "mri", "ct_landmarks", "mri_landmarks", "tumor_seed")


class TestCohortCommand(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.inputs = Path(temporary.name) / "inputs"
        cls.inputs.mkdir()
        cls.rows = []
        for number in (1, 2):
            phantom = makePhantom(seed=number, spacingFactor=3.0)
            paths = writePhantom(phantom, cls.inputs / f"p{number}")
            files = [f"p{number}/{Path(paths[role]).name}" for role in COLUMNS[2:6]]
            seed = ",".join(f"{value:.1f}" for value in flipPoints(phantom.targets[-1]))
            cls.rows.append([f"sub-0{number}", "", *files, seed])

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.output = Path(temporary.name) / "out"

    def table(self, *rows: list[str], columns: tuple[str, ...] = COLUMNS) -> Path:
        path = self.inputs / "table.tsv"
        path.write_text("".join("\t".join(row) + "\n" for row in (columns, *rows)), encoding="utf-8")
        return path

    def changed(self, row: list[str], **values: str) -> list[str]:
        return [values.get(column, cell) for column, cell in zip(COLUMNS, row, strict=True)]

    def test_sound_subjects_are_run_faulty_ones_are_named_and_a_second_start_does_nothing(self):
        exchanged = self.changed(self.rows[0], participant_id="sub-03", mri=self.rows[0][2])
        missing = self.changed(self.rows[0], participant_id="sub-04", mri="nothing.nrrd")
        table = self.table(*self.rows, exchanged, missing)
        status, output, errors = medfusion("cohort", table, self.output)
        self.assertEqual(status, 3, errors)
        self.assertIn("2 done, 0 unchanged, 2 failed", output)
        self.assertIn("line 5: There is no", errors)
        failures = (self.output / "failures.tsv").read_text(encoding="utf-8")
        self.assertRegex(failures, r"sub-03\t.*give each its own volume")
        self.assertRegex(failures, r"sub-04\t.*nothing\.nrrd")
        page = (self.output / "index.html").read_text(encoding="utf-8")
        self.assertEqual(len(re.findall("<tr data-name=", page)), 4)
        for picture in re.findall(r'img loading="lazy"[^>]* src="([^"]+)"', page):
            self.assertTrue((self.output / picture).is_file(), picture)
        described = json.loads((self.output / "dataset_description.json").read_text(encoding="utf-8"))
        self.assertEqual(described["DatasetType"], "derivative")
        self.checkAsBids()
        groups = {path.name: path.read_bytes() for path in self.output.glob("*.*")}
        status, output, _ = medfusion("cohort", table, self.output)
        self.assertEqual(status, 3)
        self.assertIn("0 done, 2 unchanged, 2 failed", output)
        self.assertEqual(groups, {path.name: path.read_bytes() for path in self.output.glob("*.*")})

    def checkAsBids(self) -> None:
        """Let the BIDS validator look at the results where it is installed (pip install bids-validator-deno)."""
        validator = shutil.which("bids-validator-deno")
        if validator is not None:
            found = subprocess.run([validator, str(self.output)], capture_output=True, text=True)
            self.assertNotIn("[ERROR]", found.stdout + found.stderr)

    def test_rows_that_cannot_be_run_are_named_before_anything_starts(self):
        first = self.rows[0]
        faults = {
            "letters and digits": self.changed(first, participant_id="a b"),
            "twice": first,
            "no mri": self.changed(first, participant_id="5", mri=""),
            "neither ct_landmarks": self.changed(first, participant_id="6", ct_landmarks=""),
            "tumor-seed": self.changed(first, participant_id="7", tumor_seed="left"),
        }
        with mock.patch.object(SubjectRun, "_execute") as execute:
            status, output, errors = medfusion("cohort", self.table(first, *faults.values()), self.output, "--dry-run")
        self.assertEqual((status, output), (3, "sub-01: new\n"))
        for line, reason in enumerate(faults, 3):
            self.assertRegex(errors, rf"line {line}: .*{reason}")
        execute.assert_not_called()
        self.assertFalse(self.output.exists())

    def test_an_unknown_column_and_an_unknown_participant_are_refused(self):
        table = self.table([*self.rows[0], "x"], columns=(*COLUMNS, "color"))
        self.assertIn("--color", medfusion("cohort", table, self.output, "--dry-run")[2])
        table = self.table(self.rows[0])
        status, _, errors = medfusion("cohort", table, self.output, "--participant-label", "99")
        self.assertEqual(status, 2)
        self.assertIn("no participant 99", errors)

    def test_a_folder_of_others_and_one_in_use_are_left_alone(self):
        table = self.table(self.rows[0])
        self.output.mkdir()
        (self.output / "thesis.txt").write_text("mine", encoding="utf-8")
        self.assertIn("is not a MedFusion cohort", medfusion("cohort", table, self.output)[2])
        self.assertEqual([path.name for path in self.output.iterdir()], ["thesis.txt"])
        shutil.rmtree(self.output)
        self.output.mkdir()
        with folderLock(self.output, ""):
            self.assertIn("Another cohort is at work", medfusion("cohort", table, self.output)[2])

    def test_site_defaults_come_from_a_file_and_a_row_overrules_them(self):
        config = self.inputs / "site.toml"
        config.write_text('[run]\nmodel = "similarity"\nfusion-levels = 3\n[cohort]\nworkers = 1\n', encoding="utf-8")
        table = self.table([*self.rows[0], "affine"], [*self.rows[1], ""], columns=(*COLUMNS, "model"))
        commands = []
        with (
            mock.patch.object(SubjectRun, "_execute", side_effect=lambda task, _attempt: commands.append(task) or 2),
            mock.patch.object(SubjectRun, "_reason", return_value=("", "stopped")),
        ):
            medfusion("cohort", table, self.output, "--config", config)
        options = {task.name: task.options for task in commands}
        self.assertEqual(options["sub-01"]["model"], "affine")
        self.assertEqual(options["sub-02"]["model"], "similarity")
        self.assertEqual(options["sub-02"]["fusion_levels"], "3")
        config.write_text("[sites]\nx = 1\n", encoding="utf-8")
        self.assertIn("sets sites", medfusion("cohort", table, self.output, "--config", config)[2])


if __name__ == "__main__":
    unittest.main()
