"""Run one subject in a process of its own, and say how it ended; the same on this machine and on a cluster's."""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from .SubjectState import State, provenanceOf, readDocument, recordedProvenance

ATTEMPTS = 2
# A run that was refused or failed says so itself and does so again; a crash, a kill or a time-out may pass.
_ENDED_BY_ITSELF = (0, 1, 2)
_PREFIX = "medfusion: "
_STEP_ENDS = (" ...", " done in ")


class Ending(Enum):
    """How a subject ended."""

    done = "done"
    unchanged = "unchanged"
    failed = "failed"


@dataclass(frozen=True)
class Task:
    """What a worker is told about one subject; every path must be seen by it.

    :param name: of the subject.
    :param command: the subcommand of medfusion and its arguments, without the output.
    :param paths: the inputs by role.
    :param options: as the document records them, see `Provenance`.
    :param output: the result folder.
    :param document: the file in it that holds the document.
    :param log: where the run's messages go.
    :param bytes: the memory that it needs.
    """

    name: str
    command: tuple[str, ...]
    paths: dict[str, Path]
    options: dict[str, str]
    output: Path
    log: Path
    bytes: int
    timeLimit: float
    retryFailed: bool = False
    document: str = "measurements.json"

    @property
    def failure(self) -> Path:
        """Return the file that says why the subject failed."""
        return self.log.with_suffix(".failure.json")


@dataclass(frozen=True)
class Outcome:
    """How one subject ended; the step and the sentence where it failed."""

    name: str
    ending: Ending
    step: str = ""
    sentence: str = ""
    seconds: float = 0.0


def stateOf(task: Task) -> tuple[State, Outcome | None]:
    """Return how a subject stands, and the failure where it has failed before with the same inputs and options."""
    document = readDocument(task.output / task.document)
    provenance = provenanceOf(task.paths, task.options, document)
    if document is not None:
        return (State.done if recordedProvenance(document, task.paths) == provenance else State.changed), None
    failure = readDocument(task.failure)
    if failure is None or failure.get("provenance") != provenance.measurements():
        return State.new, None
    return State.failed, Outcome(task.name, Ending.failed, str(failure.get("step")), str(failure.get("sentence")))


def runTask(task: Task) -> Outcome:
    """Run a subject unless its result is there already, and return how it ended."""
    start = time.monotonic()
    try:
        state, failed = stateOf(task)
    except (OSError, ValueError) as error:
        return Outcome(task.name, Ending.failed, "Load", str(error))
    if state is State.done:
        with suppress(FileNotFoundError):
            task.failure.unlink()
        return Outcome(task.name, Ending.unchanged)
    if failed is not None and not task.retryFailed:
        return failed
    task.log.parent.mkdir(parents=True, exist_ok=True)
    for attempt in range(1, ATTEMPTS + 1):
        status = _execute(task, attempt)
        if status in _ENDED_BY_ITSELF:
            break
    if status == 0:
        with suppress(FileNotFoundError):
            task.failure.unlink()
        return Outcome(task.name, Ending.done, seconds=time.monotonic() - start)
    step, sentence = _reason(task, status)
    _writeFailure(task, step, sentence)
    return Outcome(task.name, Ending.failed, step, sentence, time.monotonic() - start)


def _execute(task: Task, attempt: int) -> int | None:
    """Return the exit status of one attempt, negative for a signal, None when the time ran out."""
    command = [sys.executable, "-m", "MedFusionLib", *task.command, "--output", str(task.output), "--force"]
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS"), "1")
    library = str(Path(__file__).resolve().parents[2])
    known = [library, *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | threads | {"PYTHONPATH": os.pathsep.join(known)}
    with task.log.open("w" if attempt == 1 else "a", encoding="utf-8") as log:
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environment)
        try:
            return process.wait(task.timeLimit)
        except subprocess.TimeoutExpired:
            return None
        finally:
            if process.poll() is None:
                process.terminate()
                try:
                    process.wait(10)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()


def _reason(task: Task, status: int | None) -> tuple[str, str]:
    """Return the step and the sentence with which a run ended, from its log."""
    step, sentence = "", ""
    for line in task.log.read_text(encoding="utf-8", errors="replace").splitlines():
        if line.startswith(_PREFIX):
            sentence = line.removeprefix(_PREFIX)
        elif line.endswith(_STEP_ENDS[0]):
            step = line.removesuffix(_STEP_ENDS[0])
    if status is None:
        return step, f"It took more than {task.timeLimit / 60:.0f} minutes, {ATTEMPTS} times."
    if status < 0:
        with suppress(ValueError):
            return step, f"Its process was ended by {signal.Signals(-status).name}, {ATTEMPTS} times."
    return step, sentence or f"Its process ended with status {status}; see {task.log.name}."


def _writeFailure(task: Task, step: str, sentence: str) -> None:
    provenance = provenanceOf(task.paths, task.options, None)
    failure = {"step": step, "sentence": sentence, "provenance": provenance.measurements()}
    partial = task.failure.with_suffix(".partial")
    partial.write_text(json.dumps(failure, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    partial.replace(task.failure)
