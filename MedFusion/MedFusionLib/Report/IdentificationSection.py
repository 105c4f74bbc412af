"""The report's head: whose images these are, when they were made, and when the report was."""

from datetime import datetime

from ..Core.Dicom.Series import DicomSeries
from .Page import table


def identificationBlock(fixed: DicomSeries | None, moving: DicomSeries | None, created: datetime) -> str:
    """Return the table that identifies patient, studies and series; it says so where the inputs held none of it."""
    rows: list[tuple[str, str]] = []
    known = [(name, series) for name, series in (("CT", fixed), ("MRI", moving)) if series is not None]
    for title, field in (
        ("Patient", "patientName"),
        ("Patient ID", "patientId"),
        ("Birth date", "patientBirthDate"),
        ("Sex", "patientSex"),
    ):
        values = {name: readable(field, getattr(series, field)) for name, series in known}
        rows.extend(_oneOrBoth(title, values))
    rows = rows or [("Patient", "not named in the input files")]
    for name, series in known:
        study = " · ".join(
            part for part in (readable("date", series.studyDate), series.studyDescription, series.description) if part
        )
        rows.append((f"{name} study", study or "without date and description"))
    rows.append(("Report made", readableTime(created)))
    return table(("Identification", ""), rows)


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


def patientLine(fixed: DicomSeries | None, moving: DicomSeries | None) -> str:
    """Return name, ID and birth date on one line, for the foot of every printed page; empty if there are none."""
    series = fixed or moving
    if series is None:
        return ""
    parts = (
        readable("patientName", series.patientName),
        series.patientId,
        readable("patientBirthDate", series.patientBirthDate),
    )
    return " · ".join(part for part in parts if part)
