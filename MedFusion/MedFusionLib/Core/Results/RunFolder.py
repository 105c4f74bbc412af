"""Read the result folder of a run again."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Dicom.Inspection import dateOf
from ..Inputs.VolumeFiles import readVolume
from . import FileNames


@dataclass(frozen=True)
class RunFolder:
    """What a follow-up needs of a run: the MRI and the tumor in the CT's frame (LPS mm) and the document."""

    folder: Path
    mri: sitk.Image
    tumor: sitk.Image
    document: dict

    @property
    def name(self) -> str:
        """Return how to call the run."""
        return self.folder.name

    @property
    def model(self) -> str:
        """Return the model that brought the MRI to the CT."""
        registration = self.document.get("registration")
        return str(registration.get("model", "rigid")) if isinstance(registration, dict) else "rigid"

    @property
    def identity(self) -> dict[str, str]:
        """Return whose images they were, each value as the MRI's or else the CT's DICOM header said it."""
        dicom = self.document.get("dicom")
        if not isinstance(dicom, dict):
            return {}
        merged: dict[str, str] = {}
        for role in ("ct", "mri"):
            found = dicom.get(role)
            if isinstance(found, dict):
                merged |= {str(key): str(value) for key, value in found.items() if value}
        return merged

    @property
    def studyDate(self) -> date | None:
        """Return the day of the study, None if unknown."""
        return dateOf(self.identity.get("study_date", ""))


def readRunFolder(folder: str | Path) -> RunFolder:
    """Return a run's results.

    :raises ValueError: when the folder is no complete result folder, or no tumor was outlined in that run.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"There is no result folder {folder}.")
    for name in FileNames.COMPARED_FILES:
        if not (folder / name).is_file():
            raise ValueError(f"{folder} is not the result folder of a run: {name} is missing.")
    document = readDocument(folder)
    if not document.get("tumor"):
        raise ValueError(f"No tumor was outlined in the run {folder.name}; outline it before comparing.")
    mri = readVolume(folder / FileNames.REGISTERED_MRI).image
    return RunFolder(folder, mri, _readTumor(folder / FileNames.TUMOR), document)


def readDocument(folder: Path) -> dict:
    """Return what a result folder's measurements say.

    :raises ValueError: if there is nothing to be read.
    """
    path = folder / FileNames.MEASUREMENTS
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ValueError(f"{path} could not be read as JSON.") from error
    if not isinstance(document, dict):
        raise ValueError(f"{path} is not a measurements document.")
    return document


def _readTumor(path: Path) -> sitk.Image:
    """Return the mask of all segments of a .seg.nrrd file, whose layers are vector components."""
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise ValueError(f"{path} could not be read as a segmentation.") from error
    if image.GetDimension() != 3:
        raise ValueError(f"{path} is {image.GetDimension()}D; a segmentation in 3D is needed.")
    array = sitk.GetArrayViewFromImage(image)
    isTumor = (array > 0).any(axis=-1) if image.GetNumberOfComponentsPerPixel() > 1 else array > 0
    if not isTumor.any():
        raise ValueError(f"{path} holds no outline; outline the tumor before comparing.")
    mask = sitk.GetImageFromArray(isTumor.astype(np.uint8))
    mask.CopyInformation(image)
    return mask
