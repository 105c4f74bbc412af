"""The space inside the skull, from a CT or, less surely, from an MRI."""

import logging

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from .Progress import Progress, report

_WORKING_SPACING_MM = 2.0
_BONE_HU = 250
_SOFT_TISSUE_HU = (-15, 110)


def intracranialCavity(ctImage: sitk.Image, progress: Progress | None = None) -> sitk.Image:
    """Return the space inside the skull as a mask (0, 1) on the CT's grid.

    :param ctImage: head CT in Hounsfield units.
    """
    report(progress, 0.0, "Finding the skull")
    small = _resampled(ctImage, _WORKING_SPACING_MM)
    values = sitk.GetArrayFromImage(small)
    bone = _largest(values > _BONE_HU)
    if not bone.any():
        raise ValueError("There is no bone in the CT: it must be a head CT in Hounsfield units.")
    ball = _ball(8 / _WORKING_SPACING_MM)
    closed = np.stack(
        [
            ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(s, 8), ball[len(ball) // 2])[8:-8, 8:-8])
            for s in bone
        ]
    )
    report(progress, 0.5, "Finding the brain inside the skull")
    soft = closed & ~bone & (values > _SOFT_TISSUE_HU[0]) & (values < _SOFT_TISSUE_HU[1])
    core = _largest(ndimage.binary_opening(soft, _ball(5 / _WORKING_SPACING_MM)))
    cavity = ndimage.binary_dilation(core, _ball(6.5 / _WORKING_SPACING_MM)) & closed & ~bone
    report(progress, 1.0, "Cavity found")
    return _backOn(cavity, small, ctImage)


def mrHeadMask(image: sitk.Image) -> sitk.Image:
    """Return a mask (0, 1) of the head, or of the brain in a skull-stripped image, on the image's grid.

    Without a CT the skull cannot be told from air: scalp and orbits stay inside, and a warning is logged.
    """
    small = _resampled(image, _WORKING_SPACING_MM)
    values = sitk.GetArrayFromImage(small)
    positive = values[values > 0]
    if not positive.size:
        raise ValueError("The image holds no positive values, so no head can be found in it.")
    threshold = 0.0 if positive.size < 0.5 * values.size else float(np.percentile(positive, 95)) * 0.1
    mask = ndimage.binary_fill_holes(_largest(ndimage.binary_opening(values > threshold)))
    logging.warning("The mask comes from the MRI alone and holds more than the brain; a CT gives the cavity.")
    return _backOn(mask, small, image)


def _resampled(image: sitk.Image, spacing: float) -> sitk.Image:
    """Return the image as float on an isotropic grid with the same axes."""
    size = [max(int(np.ceil(n * s / spacing)), 1) for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    smooth = sitk.SmoothingRecursiveGaussian(image, [max(0.4 * spacing, 0.1)] * 3)
    return sitk.Resample(
        smooth,
        size,
        sitk.Transform(3, sitk.sitkIdentity),
        sitk.sitkLinear,
        image.GetOrigin(),
        [spacing] * 3,
        image.GetDirection(),
        -1024.0,
        sitk.sitkFloat32,
    )


def _backOn(mask: np.ndarray, grid: sitk.Image, image: sitk.Image) -> sitk.Image:
    """Return a mask on the working grid as an image (0, 1) on another grid."""
    small = sitk.GetImageFromArray(mask.astype(np.float32))
    small.CopyInformation(grid)
    return sitk.Resample(small, image, sitk.Transform(3, sitk.sitkIdentity), sitk.sitkLinear, 0.0) > 0.5


def _largest(mask: np.ndarray) -> np.ndarray:
    """Return the largest connected component."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    return labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))


def _ball(radius: float) -> np.ndarray:
    """Return a ball of a radius in voxels."""
    reach = int(radius)
    z, y, x = np.ogrid[-reach : reach + 1, -reach : reach + 1, -reach : reach + 1]
    return x * x + y * y + z * z <= radius * radius
