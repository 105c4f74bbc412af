"""The report of a comparison of two runs."""

from pathlib import Path

from ..Core.Results.Comparison import Comparison
from ..Core.Results.RunDocument import RunDocument
from .FirstScreen import toCheck
from .FollowUpSection import bothOutlines, changeTable, detailsSection, sideBySideSection
from .IdentificationSection import identityList, readable, readableTime
from .InputsSection import inputsSection
from .Page import page, paragraph
from .Pdf import writeReport

_FIELDS = {"patient_name": "Patient", "patient_id": "Patient ID", "birth_date": "Birth date"}


def writeFollowUpReport(folder: Path, document: RunDocument, withPdf: bool = False, isFull: bool = False) -> None:
    """Write report.html, and report.pdf where it is wanted, into an existing folder.

    :param isFull: whether nothing is folded away.
    """
    writeReport(folder, followUpReport(document, isFull), withPdf)


def followUpReport(document: RunDocument, isFull: bool = False) -> str:
    """Return the report as HTML."""
    comparison = document.comparison
    if comparison is None:
        raise ValueError("The follow-up report needs a comparison of two runs.")
    first = comparison.runs[0]
    sections = [sideBySideSection(comparison), detailsSection(comparison), inputsSection(document, isFull)]
    patient = [readable(key, first.identity.get(key, "")) for key in _FIELDS]
    foot = " · ".join(filter(None, patient))
    subtitle = " and ".join(_names(comparison))
    return page("MedFusion follow-up report", subtitle, _firstScreen(document, comparison), sections, foot)


def _firstScreen(document: RunDocument, comparison: Comparison) -> str:
    days = comparison.days
    apart = "" if days is None else f"{days} days between the studies."
    facts = changeTable(comparison.followUp) + paragraph(apart) + toCheck(document)
    return _identification(document, comparison) + (
        f'<div class="first"><div>{facts}</div><div>{bothOutlines(comparison)}</div></div>'
    )


def _names(comparison: Comparison) -> list[str]:
    """Return what both runs are called, with the folders that they lie in where they are called the same."""
    names = [run.name for run in comparison.runs]
    if names[0] != names[1]:
        return names
    return [f"{run.folder.resolve().parent.name}/{run.name}" for run in comparison.runs]


def _identification(document: RunDocument, comparison: Comparison) -> str:
    """Return whose images were compared; both values where they differ."""
    entries: list[tuple[str, str]] = []
    for key, title in _FIELDS.items():
        values = [readable(key, run.identity.get(key, "")) for run in comparison.runs]
        known = set(values) - {""}
        if len(known) == 1:
            entries.append((title, known.pop()))
        elif known:
            named = zip(("first", "second"), values, strict=True)
            entries += [(f"{title} ({which})", value or "not named") for which, value in named]
    entries = entries or [("Patient", "not named in the input files")]
    for which, run, name in zip(("First", "Second"), comparison.runs, _names(comparison), strict=True):
        day = readable("study_date", run.identity.get("study_date", ""))
        entries.append((which, " · ".join(filter(None, (name, day)))))
    return identityList([*entries, ("Report made", readableTime(document.created))])
