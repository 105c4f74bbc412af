"""Registration from landmarks, images or both, to a transform that says how wrong it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import imageBounds
from ..Images.Transforms import Pose, TransformModel, matrixTransform
from ..Landmarks.LandmarkAdvice import bodySurface
from ..Landmarks.LandmarkEvidence import LandmarkEvidence, weighLandmarks
from ..Landmarks.LandmarkList import LandmarkList
from ..Landmarks.LandmarkPairing import Pairing, pairLandmarks
from ..Progress import Progress, report, subProgress
from ..Verdict import Judgement, Verdict
from .AutoStart import findStart
from .ImageEvidence import ImageEvidence
from .Overlap import checkOverlap
from .PoseCovariance import FitError, PoseCovariance, TargetError, covarianceOfFit, poseDifference
from .Refinement import RefinedPose, refinePose
from .RegistrationResult import RegistrationResult


@dataclass(frozen=True)
class RegistrationSettings:
    """Choose how landmarks are paired, what transform they may give, and whether the images take part.

    :param refine: follow the landmarks (or the automatic start) by mutual information of the images.
    :param auto: need no landmarks; those given only tell how far they are from the result.
    """

    model: TransformModel = TransformModel.rigid
    pairing: Pairing = Pairing.label
    refine: bool = False
    auto: bool = False

    def __post_init__(self):
        if self.refine and self.model not in (TransformModel.rigid, TransformModel.affine):
            raise ValueError(f"Refinement is rigid or affine, not '{self.model.value}'; choose one of those models.")
        if self.auto and self.model is not TransformModel.rigid:
            raise ValueError(f"Without landmarks registration is rigid, not '{self.model.value}'.")


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
    :param target: the fixed point (3,), LPS millimetres, where the error matters, such as the tumor's centroid; the
        centroid of the landmarks if None.
    """
    settings = settings or RegistrationSettings()
    report(progress, 0.0, "Registering")
    hasImages = fixedImage is not None and movingImage is not None
    if (settings.refine or settings.auto) and not hasImages:
        raise ValueError("Refinement and registration without landmarks need both images; choose them.")
    if not settings.auto and (fixed is None or moving is None):
        raise ValueError("Registration needs landmarks in both images; place at least 3 pairs or let it start alone.")
    if settings.auto:
        return _registerWithoutLandmarks(fixed, moving, settings, fixedImage, movingImage, target, progress)
    bounds = imageBounds(fixedImage) if fixedImage is not None else None
    evidence = weighLandmarks(pairLandmarks(fixed, moving, settings.pairing), settings.model, bounds)
    images, doubts, transform = None, (), evidence.transform
    if settings.refine:
        part = subProgress(progress, 0.05, 0.95)
        images, doubts = _followImages(evidence, settings.model, fixedImage, movingImage, part)
        if images.accepted:
            transform = _transformOf(images.pose, settings.model, evidence.pairs.fixedPoints.mean(axis=0))
    overlap = checkOverlap(fixedImage, movingImage, transform) if hasImages else None
    report(progress, 0.98, "Registered")
    result = RegistrationResult(
        transform=transform,
        model=settings.model,
        pairs=evidence.pairs,
        landmarks=evidence,
        images=images,
        error=_errorOf(evidence, images),
        verdict=_verdict(doubts),
        warnings=(*evidence.warnings(), *doubts),
        overlap=overlap,
        target=None if target is None else np.asarray(target, dtype=float),
        body=bodySurface(fixedImage) if fixedImage is not None else None,
    )
    report(progress, 1.0, "Registered")
    return result


def _verdict(doubts: Sequence[str]) -> Verdict:
    return Verdict(Judgement.doubtful, tuple(doubts)) if doubts else Verdict(Judgement.confirmed)


def _followImages(
    evidence: LandmarkEvidence,
    model: TransformModel,
    fixedImage: sitk.Image,
    movingImage: sitk.Image,
    progress: Progress | None,
) -> tuple[ImageEvidence, tuple[str, ...]]:
    """Return where the images lead from the landmarks and whether to follow, and what is doubtful about it."""
    isAffine = model is TransformModel.affine
    refined = refinePose(fixedImage, movingImage, evidence.pose, isAffine, subProgress(progress, 0.0, 0.6))
    images = ImageEvidence(refined.pose, refined.similarityBefore, refined.similarityAfter)
    refusal = refined.whyRefused()
    if refusal:
        return replace(images, accepted=False), (refusal,)
    if evidence.contradicts(refined.pose):
        warning = (
            f"Refinement would move the landmarks by {evidence.distance(refined.pose):.1f} mm, more than their own "
            "error allows, so the landmark registration was kept: the landmarks, the refinement or the geometry of the "
            "MRI is wrong. The expected error includes that distance; look at the edges."
        )
        return replace(images, accepted=False), (warning,)
    if isAffine:  # parts of the images share the bias of their scale and shear, so they cannot tell how large it is
        return images, ()
    return replace(images, covariance=_covarianceOf(refined, fixedImage, subProgress(progress, 0.6, 1.0))), ()


def _covarianceOf(refined: RefinedPose, fixedImage: sitk.Image, progress: Progress | None) -> PoseCovariance | None:
    spread = refined.spread(progress)
    return None if spread is None else spread.covariance(refined.pose, np.mean(imageBounds(fixedImage), axis=0))


def _errorOf(evidence: LandmarkEvidence, images: ImageEvidence | None) -> TargetError | None:
    """Return how uncertain the transform is: that of the images where they tell, else that of the landmarks.

    Where images and landmarks contradict each other their distance is part of the error.
    """
    isRigid = evidence.errors.model is TransformModel.rigid
    if images is not None and images.covariance is not None and not evidence.contradicts(images.pose):
        return images.covariance
    if evidence.localisation is None:
        return None if images is None else images.covariance
    fle = evidence.localisation.fle
    if not isRigid:
        return FitError(evidence.errors, fle, None if images is None else (evidence.pose, images.pose))
    covariance = covarianceOfFit(evidence.errors, fle)
    if images is None:
        return covariance
    if images.accepted and images.covariance is not None:
        covariance = images.covariance
    distance = poseDifference(images.pose, evidence.pose, covariance.center)
    return covariance.plus(np.outer(distance, distance))


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
    found = findStart(fixedImage, movingImage, subProgress(progress, 0.0, 0.6))
    refined = refinePose(fixedImage, movingImage, found.pose, False, subProgress(progress, 0.6, 0.8))
    covariance = _covarianceOf(refined, fixedImage, subProgress(progress, 0.8, 0.98))
    images = ImageEvidence(refined.pose, refined.similarityBefore, refined.similarityAfter, covariance)
    transform = _transformOf(refined.pose, TransformModel.rigid, np.mean(imageBounds(fixedImage), axis=0))
    result = RegistrationResult(
        transform=transform,
        model=TransformModel.rigid,
        images=images,
        error=covariance,
        overlap=checkOverlap(fixedImage, movingImage, transform),
        target=None if target is None else np.asarray(target, dtype=float),
        body=bodySurface(fixedImage),
    )
    report(progress, 1.0, "Registered")
    if fixed is None or moving is None or not fixed.usedIndices or not moving.usedIndices:
        warning = "Registered by the images alone; no landmark confirms the result, so look at the edges."
        return replace(result, warnings=(warning,))
    pairs = pairLandmarks(fixed, moving, settings.pairing)
    try:
        evidence = weighLandmarks(pairs, TransformModel.rigid)
    except ValueError as error:
        warning = f"The landmarks cannot confirm the result of the images: {error}"
        return replace(result, pairs=pairs, warnings=(*pairs.notes, warning))
    doubts = _contradiction(evidence, refined.pose)
    return replace(
        result,
        pairs=pairs,
        landmarks=evidence,
        error=_errorOf(evidence, images),
        verdict=_verdict(doubts),
        warnings=(*evidence.warnings(), *doubts),
    )


def _contradiction(evidence: LandmarkEvidence, pose: Pose) -> tuple[str, ...]:
    """Return a sentence where the landmarks contradict the images' pose."""
    if not evidence.contradicts(pose):
        return ()
    return (
        f"Images and landmarks put the MRI {evidence.distance(pose):.1f} mm apart, more than the landmarks' own error "
        "allows: the landmarks, the images' alignment or the geometry of the MRI is wrong. The expected error includes "
        "that distance; look at the edges.",
    )
