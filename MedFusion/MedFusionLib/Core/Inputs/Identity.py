"""Whether the volumes of a run belong together: one patient, one time, and no motion that cannot be."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from ..Dicom.Inspection import identityConflicts, sharesFrameOfReference
from ..Dicom.Series import DicomSeries
from ..Images.Grids import imageCenter
from ..Images.Transforms import transformPoints

# Chosen by hand: what a head moves between two scans of one session, not how far two sessions differ.
LARGEST_MOTION_IN_SHARED_FRAME_MM = 15.0


def conflictsBetween(headers: Sequence[DicomSeries | None]) -> tuple[str, ...]:
    """Return what speaks against the first series and each other one belonging together, one sentence each.

    :param headers: None for volumes without one.
    :raises ValueError: if another one is the first again.
    """
    known = [header for header in headers if header is not None]
    for header in known[1:]:
        if header.uid == known[0].uid:
            raise ValueError(f"One series is given as CT and as MRI: {header.title}. Choose two different ones.")
    found = [conflict for header in known[1:] for conflict in identityConflicts(known[0], header)]
    return tuple(dict.fromkeys(found))


def frameWarnings(
    headers: tuple[DicomSeries | None, DicomSeries | None],
    fixedImage: sitk.Image,
    transform: sitk.Transform,
    byLandmarks: bool = True,
) -> tuple[str, ...]:
    """Return a warning if CT and MRI share a frame of reference and the registration moves the MRI far in it.

    :param headers: of the CT and of the MRI.
    :param transform: fixed to moving points, LPS millimeters.
    :param byLandmarks: whether landmarks took part in it.
    """
    fixed, moving = headers
    if fixed is None or moving is None or not sharesFrameOfReference(fixed, moving):
        return ()
    center = imageCenter(fixedImage)
    moved = float(np.linalg.norm(transformPoints(transform, center)[0] - center))
    if moved <= LARGEST_MOTION_IN_SHARED_FRAME_MM:
        return ()
    check = "whether the landmarks are paired rightly" if byLandmarks else "the edges of the MRI over the CT"
    return (
        f"CT and MRI share a frame of reference, yet the registration moves the MRI by {moved:.0f} mm; check {check}.",
    )
