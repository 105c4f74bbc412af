"""Read a volume from a file or a DICOM folder and refuse what the pipeline cannot use."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

MAXIMUM_NAN_FRACTION = 0.5


@dataclass(frozen=True)
class VolumeFile:
    """A volume as read: LPS image, the DICOM header where there is one, and what the reader has to say."""

    image: sitk.Image
    dicom: object | None = None
    warnings: tuple[str, ...] = ()


def isDicomPath(path: Path) -> bool:
    """Return True for a folder, a file named as DICOM files are, or a file that begins as they do."""
    if path.is_dir() or path.suffix.lower() in (".dcm", ".dicom", ".ima"):
        return True
    if not path.is_file():
        return False
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def readVolume(path: str | Path, seriesUid: str | None = None, modality: str | None = None) -> VolumeFile:
    """Return the 3D scalar volume of a file (.nrrd, .nii, .nii.gz, .mha) or of a DICOM folder.

    :param seriesUid: DICOM series to read, its UID or number.
    :param modality: "CT" or "MR", tells DICOM series apart when no series is given.
    :raises ValueError: when it is missing, unreadable, or not a 3D scalar volume.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"There is no volume {path}.")
    if isDicomPath(path):
        from .DicomSeries import readSeries

        volume = readSeries(path, seriesUid, modality)
        image, dicom, warnings = volume.image, volume, volume.warnings
    else:
        image, dicom, warnings = _readImageFile(path), None, ()
    image, warning = checkedVolume(_inUsualType(image), path.name)
    return VolumeFile(image, dicom, warnings + ((warning,) if warning else ()))


def _readImageFile(path: Path) -> sitk.Image:
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
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
                f"{path.name} is {len(size)}D ({' x '.join(map(str, size))}); "
                "extract one 3D volume of the series first."
            )
        image = reader.Execute()
    except RuntimeError as error:
        raise ValueError(f"{path.name} could not be read as a volume (.nrrd, .nii, .nii.gz, .mha or DICOM).") from error
    return image if len(size) == 3 else image[(slice(None),) * 3 + (0,) * (len(size) - 3)]


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


def fileChecksum(path: str | Path) -> str:
    """Return the SHA-256 of a file, or of all files of a folder in name order, as hexadecimal digits."""
    path = Path(path)
    digest = hashlib.sha256()
    for file in sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]:
        with file.open("rb") as stream:
            while chunk := stream.read(1 << 20):
                digest.update(chunk)
    return digest.hexdigest()
