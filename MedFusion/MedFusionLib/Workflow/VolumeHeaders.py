"""The DICOM headers of loaded volumes, read from the application's database of DICOM files."""

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import slicer

from ..Core.Dicom.Series import DicomSeries, seriesOfFiles

_INSTANCES = "DICOM.instanceUIDs"


class DicomDatabase(Protocol):
    """What is needed of slicer.dicomDatabase."""

    def fileForInstance(self, uid: str) -> str: ...


class VolumeHeaders:
    """Read the header of a volume where a database knows its files, and remember it."""

    def __init__(self, database: Callable[[], DicomDatabase | None]) -> None:
        """Use a database.

        :param database: returns it, or None where there is none.
        """
        self._database = database
        self._known: dict[tuple[str, ...], DicomSeries | None] = {}

    def patientOf(self, volumeNode: slicer.vtkMRMLVolumeNode | None) -> DicomSeries | None:
        """Return the header of a volume's first slice: quick, and enough to know patient, study and sequence."""
        return self._header(self._instances(volumeNode)[:1])

    def seriesOf(self, volumeNode: slicer.vtkMRMLVolumeNode | None) -> DicomSeries | None:
        """Return the header of a volume with all its slices, or None where no DICOM file is known."""
        return self._header(self._instances(volumeNode))

    @staticmethod
    def _instances(volumeNode: slicer.vtkMRMLVolumeNode | None) -> tuple[str, ...]:
        text = volumeNode.GetAttribute(_INSTANCES) if volumeNode is not None else None
        return tuple((text or "").split())

    def _header(self, instances: tuple[str, ...]) -> DicomSeries | None:
        if not instances:
            return None
        if instances not in self._known:
            database = self._database()
            paths = [database.fileForInstance(uid) for uid in instances] if database is not None else []
            found = seriesOfFiles(Path(path) for path in paths if path) if all(paths) else ()
            self._known[instances] = found[0] if found else None
        return self._known[instances]
