"""The report of a run."""

from pathlib import Path

from ..Core.Results.RunDocument import RunDocument
from .FirstScreen import firstScreen
from .FusionSection import fusionSection
from .IdentificationSection import patientLine
from .InputsSection import inputsSection
from .Page import page
from .Pdf import writeReport
from .RegistrationSection import registrationSection
from .TumorSection import tumorSection
from .Views import viewsOf


def writeRunReport(folder: Path, document: RunDocument, withPdf: bool = False, isFull: bool = False) -> None:
    """Write report.html, and report.pdf where it is wanted, into an existing folder.

    :param isFull: whether nothing is folded away.
    """
    writeReport(folder, runReport(document, isFull), withPdf)


def runReport(document: RunDocument, isFull: bool = False) -> str:
    """Return the report as HTML."""
    views = viewsOf(document)
    sections = [
        registrationSection(views.registration, views),
        fusionSection(views.fusion, views, isFull),
        tumorSection(document.tumor, views) if document.tumor is not None else "",
        inputsSection(document, isFull),
    ]
    fixedName, movingName = document.provenance.names
    subtitle = f"{movingName} registered to {fixedName}"
    return page(
        "MedFusion report",
        subtitle,
        firstScreen(document, views),
        sections,
        patientLine(document),
        not document.provenance.areSidesAssumed,
    )
