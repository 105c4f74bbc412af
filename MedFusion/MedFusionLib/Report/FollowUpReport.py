"""The report of a comparison of two runs."""

from pathlib import Path

from ..Core.Results import FileNames
from ..Core.Results.RunDocument import RunDocument
from .FollowUpSection import changeSection, sideBySideSection
from .IdentificationSection import readable, readableTime
from .InputsSection import inputsSection
from .Page import page, table
from .Pdf import writePdf

_FIELDS = {"patient_name": "Patient", "patient_id": "Patient ID", "birth_date": "Birth date", "study_date": "Study"}


def writeFollowUpReport(folder: Path, document: RunDocument, withPdf: bool = False) -> None:
    """Write report.html, and report.pdf where it is wanted, into an existing folder."""
    html = followUpReport(document)
    (folder / FileNames.REPORT).write_text(html, encoding="utf-8")
    if withPdf:
        writePdf(folder / FileNames.PDF_REPORT, html)


def followUpReport(document: RunDocument) -> str:
    """Return the report as HTML."""
    comparison = document.comparison
    runs = comparison.runs
    sections = [
        changeSection(comparison.followUp, comparison.days),
        sideBySideSection(
            (runs[0].mri, runs[1].mri), (runs[0].tumor, runs[1].tumor), comparison.alignment, comparison.centers
        ),
        inputsSection(document),
    ]
    rows = [
        (title, *(readable(key, run.identity.get(key, "")) or "not named" for run in runs))
        for key, title in _FIELDS.items()
        if any(key in run.identity for run in runs)
    ]
    rows += [("Run", *(run.name for run in runs)), ("Report made", readableTime(document.created), "")]
    identification = table(("Identification", "First", "Second"), rows)
    patient = [readable(key, runs[0].identity.get(key, "")) for key in ("patient_name", "patient_id", "birth_date")]
    foot = " · ".join(filter(None, patient))
    subtitle = f"{runs[0].name} and {runs[1].name}"
    return page("MedFusion follow-up report", subtitle, document.warnings, sections, identification, foot)
