"""Whether a folder holds results of this program and nothing else, so that it may be replaced."""

import json
import re
from pathlib import Path

from . import FileNames

# What else the commands write: the CT on the MRI's grid, the demo's parts, and DICOM objects with their series.
_FOLDERS = ("input", "results", "fused", "mri_registered")
_FILES = (
    *FileNames.RUN_FILES,
    FileNames.PDF_REPORT,
    FileNames.REGISTERED_PICTURE,
    FileNames.FUSED_PICTURE,
    FileNames.TUMOR_PICTURE,
    FileNames.COMPARISON,
    FileNames.FOLLOW_UP_TRANSFORM,
    "ct_registered.nrrd",
    "overview.png",
    "ct.nrrd",
    "mri.nrrd",
    "ct_landmarks.mrk.json",
    "mri_landmarks.mrk.json",
    "registration.dcm",
    "tumor.dcm",
    "contours.dcm",
    "measurements.dcm",
)
_FURTHER_MRI = re.compile(r"mri\d+_registered\.nrrd")
_DICOM_SLICE = re.compile(r"\d+\.dcm")
_MOST_NAMED = 5


def checkOwnFolder(path: Path) -> None:
    """Raise ValueError if a folder that would be replaced is not one of this program's, or holds files of others."""
    if not path.is_dir() or path.is_symlink() or not any(path.iterdir()):
        return
    if not _hasDocument(path):
        raise ValueError(
            f"{path} holds no results of MedFusion and is left alone, also with --force; choose a new folder or "
            "empty it."
        )
    foreign = _foreign(path)
    if foreign:
        named = ", ".join(foreign[:_MOST_NAMED]) + (
            f" and {len(foreign) - _MOST_NAMED} more" * (len(foreign) > _MOST_NAMED)
        )
        raise ValueError(
            f"{path} holds files that MedFusion did not write ({named}); move them away, and --force "
            "replaces the results."
        )


def _hasDocument(path: Path) -> bool:
    """Return whether one of the documents that this program writes lies in a folder: JSON, or a DICOM object."""
    for name in (FileNames.MEASUREMENTS, FileNames.COMPARISON, f"results/{FileNames.MEASUREMENTS}"):
        try:
            document = json.loads((path / name).read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError):
            continue
        if isinstance(document, dict) and "medfusion" in (document.get("versions") or {}):
            return True
    try:
        return b"MedFusion" in (path / "registration.dcm").read_bytes()[:20_000]
    except OSError:
        return False


def _foreign(path: Path) -> list[str]:
    """Return the files in a folder, by their place in it, that no command writes."""
    names = []
    for file in sorted(path.rglob("*")):
        place = file.relative_to(path)
        isSlice = len(place.parts) == 2 and place.parts[0] in _FOLDERS and _DICOM_SLICE.fullmatch(file.name)
        isKnownFolder = file.is_dir() and not file.is_symlink() and len(place.parts) == 1 and file.name in _FOLDERS
        isKnownFile = (file.name in _FILES or _FURTHER_MRI.fullmatch(file.name)) and all(
            part in _FOLDERS for part in place.parts[:-1]
        )
        if not (isKnownFolder or isSlice or isKnownFile):
            names.append(place.as_posix())
    return names
