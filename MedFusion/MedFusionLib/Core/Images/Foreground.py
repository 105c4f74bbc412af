"""Where the body is in an image."""

import numpy as np
import SimpleITK as sitk

from .Grids import pointsAt
from .Intensities import AIR_HU
from .Resampling import shrink

# Chosen by hand on simulated heads and on CTs whose air was cut off.
_COARSE_MM = 4.0
_BRIGHTEST_HU = 1000.0
_ABOVE_TISSUE = 1.5
_CLEARLY_BELOW = 0.95


def foreground(image: sitk.Image, marginMm: float) -> sitk.Image:
    """Return a coarse mask of the body, grown by a margin in mm; a CT's table is not part of it.

    Source of the threshold: Otsu 1979, doi:10.1109/TSMC.1979.4310076.
    """
    coarse = sitk.Clamp(shrink(image, _COARSE_MM), lowerBound=AIR_HU, upperBound=_BRIGHTEST_HU)
    values = sitk.GetArrayViewFromImage(coarse)
    if not np.all(np.isfinite(values)) or values.max() <= values.min():
        raise ValueError("An image is constant or holds values that are not numbers; it cannot be compared.")
    opened = sitk.BinaryMorphologicalOpening(_aboveAir(coarse), [1, 1, 1])
    if not sitk.GetArrayFromImage(opened).any():
        raise ValueError("An image shows no body, only scattered bright voxels; it cannot be compared with another.")
    body = sitk.RelabelComponent(sitk.ConnectedComponent(opened)) == 1
    return sitk.BinaryDilate(body, [int(np.ceil(marginMm / spacing)) for spacing in body.GetSpacing()])


def _aboveAir(coarse: sitk.Image) -> sitk.Image:
    """Return a mask of what is not air.

    In a CT whose air was cut off, or of 8 bits, bone is so much brighter than anything else that soft tissue would
    count as air; what fills the middle of the image tells.
    """
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.SetInsideValue(0)
    otsu.SetOutsideValue(1)
    mask = otsu.Execute(coarse)
    values = sitk.GetArrayViewFromImage(coarse)
    lowest, threshold = float(values.min()), otsu.GetThreshold()
    typical = float(np.median(values[tuple(slice(size // 4, size - size // 4) for size in values.shape)]))
    if not lowest < typical < lowest + _CLEARLY_BELOW * (threshold - lowest):  # in mere noise it is near it
        return mask
    return otsu.Execute(sitk.Clamp(coarse, upperBound=lowest + _ABOVE_TISSUE * (typical - lowest)))


def bodyCenter(image: sitk.Image) -> np.ndarray:
    """Return the centroid of an image's body, (3,) LPS millimeters."""
    mask = foreground(image, 0.0)
    return pointsAt(mask, np.argwhere(sitk.GetArrayViewFromImage(mask) > 0).mean(axis=0)[::-1])
