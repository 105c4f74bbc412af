"""The labeled tumors of the segmentation benchmark, and how a method outlines one."""

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.MrSequence import MrSequence
from MedFusionLib.Core.Tumor.TumorSegmentation import (
    SegmentationMethod,
    SegmentationSettings,
    TumorInteraction,
    segmentTumor,
)

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"


@dataclass(frozen=True)
class Case:
    """A volume with the true mask of what is to be outlined in it."""

    name: str
    target: str
    image: sitk.Image
    truth: np.ndarray
    sequence: MrSequence

    @property
    def spacing(self) -> np.ndarray:
        """Return the spacing in array order."""
        return np.array(self.image.GetSpacing()[::-1])


def loadCases() -> list[Case]:
    """Return the labeled cases: whole tumor (WT) on FLAIR, tumor core (TC) on T1c."""
    cases = []
    for folder in sorted((DATA / "brats18").glob("Brats18_*")):
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"{folder.name}_seg.nii.gz")))
        short = folder.name.split("_", 1)[1].rsplit("_", 1)[0]
        for target, file, sequence, members in (
            ("WT", "flair", MrSequence.flair, (1, 2, 4)),
            ("TC", "t1ce", MrSequence.t1c, (1, 4)),
        ):
            image = sitk.ReadImage(str(folder / f"{folder.name}_{file}.nii.gz"), sitk.sitkFloat32)
            cases.append(Case(short, target, image, np.isin(labels, members), sequence))
    for name in ("head-a", "head-b"):
        folder = DATA / "head-sim" / name
        labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "truth_tumor_mr.nrrd")))
        image = sitk.ReadImage(str(folder / "mr_t1c.nrrd"), sitk.sitkFloat32)
        cases.append(Case(name, "TC", image, np.isin(labels, (1, 4)), MrSequence.t1c))
    return cases


def outlined(case: Case, method: SegmentationMethod, **pointed: object) -> tuple[np.ndarray, float, tuple[str, ...]]:
    """Return the mask, CPU seconds and warnings; an empty mask and the refusal where the method refuses."""
    settings = SegmentationSettings(method=method, sequences=(case.sequence,))
    began = time.process_time()
    try:
        result = segmentTumor([case.image], TumorInteraction(**pointed), settings)
    except ValueError as error:
        return np.zeros(case.truth.shape, bool), time.process_time() - began, (f"refused: {error}",)
    return sitk.GetArrayFromImage(result.labelImage) != 0, time.process_time() - began, result.warnings
