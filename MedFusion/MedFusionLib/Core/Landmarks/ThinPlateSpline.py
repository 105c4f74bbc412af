"""A thin-plate spline through landmarks, as a transform that ITK and Slicer can both read."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

# Chosen so that the inverse holds beyond the head, and its grid is as fine as the spline bends.
_MARGIN_MM = 60.0
_GRID_POINTS = 40


@dataclass(frozen=True, eq=False)
class ThinPlateSpline:
    """Hold x -> matrix @ x + offset + sum_k coefficients_k |x - center_k|, in LPS millimeters."""

    centers: np.ndarray
    coefficients: np.ndarray
    matrix: np.ndarray
    offset: np.ndarray

    def bend(self, points: np.ndarray) -> np.ndarray:
        """Return the part (M, 3) of the mapping of points (M, 3) that is not affine."""
        return _distances(points, self.centers) @ self.coefficients

    def transformPoints(self, points: np.ndarray) -> np.ndarray:
        """Return points (M, 3) mapped."""
        return points @ self.matrix.T + self.offset + self.bend(points)

    def toTransform(self, bounds: np.ndarray | None = None) -> sitk.Transform:
        """Return an affine transform after a displacement field, which together equal the spline.

        Outside of the bounds the affine part alone holds; the spline tends to it far from its landmarks.

        :param bounds: shape (2, 3), the lowest and highest corner of where the spline is needed, LPS millimeters;
            None takes the landmarks' box and a margin.
        """
        low, high = self.centers.min(axis=0) - _MARGIN_MM, self.centers.max(axis=0) + _MARGIN_MM
        if bounds is not None:
            low, high = np.minimum(low, bounds[0]), np.maximum(high, bounds[1])
        spacing = np.max(high - low) / (_GRID_POINTS - 1)
        counts = np.ceil((high - low) / spacing).astype(int) + 1
        axes = [low[axis] + spacing * np.arange(counts[axis]) for axis in range(3)]
        z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
        bent = self.bend(np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1))
        field = np.linalg.solve(self.matrix, bent.T).T.reshape(*counts[::-1], 3)
        exact = np.linalg.solve(self.matrix, self.bend(self.centers).T).T
        _meetAtPoints(field, (self.centers - low) / spacing, exact)
        image = sitk.GetImageFromArray(field, isVector=True)
        image.SetOrigin([float(value) for value in low])
        image.SetSpacing([float(spacing)] * 3)
        affine = sitk.AffineTransform(3)
        affine.SetMatrix([float(value) for value in self.matrix.ravel()])
        affine.SetTranslation([float(value) for value in self.offset])
        return sitk.CompositeTransform([affine, sitk.DisplacementFieldTransform(image)])


def _distances(points: np.ndarray, centers: np.ndarray) -> np.ndarray:
    """Return the distances (M, N) of points (M, 3) from centers (N, 3)."""
    squares = np.zeros((len(points), len(centers)))
    for axis in range(3):
        squares += (points[:, axis, None] - centers[:, axis]) ** 2
    return np.sqrt(squares, out=squares)


def _meetAtPoints(field: np.ndarray, indices: np.ndarray, values: np.ndarray) -> None:
    """Change a field (KJI, 3) as little as possible so that its linear interpolation equals values at indices (XYZ).

    The spline has a cusp at each landmark, which a grid would otherwise cut off.
    """
    base = np.floor(indices).astype(int)
    fraction = indices - base
    corners = np.array(list(np.ndindex(2, 2, 2)))
    shares = np.prod(np.where(corners, fraction[:, None], 1.0 - fraction[:, None]), axis=2)
    x, y, z = np.moveaxis(base[:, None] + corners, 2, 0)
    touched, columns = np.unique(np.ravel_multi_index((z, y, x), field.shape[:3]), return_inverse=True)
    weights = np.zeros((len(indices), len(touched)))
    np.add.at(weights, (np.arange(len(indices))[:, None], columns.reshape(shares.shape)), shares)
    nodes = field.reshape(-1, 3)
    nodes[touched] += np.linalg.lstsq(weights, values - weights @ nodes[touched], rcond=None)[0]


def _system(points: np.ndarray) -> np.ndarray:
    count = len(points)
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = _distances(points, points)
    system[:count, count:] = np.hstack([points, np.ones((count, 1))])
    system[count:, :count] = system[:count, count:].T
    return system


def cardinalWeights(fixedPoints: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return with what weight (M, N) each moving landmark enters the mapping of points (M, 3)."""
    count = len(fixedPoints)
    rows = np.hstack([_distances(points, fixedPoints), points, np.ones((len(points), 1))])
    return np.linalg.solve(_system(fixedPoints), rows.T).T[:, :count]


def fitThinPlateSpline(fixedPoints: np.ndarray, movingPoints: np.ndarray, weights: np.ndarray) -> ThinPlateSpline:
    """Return the spline that maps every fixed landmark of positive weight exactly onto its moving one.

    Source: Bookstein 1989, doi:10.1109/34.24792; in 3D the kernel is |r|.
    """
    carrying = weights > 0
    fixedPoints, movingPoints = fixedPoints[carrying], movingPoints[carrying]
    count = len(fixedPoints)
    solution = np.linalg.solve(_system(fixedPoints), np.vstack([movingPoints, np.zeros((4, 3))]))
    return ThinPlateSpline(fixedPoints, solution[:count], solution[count : count + 3].T, solution[-1])
