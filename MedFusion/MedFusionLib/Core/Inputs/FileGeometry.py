"""What the header of a volume file says of where its voxels lie, read before any voxel and apart from ITK's reader.

ITK takes one of the positions that a header gives, or none, and says nothing of it: left and right of a file without
an orientation are then a guess, two positions that contradict each other pass, and meters count as millimeters.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Images.Coordinates import RAS_TO_LPS, CoordinateSystem

# Half a voxel of a fine head scan: less moves no finding.
LARGEST_DISAGREEMENT_MM = 0.5
LARGEST_SHEAR_DEGREES = 0.1
_NO_SHEAR_DEGREES = 1e-3  # what is left by rounding to single precision
_PLANAR_SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".gif", ".vtk", ".lsm", ".gipl", ".gipl.gz")


@dataclass(frozen=True, eq=False)
class NamedAffine:
    """One position that a header gives.

    :param matrix: (4, 4), voxel index IJK to LPS millimeters.
    """

    name: str
    matrix: np.ndarray

    @property
    def shearDegrees(self) -> float:
        """Return by how much the axes miss the perpendicular."""
        return shearDegrees(self.matrix)

    @property
    def isPlace(self) -> bool:
        """Return whether voxels can lie there."""
        return isPlace(self.matrix)


@dataclass(frozen=True, eq=False)
class FileGeometry:
    """Hold what a header says.

    :param size: voxels along I, J, K.
    :param affines: positions that it gives; none where the reader's is the only one.
    :param unknown: why nobody knows which way the axes lead in the patient, "" where the header says it.
    :param isExact: whether the first affine must replace the reader's, which does not mind units.
    """

    size: tuple[int, ...] = ()
    affines: tuple[NamedAffine, ...] = ()
    unknown: str = ""
    isExact: bool = False
    notes: tuple[str, ...] = ()


def headerGeometry(path: Path) -> FileGeometry:
    """Return what the header of a file says; nothing for files whose header is damaged, which the reader refuses.

    :raises ValueError: for a unit of length that is unknown.
    """
    from .NiftiHeader import niftiGeometry  # they build what is defined here
    from .TextHeaders import metaImageGeometry, nrrdGeometry

    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz", ".hdr", ".img", ".img.gz")):
        return niftiGeometry(path)
    if name.endswith((".nrrd", ".nhdr")):
        return nrrdGeometry(path)
    if name.endswith((".mha", ".mhd")):
        return metaImageGeometry(path)
    if name.endswith(_PLANAR_SUFFIXES):
        return FileGeometry(unknown=f"the format {path.suffix} has no place for it")
    return FileGeometry()


def checkAxes(geometry: FileGeometry, path: Path) -> None:
    """Raise ValueError where a header gives sheared axes only, or none along which voxels could lie."""
    if geometry.affines and not any(affine.isPlace for affine in geometry.affines):
        raise ValueError(_noPlace(path))
    angle = min((affine.shearDegrees for affine in geometry.affines), default=0.0)
    if angle > LARGEST_SHEAR_DEGREES:
        raise ValueError(
            f"The axes of {path.name} are not perpendicular: its header shears them by {angle:.2f} degrees; resample "
            "it to a straight grid first, or give the images that it was made from."
        )


def unknownOrientation(path: Path, reason: str) -> str:
    """Return the sentence that refuses a file without an orientation."""
    return (
        f"{path.name} does not say its orientation in the patient, not even left and right ({reason}). If you know "
        "that its axes lead to the right, front and top, add --assume-orientation RAS; for left, back and top, LPS."
    )


def placed(image: sitk.Image, geometry: FileGeometry, path: Path) -> tuple[sitk.Image, tuple[str, ...]]:
    """Return a 3D image, as the reader placed it, at the place that its header gives, and what is to be said of it."""
    notes = list(geometry.notes)
    matrix = affineOf(image)
    if geometry.isExact and geometry.affines:
        matrix = geometry.affines[0].matrix
    elif geometry.affines:
        taken = min(geometry.affines, key=lambda affine: cornerDistance(matrix, affine.matrix, image.GetSize()))
        notes += _disagreements(geometry.affines, taken, image.GetSize(), path)
    if not isPlace(matrix):
        raise ValueError(_noPlace(path))
    matrix, note = _withoutShear(matrix, path)
    return imageAt(image, matrix), tuple([*notes, note] if note else notes)


def isPlace(matrix: np.ndarray) -> bool:
    """Return whether voxels can lie where a (4, 4) matrix puts them."""
    return bool(np.isfinite(matrix).all() and abs(np.linalg.det(matrix[:3, :3])) >= 1e-12)


def _noPlace(path: Path) -> str:
    return f"The header of {path.name} gives no place for its voxels (spacing or axes of 0, or no numbers); repair it."


def _disagreements(affines: Sequence[NamedAffine], taken: NamedAffine, size: Sequence[int], path: Path) -> list[str]:
    notes = []
    for other in affines:
        distance = cornerDistance(taken.matrix, other.matrix, size)
        if other is not taken and distance > LARGEST_DISAGREEMENT_MM:
            notes.append(
                f"{path.name}: its header gives two positions that lie up to {distance:.1f} mm apart; the {taken.name} "
                f"was taken, not the {other.name}."
            )
    return notes


def _withoutShear(matrix: np.ndarray, path: Path) -> tuple[np.ndarray, str]:
    """Return the matrix with the perpendicular axes nearest to its own, and what was repaired."""
    angle = shearDegrees(matrix)
    if angle <= _NO_SHEAR_DEGREES:
        return matrix, ""
    lengths = np.linalg.norm(matrix[:3, :3], axis=0)
    left, _, right = np.linalg.svd(matrix[:3, :3] / lengths)
    straight = matrix.copy()
    straight[:3, :3] = left @ right * lengths
    return straight, f"{path.name}: its axes were sheared by {angle:.3f} degrees and made perpendicular."


def shearDegrees(matrix: np.ndarray) -> float:
    """Return by how many degrees the columns of a (4, 4) matrix miss the perpendicular at most."""
    axes = matrix[:3, :3] / np.maximum(np.linalg.norm(matrix[:3, :3], axis=0), 1e-300)
    cosines = np.abs((axes.T @ axes)[np.triu_indices(3, 1)])
    return float(np.degrees(np.arcsin(np.clip(cosines, 0, 1)).max()))


def affineOf(image: sitk.Image) -> np.ndarray:
    """Return the (4, 4) matrix from the voxel indices of a 3D image to LPS millimeters."""
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    matrix[:3, 3] = image.GetOrigin()
    return matrix


def imageAt(image: sitk.Image, matrix: np.ndarray) -> sitk.Image:
    """Return an image whose voxels lie where a (4, 4) matrix with perpendicular axes puts them, LPS millimeters."""
    spacing = np.linalg.norm(matrix[:3, :3], axis=0)
    image = sitk.Image(image)  # shares the voxels
    image.SetSpacing(spacing.tolist())
    image.SetDirection((matrix[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(matrix[:3, 3].tolist())
    return image


def assumed(image: sitk.Image, axes: CoordinateSystem) -> sitk.Image:
    """Return an image whose axes lead where the user says; its first voxel keeps its distance from the origin."""
    matrix = np.diag([*image.GetSpacing(), 1.0])
    matrix[:3, 3] = np.abs(np.reshape(image.GetDirection(), (3, 3)).T) @ image.GetOrigin()
    return imageAt(image, RAS_TO_LPS @ matrix if axes is CoordinateSystem.ras else matrix)


def cornerDistance(first: np.ndarray, second: np.ndarray, size: Sequence[int]) -> float:
    """Return how far two matrices put a corner of a volume apart at most, in millimeters."""
    corners = np.array([[*corner, 1.0] for corner in product(*((0, n - 1) for n in size[:3]))])
    return float(np.linalg.norm(corners @ (first - second).T, axis=1).max())


def scaled(affine: NamedAffine, millimeters: float) -> NamedAffine:
    """Return an affine given in another unit of length in millimeters."""
    matrix = affine.matrix.copy()
    matrix[:3] *= millimeters
    return replace(affine, matrix=matrix)
