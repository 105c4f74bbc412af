"""A registration after the user moved the MRI by hand: its errors stated against the landmarks, as for any pose."""

from dataclasses import replace

import SimpleITK as sitk

from ..Images.Transforms import poseOf
from ..Verdict import Judgment, Verdict
from .PoseCovariance import FitError
from .RegistrationResult import RegistrationResult


def movedByHand(result: RegistrationResult, transform: sitk.Transform) -> RegistrationResult:
    """Return a registration with another rigid or affine transform, which nobody but the user vouches for.

    The expected error is the landmarks' own, with the distance from their fit added; the images are not asked.

    :param transform: fixed to moving points, LPS millimeters.
    """
    evidence, pose = result.landmarks, poseOf(transform)
    error, reason = None, "The MRI was moved by hand."
    warnings = evidence.warnings() if evidence is not None else []
    if evidence is not None:
        reason = f"The MRI was moved by hand, {evidence.distance(pose):.1f} mm from the fit of the landmarks."
        if evidence.localization is not None:
            error = FitError(evidence.errors, evidence.localization.fle, (evidence.pose, pose))
        if evidence.contradicts(pose):
            warnings.append(
                "The MRI was moved further by hand than the error of the landmarks allows; check the edges."
            )
    verdict = Verdict(Judgment.doubtful, (reason,))
    return replace(
        result,
        transform=transform,
        images=None,
        error=error,
        verdict=verdict,
        warnings=tuple(warnings),
        overlap=None,
        repaired=None,
    )
