"""Write a tumor as a DICOM segmentation and its measurements as a structured report."""

from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import voxelAxes
from ..Tumor.LesionMeasurements import LesionMeasurements, SegmentMeasurements
from ..Tumor.Segments import Segment, TumorTissue
from ..Verdict import Verdict
from .Patient import takeOverPatient, withoutPatient
from .Study import FIRST_SERIES_NUMBER, MANUFACTURER, DerivedStudy

_LONGEST_TEXT = 1024  # of the value representation ST

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept, TrackingIdentifier, VolumetricROIMeasurementsAndQualitativeEvaluations
    from pydicom import Dataset


class OutlineOrigin(Enum):
    """Who made an outline; the value is DICOM's word for how."""

    pointedAt = "SEMIAUTOMATIC"
    automatic = "AUTOMATIC"
    elsewhere = "MANUAL"


def segmentationObject(
    study: DerivedStudy,
    labelImage: sitk.Image,
    segments: Sequence[Segment],
    sources: list,
    origin: OutlineOrigin = OutlineOrigin.pointedAt,
    verdict: Verdict | None = None,
) -> "Dataset":
    """Return labels as a DICOM segmentation with SNOMED CT codes; its segments are numbered in the order given.

    :param labelImage: in the fixed frame of reference (LPS mm).
    :param segments: what the labels are.
    :param sources: headers of the image series that the outline was drawn on, in the same frame of reference.
    :param verdict: whether the outline may be trusted, which each segment is described by.
    """
    import highdicom as hd
    from pydicom.sr.codedict import codes

    labels = sitk.GetArrayViewFromImage(labelImage)
    numbered = np.zeros(labels.shape, np.uint8)
    descriptions = []
    for number, segment in enumerate(segments, start=1):
        numbered[labels == segment.value] = number
        algorithm = hd.AlgorithmIdentificationSequence(
            name=MANUFACTURER, family=codes.cid7162.NeighborhoodAnalysis, version=study.version
        )
        description = hd.seg.SegmentDescription(
            segment_number=number,
            segment_label=segment.name,
            segmented_property_category=codes.SCT.MorphologicallyAbnormalStructure,
            segmented_property_type=tissueCode(segment.tissue),
            algorithm_type=origin.value,
            algorithm_identification=None if origin is OutlineOrigin.elsewhere else algorithm,
            tracking_uid=study.uid("tracking", number),
            tracking_id=segment.name,
            anatomic_regions=[codes.SCT.Brain],
        )
        if verdict is not None:
            description.SegmentDescription = _trust(verdict)[:_LONGEST_TEXT]
        descriptions.append(description)
    if not numbered.any():
        raise ValueError("The segmentation is empty; there is nothing to write as DICOM.")
    affine = np.eye(4)
    affine[:3, :3] = voxelAxes(labelImage)[:, ::-1]
    affine[:3, 3] = labelImage.GetOrigin()
    volume = hd.Volume(numbered, affine, "PATIENT", frame_of_reference_uid=study.fixedFrameUid)
    segmentation = hd.seg.Segmentation(
        source_images=[withoutPatient(source) for source in sources],
        pixel_array=volume,
        segmentation_type=hd.seg.SegmentationTypeValues.BINARY,
        segment_descriptions=descriptions,
        series_instance_uid=study.uid("Tumor"),
        series_number=FIRST_SERIES_NUMBER + 2,
        sop_instance_uid=study.uid("Tumor", 1),
        instance_number=1,
        manufacturer=MANUFACTURER,
        manufacturer_model_name=MANUFACTURER,
        software_versions=study.version,
        device_serial_number=study.version,
        content_label="TUMOR",
        content_description="Tumor outline" + (f", {verdict.judgment.value}" if verdict is not None else ""),
        series_description="Tumor",
        omit_empty_frames=True,
    )
    # highdicom makes this one at random; the same result is to give the same object.
    for item in (*segmentation.DimensionOrganizationSequence, *segmentation.DimensionIndexSequence):
        item.DimensionOrganizationUID = study.uid("dimensions")
    takeOverPatient(segmentation, study.header)
    return segmentation


def _trust(verdict: Verdict) -> str:
    """Return whether an outline may be trusted, and why not."""
    return " ".join((f"Outline: {verdict.judgment.value}.", *verdict.reasons))


def tissueCode(tissue: TumorTissue) -> "CodedConcept":
    """Return the SNOMED CT code of a tissue as DICOM has it."""
    from highdicom.sr import CodedConcept

    value, meaning = tissue.snomedCode
    return CodedConcept(value, "SCT", meaning)


def measurementReport(
    study: DerivedStudy,
    segmentation: "Dataset",
    lesions: dict[str, SegmentMeasurements],
    verdict: Verdict | None = None,
) -> "Dataset":
    """Return the measurements of each lesion as a TID 1500 structured report that refers to the segmentation.

    :param segmentation: made by `segmentationObject`.
    :param lesions: of each segment by its name.
    :param verdict: whether the outline may be trusted, which is a comment on each lesion.
    """
    import highdicom as hd
    from pydicom.sr.codedict import codes

    observer = hd.sr.DeviceObserverIdentifyingAttributes(
        uid=study.uid("device"), name=MANUFACTURER, manufacturer_name=MANUFACTURER, model_name=MANUFACTURER
    )
    groups = []
    for segment in segmentation.SegmentSequence:
        if segment.SegmentLabel in lesions:
            found = lesions[segment.SegmentLabel].lesions
            for number, lesion in enumerate(found, start=1):
                name = segment.SegmentLabel if len(found) == 1 else f"{segment.SegmentLabel}, lesion {number}"
                uid = segment.TrackingUID if len(found) == 1 else study.uid("tracking", segment.SegmentNumber, number)
                tracking = hd.sr.TrackingIdentifier(uid=uid, identifier=name)
                groups.append(_measurementGroup(segmentation, segment, lesion, tracking))
    if verdict is not None:
        for group in groups:
            comment = hd.sr.TextContentItem(
                name=codes.DCM.Comment,
                value=_trust(verdict),
                relationship_type=hd.sr.RelationshipTypeValues.CONTAINS,
            )
            group[0].ContentSequence.append(comment)
    report = hd.sr.MeasurementReport(
        observation_context=hd.sr.ObservationContext(
            observer_device_context=hd.sr.ObserverContext(codes.DCM.Device, observer)
        ),
        procedure_reported=codes.cid100.ImagingProcedure,
        imaging_measurements=groups,
        title=codes.cid7021.ImagingMeasurementReport,
    )
    document = hd.sr.Comprehensive3DSR(
        evidence=[withoutPatient(segmentation)],
        content=report[0],
        series_instance_uid=study.uid("Measurements"),
        series_number=FIRST_SERIES_NUMBER + 4,
        sop_instance_uid=study.uid("Measurements", 1),
        instance_number=1,
        manufacturer=MANUFACTURER,
        series_description="Measurements",
        is_complete=True,
    )
    takeOverPatient(document, study.header)
    return document


def _measurementGroup(
    segmentation: "Dataset", segment: "Dataset", lesion: LesionMeasurements, tracking: "TrackingIdentifier"
) -> "VolumetricROIMeasurementsAndQualitativeEvaluations":
    """Return the measurements of one lesion of a segment."""
    import highdicom as hd
    from highdicom.sr import CodedConcept
    from pydicom.sr.codedict import codes

    millimeter, milliliter = codes.UCUM.Millimeter, codes.UCUM.CubicCentimeter
    values = [
        (codes.SCT.Volume, lesion.volumeMl, milliliter),
        (codes.SCT.LongAxis, lesion.axialDiameter.lengthMm, millimeter),
        (codes.SCT.ShortAxis, lesion.perpendicularDiameter.lengthMm, millimeter),
        (codes.IBSI.Maximum3DDiameterOfAMesh, lesion.longestDiameter.lengthMm, millimeter),
        (codes.IBSI.Sphericity, lesion.sphericity, codes.UCUM.NoUnits),
    ]
    if lesion.depthMm is not None:
        values.append((codes.SCT.Depth, lesion.depthMm, millimeter))
    series = segmentation.ReferencedSeriesSequence[0].SeriesInstanceUID
    return hd.sr.VolumetricROIMeasurementsAndQualitativeEvaluations(
        tracking_identifier=tracking,
        referenced_segment=hd.sr.ReferencedSegment(
            sop_class_uid=segmentation.SOPClassUID,
            sop_instance_uid=segmentation.SOPInstanceUID,
            segment_number=segment.SegmentNumber,
            source_series=hd.sr.SourceSeriesForSegmentation(series),
        ),
        finding_type=CodedConcept.from_dataset(segment.SegmentedPropertyTypeCodeSequence[0]),
        finding_sites=[hd.sr.FindingSite(codes.SCT.Brain)],
        measurements=[hd.sr.Measurement(name, float(f"{value:.6g}"), unit) for name, value, unit in values],
    )
