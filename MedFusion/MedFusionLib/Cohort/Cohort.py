"""A cohort from its tasks to its group results; the subjects' folders alone are its state."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..Core.Results.Output import folderLock
from .BidsFolder import describeDerivatives
from .Engine import Place, openPool, runAll
from .GroupTables import SubjectResult, writeChanges, writeGroupTables
from .Page import writeIndex
from .Plan import LOGS, changesOf, comparisonTask
from .SubjectRun import Ending, Outcome, Task, stateOf
from .Subjects import RowFault, Subject
from .SubjectState import State, readDocument

_DESCRIPTION = "dataset_description.json"


@dataclass(frozen=True)
class Cohort:
    """Who is in a cohort and where its results go.

    :param subjects: all of them, also those that are not run now, for the group results.
    :param tasks: the ones to run now.
    :param faults: what is wrong with rows that can never be run.
    """

    output: Path
    subjects: tuple[Subject, ...]
    tasks: tuple[Task, ...]
    faults: tuple[RowFault, ...] = ()


@contextmanager
def openCohort(output: Path) -> Iterator[None]:
    """Make the folder of a cohort and hold it against a second one.

    :raises ValueError: if it holds something else, or another cohort is at work in it.
    """
    description = readDocument(output / _DESCRIPTION) or {}
    isOurs = any(
        item.get("Name") == "MedFusion" for item in description.get("GeneratedBy", ()) if isinstance(item, dict)
    )
    if output.exists() and (not output.is_dir() or (any(output.iterdir()) and not isOurs)):
        raise ValueError(f"{output} exists but is not a MedFusion cohort; choose a new folder.")
    output.mkdir(parents=True, exist_ok=True)
    with folderLock(output, f"Another cohort is at work in {output}; wait for it, or choose another folder."):
        describeDerivatives(output)
        yield


def states(tasks: Sequence[Task]) -> dict[str, State]:
    """Return how each subject stands, by name."""
    return {task.name: stateOf(task)[0] for task in tasks}


def runCohort(
    cohort: Cohort,
    place: Place,
    started: Callable[[Task], None],
    ended: Callable[[Outcome], None],
    timeLimit: float,
    retryFailed: bool,
) -> list[Outcome]:
    """Run the tasks, then the comparisons that they make possible, and write the group results.

    The group results are written when it is interrupted, too.
    """
    outcomes: list[Outcome] = []
    paths = [cohort.output, *(path for task in cohort.tasks for path in task.paths.values())]
    try:
        with openPool(place, paths) as pool:
            for outcome in runAll(cohort.tasks, pool, started):
                outcomes.append(outcome)
                ended(outcome)
            changes = changesOf(cohort.subjects)
            tasks = [comparisonTask(change, cohort.output, timeLimit, retryFailed) for change in changes]
            for outcome in runAll(filter(None, tasks), pool, started):
                outcomes.append(outcome)
                ended(outcome)
    finally:
        writeGroupResults(cohort, outcomes)
    return outcomes


def writeGroupResults(cohort: Cohort, outcomes: Sequence[Outcome]) -> None:
    """Write the tables and the page over all subjects."""
    failures = {outcome.name: outcome for outcome in outcomes if outcome.ending is Ending.failed}
    results = [_result(cohort.output, subject, failures.get(subject.name)) for subject in cohort.subjects]
    faulty = [(fault.subject or fault.place, fault) for fault in cohort.faults]
    results += [SubjectResult(name.removeprefix("sub-"), "", None, "Table", fault.sentence) for name, fault in faulty]
    results.sort(key=lambda result: result.name)
    writeGroupTables(cohort.output, results)
    writeChanges(cohort.output, changesOf(cohort.subjects))
    writeIndex(cohort.output, results)


def _result(output: Path, subject: Subject, failure: Outcome | None) -> SubjectResult:
    if failure is not None:
        return SubjectResult(subject.participant, subject.session, None, failure.step, failure.sentence)
    document = readDocument(output / subject.folder / "measurements.json")
    # A failure outlasts an older result, which was made of something else; success removes it.
    recorded = readDocument(output / LOGS / f"{subject.name}.failure.json")
    if document is None or recorded is not None:
        recorded = recorded or {}
        step, sentence = str(recorded.get("step", "")), str(recorded.get("sentence", ""))
        return SubjectResult(subject.participant, subject.session, None, step, sentence)
    return SubjectResult(subject.participant, subject.session, document)
