"""Refuse landmark configurations that cannot carry a registration."""

import numpy as np

# Chosen by reason: landmarks within their own placing error of a line fix no turn; no head doubles its size.
SMALLEST_SPREAD_MM = 2.0
SMALLEST_SPREAD_SHARE = 0.02
SMALLEST_DISTANCE_MM = 0.1
SCALE_LIMITS = (0.5, 2.0)


class ImplausibleFit(ValueError):
    """The landmarks fit, but only to a transform that two scans of one head cannot need.

    :param fre: how well they fit it, RMS in mm, where that can tell one mistake from another.
    """

    def __init__(self, message: str, fre: float = 0.0) -> None:
        super().__init__(message)
        self.fre = fre


def checkConfiguration(
    fixedPoints: np.ndarray,
    movingPoints: np.ndarray,
    weights: np.ndarray | None,
    modelName: str,
    minimumPairs: int,
    needsDepth: bool,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points and weights as float arrays, or raise ValueError where they cannot determine a transform.

    :param fixedPoints: shape (N, 3), LPS millimeters, as movingPoints.
    """
    fixedPoints, movingPoints = np.asarray(fixedPoints, dtype=float), np.asarray(movingPoints, dtype=float)
    if fixedPoints.ndim != 2 or fixedPoints.shape[1] != 3 or fixedPoints.shape != movingPoints.shape:
        raise ValueError(
            f"Fixed and moving landmarks must be two lists of equally many points, not of shapes "
            f"{fixedPoints.shape} and {movingPoints.shape}."
        )
    count = len(fixedPoints)
    weights = np.ones(count) if weights is None else np.asarray(weights, dtype=float)
    if weights.shape != (count,) or not np.all(np.isfinite(weights)) or np.any(weights < 0):
        raise ValueError(f"Landmark weights must be {count} finite numbers that are not negative, not {weights}.")
    carrying = weights > 0
    if np.sum(carrying) < minimumPairs:
        raise ValueError(
            f"A {modelName} registration needs at least {minimumPairs} landmark pairs, but only "
            f"{int(np.sum(carrying))} can be used; place more landmarks."
        )
    if not (np.all(np.isfinite(fixedPoints)) and np.all(np.isfinite(movingPoints))):
        raise ValueError("A landmark has a position that is not a number; place it again.")
    for points, name in ((fixedPoints[carrying], "fixed"), (movingPoints[carrying], "moving")):
        _checkDuplicates(points, name)
        _checkSpread(points, name, modelName, needsDepth)
    return fixedPoints, movingPoints, weights


def _checkDuplicates(points: np.ndarray, name: str) -> None:
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    distances[np.tril_indices(len(points))] = np.inf
    if distances.min() < SMALLEST_DISTANCE_MM:
        first, second = np.unravel_index(np.argmin(distances), distances.shape)
        raise ValueError(
            f"Landmarks {first + 1} and {second + 1} of the {name} image lie at the same place "
            f"({', '.join(f'{value:.1f}' for value in points[first])}); move or remove one of them."
        )


def _checkSpread(points: np.ndarray, name: str, modelName: str, needsDepth: bool) -> None:
    extents = spread(points)
    threshold = max(SMALLEST_SPREAD_MM, SMALLEST_SPREAD_SHARE * extents[0])
    if extents[1] < threshold:
        raise ValueError(
            f"The {name} landmarks lie on a line (they scatter only {extents[1]:.2f} mm about it), so the rotation "
            "about that line is unknown; add a landmark well beside it."
        )
    if needsDepth and extents[2] < threshold:
        raise ValueError(
            f"The {name} landmarks lie in a plane (they scatter only {extents[2]:.2f} mm about it), which does not "
            f"determine the model '{modelName}'; add a landmark well outside the plane or register rigidly."
        )


def spread(points: np.ndarray) -> np.ndarray:
    """Return the RMS extents in mm of points (N, 3) along their three principal axes, the longest first."""
    offsets = points - points.mean(axis=0)
    singular = np.zeros(3)
    values = np.linalg.svd(offsets, compute_uv=False)
    singular[: len(values)] = values
    return singular / np.sqrt(len(points))


def checkMirrored(fixedPoints: np.ndarray, movingPoints: np.ndarray, weights: np.ndarray) -> None:
    """Raise ImplausibleFit where a mirrored copy of the landmarks fits far better than any turned one."""
    shares = (weights / weights.sum())[:, None]
    fixedOffsets = fixedPoints - np.sum(shares * fixedPoints, axis=0)
    movingOffsets = movingPoints - np.sum(shares * movingPoints, axis=0)
    left, singular, right = np.linalg.svd(movingOffsets.T @ (shares * fixedOffsets))
    if np.linalg.det(left) * np.linalg.det(right) > 0:
        return
    rotation = (left * [1.0, 1.0, -1.0]) @ right
    turned, mirrored = (
        np.sqrt(np.sum(shares * (movingOffsets - fixedOffsets @ matrix.T) ** 2)) for matrix in (rotation, left @ right)
    )
    if mirrored < 0.5 * turned and turned > SMALLEST_SPREAD_MM:
        raise ImplausibleFit(
            f"The landmarks of one image are a mirror image of the other's: FRE is {turned:.1f} mm, and {mirrored:.1f} "
            "mm if one is mirrored; check whether left and right were exchanged.",
            mirrored,
        )


def checkScale(matrix: np.ndarray) -> None:
    """Raise ImplausibleFit where a fitted matrix mirrors or its scale is far from 1."""
    if np.linalg.det(matrix) <= 0:
        raise ImplausibleFit(
            "The landmarks of one image are a mirror image of the other's (the fitted matrix has determinant "
            f"{np.linalg.det(matrix):.2f}); check whether left and right were exchanged."
        )
    scales = np.linalg.svd(matrix, compute_uv=False)
    if scales[-1] < SCALE_LIMITS[0] or scales[0] > SCALE_LIMITS[1]:
        raise ImplausibleFit(
            f"The landmarks would scale the image by {scales[-1]:.2f} to {scales[0]:.2f}, which two scans of one head "
            "cannot need; check the landmarks, the voxel spacing of both images, and that both show the same patient."
        )
