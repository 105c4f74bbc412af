"""Pictures of slices for the report, from arrays: gray slices, blends, outlines and edges, as PNG."""

import base64
import io
from enum import Enum

import numpy as np
import SimpleITK as sitk
from PIL import Image
from scipy import ndimage

from ..Core.Images.Grids import emptyImage, imageBounds
from ..Core.Images.Transforms import IDENTITY
from ..Core.Images.Voxels import everyNth


class Plane(Enum):
    """The three standard planes, drawn as Slicer does: patient's left on the right, anterior or superior on top."""

    axial = ((1, 0, 0), (0, 1, 0))
    coronal = ((1, 0, 0), (0, 0, -1))
    sagittal = ((0, 1, 0), (0, 0, -1))


def sliceGrid(plane: Plane, center: np.ndarray, image: sitk.Image, pixel: float = 0.8) -> sitk.Image:
    """Return an empty square one-slice image in a standard plane through a point, framing the whole image.

    :param center: LPS millimetres.
    :param image: the image whose bounding box must fit in.
    """
    right, down = (np.array(axis, dtype=float) for axis in plane.value)
    low, high = imageBounds(image)
    count = max(int(np.ceil((high - low).max() / pixel)), 2)
    inPlane = np.abs(right) + np.abs(down)
    middle = np.where(inPlane > 0, (low + high) / 2, np.asarray(center, dtype=float))
    origin = middle - (right + down) * pixel * (count - 1) / 2
    return emptyImage([count, count, 1], [pixel] * 3, origin, np.column_stack([right, down, np.cross(right, down)]))


def sliceValues(
    image: sitk.Image, grid: sitk.Image, transform: sitk.Transform | None = None, isLabel: bool = False
) -> np.ndarray:
    """Return an image's values on a slice grid, shape (rows, columns), not a number outside the image.

    :param transform: maps the grid's LPS points to the image's; None is the identity.
    """
    transform = transform if transform is not None else IDENTITY
    if isLabel:
        return sitk.GetArrayFromImage(sitk.Resample(image, grid, transform, sitk.sitkNearestNeighbor))[0]
    resampled = sitk.Resample(image, grid, transform, sitk.sitkLinear, float("nan"), sitk.sitkFloat32)
    return sitk.GetArrayFromImage(resampled)[0]


def grayPicture(values: np.ndarray, window: tuple[float, float]) -> np.ndarray:
    """Return values as RGB bytes, black at the window's lower end and where there is no value."""
    low, high = window
    scaled = np.clip((np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-9), 0, 1)
    return np.repeat(np.rint(255 * scaled).astype(np.uint8)[..., None], 3, axis=2)


def robustWindow(image: sitk.Image) -> tuple[float, float]:
    """Return the 1st and 99.5th percentile of an image's voxels above its background."""
    voxels = everyNth(image, 2).ravel()
    inside = voxels[voxels > voxels.min()]
    low, high = np.percentile(inside if len(inside) else voxels, (1, 99.5))
    return float(low), float(max(high, low + 1e-6))


def withOutline(picture: np.ndarray, mask: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Return a picture with the border of a mask drawn one pixel wide."""
    border = mask & ~ndimage.binary_erosion(mask)
    drawn = picture.copy()
    drawn[border] = color
    return drawn


def withEdges(picture: np.ndarray, values: np.ndarray, color: tuple[int, int, int]) -> np.ndarray:
    """Return a picture with the strongest edges of another slice's values drawn over it."""
    smooth = ndimage.gaussian_filter(np.nan_to_num(values), 1.2)
    down, right = np.gradient(smooth)
    strength = np.hypot(down, right)
    # Along its own gradient an edge is a maximum; across it, the line goes on.
    rows, columns = np.indices(strength.shape)
    step = np.stack([down, right]) / np.maximum(strength, 1e-9)
    ahead, behind = (
        ndimage.map_coordinates(strength, [rows + sign * step[0], columns + sign * step[1]], order=1, mode="nearest")
        for sign in (1, -1)
    )
    strong = (strength >= ahead) & (strength >= behind) & (strength > max(np.percentile(strength, 88), 1e-9))
    drawn = picture.copy()
    drawn[strong] = color
    return drawn


def pngDataUri(picture: np.ndarray) -> str:
    """Return RGB bytes as a PNG inside a data URI."""
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, format="PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
