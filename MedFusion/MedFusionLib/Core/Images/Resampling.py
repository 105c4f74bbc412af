"""Bring one image onto the grid of another, or onto one of its own with another spacing."""

import itertools
from collections.abc import Iterator
from enum import Enum

import numpy as np
import SimpleITK as sitk

from ..Progress import Canceled, Progress, report, subProgress
from .Grids import emptyImage, gridWithSpacing
from .Intensities import AIR_HU
from .Voxels import everyNth

# Chosen by reason: between fat and air, in more than stray voxels; sampling below a level moves no value.
_AIR_BELOW = -500.0
_AIR_SHARE = 0.001
_FLOOR_SHARE = 0.05


class Interpolation(Enum):
    """How values between voxel centers are found."""

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
# What one processor core resamples in a fraction of a second, so that a cancellation is soon heard.
_TILE_VOXELS = {
    Interpolation.nearest: 2**19,
    Interpolation.linear: 2**21,
    Interpolation.bspline: 2**18,
    Interpolation.sinc: 2**12,
}
_COEFFICIENTS_SHARE = 0.2


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

    Nothing larger than the result is held besides it, except for B-splines, which need their coefficients. It is
    filled part by part: ITK hears of a cancellation late, and an interrupt must not pass through its code.

    :param transform: maps reference points to moving points, both LPS millimeters; None is the identity.
    :param background: value where the moving image does not reach; None is what surrounds the body in it.
    :param spacing: voxel size in mm along i, j and k; the grid then fills the same box with other voxels.
    """
    report(progress, 0.0, "Resampling")
    grid = referenceImage if spacing is None else gridWithSpacing(referenceImage, spacing)
    size, pixelType = grid.GetSize(), movingImage.GetPixelID()
    resampled = emptyImage(
        size, grid.GetSpacing(), grid.GetOrigin(), grid.GetDirection(), pixelType, _components(movingImage)
    )
    resampler = sitk.ResampleImageFilter()
    resampler.SetReferenceImage(resampled)
    if transform is not None:
        resampler.SetTransform(transform)
    resampler.SetInterpolator(_SITK_INTERPOLATORS[interpolation])
    resampler.SetDefaultPixelValue(backgroundValue(movingImage) if background is None else background)
    resampler.SetOutputPixelType(pixelType)
    source, tileVoxels = movingImage, _TILE_VOXELS[interpolation]
    if interpolation is Interpolation.bspline:
        if _components(movingImage):
            tileVoxels = resampled.GetNumberOfPixels()  # SimpleITK gives no coefficients of colors
        else:
            source, progress = _coefficients(movingImage, progress), subProgress(progress, _COEFFICIENTS_SHARE, 1.0)
            resampler.SetInterpolator(sitk.sitkBSplineResampler)
    for rows, slices in _tiles(size, tileVoxels):
        report(progress, (slices.start + rows.start / size[1]) / size[2], "Resampling")
        resampler.SetSize((size[0], rows.stop - rows.start, slices.stop - slices.start))
        resampler.SetOutputOrigin(resampled.TransformIndexToPhysicalPoint((0, rows.start, slices.start)))
        resampled[:, rows, slices] = resampler.Execute(source)
    report(progress, 1.0, "Resampling")
    return resampled


def _tiles(size: tuple[int, int, int], voxels: int) -> Iterator[tuple[slice, slice]]:
    """Yield rows (j) and slices (k) of parts of a grid with no more voxels each, unless one row has more."""
    columns, rows, slices = size
    thickness = max(voxels // (columns * rows), 1)
    height = rows if thickness > 1 else min(max(voxels // columns, 1), rows)
    for k in range(0, slices, thickness):
        for j in range(0, rows, height):
            yield slice(j, min(j + height, rows)), slice(k, min(k + thickness, slices))


def _coefficients(image: sitk.Image, progress: Progress | None) -> sitk.Image:
    """Return the B-spline coefficients of an image, the ones that SimpleITK's B-spline interpolator uses."""
    decomposition = sitk.BSplineDecompositionImageFilter()
    stopped: list[BaseException] = []

    def follow() -> None:
        if stopped:
            return
        try:
            report(progress, _COEFFICIENTS_SHARE * decomposition.GetProgress(), "Resampling")
        except (Canceled, KeyboardInterrupt) as reason:  # must not pass through ITK's own code
            stopped.append(reason)
            decomposition.Abort()

    decomposition.AddCommand(sitk.sitkProgressEvent, follow)
    try:
        coefficients = decomposition.Execute(sitk.Cast(image, sitk.sitkFloat64))
    except RuntimeError:
        if not stopped:
            raise
    if stopped:
        raise stopped[0]
    return coefficients


def _components(image: sitk.Image) -> int:
    """Return how many values a voxel has, 0 where it has one, as SimpleITK wants it for a new image."""
    count = image.GetNumberOfComponentsPerPixel()
    return count if count > 1 else 0


def shrink(image: sitk.Image, spacing: float) -> sitk.Image:
    """Return an image averaged to voxels of about a spacing in mm, as float32; finer axes of it stay as they are."""
    factors = [
        max(1, min(round(spacing / own), size // 4))
        for own, size in zip(image.GetSpacing(), image.GetSize(), strict=True)
    ]
    return sitk.Cast(sitk.BinShrink(image, factors) if max(factors) > 1 else image, sitk.sitkFloat32)


def backgroundValue(image: sitk.Image) -> float:
    """Return what surrounds the body in an image: air in a CT, 0 in an MR, in both what was made of it."""
    voxels = everyNth(image, 2)
    lowest = float(voxels.min())
    return _darkBackground(voxels, lowest) if lowest < 0 else 0.0


def _darkBackground(voxels: np.ndarray, lowest: float) -> float:
    """Return what surrounds the body in voxels (KJI) with values below 0.

    Those are many far below 0 in Hounsfield units, many alike where a window cut them off, and what the corners hold
    where intensities were shifted; ringing in an MR makes a few.
    """
    if np.mean(voxels < _AIR_BELOW) > _AIR_SHARE:
        return max(lowest, AIR_HU)
    if np.mean(voxels == lowest) > _FLOOR_SHARE:
        return lowest
    ends = [(slice(0, max(size // 16, 1)), slice(-max(size // 16, 1), None)) for size in voxels.shape[:3]]
    corners = [float(np.median(voxels[corner])) for corner in itertools.product(*ends)]
    return min(float(np.quantile(corners, 0.25)), 0.0)  # a body may reach into some corners
