"""Write a registration as a DICOM Spatial Registration, rigid or deformable."""

from enum import Enum
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import directionOf
from ..Images.Transforms import matrixFromTransform
from .Study import DerivedStudy, addCommonReferences, codeSequence, decimals, instanceReferences

if TYPE_CHECKING:
    from pydicom import Dataset
    from pydicom.sr.coding import Code

SPATIAL_REGISTRATION = "1.2.840.10008.5.1.4.1.1.66.1"
DEFORMABLE_SPATIAL_REGISTRATION = "1.2.840.10008.5.1.4.1.1.66.3"
# Chosen so that a spline that bends over centimeters loses less than its own error and the file stays small.
GRID_SPACING_MM = 3.0


class RegistrationBasis(Enum):
    """What a registration was made from; the value describes it."""

    landmarks = "MRI to CT by landmarks"
    images = "MRI to CT by the images"
    landmarksAndImages = "MRI to CT by landmarks and images"

    def code(self) -> "Code":
        """Return DICOM's code for it (CID 7100)."""
        from pydicom.sr.codedict import codes

        return {
            RegistrationBasis.landmarks: codes.DCM.FiducialAlignment,
            RegistrationBasis.images: codes.DCM.ImageContentBasedAlignment,
            RegistrationBasis.landmarksAndImages: codes.DCM.ImageContentAndFiducialBasedAlignment,
        }[self]


def registrationObject(
    study: DerivedStudy,
    transform: sitk.Transform,
    grid: sitk.Image,
    comment: str = "",
    basis: RegistrationBasis = RegistrationBasis.landmarks,
) -> "Dataset":
    """Return the registration between the moving and the fixed frame of reference as a dataset.

    The registered frame of reference is the fixed one. A matrix maps moving to fixed points there; a deformation
    grid, as the standard defines it, maps fixed to moving points.

    :param transform: fixed to moving points, LPS millimeters.
    :param grid: the fixed image, over whose extent a transform that is not linear is sampled.
    """
    if transform.IsLinear():
        dataset = _object(study, SPATIAL_REGISTRATION, basis)
        items = [_matrixItem(study.fixedFrameUid, study.fixedInstances, np.eye(4))]
        inverse = np.linalg.inv(matrixFromTransform(transform))
        items.append(_matrixItem(study.movingFrameUid, study.movingInstances, inverse, basis, comment))
        dataset.RegistrationSequence = items
    else:
        dataset = _object(study, DEFORMABLE_SPATIAL_REGISTRATION, basis)
        dataset.DeformableRegistrationSequence = [_deformableItem(study, transform, grid, basis, comment)]
    addCommonReferences(dataset, (*study.fixedInstances, *study.movingInstances))
    return dataset


def _object(study: DerivedStudy, classUid: str, basis: RegistrationBasis) -> "Dataset":
    dataset = study.newObject(classUid, "REG", "Registration MRI to CT", 3)
    dataset.FrameOfReferenceUID = study.fixedFrameUid
    dataset.PositionReferenceIndicator = study.header.get("PositionReferenceIndicator", "")
    dataset.ContentLabel, dataset.ContentDescription = "REGISTRATION", basis.value
    dataset.ContentCreatorName = ""
    return dataset


def matrixType(matrix: np.ndarray) -> str:
    """Return DICOM's word for what a (4, 4) matrix does: RIGID, RIGID_SCALE or AFFINE."""
    products = matrix[:3, :3].T @ matrix[:3, :3]
    if not np.allclose(products, np.diag(np.diag(products)), atol=1e-6):
        return "AFFINE"
    return "RIGID" if np.allclose(np.diag(products), 1, atol=1e-6) else "RIGID_SCALE"


def _matrixDataset(matrix: np.ndarray) -> "Dataset":
    import pydicom

    dataset = pydicom.Dataset()
    dataset.FrameOfReferenceTransformationMatrixType = matrixType(matrix)
    dataset.FrameOfReferenceTransformationMatrix = decimals(matrix.ravel())
    return dataset


def _matrixItem(
    frameUid: str, instances: tuple, matrix: np.ndarray, basis: RegistrationBasis | None = None, comment: str = ""
) -> "Dataset":
    import pydicom

    registration = pydicom.Dataset()
    registration.MatrixSequence = [_matrixDataset(matrix)]
    registration.RegistrationTypeCodeSequence = codeSequence(basis.code()) if basis else []
    if comment:
        registration.FrameOfReferenceTransformationComment = comment[:64]
    item = pydicom.Dataset()
    item.FrameOfReferenceUID = frameUid
    item.MatrixRegistrationSequence = [registration]
    if instances:
        item.ReferencedImageSequence = instanceReferences(instances)
    return item


def _deformableItem(
    study: DerivedStudy, transform: sitk.Transform, fixedImage: sitk.Image, basis: RegistrationBasis, comment: str
) -> "Dataset":
    import pydicom

    extent = np.array(fixedImage.GetSpacing()) * (np.array(fixedImage.GetSize()) - 1)
    size = [int(count) for count in np.ceil(extent / GRID_SPACING_MM) + 1]
    spacing = [float(v) if v > 0 else 1.0 for v in extent / np.maximum(np.array(size) - 1, 1)]
    direction = directionOf(fixedImage)
    field = sitk.TransformToDisplacementField(
        transform, sitk.sitkVectorFloat64, size, fixedImage.GetOrigin(), spacing, fixedImage.GetDirection()
    )
    vectors = pydicom.Dataset()
    vectors.ImagePositionPatient = decimals(fixedImage.GetOrigin())
    vectors.ImageOrientationPatient = decimals((*direction[:, 0], *direction[:, 1]))
    vectors.GridDimensions = size
    vectors.GridResolution = spacing
    vectors.VectorGridData = sitk.GetArrayFromImage(field).astype("<f4").tobytes()
    item = pydicom.Dataset()
    item.SourceFrameOfReferenceUID = study.movingFrameUid
    item.DeformableRegistrationGridSequence = [vectors]
    item.RegistrationTypeCodeSequence = codeSequence(basis.code())
    item.FrameOfReferenceTransformationComment = comment[:64]
    if study.movingInstances:
        item.ReferencedImageSequence = instanceReferences(study.movingInstances)
    return item
