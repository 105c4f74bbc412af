"""The report's last part: input files with checksums, parameters and versions, so that the run can be repeated."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from ..Core.Results.Recipe import InputFile
from .Page import beside, code, details, section, table


class Repeatable(Protocol):
    """What is needed of a document to make its results again."""

    @property
    def inputs(self) -> Sequence[InputFile]: ...

    @property
    def parameters(self) -> Mapping[str, Mapping[str, str]]: ...

    @property
    def versions(self) -> Mapping[str, str]: ...


def inputsSection(document: Repeatable, isFull: bool = False) -> str:
    """Return the section.

    :param isFull: whether nothing is folded away.
    """
    inputs = document.inputs
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
