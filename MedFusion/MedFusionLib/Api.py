"""The steps of MedFusion for a script or a notebook: SimpleITK images and numpy points in, results out.

Points are LPS millimeters of the images' world, as SimpleITK gives them; Slicer shows RAS, whose first two
coordinates have the other sign. The CT is the fixed image and the MRI the moving one. No Slicer is needed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from .Core.Fusion.Fusion import FusionGeometry, FusionResult, fuseVolumes
from .Core.Fusion.Settings import FusionSettings
from .Core.Images.Resampling import resampleImage
from .Core.Images.Transforms import TransformModel
from .Core.Landmarks.LandmarkList import LandmarkList
from .Core.Progress import Progress
from .Core.Registration.Registration import RegistrationSettings, registerLandmarks
from .Core.Registration.RegistrationResult import RegistrationResult
from .Core.Results import FileNames
from .Core.Results.RunFolder import readDocument
from .Core.Tumor.TumorMeasurements import TumorMeasurements, measureTumor
from .Core.Tumor.TumorSegmentation import (
    SegmentationMethod,
    SegmentationSettings,
    TumorInteraction,
    TumorResult,
    segmentTumor,
)


def register(
    ct: sitk.Image,
    mri: sitk.Image,
    ctPoints: Mapping[str, Sequence[float]] | None = None,
    mriPoints: Mapping[str, Sequence[float]] | None = None,
    model: str = "rigid",
    refine: bool = False,
    target: Sequence[float] | None = None,
    progress: Progress | None = None,
) -> RegistrationResult:
    """Return the transform from CT points to MRI points and what is known about its error.

    :param ctPoints: landmarks by name, each (3,), LPS millimeters of the CT; without landmarks the images alone decide.
    :param mriPoints: the same landmarks in the MRI, by the same names.
    :param model: "rigid", "similarity", "affine" or "tps".
    :param refine: follow the landmarks by mutual information of the images.
    :param target: where the error matters, (3,), LPS millimeters of the CT.
    :raises ValueError: if the landmarks or the images do not determine a transform.

    Fitzpatrick, West, Maurer 1998, doi:10.1109/42.736021 (errors).
    """
    settings = RegistrationSettings(TransformModel(model), refine=refine, auto=not (ctPoints or mriPoints))
    lists = (_landmarks(ctPoints, "CT landmarks"), _landmarks(mriPoints, "MRI landmarks"))
    place = None if target is None else np.asarray(target, dtype=float)
    return registerLandmarks(*lists, settings, ct, mri, place, progress)


def _landmarks(points: Mapping[str, Sequence[float]] | None, name: str) -> LandmarkList | None:
    if not points:
        return None
    return LandmarkList(tuple(points), np.array([points[label] for label in points], dtype=float), name=name)


def resample(image: sitk.Image, onto: sitk.Image, transform: sitk.Transform) -> sitk.Image:
    """Return an image on another one's grid, linearly interpolated.

    :param transform: maps points of `onto` to points of the image, LPS millimeters, as a registration gives it.
    """
    return resampleImage(image, onto, transform)


def fuse(
    ct: sitk.Image,
    mri: sitk.Image,
    transform: sitk.Transform | None = None,
    settings: FusionSettings | None = None,
    progress: Progress | None = None,
) -> FusionResult:
    """Return one volume on the CT's grid with the bone of the CT and the soft tissue of the MRI.

    :param transform: maps CT points to MRI points, LPS millimeters; None where both lie on each other already.
    :raises ValueError: if the images do not overlap or hold nothing to fuse.
    """
    return fuseVolumes(ct, [mri], settings, FusionGeometry([transform]), progress)


def segment(
    mri: sitk.Image,
    lines: Sequence[Sequence[Sequence[float]]] | None = None,
    seeds: Sequence[Sequence[float]] | None = None,
    progress: Progress | None = None,
) -> TumorResult:
    """Return the outline of a tumor on the MRI's grid, with a second method's opinion of it.

    :param lines: both ends of the longest diameter of each lesion, shape (M, 2, 3), LPS millimeters of the MRI.
    :param seeds: a point inside each lesion instead, shape (N, 3); with neither the outline is automatic.
    :raises ValueError: if nothing can be outlined there.
    """
    interaction = TumorInteraction(
        seeds=None if seeds is None else np.asarray(seeds, dtype=float),
        lines=None if lines is None else np.asarray(lines, dtype=float),
    )
    method = SegmentationMethod.automatic
    if lines is not None or seeds is not None:
        method = SegmentationMethod.click if lines is None else SegmentationMethod.line
    return segmentTumor([mri], interaction, SegmentationSettings(method), progress=progress)


def measure(labels: sitk.Image, images: Mapping[str, sitk.Image] | None = None) -> TumorMeasurements:
    """Return volume (ml), diameters (mm) and bidimensional product (mm2) of each label and each lesion.

    :param labels: integer labels, 0 is background.
    :param images: images by name whose intensities inside are wanted, on any grid in the same world.
    """
    return measureTumor(labels, dict(images or {}))


@dataclass(frozen=True)
class Run:
    """The results that a run has written.

    :param document: what measurements.json says, key by key as Docs/measurements.schema.json describes it.
    :param transform: maps CT points to MRI points, LPS millimeters.
    """

    folder: Path
    document: dict[str, object]
    transform: sitk.Transform
    registeredMri: sitk.Image
    fused: sitk.Image


def openRun(folder: str | Path) -> Run:
    """Return the results of `medfusion run` from its folder.

    :raises ValueError: if it is no result folder of a run.
    """
    folder = Path(folder)
    document = readDocument(folder)
    for name in (FileNames.TRANSFORM, FileNames.REGISTERED_MRI, FileNames.FUSED):
        if not (folder / name).is_file():
            raise ValueError(f"{folder} is not the result folder of a run: {name} is missing.")
    volumes = [sitk.ReadImage(str(folder / name)) for name in (FileNames.REGISTERED_MRI, FileNames.FUSED)]
    return Run(folder, document, sitk.ReadTransform(str(folder / FileNames.TRANSFORM)), *volumes)
