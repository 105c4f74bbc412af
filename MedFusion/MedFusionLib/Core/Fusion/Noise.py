"""How much of a CT's fine structure in soft tissue is noise."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Voxels import fewSlices
from .Buffers import Buffers
from .Filters import ENERGY_SCALE, energy, halved

# Chosen by time; the gray levels and HU by what is neither air nor bone.
_SLICES = 7
_FEWEST_CELLS = 200
_TISSUE = (25.0, 240.0)  # gray levels: neither air nor bone
_TISSUE_HU = (-20.0, 120.0)


def ctNoise(image: sitk.Image, low: float, span: float, gray: float, bone: float, hounsfield: bool) -> float:
    """Return the median energy of the steps between cells of 2x2 voxels in soft tissue, on the common scale.

    So it is measured as the fusion measures structure, and streaks and correlated noise count as what they draw.

    :param low: value that is 0 on the common scale.
    :param span: value that is 1, less low.
    :param gray: one of 255 gray levels of the display window, on the common scale.
    :param bone: where bone begins, on the common scale.
    """
    energies = []
    for values in fewSlices(image, _SLICES):
        plane = (np.nan_to_num(values, nan=low) - low) / np.float32(span)
        plane = plane[: len(plane) // 2 * 2, : plane.shape[1] // 2 * 2]
        if min(plane.shape) < 8:
            continue
        least, most = [(value - low) / span for value in _TISSUE_HU] if hounsfield else [g * gray for g in _TISSUE]
        buffers = Buffers()
        shape = (plane.shape[0] // 2, plane.shape[1] // 2)
        cells = np.empty(shape, np.float32)
        halved(plane, cells, buffers)
        tissue = (cells > least) & (cells < min(most, bone))
        tissue = ndimage.minimum_filter(tissue, 5)
        if tissue.any():
            clipped = np.empty(shape, np.float32)
            halved(plane.clip(0, 1), clipped, buffers)
            found = energy(clipped.reshape(-1), None, None, 1.0, shape[1], buffers) * ENERGY_SCALE
            energies.append(found.reshape(shape)[tissue])
    everywhere = np.concatenate(energies) if energies else np.zeros(0)
    return float(np.median(everywhere)) if len(everywhere) >= _FEWEST_CELLS else 0.0
