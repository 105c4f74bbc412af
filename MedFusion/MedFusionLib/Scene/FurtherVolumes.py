"""Further MRIs of the session: they follow the first one's alignment, or are registered to it."""

import SimpleITK as sitk
import slicer

from ..Core.Images.Grids import isSameGrid
from ..Core.Progress import Progress
from ..Core.Registration.Registration import RegistrationSettings
from .LandmarkRegistrationLogic import LandmarkRegistrationLogic
from .VolumeNodes import imageFromVolumeNode


def alignToFirst(
    scene: slicer.vtkMRMLScene,
    firstNode: slicer.vtkMRMLScalarVolumeNode,
    furtherNode: slicer.vtkMRMLScalarVolumeNode,
    sharesFrame: bool,
    progress: Progress | None = None,
) -> str:
    """Bring a further MRI to where the first one already lies in the world, and return how, in a sentence.

    :param sharesFrame: whether both headers give one frame of reference; images on one and the same grid do, too.
    :raises ValueError: when it must be registered and cannot be.
    """
    images: tuple[sitk.Image, sitk.Image] = (imageFromVolumeNode(firstNode), imageFromVolumeNode(furtherNode))
    if sharesFrame or isSameGrid(*images):
        furtherNode.SetAndObserveTransformNodeID(firstNode.GetTransformNodeID())
        why = "has its frame of reference" if sharesFrame else "has its grid"
        return f"{furtherNode.GetName()} {why} and follows the alignment of {firstNode.GetName()}."
    _, result = LandmarkRegistrationLogic(scene).register(
        firstNode, furtherNode, None, None, RegistrationSettings(auto=True), progress
    )
    told = "its error is not known"
    for error in result.expectedErrors[:1]:
        told = f"expected error {error.expected:.1f} mm, with 95 % probability below {error.bound:.1f} mm"
    return (
        f"{furtherNode.GetName()} was registered to {firstNode.GetName()} by the images alone, for neither frame of "
        f"reference nor grid is shared ({told}; {result.verdict.judgment.value}); look at its edges."
    )
