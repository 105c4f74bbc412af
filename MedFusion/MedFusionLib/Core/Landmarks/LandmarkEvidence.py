"""What paired landmarks alone say: a transform, its errors, and what is odd about them."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.stats import f

from ..Images.Transforms import Pose, TransformModel, poseOf, transformPoints
from .LandmarkErrors import (
    ErrorModel,
    LeaveOneOut,
    LocalisationError,
    estimateLocalisationError,
    leaveOneOut,
    splineLocalisationError,
)
from .LandmarkExchange import Exchange, findExchange
from .LandmarkFit import fitLandmarks, fitMatrix
from .LandmarkGuards import ImplausibleFit
from .LandmarkPairing import PairedLandmarks

_USUAL_SCALE = 0.05
_CHANCE = 0.01
_FREE_SHIFT_MM = 3.0


@dataclass(frozen=True, eq=False)
class LandmarkEvidence:
    """Hold what the landmarks alone say."""

    pairs: PairedLandmarks
    transform: sitk.Transform
    errors: ErrorModel
    localisation: LocalisationError | None
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

    def warnings(self) -> list[str]:
        """Return a sentence for everything that is odd about the landmarks."""
        notes = [*self.pairs.notes, *_configurationWarnings(self.errors), *_scaleWarnings(self)]
        if not self.loo.belongTogether(self.localisation) and not self.exchange:
            notes.append(
                f"The landmarks do not belong together: they are off by {self.localisation.fle:.0f} mm each. Check "
                "which landmark is paired with which, and that both images show the same patient."
            )
        if self.exchange:
            notes.append(self.exchange.sentence)
        else:
            outliers = [label for label, wrong in zip(self.pairs.labels, self.loo.outliers, strict=True) if wrong]
            if outliers:
                notes.append(f"Not in line with the other landmarks: {', '.join(outliers)}; place them again.")
        return notes


def weighLandmarks(pairs: PairedLandmarks, model: TransformModel, bounds: np.ndarray | None = None) -> LandmarkEvidence:
    """Return what landmarks say, or raise ValueError where they cannot carry a registration.

    :param bounds: shape (2, 3), where a spline will be needed, LPS millimetres.
    """
    weights = pairs.weights / pairs.weights.mean()
    exchange = findExchange(pairs.labels, pairs.fixedPoints, pairs.movingPoints, model, weights)
    try:
        transform = fitLandmarks(pairs.fixedPoints, pairs.movingPoints, model, weights, bounds)
    except ImplausibleFit as error:
        raise (ValueError(exchange.sentence) if exchange else error) from error
    errors = ErrorModel(model, pairs.fixedPoints, weights)
    loo = leaveOneOut(errors, pairs.movingPoints)
    if model is TransformModel.thinPlateSpline:
        localisation = splineLocalisationError(errors, loo)
    else:
        residuals = np.linalg.norm(transformPoints(transform, pairs.fixedPoints) - pairs.movingPoints, axis=1)
        localisation = estimateLocalisationError(errors, residuals)
    return LandmarkEvidence(pairs, transform, errors, localisation, loo, exchange)


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
        scale = _significantScale(evidence)
        if scale is None:
            return []
        return [
            f"The landmarks of the MRI lie {scale:.2f} times as far apart as those of the CT, though two scans of one "
            "head have the same size; check the landmarks and the voxel spacing of both images."
        ]
    if model in (TransformModel.similarity, TransformModel.affine):
        scales = np.linalg.svd(evidence.pose.matrix, compute_uv=False)
        if max(scales[0] - 1, 1 - scales[-1]) > _USUAL_SCALE:
            return [
                f"The landmarks scale the image by {scales[-1]:.2f} to {scales[0]:.2f}, though two scans of one head "
                "have the same size; check the landmarks and the voxel spacing, or register rigidly."
            ]
    return []


def _significantScale(evidence: LandmarkEvidence) -> float | None:
    """Return the scale of the landmarks' similarity fit if it is unusual and no accident, by an F test."""
    points, moving, weights = evidence.pairs.fixedPoints, evidence.pairs.movingPoints, evidence.errors.weights
    matrix, offset = fitMatrix(points, moving, TransformModel.similarity, weights)
    scale = float(np.cbrt(np.linalg.det(matrix)))
    freedom = evidence.errors.freedom - 1
    if abs(scale - 1) < _USUAL_SCALE or freedom <= 0:
        return None
    left = float(np.sum(weights[:, None] * (points @ matrix.T + offset - moving) ** 2))
    gain = float(np.sum(weights * evidence.residuals(evidence.transform) ** 2)) - left
    return scale if f.sf(gain * freedom / max(left, 1e-12), 1, freedom) < _CHANCE else None
