"""A cohort on a Dask scheduler with workers of its own, one of which is lost in the middle."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

from MedFusionLib.Cohort.Engine import Place, openPool, runAll
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


if __name__ == "__main__":
    unittest.main()
