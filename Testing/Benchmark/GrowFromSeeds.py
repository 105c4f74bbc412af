"""Slicer's grow-from-seeds with the seeds that a line gives, as a peer in the benchmark."""

import numpy as np
import slicer
import vtk
from scipy import ndimage
from vtk.util import numpy_support


def growFromLine(values: np.ndarray, spacing: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """Return the mask that grow-from-seeds makes of a line's cylinder against what lies beyond its reach.

    :param values: array (KJI).
    :param spacing: millimeters (KJI).
    :param ends: array indices (KJI, with fractions), shape (2, 3).
    """
    start, end = ends * spacing
    center, radius = 0.5 * (start + end), 0.5 * float(np.linalg.norm(end - start))
    reach = 1.35 * radius + 4
    low = np.maximum(np.floor((center - reach - 6) / spacing).astype(int), 0)
    high = np.minimum(np.ceil((center + reach + 6) / spacing).astype(int) + 1, values.shape)
    box = tuple(slice(a, b) for a, b in zip(low, high, strict=True))
    axes = np.ogrid[box]
    offsets = [axis * s - c for axis, s, c in zip(axes, spacing, center, strict=True)]
    along = 0.8 * 0.5 * (end - start)
    share = np.clip(sum(o * a for o, a in zip(offsets, along, strict=True)) / (along @ along), -1, 1)
    squares = sum((o - share * a) ** 2 for o, a in zip(offsets, along, strict=True))
    seeds = np.where(sum(o * o for o in offsets) > reach**2, 2, 0).astype(np.int16)
    seeds[squares <= 1.4**2] = 1
    grower = slicer.vtkImageGrowCutSegment()
    grower.SetIntensityVolume(_imageData(values[box].astype(np.int16), spacing))
    grower.SetSeedLabelVolume(_imageData(seeds, spacing))
    grower.Update()
    output = grower.GetOutput()
    grown = numpy_support.vtk_to_numpy(output.GetPointData().GetScalars()).reshape(seeds.shape) == 1
    mask = np.zeros(values.shape, bool)
    mask[box] = ndimage.binary_fill_holes(grown)
    return mask


def _imageData(array: np.ndarray, spacing: np.ndarray) -> vtk.vtkImageData:
    """Return an array (KJI) as VTK image data."""
    data = vtk.vtkImageData()
    data.SetDimensions(array.shape[::-1])
    data.SetSpacing(spacing[::-1].tolist())
    data.GetPointData().SetScalars(numpy_support.numpy_to_vtk(np.ascontiguousarray(array).ravel(), deep=True))
    return data
