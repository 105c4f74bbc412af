"""Tables over all subjects of a cohort, made anew from their results each time."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..Core.Images.Intensities import robustSpread
from ..Core.Results.FileNames import COMPARISON
from .Plan import Change
from .SubjectState import readDocument

OUTLIER_Z = 3.5  # of a modified z score; Iglewicz and Hoaglin 1993, "How to detect and handle outliers"
_FEWEST_FOR_OUTLIERS = 8
_UNKNOWN = "n/a"
_CHANGE_KEYS = (
    "before",
    "after",
    "difference",
    "percent",
    "uncertainty",
    "beyond_uncertainty",
    "larger_by_25_percent",
    "smaller_by_50_percent",
)


@dataclass(frozen=True)
class SubjectResult:
    """What became of one session.

    :param document: of its run, None where there is none.
    :param step: in which it failed, and the sentence; empty where it did not.
    """

    participant: str
    session: str
    document: dict | None = None
    step: str = ""
    sentence: str = ""

    @property
    def name(self) -> str:
        """Return the words that its folder is made of."""
        return f"sub-{self.participant}" + (f"_ses-{self.session}" if self.session else "")

    def value(self, *keys: str) -> object | None:
        """Return a value of the document by its keys from the outside in, None where there is none."""
        found: object = self.document
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found


@dataclass(frozen=True)
class Column:
    """A number or word of each subject: where it stands in the document, what it means, and its unit."""

    name: str
    keys: tuple[str, ...]
    description: str
    unit: str = ""


EXPECTED = Column(
    "expected_tre_mm", ("registration", "tre_mm_at_tumor"), "Expected target registration error at the tumor", "mm"
)
BOUND = Column(
    "tre_bound95_mm",
    ("registration", "tre_mm_at_tumor_95"),
    "What the target registration error at the tumor stays below with 95 % probability",
    "mm",
)
FRE = Column("fre_mm", ("registration", "fre_mm"), "Fiducial registration error, root mean square", "mm")
SHIFT = Column(
    "refinement_shift_mm",
    ("registration", "refinement_shift_mm"),
    "How far the refinement by the images moved the landmarks, root mean square",
    "mm",
)
OVERLAP = Column("overlap", ("registration", "overlap"), "Share of the smaller volume inside the other")
REGISTRATION_VERDICT = Column(
    "registration_verdict", ("registration", "verdict"), "Whether the registration is confirmed or doubtful"
)
TUMOR_VERDICT = Column(
    "tumor_verdict", ("tumor", "verdict"), "Whether the outline is confirmed, doubtful or not confirmed"
)
VOLUME = Column("tumor_volume_ml", ("tumor", "volume_ml"), "Volume of all tumor", "ml")
REGISTRATION_COLUMNS = (REGISTRATION_VERDICT, EXPECTED, BOUND, FRE, SHIFT, OVERLAP)
OUTLIER_COLUMNS = (FRE, EXPECTED, SHIFT, OVERLAP, VOLUME)


def outliers(results: Sequence[SubjectResult]) -> dict[str, tuple[str, ...]]:
    """Return for each subject's name the columns in which it stands out from the others, by a modified z score."""
    found: dict[str, list[str]] = {}
    for column in OUTLIER_COLUMNS:
        numbers = {result.name: result.value(*column.keys) for result in results}
        known = {name: float(value) for name, value in numbers.items() if isinstance(value, (int, float))}
        if len(known) < _FEWEST_FOR_OUTLIERS:
            continue
        values = np.array(list(known.values()))
        spread = robustSpread(values)
        if spread <= 0:
            continue
        for name, value in known.items():
            if abs(value - np.median(values)) / spread > OUTLIER_Z:
                found.setdefault(name, []).append(column.name)
    return {name: tuple(columns) for name, columns in found.items()}


def writeGroupTables(folder: Path, results: Sequence[SubjectResult]) -> None:
    """Write participants.tsv, measurements.tsv with its sidecar, and failures.tsv."""
    _writeTable(folder / "participants.tsv", ("participant_id", "sessions", "failed", "doubtful"), _people(results))
    rows, columns = _measurementRows(results)
    _writeTable(folder / "measurements.tsv", [column.name for column in columns], rows)
    sidecar = {
        column.name: {"Description": column.description} | ({"Units": column.unit} if column.unit else {})
        for column in columns
    }
    _write(folder / "measurements.json", json.dumps(sidecar, indent=2) + "\n")
    failures = [(f"sub-{r.participant}", r.session, r.step, r.sentence) for r in results if r.sentence]
    _writeTable(folder / "failures.tsv", ("participant_id", "session_id", "step", "reason"), failures)


def writeChanges(folder: Path, changes: Sequence[Change]) -> None:
    """Write changes.tsv, a row for each measure of each comparison of two sessions."""
    rows = []
    for change in changes:
        document = readDocument(folder / change.folder / COMPARISON) or {}
        found = document.get("change")
        for lesion, fate, name, values in _changed(found if isinstance(found, dict) else {}):
            measures = (values.get(key) for key in _CHANGE_KEYS)
            rows.append((f"sub-{change.participant}", change.first, change.second, lesion, fate, name, *measures))
    header = ("participant_id", "first_session", "second_session", "lesion", "fate", "measure", *_CHANGE_KEYS)
    _writeTable(folder / "changes.tsv", header, rows)


def _changed(change: dict) -> Iterator[tuple[str, str, str, dict]]:
    """Yield the lesion and what became of it, empty for the whole tumor, the measure and its values."""
    for name, values in change.items():
        if isinstance(values, dict) and "difference" in values:
            yield "", "", name, values
    lesions = change.get("lesions")
    for number, lesion in enumerate(lesions if isinstance(lesions, list) else (), 1):
        for name, values in lesion.items() if isinstance(lesion, dict) else ():
            if isinstance(values, dict) and "difference" in values:
                yield str(number), str(lesion.get("fate", "")), name, values


def isDoubtful(result: SubjectResult) -> bool:
    """Return whether a subject was finished and its registration or its outline is not confirmed."""
    verdicts = (result.value(*column.keys) for column in (REGISTRATION_VERDICT, TUMOR_VERDICT))
    return any(verdict not in (None, "confirmed") for verdict in verdicts)


def _people(results: Sequence[SubjectResult]) -> list[tuple[object, ...]]:
    people: dict[str, list[SubjectResult]] = {}
    for result in results:
        people.setdefault(result.participant, []).append(result)
    return [
        (f"sub-{name}", len(sessions), sum(bool(r.sentence) for r in sessions), sum(map(isDoubtful, sessions)))
        for name, sessions in people.items()
    ]


def _measurementRows(results: Sequence[SubjectResult]) -> tuple[list[tuple[object, ...]], tuple[Column, ...]]:
    """Return a row for the tumor, each of its segments and each of its lesions, and what the columns are."""
    parts = [(result, kind, name, part) for result in results for kind, name, part in _parts(result)]
    numbers = dict.fromkeys(
        key for *_, part in parts for key, value in part.items() if value is None or isinstance(value, (int, float))
    )
    columns = (
        Column("participant_id", (), "Participant"),
        Column("session_id", (), "Session"),
        Column("part", (), "What is measured: the whole tumor, a segment or a lesion"),
        Column("name", (), "Name of the segment or number of the lesion"),
        *REGISTRATION_COLUMNS,
        TUMOR_VERDICT,
        *(_measure(key) for key in numbers),
    )
    rows = [
        (
            f"sub-{result.participant}",
            result.session,
            kind,
            name,
            *(result.value(*column.keys) for column in (*REGISTRATION_COLUMNS, TUMOR_VERDICT)),
            *(part.get(key) for key in numbers),
        )
        for result, kind, name, part in parts
    ]
    return rows, columns


def _parts(result: SubjectResult) -> list[tuple[str, str, dict]]:
    if result.document is None:
        return []
    tumor = result.value("tumor")
    if not isinstance(tumor, dict):
        return [("none", "", {})]
    parts = [("tumor", "", tumor)]
    segments = tumor.get("segments")
    if isinstance(segments, dict):
        parts += [("segment", name, part) for name, part in segments.items() if isinstance(part, dict)]
    lesions = tumor.get("lesions")
    if isinstance(lesions, list):
        parts += [("lesion", str(number), part) for number, part in enumerate(lesions, 1) if isinstance(part, dict)]
    return parts


def _measure(key: str) -> Column:
    unit = next((unit for unit in ("mm2", "mm3", "mm", "ml") if key.endswith(f"_{unit}")), "")
    return Column(key, (), key.removesuffix(f"_{unit}").replace("_", " ").capitalize(), unit)


def _writeTable(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    partial = path.with_name(f".{path.name}.partial")
    with partial.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream, delimiter="\t", lineterminator="\n")
        writer.writerow(header)
        writer.writerows([_cell(value) for value in row] for row in rows)
    partial.replace(path)


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _cell(value: object) -> str:
    if value is None or value == "":
        return _UNKNOWN
    return " ".join(str(value).split())
