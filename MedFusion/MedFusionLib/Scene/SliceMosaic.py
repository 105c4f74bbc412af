"""CT and MRI compared within one slice: edges of one on the other, checkerboard, one in a round window of the other."""

import numpy as np
import SimpleITK as sitk
import slicer
from scipy import ndimage

from ..Core.Images.Grids import indicesAt
from ..Core.Images.Transforms import IDENTITY
from .SlicePreview import sliceGrid
from .VolumeNodes import imageFromVolumeNode, worldToNodeTransform

SQUARE_MM = 25.0
REVEAL_RADIUS_MM = 25.0
_SMOOTHING_MM = 1.2
_STRONGEST_SHARE = 0.15
_EDGE_COLOR = (255, 170, 0)


class SliceMosaic:
    """Draw both volumes as they are displayed, 8 bit; what a view samples is kept until it moves."""

    def __init__(
        self, fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode, movingVolumeNode: slicer.vtkMRMLScalarVolumeNode
    ) -> None:
        self._nodes = (fixedVolumeNode, movingVolumeNode)
        self._images = tuple(imageFromVolumeNode(node) for node in self._nodes)
        self._transforms = tuple(worldToNodeTransform(node, self._images[0]) for node in self._nodes)
        self._sampled: dict[str, tuple[tuple, sitk.Image, np.ndarray, np.ndarray]] = {}

    def edges(self, sliceNode: slicer.vtkMRMLSliceNode) -> sitk.Image:
        """Return the CT with the strongest edges of the MRI within the slice, in color.

        Edges are the zero crossings of the Laplacian of Gaussian where the gradient is strong: Marr, Hildreth 1980,
        doi:10.1098/rspb.1980.0020. A surface that lies in the slice has no edge in it, and fills no area.
        """
        grid, fixed, moving = self._samples(sliceNode)
        sigma = [_SMOOTHING_MM / spacing for spacing in grid.GetSpacing()[1::-1]]
        values = moving.astype(np.float32)
        gradient = ndimage.gaussian_gradient_magnitude(values, sigma)
        isPositive = ndimage.gaussian_laplace(values, sigma) > 0
        crossing = np.zeros(moving.shape, bool)
        crossing[:, 1:] |= isPositive[:, 1:] != isPositive[:, :-1]
        crossing[1:] |= isPositive[1:] != isPositive[:-1]
        crossing &= gradient > max(float(np.quantile(gradient, 1 - _STRONGEST_SHARE)), 1.0)
        picture = np.repeat(fixed[..., None], 3, axis=-1)
        picture[crossing] = _EDGE_COLOR
        return _picture(grid, picture)

    def checkerboard(self, sliceNode: slicer.vtkMRMLSliceNode, shift: float) -> sitk.Image:
        """Return CT and MRI in turn in squares.

        :param shift: by how much the squares are moved, as a share of two squares.
        """
        grid, fixed, moving = self._samples(sliceNode)
        columns, rows = (
            np.floor(np.arange(count) * spacing / SQUARE_MM + 2 * shift)
            for count, spacing in zip(fixed.shape[::-1], grid.GetSpacing()[:2], strict=True)
        )
        return _picture(grid, np.where((columns[None] + rows[:, None]) % 2 == 0, fixed, moving))

    def reveal(self, sliceNode: slicer.vtkMRMLSliceNode, center: np.ndarray) -> sitk.Image:
        """Return the CT with a round window that shows the MRI.

        :param center: of the window, LPS millimeters; the window is a ball, cut by the slice.
        """
        grid, fixed, moving = self._samples(sliceNode)
        x, y, z = (indicesAt(grid, center) * grid.GetSpacing()).tolist()
        columns, rows = (
            (np.arange(count) * spacing - middle) ** 2
            for count, spacing, middle in zip(fixed.shape[::-1], grid.GetSpacing()[:2], (x, y), strict=True)
        )
        return _picture(grid, np.where(columns[None] + rows[:, None] + z**2 < REVEAL_RADIUS_MM**2, moving, fixed))

    def _samples(self, sliceNode: slicer.vtkMRMLSliceNode) -> tuple[sitk.Image, np.ndarray, np.ndarray]:
        grid = sliceGrid(sliceNode)
        displays = [node.GetDisplayNode() for node in self._nodes]
        windows = [(display.GetWindowLevelMin(), display.GetWindowLevelMax()) for display in displays]
        key = (grid.GetSize(), grid.GetSpacing(), grid.GetOrigin(), grid.GetDirection(), tuple(windows))
        known = self._sampled.get(sliceNode.GetID())
        if known is None or known[0] != key:
            fixed, moving = (
                _grays(image, grid, transform or IDENTITY, window)
                for image, transform, window in zip(self._images, self._transforms, windows, strict=True)
            )
            known = self._sampled[sliceNode.GetID()] = (key, grid, fixed, moving)
        return known[1:]


def _grays(image: sitk.Image, grid: sitk.Image, transform: sitk.Transform, window: tuple[float, float]) -> np.ndarray:
    """Return what an image shows on a slice, as it is displayed; black outside."""
    low, high = window
    values = sitk.GetArrayFromImage(sitk.Resample(image, grid, transform, sitk.sitkLinear, low, sitk.sitkFloat32))[0]
    return (255 * np.clip((values - low) / max(high - low, 1e-6), 0, 1)).astype(np.uint8)


def _picture(grid: sitk.Image, values: np.ndarray) -> sitk.Image:
    picture = sitk.GetImageFromArray(values[None], isVector=values.ndim == 3)
    picture.CopyInformation(grid)
    return picture
