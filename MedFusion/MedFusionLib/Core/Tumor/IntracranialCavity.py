"""The space inside the skull, from a CT or, less surely, from an MRI."""

import logging

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Transforms import IDENTITY
from ..Images.Voxels import extremes, slabs, writableVoxels
from ..Progress import Progress, report

_WORKING_SPACING_MM = 2.0
_BONE_HU = 250
_TISSUE_HU = -200
_SOFT_TISSUE_HU = (-15, 110)
_OPENING_MM = 8.0
_USUAL_ML = (700, 2200)
_SCALP_AND_SKULL_MM = 15.0
_IN_PLANE = ((0, 0, 1), (0, 0, -1), (0, 1, 0), (0, -1, 0), (0, 1, 1), (0, 1, -1), (0, -1, 1), (0, -1, -1))
_UPWARD = ((1, 0, 0), (1, 0, 1), (1, 0, -1), (1, 1, 0), (1, -1, 0))
_LEAST_IN_PLANE = 6
_LEAST_UPWARD = 4
_LEAST_VOXELS = 4  # along each axis, for the smoothing
_MOST_WORKING_VOXELS = 50_000_000


def intracranialCavity(ctImage: sitk.Image, progress: Progress | None = None) -> sitk.Image:
    """Return the space inside the skull as a mask (0, 1) on the CT's grid, see `coarseCavity`."""
    return cavityOn(coarseCavity(ctImage, progress), ctImage)


def coarseCavity(ctImage: sitk.Image, progress: Progress | None = None) -> sitk.Image:
    """Return the space inside the skull as a mask (0 and 1, float) of 2 mm voxels along the CT's axes.

    A voxel is inside where nearly all rays, sideways and upward, meet bone before they leave the head; so a hole in
    the skull (craniotomy) or a head cut off by the field of view does no harm. Of the soft tissue there, the largest
    part that holds together after an opening is the brain with its fluid.

    :param ctImage: head CT in Hounsfield units, any orientation.

    Muschelli et al. 2015, doi:10.1016/j.neuroimage.2015.03.074 (soft tissue range and largest component).
    """
    report(progress, 0.0, "Finding the skull")
    small = _resampled(_asLps(ctImage), _WORKING_SPACING_MM)
    values = sitk.GetArrayFromImage(small)
    bone = _largest(values > _BONE_HU)
    if bone.sum() * _WORKING_SPACING_MM**3 < 50_000:
        raise ValueError("There is less than 50 ml of bone in the CT: it must be a head CT in Hounsfield units.")
    tissue = values > _TISSUE_HU
    sideways = sum(_meetsBone(bone, tissue, direction).astype(np.uint8) for direction in _IN_PLANE)
    report(progress, 0.4, "Finding the skull")
    upward = sum(_meetsBone(bone, tissue, direction).astype(np.uint8) for direction in _UPWARD)
    enclosed = (sideways >= _LEAST_IN_PLANE) & (upward >= _LEAST_UPWARD) & ~bone
    report(progress, 0.6, "Finding the brain inside the skull")
    soft = enclosed & (values > _SOFT_TISSUE_HU[0]) & (values < _SOFT_TISSUE_HU[1])
    core = _largest(_distance(_distance(soft) > _OPENING_MM, outside=True) <= _OPENING_MM)
    if not core.any():
        raise ValueError("No brain was found inside the skull; is the CT in Hounsfield units?")
    cavity = ndimage.binary_fill_holes(enclosed & (_distance(core, outside=True) <= _OPENING_MM))
    volumeMl = float(cavity.sum()) * _WORKING_SPACING_MM**3 / 1000
    if not _USUAL_ML[0] < volumeMl < _USUAL_ML[1]:
        logging.warning("The cavity found in the CT has %.0f ml, which is unusual; check it.", volumeMl)
    report(progress, 1.0, "Cavity found")
    return _asImage(cavity, small)


def _meetsBone(bone: np.ndarray, tissue: np.ndarray, direction: tuple[int, int, int]) -> np.ndarray:
    """Return from which voxels a ray in a direction (KJI steps) meets bone, or the volume's top inside tissue."""
    axis = 0 if direction[0] else (1 if direction[1] else 2)
    step = direction[axis]
    seenBone, inTissue = np.moveaxis(bone, axis, 0), np.moveaxis(tissue, axis, 0)
    if step > 0:
        seenBone, inTissue = seenBone[::-1], inTissue[::-1]
    others = [direction[other] for other in range(3) if other != axis]
    seen = np.empty_like(seenBone)
    seen[0] = seenBone[0] | (inTissue[0] & (axis == 0))
    for position in range(1, len(seen)):
        seen[position] = seenBone[position] | _shifted(seen[position - 1], others)
    if step > 0:
        seen = seen[::-1]
    return np.moveaxis(seen, 0, axis)


def _shifted(plane: np.ndarray, steps: list[int]) -> np.ndarray:
    """Return at each place what the plane holds one step farther, nothing beyond its border."""
    moved = plane
    for axis, step in enumerate(steps):
        if not step:
            continue
        shifted = np.zeros_like(moved)
        to, source = (slice(None, -1), slice(1, None)) if step > 0 else (slice(1, None), slice(None, -1))
        select = [slice(None), slice(None)]
        taken = list(select)
        select[axis], taken[axis] = to, source
        shifted[tuple(select)] = moved[tuple(taken)]
        moved = shifted
    return moved


def _distance(mask: np.ndarray, outside: bool = False) -> np.ndarray:
    """Return the distance in millimetres to the mask's border, inside it or (outside) beyond it."""
    return ndimage.distance_transform_edt(~mask if outside else mask, sampling=_WORKING_SPACING_MM)


def mrHeadMask(image: sitk.Image) -> sitk.Image:
    """Return a mask (0, 1) of where the brain may be, from the MRI alone, on the image's grid.

    The head is thresholded and its outer 15 mm (scalp, skull) are taken away. It is rough, and a warning is logged:
    a CT gives the cavity.
    """
    small = _resampled(_asLps(image), _WORKING_SPACING_MM)
    values = sitk.GetArrayFromImage(small)
    if not float(values.max()) > float(values.min()):
        raise ValueError("The image is constant, so no head can be found in it.")
    threshold = sitk.OtsuThreshold(small, 0, 1, 128)
    head = sitk.GetArrayFromImage(threshold).astype(bool)
    head = _largest(ndimage.binary_opening(head, iterations=1))
    head = np.stack(
        [ndimage.binary_fill_holes(plane) for plane in ndimage.binary_closing(np.pad(head, 4), iterations=4)]
    )
    head = head[4:-4, 4:-4, 4:-4]
    padded = np.pad(head, ((1, 1), (1, 1), (1, 1)), mode="edge")
    inner = _distance(padded)[1:-1, 1:-1, 1:-1] > _SCALP_AND_SKULL_MM
    mask = _largest(inner)
    logging.warning("The mask comes from the MRI alone and is rough; a CT gives the intracranial cavity.")
    return cavityOn(_asImage(mask, small), image)


def _asLps(image: sitk.Image) -> sitk.Image:
    """Return the image with its axes in the order left, posterior, superior; the image itself if they are."""
    isLps = sitk.DICOMOrientImageFilter.GetOrientationFromDirectionCosines(image.GetDirection()) == "LPS"
    return image if isLps else sitk.DICOMOrient(image, "LPS")


def _resampled(image: sitk.Image, spacing: float) -> sitk.Image:
    """Return the image as float on an isotropic grid with the same axes.

    :raises ValueError: if the image is too small for that, or too large to be a head.
    """
    if min(image.GetSize()) < _LEAST_VOXELS:
        voxels = " x ".join(map(str, image.GetSize()))
        raise ValueError(f"A volume of {voxels} voxels is too small to find the head in it.")
    size = [max(int(np.ceil(n * s / spacing)), 1) for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    if np.prod(size, dtype=float) > _MOST_WORKING_VOXELS:
        extent = " x ".join(f"{n * s / 10:.0f}" for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True))
        raise ValueError(f"The volume is {extent} cm large, which is no head; check its voxel size.")
    smooth = sitk.SmoothingRecursiveGaussian(image, [max(0.4 * spacing, 0.1)] * 3)
    return sitk.Resample(
        smooth,
        size,
        IDENTITY,
        sitk.sitkLinear,
        image.GetOrigin(),
        [spacing] * 3,
        image.GetDirection(),
        extremes(image)[0],
        sitk.sitkFloat32,
    )


def _asImage(mask: np.ndarray, grid: sitk.Image) -> sitk.Image:
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


def _largest(mask: np.ndarray) -> np.ndarray:
    """Return the largest connected component."""
    labels, count = ndimage.label(mask)
    if count < 2:
        return mask
    return labels == 1 + int(np.argmax(np.bincount(labels.ravel())[1:]))
