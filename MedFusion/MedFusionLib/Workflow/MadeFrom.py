"""What a result was made from, to tell when it no longer fits."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import slicer
import vtk

from .Parameters import movingVolumes

if TYPE_CHECKING:
    import numpy as np

    from .Choices import Choices

# Finer than anyone places a landmark or moves a volume, coarser than what a transform's inverse is off.
_DECIMALS = 2


def registrationState(parameters: "Choices") -> tuple:
    """Return the volumes with their pose and the landmarks as they are now, in a form that can be compared."""
    from ..Scene.LandmarkRegistrationLogic import landmarkLists

    lists = landmarkLists(parameters.fixedLandmarks, parameters.movingLandmarks, parameters.movingVolume)
    landmarks = tuple((item.labels, _rounded(item.points), item.used) if item is not None else None for item in lists)
    return (*(volumeState(node) for node in (parameters.fixedVolume, parameters.movingVolume)), landmarks)


def fusionState(parameters: "Choices") -> tuple:
    """Return the volumes that are fused with their poses, in a form that can be compared."""
    return tuple(volumeState(node) for node in (parameters.fixedVolume, *movingVolumes(parameters)))


def volumeState(node: slicer.vtkMRMLVolumeNode | None) -> tuple | None:
    """Return what changes with a volume's voxels and with its place in the world."""
    if node is None:
        return None
    image, parent = node.GetImageData(), node.GetParentTransformNode()
    return (node.GetID(), image.GetMTime() if image else 0, _pose(parent) if parent else None)


def voxelState(nodes: Sequence[slicer.vtkMRMLVolumeNode | None]) -> tuple[tuple[str, int] | None, ...]:
    """Return what changes with the voxels of volumes alone, None for one that is gone."""
    images = [node.GetImageData() if node is not None else None for node in nodes]
    return tuple(
        (node.GetID(), image.GetMTime()) if node is not None and image is not None else None
        for node, image in zip(nodes, images, strict=True)
    )


def _pose(parent: slicer.vtkMRMLTransformNode) -> tuple:
    if not parent.IsTransformToWorldLinear():
        return (parent.GetID(), parent.GetTransformToWorldMTime())
    toWorld = vtk.vtkMatrix4x4()
    parent.GetMatrixTransformToWorld(toWorld)
    return tuple(round(toWorld.GetElement(row, column), 5) for row in range(3) for column in range(4))


def _rounded(points: "np.ndarray") -> tuple:
    return tuple(map(tuple, points.round(_DECIMALS) + 0.0))
