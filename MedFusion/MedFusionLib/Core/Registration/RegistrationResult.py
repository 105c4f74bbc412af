"""What a registration gives: a transform and everything known about its error."""

from dataclasses import dataclass, replace
from enum import Enum

import numpy as np
import SimpleITK as sitk

from ..Images.Coordinates import flipPoints
from ..Images.Transforms import Pose, TransformModel, transformPoints
from ..Landmarks.LandmarkAdvice import adviseOnLandmarks
from ..Landmarks.LandmarkEvidence import LandmarkEvidence
from ..Landmarks.LandmarkPairing import PairedLandmarks
from ..Verdict import Judgment, Verdict
from .ImageEvidence import ImageEvidence
from .PoseCovariance import TargetError, errorBound, expectedError


class Place(Enum):
    """Where an error is told; the values are part of the keys in measurements.json."""

    tumor = "tumor"
    landmarksCenter = "landmarks_center"
    bodyCenter = "body_center"


@dataclass(frozen=True)
class ExpectedError:
    """Hold the expected TRE in mm at a place, as a root mean square, and what it stays below with 95 % probability."""

    place: Place
    expected: float
    bound: float


@dataclass(frozen=True, eq=False)
class Target:
    """Hold a point of the fixed image (3,), LPS millimeters, at which the error is asked for."""

    label: str
    point: np.ndarray


@dataclass(frozen=True, eq=False)
class RegistrationResult:
    """Hold a transform from fixed to moving points with everything known about its error, LPS millimeters.

    :param pairs: the landmarks that were measured, whether or not they could carry a registration.
    :param landmarks: what the landmarks alone say; None where they say nothing.
    :param images: what the images alone say; None where they were not asked.
    :param repaired: the pose that the landmarks would have but for a mistake that they all share, where it is plain.
    :param error: how uncertain the transform is everywhere; None where nothing tells.
    :param overlap: share of the smaller image inside the other.
    :param target: the fixed point (3,) where the error matters, such as the tumor's centroid.
    :param targets: further fixed points at which the error is asked for.
    :param isGiven: whether the transform was made elsewhere and only held against landmarks and images.
    :param body: points (M, 3) on the body's surface, where a landmark could be added.
    """

    transform: sitk.Transform
    model: TransformModel
    pairs: PairedLandmarks | None = None
    landmarks: LandmarkEvidence | None = None
    images: ImageEvidence | None = None
    repaired: Pose | None = None
    error: TargetError | None = None
    verdict: Verdict = Verdict(Judgment.confirmed)
    warnings: tuple[str, ...] = ()
    overlap: float | None = None
    target: np.ndarray | None = None
    targets: tuple[Target, ...] = ()
    body: np.ndarray | None = None
    isGiven: bool = False

    @property
    def labels(self) -> tuple[str, ...]:
        """Return the names of the landmark pairs."""
        return () if self.pairs is None else self.pairs.labels

    @property
    def fixedPoints(self) -> np.ndarray:
        """Return the fixed landmarks (N, 3)."""
        return np.zeros((0, 3)) if self.pairs is None else self.pairs.fixedPoints

    @property
    def movingPoints(self) -> np.ndarray:
        """Return the moving landmarks (N, 3)."""
        return np.zeros((0, 3)) if self.pairs is None else self.pairs.movingPoints

    @property
    def residuals(self) -> np.ndarray:
        """Return the distances (N,) in mm from the mapped fixed landmarks to the moving ones."""
        return np.linalg.norm(transformPoints(self.transform, self.fixedPoints) - self.movingPoints, axis=1)

    @property
    def fre(self) -> float:
        """Return their root mean square; NaN without landmarks."""
        if self.pairs is None:
            return float("nan")
        weights = None if self.landmarks is None else self.landmarks.errors.weights
        return float(np.sqrt(np.average(self.residuals**2, weights=weights)))

    @property
    def fle(self) -> float | None:
        """Return the estimated localization error in mm, both images' squares added."""
        localization = None if self.landmarks is None else self.landmarks.localization
        return None if localization is None else localization.fle

    @property
    def outliers(self) -> tuple[str, ...]:
        """Return the labels of landmarks that are misplaced."""
        flags = () if self.landmarks is None else self.landmarks.loo.outliers
        return tuple(label for label, isOutlier in zip(self.labels, flags, strict=False) if isOutlier)

    @property
    def suspects(self) -> tuple[str, ...]:
        """Return the labels to look at first: the misplaced ones, or the one that stands out most, if any does."""
        suspect = None if self.landmarks is None else self.landmarks.loo.suspect
        return self.outliers or (() if suspect is None else (self.labels[suspect],))

    @property
    def refined(self) -> bool:
        """Return whether the images moved the transform away from the landmark fit."""
        return self.images is not None and self.images.accepted

    @property
    def refinementShift(self) -> float | None:
        """Return how far the images moved the landmarks, RMS in mm."""
        if not self.refined or self.landmarks is None:
            return None
        moved = transformPoints(self.transform, self.fixedPoints) - self.landmarks.pose.apply(self.fixedPoints)
        return float(np.sqrt(np.mean(np.sum(moved**2, axis=1))))

    @property
    def knowsError(self) -> bool:
        """Return whether the TRE can be estimated."""
        return self.error is not None

    def expectedError(self, points: np.ndarray) -> np.ndarray | None:
        """Return the expected TRE (M,) in mm, as a root mean square, at fixed points (M, 3), LPS millimeters."""
        return None if self.error is None else expectedError(self.error, points)

    def errorBound(self, points: np.ndarray) -> np.ndarray | None:
        """Return what the TRE (M,) in mm stays below with 95 % probability at fixed points (M, 3), LPS millimeters."""
        return None if self.error is None else errorBound(self.error, points)

    def errorAt(self, place: Place, point: np.ndarray | None) -> ExpectedError | None:
        """Return both errors at one fixed point (3,), LPS millimeters, or None where nothing tells them."""
        errors = None if point is None else self.errorsUnder(point)
        return None if errors is None else ExpectedError(place, *errors)

    def errorsUnder(self, point: np.ndarray) -> tuple[float, float] | None:
        """Return the expected TRE and its 95 % bound in mm at a fixed point (3,), LPS millimeters."""
        if self.error is None:
            return None
        return float(expectedError(self.error, point)[0]), float(errorBound(self.error, point)[0])

    @property
    def expectedErrors(self) -> tuple[ExpectedError, ...]:
        """Return the errors at the places that are known, the one that matters most first."""
        center = self.fixedPoints.mean(axis=0) if len(self.fixedPoints) else None
        body = None if self.body is None or not len(self.body) else self.body.mean(axis=0)
        places = ((Place.tumor, self.target), (Place.landmarksCenter, center), (Place.bodyCenter, body))
        found = (self.errorAt(place, point) for place, point in places)
        return tuple(error for error in found if error is not None)

    @property
    def targetErrors(self) -> tuple[tuple[Target, float | None, float | None], ...]:
        """Return each further target with the expected TRE and its 95 % bound in mm, None where nothing tells them."""
        return tuple((target, *(self.errorsUnder(target.point) or (None, None))) for target in self.targets)

    def withTarget(self, target: np.ndarray) -> "RegistrationResult":
        """Return the same registration looked at from another target (3,), LPS millimeters."""
        return replace(self, target=np.asarray(target, dtype=float))

    @property
    def tre(self) -> float | None:
        """Return the expected TRE in mm at the target."""
        errors = None if self.target is None else self.errorsUnder(self.target)
        return None if errors is None else errors[0]

    @property
    def advice(self) -> str:
        """Return one sentence that says what to do next."""
        if self.isGiven:
            return "The transform was given and is kept as it is: check the edges of the MRI over the CT."
        if self.landmarks is None and self.pairs is not None:
            return "Check the edges of the MRI over the CT."
        if self.landmarks is None:
            return "Check the edges of the MRI over the CT, or place landmarks to confirm the result."
        if self.landmarks.exchange is None and not self.outliers:
            if self.images is not None and not self.images.accepted:
                return "Check the edges of the MRI over the CT: images and landmarks disagree."
            if self.refined:
                return "Check the edges of the MRI over the CT: the images have moved the alignment."
        place, name = self.target, "the tumor"
        if place is None:
            place, name = self.fixedPoints.mean(axis=0), "the center of the landmarks"
        evidence = self.landmarks
        return adviseOnLandmarks(
            evidence.errors, self.labels, evidence.localization, evidence.loo, evidence.exchange, place, name, self.body
        )

    def measurements(self) -> dict[str, object]:
        """Return what is measured, as JSON types; what is unknown is None."""
        evidence, images = self.landmarks, self.images
        localization = None if evidence is None else evidence.localization
        errors = {error.place: error for error in self.expectedErrors}
        known = {}
        for place in Place:
            error = errors.get(place)
            known[f"tre_mm_at_{place.value}"] = None if error is None else error.expected
            known[f"tre_mm_at_{place.value}_95"] = None if error is None else error.bound
        tells = images is not None and images.covariance is not None and (images.accepted or self.isGiven)
        source = "images" if tells else "landmarks"
        return {
            "model": self.model.value,
            **self.verdict.measurements(),
            "landmarks": len(self.labels),
            "fre_mm": _number(self.fre),
            "residuals_mm": self._byLabel(self.residuals),
            "fle_mm": _number(self.fle),
            "fle_mm_interval": None if localization is None else [localization.low, localization.high],
            **known,
            "tre_from": source if self.knowsError else None,
            "targets": [_measuredTarget(*told) for told in self.targetErrors],
            "loo_mm": {} if evidence is None else self._byLabel(evidence.loo.errors),
            "standardized_residuals": {} if evidence is None else self._byLabel(evidence.loo.standardized),
            "outliers": list(self.outliers),
            "suspects": list(self.suspects),
            "swaps": [[evidence.exchange.first, evidence.exchange.second]] if evidence and evidence.exchange else [],
            "refined": self.refined,
            "refinement_shift_mm": _number(self.refinementShift),
            "similarity": {
                "before": None if images is None else _number(images.similarityBefore),
                "after": None if images is None else _number(images.similarityAfter),
            },
            "overlap": _number(self.overlap),
            **({"given": True} if self.isGiven else {}),
            "repaired_pose_lps": None if self.repaired is None else _rows(self.repaired),
            "advice": self.advice,
            "warnings": list(self.warnings),
        }

    def _byLabel(self, values: np.ndarray) -> dict[str, float | None]:
        return {label: _number(value) for label, value in zip(self.labels, values, strict=True)}


def _measuredTarget(target: Target, expected: float | None, bound: float | None) -> dict[str, object]:
    position = flipPoints(target.point).tolist()
    return {"label": target.label, "position_ras": position, "expected_mm": expected, "bound95_mm": bound}


def _rows(pose: Pose) -> list[list[float]]:
    """Return a pose as the three rows of a matrix from CT to MRI points."""
    return np.column_stack([pose.matrix, pose.offset]).tolist()


def _number(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else float(value)
