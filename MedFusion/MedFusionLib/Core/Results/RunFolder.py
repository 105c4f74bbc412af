"""Read the result folder of a run again."""

import json
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path

import SimpleITK as sitk

from ..Dicom.Inspection import dateOf
from ..Inputs.SegmentationFiles import SegmentationFile, readSegmentation
from ..Inputs.VolumeFiles import readVolume
from ..Tumor.MrSequence import MrSequence
from . import FileNames


@dataclass(frozen=True)
class RunFolder:
    """What a follow-up needs of a run: the MRI and the outline in the CT's frame (LPS mm) and the document."""

    folder: Path
    mri: sitk.Image
    outline: SegmentationFile
    document: dict

    @cached_property
    def tumor(self) -> sitk.Image:
        """Return the mask of everything that is outlined."""
        return sitk.Cast(self.outline.labelImage > 0, sitk.sitkUInt8)

    def tumorSetting(self, name: str) -> str:
        """Return a setting of the tumor's outlining as the document has it, empty where it has none."""
        parameters = self.document.get("parameters")
        settings = parameters.get("tumor") if isinstance(parameters, dict) else None
        return str(settings.get(name, "")) if isinstance(settings, dict) else ""

    @property
    def sequence(self) -> MrSequence:
        """Return what the MRI was weighted for that the outline was drawn on."""
        known = {member.value: member for member in MrSequence}
        sequences = [known.get(text.strip(), MrSequence.unknown) for text in self.tumorSetting("sequences").split(",")]
        for wanted in (MrSequence.flair, MrSequence.t2):
            if wanted in sequences:
                return wanted
        return sequences[0]

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
    if "plane_registration" in document:
        raise ValueError(f"The run {folder.name} is one of pictures, which cannot be compared in space.")
    if not document.get("tumor"):
        raise ValueError(f"No tumor was outlined in the run {folder.name}; outline it before comparing.")
    mri = readVolume(folder / FileNames.REGISTERED_MRI).image
    outline = readSegmentation(folder / FileNames.TUMOR)
    if outline.isEmpty:
        raise ValueError(f"{folder / FileNames.TUMOR} holds no outline; outline the tumor before comparing.")
    return RunFolder(folder, mri, outline, document)


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
