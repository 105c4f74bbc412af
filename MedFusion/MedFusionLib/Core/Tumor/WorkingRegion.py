"""A part of a volume on a grid of even spacing, where the tumor is looked for."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import cornerPoints, imagePart, indexRange, indicesAt, pointsAt
from ..Images.Transforms import IDENTITY


@dataclass(frozen=True)
class WorkingRegion:
    """A box with the image's axes and one spacing in all directions.

    :param grid: the box as an image; its values are those of the source image.
    :param source: the image that the box was cut from.
    """

    grid: sitk.Image
    source: sitk.Image

    @property
    def spacing(self) -> float:
        """Return the spacing in millimeters, the same in all directions."""
        return float(self.grid.GetSpacing()[0])

    @property
    def isPlane(self) -> bool:
        """Return whether it is part of a single slice."""
        return self.source.GetSize()[2] == 1

    @property
    def values(self) -> np.ndarray:
        """Return the image's values in the box, array (KJI) of float32."""
        return sitk.GetArrayFromImage(self.grid)

    def indices(self, points: np.ndarray) -> np.ndarray:
        """Return array indices (KJI, with fractions) of LPS points, shape (N, 3)."""
        return indicesAt(self.grid, points)[:, ::-1]

    def distance(self, index: np.ndarray) -> np.ndarray:
        """Return every voxel's distance in millimeters from an array index (KJI, with fractions)."""
        axes = np.ogrid[tuple(slice(0, n) for n in self.grid.GetSize()[::-1])]
        squares = [((axis - i) * self.spacing).astype(np.float32) ** 2 for axis, i in zip(axes, index, strict=True)]
        return np.sqrt(sum(squares))

    def sampled(self, image: sitk.Image, nearest: bool = False, outside: float = 0.0) -> np.ndarray:
        """Return another image's values in the box, and a value of one's own outside that image."""
        interpolator = sitk.sitkNearestNeighbor if nearest else sitk.sitkLinear
        there = sitk.Resample(image, self.grid, IDENTITY, interpolator, outside, sitk.sitkFloat32)
        return sitk.GetArrayFromImage(there)

    def onSource(self, labeling: np.ndarray) -> tuple[np.ndarray, tuple[slice, ...]]:
        """Return where a labeling (0 to 1) of the box is above 0.5 on the source image's voxels, and their slices."""
        start, stop = indexRange(self.source, cornerPoints(self.grid))
        image = sitk.GetImageFromArray(labeling.astype(np.float32))
        image.CopyInformation(self.grid)
        target = imagePart(self.source, start, stop)
        there = sitk.GetArrayFromImage(sitk.Resample(image, target, IDENTITY, sitk.sitkLinear, 0.0)) > 0.5
        slices = tuple(slice(int(a), int(b)) for a, b in zip(start[::-1], stop[::-1], strict=True))
        return there, slices


def workingRegion(
    image: sitk.Image, points: np.ndarray, marginMm: float, mostVoxels: int = 200_000, finestMm: float = 1.0
) -> WorkingRegion:
    """Return the region around points, inside the image, at the finest spacing that the number of voxels allows.

    :param points: LPS millimeters, shape (N, 3).
    :param marginMm: how far the region reaches beyond the points.
    """
    spacing, size = np.array(image.GetSpacing()), np.array(image.GetSize())
    index = indicesAt(image, points)
    start = np.clip(index.min(axis=0) - marginMm / spacing, -0.5, size - 0.5)
    stop = np.clip(index.max(axis=0) + marginMm / spacing, -0.5, size - 0.5)
    extent = (stop - start) * spacing
    isFlat = size == 1
    across = extent[~isFlat]
    step = max(float(np.prod(np.maximum(across, 1.0)) / mostVoxels) ** (1 / len(across)), finestMm)
    newSize = np.where(isFlat, 1, np.maximum(np.ceil(extent / step), 1)).astype(int)
    low = np.clip(np.floor(start).astype(int) - 2, 0, size - 1)
    high = np.clip(np.ceil(stop).astype(int) + 3, low + 1, size)
    part = sitk.Cast(imagePart(image, low, high), sitk.sitkFloat32)
    sigma = [0.5 * np.sqrt(max(step**2 - s**2, 0.0)) for s in spacing]
    part = sitk.DiscreteGaussian(part, [s * s for s in sigma], 16, 0.02, True)
    origin = pointsAt(image, np.where(isFlat, 0.0, start + 0.5 * step / spacing)).tolist()
    grid = sitk.Resample(
        part,
        newSize.tolist(),
        IDENTITY,
        sitk.sitkLinear,
        origin,
        [step] * 3,
        image.GetDirection(),
        0.0,
        sitk.sitkFloat32,
        True,
    )
    return WorkingRegion(grid, image)
