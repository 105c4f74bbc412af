"""Climb mutual information from a starting pose."""

import numpy as np

from ..Images.Transforms import Pose
from ..Progress import Progress, report
from .MutualInformation import FixedSamples, MovingField, mutualInformation

# By definition: turns about the three axes as matrices.
_CROSS = np.array(
    [[[0, 0, 0], [0, 0, -1], [0, 1, 0]], [[0, 0, 1], [0, 0, 0], [-1, 0, 0]], [[0, -1, 0], [1, 0, 0], [0, 0, 0]]]
)


def climb(
    samples: FixedSamples,
    moving: MovingField,
    start: Pose,
    unit: float,
    affine: bool = False,
    tolerance: float = 1e-6,
    iterations: int = 60,
    progress: Progress | None = None,
) -> Pose:
    """Return the pose of greatest mutual information near a start.

    Rotation and shear count by how far they move a point at the samples' RMS radius, so that every parameter is a
    length and the first step is one unit.

    :param unit: how far the first step goes, in mm; about the voxel size.
    :param affine: whether scale and shear may change too.

    Source of the optimizer: Byrd et al. 1995, doi:10.1137/0916069 (L-BFGS-B).
    """
    from scipy.optimize import minimize  # slow to load, and only for refining

    center = samples.center
    radius = np.sqrt(np.mean(np.sum((samples.points - center) ** 2, axis=1)))
    movingCenter = start.apply(center)
    evaluations = 0

    def pose(parameters: np.ndarray) -> tuple[Pose, np.ndarray]:
        turn, slopes = _affineTurn(parameters[3:] / radius) if affine else _rigidTurn(parameters[3:] / radius)
        matrix = turn @ start.matrix
        return Pose(matrix, movingCenter + parameters[:3] - matrix @ center), slopes @ start.matrix

    def cost(scaled: np.ndarray) -> tuple[float, np.ndarray]:
        nonlocal evaluations
        evaluations += 1
        report(progress, 1.0 - 0.95**evaluations, f"Comparing the images, {evaluations} poses")
        here, slopes = pose(scaled * unit)
        similarity = mutualInformation(samples, moving, here.matrix, here.offset)
        byOffset = similarity.gradient[:, 3]
        byMatrix = similarity.gradient[:, :3] - np.outer(byOffset, center)
        byTurn = np.einsum("ij,pij->p", byMatrix, slopes) / radius
        return -similarity.information, -np.concatenate([byOffset, byTurn]) * unit

    options = {"ftol": tolerance, "gtol": 1e-7, "maxiter": iterations}
    found = minimize(cost, np.zeros(12 if affine else 6), jac=True, method="L-BFGS-B", options=options)
    best, _ = pose(found.x * unit)
    inside = mutualInformation(samples, moving, best.matrix, best.offset).inside
    return Pose(best.matrix, best.offset, -float(found.fun), inside)


def _rigidTurn(angles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the rotation Rz Ry Rx of three angles in radians and its slopes (3, 3, 3)."""
    (cx, cy, cz), (sx, sy, sz) = np.cos(angles), np.sin(angles)
    x = np.array([[1, 0, 0], [0, cx, -sx], [0, sx, cx]])
    y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    z = np.array([[cz, -sz, 0], [sz, cz, 0], [0, 0, 1]])
    return z @ y @ x, np.stack([z @ y @ _CROSS[0] @ x, z @ _CROSS[1] @ y @ x, _CROSS[2] @ z @ y @ x])


def _affineTurn(entries: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the identity plus nine entries as a matrix, and its slopes (9, 3, 3)."""
    return np.eye(3) + entries.reshape(3, 3), np.eye(9).reshape(9, 3, 3)
