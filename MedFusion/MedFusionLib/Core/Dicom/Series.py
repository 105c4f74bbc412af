"""Find the image series in DICOM files and read one as a volume with true geometry."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..Images.Intensities import LEAST_HU
from ..Progress import Progress, report, subProgress
from .Errors import damage, withoutLibraryWarnings
from .Geometry import gridOfSlices, imageOnGrid
from .Pixels import readFrames
from .Slices import DicomSlice, countPlanes, slicesOfDataset
from .Volumes import SliceVolume, splitIntoVolumes

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True)
class DicomSeries:
    """One volume of a DICOM series: whose it is, what it is and which planes it has.

    `uid` is the Series Instance UID; where a series holds several volumes (echoes, time points, orientations)
    "#1", "#2" ... follow it.
    """

    uid: str
    modality: str
    description: str
    number: int
    files: tuple[Path, ...]
    patientId: str
    patientName: str
    patientBirthDate: str
    patientSex: str
    studyUid: str
    studyDate: str
    studyDescription: str
    frameOfReferenceUid: str
    imageType: str
    volume: SliceVolume
    tags: tuple[tuple[str, str], ...] = ()

    @property
    def sliceCount(self) -> int:
        """Return how many image planes with a known position the volume has."""
        return len(self.volume.slices)

    @property
    def isVolume(self) -> bool:
        """Return True if there are planes enough for a volume and they are neither localizers nor mosaics."""
        return self.sliceCount > 1 and not all(s.isLocalizer or s.isMosaic for s in self.volume.slices)

    def identity(self) -> dict[str, str]:
        """Return whose series it is and when it was made, by key, without empty values."""
        values = {
            "patient_name": self.patientName,
            "patient_id": self.patientId,
            "birth_date": self.patientBirthDate,
            "sex": self.patientSex,
            "study_date": self.studyDate,
            "series_uid": self.uid,
            "frame_of_reference_uid": self.frameOfReferenceUid,
        }
        return {key: value for key, value in values.items() if value}

    @property
    def title(self) -> str:
        """Return one line that tells this series from the others."""
        what = " ".join(part for part in (self.modality, self.description, self.volume.label) if part)
        return f"{self.number}: {what}, {self.sliceCount} slices, {self.uid}"


@dataclass(frozen=True)
class DicomVolume:
    """A volume read from DICOM (LPS mm, HU for CT), the series it came from and what had to be corrected."""

    image: sitk.Image
    header: DicomSeries
    warnings: tuple[str, ...] = ()


# No limit of the standard: more than any study has, so that a whole disk is refused at once.
LARGEST_FILE_COUNT = 30_000
MEDIA_STORAGE_DIRECTORY = "1.2.840.10008.1.3.10"

# Tags beyond identity that the inspection and the derived objects need.
_TAGS = (
    "SOPClassUID",
    "StudyTime",
    "SeriesDate",
    "AcquisitionDate",
    "Manufacturer",
    "ManufacturerModelName",
    "BodyPartExamined",
    "PatientPosition",
    "ScanningSequence",
    "SequenceVariant",
    "SequenceName",
    "PulseSequenceName",
    "MRAcquisitionType",
    "EchoTime",
    "RepetitionTime",
    "InversionTime",
    "FlipAngle",
    "ContrastBolusAgent",
    "GantryDetectorTilt",
    "ConvolutionKernel",
    "SliceThickness",
    "SpacingBetweenSlices",
    "ImagesInAcquisition",
    "PatientIdentityRemoved",
    "RescaleType",
    "RescaleSlope",
    "LossyImageCompression",
)


def findSeries(path: Path | str) -> tuple[DicomSeries, ...]:
    """Return the volumes among the DICOM images at a path, in the order of their series numbers.

    :param path: a folder (with its sub-folders), or a file, which stands for the series it belongs to.
    :raises ValueError: if there is nothing at the path, or no DICOM image.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"There is no file or folder {path}.")
    with withoutLibraryWarnings():
        return _findSeries(path)


def _findSeries(path: Path) -> tuple[DicomSeries, ...]:
    if path.is_dir():
        headers = _readHeaders(_filesIn(path))
    else:
        headers = _headersBeside(path)
    found = _grouped(headers)
    if not found:
        raise ValueError(f"There is no readable DICOM image in {path}.")
    return found


def seriesOfFiles(files: Iterable[Path]) -> tuple[DicomSeries, ...]:
    """Return the series that files belong to, none where no file is readable."""
    with withoutLibraryWarnings():
        return _grouped(_readHeaders(files))


def _grouped(headers: list) -> tuple[DicomSeries, ...]:
    groups: dict[str, list] = {}
    for file, dataset in headers:
        groups.setdefault(_seriesUid(dataset), []).append((file, dataset))
    found = [series for uid, members in groups.items() for series in _seriesOfGroup(uid, members)]
    return tuple(sorted(found, key=lambda series: (series.number, series.uid)))


def _filesIn(folder: Path) -> list[Path]:
    """Return the files of a folder and its sub-folders, sorted; refuse a folder that is no study but a whole disk."""
    try:
        files = list(islice((file for file in folder.rglob("*") if file.is_file()), LARGEST_FILE_COUNT + 1))
    except OSError as error:
        raise ValueError(f"{folder} cannot be read ({error.strerror}).") from error
    if len(files) > LARGEST_FILE_COUNT:
        raise ValueError(f"{folder} holds more than {LARGEST_FILE_COUNT} files; give the folder of one study.")
    return sorted(files)


def _headersBeside(file: Path) -> list:
    """Return the header of a file, with those of the same series in its folder where it is a single slice."""
    headers = _readHeaders([file])
    if not headers and _isDirectoryFile(file):
        raise ValueError(f"{file.name} only lists images; give the folder that they lie in.")
    if not headers:
        raise ValueError(f"{file.name} is not a readable DICOM file.")
    dataset = headers[0][1]
    if "NumberOfFrames" in dataset:
        return headers
    uid = _seriesUid(dataset)
    beside = _readHeaders(other for other in sorted(file.parent.iterdir()) if other.is_file())
    return [pair for pair in beside if _seriesUid(pair[1]) == uid]


def _isDirectoryFile(file: Path) -> bool:
    import pydicom

    try:
        dataset = pydicom.dcmread(file, specific_tags=["FileSetID"], stop_before_pixels=True)
        return dataset.file_meta.MediaStorageSOPClassUID == MEDIA_STORAGE_DIRECTORY
    except damage():
        return False


def _seriesUid(dataset: "Dataset") -> str:
    return str(dataset.get("SeriesInstanceUID", ""))


def _readHeaders(files: Iterable[Path]) -> list:
    import pydicom

    headers = []
    for file in files:
        try:
            dataset = pydicom.dcmread(file, stop_before_pixels=True)
            isImage = dataset.get("SOPClassUID") not in (None, MEDIA_STORAGE_DIRECTORY)
            dataset.decode()
            _seriesUid(dataset)  # values are converted when first read, so damage shows here and not later
        except damage():
            continue  # not a DICOM file; folders hold all kinds of files
        if isImage:
            headers.append((file, dataset))
    return headers


def _seriesOfGroup(uid: str, members: list) -> list[DicomSeries]:
    slices: list[DicomSlice] = []
    unusable, unplaced = [], 0
    for file, dataset in members:
        try:
            planes = slicesOfDataset(dataset, file)
            unplaced += countPlanes(dataset) - len(planes)
        except damage() as error:
            unusable.append(str(error))
            continue
        slices.extend(planes)
    notes = [f"{len(unusable)} damaged images were left out: {unusable[0]}"] if unusable else []
    if unplaced and slices:
        notes.append(f"{unplaced} images that are in color or have no position in the patient were left out.")
    file, first = members[0]
    if "Rows" not in first:
        return []
    refusal = _patientsRefusal([dataset for _, dataset in members])
    volumes = splitIntoVolumes(tuple(slices)) or (SliceVolume(()),)
    described = []
    for index, volume in enumerate(volumes):
        volume = replace(volume, warnings=(*volume.warnings, *notes), refusal=refusal or volume.refusal)
        name = uid if len(volumes) == 1 else f"{uid}#{index + 1}"
        files = tuple(dict.fromkeys(s.file for s in volume.slices)) or tuple(f for f, _ in members)
        described.append(_describe(name, volume, files, first))
    return described


def _patientsRefusal(datasets: list) -> str:
    """Return a sentence if the slices of one series name several patients, which no series can have."""
    for keyword, title in (("PatientID", "patient IDs"), ("PatientName", "patient names")):
        texts = [_text(dataset, keyword) for dataset in datasets]
        values = {" ".join(text.replace("^", " ").split()).casefold(): text for text in texts}
        values.pop("", None)
        if len(values) > 1:
            listed = ", ".join(sorted(values.values())[:4])
            return f"The slices of this one series name {len(values)} {title} ({listed}); they are not one volume."
    return ""


def _text(dataset: "Dataset", keyword: str) -> str:
    try:
        value = dataset.get(keyword)
        return "" if value is None else str(value)
    except damage():
        return ""


def _describe(uid: str, volume: SliceVolume, files: tuple[Path, ...], dataset: "Dataset") -> DicomSeries:
    def text(keyword: str) -> str:
        return _text(dataset, keyword)

    number = text("SeriesNumber")
    return DicomSeries(
        uid=uid,
        modality=text("Modality"),
        description=text("SeriesDescription"),
        number=int(number) if number.lstrip("-").isdigit() else 0,
        files=files,
        patientId=text("PatientID"),
        patientName=text("PatientName"),
        patientBirthDate=text("PatientBirthDate"),
        patientSex=text("PatientSex"),
        studyUid=text("StudyInstanceUID"),
        studyDate=text("StudyDate"),
        studyDescription=text("StudyDescription"),
        frameOfReferenceUid=text("FrameOfReferenceUID"),
        imageType=text("ImageType"),
        volume=volume,
        tags=tuple((keyword, value) for keyword in _TAGS if (value := text(keyword))),
    )


def readSeries(
    path: Path | str,
    seriesUid: str | None = None,
    modality: str | None = None,
    progress: Progress | None = None,
    beforePixels: Callable[[DicomSeries], None] | None = None,
) -> DicomVolume:
    """Return one DICOM series as a volume, every voxel at its true patient position.

    :param path: file or folder, as for `findSeries`.
    :param seriesUid: Series Instance UID or series number; needed where there are several.
    :param modality: "CT" or "MR"; without a series UID, the only series of that modality is taken.
    :param beforePixels: called with the chosen series before any pixel is read; it may raise.
    :raises ValueError: if there is no such series, a choice is missing, or the geometry cannot be corrected.
    """
    report(progress, 0.0, "Reading DICOM headers")
    series = chooseSeries(findSeries(path), seriesUid, modality)
    slices = series.volume.slices
    if series.volume.refusal:
        raise ValueError(f"Series {series.title}: {series.volume.refusal}")
    if len(slices) < 2:
        raise ValueError(
            f"Series {series.title}: fewer than 2 image planes with a position in the patient; no volume can be made."
        )
    grid = gridOfSlices(slices)
    if beforePixels is not None:
        beforePixels(series)
    with withoutLibraryWarnings():
        planes = _readPlanes(series, subProgress(progress, 0.1, 0.7))
    background = LEAST_HU if series.modality == "CT" else 0
    image = imageOnGrid(planes, slices, grid, background, subProgress(progress, 0.7, 1.0))
    return DicomVolume(image, series, (*series.volume.warnings, *grid.warnings))


def matchesChoice(series: DicomSeries, choice: str) -> bool:
    """Return True if a user's choice, a UID (with "#n" for one volume of it) or a number, means this series."""
    return choice.strip() in (series.uid, series.uid.split("#")[0], str(series.number))


def chooseSeries(found: tuple[DicomSeries, ...], choice: str | None, modality: str | None = None) -> DicomSeries:
    """Return the chosen series, or the only one that is a volume, of a modality if there are several."""
    candidates = found if choice else tuple(s for s in found if s.isVolume) or found
    if choice:
        candidates = tuple(s for s in found if matchesChoice(s, choice))
        if not candidates:
            raise ValueError(f"There is no series {choice.strip()}; there are: {_titles(found)}.")
        candidates = tuple(s for s in candidates if s.isVolume) or candidates
    if len(candidates) > 1 and modality:
        candidates = tuple(s for s in candidates if s.modality == modality) or candidates
    if len(candidates) > 1:
        raise ValueError(f"There are {len(candidates)} volumes; choose one with --series: {_titles(candidates)}.")
    return candidates[0]


def _titles(found: tuple[DicomSeries, ...]) -> str:
    shown = "; ".join(series.title for series in found[:8])
    return shown if len(found) <= 8 else f"{shown}; and {len(found) - 8} more"


def _readPlanes(series: DicomSeries, progress: Progress | None) -> list[np.ndarray]:
    volume = series.volume
    wanted = [*volume.slices, *(other for _, other in volume.duplicates)]
    planes: dict[tuple[Path, int], np.ndarray] = {}
    files = list(dict.fromkeys(s.file for s in wanted))
    for done, file in enumerate(files):
        report(progress, done / len(files), "Reading DICOM images")
        frames = readFrames(file)
        for item in (s for s in wanted if s.file == file):
            if item.frame >= len(frames) or frames[item.frame].shape != (item.rows, item.columns):
                raise ValueError(f"{file.name} holds fewer pixels than its header says; the file is damaged.")
            planes[file, item.frame] = frames[item.frame]
    for kept, other in volume.duplicates:
        if not np.array_equal(planes[kept.file, kept.frame], planes[other.file, other.frame]):
            raise ValueError(
                f"{kept.file.name} and {other.file.name} lie at the same position and differ, and no tag tells which "
                "volume they belong to; export the series again without repeated slices."
            )
    return [planes[s.file, s.frame] for s in volume.slices]
