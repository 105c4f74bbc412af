"""The study that derived DICOM objects join: whose it is, which frames of reference, which source images."""

import hashlib
import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..Images.Voxels import slabs
from .Patient import cleanHeader, takeOverPatient
from .Series import DicomSeries

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept
    from pydicom import Dataset
    from pydicom.sr.coding import Code

MANUFACTURER = "MedFusion"
# By convention beyond the numbers that scanners give.
FIRST_SERIES_NUMBER = 9001


@dataclass(frozen=True)
class SourceInstance:
    """A source image (a file, or one frame of it) that derived objects refer to; LPS millimeters."""

    classUid: str
    instanceUid: str
    seriesUid: str
    studyUid: str
    frame: int | None
    center: np.ndarray
    normal: np.ndarray


@dataclass(frozen=True)
class DerivedStudy:
    """What every derived object shares; made by `studyFor`."""

    header: "Dataset"
    fixedFrameUid: str
    movingFrameUid: str
    fixedInstances: tuple[SourceInstance, ...]
    movingInstances: tuple[SourceInstance, ...]
    patientPosition: str
    isFixedLossy: bool
    isMovingLossy: bool
    version: str
    seed: str

    def uid(self, *parts: object) -> str:
        """Return a UID that is the same for the same sources, content and parts."""
        return _uid(self.seed, *parts)

    def newObject(self, classUid: str, modality: str, name: str, number: int, instance: int = 1) -> "Dataset":
        """Return a dataset with the patient, study, series, equipment and SOP common modules filled."""
        from highdicom.base import SOPClass
        from pydicom.uid import ExplicitVRLittleEndian

        dataset = SOPClass(
            study_instance_uid=self.header.StudyInstanceUID,
            series_instance_uid=self.uid(name),
            series_number=FIRST_SERIES_NUMBER + number,
            sop_instance_uid=self.uid(name, instance),
            sop_class_uid=classUid,
            instance_number=instance,
            modality=modality,
            manufacturer=MANUFACTURER,
            manufacturer_model_name=MANUFACTURER,
            software_versions=self.version,
            device_serial_number=self.version,
            transfer_syntax_uid=ExplicitVRLittleEndian,
            series_description=name,
        )
        takeOverPatient(dataset, self.header)
        dataset.BodyPartExamined = self.header.BodyPartExamined
        return dataset


def _uid(*parts: object) -> str:
    return f"2.25.{uuid.uuid5(uuid.NAMESPACE_OID, '|'.join(map(str, parts))).int}"


def studyFor(
    fixed: DicomSeries | None, moving: DicomSeries | None, contents: Sequence[sitk.Image], version: str
) -> "DerivedStudy":
    """Return the study for objects derived from a CT and an MRI.

    The objects join the CT's study, or the MRI's where only that is DICOM. Where neither is, they make a new study
    without a patient's name, its UIDs computed from the contents.

    :param contents: the images that will be written; different contents give different UIDs.
    """
    import pydicom

    digest = hashlib.sha256()
    for image in contents:
        for _start, slab in slabs(image):
            digest.update(sitk.GetArrayViewFromImage(slab).data)
    known = [series for series in (fixed, moving) if series is not None]
    uids = [uid for series in known for uid in (series.uid, *(s.instanceUid for s in series.volume.slices))]
    seed = hashlib.sha256("|".join([version, digest.hexdigest(), *uids]).encode()).hexdigest()
    header = pydicom.Dataset()
    if known:
        header = pydicom.dcmread(known[0].files[0], stop_before_pixels=True)
    _complete(header, seed)
    return DerivedStudy(
        header=header,
        fixedFrameUid=_frameUid(fixed, seed, "fixed"),
        movingFrameUid=_frameUid(moving, seed, "moving"),
        fixedInstances=_instances(fixed),
        movingInstances=_instances(moving),
        patientPosition=dict(known[0].tags).get("PatientPosition", "") if known else "",
        isFixedLossy=_isLossy(fixed),
        isMovingLossy=_isLossy(moving),
        version=version,
        seed=seed,
    )


def _isLossy(series: DicomSeries | None) -> bool:
    return series is not None and dict(series.tags).get("LossyImageCompression") == "01"


def _complete(header: "Dataset", seed: str) -> None:
    cleanHeader(header)
    if header.get("PatientIdentityRemoved") == "YES" and not header.get("DeidentificationMethod"):
        header.DeidentificationMethod = "Not stated in the source"
    if not header.StudyInstanceUID:
        header.StudyInstanceUID = _uid(seed, "study")


def _frameUid(series: DicomSeries | None, seed: str, name: str) -> str:
    return series.frameOfReferenceUid if series and series.frameOfReferenceUid else _uid(seed, "frame", name)


def _instances(series: DicomSeries | None) -> tuple[SourceInstance, ...]:
    if series is None:
        return ()
    instances = []
    isMultiframe = len(series.files) < series.sliceCount
    for item in series.volume.slices:
        half = np.array([(item.columns - 1) / 2 * item.spacing[0], (item.rows - 1) / 2 * item.spacing[1]])
        center = np.array(item.position) + np.column_stack([item.rowDirection, item.columnDirection]) @ half
        instances.append(
            SourceInstance(
                classUid=dict(series.tags).get("SOPClassUID", ""),
                instanceUid=item.instanceUid,
                seriesUid=series.uid.split("#")[0],
                studyUid=series.studyUid,
                frame=item.frame + 1 if isMultiframe else None,
                center=center,
                normal=item.normal,
            )
        )
    return tuple(instances)


def decimals(values: "Iterable[float]") -> list:
    """Return numbers as DICOM decimal strings, as exactly as 16 characters allow."""
    from pydicom.valuerep import DSfloat

    return [DSfloat(float(value), auto_format=True) for value in values]


def codeSequence(*codes: "CodedConcept | Code") -> list:
    """Return code datasets (for a code sequence attribute) of pydicom or highdicom codes."""
    from highdicom.sr import CodedConcept

    return [CodedConcept(code.value, code.scheme_designator, code.meaning) for code in codes]


def instanceReferences(instances: tuple[SourceInstance, ...], withFrames: bool = True) -> list:
    """Return image reference items, one for each source file, with the frames used of it."""
    import pydicom

    files: dict[str, list[SourceInstance]] = {}
    for instance in instances:
        files.setdefault(instance.instanceUid, []).append(instance)
    items = []
    for members in files.values():
        item = pydicom.Dataset()
        item.ReferencedSOPClassUID = members[0].classUid
        item.ReferencedSOPInstanceUID = members[0].instanceUid
        if withFrames and members[0].frame is not None:
            item.ReferencedFrameNumber = [member.frame for member in members]
        items.append(item)
    return items


def addCommonReferences(dataset: "Dataset", instances: tuple[SourceInstance, ...]) -> None:
    """Add the Common Instance Reference module: every referenced image by its study and series."""
    import pydicom

    series: dict[tuple[str, str], list[SourceInstance]] = {}
    for instance in instances:
        series.setdefault((instance.studyUid or dataset.StudyInstanceUID, instance.seriesUid), []).append(instance)
    here: list[Dataset] = []
    studies: dict[str, list[Dataset]] = {}
    for (studyUid, seriesUid), members in series.items():
        item = pydicom.Dataset()
        item.SeriesInstanceUID = seriesUid
        item.ReferencedInstanceSequence = instanceReferences(tuple(members), withFrames=False)
        if studyUid == dataset.StudyInstanceUID:
            here.append(item)
        else:
            studies.setdefault(studyUid, []).append(item)
    if here:
        dataset.ReferencedSeriesSequence = here
    if studies:
        others = []
        for studyUid, items in studies.items():
            other = pydicom.Dataset()
            other.StudyInstanceUID = studyUid
            other.ReferencedSeriesSequence = items
            others.append(other)
        dataset.StudiesContainingOtherReferencedInstancesSequence = others
