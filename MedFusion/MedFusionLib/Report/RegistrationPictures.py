"""Pictures of a registration's errors: landmarks with arrows, and the expected error over the CT."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Core.Images.Grids import voxelPoints
from ..Core.Registration.RegistrationResult import RegistrationResult
from .Pictures import Color, Plane, sliceValues
from .Texts import mm
from .Views import Views

ARROW_FACTOR = 10
FIXED_COLOR, ARROW_COLOR = (0, 220, 255), (255, 170, 0)
LANDMARK_WIDTH_MM = 60.0
_LANDMARK_PIXEL_MM = 0.4
# Clinical steps in mm. The colors get darker or redder with the error, so that they differ without color, too.
ERROR_STEPS: tuple[tuple[float, Color, str], ...] = (
    (1.0, (0, 130, 100), "below 1 mm"),
    (2.0, (235, 220, 60), "1 to 2 mm"),
    (3.0, (240, 140, 20), "2 to 3 mm"),
    (np.inf, (185, 15, 30), "above 3 mm"),
)
_OPACITY = 0.4
_LINE_INTERVALS_MM = (0.05, 0.1, 0.2, 0.5, 1.0, 2.0)
_MOST_LINES = 8
_AIR_SHARE = 0.25


def landmarkPicture(views: Views, point: np.ndarray, offset: np.ndarray) -> tuple[np.ndarray, Plane]:
    """Return CT and MRI around a landmark side by side, on the standard plane with most structure, and that plane.

    :param point: the CT's landmark (3,), LPS millimeters.
    :param offset: from it to where the registration puts the MRI's landmark in the CT (3,), mm.
    """
    grids = {plane: views.crop(plane, LANDMARK_WIDTH_MM, _LANDMARK_PIXEL_MM, point) for plane in Plane}
    drawn = {plane: (views.ct(grid), views.mri(grid)) for plane, grid in grids.items()}
    plane = max(drawn, key=lambda each: sum(_structure(picture) for picture in drawn[each]))
    grid = grids[plane]
    ct, mri = (_withArrow(picture, grid, point, offset) for picture in drawn[plane])
    gap = np.full((len(ct), 4, 3), 255, np.uint8)
    return np.hstack([ct, gap, mri]), plane


def _structure(picture: np.ndarray) -> float:
    """Return how much there is to see in a picture's middle: the mean step between neighboring gray levels."""
    rows, columns = (slice(count // 4, -(count // 4)) for count in picture.shape[:2])
    gray = ndimage.uniform_filter(picture[rows, columns, 0].astype(float), 3)
    return float(np.abs(np.diff(gray, axis=0)).mean() + np.abs(np.diff(gray, axis=1)).mean())


def _withArrow(picture: np.ndarray, grid: sitk.Image, point: np.ndarray, offset: np.ndarray) -> np.ndarray:
    from PIL import Image, ImageDraw

    canvas = Image.fromarray(picture)
    draw = ImageDraw.Draw(canvas)
    start, tip = (
        np.array(grid.TransformPhysicalPointToContinuousIndex(place.tolist())[:2])
        for place in (np.asarray(point, float), np.asarray(point, float) + ARROW_FACTOR * np.asarray(offset, float))
    )
    draw.line([tuple(start), tuple(tip)], fill=ARROW_COLOR, width=2)
    size = float(np.linalg.norm(tip - start))
    if size > 1:
        along = (tip - start) / size
        across = np.array([-along[1], along[0]])
        head = min(8.0, size / 2)
        wings = [tuple(tip - head * along + side * head / 2 * across) for side in (1, -1)]
        draw.polygon([tuple(tip), *wings], fill=ARROW_COLOR)
    draw.ellipse([*(start - 4), *(start + 4)], outline=FIXED_COLOR, width=2)
    return np.asarray(canvas)


def errorPicture(registration: RegistrationResult, plane: Plane, views: Views) -> tuple[np.ndarray, str]:
    """Return a CT slice tinted by the expected error where the body is, with lines of equal error, and their range."""

    grid = views.whole(plane, pixel=1.0)
    gray = views.ct(grid).astype(float)
    body = _body(views, grid)
    shape = gray.shape[:2]
    errors = np.zeros(shape)
    if body.any():
        errors[body] = registration.expectedError(_points(grid)[body.ravel()])
    limits = [limit for limit, _, _ in ERROR_STEPS[:-1]]
    tint = np.array([color for _, color, _ in ERROR_STEPS], float)[np.searchsorted(limits, errors, side="right")]
    shown = errors[body] if body.any() else np.zeros(1)
    interval = next(
        (step for step in _LINE_INTERVALS_MM if np.ptp(shown) / step <= _MOST_LINES), _LINE_INTERVALS_MM[-1]
    )
    picture = np.where(body[..., None], (1 - _OPACITY) * gray + _OPACITY * tint, gray)
    picture[_borders(np.floor(errors / interval), body)] = 255
    text = f"{shown.min():.2f} to {mm(shown.max(), 2)}, white lines every {interval:g}\N{NO-BREAK SPACE}mm"
    return np.rint(picture).astype(np.uint8), text


def _points(grid: sitk.Image) -> np.ndarray:
    """Return the LPS points (M, 3) of a slice grid, row by row."""
    return voxelPoints(grid).reshape(-1, 3)


def _body(views: Views, grid: sitk.Image) -> np.ndarray:
    """Return where on a slice the body is: what is well brighter than air, and what that encloses."""
    low, high = views.boneWindow
    values = np.nan_to_num(sliceValues(views.fixed, grid), nan=low)
    bright = ndimage.binary_opening(values > low + _AIR_SHARE * (high - low) * 0.5, iterations=2)
    return ndimage.binary_fill_holes(bright)


def _borders(steps: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """Return where a step begins inside a mask."""
    lines = np.zeros(steps.shape, bool)
    lines[:, 1:] |= (steps[:, 1:] != steps[:, :-1]) & mask[:, 1:] & mask[:, :-1]
    lines[1:] |= (steps[1:] != steps[:-1]) & mask[1:] & mask[:-1]
    return lines
