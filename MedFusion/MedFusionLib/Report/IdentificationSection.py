"""The report's head: whose images these are, when they were made, and when the report was."""

import html
from collections.abc import Sequence
from datetime import datetime

from ..Core.Dicom.Series import DicomSeries
from ..Core.Results.RunDocument import RunDocument

_FIELDS = (
    ("Patient", "patientName"),
    ("Patient ID", "patientId"),
    ("Birth date", "patientBirthDate"),
    ("Sex", "patientSex"),
)


def identificationBlock(document: RunDocument) -> str:
    """Return who and what the report is about; it says so where the inputs held none of it."""
    dicom = document.provenance.dicom
    known = [(name, dicom[role]) for name, role in (("CT", "ct"), ("MRI", "mri")) if role in dicom]
    entries: list[tuple[str, str]] = []
    for title, field in _FIELDS:
        entries += _oneOrBoth(title, {name: readable(field, getattr(series, field)) for name, series in known})
    entries = entries or [("Patient", "not named in the input files")]
    for name, series in known:
        entries.append((f"{name} study", studyText(series)))
    entries.append(("Report made", readableTime(document.created)))
    return identityList(entries)


def identityList(entries: Sequence[tuple[str, str]]) -> str:
    """Return names and values in a row, as far as the page is wide enough."""
    items = "".join(
        f"<div><dt>{html.escape(name)}</dt><dd>{html.escape(value, quote=False)}</dd></div>" for name, value in entries
    )
    return f'<dl class="identity">{items}</dl>'


def studyText(series: DicomSeries) -> str:
    """Return a study's day and what it and the series are called."""
    parts = (readable("date", series.studyDate), series.studyDescription, series.description)
    return " · ".join(part for part in parts if part) or "without date and description"


def _oneOrBoth(title: str, values: dict[str, str]) -> list[tuple[str, str]]:
    different = set(values.values()) - {""}
    if len(different) <= 1:
        return [(title, value) for value in different]
    return [(f"{title} ({name})", value) for name, value in values.items()]


def readable(field: str, value: str) -> str:
    """Return a DICOM value as people write it: names with a comma, dates with hyphens."""
    if field in ("patientName", "patient_name"):
        return ", ".join(part for part in value.replace("=", "^").split("^")[:2] if part)
    if field.lower().endswith("date") and len(value) == 8 and value.isdigit():
        return f"{value[:4]}-{value[4:6]}-{value[6:]}"
    return value


def readableTime(time: datetime) -> str:
    """Return date, time and time zone as people write them."""
    zone = time.strftime("%z")
    return f"{time:%Y-%m-%d %H:%M} (UTC{zone[:3]}:{zone[3:]})"


def patientLine(document: RunDocument) -> str:
    """Return name, ID and birth date on one line, for the foot of every printed page; empty if there are none."""
    dicom = document.provenance.dicom
    series = dicom.get("ct") or dicom.get("mri")
    if series is None:
        return ""
    parts = (
        readable("patientName", series.patientName),
        series.patientId,
        readable("patientBirthDate", series.patientBirthDate),
    )
    return " · ".join(part for part in parts if part)
