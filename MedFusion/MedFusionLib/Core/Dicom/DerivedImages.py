"""Write a volume as a derived DICOM image series, true to geometry and values."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import directionOf, pointsAt
from ..Images.Transforms import transformPoints
from ..Images.Voxels import everyNth, extremes, slabs
from ..Progress import Progress, report
from .Study import DerivedStudy, SourceInstance, addCommonReferences, codeSequence, decimals, instanceReferences

if TYPE_CHECKING:
    from pydicom import Dataset


@dataclass(frozen=True)
class _Storage:
    classUid: str
    modality: str


class DerivedKind(Enum):
    """What a derived series is; the fused volume joins as CT images, the registered MRI as MR images."""

    fused = _Storage("1.2.840.10008.5.1.4.1.1.2", "CT")
    registered = _Storage("1.2.840.10008.5.1.4.1.1.4", "MR")


@dataclass(frozen=True)
class Quantization:
    """How values are stored in 16 bits: value = stored * slope + intercept."""

    slope: float
    intercept: float
    isSigned: bool


def quantizationOf(image: sitk.Image) -> Quantization:
    """Return the 16-bit storage of an image: exact for whole numbers that fit, else over its range."""
    low, high = extremes(image)
    isWhole = all(_isWhole(sitk.GetArrayViewFromImage(slab)) for _start, slab in slabs(image))
    if isWhole and low >= -32768 and high <= 32767:
        return Quantization(1.0, 0.0, True)
    slope = _decimal((high - low) / 65534) or 1.0
    return Quantization(slope, _decimal(low), False)


def _isWhole(array: np.ndarray) -> bool:
    return np.issubdtype(array.dtype, np.integer) or bool(np.all(array == np.round(array)))


def _decimal(value: float) -> float:
    """Return the nearest number that a DICOM decimal string (16 characters) holds exactly."""
    return float(f"{value:.9g}")


def _text(value: float) -> str:
    return f"{value:.9g}"


def writeDerivedSeries(
    folder: Path,
    study: DerivedStudy,
    kind: DerivedKind,
    name: str,
    image: sitk.Image,
    transform: sitk.Transform,
    progress: Progress | None = None,
) -> list:
    """Write one file for each slice of an image and return the headers.

    :param image: scalar, in the frame of reference of the fixed image (LPS mm).
    :param transform: fixed to moving points; tells which source planes lie in a slice.
    """
    from pydicom.sr.codedict import codes

    count = image.GetDepth()
    storage = quantizationOf(image)
    window = np.percentile(everyNth(image, 4, 4, max(count // 40, 1)), (1, 99.5))
    derivations = [codes.DCM.SpatialResampling]
    if not transform.IsLinear():
        derivations.append(codes.DCM.DeformedForRegistration)
    if kind is DerivedKind.fused:
        derivations.append(codes.DCM.PixelByPixelAddition)
    folder.mkdir(parents=True, exist_ok=True)
    headers = []
    for k in range(count):
        report(progress, k / count, f"Writing {name}")
        dataset = study.newObject(kind.value.classUid, kind.value.modality, name, list(DerivedKind).index(kind), k + 1)
        _addImage(dataset, study, kind, image, k)
        _addReferences(dataset, study, kind, _corners(image, k), transform, codeSequence(*derivations))
        _addPixels(dataset, sitk.GetArrayFromImage(image[:, :, k]), storage, window)
        if kind is DerivedKind.fused or storage != Quantization(1.0, 0.0, True):
            _addRescale(dataset, storage)
        dataset.save_as(folder / f"{k + 1:04d}.dcm", enforce_file_format=True)
        del dataset.PixelData
        headers.append(dataset)
    return headers


def _addImage(dataset: "Dataset", study: DerivedStudy, kind: DerivedKind, image: sitk.Image, k: int) -> None:
    direction = directionOf(image)
    spacing = image.GetSpacing()
    dataset.ImageType = ["DERIVED", "SECONDARY", "AXIAL" if kind is DerivedKind.fused else "OTHER"]
    dataset.AcquisitionNumber = None
    dataset.PatientPosition = study.patientPosition
    dataset.FrameOfReferenceUID = study.fixedFrameUid
    dataset.PositionReferenceIndicator = study.header.get("PositionReferenceIndicator", "")
    dataset.ImagePositionPatient = decimals(image.TransformIndexToPhysicalPoint((0, 0, k)))
    dataset.ImageOrientationPatient = decimals((*direction[:, 0], *direction[:, 1]))
    dataset.PixelSpacing = decimals((spacing[1], spacing[0]))
    dataset.SliceThickness = _text(spacing[2])
    dataset.SpacingBetweenSlices = _text(spacing[2])
    wasLossy = study.isMovingLossy or (kind is DerivedKind.fused and study.isFixedLossy)
    dataset.LossyImageCompression = "01" if wasLossy else "00"
    if kind is DerivedKind.fused:
        del dataset.SpacingBetweenSlices  # not an attribute of CT images
        dataset.KVP = None
        return
    dataset.ScanningSequence, dataset.SequenceVariant = "RM", "NONE"
    dataset.ScanOptions = dataset.MRAcquisitionType = ""
    dataset.RepetitionTime = dataset.EchoTime = dataset.EchoTrainLength = None


def _corners(image: sitk.Image, k: int) -> np.ndarray:
    columns, rows, _ = image.GetSize()
    return pointsAt(image, [(i, j, k) for i in (0, columns - 1) for j in (0, rows - 1)])


def _addReferences(
    dataset: "Dataset",
    study: DerivedStudy,
    kind: DerivedKind,
    corners: np.ndarray,
    transform: sitk.Transform,
    derivations: list,
) -> None:
    from pydicom.sr.codedict import codes

    isFused = kind is DerivedKind.fused
    dataset.DerivationDescription = "CT and MRI fused" if isFused else "MRI resampled onto the CT after registration"
    dataset.DerivationCodeSequence = derivations
    instances = _planesWithin(study.movingInstances, transformPoints(transform, corners))
    if isFused:
        instances = (*_planesWithin(study.fixedInstances, corners), *instances)
    if not instances:
        return
    references = instanceReferences(instances)
    for item in references:
        item.PurposeOfReferenceCodeSequence = codeSequence(codes.DCM.SourceImageForImageProcessingOperation)
    dataset.SourceImageSequence = references
    addCommonReferences(dataset, instances)


def _planesWithin(instances: tuple[SourceInstance, ...], corners: np.ndarray) -> tuple[SourceInstance, ...]:
    """Return the source planes that a slice crosses, with the nearest ones on both of its sides.

    :param corners: of the slice, in the source's frame of reference.
    """
    if not instances:
        return ()
    along = np.array([instance.center @ instance.normal for instance in instances])
    across = corners @ instances[0].normal
    below, above = along[along <= across.min() + 0.01], along[along >= across.max() - 0.01]
    low = below.max() if len(below) else along.min()
    high = above.min() if len(above) else along.max()
    kept = [i for i, value in zip(instances, along, strict=True) if low <= value <= high]
    return tuple(kept)


def _addPixels(dataset: "Dataset", plane: np.ndarray, storage: Quantization, window: np.ndarray) -> None:
    stored = plane if storage.isSigned else np.round((plane - storage.intercept) / storage.slope)
    stored = stored.astype("<i2" if storage.isSigned else "<u2")
    dataset.SamplesPerPixel, dataset.PhotometricInterpretation = 1, "MONOCHROME2"
    dataset.Rows, dataset.Columns = plane.shape
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 16, 16, 15
    dataset.PixelRepresentation = int(storage.isSigned)
    dataset.WindowCenter = _text(float(window.mean()))
    dataset.WindowWidth = _text(max(float(window[1] - window[0]), 1.0))
    dataset.PixelData = stored.tobytes()


def _addRescale(dataset: "Dataset", storage: Quantization) -> None:
    """Add the modality rescale. MR images have none in the standard but scanners write it and readers apply it."""
    dataset.RescaleSlope, dataset.RescaleIntercept = _text(storage.slope), _text(storage.intercept)
    dataset.RescaleType = "US"
