"""Whether two images that were aligned by what they show belong together at all."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Transforms import Pose
from .ContentChecks import contentDoubts
from .Handedness import HANDED, handedness, mirroredSentence
from .Refinement import RefinedPose
from .TissueShift import findTissueShift

# Chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py; _EVERY and the step by time.
_EVERY = 3
_STRETCH_GAIN = 0.055
_PLAIN_STRETCH, _HEAD_MM = 0.005, 150.0
_DOUBTFUL_STRETCH, _THICK_MM = 0.03, 5.0
_SURELY_HANDED = 1.05
_AXES = ("left-right", "front-back", "head-foot")


@dataclass(frozen=True, eq=False)
class ImageDoubts:
    """Hold what speaks against a pose that images gave, one sentence each.

    :param refusals: what a registration without landmarks must not go beyond.
    :param notes: what a user should know, though it leaves the pose confirmed.
    :param stretched: the pose with scale and shear, where these make the images fit much better.
    :param moved: the pose of bone alone or of what lies deep inside the body, where it is another.
    """

    doubts: tuple[str, ...] = ()
    refusals: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    stretched: Pose | None = None
    moved: Pose | None = None


def checkImages(fixedImage: sitk.Image, movingImage: sitk.Image, refined: RefinedPose) -> ImageDoubts:
    """Return what speaks against a refined rigid pose: a mirrored, stretched, stripped or hardly overlapping MRI.

    The limits were chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py; that of the handedness also holds
    for five CT and MRI stacks of the Whole Brain Atlas.
    """
    doubts: list[str] = []
    refusals: list[str] = []
    notes: list[str] = []
    ratio = handedness(fixedImage, refined.pose, refined.comparisons, _EVERY)
    if ratio < HANDED:
        refusals.append(mirroredSentence(ratio))
    elif ratio < _SURELY_HANDED:
        doubts.append(
            f"Left and right are not confirmed: mirrored, the MRI would fit almost as well (ratio {ratio:.2f})."
        )
    doubts += contentDoubts(fixedImage, movingImage, refined.pose)
    stretched = stretchedPose(refined)
    if stretched is not None:
        sentence, isDoubt = _stretchSentence(refined, stretched)
        (doubts if isDoubt else notes).extend(sentence)
    moved = findTissueShift(fixedImage, refined)
    if moved is not None:
        doubts.append(moved.sentence)
    return ImageDoubts(tuple(doubts), tuple(refusals), tuple(notes), stretched, None if moved is None else moved.pose)


def stretchedPose(refined: RefinedPose) -> Pose | None:
    """Return the pose with scale and shear if these make the images fit much better."""
    finest = refined.comparisons[-1]
    rigid, affine = (finest.climb(refined.pose, isAffine, every=_EVERY) for isAffine in (False, True))
    return affine if affine.information > (1 + _STRETCH_GAIN) * rigid.information else None


def _stretchSentence(refined: RefinedPose, stretched: Pose) -> tuple[list[str], bool]:
    """Return a sentence where the stretch is larger than the voxels let it seem, and whether it is a doubt.

    Thick slices and small stretches are no more than a note: real pairs of thick slices seem stretched by up to 8 %.
    """
    scales = np.linalg.norm(refined.pose.matrix.T @ stretched.matrix, axis=0)
    limits = _PLAIN_STRETCH + 1.5 * refined.spacings.max(axis=0) / _HEAD_MM
    plain = [axis for axis in range(3) if abs(scales[axis] - 1) > limits[axis]]
    if not plain:
        return [], False
    told = ", ".join(f"{100 * (scales[axis] - 1):+.1f} % {_AXES[axis]}" for axis in plain)
    isDoubt = np.abs(scales[plain] - 1).max() > _DOUBTFUL_STRETCH and refined.spacings.max() < _THICK_MM
    return [
        f"The MRI seems stretched against the CT ({told}): check the voxel sizes of both images. The expected error "
        "includes it."
    ], bool(isDoubt)
