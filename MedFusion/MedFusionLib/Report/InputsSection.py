"""The report's last part: input files with checksums, parameters and versions, so that the run can be repeated."""

from ..Core.Results.RunDocument import RunDocument
from .Page import beside, code, details, section, table


def inputsSection(document: RunDocument, isFull: bool = False) -> str:
    """Return the section.

    :param isFull: whether nothing is folded away.
    """
    inputs = document.provenance.inputs
    settings = [(step, name, value) for step, values in document.parameters.items() for name, value in values.items()]
    versions = list(document.versions.items())
    withSeries = any(item.series for item in inputs)
    header = ("Input", "File", *(("DICOM series",) if withSeries else ()), "SHA-256 of what was read")
    files = [
        (item.role, code(item.name), *((code(item.series),) if withSeries else ()), code(item.sha256))
        for item in inputs
    ]
    return section(
        "Inputs",
        table(header, files),
        details(
            "Parameters and versions",
            beside(table(("Step", "Parameter", "Value"), settings), table(("Package", "Version"), versions)),
            isOpen=isFull,
        ),
    )
