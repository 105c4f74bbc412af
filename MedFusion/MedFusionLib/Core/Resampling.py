"""Bring one image onto the grid of another, or onto one of its own with another spacing."""

from enum import Enum

import numpy as np
import SimpleITK as sitk

from .Progress import Cancelled, Progress, report
from .Voxels import everyNth

_AIR_HU = -1000.0
_CT_BELOW = -200.0


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
    background: float | None = None,
    progress: Progress | None = None,
    spacing: tuple[float, float, float] | None = None,
) -> sitk.Image:
    """Return the moving image on the reference image's grid, pixel type kept.

    Nothing larger than the result is held besides it, except for B-splines, which need their coefficients.

    :param transform: maps reference points to moving points, both LPS millimetres; None is the identity.
    :param background: value where the moving image does not reach; None is air in a CT and 0 elsewhere.
    :param spacing: voxel size in mm along i, j and k; the grid then fills the same box with other voxels.
    """
    report(progress, 0.0, "Resampling")
    resampler = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(referenceImage)
    if spacing is not None:
        _setSpacing(resampler, referenceImage, spacing)
    if transform is not None:
        resampler.SetTransform(transform)
    resampler.SetInterpolator(_SITK_INTERPOLATORS[interpolation])
    resampler.SetDefaultPixelValue(backgroundValue(movingImage) if background is None else background)
    resampler.SetOutputPixelType(movingImage.GetPixelID())
    cancelled = False

    def follow() -> None:
        nonlocal cancelled
        if cancelled:
            return
        try:
            report(progress, resampler.GetProgress(), "Resampling")
        except Cancelled:  # must not pass through ITK's own code
            cancelled = True
            resampler.Abort()

    if progress is not None:
        resampler.AddCommand(sitk.sitkProgressEvent, follow)
    try:
        resampled = resampler.Execute(movingImage)
    except RuntimeError:
        if cancelled:
            raise Cancelled from None
        raise
    if cancelled:
        raise Cancelled
    report(progress, 1.0, "Resampling")
    return resampled


def coarseGrid(image: sitk.Image, spacing: float) -> sitk.Image:
    """Return an empty float32 image whose outermost voxels lie on those of an image, at most a spacing in mm apart."""
    own = np.array(image.GetSpacing())
    extent = (np.array(image.GetSize()) - 1) * own
    counts = np.maximum(np.ceil(extent / spacing).astype(int), 1) + 1
    grid = sitk.Image(counts.tolist(), sitk.sitkFloat32)
    grid.SetDirection(image.GetDirection())
    grid.SetOrigin(image.GetOrigin())
    grid.SetSpacing(np.maximum(extent / (counts - 1), 1e-3 * own).tolist())
    return grid


def backgroundValue(image: sitk.Image) -> float:
    """Return what surrounds the body in an image: air in a CT, which has values far below 0, and 0 elsewhere."""
    lowest = float(everyNth(image, 2).min())
    return max(lowest, _AIR_HU) if lowest < _CT_BELOW else 0.0


def _setSpacing(
    resampler: sitk.ResampleImageFilter, referenceImage: sitk.Image, spacing: tuple[float, float, float]
) -> None:
    """Make the resampler's grid fill the reference image's box with voxels of a spacing in mm."""
    wanted, own = np.array(spacing, dtype=float), np.array(referenceImage.GetSpacing())
    if wanted.shape != (3,) or not np.all(np.isfinite(wanted)) or np.any(wanted <= 0):
        raise ValueError(f"The voxel spacing must be three positive numbers of millimetres, not {spacing}.")
    size = np.maximum(np.round(np.array(referenceImage.GetSize()) * own / wanted), 1).astype(int)
    if np.prod(size, dtype=float) > 2e9:
        raise ValueError(f"A voxel spacing of {spacing} mm would make {np.prod(size, dtype=float):.1e} voxels.")
    # The outer faces of the first voxels meet, not their centres.
    origin = referenceImage.TransformContinuousIndexToPhysicalPoint(((wanted / own - 1) / 2).tolist())
    resampler.SetSize(size.tolist())
    resampler.SetOutputSpacing(wanted.tolist())
    resampler.SetOutputOrigin(origin)
