"""Landmark registration from lists of landmarks to a transform that says how wrong it is."""

from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk

from .LandmarkFit import TransformModel, fitLandmarks, transformPoints
from .LandmarkPairing import Pairing, pairLandmarks
from .Landmarks import LandmarkList
from .Overlap import checkOverlap
from .Progress import Progress, report


@dataclass(frozen=True)
class RegistrationSettings:
    """Choose how landmarks are paired and what transform they may give."""

    model: TransformModel = TransformModel.rigid
    pairing: Pairing = Pairing.label
    refine: bool = False
    auto: bool = False


@dataclass(frozen=True, eq=False)
class RegistrationResult:
    """Hold a transform from fixed to moving points with everything known about its error, LPS millimetres."""

    transform: sitk.Transform
    model: TransformModel
    labels: tuple[str, ...]
    fixedPoints: np.ndarray
    movingPoints: np.ndarray
    residuals: np.ndarray
    fre: float
    warnings: tuple[str, ...] = field(default=())
    overlap: float | None = None

    def measurements(self) -> dict:
        """Return what is measured, as JSON types."""
        return {
            "model": self.model.value,
            "landmarks": len(self.labels),
            "fre_mm": float(self.fre),
            "residuals_mm": {label: float(value) for label, value in zip(self.labels, self.residuals, strict=True)},
            "warnings": list(self.warnings),
        }


def registerLandmarks(
    fixed: LandmarkList | None,
    moving: LandmarkList | None,
    settings: RegistrationSettings | None = None,
    fixedImage: sitk.Image | None = None,
    movingImage: sitk.Image | None = None,
    target: np.ndarray | None = None,
    progress: Progress | None = None,
) -> RegistrationResult:
    """Return the transform from fixed to moving points that the landmarks give, and its errors.

    :param fixedImage: with movingImage, both images are checked for overlap after registration.
    :param target: the fixed point, LPS millimetres, where the error matters, such as the tumor's centroid.
    """
    settings = settings or RegistrationSettings()
    report(progress, 0.0, "Registering landmarks")
    if fixed is None or moving is None:
        raise ValueError("Registration needs landmarks in both images; place at least 3 pairs.")
    pairs = pairLandmarks(fixed, moving, settings.pairing)
    transform = fitLandmarks(pairs.fixedPoints, pairs.movingPoints, settings.model)
    residuals = np.linalg.norm(transformPoints(transform, pairs.fixedPoints) - pairs.movingPoints, axis=1)
    overlap = None
    if fixedImage is not None and movingImage is not None:
        overlap = checkOverlap(fixedImage, movingImage, transform)
    report(progress, 1.0, "Registered landmarks")
    return RegistrationResult(
        transform=transform,
        model=settings.model,
        labels=pairs.labels,
        fixedPoints=pairs.fixedPoints,
        movingPoints=pairs.movingPoints,
        residuals=residuals,
        fre=float(np.sqrt(np.mean(residuals**2))),
        warnings=pairs.notes,
        overlap=overlap,
    )
