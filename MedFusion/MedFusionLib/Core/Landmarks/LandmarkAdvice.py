"""What a user should do next about the landmarks."""

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import binary_erosion

from ..Images.Foreground import foreground
from ..Images.Grids import pointsAt
from ..Images.Transforms import TransformModel
from .LandmarkErrors import ErrorModel, LeaveOneOut, LocalizationError
from .LandmarkExchange import Exchange

# Chosen by hand: advice that lowers the error by less than a tenth is not worth a landmark.
_WORTHWHILE_GAIN = 0.9
_CANDIDATES = 200
_SAME_PLACE_MM = 15.0
_DIRECTIONS = (("left", "right"), ("posterior", "anterior"), ("superior", "inferior"))


def adviseOnLandmarks(
    errors: ErrorModel,
    labels: tuple[str, ...],
    localization: LocalizationError | None,
    loo: LeaveOneOut,
    exchange: Exchange | None,
    target: np.ndarray,
    targetName: str,
    body: np.ndarray | None = None,
) -> str:
    """Return one sentence that says what to do next.

    :param target: fixed point (3,), LPS millimeters, where the error matters; targetName is how to call it.
    :param body: points (M, 3), LPS millimeters, on the body's surface where a landmark could be added.
    """
    if exchange is not None:
        return f"Exchange {exchange.first} and {exchange.second} in one of the lists. {exchange.sentence}"
    if localization is not None and not loo.belongTogether(localization):
        return (
            f"Check which landmark is paired with which: they are off by {localization.fle:.0f} mm each, so they do "
            "not belong together."
        )
    outliers = np.flatnonzero(loo.outliers)
    if len(outliers):
        worst = outliers[np.argmin(loo.chances[outliers])]
        return f"Place {labels[worst]} again: it lies {loo.errors[worst]:.1f} mm from where the others put it."
    if localization is None:
        return "Add a landmark: with so few the error cannot be estimated."
    expected = localization.fle * float(np.sqrt(errors.spreading(target[None])[0]))
    if errors.model is TransformModel.thinPlateSpline:
        return f"The expected TRE at {targetName} is {expected:.1f} mm; a landmark close to it lowers it most."
    candidates = _candidates(errors.fixedPoints, body)
    improved = localization.fle * np.sqrt(errors.spreadingWithOneMore(candidates, target))
    best = int(np.argmin(improved))
    if improved[best] > _WORTHWHILE_GAIN * expected:
        suspect = "" if loo.suspect is None else f"; if one is doubtful, look at {labels[loo.suspect]} first"
        return (
            f"The landmarks are well placed: expected TRE at {targetName} is {expected:.1f} mm, and one more would "
            f"hardly lower it{suspect}."
        )
    return (
        f"Add a landmark {_place(candidates[best], errors.fixedPoints.mean(axis=0))}: expected TRE at {targetName} "
        f"falls from {expected:.1f} to {improved[best]:.1f} mm."
    )


def bodySurface(image: sitk.Image) -> np.ndarray:
    """Return a few hundred points (M, 3), LPS millimeters, on the body in an image; none if it is flat."""
    try:
        mask = foreground(image, 0.0)
    except ValueError:  # a flat image is no reason to refuse landmarks
        return np.zeros((0, 3))
    body = sitk.GetArrayViewFromImage(mask) > 0
    indices = np.argwhere(body & ~binary_erosion(body))[:, ::-1]
    indices = indices[:: max(1, len(indices) // _CANDIDATES)]
    return pointsAt(mask, indices)


def _candidates(fixedPoints: np.ndarray, body: np.ndarray | None) -> np.ndarray:
    """Return where a landmark could be added: on the body, or as far out as the landmarks already are."""
    if body is None or not len(body):
        steps = np.arange(_CANDIDATES) + 0.5
        height, turn = 1 - 2 * steps / _CANDIDATES, np.pi * (1 + np.sqrt(5)) * steps
        ring = np.sqrt(1 - height**2)
        directions = np.stack([ring * np.cos(turn), ring * np.sin(turn), height], axis=1)
        center = fixedPoints.mean(axis=0)
        body = center + np.linalg.norm(fixedPoints - center, axis=1).max() * directions
    distances = np.linalg.norm(body[:, None] - fixedPoints, axis=2).min(axis=1)
    return body[distances > _SAME_PLACE_MM] if np.any(distances > _SAME_PLACE_MM) else body


def _place(point: np.ndarray, center: np.ndarray) -> str:
    """Return a point in words, with anatomical coordinates that hold for RAS and LPS alike."""
    offset = point - center
    far = np.abs(offset) > 0.5 * np.abs(offset).max()
    words = [_DIRECTIONS[axis][0 if offset[axis] > 0 else 1] for axis in np.argsort(-np.abs(offset)) if far[axis]]
    letters = ("LR"[int(point[0] < 0)], "PA"[int(point[1] < 0)], "SI"[int(point[2] < 0)])
    position = ", ".join(f"{letter} {abs(value):.0f}" for letter, value in zip(letters, point, strict=True))
    return f"far {' and '.join(words)} of the others (near {position} mm)"
