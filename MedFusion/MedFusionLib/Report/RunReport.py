"""The report of a run."""

from pathlib import Path

from ..Core.Results import FileNames
from ..Core.Results.RunDocument import RunDocument
from .FusionSection import fusionSection
from .IdentificationSection import identificationBlock, patientLine
from .InputsSection import inputsSection
from .Page import page
from .Pdf import writePdf
from .RegistrationSection import registrationSection
from .TumorSection import tumorSection


def writeRunReport(folder: Path, document: RunDocument, withPdf: bool = False) -> None:
    """Write report.html, and report.pdf where it is wanted, into an existing folder."""
    html = runReport(document)
    (folder / FileNames.REPORT).write_text(html, encoding="utf-8")
    if withPdf:
        writePdf(folder / FileNames.PDF_REPORT, html)


def runReport(document: RunDocument) -> str:
    """Return the report as HTML."""
    fixedImage, registeredImage, center = document.images.fixed, document.images.registered, document.center
    sections = [
        registrationSection(document.registration, fixedImage, registeredImage, center),
        fusionSection(document.fusion, fixedImage, registeredImage, center),
    ]
    if document.tumor is not None:
        labels = document.tumor.result.labelImage
        sections.append(tumorSection(document.tumor.measured, labels, registeredImage, center))
    sections.append(inputsSection(document))
    dicom = document.provenance.dicom
    series = (dicom.get("ct"), dicom.get("mri"))
    fixedName, movingName = document.provenance.names
    return page(
        "MedFusion report",
        f"{movingName} registered to {fixedName}",
        document.warnings,
        sections,
        identificationBlock(*series, document.created),
        patientLine(*series),
    )
