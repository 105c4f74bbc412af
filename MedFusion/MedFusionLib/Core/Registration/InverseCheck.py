"""Whether the inverse of a transform that bends space can be trusted, which a fold does not let it be."""

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import coarseGrid, isInside, voxelPoints

# Chosen by reason: an inverse that misses by a millimeter adds to the error that is stated.
LARGEST_ERROR_MM = 1.0
_SPACING_MM = 4.0


def checkInverse(
    transform: sitk.Transform, inverse: sitk.Transform, fixedImage: sitk.Image, movingImage: sitk.Image
) -> None:
    """Raise ValueError where a way from the moving to the fixed image and back does not end where it began.

    :param transform: maps fixed to moving points, LPS millimeters; the other way for inverse.
    """
    error = inverseError(transform, inverse, fixedImage, movingImage)
    if error > LARGEST_ERROR_MM:
        raise ValueError(
            f"The spline folds the image: its inverse is off by up to {error:.1f} mm, so the CT cannot be put onto the "
            "MRI's grid; correct the landmark that is misplaced, or choose another model."
        )


def inverseError(
    transform: sitk.Transform, inverse: sitk.Transform, fixedImage: sitk.Image, movingImage: sitk.Image
) -> float:
    """Return the largest distance in mm between a point of both images and itself after both transforms."""
    grid = coarseGrid(movingImage, _SPACING_MM)
    inside = isInside(fixedImage, voxelPoints(grid) + _displacements(inverse, grid))
    around = _displacements(sitk.CompositeTransform([transform, inverse]), grid)[inside]
    return float(np.linalg.norm(around, axis=-1).max(initial=0.0))


def _displacements(transform: sitk.Transform, grid: sitk.Image) -> np.ndarray:
    place = (grid.GetSize(), grid.GetOrigin(), grid.GetSpacing(), grid.GetDirection())
    return sitk.GetArrayFromImage(sitk.TransformToDisplacementField(transform, sitk.sitkVectorFloat64, *place))
