"""Whether two images that were aligned by what they show belong together at all."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import distance_transform_edt

from ..Images.Foreground import bodyCenter, foreground
from ..Images.Grids import indexMatrix, voxelPoints
from ..Images.Transforms import Pose
from .Refinement import RefinedPose

_EVERY = 3
_STRETCH_GAIN = 0.055
_PLAIN_STRETCH, _HEAD_MM = 0.005, 150.0
_HANDED, _SURELY_HANDED = 1.0, 1.05
_LEAST_SCALP = 0.3
_SCALP_MM, _DEEP_MM = (2.0, 10.0), 25.0
_SCALP_SHARE = 0.15
_LEAST_INSIDE = 0.35
_AXES = ("left-right", "front-back", "head-foot")


@dataclass(frozen=True, eq=False)
class ImageDoubts:
    """Hold what speaks against a pose that images gave, one sentence each.

    :param refusals: what a registration without landmarks must not go beyond.
    :param stretched: the pose with scale and shear, where these make the images fit much better.
    """

    doubts: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    stretched: Pose | None = None


def checkImages(fixedImage: sitk.Image, movingImage: sitk.Image, refined: RefinedPose) -> ImageDoubts:
    """Return what speaks against a refined rigid pose: a mirrored, stretched, stripped or hardly overlapping MRI.

    The limits were chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py; that of the handedness also holds
    for five CT and MRI stacks of the Whole Brain Atlas.
    """
    doubts, refusals = [], []
    if refined.pose.inside < _LEAST_INSIDE:
        refusals.append(
            f"Only {100 * refined.pose.inside:.0f} % of the CT's body lies inside the MRI, too little to confirm the "
            "alignment."
        )
    ratio = handedness(fixedImage, refined)
    if ratio < _HANDED:
        refusals.append(
            f"The MRI fits better when it is mirrored (its similarity is {ratio:.2f} of that then): left and right of "
            "one image look exchanged. Check how the images were converted."
        )
    elif ratio < _SURELY_HANDED:
        doubts.append(
            f"Left and right are not confirmed: mirrored, the MRI would fit almost as well (ratio {ratio:.2f})."
        )
    scalp = scalpShare(fixedImage, movingImage, refined.pose)
    if scalp is not None and scalp < _LEAST_SCALP:
        doubts.append(
            f"The MRI shows no scalp (at {100 * scalp:.0f} % of the CT's): it looks skull-stripped, and only the brain "
            "was compared. Use the MRI with the skull."
        )
    stretched = stretchedPose(refined)
    if stretched is not None:
        doubts += _stretchDoubts(refined, stretched)
    return ImageDoubts(tuple(doubts), tuple(refusals), stretched)


def handedness(fixedImage: sitk.Image, refined: RefinedPose) -> float:
    """Return the similarity of both images as they are over that with the MRI mirrored and aligned likewise."""
    center = bodyCenter(fixedImage)
    mirror = np.diag([-1.0, 1.0, 1.0])
    pose = Pose(refined.pose.matrix @ mirror, refined.pose.apply(center) - refined.pose.matrix @ mirror @ center)
    for comparison in refined.comparisons[:-1]:
        pose = comparison.climb(pose)
    finest = refined.comparisons[-1]
    mirrored = finest.climb(pose, every=_EVERY).information
    own = finest.climb(refined.pose, every=_EVERY).information
    return own / max(mirrored, 1e-9)


def stretchedPose(refined: RefinedPose) -> Pose | None:
    """Return the pose with scale and shear if these make the images fit much better."""
    finest = refined.comparisons[-1]
    rigid, affine = (finest.climb(refined.pose, isAffine, every=_EVERY) for isAffine in (False, True))
    return affine if affine.information > (1 + _STRETCH_GAIN) * rigid.information else None


def _stretchDoubts(refined: RefinedPose, stretched: Pose) -> list[str]:
    """Return a sentence where the stretch is larger than the voxels let it seem."""
    scales = np.linalg.norm(refined.pose.matrix.T @ stretched.matrix, axis=0)
    limits = _PLAIN_STRETCH + 1.5 * refined.spacings.max(axis=0) / _HEAD_MM
    plain = [axis for axis in range(3) if abs(scales[axis] - 1) > limits[axis]]
    if not plain:
        return []
    told = ", ".join(f"{100 * (scales[axis] - 1):+.1f} % {_AXES[axis]}" for axis in plain)
    return [
        f"The MRI seems stretched against the CT ({told}): check the voxel sizes of both images. The expected error "
        "includes it."
    ]


def scalpShare(fixedImage: sitk.Image, movingImage: sitk.Image, pose: Pose) -> float | None:
    """Return at what share of the points just below the CT's skin the MRI shows something, or None if too few are seen.

    Something is 15 % of what the MRI shows deep inside.
    """
    mask = foreground(fixedImage, 0.0)
    body = sitk.GetArrayViewFromImage(mask) > 0
    # Where an image ends the body does not: padding with body leaves only the skin as surface.
    padded = distance_transform_edt(np.pad(body, 1, constant_values=True), sampling=mask.GetSpacing()[::-1])
    depth = padded[1:-1, 1:-1, 1:-1]
    points = voxelPoints(mask)
    toIndex = indexMatrix(movingImage)
    values = sitk.GetArrayViewFromImage(movingImage)

    def shownAt(chosen: np.ndarray) -> np.ndarray:
        indices = np.rint(pose.apply(points[chosen]) @ toIndex[:, :3].T + toIndex[:, 3]).astype(int)
        inside = np.all((indices >= 0) & (indices < movingImage.GetSize()), axis=1)
        i, j, k = indices[inside].T
        return values[k, j, i].astype(float)

    scalp = shownAt((depth >= _SCALP_MM[0]) & (depth < _SCALP_MM[1]) & body)
    deep = shownAt(depth > _DEEP_MM)
    if len(scalp) < 200 or len(deep) < 200:
        return None
    return float(np.mean(scalp > _SCALP_SHARE * np.median(deep)))
