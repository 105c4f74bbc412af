"""What a registration gives: a transform and everything known about its error."""

from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from .LandmarkAdvice import adviseOnLandmarks
from .LandmarkErrors import ErrorModel, LeaveOneOut, LocalisationError
from .LandmarkExchange import Exchange
from .LandmarkFit import TransformModel


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

    def expectedError(self, points: np.ndarray) -> np.ndarray | None:
        """Return the TRE (M,) in mm that the landmark fit lets expect at fixed points (M, 3), LPS millimetres."""
        if self.errors is None or self.fle is None:
            return None
        return self.fle * np.sqrt(self.errors.spreading(np.atleast_2d(points)))

    def withTarget(self, target: np.ndarray) -> "RegistrationResult":
        """Return the same registration looked at from another target (3,), LPS millimetres."""
        return replace(self, target=np.asarray(target, dtype=float))

    @property
    def advice(self) -> str:
        """Return one sentence that says what to do next."""
        if self.errors is None:
            return "Check the edges of the MRI over the CT, or place landmarks to measure the error."
        place, name = self.target, "the tumor"
        if place is None:
            place, name = self.fixedPoints.mean(axis=0), "the center of the landmarks"
        return adviseOnLandmarks(
            self.errors, self.labels, self.localisation, self.loo, self.exchange, place, name, self.body
        )

    @property
    def tre(self) -> float | None:
        """Return the expected TRE in mm of the landmark fit at the target."""
        if self.target is None:
            return None
        expected = self.expectedError(self.target)
        return None if expected is None else float(expected[0])

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
            "tre_mm_at_landmarks_center": self._treAtCenter(),
            "loo_mm": {} if self.loo is None else self._byLabel(self.loo.errors),
            "standardised_residuals": {} if self.loo is None else self._byLabel(self.loo.standardised),
            "outliers": list(self.outliers),
            "swaps": [] if self.exchange is None else [[self.exchange.first, self.exchange.second]],
            "refined": self.refined,
            "refinement_shift_mm": _number(self.refinementShift),
            "similarity": {"before": _number(self.similarityBefore), "after": _number(self.similarityAfter)},
            "overlap": _number(self.overlap),
            "advice": self.advice,
            "warnings": list(self.warnings),
        }

    def _treAtCenter(self) -> float | None:
        if not len(self.fixedPoints):
            return None
        expected = self.expectedError(self.fixedPoints.mean(axis=0))
        return None if expected is None else float(expected[0])

    def _byLabel(self, values: np.ndarray) -> dict[str, float | None]:
        return {label: _number(value) for label, value in zip(self.labels, values, strict=True)}


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
