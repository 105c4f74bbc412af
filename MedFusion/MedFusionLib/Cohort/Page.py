"""The cohort's index.html: from the subjects' documents to the rows of the page, with thumbnails from their reports."""

import base64
import io
import re
from collections.abc import Sequence
from pathlib import Path

from ..Report.CohortPage import Cell, Distribution, SubjectRow, Thumbnail, cohortPage
from .GroupTables import (
    BOUND,
    EXPECTED,
    FRE,
    OUTLIER_COLUMNS,
    OVERLAP,
    SHIFT,
    VOLUME,
    Column,
    SubjectResult,
    isDoubtful,
    outliers,
)
from .Subjects import subjectFolder

INDEX, THUMBNAILS = "index.html", "thumbnails"
_SHOWN = (
    (EXPECTED, "Expected TRE (mm)"),
    (BOUND, "95 % bound (mm)"),
    (FRE, "FRE (mm)"),
    (SHIFT, "Refinement shift (mm)"),
    (OVERLAP, "Overlap"),
    (VOLUME, "Tumor (ml)"),
)
# The pictures of a report that are shown, by what stands in their alternative texts.
_PICTURES = {"edges": "MRI edges over CT", "fused": "fused"}
_PICTURE = re.compile(r'<img src="data:image/png;base64,([A-Za-z0-9+/=]+)" alt="([^"]*)"')
_THUMBNAIL_PIXELS = 240


def writeIndex(folder: Path, results: Sequence[SubjectResult]) -> None:
    """Write index.html over all subjects, and the thumbnails that are missing or older than their reports."""
    found = outliers(results)
    rows = [_row(folder, result, found.get(result.name, ())) for result in results]
    distributions = [
        Distribution(title, "", tuple(value for result in results if (value := _number(result, column)) is not None))
        for column, title in _SHOWN
    ]
    page = cohortPage(f"MedFusion cohort {folder.resolve().name}", [title for _, title in _SHOWN], rows, distributions)
    partial = folder / f".{INDEX}.partial"
    partial.write_text(page, encoding="utf-8")
    partial.replace(folder / INDEX)


def _row(folder: Path, result: SubjectResult, outlying: Sequence[str]) -> SubjectRow:
    place = subjectFolder(result.participant, result.session)
    hasReport = result.document is not None and (folder / place / "report.html").is_file()
    return SubjectRow(
        name=result.name,
        status=_status(result),
        report=(place / "report.html").as_posix() if hasReport else "",
        cells=tuple(_cell(result, column, column.name in outlying) for column, _ in _SHOWN),
        notes=_notes(result),
        thumbnails=_thumbnails(folder, place, result.name) if hasReport else (),
    )


def _status(result: SubjectResult) -> str:
    if result.document is None:
        return "failed" if result.sentence else "missing"
    return "doubtful" if isDoubtful(result) else "confirmed"


def _number(result: SubjectResult, column: Column) -> float | None:
    value = result.value(*column.keys)
    return float(value) if isinstance(value, (int, float)) else None


def _cell(result: SubjectResult, column: Column, isOutlier: bool) -> Cell:
    value = _number(result, column)
    return Cell("", "") if value is None else Cell(f"{value:.2f}", value, isOutlier and column in OUTLIER_COLUMNS)


def _notes(result: SubjectResult) -> tuple[str, ...]:
    if result.sentence:
        return (f"{result.step}: {result.sentence}" if result.step else result.sentence,)
    lists = (result.value(*keys) for keys in (("registration", "reasons"), ("tumor", "reasons"), ("warnings",)))
    return tuple(dict.fromkeys(str(note) for notes in lists if isinstance(notes, list) for note in notes))


def _thumbnails(folder: Path, place: Path, name: str) -> tuple[Thumbnail, ...]:
    report = folder / place / "report.html"
    files = {kind: folder / THUMBNAILS / f"{name}_{kind}.jpg" for kind in _PICTURES}
    if any(not file.is_file() or file.stat().st_mtime < report.stat().st_mtime for file in files.values()):
        _extract(report, files)
    return tuple(
        Thumbnail(file.relative_to(folder).as_posix(), _PICTURES[kind])
        for kind, file in files.items()
        if file.is_file()
    )


def _extract(report: Path, files: dict[str, Path]) -> None:
    """Write small copies of a report's pictures."""
    from PIL import Image

    wanted = dict(_PICTURES)
    for match in _PICTURE.finditer(report.read_text(encoding="utf-8")):
        kind = next((kind for kind, words in wanted.items() if words in match[2]), None)
        if kind is None:
            continue
        del wanted[kind]
        picture = Image.open(io.BytesIO(base64.b64decode(match[1]))).convert("RGB")
        picture.thumbnail((_THUMBNAIL_PIXELS, _THUMBNAIL_PIXELS))
        files[kind].parent.mkdir(exist_ok=True)
        picture.save(files[kind], quality=80)
