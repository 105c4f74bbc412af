"""What one DICOM file says about where each of its image planes lies in the patient."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

LOCALIZER = "LOCALIZER"

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
    frameOfReferenceUid: str
    volumeValues: tuple[tuple[str, str], ...]

    def __post_init__(self) -> None:
        numbers = np.array([*self.position, *self.rowDirection, *self.columnDirection, *self.spacing], float)
        if not np.all(np.isfinite(numbers)) or np.abs(numbers).max() > 1e6:
            raise ValueError(f"{self.file.name} has a position, orientation or pixel spacing that is no real number.")
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


def slicesOfDataset(dataset, file: Path) -> tuple[DicomSlice, ...]:
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


def _sequences(group) -> list:
    return [element.value for element in group if element.VR == "SQ" and len(element.value) > 0]


def _first(sources: tuple, keyword: str):
    for source in sources:
        value = source.get(keyword)
        if value is not None and value != "":
            return value
    return None


def _oneSlice(dataset, file: Path, frame: int, sources: tuple) -> tuple[DicomSlice, ...]:
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
            position=tuple(float(v) for v in position),
            rowDirection=tuple(float(v) for v in orientation[:3]),
            columnDirection=tuple(float(v) for v in orientation[3:]),
            spacing=(float(spacing[1]), float(spacing[0])),
            isLocalizer=LOCALIZER in imageType,
            frameOfReferenceUid=str(dataset.get("FrameOfReferenceUID", "")),
            volumeValues=tuple({**values, "ImageType": "\\".join(imageType)}.items()),
        ),
    )


@dataclass(frozen=True)
class SliceVolume:
    """The planes of one volume, in order along their normal, and what was left out to get there."""

    slices: tuple[DicomSlice, ...]
    label: str = ""
    duplicates: tuple[tuple[DicomSlice, DicomSlice], ...] = ()
    warnings: tuple[str, ...] = ()


def splitIntoVolumes(slices: tuple[DicomSlice, ...]) -> tuple[SliceVolume, ...]:
    """Return the volumes that one series holds: localizers set aside, orientations and overlapping stacks apart."""
    warnings: list[str] = []
    images = [s for s in slices if not s.isLocalizer]
    if images and len(images) < len(slices):
        warnings.append(f"{len(slices) - len(images)} localizer images in the series were left out.")
    stacks = sorted(_stacks(images or list(slices)), key=len, reverse=True)
    largest = len(stacks[0]) if stacks else 0
    small = [stack for stack in stacks if len(stack) <= 3 and len(stack) * 4 <= largest]
    if small:
        count = sum(len(stack) for stack in small)
        warnings.append(f"{count} images of another orientation or matrix than the other {largest} were left out.")
    kept = [stack for stack in stacks if not any(stack is other for other in small)]
    volumes: list[SliceVolume] = []
    for stack in kept:
        label = _orientationName(stack[0]) if len(kept) > 1 else ""
        volumes.extend(_volumesOfStack(stack, label, tuple(warnings)))
    return tuple(volumes)


def _stacks(slices: list[DicomSlice]) -> list[list[DicomSlice]]:
    stacks: list[list[DicomSlice]] = []
    for item in slices:
        for stack in stacks:
            if _sameStack(stack[0], item):
                stack.append(item)
                break
        else:
            stacks.append([item])
    return stacks


def _sameStack(a: DicomSlice, b: DicomSlice) -> bool:
    return (
        (a.rows, a.columns, a.frameOfReferenceUid) == (b.rows, b.columns, b.frameOfReferenceUid)
        and np.allclose(a.spacing, b.spacing, rtol=1e-3)
        and np.allclose(a.rowDirection, b.rowDirection, atol=2e-3)
        and np.allclose(a.columnDirection, b.columnDirection, atol=2e-3)
    )


def _orientationName(item: DicomSlice) -> str:
    return ("sagittal", "coronal", "axial")[int(np.argmax(np.abs(item.normal)))]


def _positions(slices: list[DicomSlice]) -> np.ndarray:
    return np.array([s.position for s in slices]) @ slices[0].normal


def _coincident(slices: list[DicomSlice]) -> list[list[DicomSlice]]:
    """Return the slices sorted along the normal, those closer than 0.01 mm together."""
    along = _positions(slices)
    order = sorted(range(len(slices)), key=lambda i: (round(along[i], 4), slices[i].instanceNumber, slices[i].frame))
    groups: list[list[DicomSlice]] = []
    last = -np.inf
    for index in order:
        if along[index] - last > 0.01:
            groups.append([])
            last = along[index]
        groups[-1].append(slices[index])
    return groups


def _volumesOfStack(stack: list[DicomSlice], label: str, warnings: tuple[str, ...]) -> list[SliceVolume]:
    groups = _coincident(stack)
    if len(groups) == len(stack):
        return [SliceVolume(tuple(stack[0] for stack in groups), label, (), warnings)]
    for keyword, word in VOLUME_KEYWORDS.items():
        parts: dict[str, list[DicomSlice]] = {}
        for item in stack:
            parts.setdefault(dict(item.volumeValues).get(keyword, ""), []).append(item)
        if len(parts) > 1 and all(len(_coincident(part)) == len(part) for part in parts.values()):
            return [
                SliceVolume(tuple(g[0] for g in _coincident(part)), f"{label} {word} {value}".strip(), (), warnings)
                for value, part in sorted(parts.items(), key=lambda item: _numberOrText(item[0]))
            ]
    duplicates = tuple((group[0], other) for group in groups for other in group[1:])
    told = f"{len(duplicates)} slices are there more than once; the first of each is used."
    return [SliceVolume(tuple(group[0] for group in groups), label, duplicates, (*warnings, told))]


def _numberOrText(text: str) -> tuple[float, str]:
    try:
        return float(text), text
    except ValueError:
        return float("inf"), text
