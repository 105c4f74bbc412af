"""What speaks for tumor and what for its surroundings, voxel by voxel."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Voxels import everyNth

# What a border without any edge costs beside the intensities' evidence, as a share of the tumor's radius; set by hand
# with the line method, on which cases is not recorded.
BOUNDARY_COST = 0.12
_BINS = 64
_FLOOR = 1e-3


class HistogramRatio:
    """Compare how often a voxel's intensity occurs in two groups of voxels."""

    def __init__(self, values: np.ndarray, about: np.ndarray):
        """Choose the intensity bins.

        :param values: the image in the region.
        :param about: mask of the voxels whose range of intensities matters.
        """
        low, high = np.percentile(values[about], [0.5, 99.5])
        if not high > low:
            raise ValueError("The image has no contrast where the tumor is said to be; choose another volume.")
        self._bins = np.clip((values - low) * (_BINS / (high - low)), 0, _BINS - 1).astype(np.uint8)

    def histogram(self, mask: np.ndarray) -> np.ndarray:
        """Return the smoothed relative frequencies inside a mask."""
        counts = np.bincount(self._bins[mask], minlength=_BINS).astype(float)
        counts = ndimage.gaussian_filter1d(counts, 1.5, mode="nearest")
        return counts / max(float(counts.sum()), 1e-9)

    def logRatio(self, inside: np.ndarray, outside: np.ndarray) -> np.ndarray:
        """Return for every voxel the logarithm of inside over outside frequency of its intensity."""
        return np.log((inside + _FLOOR) / (outside + _FLOOR)).astype(np.float32)[self._bins]


def histogramOverlap(first: np.ndarray, second: np.ndarray) -> float:
    """Return the Bhattacharyya coefficient, 1 for equal histograms and 0 for disjoint ones."""
    return float(np.sqrt(first * second).sum())


def gradients(values: np.ndarray, spacing: float, smoothingMm: float = 0.7) -> list[np.ndarray]:
    """Return the derivatives per millimeter of the smoothed image along the array's axes."""
    smooth = ndimage.gaussian_filter(values, smoothingMm / spacing, truncate=3)
    along = range(smooth.ndim)  # across a single slice nothing changes
    parts = [np.gradient(smooth, axis=axis) if smooth.shape[axis] > 1 else np.zeros_like(smooth) for axis in along]
    return [part / np.float32(spacing) for part in parts]


def neighbors(shape: Sequence[int]) -> np.ndarray:
    """Return what erosions and dilations count as neighbors: voxels across faces, those of a single slice in it."""
    structure = ndimage.generate_binary_structure(len(shape), 1)
    for axis, count in enumerate(shape):
        if count == 1:
            across = np.moveaxis(structure, axis, 0)
            across[0] = across[2] = False
    return structure


def filled(mask: np.ndarray) -> np.ndarray:
    """Return a mask with its holes; those of a single slice are what it encloses there."""
    flat = [axis for axis, count in enumerate(mask.shape) if count == 1]
    if not flat:
        return ndimage.binary_fill_holes(mask)
    return np.expand_dims(ndimage.binary_fill_holes(mask.squeeze(flat[0])), flat[0])


def edgeCapacity(derivatives: list[np.ndarray], typicalAt: np.ndarray, strength: float) -> np.ndarray:
    """Return what a boundary costs at each voxel: little where the image has an edge.

    :param typicalAt: mask of surroundings whose median gradient tells texture from edge.
    :param strength: cost where there is no edge.

    Boykov, Jolly 2001, doi:10.1109/ICCV.2001.937505.
    """
    magnitude = np.sqrt(sum(part * part for part in derivatives))
    return capacityOf(magnitude, float(np.median(magnitude[typicalAt])) if typicalAt.any() else 0.0, strength)


def inwardEdgeCapacity(
    derivatives: list[np.ndarray], typicalAt: np.ndarray, strength: float, center: np.ndarray, brighterInside: bool
) -> np.ndarray:
    """Return the boundary cost where only edges of the expected direction, seen from a center, count.

    So the inner border of an enhancing rim does not draw the boundary to itself.

    :param center: array index (KJI, with fractions).
    :param brighterInside: whether the tumor's border is brighter than what lies around it.
    """
    magnitude = np.sqrt(sum(part * part for part in derivatives))
    typical = float(np.median(magnitude[typicalAt])) if typicalAt.any() else 0.0
    axes = np.ogrid[tuple(slice(0, n) for n in magnitude.shape)]
    outward = sum(part * (axis - np.float32(c)) for part, axis, c in zip(derivatives, axes, center, strict=True))
    magnitude[(outward > 0) == brighterInside] = 0
    return capacityOf(magnitude, typical, strength)


def capacityOf(magnitude: np.ndarray, typical: float, strength: float) -> np.ndarray:
    """Return the boundary cost from the gradient's magnitude and the magnitude that texture alone has."""
    scale = max(1.2 * typical, 1e-6 * float(magnitude.max()) + 1e-12)
    return (strength * np.exp(-(magnitude * magnitude) / np.float32(2 * scale * scale))).astype(np.float32)


def touching(mask: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Return the mask's components that hold a seed voxel."""
    labels, count = ndimage.label(mask)
    kept = np.zeros(count + 1, bool)
    kept[np.unique(labels[seeds])] = True
    kept[0] = False
    return kept[labels]


def airLevel(image: sitk.Image) -> float:
    """Return the value below which a voxel is air or cut away."""
    values = everyNth(image, 3)
    low, high = float(values.min()), float(np.percentile(values, 99))
    return low + 0.08 * (high - low)
