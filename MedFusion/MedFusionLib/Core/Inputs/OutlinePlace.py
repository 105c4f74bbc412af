"""Where an outline that was made elsewhere lies: over which volume, and whether it does at all."""

from enum import Enum

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import indicesAt, isInside, pointsAt, voxelAxes
from .SegmentationFiles import SegmentationFile
from .VolumeFiles import VolumeFile

# Of a voxel, for origins are written with few digits; and what share of an outline must lie in the volume it is of.
_SAME_PLACE, _MOST_OF_IT = 0.02, 0.5


class OutlineFrame(Enum):
    """Which volume of a run an outline lies over before the two are registered."""

    ct = "ct"
    mri = "mri"


def frameOfOutline(
    outline: SegmentationFile, ct: VolumeFile, mri: VolumeFile, given: OutlineFrame | None = None
) -> OutlineFrame:
    """Return which volume an outline was drawn on: by the DICOM frame of reference, by its voxels, or by its place.

    :param given: what the user says, which is believed.
    :raises ValueError: when nothing tells.
    """
    if given is not None:
        return given
    volumes = {OutlineFrame.ct: ct, OutlineFrame.mri: mri}
    frames = {
        frame: volume.header.frameOfReferenceUid for frame, volume in volumes.items() if volume.header is not None
    }
    for fits in (
        [frame for frame, uid in frames.items() if uid and uid == outline.frameUid],
        [frame for frame, volume in volumes.items() if _sharesVoxels(outline.labelImage, volume.image)],
        [frame for frame, volume in volumes.items() if _reaches(outline, volume.image)],
    ):
        if len(fits) == 1:
            return fits[0]
    raise ValueError(
        f"{outline.path.name} could belong to the CT as well as to the MRI before they are registered; say which with "
        "--tumor-frame ct or --tumor-frame mri."
    )


def _sharesVoxels(labelImage: sitk.Image, image: sitk.Image) -> bool:
    """Return whether an image's voxels, or a part of them, are those of a label image."""
    alike = np.allclose(voxelAxes(labelImage), voxelAxes(image), atol=1e-3)
    shift = indicesAt(image, np.array(labelImage.GetOrigin()))
    return alike and bool(np.abs(shift - np.rint(shift)).max() < _SAME_PLACE)


def _reaches(outline: SegmentationFile, image: sitk.Image) -> bool:
    voxels = np.argwhere(sitk.GetArrayViewFromImage(outline.labelImage) != 0)
    return bool(np.mean(isInside(image, pointsAt(outline.labelImage, voxels[:, ::-1]))) > _MOST_OF_IT)


def coverageNote(outline: SegmentationFile, image: sitk.Image, name: str) -> str:
    """Return a sentence if a part of an outline lies outside of an image, empty if none does.

    :raises ValueError: when nothing is outlined, or all of it lies outside.
    """
    voxels = np.argwhere(sitk.GetArrayViewFromImage(outline.labelImage) != 0)
    if not len(voxels):
        raise ValueError("The segmentation holds no outline: every voxel is 0.")
    share = float(np.mean(isInside(image, pointsAt(outline.labelImage, voxels[:, ::-1]))))
    if not share:
        raise ValueError(
            f"The outline lies outside of {name}: they are not in one coordinate system. Give volumes that it was "
            "drawn on, or that are aligned with them."
        )
    return f"{1 - share:.0%} of the outline lies outside of {name}." if share < 0.995 else ""
