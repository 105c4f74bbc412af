"""The fusion of just what a slice view shows, for choosing settings."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
import slicer

from ..Core.Fusion.Fusion import FusionGeometry, FusionResult, fuseVolumes
from ..Core.Fusion.Inputs import FusionScales
from ..Core.Fusion.Settings import FusionSettings
from ..Core.Images.Coordinates import RAS_TO_LPS
from ..Core.Images.Grids import emptyImage
from .VolumeNodes import arrayFromMatrix, imageFromVolumeNode, worldToNodeTransform


def sliceGrid(sliceNode: slicer.vtkMRMLSliceNode, longestSide: int = 512) -> sitk.Image:
    """Return an empty image, one voxel thick, that covers what a slice view shows; LPS millimeters."""
    width, height = sliceNode.GetDimensions()[:2]
    step = max(width, height) / longestSide
    pixelToLps = RAS_TO_LPS @ arrayFromMatrix(sliceNode.GetXYToRAS())
    pixelToLps[:3, :2] *= step
    spacing = np.linalg.norm(pixelToLps[:3, :3], axis=0)
    size = [max(round(width / step), 8), max(round(height / step), 8), 1]
    return emptyImage(size, spacing, pixelToLps[:3, 3], pixelToLps[:3, :3] / spacing, sitk.sitkFloat32)


class SlicePreview:
    """Fuse slices of the same volumes again and again; the volumes are read once."""

    def __init__(
        self,
        fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode,
        movingVolumeNodes: Sequence[slicer.vtkMRMLScalarVolumeNode],
    ) -> None:
        self._fixed = imageFromVolumeNode(fixedVolumeNode)
        self._moving = [imageFromVolumeNode(node) for node in movingVolumeNodes]
        self._fixedTransform = worldToNodeTransform(fixedVolumeNode, self._fixed)
        self._movingTransforms = [worldToNodeTransform(node, self._fixed) for node in movingVolumeNodes]
        self._scales: dict[tuple, FusionScales | None] = {}

    def fuse(self, grid: sitk.Image, settings: FusionSettings) -> FusionResult:
        """Return the fusion on a slice; wavelets work within the slice only."""
        windows = (settings.ctWindow, settings.boneRange, settings.mriPercentiles)
        result = fuseVolumes(
            self._fixed,
            self._moving,
            settings,
            FusionGeometry(self._movingTransforms, self._fixedTransform, grid),
            scales=self._scales.get(windows),
        )
        self._scales[windows] = result.scales
        return result
