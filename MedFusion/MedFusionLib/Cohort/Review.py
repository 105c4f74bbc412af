"""The marks that a reviewer gave on the cohort's page, read back from the file that it saves."""

import csv
from enum import Enum
from pathlib import Path

REVIEW = "review.tsv"


class Mark(Enum):
    """What a reviewer thinks of a subject's result."""

    good = "good"
    doubtful = "doubtful"
    bad = "bad"


def readReview(path: Path) -> dict[str, Mark]:
    """Return the marks by the subjects' names.

    :raises ValueError: if there is no such file, or it holds something else.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream, delimiter="\t"))
    except FileNotFoundError as error:
        raise ValueError(
            f"There is no {path}; mark subjects in index.html, save the marks and put the file there."
        ) from error
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path} could not be read as a table ({error}).") from error
    known = {mark.value: mark for mark in Mark}
    marks = {}
    for number, row in enumerate(rows, 2):
        word = (row.get("mark") or "").strip()
        if row.get("subject") is None or (word and word not in known):
            raise ValueError(f'{path}, line {number}: "{word}" is none of {", ".join(known)}; save the marks again.')
        if word:
            marks[row["subject"]] = known[word]
    return marks
