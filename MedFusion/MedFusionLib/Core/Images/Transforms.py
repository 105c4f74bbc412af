"""Transforms between the images' points (LPS millimeters): as matrices and poses, and points through them."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import SimpleITK as sitk

IDENTITY = sitk.Transform(3, sitk.sitkIdentity)


class TransformModel(Enum):
    """How the moving image may differ from the fixed one."""

    rigid = "rigid"
    similarity = "similarity"
    affine = "affine"
    thinPlateSpline = "tps"

    @property
    def minimumPairs(self) -> int:
        """Return the number of landmark pairs below which the model is not determined."""
        return _MINIMUM_PAIRS[self]

    @property
    def needsDepth(self) -> bool:
        """Return whether landmarks in one plane leave the model undetermined."""
        return self in (TransformModel.affine, TransformModel.thinPlateSpline)


# By the number of parameters that each model has.
_MINIMUM_PAIRS = {
    TransformModel.rigid: 3,
    TransformModel.similarity: 3,
    TransformModel.affine: 4,
    TransformModel.thinPlateSpline: 5,
}


@dataclass(frozen=True, eq=False)
class Pose:
    """Hold the mapping point -> matrix @ point + offset (LPS millimeters) and the similarity it gives, in nats."""

    matrix: np.ndarray
    offset: np.ndarray
    information: float = 0.0
    inside: float = 1.0

    def apply(self, points: np.ndarray) -> np.ndarray:
        """Return points (N, 3) mapped."""
        return points @ self.matrix.T + self.offset


def poseOf(transform: sitk.Transform) -> Pose:
    """Return a linear transform as a pose, whatever its class and center."""
    origin = np.array(transform.TransformPoint((0.0, 0.0, 0.0)))
    columns = [np.array(transform.TransformPoint(tuple(axis))) - origin for axis in np.eye(3)]
    return Pose(np.column_stack(columns), origin)


def matrixFromTransform(transform: sitk.Transform) -> np.ndarray:
    """Return the (4, 4) matrix of a linear transform, whatever its class and center."""
    pose = poseOf(transform)
    matrix = np.eye(4)
    matrix[:3, :3], matrix[:3, 3] = pose.matrix, pose.offset
    return matrix


def affineFromMatrix(matrix: np.ndarray) -> sitk.AffineTransform:
    """Return a (4, 4) matrix as a transform."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(matrix[:3, :3].ravel().tolist())
    transform.SetTranslation(matrix[:3, 3].tolist())
    return transform


def matrixTransform(
    matrix: np.ndarray, offset: np.ndarray, center: np.ndarray, model: TransformModel = TransformModel.rigid
) -> sitk.Transform:
    """Return the transform x -> matrix @ x + offset that turns about a center (LPS millimeters)."""
    transform: sitk.VersorRigid3DTransform | sitk.Similarity3DTransform | sitk.AffineTransform
    if model is TransformModel.rigid:
        transform = sitk.VersorRigid3DTransform()
    elif model is TransformModel.similarity:
        transform = sitk.Similarity3DTransform()
    elif model is TransformModel.affine:
        transform = sitk.AffineTransform(3)
    else:
        raise ValueError(f"A matrix makes no transform of the model '{model.value}'.")
    transform.SetCenter([float(value) for value in center])
    transform.SetMatrix([float(value) for value in matrix.ravel()])
    transform.SetTranslation([float(value) for value in offset + matrix @ center - center])
    return transform


def transformPoints(transform: sitk.Transform | None, points: np.ndarray) -> np.ndarray:
    """Return points (N, 3) mapped by a transform, or as they are where there is none; LPS millimeters."""
    points = np.asarray(points, dtype=float).reshape(-1, 3)
    if transform is None:
        return points
    return np.array([transform.TransformPoint(point) for point in points.tolist()]).reshape(-1, 3)


def isWithinDomain(transform: sitk.Transform, points: np.ndarray) -> np.ndarray:
    """Return for each LPS point (N, 3) whether a transform says anything of it.

    A displacement field or a B-spline leaves points outside of its grid where they are, which is no answer.
    """
    points = np.asarray(points, dtype=float).reshape(-1, 3)
    transform = transform.Downcast()
    if isinstance(transform, sitk.CompositeTransform):
        inside = np.ones(len(points), bool)
        for index in reversed(range(transform.GetNumberOfTransforms())):  # the one added last comes first
            part = transform.GetNthTransform(index)
            inside &= isWithinDomain(part, points)
            points = transformPoints(part, points)
        return inside
    if isinstance(transform, sitk.DisplacementFieldTransform):
        field = transform.GetDisplacementField()
        origin, direction = field.GetOrigin(), field.GetDirection()
        size = np.array(field.GetSpacing()) * (np.array(field.GetSize()) - 1)
    elif isinstance(transform, sitk.BSplineTransform):
        origin, direction = transform.GetTransformDomainOrigin(), transform.GetTransformDomainDirection()
        size = np.array(transform.GetTransformDomainPhysicalDimensions())
    else:
        return np.ones(len(points), bool)
    along = (points - origin) @ np.reshape(direction, (3, 3))
    return np.all((along >= -1e-6) & (along <= size + 1e-6), axis=1)
