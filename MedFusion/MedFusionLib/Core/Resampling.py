"""Bring one image onto the grid of another."""

from enum import Enum

import SimpleITK as sitk

from .Progress import Progress, report


class Interpolation(Enum):
    """How values between voxel centres are found."""

    nearest = "nearest"
    linear = "linear"
    bspline = "bspline"
    sinc = "sinc"


_SITK_INTERPOLATORS = {
    Interpolation.nearest: sitk.sitkNearestNeighbor,
    Interpolation.linear: sitk.sitkLinear,
    Interpolation.bspline: sitk.sitkBSpline,
    Interpolation.sinc: sitk.sitkLanczosWindowedSinc,
}


def resampleImage(
    movingImage: sitk.Image,
    referenceImage: sitk.Image,
    transform: sitk.Transform | None = None,
    interpolation: Interpolation = Interpolation.linear,
    background: float = 0.0,
    progress: Progress | None = None,
) -> sitk.Image:
    """Return the moving image on the reference image's grid, pixel type kept.

    :param transform: maps reference points to moving points, both LPS millimetres; None is the identity.
    :param background: value where the moving image does not reach.
    """
    report(progress, 0.0, "Resampling")
    resampled = sitk.Resample(
        movingImage,
        referenceImage,
        transform if transform is not None else sitk.Transform(3, sitk.sitkIdentity),
        _SITK_INTERPOLATORS[interpolation],
        background,
        movingImage.GetPixelID(),
    )
    report(progress, 1.0, "Resampling")
    return resampled
