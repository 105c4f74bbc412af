"""The labeled cases of the outlines' benchmark, in two halves: DEV for decisions, TEST for reporting only."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.MrSequence import MrSequence

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
HALVES = ("dev", "test")


@dataclass(frozen=True)
class OutlineCase:
    """A volume with the true mask of what is to be outlined in it.

    :param name: of set, patient and target.
    :param kind: "stripped" or "whole".
    :param target: WT for the whole tumor on FLAIR, TC for the core on T1c.
    """

    name: str
    kind: str
    target: str
    image: sitk.Image
    truth: np.ndarray
    sequence: MrSequence

    @property
    def spacing(self) -> np.ndarray:
        """Return the spacing in array order."""
        return np.array(self.image.GetSpacing()[::-1])


def outlineCases(half: str, kinds: tuple[str, ...] = ("stripped", "whole")) -> Iterator[OutlineCase]:
    """Yield the cases of a half: of each set's sorted names every second, DEV from the first on, TEST from the second.

    The split was fixed before the first change. Single volumes are loaded as they come.
    """
    start = HALVES.index(half)
    if "stripped" in kinds:
        for folder in sorted((DATA / "brats18").glob("Brats18_*"))[start::2]:
            yield from _gliomaCases(folder)
    if "whole" in kinds:
        for folder in sorted((DATA / "lgg").glob("lgg_*"))[start::2]:
            image = sitk.ReadImage(str(folder / "flair.nii.gz"), sitk.sitkFloat32)
            truth = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / "truth.nii.gz"))) > 0
            yield OutlineCase(folder.name, "whole", "WT", image, truth, MrSequence.flair)


def _gliomaCases(folder: Path) -> Iterator[OutlineCase]:
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(folder / f"{folder.name}_seg.nii.gz")))
    for target, file, sequence, members in (
        ("WT", "flair", MrSequence.flair, (1, 2, 4)),
        ("TC", "t1ce", MrSequence.t1c, (1, 4)),
    ):
        image = sitk.ReadImage(str(folder / f"{folder.name}_{file}.nii.gz"), sitk.sitkFloat32)
        yield OutlineCase(f"{folder.name} {target}", "stripped", target, image, np.isin(labels, members), sequence)
