"""Whether a subject must be run: its result folder alone tells, by what went into it."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ..Core.Inputs.VolumeFiles import fileChecksum, isDicomPath
from ..Core.Results.Version import VERSION

_FURTHER_MRI = re.compile(r"mri_\d+")


class State(Enum):
    """How a subject stands before its run."""

    new = "new"
    done = "done"
    changed = "changed"
    failed = "failed"


@dataclass(frozen=True)
class Provenance:
    """What a result depends on: the inputs' SHA-256 by role, the options by name, and the version."""

    checksums: dict[str, str]
    options: dict[str, str]
    version: str = VERSION

    def measurements(self) -> dict[str, object]:
        """Return it as JSON types."""
        return {"checksums": self.checksums, "options": self.options, "version": self.version}


def provenanceOf(paths: dict[str, Path], options: dict[str, str], document: dict | None) -> Provenance:
    """Return what a run of these inputs would depend on.

    :param paths: files or DICOM folders by role.
    :param document: of an earlier run, which says which series of a DICOM folder was read.
    """
    inputs = _part(document, "inputs")
    return Provenance({role: _checksum(path, _part(inputs, role)) for role, path in paths.items()}, options)


def recordedProvenance(document: dict, roles: Iterable[str]) -> Provenance:
    """Return what a result says that it was made from.

    :param roles: of the inputs that are asked for; files given as options are known by the options themselves.
    """
    inputs, parameters = _part(document, "inputs"), _part(document, "parameters")
    # A further MRI that is asked for no more makes another result, too.
    every = dict.fromkeys((*roles, *filter(_FURTHER_MRI.fullmatch, inputs)))
    checksums = {role: str(_part(inputs, role).get("sha256", "")) for role in every}
    version = str(_part(document, "versions").get("medfusion", ""))
    return Provenance(checksums, {key: str(value) for key, value in _part(parameters, "arguments").items()}, version)


def readDocument(path: Path) -> dict | None:
    """Return a JSON document, None where there is none that can be read."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _checksum(path: Path, recorded: dict) -> str:
    if not isDicomPath(path):
        return fileChecksum(path)
    from ..Core.Dicom.Series import findSeries

    found = findSeries(path)
    chosen = [series for series in found if series.uid == recorded.get("series_uid")] or found
    return fileChecksum(*(file for series in chosen for file in series.files))


def _part(document: object, key: str) -> dict:
    found = document.get(key) if isinstance(document, dict) else None
    return found if isinstance(found, dict) else {}
