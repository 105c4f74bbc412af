"""The patient and study values that derived objects take over from a source, as the standard writes them."""

import re
from typing import TYPE_CHECKING

from .Errors import damage
from .Inspection import dateOf

if TYPE_CHECKING:
    from pydicom import Dataset

PATIENT_TAGS = ("PatientID", "PatientName", "PatientBirthDate", "PatientSex")
STUDY_TAGS = ("StudyInstanceUID", "AccessionNumber", "StudyID", "StudyDate", "StudyTime", "ReferringPhysicianName")
KEPT_TAGS = (
    "SpecificCharacterSet",
    "StudyDescription",
    "PatientIdentityRemoved",
    "DeidentificationMethod",
    "DeidentificationMethodCodeSequence",
)
_SEXES = ("M", "F", "O")
_CODE = re.compile(r"[A-Z0-9_ ]{1,16}")
_TIME = re.compile(r"\d{2}(:?\d{2}(:?\d{2}(\.\d{1,6})?)?)?")
UTF8 = "ISO_IR 192"


def cleanHeader(header: "Dataset") -> None:
    """Leave empty in a source's header what no derived object may hold: unknown sexes, unreadable dates and times."""
    for keyword in (*PATIENT_TAGS, *STUDY_TAGS):
        if keyword not in header or not _isReadable(header, keyword):
            setattr(header, keyword, "")
    for keyword in KEPT_TAGS:
        if keyword in header and not _isReadable(header, keyword):
            delattr(header, keyword)
    sex = str(header.PatientSex or "").strip().upper()
    header.PatientSex = sex if sex in _SEXES else ""
    for keyword in ("PatientBirthDate", "StudyDate"):
        day = dateOf(str(header.get(keyword) or ""))
        setattr(header, keyword, "" if day is None else day.isoformat().replace("-", ""))
    time = str(header.StudyTime or "").strip()
    header.StudyTime = time.replace(":", "") if _TIME.fullmatch(time) else ""
    part = str(header.get("BodyPartExamined") or "").strip().upper()
    header.BodyPartExamined = part if _CODE.fullmatch(part) else "HEAD"
    _cleanCharacterSet(header)


def _isReadable(header: "Dataset", keyword: str) -> bool:
    try:
        str(header[keyword].value)
    except damage():
        return False
    return True


def _cleanCharacterSet(header: "Dataset") -> None:
    """Have names written as UTF-8 where the source names a character set that the standard does not know."""
    from pydicom.charset import python_encoding

    terms = header.get("SpecificCharacterSet")
    if not terms:
        header.pop("SpecificCharacterSet", None)
    elif not all(term in python_encoding for term in ([terms] if isinstance(terms, str) else terms)):
        header.SpecificCharacterSet = UTF8


def takeOverPatient(dataset: "Dataset", header: "Dataset") -> None:
    """Give a derived object the patient and study of a header that `cleanHeader` has seen."""
    for keyword in (*PATIENT_TAGS, *STUDY_TAGS, *KEPT_TAGS):
        if keyword in header:
            dataset[keyword] = header[keyword]


def withoutPatient(dataset: "Dataset") -> "Dataset":
    """Return a copy that only names its study: highdicom checks a source's values more strictly than PACS do."""
    import pydicom

    blank = pydicom.Dataset({element.tag: element for element in dataset})
    for keyword in (*PATIENT_TAGS, *STUDY_TAGS, *KEPT_TAGS):
        if keyword in blank and keyword != "StudyInstanceUID":
            del blank[keyword]  # the elements belong to the dataset, too, so they are replaced and not changed
    for keyword in (*PATIENT_TAGS, *STUDY_TAGS[1:]):
        setattr(blank, keyword, "")
    return blank
