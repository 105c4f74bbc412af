"""Everything that is said about a result, in one object that report, DICOM files, panel and JSON read."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum
from typing import TypeVar

import numpy as np
import SimpleITK as sitk

from ..Dicom.Series import DicomSeries
from ..Fusion.Fusion import FusionResult
from ..Images.Grids import imageCenter
from ..Images.Resampling import Interpolation
from ..Registration.RegistrationResult import RegistrationResult
from ..Tumor.LesionMeasurements import TumorMeasurements
from ..Tumor.TumorSegmentation import TumorResult
from .Comparison import Comparison
from .MeasurementsFile import DICOM_PACKAGES, versions
from .Recipe import InputFile, inputsRecipe, parametersOf

SCHEMA_VERSION = "1.0"  # of Docs/measurements.schema.json; the first number rises when a key changes its meaning

_Part = TypeVar("_Part")


class ResultKind(Enum):
    """Which command made a result."""

    run = "run"
    register = "register"
    compare = "compare"
    measure = "measure"
    pictures = "pictures"


def needed(part: _Part | None) -> _Part:
    """Return a part of a document for those who cannot do without it; the command that calls them made it."""
    if part is None:
        raise RuntimeError("This part of the result was not made.")
    return part


@dataclass(frozen=True, eq=False)
class Provenance:
    """Where a result comes from.

    :param names: of the fixed and the moving volume, for people.
    :param told: for each step, what it was told besides what its result knows.
    :param notes: what is to be warned of besides what the steps themselves warn of.
    :param dicom: the series that were read, by role; none where the inputs were other files.
    :param areSidesAssumed: whether the CT's file does not say where left and right are.
    :param identities: whose images they are where no series was read, by role, as `DicomSeries.identity` says it.
    """

    names: tuple[str, str]
    inputs: tuple[InputFile, ...] = ()
    interpolation: Interpolation = Interpolation.linear
    told: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dicom: Mapping[str, DicomSeries] = field(default_factory=dict)
    identities: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    writesDicom: bool = False
    areSidesAssumed: bool = False


@dataclass(frozen=True, eq=False)
class ScoredFusion:
    """A fused volume with its scores and those of plain copies of its sources, as `scoreTable` gives them."""

    result: FusionResult
    scores: Mapping[str, Mapping[str, float]]

    @property
    def isColor(self) -> bool:
        """Return whether the fused volume has a color instead of a value at each voxel."""
        return self.result.image.GetNumberOfComponentsPerPixel() > 1

    def measurements(self) -> dict[str, object]:
        """Return it for measurements.json."""
        settings = self.result.settings
        said: dict[str, object] = {
            "method": settings.method.value,
            "ct_changes": settings.showsCtChanges,
            "display_window": [*self.result.window],
        }
        copies = {name: dict(self.scores[name]) for name in ("copy_ct", "copy_mri") if name in self.scores}
        return said | dict(self.scores.get("fused", {})) | copies


@dataclass(frozen=True, eq=False)
class MeasuredTumor:
    """An outlined tumor, its labels in the CT's own coordinates, with its measurements."""

    result: TumorResult
    measured: TumorMeasurements

    @property
    def isAutomatic(self) -> bool:
        """Return whether nobody pointed at the tumor."""
        return self.result.settings.method.isAutomatic

    @property
    def centroid(self) -> np.ndarray:
        """Return the middle of all of it (3,), LPS millimeters."""
        return np.asarray(self.measured.total.centroid)

    def measurements(self) -> dict[str, object]:
        """Return it for measurements.json."""
        return self.measured.measurements() | self.result.verdict.measurements()


@dataclass(frozen=True, eq=False)
class RunImages:
    """The CT, and the MRI on its grid."""

    fixed: sitk.Image
    registered: sitk.Image


@dataclass(frozen=True, eq=False)
class RunDocument:
    """What one command found; a part that it did not make is None. All in the CT's own coordinates.

    :param images: large, so `withoutImages` lets go of them when the report is made.
    """

    kind: ResultKind
    provenance: Provenance
    registration: RegistrationResult | None = None
    fusion: ScoredFusion | None = None
    tumor: MeasuredTumor | None = None
    comparison: Comparison | None = None
    images: RunImages | None = None
    created: datetime = field(default_factory=lambda: datetime.now().astimezone())

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return a sentence for everything to be wary of, each once."""
        registration = self.registration.warnings if self.registration is not None else ()
        fusion = self.fusion.result.warnings if self.fusion is not None else ()
        tumor = self.tumor.result.warnings if self.tumor is not None else ()
        comparison = self.comparison.warnings if self.comparison is not None else ()
        return tuple(dict.fromkeys((*registration, *fusion, *self.provenance.notes, *tumor, *comparison)))

    @property
    def inputs(self) -> tuple[InputFile, ...]:
        """Return the files that it was made from."""
        return self.provenance.inputs

    @property
    def parameters(self) -> dict[str, dict[str, str]]:
        """Return the settings of each step by name."""
        source = self.provenance
        if self.registration is None:
            return {step: dict(values) for step, values in source.told.items()}
        fusion = self.fusion.result.settings if self.fusion is not None else None
        tumor = self.tumor.result.settings if self.tumor is not None else None
        return parametersOf(self.registration.model, source.interpolation, fusion, tumor, source.told)

    @property
    def versions(self) -> dict[str, str]:
        """Return the versions of what the result depends on."""
        return versions(*(DICOM_PACKAGES if self.provenance.dicom or self.provenance.writesDicom else ()))

    @property
    def identities(self) -> dict[str, dict[str, str]]:
        """Return whose images they are, by role, as far as it is known."""
        read = {role: series.identity() for role, series in self.provenance.dicom.items()}
        return {role: dict(values) for role, values in {**self.provenance.identities, **read}.items() if values}

    @property
    def center(self) -> np.ndarray:
        """Return where to look (3,), LPS millimeters: at the tumor, or at the middle of the CT where there is none."""
        if self.tumor is not None:
            return self.tumor.centroid
        return imageCenter(needed(self.images).fixed)

    def withoutImages(self) -> "RunDocument":
        """Return the same without the images."""
        return replace(self, images=None)

    def measurements(self) -> dict[str, object]:
        """Return it as JSON types, as Docs/measurements.schema.json describes them."""
        document: dict[str, object] = {
            "schema_version": SCHEMA_VERSION,
            "kind": self.kind.value,
            "created": self.created.isoformat(timespec="seconds"),
        }
        if self.registration is not None:
            document["registration"] = self.registration.measurements()
        if self.kind is ResultKind.run:
            document["fusion"] = self.fusion.measurements() if self.fusion is not None else None
        if self.kind in (ResultKind.run, ResultKind.measure):
            document["tumor"] = self.tumor.measurements() if self.tumor is not None else None
        if self.comparison is not None:
            document |= self.comparison.measurements()
        document |= {
            "warnings": list(self.warnings),
            "versions": self.versions,
            "inputs": {item.role: item.measurements() for item in self.provenance.inputs},
            "parameters": self.parameters,
        }
        return document | ({"dicom": self.identities} if self.identities else {})


def comparisonDocument(comparison: Comparison, notes: tuple[str, ...], acceptIdentity: bool) -> RunDocument:
    """Return the document of a comparison."""
    runs = dict(zip(("first", "second"), comparison.runs, strict=True))
    source = Provenance(
        names=(runs["first"].name, runs["second"].name),
        inputs=comparison.inputs(),
        told={"inputs": inputsRecipe((), acceptIdentity)},
        notes=notes,
        identities={role: run.identity for role, run in runs.items()},
    )
    return RunDocument(ResultKind.compare, source, comparison=comparison)
