"""Volumes of wide voxels along the patient's axes, on which the head is looked for."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Transforms import IDENTITY
from ..Images.Voxels import extremes, slabs, writableVoxels

_LEAST_VOXELS = 4  # along each axis, for the smoothing
# By memory.
_MOST_VOXELS = 50_000_000


def coarseVolume(image: sitk.Image, spacingMm: float) -> sitk.Image:
    """Return the image as float on a grid of even spacing with its axes in the order left, posterior, superior.

    :raises ValueError: if the image is too small for that, or too large to be a head.
    """
    if min(image.GetSize()) < _LEAST_VOXELS:
        voxels = " x ".join(map(str, image.GetSize()))
        raise ValueError(f"A volume of {voxels} voxels is too small to find the head in it.")
    image = _asLps(image)
    size = [max(int(np.ceil(n * s / spacingMm)), 1) for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    if np.prod(size, dtype=float) > _MOST_VOXELS:
        extent = " x ".join(f"{n * s / 10:.0f}" for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True))
        raise ValueError(f"The volume is {extent} cm large, which is not the size of a head; check its voxel size.")
    whole = [max(int(spacingMm / s + 0.01), 1) for s in image.GetSpacing()]
    smooth = sitk.SmoothingRecursiveGaussian(image, [max(0.4 * spacingMm, 0.1)] * 3) if max(whole) < 2 else image
    if max(whole) > 1:  # means of voxels that fit are quicker than smoothing
        smooth = sitk.BinShrink(sitk.Cast(image, sitk.sitkFloat32), whole)
    return sitk.Resample(
        smooth,
        size,
        IDENTITY,
        sitk.sitkLinear,
        image.GetOrigin(),
        [spacingMm] * 3,
        image.GetDirection(),
        extremes(image)[0],
        sitk.sitkFloat32,
    )


def _asLps(image: sitk.Image) -> sitk.Image:
    """Return the image with its axes in the order left, posterior, superior; the image itself if they are."""
    isLps = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection()) == "LPS"
    return image if isLps else sitk.DICOMOrient(image, "LPS")


def coarseMask(mask: np.ndarray, grid: sitk.Image) -> sitk.Image:
    """Return a mask, or other values (KJI), as an image of floats on its grid."""
    image = sitk.GetImageFromArray(mask.astype(np.float32))
    image.CopyInformation(grid)
    return image


def cavityOn(coarse: sitk.Image, image: sitk.Image) -> sitk.Image:
    """Return a mask of wide voxels as a mask (0, 1) on another grid."""
    found = sitk.Image(image.GetSize(), sitk.sitkUInt8)
    found.CopyInformation(image)
    voxels = writableVoxels(found)
    for start, slab in slabs(image):
        part = sitk.Resample(coarse, slab, IDENTITY, sitk.sitkLinear, 0.0)
        voxels[start : start + slab.GetDepth()] = sitk.GetArrayViewFromImage(part) > 0.5
    return found


def largestPiece(mask: np.ndarray) -> np.ndarray:
    """Return the largest connected component."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    return labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))


def closed(mask: np.ndarray, radius: float) -> np.ndarray:
    """Return a mask closed by a ball of a radius in voxels."""
    reach = int(np.ceil(radius)) + 1
    wide = ndimage.distance_transform_edt(~np.pad(mask, reach)) <= radius
    return (ndimage.distance_transform_edt(wide) > radius)[tuple(slice(reach, -reach) for _ in mask.shape)] | mask


def slicesFilled(mask: np.ndarray) -> np.ndarray:
    """Return a mask with the holes in each of its slices filled."""
    return np.stack([ndimage.binary_fill_holes(plane) for plane in mask])
