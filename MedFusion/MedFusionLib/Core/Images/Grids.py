"""Grids of images: axes, points, corners and bounds, and empty images on grids of their own."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from numpy.typing import ArrayLike
from scipy import ndimage

# Points and indices


def directionOf(image: sitk.Image) -> np.ndarray:
    """Return the 3x3 matrix whose columns are the unit vectors along i, j and k, LPS."""
    return np.reshape(image.GetDirection(), (3, 3))


def voxelAxes(image: sitk.Image) -> np.ndarray:
    """Return the 3x3 matrix whose columns are the steps in mm from voxel to voxel along i, j and k."""
    return directionOf(image) * image.GetSpacing()


def indexMatrix(image: sitk.Image) -> np.ndarray:
    """Return the 3x4 matrix that maps LPS points to continuous indices (i, j, k) of an image."""
    inverse = np.linalg.inv(voxelAxes(image))
    return np.hstack([inverse, -inverse @ np.array(image.GetOrigin())[:, None]])


def pointsAt(image: sitk.Image, indices: ArrayLike) -> np.ndarray:
    """Return the LPS points (..., 3) in mm at an image's indices (i, j, k), which may have fractions."""
    return np.asarray(indices) @ voxelAxes(image).T + image.GetOrigin()


def indicesAt(image: sitk.Image, points: ArrayLike) -> np.ndarray:
    """Return the indices (i, j, k) with fractions, shape (..., 3), at LPS points in mm."""
    return (np.asarray(points) - image.GetOrigin()) @ np.linalg.inv(voxelAxes(image)).T


def isInside(image: sitk.Image, points: np.ndarray) -> np.ndarray:
    """Return whether each LPS point (..., 3) lies in one of an image's voxels."""
    indices = indicesAt(image, points)
    return np.all((indices >= -0.5) & (indices <= np.array(image.GetSize()) - 0.5), axis=-1)


def voxelPoints(image: sitk.Image) -> np.ndarray:
    """Return the LPS points of all voxels in mm, array (k, j, i, 3)."""
    place = (image.GetSize(), image.GetOrigin(), image.GetSpacing(), image.GetDirection())
    return sitk.GetArrayFromImage(sitk.PhysicalPointSource(sitk.sitkVectorFloat64, *place))


def cornerPoints(image: sitk.Image) -> np.ndarray:
    """Return the LPS points (8, 3) in mm of the middles of the outermost voxels."""
    ends = np.meshgrid(*[(0, size - 1) for size in image.GetSize()], indexing="ij")
    return pointsAt(image, np.stack(ends, axis=-1).reshape(-1, 3))


def imageBounds(image: sitk.Image) -> np.ndarray:
    """Return the lowest and highest corner (2, 3) of an image's box, the outer faces of its voxels, LPS mm."""
    ends = np.meshgrid(*[(-0.5, size - 0.5) for size in image.GetSize()], indexing="ij")
    corners = pointsAt(image, np.stack(ends, axis=-1).reshape(-1, 3))
    return np.stack([corners.min(axis=0), corners.max(axis=0)])


def imageCenter(image: sitk.Image) -> np.ndarray:
    """Return the middle (3,) of an image's box, LPS mm."""
    return pointsAt(image, (np.array(image.GetSize()) - 1) / 2)


def isSameGrid(first: sitk.Image, second: sitk.Image) -> bool:
    """Return whether two images have their voxels in the same places."""
    return (
        first.GetSize() == second.GetSize()
        and np.allclose(first.GetOrigin(), second.GetOrigin(), atol=1e-4)
        and np.allclose(first.GetSpacing(), second.GetSpacing(), rtol=1e-5)
        and np.allclose(first.GetDirection(), second.GetDirection(), atol=1e-5)
    )


# Boxes


def boxAround(mask: np.ndarray, reach: int = 0) -> tuple[slice, ...]:
    """Return the array slices of the box around a mask that is not empty, so many voxels wider on each side."""
    return tuple(
        slice(max(part.start - reach, 0), min(part.stop + reach, size))
        for part, size in zip(ndimage.find_objects(mask.astype(np.uint8))[0], mask.shape, strict=True)
    )


def indexRange(image: sitk.Image, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and behind the last index (i, j, k) of an image's part around LPS points; one voxel at least."""
    size = np.array(image.GetSize())
    indices = indicesAt(image, points)
    start = np.clip(np.floor(indices.min(axis=0)).astype(int), 0, size - 1)
    stop = np.clip(np.ceil(indices.max(axis=0)).astype(int) + 1, start + 1, size)
    return start, stop


def imagePart(image: sitk.Image, start: ArrayLike, stop: ArrayLike) -> sitk.Image:
    """Return a part of an image, from one index (i, j, k) to just before another."""
    first, last = np.asarray(start), np.asarray(stop)
    return sitk.RegionOfInterest(image, (last - first).tolist(), first.tolist())


# Empty images


def emptyImage(
    size: Sequence[float] | np.ndarray,
    spacing: Sequence[float] | np.ndarray,
    origin: Sequence[float] | np.ndarray,
    direction: Sequence[float] | np.ndarray,
    pixelType: int = sitk.sitkUInt8,
    components: int = 0,
) -> sitk.Image:
    """Return an image of zeros.

    :param spacing: mm along i, j and k; the origin is the LPS point of the first voxel's middle.
    :param components: values of a voxel; 0 for a scalar image.
    """
    image = sitk.Image([int(count) for count in size], pixelType, components)
    image.SetSpacing([float(step) for step in spacing])
    image.SetOrigin([float(value) for value in origin])
    image.SetDirection(np.ravel(direction).tolist())
    return image


def gridWithSpacing(image: sitk.Image, spacing: Sequence[float], pixelType: int = sitk.sitkUInt8) -> sitk.Image:
    """Return an empty image that fills an image's box with voxels of another size.

    :param spacing: mm along i, j and k.
    """
    wanted, own = np.array(spacing, dtype=float), np.array(image.GetSpacing())
    if wanted.shape != (3,) or not np.all(np.isfinite(wanted)) or np.any(wanted <= 0):
        raise ValueError(f"The voxel spacing must be three positive numbers of millimeters, not {spacing}.")
    size = np.maximum(np.round(np.array(image.GetSize()) * own / wanted), 1)
    if np.prod(size) > 2e9:
        raise ValueError(f"A voxel spacing of {spacing} mm would make {np.prod(size):.1e} voxels.")
    # The outer faces of the first voxels meet, not their middles.
    origin = pointsAt(image, (wanted / own - 1) / 2)
    return emptyImage(size, wanted, origin, image.GetDirection(), pixelType)


def isotropicGrid(image: sitk.Image, spacing: float) -> sitk.Image:
    """Return an empty image over the same box as the image with cubic voxels.

    :param spacing: edge of a voxel in mm, 0.2 to 10.
    """
    if not 0.2 <= spacing <= 10:
        raise ValueError(f"The isotropic spacing is {spacing:g} mm; it must lie between 0.2 and 10 mm.")
    return gridWithSpacing(image, [spacing] * 3)


def coarseGrid(image: sitk.Image, spacing: float) -> sitk.Image:
    """Return an empty float32 image whose outermost voxels lie on those of an image, at most a spacing in mm apart."""
    own = np.array(image.GetSpacing())
    extent = (np.array(image.GetSize()) - 1) * own
    counts = np.maximum(np.ceil(extent / spacing), 1) + 1
    steps = np.maximum(extent / (counts - 1), 1e-3 * own)
    return emptyImage(counts, steps, image.GetOrigin(), image.GetDirection(), sitk.sitkFloat32)
