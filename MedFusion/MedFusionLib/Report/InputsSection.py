"""The report's last part: input files with checksums, parameters and versions, so that the run can be repeated."""

from collections.abc import Mapping, Sequence

from .Page import beside, code, section, table


def inputsSection(
    inputs: Sequence[tuple[str, str, str]],
    parameters: Mapping[str, Mapping[str, str]],
    versions: Mapping[str, str],
) -> str:
    """Return the section.

    :param inputs: role, file name and SHA-256 of each input.
    :param parameters: for each step, its settings by name.
    """
    settings = [(step, name, value) for step, values in parameters.items() for name, value in values.items()]
    return section(
        "Inputs, parameters and versions",
        table(("Input", "File", "SHA-256"), [(role, code(name), code(sha256)) for role, name, sha256 in inputs]),
        beside(table(("Step", "Parameter", "Value"), settings), table(("Package", "Version"), list(versions.items()))),
    )
