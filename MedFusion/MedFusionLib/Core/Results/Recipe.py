"""What went into a result and what its steps were told, so that it can be made again."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from enum import Enum
from pathlib import Path

from ..Fusion.Settings import FusionSettings
from ..Images.Coordinates import flipPoints
from ..Images.Resampling import Interpolation
from ..Images.Transforms import TransformModel
from ..Inputs.VolumeFiles import VolumeFile, fileChecksum
from ..Registration.Registration import RegistrationSettings
from ..Tumor.TumorModels import ModelSettings
from ..Tumor.TumorSegmentation import SegmentationSettings, TumorInteraction


@dataclass(frozen=True)
class InputFile:
    """What went into a run: as what, its name without the folder, the SHA-256 of the files read, the DICOM series."""

    role: str
    name: str
    sha256: str
    series: str = ""

    def measurements(self) -> dict[str, str]:
        """Return it for measurements.json, without what is empty."""
        values = {"file": self.name, "sha256": self.sha256, "series_uid": self.series}
        return {key: value for key, value in values.items() if value}


def readFiles(inputs: Mapping[str, str], volumes: Mapping[str, VolumeFile]) -> tuple[InputFile, ...]:
    """Return what was read, by role: of a volume all its files, which can be more or fewer than the path names."""
    described = []
    for role, path in inputs.items():
        volume = volumes.get(role)
        series = volume.dicom.header.uid if volume is not None and volume.dicom is not None else ""
        files = volume.files if volume is not None else (path,)
        described.append(InputFile(role, Path(path).name or Path(path).resolve().name, fileChecksum(*files), series))
    return tuple(described)


def registrationRecipe(settings: RegistrationSettings) -> dict[str, str]:
    """Return what the registration was told, as strings for the reader of a result."""
    recipe = {"model": settings.model.value, "refine": str(settings.refine), "auto": str(settings.auto)}
    return recipe if settings.auto else recipe | {"pairing": settings.pairing.value}


def inputsRecipe(series: Sequence[str], acceptIdentity: bool) -> dict[str, str]:
    """Return how the inputs were chosen, as strings for the reader of a result."""
    recipe = {"series": ", ".join(series)} if series else {}
    return recipe | {"acceptIdentity": str(acceptIdentity)}


def interactionRecipe(interaction: TumorInteraction) -> dict[str, str]:
    """Return where the tumor was pointed at, RAS millimeters as the command line takes them."""
    recipe = {}
    for name, points in (("tumorSeed", interaction.seeds), ("line", interaction.lines)):
        if points is not None:
            flat = flipPoints(points.reshape(-1, 3)).reshape(len(points), -1) + 0.0  # no -0
            recipe[name] = "; ".join(",".join(f"{value:.6g}" for value in row) for row in flat)
    return recipe


def parametersOf(
    model: TransformModel,
    interpolation: Interpolation,
    fusion: FusionSettings | None = None,
    tumor: SegmentationSettings | None = None,
    told: Mapping[str, Mapping[str, str]] | None = None,
) -> dict[str, dict[str, str]]:
    """Return the settings of each step by name, as strings for the reader of a result.

    :param told: for each step, what it was told besides.
    """
    parameters = {"registration": {"model": model.value, "interpolation": interpolation.value}}
    if fusion is not None:
        parameters["fusion"] = fusion.usedSettings()
    if tumor is not None:
        parameters["tumor"] = {item.name: _plain(getattr(tumor, item.name)) for item in fields(tumor)}
    for step, values in (told or {}).items():
        parameters[step] = parameters.get(step, {}) | dict(values)
    return {step: values for step, values in parameters.items() if values}


def _plain(value: object) -> str:
    if isinstance(value, ModelSettings):
        return Path(value.path).name  # where it lies is nobody's business
    if isinstance(value, tuple):
        return ", ".join(_plain(item) for item in value)
    return str(value.value if isinstance(value, Enum) else value)
