"""Pictures of a registration's errors: landmarks with arrows, and the expected error over the CT."""

import numpy as np
import SimpleITK as sitk
from PIL import Image, ImageDraw

from ..Core.Images.Grids import voxelPoints
from ..Core.Registration.RegistrationResult import RegistrationResult
from .Pictures import Plane, grayPicture, sliceGrid, sliceValues

_ARROW_FACTOR = 10.0
_FIXED_COLOR, _ARROW_COLOR, _TEXT_COLOR = (0, 220, 255), (255, 170, 0), (255, 255, 255)
_SCALE_MM = 5.0
_STOPS = (0.0, 0.4, 1.0)
_COLORS = np.array([(0, 90, 64), (242, 230, 64), (190, 13, 26)], float)
_OPACITY = 0.45
_LINES_MM, _FINE_LINES_MM = 0.5, 0.1
_KEY_WIDTH = 50


def arrowPicture(
    fixedImage: sitk.Image, fixedPoint: np.ndarray, offset: np.ndarray, window: tuple[float, float]
) -> np.ndarray:
    """Return the axial slice through a landmark with an arrow, ten times as long, to where the other image's lies.

    :param fixedPoint: (3,) LPS millimetres; offset is what remains from it to the mapped moving landmark.
    """
    grid = sliceGrid(Plane.axial, fixedPoint, fixedImage)
    canvas = Image.fromarray(grayPicture(sliceValues(fixedImage, grid), window))
    draw = ImageDraw.Draw(canvas)
    column, row, _ = grid.TransformPhysicalPointToContinuousIndex(np.asarray(fixedPoint, float).tolist())
    length = _ARROW_FACTOR * np.asarray(offset)[:2] / grid.GetSpacing()[0]
    tip = np.array([column, row]) + length
    draw.line([(column, row), tuple(tip)], fill=_ARROW_COLOR, width=2)
    size = np.linalg.norm(length)
    if size > 1:
        along, across = length / size, np.array([-length[1], length[0]]) / size
        head = min(8.0, size / 2)
        wings = [tuple(tip - head * along + side * head / 2 * across) for side in (1, -1)]
        draw.polygon([tuple(tip), *wings], fill=_ARROW_COLOR)
    draw.ellipse([column - 4, row - 4, column + 4, row + 4], outline=_FIXED_COLOR, width=2)
    draw.text((6, canvas.height - 16), "arrow 10 times as long as the residual in this plane", fill=_TEXT_COLOR)
    return np.asarray(canvas)


def errorPicture(
    registration: RegistrationResult,
    plane: Plane,
    fixedImage: sitk.Image,
    center: np.ndarray,
    window: tuple[float, float],
) -> tuple[np.ndarray, str]:
    """Return a CT slice tinted by the expected TRE (green 0, yellow 2, red 5 mm, as its key says), and what it shows.

    :param center: LPS point through which the plane goes.
    """
    grid = sliceGrid(plane, center, fixedImage, pixel=1.2)
    values = sliceValues(fixedImage, grid)
    gray = grayPicture(values, window).astype(float)
    errors = registration.expectedError(voxelPoints(grid).reshape(-1, 3)).reshape(values.shape)
    shares = np.clip(errors / _SCALE_MM, 0, 1)
    tint = np.stack([np.interp(shares, _STOPS, _COLORS[:, channel]) for channel in range(3)], axis=-1)
    inside = np.isfinite(values)
    blended = np.where(inside[..., None], (1 - _OPACITY) * gray + _OPACITY * tint, gray)
    shown = errors[inside] if inside.any() else errors
    interval = _FINE_LINES_MM if np.ptp(shown) < 2 * _LINES_MM else _LINES_MM
    steps = np.floor(errors / interval)
    lines = np.zeros(values.shape, bool)
    lines[:, 1:] |= steps[:, 1:] != steps[:, :-1]
    lines[1:] |= steps[1:] != steps[:-1]
    blended[lines & inside] = 255
    picture = _withKey(np.rint(blended).astype(np.uint8))
    return picture, f"lines at every {interval:g} mm, {shown.min():.1f} to {shown.max():.1f} mm"


def _withKey(picture: np.ndarray) -> np.ndarray:
    """Return a picture with a bar of the colors and their millimetres in its lower left corner."""
    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    left, top = 6, canvas.height - 30
    draw.rectangle([left - 4, top - 4, left + _KEY_WIDTH + 40, canvas.height - 2], fill=(0, 0, 0))
    for column in range(_KEY_WIDTH):
        color = [np.interp(column / (_KEY_WIDTH - 1), _STOPS, _COLORS[:, channel]) for channel in range(3)]
        draw.line([(left + column, top), (left + column, top + 8)], fill=tuple(int(value) for value in color))
    for stop in _STOPS:
        unit = " mm" if stop == _STOPS[-1] else ""
        draw.text((left + stop * _KEY_WIDTH - 3, top + 11), f"{stop * _SCALE_MM:g}{unit}", fill=_TEXT_COLOR)
    return np.asarray(canvas)
