"""Read the table of a cohort: a row per session, with a column per input and option of `medfusion run`."""

import csv
from dataclasses import dataclass
from pathlib import Path

PARTICIPANT, SESSION = "participant_id", "session"
_NEEDED = (PARTICIPANT, "ct", "mri")
_TRUE, _FALSE = ("true", "yes"), ("false", "no", "n/a")


@dataclass(frozen=True)
class TableRow:
    """One row of the table.

    :param line: its number in the file, the header's being 1.
    :param values: text by column, without what is empty or n/a.
    """

    line: int
    values: dict[str, str]


def readTable(path: Path) -> tuple[TableRow, ...]:
    """Return the rows of a .tsv or .csv file, whose first line names the columns.

    :raises ValueError: if it cannot be read, has no rows, or lacks a column.
    """
    delimiter = "," if path.suffix.lower() == ".csv" else "\t"
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.reader(stream, delimiter=delimiter)
            lines = [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ValueError(f"{path.name} could not be read as a table in UTF-8 ({error}).") from error
    if not lines:
        raise ValueError(f"{path.name} is empty; its first line names the columns {', '.join(_NEEDED)} ...")
    header = [cell.strip() for cell in lines[0][1]]
    missing = [name for name in _NEEDED if name not in header]
    if missing:
        separated = "commas" if delimiter == "," else "tabs"
        raise ValueError(
            f"{path.name} has no column {' and no column '.join(missing)}; its columns, separated by {separated}, are "
            f"{', '.join(filter(None, header))}."
        )
    twice = sorted({name for name in header if name and header.count(name) > 1})
    if twice:
        raise ValueError(f"{path.name} has the column {', '.join(twice)} twice; name each column once.")
    rows = [TableRow(number, _values(header, cells)) for number, cells in lines[1:]]
    if not rows:
        raise ValueError(f"{path.name} has a header but no rows; add a row for each session.")
    return tuple(rows)


def _values(header: list[str], cells: list[str]) -> dict[str, str]:
    named = zip(header, (cell.strip() for cell in cells), strict=False)
    return {name: cell for name, cell in named if name and cell and cell.lower() != "n/a"}


def optionArguments(values: dict[str, str], folder: Path) -> list[str]:
    """Return the arguments of `medfusion run` for options by name.

    "true" stands for an option without a value, ";" separates the values of one that is given again, and a value that
    names a file or folder beside the table is that one.

    :param values: text by the option's name, with "-" or "_".
    :param folder: what relative paths start from.
    """
    arguments = []
    for name, text in values.items():
        option = f"--{name.replace('_', '-')}"
        if text.lower() in _FALSE:
            continue
        if text.lower() in _TRUE:
            arguments.append(option)
            continue
        arguments += [f"{option}={_path(value.strip(), folder)}" for value in text.split(";")]
    return arguments


def _path(value: str, folder: Path) -> str:
    beside = folder / value
    try:
        return str(beside) if beside.exists() else value
    except OSError:  # longer than a path can be
        return value


def inputPath(value: str, folder: Path) -> Path:
    """Return the path of an input.

    :raises ValueError: if there is nothing.
    """
    path = folder / value
    if not path.exists():
        raise ValueError(f"There is no {path}.")
    return path
