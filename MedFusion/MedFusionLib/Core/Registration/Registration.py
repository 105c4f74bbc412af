"""Registration from landmarks, images or both, to a transform that says how wrong it is."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import imageBounds, imageCenter
from ..Images.Transforms import Pose, TransformModel, matrixTransform
from ..Landmarks.LandmarkAdvice import bodySurface
from ..Landmarks.LandmarkEvidence import LandmarkEvidence, weighLandmarks
from ..Landmarks.LandmarkList import LandmarkList
from ..Landmarks.LandmarkPairing import PairedLandmarks, Pairing, pairLandmarks
from ..Progress import Progress, report, subProgress
from ..Verdict import Judgment, Verdict
from .AutoStart import findStart
from .EvidenceWeighing import contradictsImages, imageError, landmarkError, weighEvidence
from .GivenTransform import evaluateTransform
from .ImageChecks import ImageDoubts
from .ImageEvidence import ImageEvidence
from .ImageJudgment import judgeImages
from .Overlap import checkOverlap
from .PoseCheck import PoseCheck, checkLandmarkPose
from .PoseCovariance import TargetError
from .Refinement import refinePose
from .RegistrationResult import RegistrationResult
from .SliceRegistration import isSingleSlice, registerSlices


@dataclass(frozen=True)
class RegistrationSettings:
    """Choose how landmarks are paired, what transform they may give, and whether the images take part.

    :param refine: follow the landmarks (or the automatic start) by mutual information of the images.
    :param start: where the images are followed from without landmarks, instead of a search for it.
    :param given: a transform to be kept as it is; landmarks and images only tell how far it is off.
    :param auto: need no landmarks; those given only tell how far they are from the result.
    """

    model: TransformModel = TransformModel.rigid
    pairing: Pairing = Pairing.label
    refine: bool = False
    auto: bool = False
    start: Pose | None = None
    given: sitk.Transform | None = None

    def __post_init__(self) -> None:
        if self.refine and self.model not in (TransformModel.rigid, TransformModel.affine):
            raise ValueError(f"Refinement is rigid or affine, not '{self.model.value}'; choose one of those models.")
        if self.auto and self.model is not TransformModel.rigid:
            raise ValueError(f"Without landmarks registration is rigid, not '{self.model.value}'.")


@dataclass(frozen=True, eq=False)
class _Finding:
    """Hold a transform, how uncertain it is, what the images say, what is doubtful about it, and what to know."""

    transform: sitk.Transform
    error: TargetError | None
    images: ImageEvidence | None = None
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def registerLandmarks(
    fixed: LandmarkList | None,
    moving: LandmarkList | None,
    settings: RegistrationSettings | None = None,
    fixedImage: sitk.Image | None = None,
    movingImage: sitk.Image | None = None,
    target: np.ndarray | None = None,
    progress: Progress | None = None,
) -> RegistrationResult:
    """Return the transform from fixed to moving points, and its errors.

    :param fixedImage: with movingImage, both images are checked for overlap, and refined if the settings say so.
    :param target: the fixed point (3,), LPS millimeters, where the error matters, such as the tumor's centroid; the
        centroid of the landmarks if None.
    """
    settings = settings or RegistrationSettings()
    report(progress, 0.0, "Registering")
    images = None if fixedImage is None or movingImage is None else (fixedImage, movingImage)
    if images is not None and (settings.refine or settings.auto) and any(isSingleSlice(image) for image in images):
        raise ValueError("Single slices are registered by landmarks alone; place at least 3 pairs.")
    if images is not None and settings.given is not None:
        result = evaluateTransform(settings.given, *images, fixed, moving, settings.pairing, progress)
        return result if target is None else result.withTarget(target)
    if images is None and (settings.refine or settings.auto):
        raise ValueError("Refinement and registration without landmarks need both images; choose them.")
    if images is not None and settings.auto:
        return _registerWithoutLandmarks(fixed, moving, settings, *images, target, progress)
    if fixed is None or moving is None:
        raise ValueError("Registration needs landmarks in both images; place at least 3 pairs or let it start alone.")
    bounds = imageBounds(fixedImage) if fixedImage is not None else None
    pairs = pairLandmarks(fixed, moving, settings.pairing)
    if images is not None and all(isSingleSlice(image) for image in images):
        result = registerSlices(pairs, settings.model, *images)
        return result if target is None else result.withTarget(target)
    evidence = weighLandmarks(pairs, settings.model, bounds)
    check = _checkPose(*images, pairs) if images is not None else PoseCheck()
    if images is not None and settings.refine and check.repaired is None:
        part = subProgress(progress, 0.05, 0.95)
        found = _followImages(evidence, settings.model, *images, part)
    else:
        other = None if check.repaired is None else ImageEvidence(check.repaired, accepted=False)
        found = _Finding(evidence.transform, landmarkError(evidence, other), other)
    overlap = _overlapOf(*images, found.transform, check) if images is not None else None
    report(progress, 0.98, "Registered")
    body = bodySurface(fixedImage) if fixedImage is not None else None
    doubts = tuple(dict.fromkeys((*check.doubts, *evidence.doubts(), *found.doubts)))
    result = RegistrationResult(
        transform=found.transform,
        model=settings.model,
        pairs=pairs,
        landmarks=evidence,
        images=found.images,
        repaired=check.repaired,
        error=found.error,
        verdict=_verdict(doubts),
        warnings=_warningsOf(evidence, () if settings.refine else _growth(evidence, body, target), doubts, found.notes),
        overlap=overlap,
        target=None if target is None else np.asarray(target, dtype=float),
        body=body,
    )
    report(progress, 1.0, "Registered")
    return result


def _checkPose(fixedImage: sitk.Image, movingImage: sitk.Image, pairs: PairedLandmarks) -> PoseCheck:
    """Return what the images say about the landmarks; nothing where one is flat or the landmarks fit no rigid pose."""
    try:
        return checkLandmarkPose(fixedImage, movingImage, weighLandmarks(pairs, TransformModel.rigid))
    except ValueError:
        return PoseCheck()


def _overlapOf(fixedImage: sitk.Image, movingImage: sitk.Image, transform: sitk.Transform, check: PoseCheck) -> float:
    try:
        return checkOverlap(fixedImage, movingImage, transform)
    except ValueError as error:
        raise (ValueError(check.doubts[0]) if check.doubts else error) from error


def _growth(evidence: LandmarkEvidence, body: np.ndarray | None, target: np.ndarray | None) -> list[str]:
    if target is not None:
        return evidence.growthWarning(np.atleast_2d(target), "at the tumor")
    return evidence.growthWarning(body, "at the far side of the body")


def _warningsOf(evidence: LandmarkEvidence, *further: Sequence[str]) -> tuple[str, ...]:
    """Return each sentence once."""
    return tuple(dict.fromkeys((*evidence.warnings(), *itertools.chain(*further))))


def _verdict(doubts: Sequence[str]) -> Verdict:
    return Verdict(Judgment.doubtful, tuple(doubts)) if doubts else Verdict(Judgment.confirmed)


def _followImages(
    evidence: LandmarkEvidence,
    model: TransformModel,
    fixedImage: sitk.Image,
    movingImage: sitk.Image,
    progress: Progress | None,
) -> _Finding:
    """Return where landmarks and images lead together, or the landmarks where the images contradict them."""
    isAffine = model is TransformModel.affine
    refined = refinePose(fixedImage, movingImage, evidence.pose, isAffine, subProgress(progress, 0.0, 0.6))
    refusal = refined.whyRefused()
    if refusal:
        images = ImageEvidence(refined.pose, refined.similarityBefore, refined.similarityAfter, accepted=False)
        return _Finding(evidence.transform, landmarkError(evidence), images, (refusal,))
    center = evidence.pairs.fixedPoints.mean(axis=0)
    if isAffine:  # parts of the images share the bias of their scale and shear and cannot tell how large it is
        images, checks = ImageEvidence(refined.pose, refined.similarityBefore, refined.similarityAfter), ImageDoubts()
    else:
        images, checks = judgeImages(fixedImage, movingImage, refined, subProgress(progress, 0.6, 1.0))
    doubts, notes = (*checks.refusals, *checks.doubts), checks.notes
    if contradictsImages(evidence, images):
        warning = (
            f"Refinement would move the landmarks by {evidence.distance(refined.pose):.1f} mm, more than their own "
            "error allows, so the landmark registration was kept: the landmarks, the refinement or the geometry of the "
            "MRI is wrong, or tissue moved between the scans. The expected error includes that distance; look at the "
            "edges."
        )
        error = landmarkError(evidence, images)
        return _Finding(evidence.transform, error, replace(images, accepted=False), (warning, *doubts), notes)
    weighed = weighEvidence(evidence, images)
    pose, error = (images.pose, landmarkError(evidence, images)) if weighed is None else weighed
    return _Finding(_transformOf(pose, model, center), error, images, doubts, notes)


def _transformOf(pose: Pose, model: TransformModel, center: np.ndarray) -> sitk.Transform:
    return matrixTransform(pose.matrix, pose.offset, center, model)


def _registerWithoutLandmarks(
    fixed: LandmarkList | None,
    moving: LandmarkList | None,
    settings: RegistrationSettings,
    fixedImage: sitk.Image,
    movingImage: sitk.Image,
    target: np.ndarray | None,
    progress: Progress | None,
) -> RegistrationResult:
    """Return the transform that the images alone give; landmarks, if given, only measure it."""
    start = settings.start or findStart(fixedImage, movingImage, subProgress(progress, 0.0, 0.6)).pose
    refined = refinePose(fixedImage, movingImage, start, False, subProgress(progress, 0.6, 0.8))
    images, checks = judgeImages(fixedImage, movingImage, refined, subProgress(progress, 0.8, 0.98))
    if checks.refusals:
        raise RuntimeError(f"{checks.refusals[0]} Without landmarks that is not safe; place at least 3 landmark pairs.")
    doubts, notes = checks.doubts, checks.notes
    transform = _transformOf(refined.pose, TransformModel.rigid, imageCenter(fixedImage))
    result = RegistrationResult(
        transform=transform,
        model=TransformModel.rigid,
        images=images,
        error=imageError(images),
        verdict=_verdict(doubts),
        overlap=checkOverlap(fixedImage, movingImage, transform),
        target=None if target is None else np.asarray(target, dtype=float),
        body=bodySurface(fixedImage),
    )
    report(progress, 1.0, "Registered")
    if fixed is None or moving is None or not fixed.usedIndices or not moving.usedIndices:
        warning = "Registered by the images alone; no landmark confirms the result, so look at the edges."
        return replace(result, warnings=(warning, *doubts, *notes))
    pairs = pairLandmarks(fixed, moving, settings.pairing)
    try:
        evidence = weighLandmarks(pairs, TransformModel.rigid)
    except ValueError as error:
        warning = f"The landmarks cannot confirm the result of the images: {error}"
        return replace(result, pairs=pairs, warnings=(*pairs.notes, warning, *doubts, *notes))
    uncertainty = result.error
    if contradictsImages(evidence, images):
        warning = (
            f"Images and landmarks put the MRI {evidence.distance(refined.pose):.1f} mm apart, more than the "
            "landmarks' own error allows: the landmarks, the images' alignment or the geometry of the MRI is wrong, or "
            "tissue moved between the scans. The expected error includes that distance; look at the edges."
        )
        doubts, uncertainty = (warning, *doubts), imageError(images, evidence)
    doubts = tuple(dict.fromkeys((*evidence.doubts(), *doubts)))
    return replace(
        result,
        pairs=pairs,
        landmarks=evidence,
        error=uncertainty,
        verdict=_verdict(doubts),
        warnings=_warningsOf(evidence, doubts, notes),
    )
