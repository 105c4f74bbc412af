"""What is to be done for a cohort besides its runs: a task for each pair of sessions that follow each other."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from ..Core.Results.FileNames import COMPARED_FILES, COMPARISON, MEASUREMENTS
from .SubjectRun import Task
from .Subjects import Subject, subjectFolder
from .SubjectState import readDocument

_BYTES_OF_A_COMPARISON = 2_000_000_000
LOGS = "logs"


@dataclass(frozen=True)
class Change:
    """Two sessions of one participant that follow each other."""

    participant: str
    first: str
    second: str

    @property
    def name(self) -> str:
        """Return one word for it."""
        return f"sub-{self.participant}_ses-{self.first}_to_ses-{self.second}"

    @property
    def folder(self) -> Path:
        """Return where the comparison lies below the cohort's folder."""
        return Path(f"sub-{self.participant}") / f"ses-{self.first}_to_ses-{self.second}"


def changesOf(subjects: Sequence[Subject]) -> tuple[Change, ...]:
    """Return the pairs of sessions that follow each other, in the order of the subjects."""
    sessions: dict[str, list[str]] = {}
    for subject in subjects:
        sessions.setdefault(subject.participant, []).append(subject.session)
    return tuple(Change(name, *pair) for name, found in sessions.items() for pair in pairwise(found))


def comparisonTask(change: Change, output: Path, timeLimit: float, retryFailed: bool) -> Task | None:
    """Return the task of comparing two sessions, None where one of them has no result with an outline."""
    folders = [output / subjectFolder(change.participant, session) for session in (change.first, change.second)]
    paths = {
        f"{role} {name}": folder / name
        for role, folder in zip(("first", "second"), folders, strict=True)
        for name in COMPARED_FILES
    }
    documents = [readDocument(folder / MEASUREMENTS) or {} for folder in folders]
    if not all(path.is_file() for path in paths.values()) or not all(document.get("tumor") for document in documents):
        return None
    return Task(
        name=change.name,
        command=("compare", *map(str, folders)),
        paths=paths,
        options={},
        output=output / change.folder,
        log=output / LOGS / f"{change.name}.log",
        bytes=_BYTES_OF_A_COMPARISON,
        timeLimit=timeLimit,
        retryFailed=retryFailed,
        document=COMPARISON,
    )
