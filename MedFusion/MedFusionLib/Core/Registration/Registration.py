"""Registration from landmarks, images or both, to a transform that says how wrong it is."""

from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk

from ..Landmarks.LandmarkAdvice import bodySurface
from ..Landmarks.LandmarkEvidence import LandmarkEvidence, weighLandmarks
from ..Landmarks.LandmarkFit import TransformModel, matrixTransform, transformPoints
from ..Landmarks.LandmarkList import LandmarkList
from ..Landmarks.LandmarkPairing import PairedLandmarks, Pairing, pairLandmarks
from ..Progress import Progress, report, subProgress
from .AutoStart import findStart
from .Overlap import checkOverlap, imageBounds
from .PoseOptimizer import Pose
from .Refinement import RefinedPose, refinePose
from .RefinementErrors import PoseSpread
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


@dataclass(frozen=True, eq=False)
class _ImageEvidence:
    """Hold what the images say about a pose.

    :param accepted: whether their pose becomes the result.
    :param disagreement: the landmarks' pose and the images', where their distance is part of the error.
    """

    refined: RefinedPose
    accepted: bool
    spread: PoseSpread | None = None
    disagreement: tuple[Pose, Pose] | None = None
    warnings: list[str] = field(default_factory=list)


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
    transform, images = evidence.transform, None
    if settings.refine:
        images = _followImages(evidence, settings.model, fixedImage, movingImage, subProgress(progress, 0.05, 0.95))
        if images.accepted:
            centre = evidence.pairs.fixedPoints.mean(axis=0)
            transform = _transformOf(images.refined.pose, settings.model, centre)
    overlap = checkOverlap(fixedImage, movingImage, transform) if hasImages else None
    report(progress, 0.98, "Registered")
    body = bodySurface(fixedImage) if fixedImage is not None else None
    result = _result(evidence, transform, images, target, body, overlap)
    report(progress, 1.0, "Registered")
    return result


def _followImages(
    evidence: LandmarkEvidence,
    model: TransformModel,
    fixedImage: sitk.Image,
    movingImage: sitk.Image,
    progress: Progress | None,
) -> _ImageEvidence:
    """Return where the images lead from the landmarks, and whether to follow."""
    affine = model is TransformModel.affine
    refined = refinePose(fixedImage, movingImage, evidence.pose, affine, subProgress(progress, 0.0, 0.6))
    refusal = refined.whyRefused()
    if refusal:
        return _ImageEvidence(refined, False, warnings=[refusal])
    distance = (evidence.pose, refined.pose)
    if evidence.contradicts(refined.pose):
        warning = (
            f"Refinement would move the landmarks by {evidence.distance(refined.pose):.1f} mm, more than their own "
            "error allows, so the landmark registration was kept: the landmarks, the refinement or the geometry of the "
            "MRI is wrong. The expected error includes that distance; look at the edges."
        )
        return _ImageEvidence(refined, False, disagreement=distance, warnings=[warning])
    if affine:  # parts of the images share the bias of their scale and shear, so they cannot tell how large it is
        return _ImageEvidence(refined, True, disagreement=distance)
    spread = refined.spread(subProgress(progress, 0.6, 1.0))
    return _ImageEvidence(refined, True, spread, None if spread else distance)


def _transformOf(pose: Pose, model: TransformModel, centre: np.ndarray) -> sitk.Transform:
    return matrixTransform(pose.matrix, pose.offset, centre, model)


def _result(
    evidence: LandmarkEvidence,
    transform: sitk.Transform,
    images: _ImageEvidence | None,
    target: np.ndarray | None,
    body: np.ndarray | None,
    overlap: float | None,
) -> RegistrationResult:
    pairs, residuals = evidence.pairs, evidence.residuals(transform)
    isRefined = images is not None and images.accepted
    return RegistrationResult(
        transform=transform,
        model=evidence.errors.model,
        labels=pairs.labels,
        fixedPoints=pairs.fixedPoints,
        movingPoints=pairs.movingPoints,
        residuals=residuals,
        fre=float(np.sqrt(np.average(residuals**2, weights=evidence.errors.weights))),
        warnings=(*evidence.warnings(), *(images.warnings if images else ())),
        overlap=overlap,
        errors=evidence.errors,
        localisation=evidence.localisation,
        loo=evidence.loo,
        exchange=evidence.exchange,
        target=None if target is None else np.asarray(target, dtype=float),
        body=body,
        refined=isRefined,
        spread=images.spread if images else None,
        disagreement=images.disagreement if images else None,
        refinementShift=evidence.distance(images.refined.pose) if isRefined else None,
        similarityBefore=images.refined.similarityBefore if images else None,
        similarityAfter=images.refined.similarityAfter if images else None,
    )


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
    spread = refined.spread(subProgress(progress, 0.8, 0.98))
    transform = _transformOf(refined.pose, TransformModel.rigid, np.mean(imageBounds(fixedImage), axis=0))
    overlap, body = checkOverlap(fixedImage, movingImage, transform), bodySurface(fixedImage)
    pairs, warnings = None, []
    if fixed is not None and moving is not None and fixed.usedIndices and moving.usedIndices:
        pairs = pairLandmarks(fixed, moving, settings.pairing)
        try:
            evidence = weighLandmarks(pairs, TransformModel.rigid)
        except ValueError as error:
            warnings = [*pairs.notes, f"The landmarks cannot confirm the result of the images: {error}"]
        else:
            report(progress, 1.0, "Registered")
            images = _ImageEvidence(refined, True, spread, *_contradiction(evidence, refined.pose))
            return _result(evidence, transform, images, target, body, overlap)
    else:
        warnings = ["Registered by the images alone; no landmark confirms the result, so look at the edges."]
    report(progress, 1.0, "Registered")
    return _resultOfImages(transform, refined, spread, pairs, target, body, overlap, warnings)


def _contradiction(evidence: LandmarkEvidence, pose: Pose) -> tuple[tuple[Pose, Pose] | None, list[str]]:
    """Return both poses and a warning where the landmarks contradict the images' pose."""
    if not evidence.contradicts(pose):
        return None, []
    warning = (
        f"Images and landmarks put the MRI {evidence.distance(pose):.1f} mm apart, more than the landmarks' own error "
        "allows: the landmarks, the images' alignment or the geometry of the MRI is wrong. The expected error includes "
        "that distance; look at the edges."
    )
    return (evidence.pose, pose), [warning]


def _resultOfImages(
    transform: sitk.Transform,
    refined: RefinedPose,
    spread: PoseSpread | None,
    pairs: PairedLandmarks | None,
    target: np.ndarray | None,
    body: np.ndarray,
    overlap: float,
    warnings: list[str],
) -> RegistrationResult:
    """Return a result without what landmarks say; too few of them are only measured."""
    fixedPoints, movingPoints = (pairs.fixedPoints, pairs.movingPoints) if pairs else np.zeros((2, 0, 3))
    residuals = np.linalg.norm(transformPoints(transform, fixedPoints) - movingPoints, axis=1)
    return RegistrationResult(
        transform=transform,
        model=TransformModel.rigid,
        labels=pairs.labels if pairs else (),
        fixedPoints=fixedPoints,
        movingPoints=movingPoints,
        residuals=residuals,
        fre=float(np.sqrt(np.mean(residuals**2))) if len(residuals) else float("nan"),
        warnings=tuple(warnings),
        overlap=overlap,
        target=None if target is None else np.asarray(target, dtype=float),
        body=body,
        refined=True,
        spread=spread,
        similarityBefore=refined.similarityBefore,
        similarityAfter=refined.similarityAfter,
    )
