"""The report's last part: input files with checksums, parameters and versions, so that the run can be repeated."""

from collections.abc import Mapping

from .Page import beside, code, section, table


def inputsSection(
    inputs: Mapping[str, Mapping[str, str]],
    parameters: Mapping[str, Mapping[str, str]],
    versions: Mapping[str, str],
) -> str:
    """Return the section.

    :param inputs: by its role, the file, sha256 and, for DICOM, series_uid of each input.
    :param parameters: for each step, its settings by name.
    """
    settings = [(step, name, value) for step, values in parameters.items() for name, value in values.items()]
    files = [
        (role, code(item["file"]), code(item.get("series_uid", "")), code(item["sha256"]))
        for role, item in inputs.items()
    ]
    header = ("Input", "File", "DICOM series", "SHA-256 of what was read")
    if not any("series_uid" in item for item in inputs.values()):
        header, files = header[:2] + header[3:], [row[:2] + row[3:] for row in files]
    return section(
        "Inputs, parameters and versions",
        table(header, files),
        beside(table(("Step", "Parameter", "Value"), settings), table(("Package", "Version"), list(versions.items()))),
    )
