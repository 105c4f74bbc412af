"""What two refined images say about their pose, and what speaks against it."""

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import imageCenter
from ..Landmarks.ErrorBounds import expectedLength
from ..Progress import Progress
from .ImageChecks import checkImages
from .ImageEvidence import ImageEvidence
from .PoseCovariance import PoseCovariance
from .Refinement import RefinedPose

_PARTS_AGREE_MM = 1.5  # right pairs of the DEV rows reach 0.8, another patient's MRI starts at 2.3


def judgeImages(
    fixedImage: sitk.Image, movingImage: sitk.Image, refined: RefinedPose, progress: Progress | None = None
) -> tuple[ImageEvidence, tuple[str, ...], tuple[str, ...]]:
    """Return the evidence of two images, why they must not be believed without landmarks, and what is doubtful."""
    center = imageCenter(fixedImage)
    checks = checkImages(fixedImage, movingImage, refined)
    covariance = refined.covariance(center, progress)
    evidence = ImageEvidence(
        refined.pose, refined.similarityBefore, refined.similarityAfter, covariance, checks.stretched, checks.deep
    )
    return evidence, checks.refusals, (*_disagreement(covariance, center), *checks.doubts)


def _disagreement(covariance: PoseCovariance | None, center: np.ndarray) -> tuple[str, ...]:
    """Return a sentence where the parts of the images do not agree about the pose."""
    if covariance is None:
        return ("Parts of the images are too small to tell how far the alignment may be off.",)
    expected = expectedLength(covariance.covariances(center[None]))[0]
    if expected < _PARTS_AGREE_MM:
        return ()
    return (
        f"Parts of the images disagree about the alignment by {expected:.1f} mm: tissue may have moved between the "
        "scans, or the images show different patients or parts of the body. Look at the edges.",
    )
