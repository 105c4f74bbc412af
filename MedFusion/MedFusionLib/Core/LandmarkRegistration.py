"""Registration from landmarks, images or both, to a transform that says how wrong it is."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from .AutoStart import findStart
from .LandmarkAdvice import bodySurface
from .LandmarkErrors import (
    ErrorModel,
    LeaveOneOut,
    LocalisationError,
    estimateLocalisationError,
    leaveOneOut,
    splineLocalisationError,
)
from .LandmarkExchange import findExchange
from .LandmarkFit import TransformModel, fitLandmarks, matrixTransform, transformPoints
from .LandmarkPairing import PairedLandmarks, Pairing, pairLandmarks
from .Landmarks import LandmarkList
from .Overlap import checkOverlap, imageBounds
from .PoseOptimizer import Pose
from .Progress import Progress, report, subProgress
from .Refinement import RefinedPose, refinePose
from .RefinementErrors import PoseSpread
from .RegistrationResult import RegistrationResult

_USUAL_SCALE = 0.05
_CONTRADICTION_PROBABILITY = 0.01


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
class _LandmarkEvidence:
    """Hold what the landmarks alone say."""

    pairs: PairedLandmarks
    transform: sitk.Transform
    errors: ErrorModel
    localisation: LocalisationError | None
    loo: LeaveOneOut


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
    evidence = _weighLandmarks(pairLandmarks(fixed, moving, settings.pairing), settings.model, bounds)
    warnings = [*evidence.pairs.notes, *_configurationWarnings(evidence)]
    transform, refined, spread = evidence.transform, None, None
    if settings.refine:
        start = _poseOf(transform)
        affine = settings.model is TransformModel.affine
        refined = refinePose(fixedImage, movingImage, start, affine, subProgress(progress, 0.05, 0.6))
        refusal = refined.whyRefused(evidence.pairs.fixedPoints, evidence.localisation)
        if refusal:
            warnings.append(refusal)
        else:
            transform = _transformOf(refined.pose, settings.model, evidence.pairs.fixedPoints.mean(axis=0))
            spread = refined.spread(subProgress(progress, 0.6, 0.95))
            spread, contradiction = _reconcile(spread, transform, evidence)
            warnings += contradiction
    overlap = checkOverlap(fixedImage, movingImage, transform) if hasImages else None
    report(progress, 0.98, "Registered")
    body = bodySurface(fixedImage) if fixedImage is not None else None
    result = _result(evidence, transform, refined, spread, target, body, settings.model, warnings, overlap)
    report(progress, 1.0, "Registered")
    return result


def _reconcile(
    spread: PoseSpread | None, transform: sitk.Transform, evidence: _LandmarkEvidence
) -> tuple[PoseSpread | None, list[str]]:
    """Return the spread of the images' pose and a warning, if the landmarks contradict it."""
    pairs, fitted = evidence.pairs, evidence.transform
    chance = evidence.errors.chanceOf(_residuals(fitted, pairs), _residuals(transform, pairs))
    if chance is None or chance > _CONTRADICTION_PROBABILITY:
        return spread, []
    offsets = transformPoints(transform, pairs.fixedPoints) - transformPoints(fitted, pairs.fixedPoints)
    distance = float(np.sqrt(np.mean(np.sum(offsets**2, axis=1))))
    warning = (
        f"Images and landmarks put the MRI {distance:.1f} mm apart, more than the landmarks' placing error explains: "
        "the landmarks, the images' alignment or the geometry of the MRI is wrong. The expected error includes that "
        "distance; look at the edges."
    )
    return (spread.contradictedBy(_poseOf(fitted)) if spread else None), [warning]


def _weighLandmarks(pairs: PairedLandmarks, model: TransformModel, bounds: np.ndarray | None) -> _LandmarkEvidence:
    weights = pairs.weights / pairs.weights.mean()
    try:
        transform = fitLandmarks(pairs.fixedPoints, pairs.movingPoints, model, weights, bounds)
    except ValueError as error:
        raise _withExchange(error, pairs, weights) from error
    errors = ErrorModel(model, pairs.fixedPoints, weights)
    loo = leaveOneOut(errors, pairs.movingPoints)
    if model is TransformModel.thinPlateSpline:
        localisation = splineLocalisationError(errors, loo)
    else:
        localisation = estimateLocalisationError(errors, _residuals(transform, pairs))
    return _LandmarkEvidence(pairs, transform, errors, localisation, loo)


def _withExchange(error: ValueError, pairs: PairedLandmarks, weights: np.ndarray) -> ValueError:
    """Return the error with the exchange that explains it, if one does."""
    if len(pairs.labels) < 4 or "mirror" not in str(error):
        return error
    exchange = findExchange(pairs.labels, pairs.fixedPoints, pairs.movingPoints, TransformModel.rigid, weights)
    return ValueError(exchange.sentence) if exchange else error


def _residuals(transform: sitk.Transform, pairs: PairedLandmarks) -> np.ndarray:
    return np.linalg.norm(transformPoints(transform, pairs.fixedPoints) - pairs.movingPoints, axis=1)


def _configurationWarnings(evidence: _LandmarkEvidence) -> list[str]:
    warnings = []
    freedom = evidence.errors.freedom
    if freedom <= 3 and evidence.errors.model is not TransformModel.thinPlateSpline:
        warnings.append(
            f"With {len(evidence.pairs.labels)} landmark pairs the residuals tell little about the error; place more."
        )
    worst = evidence.errors.spreading(
        evidence.errors.fixedPoints.mean(axis=0) + 80.0 * np.vstack([np.eye(3), -np.eye(3)])
    )
    if evidence.errors.model is not TransformModel.thinPlateSpline and np.sqrt(worst.max()) > 3.0:
        warnings.append(
            f"The landmarks lie close together or almost on a line: 80 mm from their center the error is up to "
            f"{np.sqrt(worst.max()):.0f} times that of a landmark."
        )
    if evidence.errors.model in (TransformModel.similarity, TransformModel.affine):
        scales = np.linalg.svd(_poseOf(evidence.transform).matrix, compute_uv=False)
        if max(scales[0] - 1, 1 - scales[-1]) > _USUAL_SCALE:
            warnings.append(
                f"The landmarks scale the image by {scales[-1]:.2f} to {scales[0]:.2f}, though two scans of one head "
                "have the same size; check the landmarks and the voxel spacing, or register rigidly."
            )
    return warnings


def _poseOf(transform: sitk.Transform) -> Pose:
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    columns = [np.array(transform.TransformPoint(tuple(axis))) - origin for axis in np.eye(3)]
    return Pose(np.column_stack(columns), origin)


def _transformOf(pose: Pose, model: TransformModel, centre: np.ndarray) -> sitk.Transform:
    return matrixTransform(pose.matrix, pose.offset, centre, model)


def _result(
    evidence: _LandmarkEvidence,
    transform: sitk.Transform,
    refined: RefinedPose | None,
    spread: PoseSpread | None,
    target: np.ndarray | None,
    body: np.ndarray | None,
    model: TransformModel,
    warnings: list[str],
    overlap: float | None,
) -> RegistrationResult:
    pairs, errors, localisation = evidence.pairs, evidence.errors, evidence.localisation
    isRefined = transform is not evidence.transform
    exchange = findExchange(pairs.labels, pairs.fixedPoints, pairs.movingPoints, model, errors.weights)
    if exchange:
        warnings.append(exchange.sentence)
    outliers = tuple(label for label, isOutlier in zip(pairs.labels, evidence.loo.outliers, strict=True) if isOutlier)
    if outliers and not exchange:
        warnings.append(f"Not in line with the other landmarks: {', '.join(outliers)}; place them again.")
    residuals = _residuals(transform, pairs)
    return RegistrationResult(
        transform=transform,
        model=model,
        labels=pairs.labels,
        fixedPoints=pairs.fixedPoints,
        movingPoints=pairs.movingPoints,
        residuals=residuals,
        fre=float(np.sqrt(np.average(residuals**2, weights=errors.weights))),
        warnings=tuple(warnings),
        overlap=overlap,
        errors=errors,
        localisation=localisation,
        loo=evidence.loo,
        exchange=exchange,
        target=None if target is None else np.asarray(target, dtype=float),
        body=body,
        refined=isRefined,
        spread=spread,
        refinementShift=refined.shift(pairs.fixedPoints) if isRefined else None,
        similarityBefore=refined.similarityBefore if refined else None,
        similarityAfter=refined.similarityAfter if refined else None,
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
    overlap = checkOverlap(fixedImage, movingImage, transform)
    labels, fixedPoints, movingPoints = (), np.zeros((0, 3)), np.zeros((0, 3))
    warnings = ["Registered by the images alone; no landmark confirms the result, so look at the edges."]
    if fixed is not None and moving is not None and fixed.usedIndices and moving.usedIndices:
        pairs = pairLandmarks(fixed, moving, settings.pairing)
        labels, fixedPoints, movingPoints, warnings = (
            pairs.labels,
            pairs.fixedPoints,
            pairs.movingPoints,
            [*pairs.notes],
        )
        try:
            evidence = _weighLandmarks(pairs, TransformModel.rigid, None)
            spread, contradiction = _reconcile(spread, transform, evidence)
            warnings += contradiction
        except ValueError as error:
            warnings.append(f"The landmarks cannot confirm the result of the images: {error}")
    residuals = np.linalg.norm(transformPoints(transform, fixedPoints) - movingPoints, axis=1)
    report(progress, 1.0, "Registered")
    return RegistrationResult(
        transform=transform,
        model=TransformModel.rigid,
        labels=labels,
        fixedPoints=fixedPoints,
        movingPoints=movingPoints,
        residuals=residuals,
        fre=float(np.sqrt(np.mean(residuals**2))) if len(residuals) else float("nan"),
        warnings=tuple(warnings),
        overlap=overlap,
        target=target,
        refined=True,
        spread=spread,
        similarityBefore=refined.similarityBefore,
        similarityAfter=refined.similarityAfter,
    )
