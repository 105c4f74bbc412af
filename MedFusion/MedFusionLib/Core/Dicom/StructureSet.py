"""Write outlines as an RT Structure Set: closed planar contours on the slices of the CT (PS3.3 A.19.3)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import directionOf, pointsAt
from .Contours import contoursOfPlane
from .Study import DerivedStudy, SourceInstance, decimals, instanceReferences

if TYPE_CHECKING:
    from pydicom import Dataset

STRUCTURE_SET_STORAGE = "1.2.840.10008.5.1.4.1.1.481.3"
_STUDY_CLASS = "1.2.840.10008.3.1.2.3.1"
# Chosen well below any slice distance, above the rounding of decimal strings.
_SAME_PLANE_MM = 0.1


@dataclass(frozen=True, eq=False)
class RegionOfInterest:
    """One outline to be written.

    :param mask: boolean array (k, j, i) on the grid of the label image.
    :param color: red, green and blue from 0 to 1.
    :param interpretedType: DICOM's word for what it is, such as GTV; "" where none fits.
    """

    name: str
    mask: np.ndarray
    color: tuple[float, float, float]
    interpretedType: str = ""


def structureSetObject(study: DerivedStudy, grid: sitk.Image, regions: Sequence[RegionOfInterest]) -> "Dataset":
    """Return regions on a grid in the fixed frame of reference (LPS mm) as a dataset."""
    import pydicom

    if not any(region.mask.any() for region in regions):
        raise ValueError("The segmentation is empty; there is nothing to write as DICOM.")
    dataset = study.newObject(STRUCTURE_SET_STORAGE, "RTSTRUCT", "Tumor contours", 5)
    dataset.OperatorsName = ""
    dataset.FrameOfReferenceUID = study.fixedFrameUid
    dataset.PositionReferenceIndicator = study.header.get("PositionReferenceIndicator", "")
    dataset.StructureSetLabel, dataset.StructureSetName = "TUMOR", "Tumor contours"
    dataset.StructureSetDate, dataset.StructureSetTime = study.header.get("StudyDate", ""), ""
    dataset.ApprovalStatus = "UNAPPROVED"
    dataset.ReferencedFrameOfReferenceSequence = [_frame(study)]
    planes = _planesOf(study.fixedInstances)
    rois, contours, observations = [], [], []
    for number, region in enumerate(regions, start=1):
        roi, contour, observation = pydicom.Dataset(), pydicom.Dataset(), pydicom.Dataset()
        roi.ROINumber, roi.ROIName = number, region.name[:64]
        roi.ReferencedFrameOfReferenceUID = study.fixedFrameUid
        roi.ROIGenerationAlgorithm = "SEMIAUTOMATIC"
        contour.ROIDisplayColor = [int(round(255 * part)) for part in region.color]
        contour.ReferencedROINumber = number
        contour.ContourSequence = _contours(region.mask, grid, planes)
        observation.ObservationNumber = observation.ReferencedROINumber = number
        observation.RTROIInterpretedType = region.interpretedType
        observation.ROIInterpreter = ""
        rois.append(roi)
        contours.append(contour)
        observations.append(observation)
    dataset.StructureSetROISequence = rois
    dataset.ROIContourSequence = contours
    dataset.RTROIObservationsSequence = observations
    return dataset


def _frame(study: DerivedStudy) -> "Dataset":
    """Return the item that tells frame of reference, study, series and images of the contours."""
    import pydicom

    item = pydicom.Dataset()
    item.FrameOfReferenceUID = study.fixedFrameUid
    if study.fixedInstances:
        series = pydicom.Dataset()
        series.SeriesInstanceUID = study.fixedInstances[0].seriesUid
        series.ContourImageSequence = instanceReferences(study.fixedInstances)
        referenced = pydicom.Dataset()
        referenced.ReferencedSOPClassUID = _STUDY_CLASS
        referenced.ReferencedSOPInstanceUID = study.fixedInstances[0].studyUid or study.header.StudyInstanceUID
        referenced.RTReferencedSeriesSequence = [series]
        item.RTReferencedStudySequence = [referenced]
    return item


def _planesOf(instances: Sequence[SourceInstance]) -> tuple[np.ndarray, np.ndarray, Sequence[SourceInstance]]:
    """Return the normal of the source's planes, their places along it, and the planes."""
    if not instances:
        return np.zeros(3), np.zeros(0), ()
    normal = instances[0].normal
    return normal, np.array([instance.center @ normal for instance in instances]), instances


def _contours(mask: np.ndarray, grid: sitk.Image, planes: tuple) -> list:
    """Return the contour items of a mask, each with the image on whose plane it lies."""
    import pydicom

    normal, places, instances = planes
    isParallel = bool(places.size) and abs(abs(directionOf(grid)[:, 2] @ normal) - 1) < 1e-4
    items = []
    for k in np.flatnonzero(mask.any(axis=(1, 2))):
        for polygon in contoursOfPlane(mask[k]):
            points = pointsAt(grid, np.column_stack([polygon, np.full(len(polygon), k)]))
            item = pydicom.Dataset()
            distances = np.abs(places - points[0] @ normal)
            if isParallel and distances.min() < _SAME_PLANE_MM:
                item.ContourImageSequence = instanceReferences((instances[int(np.argmin(distances))],))
            item.ContourGeometricType = "CLOSED_PLANAR"
            item.NumberOfContourPoints = len(points)
            item.ContourData = decimals(points.ravel())
            items.append(item)
    return items
