"""What two refined images say about their pose, and what speaks against it."""

from dataclasses import replace

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import imageCenter
from ..Landmarks.ErrorBounds import expectedLength
from ..Progress import Progress
from .ImageChecks import ImageDoubts, checkImages
from .ImageEvidence import ImageEvidence
from .PoseCovariance import PoseCovariance
from .Refinement import RefinedPose

# Right pairs of the DEV rows reach 0.7, another patient's MRI starts at 1.6; of thick slices less is to be expected.
_PARTS_AGREE_MM, _OF_VOXEL = 1.2, 0.5


def judgeImages(
    fixedImage: sitk.Image, movingImage: sitk.Image, refined: RefinedPose, progress: Progress | None = None
) -> tuple[ImageEvidence, ImageDoubts]:
    """Return the evidence of two images, and what speaks against it."""
    center = imageCenter(fixedImage)
    checks = checkImages(fixedImage, movingImage, refined)
    covariance = refined.covariance(center, progress)
    evidence = ImageEvidence(
        refined.pose, refined.similarityBefore, refined.similarityAfter, covariance, checks.stretched, checks.moved
    )
    limit = max(_PARTS_AGREE_MM, _OF_VOXEL * float(refined.spacings.max()))
    return evidence, replace(checks, doubts=(*_disagreement(covariance, center, limit), *checks.doubts))


def _disagreement(covariance: PoseCovariance | None, center: np.ndarray, limit: float) -> tuple[str, ...]:
    """Return a sentence where the parts of the images do not agree about the pose within a limit in mm."""
    if covariance is None:
        return ("Parts of the images are too small to tell how far the alignment may be off.",)
    expected = expectedLength(covariance.covariances(center[None]))[0]
    if expected < limit:
        return ()
    return (
        f"Parts of the images disagree about the alignment by {expected:.1f} mm: tissue may have moved between the "
        "scans, or the images show different patients or parts of the body. Look at the edges.",
    )
