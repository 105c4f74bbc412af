"""Read an RT Structure Set: its closed planar contours as masks on the grid of an image."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import directionOf, emptyImage, indicesAt
from ..Tumor.Segments import Segment, segmentsOfNames
from .Contours import filledContours
from .Errors import damage, withoutLibraryWarnings
from .SegmentationReading import DicomLayers

if TYPE_CHECKING:
    from pydicom import Dataset

_CLOSED = ("CLOSED_PLANAR", "CLOSEDPLANAR_XOR")
_NO_LESIONS = ("EXTERNAL", "SUPPORT", "FIXATION", "BOLUS", "MARKER", "ISOCENTER", "REGISTRATION")
# Chosen by hand: above what decimal strings round, below what an outline shows; voxels as one fits into memory.
_FLAT_MM = 0.2
_OWN_PIXEL_MM = 0.5
_PARALLEL = 1e-3
_MOST_VOXELS = 400_000_000


@dataclass(frozen=True, eq=False)
class _Roi:
    """A region's contours, each (N, 3) LPS millimeters."""

    name: str
    contours: tuple[np.ndarray, ...]


def readStructureSet(path: Path, grid: sitk.Image | None = None) -> DicomLayers:
    """Return the regions of a structure set that have closed contours, but for the patient's outline and supports.

    :param grid: the image whose voxels the masks get; where it is None or its slices are not parallel to the contours,
        they get a grid of their own, with the contours' planes as slices.
    :raises ValueError: when the file is damaged or holds no closed contour.
    """
    import pydicom

    try:
        with withoutLibraryWarnings():
            dataset = pydicom.dcmread(path)
            rois = _rois(dataset)
            frameUid = _frameUid(dataset)
    except damage() as error:
        raise ValueError(f"{path.name} could not be read as a DICOM structure set; the file is damaged.") from error
    rois = [roi for roi in rois if roi.contours]
    if not rois:
        raise ValueError(f"{path.name} holds no region with closed contours.")
    normal = _normal(rois, path)
    if grid is None or abs(abs(directionOf(grid)[:, 2] @ normal) - 1) > _PARALLEL:
        grid = _ownGrid(rois, normal, path)
    segments = segmentsOfNames({number: roi.name for number, roi in enumerate(rois, start=1)})
    layers = [(segment, _mask(roi, grid)) for segment, roi in zip(segments, rois, strict=True)]
    kept: list[tuple[Segment, np.ndarray]] = [(segment, mask) for segment, mask in layers if mask.any()]
    if not kept:
        raise ValueError(f"The contours of {path.name} lie outside of the image; it belongs to another one.")
    return DicomLayers(grid, tuple(kept), frameUid)


def _rois(dataset: "Dataset") -> list[_Roi]:
    names = {int(item.ROINumber): str(item.get("ROIName", "")) for item in dataset.StructureSetROISequence}
    kinds = {
        int(item.ReferencedROINumber): str(item.get("RTROIInterpretedType", "") or "").upper()
        for item in dataset.get("RTROIObservationsSequence") or ()
    }
    rois = []
    for item in dataset.ROIContourSequence:
        number = int(item.ReferencedROINumber)
        if kinds.get(number, "") in _NO_LESIONS:
            continue
        contours = [
            _points(contour)
            for contour in item.get("ContourSequence") or ()
            if str(contour.ContourGeometricType).upper() in _CLOSED and len(contour.ContourData) >= 9
        ]
        rois.append(_Roi(names.get(number) or f"Region {number}", tuple(contours)))
    return rois


def _points(contour: "Dataset") -> np.ndarray:
    points = np.array([float(value) for value in contour.ContourData]).reshape(-1, 3)
    if not np.isfinite(points).all() or np.abs(points).max() > 1e6:
        raise ValueError("a contour has a point that is not a position")
    return points


def _frameUid(dataset: "Dataset") -> str:
    for item in (*(dataset.get("ReferencedFrameOfReferenceSequence") or ()), *dataset.StructureSetROISequence, dataset):
        uid = item.get("FrameOfReferenceUID") or item.get("ReferencedFrameOfReferenceUID")
        if uid:
            return str(uid)
    return ""


def _normal(rois: list[_Roi], path: Path) -> np.ndarray:
    """Return the direction across the planes of all contours.

    :raises ValueError: where a contour is not flat, or they are not parallel.
    """
    largest = max((contour for roi in rois for contour in roi.contours), key=lambda c: np.ptp(c, axis=0).sum())
    normal = np.linalg.svd(largest - largest.mean(axis=0))[2][2]
    for roi in rois:
        for contour in roi.contours:
            if np.ptp(contour @ normal) > _FLAT_MM:
                raise ValueError(
                    f'A contour of "{roi.name}" in {path.name} is not flat or not parallel to the others; export '
                    "contours on the slices of one image."
                )
    return normal


def _ownGrid(rois: list[_Roi], normal: np.ndarray, path: Path) -> sitk.Image:
    """Return an empty image that has the contours' planes as slices."""
    axis = int(np.argmax(np.abs(normal)))
    normal = normal * np.sign(normal[axis])
    first = np.cross(np.eye(3)[(axis + 2) % 3], normal)
    first = first / np.linalg.norm(first) * (1 if first[(axis + 1) % 3] >= 0 else -1)
    direction = np.column_stack([first, np.cross(normal, first), normal])
    points = np.vstack([contour for roi in rois for contour in roi.contours]) @ direction
    planes = _planes(points[:, 2])
    step = float(np.median(np.diff(planes))) if len(planes) > 1 else 1.0
    margin = 2 * _OWN_PIXEL_MM
    low = np.array([*(points[:, :2].min(axis=0) - margin), planes[0]])
    high = np.array([*(points[:, :2].max(axis=0) + margin), planes[-1]])
    spacing = np.array([_OWN_PIXEL_MM, _OWN_PIXEL_MM, step])
    size = np.ceil((high - low) / spacing - 1e-6).astype(int) + 1
    if np.prod(size, dtype=float) > _MOST_VOXELS:
        raise ValueError(f"The contours of {path.name} span {' x '.join(map(str, size))} voxels, too many for a tumor.")
    return emptyImage(size.tolist(), spacing.tolist(), (direction @ low).tolist(), direction.ravel().tolist())


def _planes(places: np.ndarray) -> np.ndarray:
    """Return the sorted places of planes, those that differ by rounding taken as one."""
    places = np.sort(places)
    return places[np.concatenate([[True], np.diff(places) > _FLAT_MM])]


def _mask(roi: _Roi, grid: sitk.Image) -> np.ndarray:
    """Return the voxels in a region's contours: each slice takes those of the nearest plane, if it is near enough."""
    indices = [indicesAt(grid, contour) for contour in roi.contours]
    places = np.array([float(np.median(index[:, 2])) for index in indices])
    planes = _planes(np.round(places, 3)) if len(places) else places
    steps = np.diff(planes)
    reach = max(0.5, 0.5 * float(np.median(steps)) if len(steps) else 0.5) + 1e-3
    columns, rows, count = grid.GetSize()
    mask = np.zeros((count, rows, columns), bool)
    for k in range(max(0, int(np.floor(planes[0] - reach))), min(count, int(np.ceil(planes[-1] + reach)) + 1)):
        nearest = planes[int(np.argmin(np.abs(planes - k)))]
        if abs(nearest - k) <= reach:
            own = [index[:, :2] for index, place in zip(indices, places, strict=True) if abs(place - nearest) < 0.1]
            mask[k] = filledContours(own, (rows, columns))
    return mask
