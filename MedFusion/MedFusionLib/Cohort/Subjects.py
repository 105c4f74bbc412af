"""Who is in a cohort: one subject is one session of one participant and what its run is told."""

import re
from dataclasses import dataclass
from pathlib import Path

_LABEL = re.compile(r"[A-Za-z0-9]+")


@dataclass(frozen=True)
class Subject:
    """One session of one participant.

    :param participant: label without "sub-", letters and digits only, as BIDS wants it.
    :param session: label without "ses-", empty where there is only one.
    :param arguments: what `medfusion run` is told besides where to write.
    :param inputs: the files and folders that it reads.
    """

    participant: str
    session: str
    arguments: tuple[str, ...]
    inputs: tuple[Path, ...]

    @property
    def name(self) -> str:
        """Return one word for it, such as sub-01_ses-2."""
        return "_".join(self.folder.parts)

    @property
    def folder(self) -> Path:
        """Return where its results lie below the cohort's folder."""
        return subjectFolder(self.participant, self.session)


@dataclass(frozen=True)
class RowFault:
    """What is wrong with one subject before anything has started.

    :param place: where it stands, such as "line 4".
    :param subject: its name as far as it can be known, else empty.
    """

    place: str
    subject: str
    sentence: str


def subjectFolder(participant: str, session: str) -> Path:
    """Return the folder of a subject's results below the cohort's folder."""
    participantFolder = Path(f"sub-{participant}")
    return participantFolder / f"ses-{session}" if session else participantFolder


def label(text: str, prefix: str) -> str:
    """Return a participant's or session's label without its prefix.

    :raises ValueError: if it is more than letters and digits, which a folder's name and BIDS do not allow.
    """
    found = text.strip().removeprefix(prefix)
    if not _LABEL.fullmatch(found):
        raise ValueError(f'"{text}" is not a label; use letters and digits only, such as {prefix}01.')
    return found
