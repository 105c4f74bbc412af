"""The expected target registration error everywhere in the fixed image."""

import numpy as np
import SimpleITK as sitk

from .ImagePyramid import axes
from .LandmarkErrors import ErrorModel
from .Progress import Progress, report

_SPACING_MM = 4.0


def treMap(fixedImage: sitk.Image, errors: ErrorModel, fle: float, progress: Progress | None = None) -> sitk.Image:
    """Return the expected TRE in mm as a float32 image on the fixed image's grid.

    It varies slowly, so it is computed on a 4 mm grid and interpolated.

    :param fle: the localisation error in mm, both images' squares added.

    Source: Fitzpatrick, West, Maurer 1998, doi:10.1109/42.736021.
    """
    size, spacing = np.array(fixedImage.GetSize()), np.array(fixedImage.GetSpacing())
    extent = (size - 1) * spacing
    counts = np.maximum(np.ceil(extent / _SPACING_MM).astype(int), 1) + 1
    coarse = sitk.Image([int(count) for count in counts], sitk.sitkFloat32)
    coarse.SetDirection(fixedImage.GetDirection())
    coarse.SetOrigin(fixedImage.GetOrigin())
    coarse.SetSpacing([float(value) for value in np.maximum(extent / (counts - 1), 1e-3 * spacing)])
    toPhysical = axes(coarse)
    values = np.empty(counts[::-1], np.float32)
    j, i = np.meshgrid(np.arange(counts[1]), np.arange(counts[0]), indexing="ij")
    for k in range(counts[2]):
        report(progress, k / counts[2], "Mapping the expected error")
        indices = np.stack([i.ravel(), j.ravel(), np.full(i.size, k)], axis=1)
        spreading = errors.spreading(indices @ toPhysical.T + coarse.GetOrigin())
        values[k] = fle * np.sqrt(spreading).reshape(j.shape)
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(coarse)
    edge = float(values.max())
    return sitk.Resample(image, fixedImage, sitk.Transform(3, sitk.sitkIdentity), sitk.sitkLinear, edge)
