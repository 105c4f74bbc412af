"""Two runs of one patient at different times, aligned and compared."""

from dataclasses import dataclass

import numpy as np

from ..Dicom.Inspection import differingFields
from ..FollowUp.FollowUp import FollowUp, TumorState, compareTumors, largestLesionCenter
from ..FollowUp.RigidAlignment import RigidAlignment, alignRigidly
from ..Images.Transforms import TransformModel
from ..Inputs.VolumeFiles import fileChecksum
from ..Progress import Progress, subProgress
from ..Tumor.TumorMeasurements import measureTumor
from . import FileNames
from .Comparability import comparabilityNotes
from .Recipe import InputFile
from .RunFolder import RunFolder


@dataclass(frozen=True, eq=False)
class Comparison:
    """The change between two runs.

    :param runs: the earlier and the later one.
    :param centers: of each one's largest lesion (3,), LPS millimeters, each in its own frame.
    """

    runs: tuple[RunFolder, RunFolder]
    centers: tuple[np.ndarray, np.ndarray]
    alignment: RigidAlignment
    followUp: FollowUp

    @property
    def days(self) -> int | None:
        """Return the days between the two studies, None if unknown."""
        return _daysBetween(self.runs)

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return a sentence for everything to be wary of."""
        comparability = comparabilityNotes(self.runs, self.alignment.similarity)
        return (*comparability, *_modelWarnings(self.runs), *self.alignment.warnings, *self.followUp.warnings)

    def measurements(self) -> dict[str, object]:
        """Return it for comparison.json."""
        alignment = {"error_mm": self.alignment.errorMm, "similarity": self.alignment.similarity}
        return {"change": self.followUp.measurements(), "days": self.days, "alignment": alignment}

    def inputs(self) -> tuple[InputFile, ...]:
        """Return what was read of both runs."""
        return tuple(
            InputFile(f"{role} {name}", f"{run.name}/{name}", fileChecksum(run.folder / name))
            for role, run in zip(("first", "second"), self.runs, strict=True)
            for name in FileNames.COMPARED_FILES
        )


def compareRuns(runs: tuple[RunFolder, RunFolder], progress: Progress | None = None) -> Comparison:
    """Return the change from the first run to the second, aligned rigidly by the images around the tumors."""
    first, second = runs
    centers = (largestLesionCenter(first.tumor), largestLesionCenter(second.tumor))
    alignment = alignRigidly(
        first.mri, second.mri, first.tumor, second.tumor, centers[0], subProgress(progress, 0.0, 0.7)
    )
    before, after = (TumorState(run.outline.labelImage, run.outline.allSegments, _relativeError(run)) for run in runs)
    followUp = compareTumors(before, after, alignment, subProgress(progress, 0.7, 1.0))
    return Comparison(runs, centers, alignment, followUp)


def _relativeError(run: RunFolder) -> float:
    """Return by how much a run says that its outline's volume is uncertain besides its voxels, as a share of it."""
    tumor = run.document["tumor"]
    volume, error = (
        tumor.get(key) if isinstance(tumor, dict) else None for key in ("volume_ml", "volume_uncertainty_ml")
    )
    if not (isinstance(volume, (int, float)) and isinstance(error, (int, float)) and volume > 0):
        return 0.0
    measured = measureTumor(run.outline.labelImage, segments=run.outline.allSegments).total
    share = (error / volume) ** 2 - (measured.volumeUncertaintyMl / measured.volumeMl) ** 2
    return float(np.sqrt(max(share, 0.0)))


def identityConflicts(runs: tuple[RunFolder, RunFolder]) -> tuple[str, ...]:
    """Return a sentence for each field of the headers that says that the runs are of two patients."""
    first, second = runs
    return tuple(
        f"The {title} differs: {a} in {first.name}, {b} in {second.name}."
        for title, a, b in differingFields(first.identity, second.identity)
    )


def orderWarnings(runs: tuple[RunFolder, RunFolder]) -> tuple[str, ...]:
    """Return a sentence if the first run is of the later day."""
    days = _daysBetween(runs)
    if days is None or days >= 0:
        return ()
    first, second = runs
    return (f"{second.name} was made {-days} days before {first.name}; the change runs backward in time.",)


def _daysBetween(runs: tuple[RunFolder, RunFolder]) -> int | None:
    first, second = (run.studyDate for run in runs)
    return None if first is None or second is None else (second - first).days


def _modelWarnings(runs: tuple[RunFolder, RunFolder]) -> list[str]:
    """Return a warning for each run whose registration may have changed the size of the tumor."""
    return [
        f"{run.name} was registered with the {run.model} model, which can change the tumor's size itself."
        for run in runs
        if run.model != TransformModel.rigid.value
    ]
