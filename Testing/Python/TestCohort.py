"""The parts of a cohort: who is in it, what must be run, how tasks are handed out, and the tables over all."""

import argparse
import json
import tempfile
import threading
import time
import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

import SimpleITK as sitk
from DicomTesting import writeSource
from MedFusionLib.Cohort import Engine, SubjectRun
from MedFusionLib.Cohort.BidsFolder import findSessions, isBidsFolder
from MedFusionLib.Cohort.Cohort import Cohort, writeGroupResults
from MedFusionLib.Cohort.CohortTable import optionArguments, readTable
from MedFusionLib.Cohort.Engine import ThreadedPool, runAll
from MedFusionLib.Cohort.GroupTables import SubjectResult, outliers, writeGroupTables
from MedFusionLib.Cohort.Plan import Change, changesOf, comparisonTask
from MedFusionLib.Cohort.Review import Mark, readReview
from MedFusionLib.Cohort.SubjectRun import Ending, Outcome, Task, runTask, stateOf
from MedFusionLib.Cohort.Subjects import Subject, label
from MedFusionLib.Cohort.SubjectState import State, provenanceOf
from MedFusionLib.CommandLine.Arguments import recordedOptions
from MedFusionLib.Core.Inputs.VolumeFiles import fileChecksum
from MedFusionLib.Core.Results.FileNames import COMPARED_FILES
from MedFusionLib.Core.Results.Version import VERSION


def document(volume: float = 10.0, expected: float = 0.7, verdict: str = "confirmed") -> dict:
    """Return what the group results need of a run's document."""
    registration = {"verdict": verdict, "tre_mm_at_tumor": expected, "fre_mm": 1.2, "reasons": [], "overlap": 0.9}
    tumor = {"volume_ml": volume, "verdict": "confirmed", "segments": {"Tumor": {"volume_ml": volume}}}
    return {"registration": registration, "tumor": tumor, "warnings": []}


class FolderTestCase(unittest.TestCase):
    """A test with a folder of its own."""

    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def task(self, name: str = "sub-1", options: dict | None = None, retryFailed: bool = False, size: int = 1) -> Task:
        return Task(
            name=name,
            command=("run",),
            paths={"ct": self.folder / "ct.nrrd"},
            options={"model": "rigid"} if options is None else options,
            output=self.folder / name,
            log=self.folder / "logs" / f"{name}.log",
            bytes=size,
            timeLimit=60.0,
            retryFailed=retryFailed,
        )


class TestCohortInput(FolderTestCase):
    def test_a_table_gives_its_rows_with_their_lines_and_without_empty_cells(self):
        table = self.write("t.tsv", "participant_id\tct\tmri\trefine\n01\ta\tb\tn/a\n\n02\tc\td\ttrue\n")
        rows = readTable(table)
        self.assertEqual([row.line for row in rows], [2, 4])
        self.assertEqual(rows[0].values, {"participant_id": "01", "ct": "a", "mri": "b"})

    def test_a_table_that_cannot_be_used_is_refused_with_its_reason(self):
        for text, reason in (
            ("", "is empty"),
            ("participant_id\tct\n1\ta\n", "no column mri"),
            ("participant_id\tct\tmri\tct\n1\ta\tb\tc\n", "ct twice"),
            ("participant_id\tct\tmri\n", "no rows"),
        ):
            with self.subTest(reason), self.assertRaisesRegex(ValueError, reason):
                readTable(self.write("t.tsv", text))

    def test_cells_become_options_and_paths_start_at_the_table(self):
        self.write("marks.mrk.json", "{}")
        cells = {"refine": "true", "auto": "false", "ct_landmarks": "marks.mrk.json", "line": "1,2,3;4,5,6"}
        self.assertEqual(
            optionArguments(cells, self.folder),
            ["--refine", f"--ct-landmarks={self.folder / 'marks.mrk.json'}", "--line=1,2,3", "--line=4,5,6"],
        )

    def test_a_label_is_letters_and_digits(self):
        self.assertEqual(label("sub-01", "sub-"), "01")
        for text in ("", "a/b", "..", "a b", "é"):
            with self.subTest(text), self.assertRaisesRegex(ValueError, "letters and digits"):
                label(text, "sub-")

    def test_a_bids_folder_gives_its_sessions_and_names_those_without_a_ct(self):
        for name in (
            "sub-01/ses-a/anat/sub-01_ses-a_ct.nii.gz",
            "sub-01/ses-a/anat/sub-01_ses-a_T1w.nii.gz",
            "sub-01/ses-a/anat/sub-01_ses-a_ce-gd_T1w.nii.gz",
            "sub-01/ses-b/anat/sub-01_ses-b_FLAIR.nii",
            "sub-02/anat/sub-02_ct.nii",
            "sub-02/anat/sub-02_T2w.nii",
            "sub-02/anat/sub-02_ct.mrk.json",
            "sub-02/anat/sub-02_T2w.mrk.json",
        ):
            self.write(name, "")
        self.assertTrue(isBidsFolder(self.folder))
        sessions, faults = findSessions(self.folder)
        self.assertEqual([(s.participant, s.session) for s in sessions], [("01", "a"), ("02", "")])
        self.assertEqual(
            [path.name for path in sessions[0].mris], ["sub-01_ses-a_ce-gd_T1w.nii.gz", "sub-01_ses-a_T1w.nii.gz"]
        )
        self.assertIsNone(sessions[0].landmarks)
        self.assertEqual(sessions[1].landmarks[1].name, "sub-02_T2w.mrk.json")
        self.assertEqual(list(faults), ["sub-01_ses-b"])
        self.assertIn("no _ct image", faults["sub-01_ses-b"])

    def test_sessions_of_one_participant_are_compared_pairwise_in_order(self):
        subjects = [Subject(p, s, (), ()) for p, s in (("1", "a"), ("1", "b"), ("1", "c"), ("2", ""))]
        self.assertEqual([(c.first, c.second) for c in changesOf(subjects)], [("a", "b"), ("b", "c")])


class TestCohortState(FolderTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.write("ct.nrrd", "voxels")

    def finish(self, task: Task, options: dict | None = None) -> None:
        inputs = {"ct": {"file": "ct.nrrd", "sha256": fileChecksum(self.folder / "ct.nrrd")}}
        parameters = {"arguments": task.options if options is None else options}
        text = json.dumps({"inputs": inputs, "parameters": parameters, "versions": {"medfusion": VERSION}})
        self.write(f"{task.name}/measurements.json", text)

    def run_(self, task: Task, *statuses: int | None) -> tuple[Outcome, int]:
        """Return the outcome of a task whose attempts end with these statuses, and how many there were."""

        def execute(given: Task, attempt: int) -> int | None:
            given.log.write_text("Load ...\nRegister ...\nmedfusion: Too few landmarks.\n", encoding="utf-8")
            return statuses[attempt - 1]

        with mock.patch.object(SubjectRun, "_execute", side_effect=execute) as attempts:
            return runTask(task), attempts.call_count

    def test_a_finished_subject_is_not_run_again_until_input_or_options_change(self):
        task = self.task()
        self.finish(task)
        self.assertEqual(self.run_(task, 0)[0].ending, Ending.unchanged)
        self.assertEqual(self.run_(self.task(options={"model": "affine"}), 0)[0].ending, Ending.done)
        self.write("ct.nrrd", "other voxels")
        self.assertEqual(self.run_(task, 0)[0].ending, Ending.done)

    def test_an_older_result_does_not_hide_that_the_changed_subject_failed(self):
        task = self.task()
        self.finish(task)
        self.run_(self.task(options={"model": "affine"}), 2)
        subject = Subject("1", "", (), ())
        writeGroupResults(Cohort(self.folder, (subject,), ()), [])
        self.assertIn("Too few landmarks.", (self.folder / "failures.tsv").read_text(encoding="utf-8"))
        self.assertEqual(self.run_(task, 2)[0].ending, Ending.unchanged)
        writeGroupResults(Cohort(self.folder, (subject,), ()), [])
        self.assertNotIn("Too few", (self.folder / "failures.tsv").read_text(encoding="utf-8"))

    def test_further_inputs_that_a_result_names_do_not_make_it_look_changed(self):
        task = self.task()
        self.finish(task)
        path = self.folder / task.name / "measurements.json"
        document = json.loads(path.read_text(encoding="utf-8"))
        document["inputs"]["mri2"] = {"file": "flair.nrrd", "sha256": "0"}
        path.write_text(json.dumps(document), encoding="utf-8")
        self.assertEqual(self.run_(task, 0)[0].ending, Ending.unchanged)

    def test_a_further_mri_in_a_dicom_folder_is_known_by_what_is_in_it(self):
        further = writeSource(self.folder / "flair", "MR", sitk.Image([4, 4, 3], sitk.sitkInt16) + 7)
        task = replace(self.task(), paths=self.task().paths | {"mri_2": further})
        self.finish(task)
        path = self.folder / task.name / "measurements.json"
        document = json.loads(path.read_text(encoding="utf-8"))
        document["inputs"]["mri_2"] = {"sha256": provenanceOf({"mri_2": further}, {}, None).checksums["mri_2"]}
        path.write_text(json.dumps(document), encoding="utf-8")
        self.assertIs(stateOf(task)[0], State.done)
        self.assertIs(stateOf(self.task())[0], State.changed)  # without it, it is another run
        writeSource(further, "MR", sitk.Image([4, 4, 3], sitk.sitkInt16) + 8)
        self.assertIs(stateOf(task)[0], State.changed)

    def test_sessions_without_an_outline_are_not_compared(self):
        change = Change("1", "a", "b")
        for session, tumor in (("a", {"volume_ml": 3.0}), ("b", None)):
            for name in COMPARED_FILES:
                self.write(f"sub-1/ses-{session}/{name}", json.dumps({"tumor": tumor}))
        self.assertIsNone(comparisonTask(change, self.folder, 60.0, False))
        self.write("sub-1/ses-b/measurements.json", json.dumps({"tumor": {"volume_ml": 4.0}}))
        self.assertEqual(comparisonTask(change, self.folder, 60.0, False).command[0], "compare")

    def test_a_folder_among_the_options_is_known_by_what_is_in_it(self):
        self.write("model/weights", "one")
        arguments = argparse.Namespace(model_path=str(self.folder / "model"))
        first = recordedOptions(arguments)
        self.assertRegex(first["model_path"], r"^model \(\w{12}\)$")
        self.assertEqual(recordedOptions(arguments), first)
        self.write("model/weights", "two")
        self.assertNotEqual(recordedOptions(arguments), first)

    def test_a_refusal_is_tried_once_and_remembered_until_something_changes_or_it_is_asked_for(self):
        outcome, attempts = self.run_(self.task(), 2)
        self.assertEqual(
            (outcome.ending, outcome.step, outcome.sentence), (Ending.failed, "Register", "Too few landmarks.")
        )
        self.assertEqual(attempts, 1)
        again, attempts = self.run_(self.task(), 0)
        self.assertEqual((again.sentence, attempts), ("Too few landmarks.", 0))
        self.assertEqual(self.run_(self.task(retryFailed=True), 0)[0].ending, Ending.done)
        self.assertFalse(self.task().failure.exists())

    def test_a_crash_or_a_time_out_is_tried_once_more(self):
        self.assertEqual(self.run_(self.task(), -9, 0)[0].ending, Ending.done)
        outcome, attempts = self.run_(self.task("sub-2"), -9, -9)
        self.assertEqual(attempts, 2)
        self.assertIn("SIGKILL", outcome.sentence)
        self.assertIn("more than 1 minutes", self.run_(self.task("sub-3"), None, None)[0].sentence)

    def test_an_input_that_vanished_costs_only_its_subject(self):
        (self.folder / "ct.nrrd").unlink()
        self.assertEqual(self.run_(self.task(), 0)[0].ending, Ending.failed)


class TestCohortEngine(FolderTestCase):
    def test_every_task_ends_once_and_one_that_raises_costs_one_subject(self):
        def run(task: Task) -> Outcome:
            if task.name == "sub-3":
                raise RuntimeError("broken")
            return Outcome(task.name, Ending.done)

        pool = ThreadedPool(2, run)
        self.addCleanup(pool.close)
        outcomes = {o.name: o for o in runAll((self.task(f"sub-{n}") for n in range(20)), pool)}
        self.assertEqual(len(outcomes), 20)
        self.assertEqual([o.name for o in outcomes.values() if o.ending is Ending.failed], ["sub-3"])

    def test_few_tasks_are_taken_ahead_of_the_workers(self):
        taken, done = [], threading.Event()

        def tasks():
            for number in range(100):
                taken.append(number)
                yield self.task(f"sub-{number}")

        def run(task: Task) -> Outcome:
            done.wait(5)
            return Outcome(task.name, Ending.done)

        pool = ThreadedPool(2, run)
        self.addCleanup(pool.close)
        outcomes = runAll(tasks(), pool)
        threading.Timer(0.1, done.set).start()
        next(outcomes)
        self.assertLess(len(taken), 10)
        self.assertEqual(len(list(outcomes)), 99)

    def test_tasks_run_side_by_side_only_as_far_as_memory_goes(self):
        running, most = [], []

        def run(task: Task) -> Outcome:
            running.append(task.name)
            most.append(len(running))
            time.sleep(0.01)
            running.remove(task.name)
            return Outcome(task.name, Ending.done)

        for size, expected in ((60, 1), (40, 2), (500, 1)):
            most.clear()
            with self.subTest(size), mock.patch.object(Engine, "freeMemory", return_value=100):
                pool = ThreadedPool(4, run)
                list(runAll([self.task(f"sub-{n}", size=size) for n in range(8)], pool))
                pool.close()
                self.assertEqual(max(most), expected)


class TestGroupResults(FolderTestCase):
    def test_tables_hold_every_subject_and_repeat_byte_for_byte(self):
        results = [SubjectResult("01", "", document()), SubjectResult("02", "", None, "Register", "No\tlandmarks.")]
        writeGroupTables(self.folder, results)
        first = {path.name: path.read_bytes() for path in self.folder.iterdir()}
        writeGroupTables(self.folder, results)
        self.assertEqual(first, {path.name: path.read_bytes() for path in self.folder.iterdir()})
        self.assertEqual(first["failures.tsv"].decode().splitlines()[1], "sub-02\tn/a\tRegister\tNo landmarks.")
        header, *rows = (line.split("\t") for line in first["measurements.tsv"].decode().splitlines())
        self.assertEqual([dict(zip(header, row, strict=True))["part"] for row in rows], ["tumor", "segment"])
        sidecar = json.loads(first["measurements.json"])
        self.assertEqual(list(sidecar), header)
        self.assertEqual(sidecar["volume_ml"]["Units"], "ml")

    def test_a_subject_that_stands_out_is_marked_and_the_others_are_not(self):
        volumes = [10.0, 11.0, 9.5, 10.2, 10.8, 9.9, 10.4, 95.0]
        results = [SubjectResult(f"{n}", "", document(volume)) for n, volume in enumerate(volumes)]
        self.assertEqual(outliers(results), {"sub-7": ("tumor_volume_ml",)})
        self.assertEqual(outliers(results[-3:]), {})

    def test_marks_of_a_reviewer_are_read_back(self):
        marks = readReview(self.write("review.tsv", "subject\tmark\tnote\nsub-1\tbad\tshifted\nsub-2\t\tlook again\n"))
        self.assertEqual(marks, {"sub-1": Mark.bad})
        with self.assertRaisesRegex(ValueError, "line 2"):
            readReview(self.write("review.tsv", "subject\tmark\tnote\nsub-1\tmaybe\t\n"))
        with self.assertRaisesRegex(ValueError, "mark subjects in index.html"):
            readReview(self.folder / "absent.tsv")


if __name__ == "__main__":
    unittest.main()
