"""Read a DICOM Spatial Registration, rigid, affine or deformable (PS3.3 C.20.2 and C.20.3)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..Images.Transforms import affineFromMatrix
from .Errors import damage, withoutLibraryWarnings
from .Registration import DEFORMABLE_SPATIAL_REGISTRATION, SPATIAL_REGISTRATION

if TYPE_CHECKING:
    from pydicom import Dataset

# No limit of the standard: what fits into memory (three doubles a node), so that a damaged header asks for no more.
_LARGEST_GRID = 50_000_000


def readRegistration(path: Path, frames: Sequence[str] = ()) -> sitk.Transform:
    """Return the transform from fixed to moving points, LPS millimeters.

    The registered frame of reference, that of the object itself, is the fixed one unless frames say otherwise.

    :param frames: frames of reference of the fixed and the moving volume, where they are known.
    :raises ValueError: when it is no registration, damaged, or does not relate these frames.
    """
    import pydicom

    matrices: dict[str, np.ndarray] = {}
    deformations: dict[str, sitk.Transform] = {}
    refusal = f"{path.name} is a damaged or unusual DICOM registration and cannot be read"
    try:
        with withoutLibraryWarnings():
            dataset = pydicom.dcmread(path)
            kind = str(dataset.get("SOPClassUID", ""))
            if kind == SPATIAL_REGISTRATION:
                own = str(dataset.FrameOfReferenceUID)
                matrices = {own: np.eye(4)} | _matrices(dataset)
            elif kind == DEFORMABLE_SPATIAL_REGISTRATION:
                deformations = _deformations(dataset)
    except damage() as error:
        raise ValueError(f"{refusal} ({str(error)[:80] or type(error).__name__}).") from error
    if kind == SPATIAL_REGISTRATION:
        return _linear(matrices, own, frames, path)
    if kind == DEFORMABLE_SPATIAL_REGISTRATION:
        return _deformation(deformations, frames, path)
    raise ValueError(f"{path.name} is DICOM ({dataset.get('Modality', 'no modality')}), but no spatial registration.")


def _linear(toRegistered: dict[str, np.ndarray], own: str, frames: Sequence[str], path: Path) -> sitk.Transform:
    """Return the transform between two frames from the matrices of all frames to the registered one."""
    fixed, moving = _related(toRegistered, own, frames, path)
    return affineFromMatrix(np.linalg.inv(toRegistered[moving]) @ toRegistered[fixed])


def _related(known: Mapping[str, object], own: str, frames: Sequence[str], path: Path) -> tuple[str, str]:
    """Return which frames of reference are the fixed and the moving one.

    :raises ValueError: where they are not among those that the registration relates.
    """
    given = [frame for frame in frames if frame]
    if len(given) == 2 and given[0] != given[1]:
        if not set(given) <= known.keys():
            raise ValueError(
                f"{path.name} relates other images: its frames of reference are not those of the CT and the MRI; give "
                "the registration that was made of them."
            )
        return given[0], given[1]
    others = [frame for frame in known if frame != own]
    if len(others) != 1:
        raise ValueError(
            f"{path.name} relates {len(others)} frames of reference to its own, so which one is the MRI's is unknown; "
            "give a registration of two images."
        )
    return own, others[0]


def _matrices(dataset: "Dataset") -> dict[str, np.ndarray]:
    """Return by frame of reference the (4, 4) matrix that leads from it to the registered one."""
    found = {}
    for item in dataset.RegistrationSequence:
        matrix = np.eye(4)
        for registration in item.MatrixRegistrationSequence:
            for step in registration.MatrixSequence:  # in the order in which they are to be applied
                matrix = _matrix(step) @ matrix
        found[str(item.FrameOfReferenceUID)] = matrix
    return found


def _matrix(item: "Dataset") -> np.ndarray:
    matrix = np.array([float(value) for value in item.FrameOfReferenceTransformationMatrix]).reshape(4, 4)
    isSound = np.isfinite(matrix).all() and np.allclose(matrix[3], [0, 0, 0, 1])
    if not isSound or not 1e-3 < abs(np.linalg.det(matrix[:3, :3])) < 1e3:
        raise ValueError("its matrix is not that of a registration")
    return matrix


def _deformations(dataset: "Dataset") -> dict[str, sitk.Transform]:
    """Return by moving frame of reference the transform from points of the registered one to it."""
    return {
        str(item.SourceFrameOfReferenceUID): _deformed(item)
        for item in dataset.DeformableRegistrationSequence
        if item.get("DeformableRegistrationGridSequence")
    }


def _deformed(item: "Dataset") -> sitk.Transform:
    """Return pre-matrix, grid and post-matrix as one transform; they are applied in this order."""
    steps: list[sitk.Transform] = []
    if item.get("PreDeformationMatrixRegistrationSequence"):
        steps.append(affineFromMatrix(_matrix(item.PreDeformationMatrixRegistrationSequence[0])))
    (grid,) = item.DeformableRegistrationGridSequence
    size = [int(count) for count in grid.GridDimensions]
    if len(size) != 3 or min(size) < 2 or np.prod(size, dtype=float) > _LARGEST_GRID:
        raise ValueError(f"its grid has {size} nodes")
    vectors = np.frombuffer(grid.VectorGridData, "<f4").reshape(*size[::-1], 3)
    if not np.isfinite(vectors).all():
        raise ValueError("its vectors are not numbers")
    field = sitk.GetImageFromArray(vectors.astype(np.float64), isVector=True)
    row, column = np.reshape([float(value) for value in grid.ImageOrientationPatient], (2, 3))
    field.SetDirection(np.column_stack([row, column, np.cross(row, column)]).ravel().tolist())
    field.SetOrigin([float(value) for value in grid.ImagePositionPatient])
    field.SetSpacing([float(value) for value in grid.GridResolution])
    steps.append(sitk.DisplacementFieldTransform(field))
    if item.get("PostDeformationMatrixRegistrationSequence"):
        steps.append(affineFromMatrix(_matrix(item.PostDeformationMatrixRegistrationSequence[0])))
    return steps[0] if len(steps) == 1 else sitk.CompositeTransform(steps[::-1])  # what is added last comes first


def _deformation(found: dict[str, sitk.Transform], frames: Sequence[str], path: Path) -> sitk.Transform:
    moving = frames[1] if len(frames) == 2 else ""
    if moving and moving not in found and len(found) == 1:
        raise ValueError(f"{path.name} deforms other images than the MRI; give the registration that was made of it.")
    if moving in found:
        return found[moving]
    if len(found) != 1:
        raise ValueError(f"{path.name} holds {len(found)} deformations; give a registration of two images.")
    return next(iter(found.values()))
