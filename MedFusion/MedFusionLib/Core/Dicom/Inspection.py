"""Say what DICOM series hold, and whether a CT and an MRI belong to one patient and one time."""

import re
from datetime import date
from pathlib import Path

import numpy as np

from .Completeness import missingSlices
from .Geometry import gridOfSlices
from .Sequence import sequenceText
from .Series import DicomSeries, findSeries

# By convention: a year apart, a CT and an MRI rarely show the same state.
LONGEST_DAYS_BETWEEN_STUDIES = 365
_DATE = re.compile(r"(\d{4})([.-]?)(\d{2})\2(\d{2})")
_SIDES = (("R", "L"), ("A", "P"), ("I", "S"))  # low and high end of each LPS axis


def inspectPath(path: Path | str) -> str:
    """Return the text of an inspection: every series at the path with its geometry and its warnings."""
    found = findSeries(path)
    volumes = sum(series.isVolume for series in found)
    blocks = [f"{len(found)} DICOM series, {volumes} of them volumes"]
    return "\n\n".join([*blocks, *(inspectSeries(series) for series in found)])


def inspectSeries(series: DicomSeries) -> str:
    """Return what one series is, as indented lines under its title."""
    tags = dict(series.tags)
    rows = [
        ("Uid", series.uid),
        ("Patient", _joined(series.patientName, series.patientId, series.patientBirthDate, series.patientSex)),
        ("Study", _joined(series.studyDate, series.studyDescription)),
        ("Sequence", sequenceText(series)),
        ("Scanner", _joined(tags.get("Manufacturer", ""), tags.get("ManufacturerModelName", ""))),
        ("Frame of reference", series.frameOfReferenceUid),
        *_geometryRows(series),
    ]
    lines = [f"  {name:<19}{value}" for name, value in rows if value]
    warnings = [f"  Warning: {warning}" for warning in seriesWarnings(series)]
    return "\n".join([f"Series {_joined(str(series.number), series.modality, series.description)}", *lines, *warnings])


def _joined(*parts: str) -> str:
    return ", ".join(part for part in parts if part)


def _geometryRows(series: DicomSeries) -> list[tuple[str, str]]:
    slices = series.volume.slices
    if not slices:
        return []
    first = slices[0]
    rows = [
        ("Matrix", f"{first.columns} x {first.rows} x {len(slices)}"),
        ("Orientation", orientationText(first.normal)),
        ("Pixel spacing", f"{first.spacing[0]:.4g} x {first.spacing[1]:.4g} mm"),
    ]
    if len(slices) > 1:
        distances = np.diff(np.array([s.position for s in slices]) @ first.normal)
        low, high = distances.min(), distances.max()
        text = f"{np.median(distances):.4g} mm" if high - low < 0.1 else f"{low:.4g} to {high:.4g} mm"
        rows.append(("Slice distance", text))
    return [*rows, ("Coverage", coverageText(series))]


def orientationText(normal: np.ndarray) -> str:
    """Return the name of a plane from its normal, with the angle by which it is oblique."""
    axis = int(np.argmax(np.abs(normal)))
    angle = float(np.degrees(np.arccos(min(1.0, abs(normal[axis])))))
    name = ("sagittal", "coronal", "axial")[axis]
    return name if angle < 0.5 else f"{name}, oblique by {angle:.1f} degrees"


def coverageText(series: DicomSeries) -> str:
    """Return how far the voxels reach to each side of the patient's coordinate origin, and which side of the body."""
    corners: list[np.ndarray] = []
    for item in series.volume.slices:
        along = np.array(item.rowDirection) * item.spacing[0] * (item.columns - 1)
        down = np.array(item.columnDirection) * item.spacing[1] * (item.rows - 1)
        corners.extend(np.array(item.position) + a * along + b * down for a in (0, 1) for b in (0, 1))
    low, high = np.min(corners, axis=0), np.max(corners, axis=0)
    text = ", ".join(f"{_place(low[axis], _SIDES[axis])} to {_place(high[axis], _SIDES[axis])}" for axis in range(3))
    if low[0] >= 0 or high[0] <= 0:
        text += f" mm; {'left' if low[0] >= 0 else 'right'} side only"
        return text
    return f"{text} mm; both sides"


def _place(value: float, letters: tuple[str, str]) -> str:
    return f"{letters[0] if value < 0 else letters[1]}{abs(value):.0f}"


def seriesWarnings(series: DicomSeries) -> tuple[str, ...]:
    """Return what a user should know before using the series as a volume."""
    slices = series.volume.slices
    warnings = list(series.volume.warnings)
    if not slices:
        warnings.append("No image plane has a position in the patient; it cannot be used as a volume.")
    elif all(item.isLocalizer for item in slices):
        warnings.append("It is a localizer.")
    elif series.volume.refusal:
        warnings.append(series.volume.refusal)
    else:
        try:
            warnings.extend(gridOfSlices(slices).warnings)
        except ValueError as error:
            warnings.append(str(error))
    warnings.extend(missingSlices(series))
    tags = dict(series.tags)
    if series.modality == "CT" and slices and tags.get("RescaleType", "HU") not in ("HU", "US", ""):
        warnings.append(f"The values are {tags['RescaleType']}, not Hounsfield units.")
    if series.imageType.startswith("DERIVED") or "'DERIVED'" in series.imageType:
        warnings.append("It is a derived image, not one as it was acquired.")
    if series.modality not in ("CT", "MR"):
        warnings.append(f"Its modality is {series.modality or 'not given'}, neither CT nor MR.")
    return tuple(warnings)


IDENTITY_FIELDS = {
    "patient_id": "patient ID",
    "patient_name": "patient name",
    "birth_date": "birth date",
    "sex": "sex",
}


def differingFields(first: dict[str, str], second: dict[str, str]) -> tuple[tuple[str, str, str], ...]:
    """Return name and both values of each field that tells two patients apart.

    Fields that either side leaves empty are not compared, as in de-identified data.

    :param first: as `DicomSeries.identity` gives it.
    """
    differing = []
    for key, title in IDENTITY_FIELDS.items():
        a, b = first.get(key, ""), second.get(key, "")
        isSameDay = key == "birth_date" and dateOf(a) is not None and dateOf(a) == dateOf(b)
        if _comparable(a) and _comparable(b) and _comparable(a) != _comparable(b) and not isSameDay:
            differing.append((title, a, b))
    return tuple(differing)


def identityConflicts(fixed: DicomSeries, moving: DicomSeries) -> tuple[str, ...]:
    """Return why two series may not belong together: another patient, or studies more than a year apart."""
    conflicts = [
        f"The {title} differs: {a} in the {_what(fixed)}, {b} in the {_what(moving)}."
        for title, a, b in differingFields(fixed.identity(), moving.identity())
    ]
    days = daysBetween(fixed, moving)
    if days is not None and abs(days) > LONGEST_DAYS_BETWEEN_STUDIES:
        years = abs(days) / 365.25
        conflicts.append(f"The studies are {years:.1f} years apart ({dayOf(fixed)}, {dayOf(moving)}).")
    return tuple(conflicts)


def _what(series: DicomSeries) -> str:
    return {"MR": "MRI"}.get(series.modality, series.modality or "image")


def _comparable(value: str) -> str:
    """Return a value without what does not tell patients apart: case, blanks and the separators of names."""
    return " ".join(value.replace("^", " ").replace("=", " ").split()).casefold()


def daysBetween(fixed: DicomSeries, moving: DicomSeries) -> int | None:
    """Return how many days after the fixed study the moving one was made, or None if a date is missing."""
    first, second = dayOf(fixed), dayOf(moving)
    return None if first is None or second is None else (second - first).days


def dayOf(series: DicomSeries) -> date | None:
    """Return the day of the study, or else of the series or its acquisition; None if the header has none."""
    tags = dict(series.tags)
    texts = (series.studyDate, tags.get("SeriesDate", ""), tags.get("AcquisitionDate", ""))
    return next((day for text in texts if (day := dateOf(text)) is not None), None)


def dateOf(text: str) -> date | None:
    """Return the day of a DICOM date (YYYYMMDD, in old files YYYY.MM.DD), None if it is none."""
    parts = _DATE.fullmatch(text.strip())
    try:
        return date(int(parts[1]), int(parts[3]), int(parts[4])) if parts else None
    except ValueError:
        return None


def sharesFrameOfReference(fixed: DicomSeries, moving: DicomSeries) -> bool:
    """Return True if both series give positions in one and the same patient coordinate system."""
    return bool(fixed.frameOfReferenceUid) and fixed.frameOfReferenceUid == moving.frameOfReferenceUid
