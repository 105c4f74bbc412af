"""A transform that was made elsewhere, kept as it is and held against the landmarks and the images."""

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..Images.Transforms import Pose, TransformModel, isWithinDomain, poseOf
from ..Landmarks.LandmarkAdvice import bodySurface
from ..Landmarks.LandmarkEvidence import LandmarkEvidence, weighLandmarks
from ..Landmarks.LandmarkList import LandmarkList
from ..Landmarks.LandmarkPairing import PairedLandmarks, Pairing, pairLandmarks
from ..Progress import Progress, subProgress
from ..Verdict import Judgment, Verdict
from .ImageEvidence import ImageEvidence
from .ImageJudgment import judgeImages
from .Overlap import checkOverlap
from .PoseCovariance import NonRigidError, TargetError, covarianceOfFit, errorBound
from .Refinement import refinePose
from .RegistrationResult import RegistrationResult

_RIGID_TOLERANCE = 1e-4  # of a matrix in a text file with a few digits


def evaluateTransform(
    transform: sitk.Transform,
    fixedImage: sitk.Image,
    movingImage: sitk.Image,
    fixed: LandmarkList | None = None,
    moving: LandmarkList | None = None,
    pairing: Pairing = Pairing.label,
    progress: Progress | None = None,
) -> RegistrationResult:
    """Return a transform with what landmarks and images, which took no part in it, say about its error.

    The expected error is what the images (or, where they cannot tell, the landmarks) leave open, and how far they put
    the MRI from where the transform does.

    :param transform: fixed to moving points, LPS millimeters.
    """
    overlap = checkOverlap(fixedImage, movingImage, transform)
    body = bodySurface(fixedImage)
    outside = 1.0 - float(np.mean(isWithinDomain(transform, body)))
    result = RegistrationResult(
        transform=transform, model=_modelOf(transform), isGiven=True, overlap=overlap, body=body
    )
    doubts: list[str] = []
    if outside > 0:
        doubts.append(
            f"{outside:.0%} of the body lies outside of the displacement field, which says nothing of it; there the "
            "MRI is left where it is."
        )
    images = None
    if transform.IsLinear():
        images, doubts = _askImages(poseOf(transform), fixedImage, movingImage, body, progress)
    evidence = None
    if fixed is not None and moving is not None and fixed.usedIndices and moving.usedIndices:
        pairs = pairLandmarks(fixed, moving, pairing)
        _checkWithin(transform, pairs)
        result = replace(result, pairs=pairs)
        try:
            evidence = weighLandmarks(pairs, TransformModel.rigid)
        except ValueError as error:
            doubts.append(f"The landmarks cannot confirm the transform: {error}")
    if evidence is not None:
        doubts += _landmarkDoubts(transform, evidence)
    notes = () if evidence is None else evidence.warnings()
    return replace(
        result,
        landmarks=evidence,
        images=images,
        error=_errorOf(transform, evidence, images),
        verdict=_verdict(doubts, evidence, images),
        warnings=tuple(dict.fromkeys((*doubts, *notes))),
    )


def _checkWithin(transform: sitk.Transform, pairs: PairedLandmarks) -> None:
    inside = isWithinDomain(transform, pairs.fixedPoints)
    outside = [label for label, isInside in zip(pairs.labels, inside, strict=True) if not isInside]
    if outside:
        raise ValueError(
            "Outside of the displacement field, which says nothing of them, lie these landmarks: "
            f"{', '.join(outside)}; leave them out."
        )


def _modelOf(transform: sitk.Transform) -> TransformModel:
    if not transform.IsLinear():
        return TransformModel.thinPlateSpline
    matrix = poseOf(transform).matrix
    isRigid = np.allclose(matrix.T @ matrix, np.eye(3), atol=_RIGID_TOLERANCE)
    return TransformModel.rigid if isRigid else TransformModel.affine


def _askImages(
    pose: Pose, fixedImage: sitk.Image, movingImage: sitk.Image, body: np.ndarray, progress: Progress | None
) -> tuple[ImageEvidence | None, list[str]]:
    """Return what the images say of the best pose near a given one, and what speaks against that one."""
    left, _, right = np.linalg.svd(pose.matrix)
    rigid = left @ right
    center = body.mean(axis=0)
    start = Pose(rigid, pose.apply(center) - rigid @ center)
    try:
        refined = refinePose(fixedImage, movingImage, start, False, subProgress(progress, 0.0, 0.7))
    except ValueError as error:
        return None, [f"The images cannot confirm the transform: {error}"]
    images, checks = judgeImages(fixedImage, movingImage, refined, subProgress(progress, 0.7, 1.0))
    doubts = checks.doubts
    images = replace(images, accepted=False)  # the result does not follow them
    if checks.refusals:
        return images, [*checks.refusals, *doubts]
    distance = images.distance(pose, body)
    if images.covariance is not None and distance > float(np.median(errorBound(images.covariance, body))):
        doubts = (
            f"The images fit best where the MRI lies {distance:.1f} mm from where the transform puts it, more than "
            "their own error allows. The expected error includes that distance; look at the edges.",
            *doubts,
        )
    return images, list(doubts)


def _landmarkDoubts(transform: sitk.Transform, evidence: LandmarkEvidence) -> list[str]:
    doubts = evidence.doubts()
    if transform.IsLinear() and evidence.contradicts(poseOf(transform)):
        doubts.append(
            f"The landmarks put the MRI {evidence.distance(poseOf(transform)):.1f} mm from where the transform does, "
            "more than their own error allows: the landmarks or the transform are wrong, or tissue moved."
        )
    return doubts


def _errorOf(
    transform: sitk.Transform, evidence: LandmarkEvidence | None, images: ImageEvidence | None
) -> TargetError | None:
    """Return how uncertain a linear transform is; None where nothing tells, or it bends space."""
    if not transform.IsLinear():
        return None
    pose = poseOf(transform)
    contradicting = () if evidence is None or not evidence.contradicts(pose) else (evidence.pose,)
    if images is not None and images.covariance is not None:
        bending = (other for other in (images.stretched, images.moved) if other is not None)
        return NonRigidError(images.covariance, pose, (images.pose, *bending, *contradicting))
    if evidence is None or evidence.localization is None:
        return None
    covariance = covarianceOfFit(evidence.errors, evidence.localization.fle)
    return NonRigidError(covariance, pose, (evidence.pose,))


def _verdict(doubts: list[str], evidence: LandmarkEvidence | None, images: ImageEvidence | None) -> Verdict:
    if doubts:
        return Verdict(Judgment.doubtful, tuple(dict.fromkeys(doubts)))
    if images is None and evidence is None:
        reason = "Nothing confirms the transform that was given: it bends space, which only landmarks can check."
        return Verdict(Judgment.notConfirmed, (reason,))
    return Verdict(Judgment.confirmed)
