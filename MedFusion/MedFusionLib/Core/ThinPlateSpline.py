"""A thin-plate spline through landmarks, as a transform that ITK and Slicer can both read."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from .LandmarkGuards import checkScale

_MARGIN_MM = 60.0
_GRID_POINTS = 48


@dataclass(frozen=True, eq=False)
class ThinPlateSpline:
    """Hold x -> matrix @ x + offset + sum_k coefficients_k |x - centre_k|, in LPS millimetres."""

    centres: np.ndarray
    coefficients: np.ndarray
    matrix: np.ndarray
    offset: np.ndarray

    def bend(self, points: np.ndarray) -> np.ndarray:
        """Return the part (M, 3) of the mapping of points (M, 3) that is not affine."""
        bent = np.zeros(points.shape)
        for centre, coefficient in zip(self.centres, self.coefficients, strict=True):
            bent += np.linalg.norm(points - centre, axis=1)[:, None] * coefficient
        return bent

    def transformPoints(self, points: np.ndarray) -> np.ndarray:
        """Return points (M, 3) mapped."""
        return points @ self.matrix.T + self.offset + self.bend(points)

    def toTransform(self, bounds: np.ndarray | None = None) -> sitk.Transform:
        """Return an affine transform after a displacement field, which together equal the spline.

        Outside of the bounds the affine part alone holds; the spline tends to it far from its landmarks.

        :param bounds: shape (2, 3), the lowest and highest corner of where the spline is needed, LPS millimetres;
            None takes the landmarks' box and a margin.
        """
        low, high = self.centres.min(axis=0) - _MARGIN_MM, self.centres.max(axis=0) + _MARGIN_MM
        if bounds is not None:
            low, high = np.minimum(low, bounds[0]), np.maximum(high, bounds[1])
        spacing = np.max(high - low) / (_GRID_POINTS - 1)
        counts = np.ceil((high - low) / spacing).astype(int) + 1
        axes = [low[axis] + spacing * np.arange(counts[axis]) for axis in range(3)]
        z, y, x = np.meshgrid(axes[2], axes[1], axes[0], indexing="ij")
        bent = self.bend(np.stack([x.ravel(), y.ravel(), z.ravel()], axis=1))
        field = np.linalg.solve(self.matrix, bent.T).T.reshape(*counts[::-1], 3)
        exact = np.linalg.solve(self.matrix, self.bend(self.centres).T).T
        _meetAtPoints(field, (self.centres - low) / spacing, exact)
        image = sitk.GetImageFromArray(field, isVector=True)
        image.SetOrigin([float(value) for value in low])
        image.SetSpacing([float(spacing)] * 3)
        affine = sitk.AffineTransform(3)
        affine.SetMatrix([float(value) for value in self.matrix.ravel()])
        affine.SetTranslation([float(value) for value in self.offset])
        return sitk.CompositeTransform([affine, sitk.DisplacementFieldTransform(image)])


def _meetAtPoints(field: np.ndarray, indices: np.ndarray, values: np.ndarray) -> None:
    """Change a field (KJI, 3) as little as possible so that its linear interpolation equals values at indices (XYZ).

    The spline has a cusp at each landmark, which a grid would otherwise cut off.
    """
    base = np.floor(indices).astype(int)
    fraction = indices - base
    weights = np.zeros((len(indices), *field.shape[:3]))
    rows = np.arange(len(indices))
    for corner in np.ndindex(2, 2, 2):
        share = np.prod(np.where(corner, fraction, 1.0 - fraction), axis=1)
        x, y, z = (base + corner).T
        weights[rows, z, y, x] = share
    flat = weights.reshape(len(indices), -1)
    touched = np.flatnonzero(flat.any(axis=0))
    flat = flat[:, touched]
    nodes = field.reshape(-1, 3)
    nodes[touched] += np.linalg.lstsq(flat, values - flat @ nodes[touched], rcond=None)[0]


def fitThinPlateSpline(fixedPoints: np.ndarray, movingPoints: np.ndarray, weights: np.ndarray) -> ThinPlateSpline:
    """Return the spline that maps every fixed landmark of positive weight exactly onto its moving one.

    Source: Bookstein 1989, doi:10.1109/34.24792; in 3D the kernel is |r|.
    """
    carrying = weights > 0
    fixedPoints, movingPoints = fixedPoints[carrying], movingPoints[carrying]
    count = len(fixedPoints)
    system = np.zeros((count + 4, count + 4))
    system[:count, :count] = np.linalg.norm(fixedPoints[:, None] - fixedPoints[None], axis=2)
    system[:count, count:] = np.hstack([fixedPoints, np.ones((count, 1))])
    system[count:, :count] = system[:count, count:].T
    solution = np.linalg.solve(system, np.vstack([movingPoints, np.zeros((4, 3))]))
    spline = ThinPlateSpline(fixedPoints, solution[:count], solution[count : count + 3].T, solution[-1])
    checkScale(spline.matrix)
    return spline
