"""Whether results belong to the alignment that the scene shows now: nothing stale may be saved as if it did."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
import slicer

from ..Core.Images.Grids import cornerPoints
from ..Core.Images.Transforms import transformPoints
from .VolumeNodes import imageFromVolumeNode, worldToNodeTransform

_ATTRIBUTE = "MedFusion.alignment"
# A transform that bends space is sampled, so that its corners agree less exactly.
_TOLERANCE_MM = {True: 0.05, False: 1.0}


def rememberAlignment(
    fusedVolumeNode: slicer.vtkMRMLVolumeNode,
    fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode,
    movingVolumeNodes: Sequence[slicer.vtkMRMLScalarVolumeNode],
) -> None:
    """Store with a fused volume where the CT's corners lay in each MRI when it was made."""
    corners = np.concatenate([_cornersInMoving(fixedVolumeNode, node) for node in movingVolumeNodes])
    fusedVolumeNode.SetAttribute(_ATTRIBUTE, " ".join(f"{value:.4f}" for value in corners.ravel()))


def checkFusedVolume(
    fusedVolumeNode: slicer.vtkMRMLVolumeNode,
    fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode,
    movingVolumeNodes: Sequence[slicer.vtkMRMLScalarVolumeNode],
) -> None:
    """Refuse a fused volume that was made before its MRIs were aligned as they are now."""
    stored = fusedVolumeNode.GetAttribute(_ATTRIBUTE)
    if stored is None:
        return
    now = np.concatenate([_cornersInMoving(fixedVolumeNode, node) for node in movingVolumeNodes]).ravel()
    then = np.array(stored.split(), dtype=float)
    if then.shape != now.shape or np.abs(then - now).max() > _TOLERANCE_MM[True]:
        raise ValueError(
            f'"{fusedVolumeNode.GetName()}" was fused before the MRI was aligned as it is now; fuse again, then save.'
        )


def checkRegistration(
    transform: sitk.Transform,
    fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode,
    movingVolumeNode: slicer.vtkMRMLScalarVolumeNode,
) -> None:
    """Refuse a registration result that is not the transform the MRI is under.

    :param transform: the result's, CT points to MRI points, LPS millimeters.
    """
    shown = _cornersInMoving(fixedVolumeNode, movingVolumeNode)
    expected = transformPoints(transform, cornerPoints(imageFromVolumeNode(fixedVolumeNode)))
    distance = float(np.linalg.norm(shown - expected, axis=1).max())
    if distance > _TOLERANCE_MM[transform.IsLinear()]:
        raise ValueError(
            f'The transform of "{movingVolumeNode.GetName()}" differs by up to {distance:.1f} mm from the registration '
            "whose errors would be saved (it was refined before the scene was loaded, or edited); "
            "register again, then save."
        )


def _cornersInMoving(
    fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode, movingVolumeNode: slicer.vtkMRMLScalarVolumeNode
) -> np.ndarray:
    """Return the corners of the CT, which is not under a transform, in the MRI's own LPS millimeters."""
    fixedImage = imageFromVolumeNode(fixedVolumeNode)
    return transformPoints(worldToNodeTransform(movingVolumeNode, fixedImage), cornerPoints(fixedImage))
