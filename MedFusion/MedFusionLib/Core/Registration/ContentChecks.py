"""Whether two images in one pose show what they should, and enough of the same body."""

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import binary_fill_holes, distance_transform_edt

from ..Images.Foreground import foreground
from ..Images.Grids import indicesAt, voxelPoints
from ..Images.Transforms import Pose, TransformModel, matrixTransform
from ..Images.ValueJudgment import ValueKind, judgeImage

# Chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py; how many points are needed, by reason.
_LEAST_SCALP = 0.3
_SCALP_MM, DEEP_MM = (2.0, 10.0), 25.0
_SCALP_SHARE = 0.15
_FEWEST_POINTS = 200
_LEAST_SHARED_ML = 250.0


def contentDoubts(fixedImage: sitk.Image, movingImage: sitk.Image, pose: Pose) -> tuple[str, ...]:
    """Return a sentence where the CT is none, the MRI has no scalp, or both images share too little of the body.

    The limits were chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py.
    """
    doubts = [*roleDoubts(fixedImage)]
    shared = sharedBody(fixedImage, movingImage, pose)
    if shared < _LEAST_SHARED_ML:
        doubts.append(
            f"The images share only {shared:.0f} ml of the body, too little to confirm the alignment: check the field "
            "of view of both."
        )
    scalp = scalpShare(fixedImage, movingImage, pose)
    if scalp is not None and scalp < _LEAST_SCALP:
        doubts.append(
            f"The MRI shows no scalp (at {100 * scalp:.0f} % of the CT's): it looks skull-stripped, and only the brain "
            "was compared. Use the MRI with the skull."
        )
    return tuple(doubts)


def roleDoubts(fixedImage: sitk.Image) -> tuple[str, ...]:
    """Return a sentence where the image in the CT's place has the values of an MRI."""
    values = judgeImage(fixedImage)
    if values.kind is not ValueKind.mri:
        return ()
    return (f"The image in the CT's place is no CT: {values.reason}. Give the CT.",)


def sharedBody(fixedImage: sitk.Image, movingImage: sitk.Image, pose: Pose) -> float:
    """Return how many ml of the fixed image's body lie inside the moving image."""
    mask = foreground(fixedImage, 0.0)
    body = sitk.GetArrayViewFromImage(mask) > 0
    indices = indicesAt(movingImage, pose.apply(voxelPoints(mask)[body]))
    inside = np.all((indices >= -0.5) & (indices <= np.array(movingImage.GetSize()) - 0.5), axis=1)
    return float(inside.sum() * np.prod(mask.GetSpacing()) / 1000)


def bodyDepth(image: sitk.Image) -> sitk.Image:
    """Return how many mm below the skin each place of a coarse grid lies, 0 outside of the body."""
    mask = foreground(image, 0.0)
    # Where an image ends the body does not: padding with body leaves only the skin as surface.
    padded = np.pad(binary_fill_holes(sitk.GetArrayViewFromImage(mask) > 0), 1, constant_values=True)
    depth = distance_transform_edt(padded, sampling=mask.GetSpacing()[::-1])[1:-1, 1:-1, 1:-1]
    depthImage = sitk.GetImageFromArray(depth.astype(np.float32))
    depthImage.CopyInformation(mask)
    return depthImage


def scalpShare(fixedImage: sitk.Image, movingImage: sitk.Image, pose: Pose) -> float | None:
    """Return at what share of the points just below the CT's skin the MRI shows something, or None if too few are seen.

    Something is 15 % of what the MRI shows deep inside.
    """
    depthImage = bodyDepth(fixedImage)
    depth = sitk.GetArrayViewFromImage(depthImage)
    toMoving = matrixTransform(pose.matrix, pose.offset, np.zeros(3), TransformModel.affine)
    # Resampled, for a look at the image as an array would copy all of it.
    shown = (movingImage, depthImage, toMoving, sitk.sitkNearestNeighbor, float("nan"), sitk.sitkFloat32)
    values = sitk.GetArrayFromImage(sitk.Resample(*shown))

    def shownAt(chosen: np.ndarray) -> np.ndarray:
        found = values[chosen]
        return found[np.isfinite(found)].astype(float)

    scalp = shownAt((depth >= _SCALP_MM[0]) & (depth < _SCALP_MM[1]))
    deep = shownAt(depth > DEEP_MM)
    if min(len(scalp), len(deep)) < _FEWEST_POINTS:
        return None
    return float(np.mean(scalp > _SCALP_SHARE * np.median(deep)))
