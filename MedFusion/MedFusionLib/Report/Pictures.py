"""Pictures of slices for the report, from arrays: gray slices, outlines, edges and checkerboards, as PNG."""

import base64
import io
from collections.abc import Sequence
from enum import Enum

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Core.Images.Foreground import foreground
from ..Core.Images.Grids import emptyImage, imageBounds, pointsAt
from ..Core.Images.Transforms import IDENTITY
from ..Core.Images.Voxels import everyNth, extremes

# Gray levels of a CT in HU as radiologists look at it: width 2500 at 500 for bone, 80 at 40 for brain.
BONE_WINDOW, BRAIN_WINDOW, SOFT_WINDOW = (-750.0, 1750.0), (0.0, 80.0), (-150.0, 250.0)
OUTLINE_COLOR = (255, 70, 40)
_HALO_PIXELS, _LINE_PIXELS = 4.1, 3.1
_HEAD_MARGIN_MM = 8.0
_COMPRESSION = 4
Color = tuple[int, int, int]
Window = tuple[float, float]


class Plane(Enum):
    """The three standard planes, drawn as Slicer does: patient's left on the right, anterior or superior on top."""

    axial = ((1, 0, 0), (0, 1, 0))
    coronal = ((1, 0, 0), (0, 0, -1))
    sagittal = ((0, 1, 0), (0, 0, -1))


def headBox(image: sitk.Image) -> np.ndarray:
    """Return the lowest and highest LPS coordinates (2, 3) of the head in an image, of all of it where none is seen."""
    try:
        body = foreground(image, _HEAD_MARGIN_MM)
    except ValueError:
        return imageBounds(image)
    indices = np.argwhere(sitk.GetArrayViewFromImage(body) > 0)[:, ::-1]
    corners = np.array(np.meshgrid(*zip(indices.min(axis=0), indices.max(axis=0), strict=True))).reshape(3, -1).T
    points = pointsAt(body, corners)
    low, high = imageBounds(image)
    return np.array([np.maximum(points.min(axis=0), low), np.minimum(points.max(axis=0), high)])


def sliceGrid(plane: Plane, center: np.ndarray, box: np.ndarray, pixel: float = 0.8) -> sitk.Image:
    """Return an empty square one-slice image in a standard plane through a point, framing a box.

    :param center: LPS millimeters.
    :param box: the lowest and highest LPS coordinates (2, 3) that must fit in.
    """
    right, down = (np.array(axis, dtype=float) for axis in plane.value)
    inPlane = np.abs(right) + np.abs(down) > 0
    middle = np.where(inPlane, np.mean(box, axis=0), np.asarray(center, dtype=float))
    return _squareGrid(plane, middle, float(np.ptp(box, axis=0).max()), pixel)


def cropGrid(plane: Plane, center: np.ndarray, width: float, pixel: float) -> sitk.Image:
    """Return an empty square one-slice image in a standard plane around a point, LPS; width and pixel in mm."""
    return _squareGrid(plane, np.asarray(center, dtype=float), width, pixel)


def _squareGrid(plane: Plane, middle: np.ndarray, width: float, pixel: float) -> sitk.Image:
    right, down = (np.array(axis, dtype=float) for axis in plane.value)
    count = max(int(np.ceil(width / pixel)), 2)
    origin = middle - (right + down) * pixel * (count - 1) / 2
    direction = np.column_stack([right, down, np.cross(right, down)])
    return emptyImage([count, count, 1], [pixel] * 3, origin, direction)


def sliceValues(
    image: sitk.Image, grid: sitk.Image, transform: sitk.Transform = IDENTITY, isLabel: bool = False
) -> np.ndarray:
    """Return an image's values on a slice grid, shape (rows, columns), not a number outside the image.

    :param transform: maps the grid's LPS points to the image's.
    """
    if isLabel:
        return sitk.GetArrayFromImage(sitk.Resample(image, grid, transform, sitk.sitkNearestNeighbor))[0]
    resampled = sitk.Resample(image, grid, transform, sitk.sitkLinear, float("nan"), sitk.sitkFloat32)
    return sitk.GetArrayFromImage(resampled)[0]


def grayPicture(values: np.ndarray, window: Window) -> np.ndarray:
    """Return values as RGB bytes, black at the window's lower end and where there is no value."""
    low, high = window
    scaled = np.clip((np.nan_to_num(values, nan=low) - low) / max(high - low, 1e-9), 0, 1)
    return np.repeat(np.rint(255 * scaled).astype(np.uint8)[..., None], 3, axis=2)


def slicePicture(image: sitk.Image, grid: sitk.Image, window: Window) -> np.ndarray:
    """Return a slice of a volume as RGB bytes, in the window or, of a volume in color, as it is."""
    if image.GetNumberOfComponentsPerPixel() == 1:
        return grayPicture(sliceValues(image, grid), window)
    colors = [sliceValues(sitk.VectorIndexSelectionCast(image, i), grid) for i in range(3)]
    return np.rint(np.nan_to_num(np.stack(colors, axis=-1))).astype(np.uint8)


def robustWindow(image: sitk.Image) -> Window:
    """Return the 1st and 99.5th percentile of an image's voxels above its background."""
    voxels = everyNth(image, 3).ravel()
    inside = voxels[voxels > voxels.min()]
    low, high = np.percentile(inside if len(inside) else voxels, (1, 99.5))
    return float(low), float(max(high, low + 1e-6))


def ctWindow(image: sitk.Image, window: Window) -> Window:
    """Return a window in HU for a CT that is in HU, and one over all of it for a CT in gray levels."""
    low, high = extremes(image)
    return (low, high) if low >= 0 and high <= 255 else window


def withOutline(picture: np.ndarray, mask: np.ndarray, color: Color) -> np.ndarray:
    """Return a picture with a line around a mask, white under its color so that it is seen on paper, too.

    The line runs outside the mask, so that it hides nothing of a small one.
    """
    if not mask.any():
        return picture
    rows, columns = ndimage.find_objects(mask.astype(np.uint8))[0]
    reach = int(_HALO_PIXELS) + 1
    part = tuple(slice(max(side.start - reach, 0), side.stop + reach) for side in (rows, columns))
    distances = ndimage.distance_transform_edt(~mask[part])
    drawn = picture.copy()
    drawn[part][(distances > 0) & (distances <= _HALO_PIXELS)] = 255
    drawn[part][(distances > 1) & (distances <= _LINE_PIXELS)] = color
    return drawn


def withOutlines(picture: np.ndarray, labels: np.ndarray, colors: Sequence[tuple[Sequence[int], Color]]) -> np.ndarray:
    """Return a picture with a line around each group of labels."""
    for values, color in colors:
        picture = withOutline(picture, np.isin(labels, values), color)
    return picture


def withEdges(picture: np.ndarray, values: np.ndarray, color: Color) -> np.ndarray:
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


def checkerboard(first: np.ndarray, second: np.ndarray, square: int) -> np.ndarray:
    """Return two pictures of one size in turn, in squares of so many pixels."""
    rows, columns = np.indices(first.shape[:2])
    isFirst = (rows // square + columns // square) % 2 == 0
    return np.where(isFirst[..., None], first, second)


def pngDataUri(picture: np.ndarray) -> str:
    """Return RGB bytes as a PNG inside a data URI."""
    from PIL import Image

    isGray = bool((picture[..., 0] == picture[..., 1]).all() and (picture[..., 1] == picture[..., 2]).all())
    stream = io.BytesIO()
    Image.fromarray(picture[..., 0] if isGray else picture).save(stream, format="PNG", compress_level=_COMPRESSION)
    return "data:image/png;base64," + base64.b64encode(stream.getvalue()).decode("ascii")
