"""The tumor outlined by the classic marker-controlled watershed, for comparison."""

import numpy as np
import SimpleITK as sitk

from .Outline import Outline
from .TumorEvidence import gradients
from .WorkingRegion import workingRegion

# As in the project before this one, for comparison; not fitted.
_SEED_MM = 3.0
_REACH_MM = 40.0


def outlineByWatershed(image: sitk.Image, points: np.ndarray, allowed: sitk.Image | None = None) -> Outline:
    """Return the catchment basin of the points against the region's rim.

    :param points: LPS millimeters on one lesion, shape (N, 3): a click, or points along a line.

    Meyer, Beucher 1990, doi:10.1016/1047-3203(90)90014-M.
    """
    from skimage.segmentation import watershed

    extent = float(np.linalg.norm(np.ptp(points, axis=0)))
    reach = 0.7 * extent + 4 if extent > 0 else _REACH_MM
    center = points.mean(axis=0)[None]
    region = workingRegion(image, center, reach)
    usable = np.ones(region.grid.GetSize()[::-1], bool)
    if allowed is not None:
        usable = region.sampled(allowed) > 0.5
    markers = np.where((region.distance(region.indices(center)[0]) > reach - 2) | ~usable, 2, 0).astype(np.int32)
    for index in region.indices(points):
        markers[region.distance(index) <= max(_SEED_MM, region.spacing)] = 1
    derivatives = gradients(region.values, region.spacing, 1.0)
    basins = watershed(np.sqrt(sum(part * part for part in derivatives)), markers)
    mask, slices = region.onSource((basins == 1).astype(np.float32))
    return Outline(mask, slices)
