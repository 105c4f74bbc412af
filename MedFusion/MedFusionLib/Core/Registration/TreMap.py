"""The expected target registration error everywhere in the fixed image."""

from collections.abc import Callable

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import coarseGrid, pointsAt
from ..Images.Resampling import resampleImage
from ..Progress import Progress, report, subProgress

# Chosen by time: the error changes by far less over 4 mm.
_SPACING_MM = 4.0


def treMap(
    fixedImage: sitk.Image, expectedError: Callable[[np.ndarray], np.ndarray], progress: Progress | None = None
) -> sitk.Image:
    """Return the expected TRE in mm as a float32 image on the fixed image's grid, interpolated from the coarse map."""
    coarse = coarseTreMap(fixedImage, expectedError, subProgress(progress, 0.0, 0.5))
    edge = float(sitk.GetArrayViewFromImage(coarse).max())
    return resampleImage(coarse, fixedImage, background=edge, progress=subProgress(progress, 0.5, 1.0))


def coarseTreMap(
    fixedImage: sitk.Image, expectedError: Callable[[np.ndarray], np.ndarray], progress: Progress | None = None
) -> sitk.Image:
    """Return the expected TRE in mm as a float32 image over the fixed image, every 4 mm because it varies slowly.

    :param expectedError: gives the expected TRE (M,) in mm at points (M, 3), LPS millimeters.
    """
    coarse = coarseGrid(fixedImage, _SPACING_MM)
    counts = coarse.GetSize()
    values = np.empty(counts[::-1], np.float32)
    j, i = np.meshgrid(np.arange(counts[1]), np.arange(counts[0]), indexing="ij")
    for k in range(counts[2]):
        report(progress, k / counts[2], "Mapping the expected error")
        indices = np.stack([i.ravel(), j.ravel(), np.full(i.size, k)], axis=1)
        values[k] = expectedError(pointsAt(coarse, indices)).reshape(j.shape)
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(coarse)
    return image
