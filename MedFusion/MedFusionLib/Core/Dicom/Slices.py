"""What one DICOM file says about where each of its image planes lies in the patient."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from pydicom import Dataset

LOCALIZER = "LOCALIZER"
MOSAIC = "MOSAIC"
_IMAGES_IN_MOSAIC = (0x0019, 0x100A)  # private to Siemens; some exports drop the word of the image type and keep this

# Tags by which planes at the same position are told apart, most telling first.
VOLUME_KEYWORDS = {
    "EchoTime": "echo time",
    "EffectiveEchoTime": "echo time",
    "EchoNumbers": "echo",
    "DiffusionBValue": "b-value",
    "TemporalPositionIdentifier": "time point",
    "TemporalPositionIndex": "time point",
    "InversionTime": "inversion time",
    "FlipAngle": "flip angle",
    "TriggerTime": "trigger time",
    "ComplexImageComponent": "component",
    "ImageType": "image type",
    "AcquisitionNumber": "acquisition",
    "AcquisitionTime": "acquisition time",
    "ContentTime": "content time",
}


@dataclass(frozen=True)
class DicomSlice:
    """One image plane: where its voxels lie (LPS mm), and which values tell its volume from others."""

    file: Path
    frame: int
    instanceUid: str
    instanceNumber: int
    rows: int
    columns: int
    position: tuple[float, float, float]
    rowDirection: tuple[float, float, float]
    columnDirection: tuple[float, float, float]
    spacing: tuple[float, float]
    isLocalizer: bool
    isMosaic: bool
    frameOfReferenceUid: str
    volumeValues: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        numbers = np.array([*self.position, *self.rowDirection, *self.columnDirection, *self.spacing], float)
        if not np.all(np.isfinite(numbers)) or np.abs(numbers).max() > 1e6:
            raise ValueError(
                f"{self.file.name} has a position, orientation or pixel spacing that is not a real number."
            )
        if min(self.spacing) <= 0:
            raise ValueError(f"{self.file.name} has a pixel spacing of {self.spacing} mm; it must be above zero.")
        row, column = np.array(self.rowDirection), np.array(self.columnDirection)
        lengths = np.array([row @ row, column @ column])
        if np.abs(lengths - 1).max() > 1e-2 or abs(row @ column) > 1e-2:
            raise ValueError(f"{self.file.name} has rows and columns that are not perpendicular unit directions.")

    @property
    def normal(self) -> np.ndarray:
        """Return the unit direction across the plane, right-handed with rows and columns."""
        normal = np.cross(self.rowDirection, self.columnDirection)
        return normal / np.linalg.norm(normal)


def slicesOfDataset(dataset: "Dataset", file: Path) -> tuple[DicomSlice, ...]:
    """Return the image planes of a header with their geometry; none if it has no pixels or no positions.

    :param dataset: pydicom dataset, pixel data not needed.
    """
    if "Rows" not in dataset or "Columns" not in dataset or int(dataset.get("SamplesPerPixel", 1)) != 1:
        return ()
    frames = dataset.get("PerFrameFunctionalGroupsSequence")
    if frames is None:
        if int(dataset.get("NumberOfFrames") or 1) > 1:
            return ()
        return _oneSlice(dataset, file, 0, (dataset,))
    shared = dataset.get("SharedFunctionalGroupsSequence") or [None]
    slices: list[DicomSlice] = []
    for index, frame in enumerate(frames):
        groups = [sequence[0] for group in (frame, shared[0]) if group is not None for sequence in _sequences(group)]
        slices.extend(_oneSlice(dataset, file, index, (*groups, dataset)))
    return tuple(slices)


def countPlanes(dataset: "Dataset") -> int:
    """Return how many image planes a header stands for, also those that `slicesOfDataset` cannot place."""
    return int(dataset.get("NumberOfFrames") or 1) if "Rows" in dataset else 0


def _sequences(group: "Dataset") -> list:
    return [element.value for element in group if element.VR == "SQ" and len(element.value) > 0]


def _first(sources: tuple, keyword: str) -> Any:
    for source in sources:
        value = source.get(keyword)
        if value is not None and value != "":
            return value
    return None


def _oneSlice(dataset: "Dataset", file: Path, frame: int, sources: tuple) -> tuple[DicomSlice, ...]:
    position = _first(sources, "ImagePositionPatient")
    orientation = _first(sources, "ImageOrientationPatient")
    spacing = _first(sources, "PixelSpacing")
    if position is None or orientation is None or spacing is None:
        return ()
    if len(position) != 3 or len(orientation) != 6 or len(spacing) != 2:
        raise ValueError(f"{file.name} has a position, orientation or pixel spacing with a wrong count of numbers.")
    imageType = [str(part) for part in (_first(sources, "FrameType") or dataset.get("ImageType") or ())]
    values = {name: str(value) for name in VOLUME_KEYWORDS if (value := _first(sources, name)) is not None}
    return (
        DicomSlice(
            file=file,
            frame=frame,
            instanceUid=str(dataset.get("SOPInstanceUID", "")),
            instanceNumber=int(dataset.get("InstanceNumber") or 0),
            rows=int(dataset.Rows),
            columns=int(dataset.Columns),
            position=_triple(position),
            rowDirection=_triple(orientation[:3]),
            columnDirection=_triple(orientation[3:]),
            spacing=(float(spacing[1]), float(spacing[0])),
            isLocalizer=LOCALIZER in imageType,
            isMosaic=MOSAIC in imageType or _isTiled(dataset),
            frameOfReferenceUid=str(dataset.get("FrameOfReferenceUID", "")),
            volumeValues=tuple({**values, "ImageType": "\\".join(imageType)}.items()),
        ),
    )


def _triple(values: Iterable) -> tuple[float, float, float]:
    first, second, third = (float(value) for value in values)
    return first, second, third


def _isTiled(dataset: "Dataset") -> bool:
    element = dataset.get(_IMAGES_IN_MOSAIC)
    isSiemens = "SIEMENS" in str(dataset.get((0x0019, 0x0010), "")).upper()
    return element is not None and isSiemens and str(element.value).strip() not in ("", "0", "1")
