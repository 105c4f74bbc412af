"""What a registration gives: a transform and everything known about its error."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from ..Landmarks.ErrorBounds import expectedLength, lengthBound
from ..Landmarks.LandmarkAdvice import adviseOnLandmarks
from ..Landmarks.LandmarkErrors import ErrorModel, LeaveOneOut, LocalisationError
from ..Landmarks.LandmarkExchange import Exchange
from ..Landmarks.LandmarkFit import TransformModel
from .PoseOptimizer import Pose
from .RefinementErrors import PoseSpread


@dataclass(frozen=True, eq=False)
class RegistrationResult:
    """Hold a transform from fixed to moving points with everything known about its error, LPS millimetres.

    :param residuals: shape (N,), mm from the mapped fixed landmark to the moving one, under the final transform.
    :param fre: their root mean square; NaN without landmarks.
    :param overlap: share of the smaller image inside the other.
    :param errors: how landmark errors spread to any point, under the landmark fit; None without landmarks.
    :param target: the fixed point (3,) where the error matters, such as the tumor's centroid.
    :param body: points (M, 3) on the body's surface, where a landmark could be added.
    :param refined: whether the images moved the transform away from the landmark fit.
    :param spread: how far the images' pose may be off; None where the landmarks tell the error.
    :param disagreement: the landmarks' pose and the images', where their distance is part of the error.
    :param refinementShift: how far that moved the landmarks, RMS in mm.
    :param similarityBefore: mutual information of the images in nats before refinement.
    """

    transform: sitk.Transform
    model: TransformModel
    labels: tuple[str, ...]
    fixedPoints: np.ndarray
    movingPoints: np.ndarray
    residuals: np.ndarray
    fre: float
    warnings: tuple[str, ...] = ()
    overlap: float | None = None
    errors: ErrorModel | None = None
    localisation: LocalisationError | None = None
    loo: LeaveOneOut | None = None
    exchange: Exchange | None = None
    target: np.ndarray | None = None
    body: np.ndarray | None = None
    refined: bool = False
    spread: PoseSpread | None = None
    disagreement: tuple[Pose, Pose] | None = None
    refinementShift: float | None = None
    similarityBefore: float | None = None
    similarityAfter: float | None = None

    @property
    def fle(self) -> float | None:
        """Return the estimated localisation error in mm, both images' squares added."""
        return None if self.localisation is None else self.localisation.fle

    @property
    def outliers(self) -> tuple[str, ...]:
        """Return the labels of landmarks that are misplaced."""
        flags = () if self.loo is None else self.loo.outliers
        return tuple(label for label, isOutlier in zip(self.labels, flags, strict=False) if isOutlier)

    @property
    def suspects(self) -> tuple[str, ...]:
        """Return the labels to look at first: the misplaced ones, or the one that stands out most, if any does."""
        suspect = None if self.loo is None else self.loo.suspect
        return self.outliers or (() if suspect is None else (self.labels[suspect],))

    @property
    def knowsError(self) -> bool:
        """Return whether the TRE can be estimated."""
        return self.spread is not None or (self.errors is not None and self.fle is not None)

    def expectedError(self, points: np.ndarray) -> np.ndarray | None:
        """Return the expected TRE (M,) in mm, as a root mean square, at fixed points (M, 3), LPS millimetres.

        It comes from the parts of the images where they were refined rigidly, else from the landmarks.
        """
        points = np.atleast_2d(points)
        if not self.knowsError:
            return None
        if self.spread is None and self.disagreement is None:
            return self.fle * np.sqrt(self.errors.spreading(points))
        return expectedLength(self._covariances(points))

    def errorBound(self, points: np.ndarray) -> np.ndarray | None:
        """Return what the TRE (M,) in mm stays below with 95 % probability at fixed points (M, 3), LPS millimetres."""
        if not self.knowsError:
            return None
        freedom = self.spread.freedom if self.spread else max(self.errors.freedom, 1)
        return lengthBound(self._covariances(np.atleast_2d(points)), freedom)

    def _covariances(self, points: np.ndarray) -> np.ndarray:
        """Return the covariances (M, 3, 3) in mm^2 of the error at points (M, 3)."""
        if self.spread is not None:
            found = self.spread.covariances(points)
        else:
            found = self.fle**2 * self.errors.covariances(points)
        if self.disagreement is not None:
            first, second = self.disagreement
            distances = first.apply(points) - second.apply(points)
            found = found + np.einsum("ni,nj->nij", distances, distances)
        return found

    def withTarget(self, target: np.ndarray) -> "RegistrationResult":
        """Return the same registration looked at from another target (3,), LPS millimetres."""
        return replace(self, target=np.asarray(target, dtype=float))

    @property
    def advice(self) -> str:
        """Return one sentence that says what to do next."""
        if self.errors is None:
            return "Check the edges of the MRI over the CT, or place landmarks to confirm the result."
        if self.exchange is None and not self.outliers:
            if self.disagreement is not None and not self.refined:
                return "Check the edges of the MRI over the CT: images and landmarks disagree."
            if self.refined:
                return "Check the edges of the MRI over the CT: the images have moved the alignment."
        place, name = self.target, "the tumor"
        if place is None:
            place, name = self._landmarksCenter, "the center of the landmarks"
        return adviseOnLandmarks(
            self.errors, self.labels, self.localisation, self.loo, self.exchange, place, name, self.body
        )

    @property
    def tre(self) -> float | None:
        """Return the expected TRE in mm at the target."""
        return self._at(self.expectedError, self.target)

    @property
    def treBound(self) -> float | None:
        """Return what the TRE in mm at the target stays below with 95 % probability."""
        return self._at(self.errorBound, self.target)

    def measurements(self) -> dict[str, object]:
        """Return what is measured, as JSON types; what is unknown is None."""
        return {
            "model": self.model.value,
            "landmarks": len(self.labels),
            "fre_mm": _number(self.fre),
            "residuals_mm": self._byLabel(self.residuals),
            "fle_mm": _number(self.fle),
            "fle_mm_interval": None if self.localisation is None else [self.localisation.low, self.localisation.high],
            "tre_mm_at_tumor": _number(self.tre),
            "tre_mm_at_tumor_95": _number(self.treBound),
            "tre_mm_at_landmarks_center": self._at(self.expectedError, self._landmarksCenter),
            "tre_mm_at_landmarks_center_95": self._at(self.errorBound, self._landmarksCenter),
            "tre_mm_at_body_center": self._at(self.expectedError, self._bodyCenter),
            "tre_mm_at_body_center_95": self._at(self.errorBound, self._bodyCenter),
            "tre_from": ("images" if self.spread else "landmarks") if self.knowsError else None,
            "loo_mm": {} if self.loo is None else self._byLabel(self.loo.errors),
            "standardised_residuals": {} if self.loo is None else self._byLabel(self.loo.standardised),
            "outliers": list(self.outliers),
            "suspects": list(self.suspects),
            "swaps": [] if self.exchange is None else [[self.exchange.first, self.exchange.second]],
            "refined": self.refined,
            "refinement_shift_mm": _number(self.refinementShift),
            "similarity": {"before": _number(self.similarityBefore), "after": _number(self.similarityAfter)},
            "overlap": _number(self.overlap),
            "advice": self.advice,
            "warnings": list(self.warnings),
        }

    @property
    def _landmarksCenter(self) -> np.ndarray | None:
        return self.fixedPoints.mean(axis=0) if len(self.fixedPoints) else None

    @property
    def _bodyCenter(self) -> np.ndarray | None:
        return None if self.body is None or not len(self.body) else self.body.mean(axis=0)

    @staticmethod
    def _at(measure: Callable[[np.ndarray], np.ndarray | None], point: np.ndarray | None) -> float | None:
        values = None if point is None else measure(point)
        return None if values is None else float(values[0])

    def _byLabel(self, values: np.ndarray) -> dict[str, float | None]:
        return {label: _number(value) for label, value in zip(self.labels, values, strict=True)}


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
