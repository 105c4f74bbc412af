"""Images made ready to be compared from coarse to fine."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import gaussian_filter

from ..Images.Grids import indexMatrix, pointsAt
from ..Images.Resampling import shrink
from ..Images.Transforms import IDENTITY
from ..Images.Voxels import slabs, writableVoxels
from .MutualInformation import FixedSamples, MovingField, interpolate

# Chosen by hand on simulated heads; shading changes over more than 30 mm, anatomy over less.
_LOW_PERCENT, _HIGH_PERCENT = 1.0, 99.0
_BIAS_MM = 30.0
_COARSE_MM = 4.0
_KRONECKER = 1.2207440846057596 ** -np.arange(1.0, 4.0)  # spreads points evenly in 3D


def flattenBias(image: sitk.Image) -> sitk.Image:
    """Return an MR image divided by its slow shading, as float64; one with negative values as it is, as float32."""
    coarse = shrink(sitk.Cast(image, sitk.sitkFloat32), _COARSE_MM)
    values = sitk.GetArrayFromImage(coarse)
    if np.percentile(values, 0.5) < 0:
        return sitk.Cast(image, sitk.sitkFloat32)
    body = sitk.GetArrayFromImage(sitk.OtsuThreshold(coarse, 0, 1)) > 0
    if not body.any():
        return sitk.Cast(image, sitk.sitkFloat32)
    sigma = [_BIAS_MM / spacing for spacing in coarse.GetSpacing()[::-1]]
    logarithm = np.where(body, np.log(np.maximum(values, 1e-6)), 0.0)
    shading = gaussian_filter(logarithm, sigma) / np.maximum(gaussian_filter(body.astype(float), sigma), 0.01)
    shadingImage = sitk.GetImageFromArray(np.exp(shading - shading[body].mean()).clip(0.2, 5.0).astype(np.float32))
    shadingImage.CopyInformation(coarse)
    shadingImage = sitk.Resample(shadingImage, image, IDENTITY, sitk.sitkLinear, 1.0)
    flat = sitk.Image(image.GetSize(), sitk.sitkFloat64)
    flat.CopyInformation(image)
    voxels, shading = writableVoxels(flat), sitk.GetArrayViewFromImage(shadingImage)
    for start, slab in slabs(image):
        part = slice(start, start + slab.GetDepth())
        np.divide(sitk.GetArrayViewFromImage(slab).astype(np.float32), shading[part], out=voxels[part], dtype=float)
    return flat


def pyramid(image: sitk.Image, spacings: Sequence[float]) -> tuple[list[sitk.Image], tuple[float, float]]:
    """Return an image without its slow shading, shrunk to each spacing in mm, and the range of its values."""
    flat = flattenBias(image)
    return [shrink(flat, spacing) for spacing in spacings], intensityRange(flat)


def intensityRange(image: sitk.Image) -> tuple[float, float]:
    """Return the values between which an image's histogram bins lie."""
    values = sitk.GetArrayViewFromImage(image)[::2, ::2, ::2]
    low, high = np.percentile(values, (_LOW_PERCENT, _HIGH_PERCENT))
    if not high > low:
        raise ValueError(f"An image holds hardly anything but the value {low:g}; it cannot be compared.")
    return float(low), float(high)


def toBins(values: np.ndarray, limits: tuple[float, float], binCount: int) -> np.ndarray:
    """Return values as float32 in units of bins, 0 to just below binCount."""
    top = binCount - 0.001
    return np.clip((values - limits[0]) * (top / (limits[1] - limits[0])), 0.0, top).astype(np.float32)


def sampleFixed(
    image: sitk.Image, mask: sitk.Image, limits: tuple[float, float], count: int, binCount: int
) -> FixedSamples:
    """Return about count samples of an image, spread evenly over a mask and off the voxel grid.

    Even spread leaves less noise than random picks, and off the grid the interpolation makes no artifacts.
    """
    points, values = _samplesOf(image, mask, count)
    return FixedSamples(points, toBins(values, limits, binCount).astype(np.int32), binCount)


def sampleFixedByRank(image: sitk.Image, mask: sitk.Image, count: int, binCount: int) -> FixedSamples:
    """Return samples as `sampleFixed` does, in bins that hold as many of them each."""
    return _byRank(*_samplesOf(image, mask, count), binCount)


def sampleVoxelsByRank(image: sitk.Image, mask: sitk.Image, count: int, binCount: int) -> FixedSamples:
    """Return samples as `sampleFixedByRank` does, but at the middle of voxels of the image itself.

    Between thick slices interpolation makes values up, such as soft tissue between bone and air, which pull the
    optimum along the slices' axis.
    """
    size = np.array(image.GetSize())[:, None]
    share = np.count_nonzero(sitk.GetArrayViewFromImage(mask)) * np.prod(mask.GetSpacing())
    share /= np.prod(image.GetSpacing()) * size.prod()
    sequence = np.arange(int(count / max(share, 1e-3)))
    indices = np.clip(np.rint((sequence * _KRONECKER[:, None] + 0.5) % 1.0 * size - 0.5).astype(int), 0, size - 1)
    toMask = indexMatrix(mask)
    inMask = np.rint(toMask[:, :3] @ pointsAt(image, indices.T).T + toMask[:, 3:]).astype(int)
    within = ((inMask >= 0) & (inMask < np.array(mask.GetSize())[:, None])).all(axis=0)
    indices, (i, j, k) = indices[:, within], inMask[:, within]
    indices = indices[:, sitk.GetArrayViewFromImage(mask)[k, j, i] > 0]
    indices = indices[:, np.lexsort(indices)]  # neighbors in space stay neighbors in memory
    i, j, k = indices
    return _byRank(pointsAt(image, indices.T), sitk.GetArrayViewFromImage(image)[k, j, i], binCount)


def _byRank(points: np.ndarray, values: np.ndarray, binCount: int) -> FixedSamples:
    edges = np.unique(np.quantile(values, np.linspace(0, 1, binCount + 1)[1:-1]))
    return FixedSamples(points, np.searchsorted(edges, values, side="right").astype(np.int32), binCount)


def _samplesOf(image: sitk.Image, mask: sitk.Image, count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return points (M, 3) spread evenly over a mask, and the image's values (M,) there."""
    isInside = sitk.GetArrayViewFromImage(mask) > 0
    size = np.array(mask.GetSize())[:, None]
    sequence = np.arange(int(count / max(isInside.mean(), 1e-3)))
    indices = (sequence * _KRONECKER[:, None] + 0.5) % 1.0 * size - 0.5
    i, j, k = np.clip(np.rint(indices).astype(int), 0, size - 1)
    chosen = np.flatnonzero(isInside[k, j, i])
    chosen = chosen[np.lexsort((i[chosen], j[chosen], k[chosen]))]  # neighbors in space stay neighbors in memory
    points = pointsAt(mask, indices[:, chosen].T)
    toIndex = indexMatrix(image)
    indices = toIndex[:, :3] @ points.T + toIndex[:, 3:]
    within = ((indices >= 0) & (indices <= np.array(image.GetSize())[:, None] - 1.001)).all(axis=0)
    values, _ = interpolate(np.ascontiguousarray(sitk.GetArrayViewFromImage(image)), indices[:, within])
    return points[within], values


def movingField(image: sitk.Image, limits: tuple[float, float], binCount: int, endless: bool = False) -> MovingField:
    """Return an image as a field of bins; an endless one is framed by its lowest value, as air would be."""
    values = toBins(sitk.GetArrayViewFromImage(image), limits, binCount)
    toIndex = indexMatrix(image)
    if endless:
        values = np.pad(values, 1)
        toIndex[:, 3] += 1.0
    return MovingField(values, toIndex, endless)
