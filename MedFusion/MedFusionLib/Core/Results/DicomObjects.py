"""A document's results written as DICOM objects."""

from functools import partial
from pathlib import Path

import SimpleITK as sitk

from ..Dicom.Export import DicomResults, exportDicom
from ..Dicom.Registration import RegistrationBasis
from ..Dicom.Tumor import OutlineOrigin
from ..Progress import Progress
from ..Registration.PoseCovariance import errorBound
from ..Registration.RegistrationResult import RegistrationResult
from ..Tumor.ErrorMargin import grownByError
from ..Tumor.TumorSegmentation import SegmentationMethod
from .RunDocument import MeasuredTumor, RunDocument, needed


def errorMargin(document: RunDocument) -> sitk.Image | None:
    """Return the tumor grown at each place by the 95 % bound of the registration's error, None where it is unknown."""
    error = needed(document.registration).error
    if document.tumor is None or error is None:
        return None
    labelImage = document.tumor.result.labelImage
    mask = sitk.GetArrayViewFromImage(labelImage) > 0
    grown = sitk.GetImageFromArray(grownByError(mask, labelImage, partial(errorBound, error)).astype("uint8"))
    grown.CopyInformation(labelImage)
    return grown


def _origin(tumor: MeasuredTumor | None) -> OutlineOrigin:
    """Return who made the outline, as DICOM wants to know it."""
    if tumor is None or not (tumor.isAutomatic or tumor.result.settings.method is SegmentationMethod.given):
        return OutlineOrigin.pointedAt
    return OutlineOrigin.automatic if tumor.isAutomatic else OutlineOrigin.elsewhere


def writeDicomObjects(
    folder: Path, document: RunDocument, progress: Progress | None = None, marginImage: sitk.Image | None = None
) -> None:
    """Write a run's results into an existing empty folder.

    :param marginImage: the tumor grown by the registration's error, 0 and 1.
    """
    registration, fusion, dicom = needed(document.registration), needed(document.fusion), document.provenance.dicom
    tumor = document.tumor
    results = DicomResults(
        transform=registration.transform,
        registeredImage=needed(document.images).registered,
        fusedImage=None if fusion.isColor else fusion.result.image,
        fixed=dicom.get("ct"),
        moving=dicom.get("mri"),
        labelImage=tumor.result.labelImage if tumor is not None else None,
        segments=tumor.result.segments if tumor is not None else (),
        lesions=tumor.measured.segments if tumor is not None else {},
        registrationComment=_comment(registration),
        registrationBasis=_basis(registration),
        tumorOrigin=_origin(tumor),
        tumorVerdict=tumor.result.verdict if tumor is not None else None,
        marginImage=marginImage,
        version=document.versions.get("medfusion", ""),
    )
    exportDicom(folder, results, progress)


def _comment(registration: RegistrationResult) -> str:
    if not registration.labels:
        return "Registered by the images, without landmarks"
    return f"FRE {registration.fre:.2f} mm from {len(registration.labels)} landmark pairs"


def _basis(registration: RegistrationResult) -> RegistrationBasis:
    if not registration.refined:
        return RegistrationBasis.landmarks
    return RegistrationBasis.images if registration.landmarks is None else RegistrationBasis.landmarksAndImages
