"""A run's results evaluated: the MRI resampled, the tumor measured, the fusion scored."""

from dataclasses import dataclass, replace

import SimpleITK as sitk

from ..Fusion.Fusion import FusionResult
from ..Fusion.Metrics import scoreTable
from ..Images.Resampling import resampleImage
from ..Progress import Progress, report, subProgress
from ..Registration.RegistrationResult import RegistrationResult
from ..Tumor.TumorMeasurements import measureTumor
from ..Tumor.TumorSegmentation import TumorResult
from .RunDocument import MeasuredTumor, Provenance, ResultKind, RunDocument, RunImages, ScoredFusion


@dataclass(frozen=True, eq=False)
class RunSteps:
    """What the steps of a run gave, all in the CT's own coordinates, LPS millimeters.

    :param movingImage: the MRI in its own coordinates.
    :param worldToMoving: maps points of the CT to points of the MRI; None is the identity.
    :param tumor: with its labels in the CT's coordinates; None where nothing was outlined.
    :param scoresInFull: score the fusion by all measures instead of the task measures alone.
    """

    fixedImage: sitk.Image
    movingImage: sitk.Image
    worldToMoving: sitk.Transform | None
    registration: RegistrationResult
    fusion: FusionResult
    tumor: TumorResult | None
    provenance: Provenance
    scoresInFull: bool = False


def evaluateRun(steps: RunSteps, progress: Progress | None = None) -> RunDocument:
    """Return the document of a run: the registration's errors looked at from the tumor, with the images it is about."""
    report(progress, 0.0, "Resampling the MRI")
    registeredImage = resampleImage(
        steps.movingImage, steps.fixedImage, steps.worldToMoving, steps.provenance.interpolation
    )
    report(progress, 0.4, "Measuring")
    tumor = _measuredTumor(steps, registeredImage)
    registration = steps.registration if tumor is None else steps.registration.withTarget(tumor.centroid)
    images = (steps.fixedImage, registeredImage, steps.fusion.image)
    scores = scoreTable(*images, steps.fusion.settings, subProgress(progress, 0.5, 1.0), steps.scoresInFull)
    return RunDocument(
        ResultKind.run,
        steps.provenance,
        registration,
        ScoredFusion(steps.fusion, scores),
        tumor,
        images=RunImages(steps.fixedImage, registeredImage),
    )


def _measuredTumor(steps: RunSteps, registeredImage: sitk.Image) -> MeasuredTumor | None:
    tumor = steps.tumor
    if tumor is None:
        return None
    images = {"CT": steps.fixedImage, "MRI": registeredImage}
    if steps.fusion.image.GetNumberOfComponentsPerPixel() == 1:
        images["fused"] = steps.fusion.image
    measured = measureTumor(
        tumor.labelImage,
        images,
        ct=steps.fixedImage,
        segments=tumor.allSegments,
        cavity=tumor.cavity,
        second=tumor.second,
    )
    return MeasuredTumor(replace(tumor, cavity=None), measured)  # the cavity has served
