"""Measure an outlined tumor: by lesion, by segment, and all together."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Grids import boxAround, pointsAt
from ..Images.Voxels import slabs
from .CoarseGrid import cavityOn
from .Diameters import axialDiameters, longestDiameter, measuringPlane, shareOutside
from .IntracranialCavity import coarseCavity
from .IsoSurface import enclosedVolume, isoSurface, surfaceArea
from .LesionMeasurements import IntensityStatistics, LesionMeasurements, SegmentMeasurements, TumorMeasurements
from .Outline import SecondOpinion
from .Segments import Segment, SegmentUnion, membersOf
from .SkullDepth import depthBelowSkull, middleVoxel, valuesOn

# Connected parts below this, which is a ball of 2.7 mm, are crumbs of an outline and no lesions.
_SMALLEST_LESION_ML = 0.01
_MOST_LESIONS = 100


def measureTumor(
    labelImage: sitk.Image,
    images: dict[str, sitk.Image] | None = None,
    cavityMask: sitk.Image | None = None,
    ct: sitk.Image | None = None,
    segments: Sequence[Segment | SegmentUnion] | None = None,
    cavity: sitk.Image | None = None,
    second: SecondOpinion | None = None,
) -> TumorMeasurements:
    """Return the measurements of each segment and of all labels together, each lesion by itself.

    Lesions of all labels together are the connected parts of what `segments` gives one number.

    :param labelImage: integer labels, 0 is background.
    :param images: images by name whose mean and standard deviation are wanted, on any grid in the same world.
    :param cavityMask: the intracranial cavity, on any grid in the same world; depths are measured from its edge.
    :param ct: a head CT (HU) to find the cavity from when no mask is given.
    :param segments: what the labels are; None takes every label as a segment of its own.
    :param cavity: what `coarseCavity` found in this CT before.
    :param second: another method's volumes of the numbered lesions.

    RANO bidimensional measurement: Wen et al. 2010, doi:10.1200/JCO.2009.26.3541; the sum of products of several
    lesions: Wen et al. 2023, doi:10.1200/JCO.23.01059. Sphericity: Wadell 1935, doi:10.1086/624298.
    """
    present, box = _labelsAndBox(labelImage)
    if not present:
        raise ValueError("There is no tumor to measure: the segmentation is empty.")
    if segments is None:
        segments = [Segment(label, f"Tumor {label}" if len(present) > 1 else "Tumor") for label in present]
    if cavityMask is None and cavity is None and ct is not None:
        try:
            cavity = coarseCavity(ct)
        except ValueError as error:
            logging.warning("The depth below the skull is left out: %s", error)
    region = _croppedWithMargin(labelImage, box)
    regionLabels = sitk.GetArrayFromImage(region)
    masks = {name: np.isin(regionLabels, members) for name, members in membersOf(segments).items()}
    parted = {name: _partsOf([mask], region) for name, mask in masks.items() if mask.any()}
    numbered = _numberedMasks(regionLabels, segments)
    whole = _partsOf(list(numbered.values()), region)
    every = [(lesion.mask, lesion.box) for parts in (whole, *parted.values()) for lesion in parts.lesions]
    depths = None
    if cavityMask is not None:
        depths = depthBelowSkull(every, region, cavityMask, lambda part: part != 0)
    elif cavity is not None and ct is not None:
        depths = depthBelowSkull(every, region, ct, lambda part: cavityOn(cavity, part))
    values = {name: valuesOn(image, region, float("nan")) for name, image in (images or {}).items()}
    around = _Surroundings(region, values, depths, _relativeErrors(second))
    total = _measureParts(whole, around, list(numbered))
    return TumorMeasurements({name: _measureParts(parts, around) for name, parts in parted.items()}, total)


def numberedLesions(labelImage: sitk.Image, segments: Sequence[Segment | SegmentUnion]) -> sitk.Image:
    """Return the lesions of all labels together, numbered from 1 on as the total of `measureTumor` has them.

    Crumbs are left out. Only the part of the image that holds them is returned, with an empty voxel around.
    """
    _present, box = _labelsAndBox(labelImage)
    region = _croppedWithMargin(labelImage, box)
    labels = sitk.GetArrayFromImage(region)
    numbered = np.zeros(labels.shape, np.uint16)
    for number, lesion in enumerate(_partsOf(list(_numberedMasks(labels, segments).values()), region).lesions, start=1):
        numbered[lesion.box][lesion.mask] = number
    image = sitk.GetImageFromArray(numbered)
    image.CopyInformation(region)
    return image


@dataclass(frozen=True)
class _Lesion:
    """One connected part: its mask in a box of the region, and which of the masks asked for it belongs to."""

    mask: np.ndarray
    box: tuple[slice, ...]
    origin: int


@dataclass(frozen=True)
class _Parts:
    """The lesions of a segment, the mask they are parts of, and how many crumbs it has besides."""

    lesions: tuple[_Lesion, ...]
    mask: np.ndarray
    crumbs: int


@dataclass(frozen=True)
class _Surroundings:
    """What lesions are measured with, on one grid: images, depths, and other methods' relative deviation by lesion."""

    grid: sitk.Image
    images: dict[str, np.ndarray]
    depths: np.ndarray | None
    relativeErrors: dict[int, float]


def _relativeErrors(second: SecondOpinion | None) -> dict[int, float]:
    """Return by how much another method's volume of each numbered lesion differs, as a share of this one's."""
    if second is None:
        return {}
    return {
        number: abs(other - own) / own
        for number, ((own, other), agreement) in enumerate(
            zip(second.volumesMl, second.agreements, strict=True), start=1
        )
        if own > 0 and np.isfinite(agreement)
    }


def _numberedMasks(labels: np.ndarray, segments: Sequence[Segment | SegmentUnion]) -> dict[int, np.ndarray]:
    """Return the mask of each lesion number; labels that no segment has are lesion 0."""
    lesionOf = {segment.value: segment.lesion for segment in segments if isinstance(segment, Segment)}
    for union in segments:
        for value in union.values:
            lesionOf.setdefault(value, union.lesion)
    table = np.zeros(int(labels.max()) + 1, int)
    for value, lesion in lesionOf.items():
        if value < len(table):
            table[value] = lesion
    numbers = table[labels]
    present = np.unique(numbers[labels != 0])
    return {int(number): (numbers == number) & (labels != 0) for number in present}


def _partsOf(masks: Sequence[np.ndarray], grid: sitk.Image) -> _Parts:
    """Return the connected parts of each mask, the largest of each first."""
    voxelMl = float(np.prod(grid.GetSpacing())) / 1000
    lesions: list[_Lesion] = []
    crumbs = 0
    for origin, mask in enumerate(masks):
        numbered, _count = ndimage.label(mask, np.ones((3, 3, 3)))
        sizes = np.bincount(numbered.ravel())[1:]
        order = np.argsort(-sizes, kind="stable")
        kept = [n for rank, n in enumerate(order) if not rank or sizes[n] * voxelMl >= _SMALLEST_LESION_ML]
        kept = kept[:_MOST_LESIONS]
        crumbs += len(sizes) - len(kept)
        boxes = ndimage.find_objects(numbered)
        lesions += [_Lesion(numbered[boxes[n]] == n + 1, boxes[n], origin) for n in kept]
    return _Parts(tuple(lesions), np.logical_or.reduce(masks), crumbs)


def _measureParts(parts: _Parts, around: _Surroundings, numbers: Sequence[int] = ()) -> SegmentMeasurements:
    """Return the measurements of a segment.

    :param numbers: the lesion number of each mask that the parts are of, where it is known.
    """
    lesions = tuple(_measureLesion(part, around, numbers[part.origin] if numbers else 0) for part in parts.lesions)
    volumeMl = int(parts.mask.sum()) * float(np.prod(around.grid.GetSpacing())) / 1000
    return SegmentMeasurements(lesions, volumeMl, parts.crumbs, _statistics(parts.mask, around.images))


def _statistics(mask: np.ndarray, images: dict[str, np.ndarray]) -> dict[str, IntensityStatistics]:
    return {
        name: IntensityStatistics(float(found.mean()), float(found.std()))
        for name, values in images.items()
        if len(found := values[mask & np.isfinite(values)])
    }


def _measureLesion(lesion: _Lesion, around: _Surroundings, number: int) -> LesionMeasurements:
    """Return the measurements of one connected part.

    :param number: of the lesion it belongs to, 0 where that is not known.
    """
    box = tuple(slice(part.start - 1, part.stop + 1) for part in lesion.box)  # the region leaves a margin
    grid = around.grid[box[::-1]]
    mask = np.pad(lesion.mask, 1)
    spacing = np.array(grid.GetSpacing()[::-1])
    volumeMl = int(mask.sum()) * float(np.prod(spacing)) / 1000
    axial, perpendicular = axialDiameters(mask, grid)
    longest, longestOutside = longestDiameter(mask, grid)
    depth = centroidDepth = None
    if around.depths is not None:
        depths = around.depths[box]
        inside = mask & np.isfinite(depths)
        if inside.any():
            depth = float(max(depths[inside].min(), 0.0))
            centroidDepth = float(depths[middleVoxel(mask)])
    return LesionMeasurements(
        volumeMl=volumeMl,
        volumeUncertaintyMl=max(_voxelUncertainty(mask, spacing), around.relativeErrors.get(number, 0.0) * volumeMl),
        centroid=pointsAt(grid, np.argwhere(mask).mean(axis=0)[::-1]),
        axialDiameter=axial,
        perpendicularDiameter=perpendicular,
        longestDiameter=longest,
        sphericity=_sphericity(mask, spacing),
        plane=measuringPlane(grid).name,
        outsideShares=(shareOutside(axial, mask, grid), shareOutside(perpendicular, mask, grid), longestOutside),
        depthMm=depth,
        centroidDepthMm=centroidDepth,
        intensities=_statistics(mask, {name: values[box] for name, values in around.images.items()}),
    )


def _voxelUncertainty(mask: np.ndarray, spacing: np.ndarray) -> float:
    """Return the change of volume in milliliters when the outline moves by half a voxel."""
    inner = mask & ~ndimage.binary_erosion(mask)
    outer = ndimage.binary_dilation(mask) & ~mask
    return 0.25 * (int(inner.sum()) + int(outer.sum())) * float(np.prod(spacing)) / 1000


def _sphericity(mask: np.ndarray, spacing: np.ndarray) -> float:
    """Return the surface of the sphere of equal volume over the mask's surface, both from a smoothed mesh."""
    smooth = ndimage.gaussian_filter(np.pad(mask, 4).astype(np.float32), spacing.min() / spacing)
    # Tetrahedra need cells of about equal edges: on long ones the surface comes out rough, and too large.
    parts = np.maximum(1, np.round(spacing / spacing.min()))
    size = (np.array(smooth.shape) - 1) * parts + 1
    level = min(0.5, 0.5 * float(smooth.max()))
    triangles = isoSurface(ndimage.zoom(smooth, size / smooth.shape, order=1), level, spacing / parts)
    return float(np.pi ** (1 / 3) * (6 * enclosedVolume(triangles)) ** (2 / 3) / surfaceArea(triangles))


def _labelsAndBox(labelImage: sitk.Image) -> tuple[list[int], tuple[slice, ...]]:
    """Return the labels in an image other than 0, and the box of array slices that holds them."""
    present: set[int] = set()
    boxes = []
    for start, slab in slabs(labelImage):
        labels = sitk.GetArrayViewFromImage(slab)
        if labels.any():
            present.update(int(label) for label in np.unique(labels) if label)
            part = boxAround(labels != 0)
            boxes.append((slice(start + part[0].start, start + part[0].stop), *part[1:]))
    box = tuple(
        slice(min(part.start for part in parts), max(part.stop for part in parts)) for parts in zip(*boxes, strict=True)
    )
    return sorted(present), box


def _croppedWithMargin(labelImage: sitk.Image, box: tuple[slice, ...]) -> sitk.Image:
    """Return the labels in a box of array slices, with one empty voxel around."""
    start = [int(part.start) for part in box][::-1]
    size = [int(part.stop - part.start) for part in box][::-1]
    return sitk.ConstantPad(sitk.RegionOfInterest(labelImage, size, start), [1, 1, 1], [1, 1, 1], 0)
