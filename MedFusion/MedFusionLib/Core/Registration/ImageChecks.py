"""Whether two images that were aligned by what they show belong together at all."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Foreground import bodyCenter
from ..Images.Grids import indicesAt
from ..Images.Transforms import Pose
from .ContentChecks import DEEP_MM, bodyDepth, contentDoubts
from .MutualInformation import FixedSamples, mutualInformation
from .PoseOptimizer import climb
from .Refinement import RefinedPose

# Chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py; _EVERY and the step by time.
_EVERY = 3
_STRETCH_GAIN = 0.055
_PLAIN_STRETCH, _HEAD_MM = 0.005, 150.0
_HANDED, _SURELY_HANDED = 1.0, 1.05
_FEWEST_DEEP, _DEEP_STEP_MM = 2000, 2.0
_DEEP_GAIN, _DEEP_SHIFT_MM = 0.05, 1.2
_AXES = ("left-right", "front-back", "head-foot")


@dataclass(frozen=True, eq=False)
class ImageDoubts:
    """Hold what speaks against a pose that images gave, one sentence each.

    :param refusals: what a registration without landmarks must not go beyond.
    :param stretched: the pose with scale and shear, where these make the images fit much better.
    :param deep: the pose of what lies deep inside the body, where it is another.
    """

    doubts: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    stretched: Pose | None = None
    deep: Pose | None = None


def checkImages(fixedImage: sitk.Image, movingImage: sitk.Image, refined: RefinedPose) -> ImageDoubts:
    """Return what speaks against a refined rigid pose: a mirrored, stretched, stripped or hardly overlapping MRI.

    The limits were chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py; that of the handedness also holds
    for five CT and MRI stacks of the Whole Brain Atlas.
    """
    doubts, refusals = [], []
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
    doubts += contentDoubts(fixedImage, movingImage, refined.pose)
    stretched = stretchedPose(refined)
    if stretched is not None:
        doubts += _stretchDoubts(refined, stretched)
    deep = deepPose(fixedImage, refined)
    if deep is not None:
        doubts.append(
            f"Deep inside, the images fit best {_distance(refined, deep):.1f} mm from where the whole body puts them: "
            "tissue moved between the scans, or the MRI is distorted. The expected error includes it."
        )
    return ImageDoubts(tuple(doubts), tuple(refusals), stretched, deep)


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


def deepPose(fixedImage: sitk.Image, refined: RefinedPose) -> Pose | None:
    """Return the pose that fits what lies 25 mm below the skin or deeper, if it is clearly another and better one."""
    finest = refined.comparisons[-1]
    depth = bodyDepth(fixedImage)
    indices = np.rint(indicesAt(depth, finest.samples.points)).astype(int)
    i, j, k = np.clip(indices, 0, np.array(depth.GetSize()) - 1).T
    isDeep = sitk.GetArrayViewFromImage(depth)[k, j, i] > DEEP_MM
    if isDeep.sum() < _FEWEST_DEEP:
        return None
    samples = FixedSamples(finest.samples.points[isDeep], finest.samples.bins[isDeep], finest.samples.binCount)
    pose = climb(samples, finest.moving, refined.pose, _DEEP_STEP_MM, False, 1e-5)
    before = mutualInformation(samples, finest.moving, refined.pose.matrix, refined.pose.offset).information
    isBetter = pose.information > (1 + _DEEP_GAIN) * before
    return pose if isBetter and _distance(refined, pose, samples.points) > _DEEP_SHIFT_MM else None


def _distance(refined: RefinedPose, pose: Pose, points: np.ndarray | None = None) -> float:
    """Return how far another pose puts points, or all that was compared, RMS in mm."""
    points = refined.comparisons[-1].samples.points if points is None else points
    return float(np.sqrt(np.mean(np.sum((pose.apply(points) - refined.pose.apply(points)) ** 2, axis=1))))


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
