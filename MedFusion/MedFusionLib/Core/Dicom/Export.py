"""Write the results of a run as DICOM objects that join the patient's study."""

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Progress import Progress, report, subProgress
from ..Tumor.LesionMeasurements import SegmentMeasurements
from ..Tumor.Segments import MARGIN_COLOR, MARGIN_NAME, Segment, segmentColor
from ..Verdict import Verdict
from .DerivedImages import DerivedKind, writeDerivedSeries
from .Errors import withoutLibraryWarnings
from .Registration import RegistrationBasis, registrationObject
from .Series import DicomSeries
from .StructureSet import RegionOfInterest, structureSetObject
from .Study import studyFor
from .Tumor import OutlineOrigin, measurementReport, segmentationObject


@dataclass(frozen=True)
class DicomResults:
    """What is to be written; every image lies in the fixed image's frame of reference (LPS mm).

    :param transform: fixed to moving points.
    :param fixed: the series the fixed image came from, None if it was not DICOM; so for `moving`.
    :param fusedImage: scalar; None if the fusion is in color, which no derived CT or MR image can hold.
    :param segments: what the labels are.
    :param lesions: measurements by segment name.
    :param marginImage: the tumor grown by the registration's error, 0 and 1.
    :param tumorOrigin: who made the outline.
    :param tumorVerdict: whether it may be trusted.
    """

    transform: sitk.Transform
    registeredImage: sitk.Image
    fusedImage: sitk.Image | None = None
    fixed: DicomSeries | None = None
    moving: DicomSeries | None = None
    labelImage: sitk.Image | None = None
    segments: tuple[Segment, ...] = ()
    lesions: dict[str, SegmentMeasurements] = field(default_factory=dict)
    registrationComment: str = ""
    registrationBasis: RegistrationBasis = RegistrationBasis.landmarks
    tumorOrigin: OutlineOrigin = OutlineOrigin.pointedAt
    tumorVerdict: Verdict | None = None
    marginImage: sitk.Image | None = None
    version: str = ""


def exportDicom(folder: Path, results: DicomResults, progress: Progress | None = None) -> tuple[Path, ...]:
    """Write the fused and registered series, the segmentation, the registration and the report; return the paths.

    Nothing enters the files but what the sources held, the results and this program's name and version.
    """
    # Names and dates are carried over as the sources have them, also those that the standard would write otherwise.
    with withoutLibraryWarnings():
        return _export(Path(folder), results, progress)


def _export(folder: Path, results: DicomResults, progress: Progress | None) -> tuple[Path, ...]:
    report(progress, 0.0, "Writing DICOM")
    images = [image for image in (results.registeredImage, results.fusedImage, results.labelImage) if image is not None]
    study = studyFor(results.fixed, results.moving, images, results.version or "0")
    written = []
    if results.fusedImage is not None:
        step = subProgress(progress, 0.0, 0.4)
        target = folder / "fused"
        writeDerivedSeries(
            target, study, DerivedKind.fused, "Fused CT and MRI", results.fusedImage, results.transform, step
        )
        written.append(target)
    step = subProgress(progress, 0.4, 0.8)
    target = folder / "mri_registered"
    headers = writeDerivedSeries(
        target, study, DerivedKind.registered, "MRI registered to CT", results.registeredImage, results.transform, step
    )
    written.append(target)
    registration = registrationObject(
        study, results.transform, results.registeredImage, results.registrationComment, results.registrationBasis
    )
    objects = {"registration.dcm": registration}
    if results.labelImage is not None and results.segments:
        report(progress, 0.8, "Writing the tumor as DICOM")
        segmentation = segmentationObject(
            study, results.labelImage, results.segments, headers, results.tumorOrigin, results.tumorVerdict
        )
        objects["tumor.dcm"] = segmentation
        regions = _regions(results)
        if regions:
            objects["contours.dcm"] = structureSetObject(study, results.registeredImage, regions)
        if results.lesions:
            objects["measurements.dcm"] = measurementReport(study, segmentation, results.lesions, results.tumorVerdict)
    for name, dataset in objects.items():
        dataset.save_as(folder / name, enforce_file_format=True)
        written.append(folder / name)
    report(progress, 1.0, "Wrote DICOM")
    return tuple(written)


def _regions(results: DicomResults) -> list[RegionOfInterest]:
    """Return what becomes a region of the structure set, on the slices of the CT.

    The segments, and the tumor with the registration's error. An outline that was drawn on the MRI's slices is sampled
    as in tumor.seg.nrrd, so that both are the same mask.
    """

    labelImage = results.labelImage
    if labelImage is None:
        return []

    def onCt(mask: sitk.Image) -> np.ndarray:
        nearest = sitk.Resample(mask, results.registeredImage, sitk.Transform(), sitk.sitkNearestNeighbor)
        return sitk.GetArrayFromImage(nearest) > 0

    regions = [
        RegionOfInterest(segment.name, onCt(labelImage == segment.value), segmentColor(segment), "GTV")
        for segment in results.segments
    ]
    if results.marginImage is not None:
        regions.append(RegionOfInterest(MARGIN_NAME, onCt(results.marginImage), MARGIN_COLOR))
    return [region for region in regions if region.mask.any()]
