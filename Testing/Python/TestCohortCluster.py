"""A cohort on a Dask scheduler with workers of its own, one of which is lost in the middle."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from importlib.util import find_spec
from pathlib import Path
from unittest import mock

from MedFusionLib.Cohort.Engine import Place, Scheduler, openPool, runAll
from MedFusionLib.Cohort.SubjectRun import Ending, Outcome, Task
from MedFusionTesting import PROJECT_ROOT

try:
    import distributed
except ImportError:
    distributed = None


def sleepOrKillTheWorker(task: Task) -> Outcome:
    """Work for a moment; the subject named so takes its worker down at the first attempt."""
    marker = task.output
    if task.name == "sub-kills" and not marker.exists():
        marker.write_text("killed one", encoding="utf-8")
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return Outcome(task.name, Ending.done)


@unittest.skipIf(distributed is None, "dask.distributed is not installed")
class TestCohortCluster(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        paths = [str(PROJECT_ROOT / "MedFusion"), str(PROJECT_ROOT / "Testing/Python")]
        self.environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths)}
        self.scheduler = self.folder / "scheduler.json"
        self.start(
            "scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", self.scheduler
        )
        for name in ("one", "two"):
            self.start("worker", "--scheduler-file", self.scheduler, "--nthreads", "1", "--no-nanny", "--name", name)

    def start(self, *arguments: object) -> None:
        process = subprocess.Popen(
            [sys.executable, "-m", "dask", *map(str, arguments)],
            env=self.environment,
            cwd=self.folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)

    def address(self) -> str:
        from distributed import Client

        with Client(scheduler_file=str(self.scheduler), set_as_default=False, timeout=60) as client:
            client.wait_for_workers(2, timeout=60)
            return client.scheduler.address

    def tasks(self) -> list[Task]:
        names = [f"sub-{number}" for number in range(8)]
        names.insert(3, "sub-kills")
        marker = self.folder / "marker"
        return [Task(name, (), {}, {}, marker, self.folder / f"{name}.log", 0, 60.0) for name in names]

    def test_a_killed_worker_costs_no_subject_and_paths_are_checked(self):
        place = Place(address=self.address())
        with self.assertRaisesRegex(ValueError, "does not see"), openPool(place, [self.folder / "nowhere"]):
            self.fail("a path that no worker sees was accepted")
        with openPool(place, [self.folder], sleepOrKillTheWorker) as pool:
            outcomes = list(runAll(self.tasks(), pool))
        self.assertEqual(len(outcomes), 9)
        self.assertEqual({outcome.ending for outcome in outcomes}, {Ending.done})
        self.assertTrue((self.folder / "marker").exists())

    def test_an_address_without_a_scheduler_is_refused_in_a_sentence(self):
        with self.assertRaisesRegex(ValueError, "no Dask scheduler"), openPool(Place(address="tcp://127.0.0.1:9")):
            self.fail("a scheduler that is not there was accepted")


# They stand in for the queue's own commands: a job is run here at once, and ended when it is taken back.
_SUBMIT = """#!/bin/sh
echo "$@" >> {folder}/submitted
cp "$1" {folder}/job.sh
sh {folder}/job.sh > {folder}/job.log 2>&1 &
echo $! >> {folder}/jobs
echo "{told}"
"""
_CANCEL = """#!/bin/sh
echo "$@" >> {folder}/canceled
for job in $(cat {folder}/jobs); do pkill -P $job; done
"""
QUEUES = {
    Scheduler.slurm: ("sbatch", "scancel", "Submitted batch job 17"),
    Scheduler.pbs: ("qsub", "qdel", "17.host"),
    Scheduler.sge: ("qsub", "qdel", "Your job 17 (dask-worker) has been submitted"),
}


@unittest.skipIf(distributed is None or find_spec("dask_jobqueue") is None, "dask-jobqueue is not installed")
class TestCohortQueue(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def queue(self, scheduler: Scheduler) -> None:
        """Put commands of a queue's names on the path, which run the job's script on this machine."""
        submit, cancel, told = QUEUES[scheduler]
        for name, text in ((submit, _SUBMIT), (cancel, _CANCEL)):
            file = self.folder / name
            file.write_text(text.format(folder=self.folder, told=told), encoding="utf-8")
            file.chmod(0o755)
        paths = [str(PROJECT_ROOT / "MedFusion"), str(PROJECT_ROOT / "Testing/Python")]
        changed = {
            "PATH": os.pathsep.join([str(self.folder), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join(paths),
        }
        patched = mock.patch.dict(os.environ, changed)
        patched.start()
        self.addCleanup(patched.stop)

    def test_subjects_run_as_jobs_of_each_queue(self):
        for scheduler in QUEUES:
            with self.subTest(scheduler.name):
                self.queue(scheduler)
                options = (("walltime", "00:10:00"), ("local_directory", str(self.folder)), ("interface", "lo"))
                place = Place(1, None, scheduler, options)
                tasks = [Task(f"sub-{n}", (), {}, {}, self.folder / "out", Path(), 0, 60.0) for n in range(3)]
                with openPool(place, [self.folder], sleepOrKillTheWorker) as pool:
                    outcomes = list(runAll(tasks, pool))
                self.assertEqual([outcome.ending for outcome in outcomes], [Ending.done] * 3)
                job = (self.folder / "job.sh").read_text(encoding="utf-8")
                self.assertIn("00:10:00", job)
                self.assertIn("17", (self.folder / "canceled").read_text(encoding="utf-8"))

    def test_a_queue_that_is_not_there_or_does_not_know_an_option_is_refused_in_a_sentence(self):
        place = Place(1, None, Scheduler.slurm, (("nonsense", "1"),))
        with self.assertRaisesRegex(ValueError, "nonsense=1"), openPool(place):
            self.fail("an option that the queue does not know was accepted")


if __name__ == "__main__":
    unittest.main()
