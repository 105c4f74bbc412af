"""What paired landmarks alone say: a transform, its errors, and what is odd about them."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Transforms import Pose, TransformModel, poseOf, transformPoints
from .Distributions import fSurvival
from .LandmarkErrors import (
    ErrorModel,
    LeaveOneOut,
    LocalizationError,
    estimateLocalizationError,
    leaveOneOut,
    splineLocalizationError,
)
from .LandmarkExchange import Exchange, findExchange
from .LandmarkFit import fitLandmarks, fitMatrix
from .LandmarkGuards import ImplausibleFit
from .LandmarkPairing import PairedLandmarks

# Chosen by hand; a scale of 2 %, from which on it is doubted, makes bounds too short that know nothing of it.
_USUAL_SCALE = 0.05
_CHANCE = 0.01
_FREE_SHIFT_MM = 3.0
_FEWEST_FOR_SCALE = 5
_CLEAR_GROWTH = 3.0
_DOUBTFUL_SCALE = 0.03


@dataclass(frozen=True, eq=False)
class LandmarkEvidence:
    """Hold what the landmarks alone say."""

    pairs: PairedLandmarks
    transform: sitk.Transform
    errors: ErrorModel
    localization: LocalizationError | None
    loo: LeaveOneOut
    exchange: Exchange | None

    @property
    def pose(self) -> Pose:
        """Return the transform as a pose; a spline has none."""
        return poseOf(self.transform)

    def residuals(self, transform: sitk.Transform) -> np.ndarray:
        """Return how far (N,), mm, a transform leaves the fixed landmarks from the moving ones."""
        return np.linalg.norm(transformPoints(transform, self.pairs.fixedPoints) - self.pairs.movingPoints, axis=1)

    def distance(self, pose: Pose) -> float:
        """Return how far a pose puts the landmarks from where their own fit does, RMS in mm."""
        points = self.pairs.fixedPoints
        return float(np.sqrt(np.mean(np.sum((pose.apply(points) - self.pose.apply(points)) ** 2, axis=1))))

    def contradicts(self, pose: Pose) -> bool:
        """Return whether the landmarks' own error cannot explain how far a pose is from their fit."""
        found = np.linalg.norm(pose.apply(self.pairs.fixedPoints) - self.pairs.movingPoints, axis=1)
        chance = self.errors.chanceOf(self.residuals(self.transform), found)
        return self.distance(pose) > _FREE_SHIFT_MM if chance is None else chance < _CHANCE

    @property
    def scaled(self) -> Pose | None:
        """Return the fit with a scale where this is no accident, by an F test of five or more landmarks."""
        points, moving, weights = self.pairs.fixedPoints, self.pairs.movingPoints, self.errors.weights
        freedom = self.errors.freedom - 1
        if self.errors.model is not TransformModel.rigid or np.sum(weights > 0) < _FEWEST_FOR_SCALE:
            return None
        scaled = Pose(*fitMatrix(points, moving, TransformModel.similarity, weights))
        left = float(np.sum(weights[:, None] * (scaled.apply(points) - moving) ** 2))
        gain = float(np.sum(weights * self.residuals(self.transform) ** 2)) - left
        return scaled if fSurvival(gain * freedom / max(left, 1e-12), 1, freedom) < _CHANCE else None

    def doubts(self) -> list[str]:
        """Return those warnings that leave the registration doubtful."""
        found = []
        localization = self.localization
        if localization is not None and not self.loo.belongTogether(localization) and not self.exchange:
            found.append(
                f"The landmarks do not belong together: they are off by {localization.fle:.0f} mm each. Check "
                "which landmark is paired with which, and that both images show the same patient."
            )
        if self.exchange:
            found.append(self.exchange.sentence)
        if self.scaled is not None and abs(np.cbrt(np.linalg.det(self.scaled.matrix)) - 1) > _DOUBTFUL_SCALE:
            found += _scaleWarnings(self)
        return found

    def growthWarning(self, points: np.ndarray | None, where: str) -> list[str]:
        """Return a sentence where the error is far larger at some points (M, 3) than amid the landmarks."""
        if points is None or not len(points) or self.localization is None:
            return []
        amid, there = (
            self.localization.fle * float(np.sqrt(self.errors.spreading(np.atleast_2d(at)).max()))
            for at in (self.pairs.fixedPoints.mean(axis=0), points)
        )
        if there < _CLEAR_GROWTH * amid:
            return []
        return [
            f"The landmarks lie to one side or close together: the expected error grows from {amid:.1f} mm amid them "
            f"to {there:.1f} mm {where}; place one far from the others."
        ]

    def warnings(self) -> list[str]:
        """Return a sentence for everything that is odd about the landmarks."""
        notes = [*self.pairs.notes, *_configurationWarnings(self.errors), *_scaleWarnings(self), *self.doubts()]
        if not self.exchange:
            outliers = [label for label, wrong in zip(self.pairs.labels, self.loo.outliers, strict=True) if wrong]
            if outliers:
                notes.append(f"Not in line with the other landmarks: {', '.join(outliers)}; place them again.")
        return list(dict.fromkeys(notes))


def weighLandmarks(pairs: PairedLandmarks, model: TransformModel, bounds: np.ndarray | None = None) -> LandmarkEvidence:
    """Return what landmarks say, or raise ValueError where they cannot carry a registration.

    :param bounds: shape (2, 3), where a spline will be needed, LPS millimeters.
    """
    weights = pairs.weights / pairs.weights.mean()
    exchange = findExchange(pairs.labels, pairs.fixedPoints, pairs.movingPoints, model, weights)
    try:
        transform = fitLandmarks(pairs.fixedPoints, pairs.movingPoints, model, weights, bounds)
    except ImplausibleFit as error:
        # Exchanging two of many mirrored landmarks helps a little, too; what explains them better is named.
        if exchange is not None and exchange.freAfter <= max(2 * error.fre, _FREE_SHIFT_MM):
            raise ValueError(exchange.sentence) from error
        raise
    errors = ErrorModel(model, pairs.fixedPoints, weights)
    loo = leaveOneOut(errors, pairs.movingPoints)
    if model is TransformModel.thinPlateSpline:
        localization = splineLocalizationError(errors, loo)
    else:
        residuals = np.linalg.norm(transformPoints(transform, pairs.fixedPoints) - pairs.movingPoints, axis=1)
        localization = estimateLocalizationError(errors, residuals)
    return LandmarkEvidence(pairs, transform, errors, localization, loo, exchange)


def _configurationWarnings(errors: ErrorModel) -> list[str]:
    if errors.model is TransformModel.thinPlateSpline:
        if np.ptp(errors.weights) > 1e-6:
            return [
                "A spline goes exactly through every landmark, also through those that are noted as uncertain; the "
                "notes only enter the expected error."
            ]
        return []
    warnings = []
    if errors.freedom <= 3:
        warnings.append(
            f"With {len(errors.fixedPoints)} landmark pairs the residuals tell little about the error; place more."
        )
    around = errors.fixedPoints.mean(axis=0) + 80.0 * np.vstack([np.eye(3), -np.eye(3)])
    worst = np.sqrt(errors.spreading(around).max())
    if worst > 3.0:
        warnings.append(
            f"The landmarks lie close together or almost on a line: 80 mm from their center the error is up to "
            f"{worst:.0f} times that of a landmark."
        )
    return warnings


def _scaleWarnings(evidence: LandmarkEvidence) -> list[str]:
    """Return a warning where the landmarks of one image lie further apart than those of the other."""
    model = evidence.errors.model
    if model is TransformModel.rigid:
        if evidence.scaled is None:
            return []
        scale = np.cbrt(np.linalg.det(evidence.scaled.matrix))
        return [
            f"The landmarks of the MRI lie {scale:.3f} times as far apart as those of the CT, though two scans of one "
            "head have the same size; check the landmarks, the voxel spacing of both images, and that both show the "
            "same patient. The expected error includes it."
        ]
    if model in (TransformModel.similarity, TransformModel.affine):
        scales = np.linalg.svd(evidence.pose.matrix, compute_uv=False)
        if max(scales[0] - 1, 1 - scales[-1]) > _USUAL_SCALE:
            return [
                f"The landmarks scale the image by {scales[-1]:.2f} to {scales[0]:.2f}, though two scans of one head "
                "have the same size; check the landmarks, the voxel spacing, and that both images show the same "
                "patient, or register rigidly."
            ]
    return []
