"""The DICOM headers of the volumes that the page has read, for the steps that ask for them."""

import slicer

from ..Core.Dicom.Series import DicomSeries


class PageHeaders:
    """Remember the header of each volume; the panel's twin reads them from Slicer's database."""

    def __init__(self) -> None:
        self._known: dict[str, DicomSeries] = {}

    def add(self, volumeNode: slicer.vtkMRMLVolumeNode, header: DicomSeries) -> None:
        """Remember a volume's header."""
        self._known[volumeNode.GetID()] = header

    def seriesOf(self, volumeNode: slicer.vtkMRMLVolumeNode | None) -> DicomSeries | None:
        """Return the header of a volume, None for one that is no DICOM."""
        return self._known.get(volumeNode.GetID()) if volumeNode is not None else None

    patientOf = seriesOf
