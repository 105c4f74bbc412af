"""The space inside the skull, from a CT."""

import logging

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Progress import Progress, report
from .CoarseGrid import coarseMask, coarseVolume, largestPiece

# Chosen by hand on two real head CTs, one with a craniotomy, by Dice with the brain; HU and volumes by anatomy.
_WORKING_SPACING_MM = 2.0
_BONE_HU = 250
_TISSUE_HU = -200
_SOFT_TISSUE_HU = (-15, 110)
_OPENING_MM = 8.0
_USUAL_ML = (700, 2200)
_IN_PLANE = ((0, 0, 1), (0, 0, -1), (0, 1, 0), (0, -1, 0), (0, 1, 1), (0, 1, -1), (0, -1, 1), (0, -1, -1))
_UPWARD = ((1, 0, 0), (1, 0, 1), (1, 0, -1), (1, 1, 0), (1, -1, 0))
_LEAST_IN_PLANE = 6
_LEAST_UPWARD = 4


def coarseCavity(ctImage: sitk.Image, progress: Progress | None = None) -> sitk.Image:
    """Return the space inside the skull as a mask (0 and 1, float) of 2 mm voxels along the CT's axes.

    A voxel is inside where nearly all rays, sideways and upward, meet bone before they leave the head; so a hole in
    the skull (craniotomy) or a head cut off by the field of view does no harm. Of the soft tissue there, the largest
    part that holds together after an opening is the brain with its fluid.

    :param ctImage: head CT in Hounsfield units, any orientation.

    Muschelli et al. 2015, doi:10.1016/j.neuroimage.2015.03.074 (soft tissue range and largest component).
    """
    report(progress, 0.0, "Finding the skull")
    small = coarseVolume(ctImage, _WORKING_SPACING_MM)
    values = sitk.GetArrayFromImage(small)
    bone = largestPiece(values > _BONE_HU)
    if bone.sum() * _WORKING_SPACING_MM**3 < 50_000:
        raise ValueError("There is less than 50 ml of bone in the CT: it must be a head CT in Hounsfield units.")
    tissue = values > _TISSUE_HU
    sideways = sum(_meetsBone(bone, tissue, direction).astype(np.uint8) for direction in _IN_PLANE)
    report(progress, 0.4, "Finding the skull")
    upward = sum(_meetsBone(bone, tissue, direction).astype(np.uint8) for direction in _UPWARD)
    enclosed = (sideways >= _LEAST_IN_PLANE) & (upward >= _LEAST_UPWARD) & ~bone
    report(progress, 0.6, "Finding the brain inside the skull")
    soft = enclosed & (values > _SOFT_TISSUE_HU[0]) & (values < _SOFT_TISSUE_HU[1])
    core = largestPiece(_distance(_distance(soft) > _OPENING_MM, outside=True) <= _OPENING_MM)
    if not core.any():
        raise ValueError("No brain was found inside the skull; is the CT in Hounsfield units?")
    cavity = ndimage.binary_fill_holes(enclosed & (_distance(core, outside=True) <= _OPENING_MM))
    volumeMl = float(cavity.sum()) * _WORKING_SPACING_MM**3 / 1000
    if not _USUAL_ML[0] < volumeMl < _USUAL_ML[1]:
        logging.warning("The cavity found in the CT has %.0f ml, which is unusual; check it.", volumeMl)
    report(progress, 1.0, "Cavity found")
    return coarseMask(cavity, small)


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
    """Return the distance in millimeters to the mask's border, inside it or (outside) beyond it."""
    return ndimage.distance_transform_edt(~mask if outside else mask, sampling=_WORKING_SPACING_MM)
