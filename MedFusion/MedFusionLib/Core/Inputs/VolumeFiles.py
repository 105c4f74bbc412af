"""Read a volume from a file or a DICOM folder and refuse what the pipeline cannot use."""

import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..Images.Coordinates import CoordinateSystem
from .FileContent import fileContent
from .FileGeometry import FileGeometry, assumed, checkAxes, headerGeometry, placed, unknownOrientation
from .Memory import checkReading
from .TextHeaders import textHeader
from .VolumeSize import VolumeSize, volumeSize

if TYPE_CHECKING:
    from ..Dicom.Series import DicomSeries, DicomVolume

# Chosen by reason: a field of view may leave out corners, but not most of a volume.
MAXIMUM_NAN_FRACTION = 0.5
# What follows the name of the field in which a header of NRRD or MetaImage names the files of its voxels.
_DATA_FILE = re.compile(r"^(?:data ?file:|ElementDataFile\s*=)[ \t]*(\S.*?)\s*$", re.IGNORECASE | re.MULTILINE)
_PERMISSION = "ITK_NIFTI_SFORM_PERMISSIVE"
_BYTES_OF_DICOM_PIXEL = 6  # as a list of planes with their rescale, then as one volume
_MOST_DATA_FILES = 30_000


@dataclass(frozen=True)
class VolumeFile:
    """A volume as read: LPS image, the DICOM header where there is one, and what the reader has to say.

    :param files: those that were read, in the order of the slices.
    :param unknownOrientation: why nobody knows which way the axes lead in the patient, "" where the file says it; also
        where the user said it.
    """

    image: sitk.Image
    dicom: "DicomVolume | None" = None
    warnings: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    unknownOrientation: str = ""

    @property
    def header(self) -> "DicomSeries | None":
        """Return the DICOM header, None where there is none."""
        return self.dicom.header if self.dicom is not None else None


def isDicomPath(path: Path) -> bool:
    """Return True for a folder, a file named as DICOM files are, or a file that begins as they do."""
    if path.is_dir() or path.suffix.lower() in (".dcm", ".dicom", ".ima"):
        return True
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def readVolume(
    path: str | Path,
    seriesUid: str | None = None,
    modality: str | None = None,
    assumedAxes: CoordinateSystem | None = None,
) -> VolumeFile:
    """Return the 3D scalar volume of a file (.nrrd, .nii, .nii.gz, .mha) or of a DICOM folder.

    :param seriesUid: DICOM series to read, its UID or number.
    :param modality: "CT" or "MR", tells DICOM series apart when no series is given.
    :param assumedAxes: which way the axes lead where the file does not say it.
    :raises ValueError: when it is missing, unreadable, not a 3D scalar volume, or nobody says which way its axes lead.
    """
    volume = readAnyOrientation(path, seriesUid, modality)
    if not volume.unknownOrientation:
        return volume
    if assumedAxes is None:
        raise ValueError(unknownOrientation(Path(path), volume.unknownOrientation))
    warning = (
        f"{Path(path).name} does not say its orientation ({volume.unknownOrientation}); {assumedAxes.value} was "
        "assumed, as you said. Right and left are only as sure as that."
    )
    image = assumed(volume.image, assumedAxes)
    return replace(volume, image=image, warnings=(*volume.warnings, warning))


def readAnyOrientation(path: str | Path, seriesUid: str | None = None, modality: str | None = None) -> VolumeFile:
    """Return a volume as `readVolume` does, also where nobody knows which way its axes lead: to show it, not to use."""
    path = Path(path)
    if not path.exists():
        raise ValueError(f"There is no volume {path}.")
    if isDicomPath(path):
        from ..Dicom.Series import readSeries

        volume = readSeries(path, seriesUid, modality, beforePixels=_checkSeriesReading)
        image, warning = checkedVolume(_inUsualType(volume.image), path.name)
        warnings = (*volume.warnings, *((warning,) if warning else ()))
        return VolumeFile(image, volume, warnings, volume.header.files)
    geometry = headerGeometry(path)
    checkAxes(geometry, path)
    checkReading(path.name, volumeSize(path))
    image, warning = checkedVolume(_inUsualType(_readImageFile(path, geometry)), path.name)
    image, notes = placed(image, geometry, path)
    return VolumeFile(image, None, (*notes, *((warning,) if warning else ())), _filesOf(path), geometry.unknown)


def _checkSeriesReading(series: "DicomSeries") -> None:
    first = series.volume.slices[0]
    size = VolumeSize((first.columns, first.rows, len(series.volume.slices)), _BYTES_OF_DICOM_PIXEL)
    checkReading(f"Series {series.title}", size)


def _readImageFile(path: Path, geometry: FileGeometry) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        with _permittedShear(geometry.isExact):
            reader.ReadImageInformation()
            size = reader.GetSize()
            _checkScalar3D(reader, path)
            image = reader.Execute()
    except RuntimeError as error:
        raise ValueError(_unreadable(path, geometry)) from error
    return image if len(size) == 3 else image[(slice(None),) * 3 + (0,) * (len(size) - 3)]


def _unreadable(path: Path, geometry: FileGeometry) -> str:
    """Return the sentence that refuses a file which its reader could not read, with what is known of the reason."""
    reason = f": {geometry.unknown}" if geometry.unknown else ""
    content = fileContent(path)
    if content and not path.name.lower().endswith(content.suffixes):
        reason = f": it is {content.name}; give it the suffix {content.suffixes[0]}"
    return f"{path.name} could not be read as a volume (.nrrd, .nii, .nii.gz, .mha or DICOM){reason}."


def _checkScalar3D(reader: sitk.ImageFileReader, path: Path) -> None:
    size = reader.GetSize()
    if reader.GetNumberOfComponents() != 1:
        raise ValueError(
            f"{path.name} has {reader.GetNumberOfComponents()} values per voxel (color, vector or diffusion); "
            "a scalar volume is needed."
        )
    if len(size) < 3 or min(size[:3]) < 2:
        raise ValueError(
            f"{path.name} is 2D ({' x '.join(map(str, size))} voxels); a 3D volume of at least 2 slices is needed."
        )
    if any(count > 1 for count in size[3:]):
        raise ValueError(
            f"{path.name} is {len(size)}D ({' x '.join(map(str, size))}); extract one 3D volume of the series first."
        )


@contextmanager
def _permittedShear(isPermitted: bool) -> Iterator[None]:
    """Let ITK read an sform whose shear was measured and will be repaired; it asks the environment for that."""
    if not isPermitted:
        yield
        return
    before = os.environ.get(_PERMISSION)
    os.environ[_PERMISSION] = "ON"
    try:
        yield
    finally:
        os.environ.pop(_PERMISSION)
        if before is not None:
            os.environ[_PERMISSION] = before


def _filesOf(path: Path) -> tuple[Path, ...]:
    """Return a file that could be read as a volume, and those that hold its voxels where it is only their header."""
    if path.suffix.lower() not in (".nhdr", ".nrrd", ".mhd", ".mha"):
        beside = path.with_suffix(".img")
        return (path, beside) if path.suffix.lower() == ".hdr" and beside.is_file() else (path,)
    header = textHeader(path)
    found = _DATA_FILE.search(header)
    if found is None:
        return (path,)
    first, *numbers = found[1].split()
    names = [found[1]]
    if first.upper() == "LIST":
        names = header[found.end() :].splitlines()
    elif pattern := re.fullmatch(r"(.*)%(0?\d{0,2})d(.*)", first):  # and its first and last number and the step
        start, stop, step = (*(int(number) for number in numbers if number.isdecimal()), 0, 0, 1)[:3]
        numbered = range(start, stop + 1, max(step, 1))[:_MOST_DATA_FILES]
        names = [f"{pattern[1]}{number:{pattern[2]}d}{pattern[3]}" for number in numbered]
    return (path, *(file for name in names if name.strip() and (file := path.parent / name.strip()).is_file()))


def _inUsualType(image: sitk.Image) -> sitk.Image:
    """Return the image in a type that Slicer's files know: 8 bit with a sign and 64 bit whole numbers are not."""
    pixelType = image.GetPixelID()
    if pixelType == sitk.sitkInt8:
        return sitk.Cast(image, sitk.sitkInt16)
    if pixelType not in (sitk.sitkInt64, sitk.sitkUInt64):
        return image
    voxels = sitk.GetArrayViewFromImage(image)
    limits = np.iinfo(np.int32)
    fits = int(voxels.min()) >= limits.min and int(voxels.max()) <= limits.max
    return sitk.Cast(image, sitk.sitkInt32 if fits else sitk.sitkFloat64)


def checkedVolume(image: sitk.Image, name: str) -> tuple[sitk.Image, str]:
    """Return the image with stray NaN replaced by its minimum, and a warning if there were any.

    :raises ValueError: when the image is constant or hardly holds numbers.
    """
    voxels = sitk.GetArrayViewFromImage(image)
    warning = ""
    if np.issubdtype(voxels.dtype, np.floating):
        finite = np.isfinite(voxels)
        missing = 1.0 - finite.mean()
        if missing > MAXIMUM_NAN_FRACTION:
            raise ValueError(f"{missing:.0%} of {name}'s voxels are not numbers (NaN or infinite); export it again.")
        if missing > 0:
            warning = f"{missing:.2%} of {name}'s voxels are not numbers and were taken as background."
            repaired = np.where(finite, voxels, voxels[finite].min())
            repairedImage = sitk.GetImageFromArray(repaired.astype(voxels.dtype))
            repairedImage.CopyInformation(image)
            image, voxels = repairedImage, repaired
    low, high = voxels.min(), voxels.max()
    if low == high:
        raise ValueError(f"Every voxel of {name} has the value {low:g}; choose a volume with an image in it.")
    return image, warning


def fileChecksum(*paths: str | Path) -> str:
    """Return the SHA-256 of one file, or of several one after the other, as hexadecimal digits."""
    digest = hashlib.sha256()
    for path in paths:
        with Path(path).open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()


def volumeName(path: str | Path) -> str:
    """Return a file's name without the extensions of image files."""
    name = Path(path).name
    for extension in (".nii.gz", ".seg.nrrd", ".nrrd", ".nhdr", ".nii", ".mha", ".mhd", ".dcm"):
        if name.lower().endswith(extension):
            return name[: -len(extension)]
    return name
