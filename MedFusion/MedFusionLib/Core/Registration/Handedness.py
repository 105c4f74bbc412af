"""Whether left and right of one image are exchanged."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from ..Images.Foreground import bodyCenter
from ..Images.Transforms import Pose
from .Refinement import Comparison

HANDED = 1.0  # by definition; mirrored stacks of thick slices reach 0.93


def handedness(fixedImage: sitk.Image, pose: Pose, comparisons: Sequence[Comparison], every: int = 1) -> float:
    """Return the similarity of both images as they are over that with the MRI mirrored and aligned likewise.

    :param comparisons: of the images, from coarse to fine; the last judges, by every so many of its samples.
    """
    center = bodyCenter(fixedImage)
    mirror = np.diag([-1.0, 1.0, 1.0])
    mirrored = Pose(pose.matrix @ mirror, pose.apply(center) - pose.matrix @ mirror @ center)
    for comparison in comparisons[:-1]:
        mirrored = comparison.climb(mirrored)
    own, other = (comparisons[-1].climb(start, every=every).information for start in (pose, mirrored))
    return own / max(other, 1e-9)


def mirroredSentence(ratio: float) -> str:
    """Return what a user should know where the handedness is below HANDED."""
    return (
        f"The MRI fits better when it is mirrored (its similarity is {ratio:.2f} of that then): left and right of one "
        "image look exchanged. Check how the images were converted."
    )
