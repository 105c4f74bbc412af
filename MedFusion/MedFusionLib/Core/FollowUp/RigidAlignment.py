"""Bring two images of one head into one frame by their intensities, and say how well."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Foreground import bodyCenter, foreground
from ..Images.Resampling import shrink
from ..Images.Transforms import IDENTITY, Pose, matrixTransform
from ..Progress import Progress, report, subProgress
from ..Registration.Refinement import refinePose

# Chosen by hand: the error of an alignment is neither believed below a fifth of a voxel nor above some voxels.
_COMPARED_AT_MM = 2.0
SMALLEST_ERROR_MM = 0.2
LARGEST_ERROR_MM = 3.0


@dataclass(frozen=True)
class RigidAlignment:
    """A rigid transform from points of the first image to points of the second, LPS mm.

    :param errorMm: how far forward and backward alignment disagree around the target, never below 0.2 mm.
    :param similarity: correlation of the aligned images inside the head, -1 to 1.
    """

    transform: sitk.Transform
    errorMm: float
    similarity: float
    warnings: tuple[str, ...] = ()


def alignRigidly(
    fixedImage: sitk.Image,
    movingImage: sitk.Image,
    fixedIgnored: sitk.Image | None = None,
    movingIgnored: sitk.Image | None = None,
    target: np.ndarray | None = None,
    progress: Progress | None = None,
) -> RigidAlignment:
    """Return the rigid alignment of two images of one head.

    :param fixedIgnored: mask in the fixed image's frame that takes no part, such as a tumor that may have changed.
    :param target: fixed point around which the error is stated; the fixed head's center if None.

    Mattes et al. 2001, doi:10.1117/12.431046 (mutual information).
    """
    report(progress, 0.0, "Aligning the time points")
    center = bodyCenter(fixedImage)
    starts = [Pose(np.eye(3), offset) for offset in (np.zeros(3), bodyCenter(movingImage) - center)]
    refined = [
        refinePose(fixedImage, movingImage, start, False, subProgress(progress, part, part + 0.3), fixedIgnored)
        for start, part in zip(starts, (0.0, 0.3), strict=True)
    ]
    pose = max(refined, key=lambda found: found.similarityAfter).pose
    inverse = Pose(pose.matrix.T, -pose.matrix.T @ pose.offset)
    back = refinePose(movingImage, fixedImage, inverse, False, subProgress(progress, 0.6, 0.9), movingIgnored).pose
    if target is None:
        target = center
    around = np.asarray(target) + 20.0 * np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])
    error = float(np.sqrt(np.mean(np.sum((back.apply(pose.apply(around)) - around) ** 2, axis=1))))
    forward = matrixTransform(pose.matrix, pose.offset, center)
    similarity = _correlation(fixedImage, movingImage, forward)
    warnings = []
    if error > LARGEST_ERROR_MM or similarity < 0.5:
        warnings.append(
            f"The two time points may not be aligned: forward and backward disagree by {error:.1f} mm, the images "
            f"correlate by {similarity:.2f}. Look at the pictures before believing any change."
        )
    report(progress, 1.0, "Aligned the time points")
    return RigidAlignment(forward, max(error, SMALLEST_ERROR_MM), similarity, tuple(warnings))


def _correlation(fixedImage: sitk.Image, movingImage: sitk.Image, transform: sitk.Transform) -> float:
    """Return the correlation of the aligned images inside the fixed image's head."""
    fixed, moving = (sitk.Cast(shrink(image, _COMPARED_AT_MM), sitk.sitkFloat32) for image in (fixedImage, movingImage))
    values = sitk.GetArrayFromImage(sitk.Resample(moving, fixed, transform, sitk.sitkLinear, float("nan")))
    head = sitk.Resample(foreground(fixedImage, 0.0), fixed, IDENTITY, sitk.sitkNearestNeighbor)
    inside = (sitk.GetArrayFromImage(head) > 0) & np.isfinite(values)
    if inside.sum() < 100:
        return 0.0
    return float(np.corrcoef(values[inside], sitk.GetArrayFromImage(fixed)[inside])[0, 1])
