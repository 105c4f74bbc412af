"""Whether two registered images show the same part of the body."""

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import isInside, pointsAt
from ..Images.Transforms import transformPoints

# Chosen by reason: below a twentieth the volumes do not show the same part of the body.
SMALLEST_OVERLAP = 0.05


def checkOverlap(fixedImage: sitk.Image, movingImage: sitk.Image, transform: sitk.Transform) -> float:
    """Return which share of the smaller image's volume lies inside the other, or raise ValueError below 5 %.

    :param transform: maps fixed points to moving points, LPS millimeters.
    """
    steps = [np.linspace(-0.5, size - 0.5, 25)[:-1] + size / 48.0 for size in fixedImage.GetSize()]
    indices = np.stack([grid.ravel() for grid in np.meshgrid(*steps, indexing="ij")], axis=1)
    points = transformPoints(transform, pointsAt(fixedImage, indices))
    share = np.mean(isInside(movingImage, points))
    volumes = [np.prod(image.GetSize()) * np.prod(image.GetSpacing()) for image in (fixedImage, movingImage)]
    overlap = float(min(1.0, share * volumes[0] / min(volumes)))
    if overlap < SMALLEST_OVERLAP:
        raise ValueError(
            f"After registration the images share only {100 * overlap:.0f} % of the smaller one's volume; check that "
            "both show the same part of the same patient and that the landmarks are right."
        )
    return overlap
