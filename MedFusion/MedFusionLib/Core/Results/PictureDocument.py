"""Everything that is said about pictures: registered in the plane, fused, outlined and measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

import SimpleITK as sitk

from ..Landmarks.PlaneFit import PlaneFit
from ..Tumor.PlaneMeasurements import PlaneMeasurements
from ..Tumor.TumorSegmentation import TumorResult
from .MeasurementsFile import versions
from .Recipe import InputFile
from .RunDocument import SCHEMA_VERSION, ResultKind, ScoredFusion

# What a run of volumes says and a picture cannot; said instead of left out in silence.
DOES_NOT_APPLY = (
    "volume in ml, depth below the skull and sphericity (a picture is one slice)",
    "right and left of the patient (a picture does not say them)",
    "Hounsfield units (a picture shows them in gray levels)",
    "alignment by the images and its error (only landmarks align pictures)",
    "DICOM objects and patient data (a picture has none)",
)
_COLUMNS = (("area", "2"), ("longest_diameter", ""), ("perpendicular_diameter", ""), ("bidimensional_product", "2"))


@dataclass(frozen=True, eq=False)
class PlaneRegistration:
    """How the MRI's picture was brought to the CT's.

    :param labels: names of the landmarks, in the order of the fit's points.
    :param target: place (2,), column and row, where the error matters, such as the tumor's middle; None for none.
    """

    fit: PlaneFit
    labels: tuple[str, ...]
    pixelMm: float | None = None
    target: tuple[float, float] | None = None

    def measurements(self) -> dict[str, object]:
        """Return it as JSON types; lengths in mm are None where the size of a pixel is unknown."""
        fit = self.fit
        lengths = {
            "fre": fit.fre,
            "fle": fit.fle,
            "tre_at_landmarks_center": fit.expectedError(fit.center),
            "tre_at_tumor": None if self.target is None else fit.expectedError(self.target),
        }
        measured: dict[str, object] = {"model": fit.model.value, **fit.verdict.measurements()}
        measured["landmarks"] = len(self.labels)
        for name, value in lengths.items():
            measured[f"{name}_px"] = value
            measured[f"{name}_mm"] = None if value is None or self.pixelMm is None else value * self.pixelMm
        measured["residuals_px"] = dict(zip(self.labels, fit.residuals.tolist(), strict=True))
        return measured


@dataclass(frozen=True, eq=False)
class PlaneTumor:
    """A tumor outlined in a picture, with its measures."""

    result: TumorResult
    measured: PlaneMeasurements

    def measurements(self) -> dict[str, object]:
        """Return it as JSON types."""
        return self.measured.measurements() | self.result.verdict.measurements()


@dataclass(frozen=True, eq=False)
class PictureDocument:
    """What one command found in pictures; a part that it did not make is None.

    :param names: of the CT's and the MRI's picture, for people.
    :param parameters: for each step, its settings by name.
    :param fixed: the CT's picture as one slice, and the MRI's on its pixels.
    """

    names: tuple[str, str]
    fixed: sitk.Image
    registered: sitk.Image
    registration: PlaneRegistration
    fusion: ScoredFusion | None = None
    tumor: PlaneTumor | None = None
    pixelMm: float | None = None
    inputs: tuple[InputFile, ...] = ()
    parameters: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    created: datetime = field(default_factory=lambda: datetime.now().astimezone())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return a sentence for everything to be wary of, each once."""
        fusion = self.fusion.result.warnings if self.fusion is not None else ()
        tumor = self.tumor.result.warnings if self.tumor is not None else ()
        return tuple(dict.fromkeys((*self.registration.fit.verdict.reasons, *self.notes, *fusion, *tumor)))

    @property
    def versions(self) -> dict[str, str]:
        """Return the versions of what the result depends on."""
        return versions()

    def measurements(self) -> dict[str, object]:
        """Return it as JSON types, as Docs/measurements.schema.json describes them."""
        return {
            "schema_version": SCHEMA_VERSION,
            "kind": ResultKind.pictures.value,
            "created": self.created.isoformat(timespec="seconds"),
            "pixel_mm": self.pixelMm,
            "plane_registration": self.registration.measurements(),
            **({} if self.fusion is None else {"fusion": self.fusion.measurements()}),
            "plane_tumor": self.tumor.measurements() if self.tumor is not None else None,
            "does_not_apply": list(DOES_NOT_APPLY),
            "warnings": list(self.warnings),
            "versions": self.versions,
            "inputs": {item.role: item.measurements() for item in self.inputs},
            "parameters": {step: dict(values) for step, values in self.parameters.items()},
        }


def pictureTable(tumor: PlaneTumor | None) -> str:
    """Return the lesions of a picture as comma-separated values, one row each, units in the header."""
    measured = [] if tumor is None else [(each, tumor.measured.pixelMm) for each in tumor.measured.lesions]
    names = [f"{name}_{unit}" for name, power in _COLUMNS for unit in (f"px{power}", f"mm{power}")]
    lines = [",".join(("lesion", *names, "centroid_column_px", "centroid_row_px"))]
    for number, (lesion, pixelMm) in enumerate(measured, start=1):
        row = lesion.measurements(pixelMm)
        values = [*(row[name] for name in names), *lesion.centroid.tolist()]
        lines.append(",".join((str(number), *("" if value is None else f"{value:.2f}" for value in values))))
    return "\n".join(lines) + "\n"
