"""What is measured on an outlined tumor."""

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import SimpleITK as sitk
from scipy import ndimage
from scipy.spatial import ConvexHull, QhullError
from scipy.spatial.distance import cdist

from ..Images.Coordinates import flipPoints
from ..Images.Grids import boxAround, cornerPoints, directionOf, imagePart, indexRange, pointsAt
from ..Images.Transforms import IDENTITY
from ..Images.Voxels import slabs
from .CoarseGrid import cavityOn
from .IntracranialCavity import coarseCavity
from .IsoSurface import enclosedVolume, isoSurface, surfaceArea
from .Segments import Segment, SegmentUnion, membersOf, segmentsOfNames

_DEPTH_MARGIN_MM = 20.0


@dataclass(frozen=True)
class Diameter:
    """A straight line across a lesion, end points in LPS millimetres."""

    start: np.ndarray
    end: np.ndarray

    @property
    def lengthMm(self) -> float:
        """Return the distance of the two ends."""
        return float(np.linalg.norm(np.subtract(self.end, self.start)))


@dataclass(frozen=True)
class IntensityStatistics:
    """Mean and standard deviation of one image inside a lesion, in the image's own units."""

    mean: float
    standardDeviation: float


@dataclass(frozen=True)
class LesionMeasurements:
    """The measurements of one segment; points in LPS millimetres, lengths in millimetres."""

    volumeMl: float
    volumeUncertaintyMl: float
    centroid: np.ndarray
    axialDiameter: Diameter
    perpendicularDiameter: Diameter
    longestDiameter: Diameter
    sphericity: float
    depthMm: float | None = None
    centroidDepthMm: float | None = None
    intensities: dict[str, IntensityStatistics] = field(default_factory=dict)

    @property
    def bidimensionalProductMm2(self) -> float:
        """Return the product of the axial diameter and its perpendicular."""
        return self.axialDiameter.lengthMm * self.perpendicularDiameter.lengthMm

    def measurements(self) -> dict[str, object]:
        """Return the measurements as they are written to files, points in RAS."""
        values: dict[str, object] = {
            "volume_ml": self.volumeMl,
            "volume_uncertainty_ml": self.volumeUncertaintyMl,
            "centroid_ras": _ras(self.centroid),
            "longest_diameter_mm": self.longestDiameter.lengthMm,
            "longest_diameter_ends_ras": [_ras(self.longestDiameter.start), _ras(self.longestDiameter.end)],
            "axial_diameter_mm": self.axialDiameter.lengthMm,
            "axial_diameter_ends_ras": [_ras(self.axialDiameter.start), _ras(self.axialDiameter.end)],
            "perpendicular_diameter_mm": self.perpendicularDiameter.lengthMm,
            "perpendicular_diameter_ends_ras": [
                _ras(self.perpendicularDiameter.start),
                _ras(self.perpendicularDiameter.end),
            ],
            "bidimensional_product_mm2": self.bidimensionalProductMm2,
            "sphericity": self.sphericity,
        }
        if self.depthMm is not None:
            values["depth_below_skull_mm"] = self.depthMm
            values["centroid_depth_below_skull_mm"] = self.centroidDepthMm
        if self.intensities:
            values["intensities"] = {
                name: {"mean": statistics.mean, "standard_deviation": statistics.standardDeviation}
                for name, statistics in self.intensities.items()
            }
        return values


@dataclass(frozen=True)
class TumorMeasurements:
    """The measurements of every segment by its name, and of all segments together."""

    segments: dict[str, LesionMeasurements]
    total: LesionMeasurements

    def measurements(self) -> dict[str, object]:
        """Return the total's measurements with those of the segments under "segments", points in RAS."""
        return self.total.measurements() | {
            "segments": {name: lesion.measurements() for name, lesion in self.segments.items()}
        }


def measureTumor(
    labelImage: sitk.Image,
    images: dict[str, sitk.Image] | None = None,
    cavityMask: sitk.Image | None = None,
    ct: sitk.Image | None = None,
    segments: Sequence[Segment | SegmentUnion] | None = None,
    cavity: sitk.Image | None = None,
) -> TumorMeasurements:
    """Return the measurements of each segment and of all labels together.

    :param labelImage: integer labels, 0 is background.
    :param images: images by name whose mean and standard deviation are wanted, on any grid in the same world.
    :param cavityMask: the intracranial cavity, on any grid in the same world; depths are measured from its edge.
    :param ct: a head CT (HU) to find the cavity from when no mask is given.
    :param segments: what the labels are; None takes every label as a segment of its own.
    :param cavity: what `coarseCavity` found in this CT before.

    RANO bidimensional measurement: Wen et al. 2010, doi:10.1200/JCO.2009.26.3541; Wen et al. 2023,
    doi:10.1200/JCO.23.01059. Sphericity: Wadell 1935, doi:10.1086/624298. The uncertainty is the change of volume
    when the outline moves by half a voxel.
    """
    present, box = _labelsAndBox(labelImage)
    if not present:
        raise ValueError("There is no tumor to measure: the segmentation is empty.")
    if segments is None:
        segments = segmentsOfNames({label: f"Tumor {label}" if len(present) > 1 else "Tumor" for label in present})
    if cavityMask is None and cavity is None and ct is not None:
        try:
            cavity = coarseCavity(ct)
        except ValueError as error:
            logging.warning("The depth below the skull is left out: %s", error)
    region = _croppedWithMargin(labelImage, box)
    onRegion = {name: _onGrid(image, region) for name, image in (images or {}).items()}
    regionLabels = sitk.GetArrayFromImage(region)
    masks = {name: np.isin(regionLabels, members) for name, members in membersOf(segments).items()}
    masks = {name: mask for name, mask in masks.items() if mask.any()}
    whole = regionLabels != 0
    depths = None
    if cavityMask is not None:
        depths = _depthBelowSkull((whole, *masks.values()), region, cavityMask, lambda part: part != 0)
    elif cavity is not None:
        depths = _depthBelowSkull((whole, *masks.values()), region, ct, lambda part: cavityOn(cavity, part))
    measured = {name: _measureMask(mask, region, onRegion, depths) for name, mask in masks.items()}
    return TumorMeasurements(measured, _measureMask(whole, region, onRegion, depths))


def _middle(mask: np.ndarray) -> tuple[int, ...]:
    """Return the voxel at a mask's centroid, which may lie outside the mask."""
    return tuple(np.rint(np.argwhere(mask).mean(axis=0)).astype(int))


def _measureMask(
    mask: np.ndarray, grid: sitk.Image, images: dict[str, np.ndarray], depths: np.ndarray | None
) -> LesionMeasurements:
    """Return the measurements of one mask on a grid that leaves a margin around it."""
    voxelMl = float(np.prod(grid.GetSpacing())) / 1000
    inner = mask & ~ndimage.binary_erosion(mask)
    outer = ndimage.binary_dilation(mask) & ~mask
    uncertainty = 0.25 * (int(inner.sum()) + int(outer.sum())) * voxelMl
    axial, perpendicular = axialDiameters(mask, grid)
    inside = mask if depths is None else mask & np.isfinite(depths)
    centroidIndex = np.argwhere(mask).mean(axis=0)
    depth = centroidDepth = None
    if depths is not None and inside.any():
        depth = float(max(depths[inside].min(), 0.0))
        centroidDepth = float(depths[_middle(mask)])
    return LesionMeasurements(
        volumeMl=int(mask.sum()) * voxelMl,
        volumeUncertaintyMl=uncertainty,
        centroid=pointsAt(grid, centroidIndex[::-1]),
        axialDiameter=axial,
        perpendicularDiameter=perpendicular,
        longestDiameter=_longestDiameter(mask, grid),
        sphericity=_sphericity(mask, np.array(grid.GetSpacing()[::-1])),
        depthMm=depth,
        centroidDepthMm=centroidDepth,
        intensities={
            name: IntensityStatistics(float(values[mask].mean()), float(values[mask].std()))
            for name, values in images.items()
        },
    )


def axialDiameters(mask: np.ndarray, grid: sitk.Image) -> tuple[Diameter, Diameter]:
    """Return the longest diameter in any axial slice and the longest one perpendicular to it in the same slice.

    Slices are those of the grid's axis nearest to the patient's superior axis; diameters end at voxel edges.

    :param mask: array (KJI) on the grid.
    """
    sliceAxis = 2 - int(np.argmax(np.abs(directionOf(grid)[2])))
    planeAxes = [axis for axis in range(3) if axis != sliceAxis]
    spacing = np.array(grid.GetSpacing()[::-1])[planeAxes]
    best = None
    for position in np.flatnonzero(mask.any(axis=tuple(planeAxes))):
        edges = _edgePoints(mask.take(position, axis=sliceAxis)) * spacing
        first, second, length = _farthestPair(edges)
        if best is None or length > best[0]:
            best = length, position, first, second, edges
    _, position, first, second, edges = best

    def diameter(start: np.ndarray, end: np.ndarray) -> Diameter:
        index = np.full((2, 3), float(position))
        index[:, planeAxes] = np.array([start, end]) / spacing
        return Diameter(*pointsAt(grid, index[:, ::-1]))

    return diameter(first, second), diameter(*_perpendicularChord(first, second, edges, float(spacing.min())))


def _perpendicularChord(
    first: np.ndarray, second: np.ndarray, edges: np.ndarray, width: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the ends of the widest chord of the outline perpendicular to the line first-second (plane mm)."""
    along = (second - first) / max(float(np.linalg.norm(second - first)), 1e-9)
    across = np.array([-along[1], along[0]])
    position, offset = (edges - first) @ along, (edges - first) @ across
    bins = np.rint(position / width).astype(int)
    bins -= bins.min()
    lowest, highest = np.full(bins.max() + 1, np.inf), np.full(bins.max() + 1, -np.inf)
    np.minimum.at(lowest, bins, offset)
    np.maximum.at(highest, bins, offset)
    widest = int(np.argmax(highest - lowest))
    foot = first + along * float(np.median(position[bins == widest]))
    return foot + across * lowest[widest], foot + across * highest[widest]


def _longestDiameter(mask: np.ndarray, grid: sitk.Image) -> Diameter:
    """Return the longest straight line between two surface voxels' outer edges."""
    edges = _edgePoints(mask)
    first, second, _ = _farthestPair(edges * np.array(grid.GetSpacing()[::-1]))
    spacing = np.array(grid.GetSpacing()[::-1])
    return Diameter(*pointsAt(grid, (np.array([first, second]) / spacing)[:, ::-1]))


def _edgePoints(mask: np.ndarray) -> np.ndarray:
    """Return the centres of the faces between mask and background, as array indices with halves."""
    points = []
    for axis in range(mask.ndim):
        along = np.moveaxis(mask, axis, 0)
        padded = np.concatenate([np.zeros_like(along[:1]), along, np.zeros_like(along[:1])])
        faces = np.moveaxis(padded[1:] != padded[:-1], 0, axis)
        index = np.argwhere(faces).astype(float)
        index[:, axis] -= 0.5
        points.append(index)
    return np.concatenate(points)


def _farthestPair(points: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Return the two points farthest from each other and their distance."""
    try:
        corners = points[ConvexHull(points).vertices]
    except QhullError:
        corners = points
    distances = cdist(corners, corners)
    first, second = np.unravel_index(int(np.argmax(distances)), distances.shape)
    return corners[first], corners[second], float(distances[first, second])


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


def _depthBelowSkull(
    masks: Iterable[np.ndarray],
    grid: sitk.Image,
    reference: sitk.Image,
    cavityOf: Callable[[sitk.Image], sitk.Image],
) -> np.ndarray:
    """Return the distance to the cavity's edge in millimetres, positive inside, as array on a grid.

    Only a part of the cavity is looked at. Distances below its margin around the grid are right, for nothing nearer
    lies beyond; larger ones may be too large. It is wide enough when each mask's least depth and its middle are right.

    :param reference: the grid that the distances are measured on.
    :param cavityOf: gives the cavity as a mask on a part of the reference image.
    """
    size, spacing = np.array(reference.GetSize()), np.array(reference.GetSpacing())
    low, high = indexRange(reference, cornerPoints(grid))
    margin = _DEPTH_MARGIN_MM
    while True:
        around = np.ceil(margin / spacing).astype(int)
        start, stop = np.maximum(low - around, 0), np.minimum(high + around, size)
        cavity = cavityOf(imagePart(reference, start, stop))
        depths = _onGrid(sitk.SignedMaurerDistanceMap(cavity, True, False, True), grid)
        farthest = max(max(abs(depths[mask].min()), abs(depths[_middle(mask)])) for mask in masks)
        if farthest + np.linalg.norm(spacing) < margin or (stop - start == size).all():
            return depths
        margin *= 1.5


def _croppedWithMargin(labelImage: sitk.Image, box: tuple[slice, ...]) -> sitk.Image:
    """Return the labels in a box of array slices, with one empty voxel around."""
    start = [int(part.start) for part in box][::-1]
    size = [int(part.stop - part.start) for part in box][::-1]
    return sitk.ConstantPad(sitk.RegionOfInterest(labelImage, size, start), [1, 1, 1], [1, 1, 1], 0)


def _onGrid(image: sitk.Image, grid: sitk.Image) -> np.ndarray:
    """Return the image's values on a grid, as array."""
    return sitk.GetArrayFromImage(sitk.Resample(image, grid, IDENTITY, sitk.sitkLinear, 0.0, sitk.sitkFloat32))


def _ras(point: np.ndarray) -> list[float]:
    """Return an LPS point as RAS numbers."""
    return flipPoints(point).tolist()
