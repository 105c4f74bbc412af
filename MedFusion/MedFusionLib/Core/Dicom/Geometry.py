"""Put image planes on a regular grid, every voxel at its true patient position."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Progress import Progress, report
from .Slices import DicomSlice

# Positions are written with rounding; below a tenth of a millimeter a stack counts as regular.
POSITION_TOLERANCE_MM = 0.1
WIDEST_GAP_MM = 25.0


@dataclass(frozen=True)
class SliceGrid:
    """The regular grid of a stack of slices (LPS mm) and what had to be corrected to get there."""

    origin: np.ndarray
    direction: np.ndarray
    spacing: np.ndarray
    size: tuple[int, int, int]
    isRegular: bool
    warnings: tuple[str, ...] = ()


def gridOfSlices(slices: tuple[DicomSlice, ...]) -> SliceGrid:
    """Return the grid on which the slices are to be shown: their own where they are regular, else a finer regular one.

    :param slices: in order along their normal, all of one orientation and matrix.
    :raises ValueError: if the stack cannot be corrected.
    """
    if len(slices) < 2:
        raise ValueError("The DICOM series holds a single slice; a volume needs at least 2.")
    first = slices[0]
    row, column = np.array(first.rowDirection), np.array(first.columnDirection)
    row = row / np.linalg.norm(row)
    column = column - row * (row @ column)
    column = column / np.linalg.norm(column)
    normal = np.cross(row, column)
    direction = np.column_stack([row, column, normal])
    local = np.array([s.position for s in slices]) @ direction  # along rows, columns and normal, mm
    distances = np.diff(local[:, 2])
    median = float(np.median(distances))
    if median > WIDEST_GAP_MM:
        raise ValueError(f"The slices are {median:.0f} mm apart; no volume can be made of them.")
    if distances.max() > WIDEST_GAP_MM:
        at = int(np.argmax(distances))
        raise ValueError(
            f"Between slice {at + 1} and {at + 2} of {len(slices)} there is a gap of {distances.max():.1f} mm "
            f"(the usual distance is {median:.1f} mm); the series is incomplete: export it again."
        )
    step = (local[-1, 2] - local[0, 2]) / (len(slices) - 1)
    lateral = local[:, :2] - local[:, :2].mean(axis=0)
    uneven = local[:, 2] - np.polyval(np.polyfit(np.arange(len(slices)), local[:, 2], 1), np.arange(len(slices)))
    isSheared = bool(np.abs(lateral).max() > POSITION_TOLERANCE_MM)
    isUneven = bool(np.abs(uneven).max() > POSITION_TOLERANCE_MM)
    inPlane = np.array(first.spacing)
    if not isSheared and not isUneven:
        corner = np.array([*local[:, :2].mean(axis=0), local[0, 2]])
        size = (first.columns, first.rows, len(slices))
        return SliceGrid(direction @ corner, direction, np.array([*inPlane, step]), size, True)
    low, high = local[:, :2].min(axis=0), local[:, :2].max(axis=0)
    extra = np.ceil((high - low) / inPlane - 1e-3).astype(int)
    length = local[-1, 2] - local[0, 2]
    count = int(round(length / max(distances.min(), inPlane.min()))) + 1 if isUneven else len(slices)
    count = max(count, len(slices))
    spacing = np.array([*inPlane, length / (count - 1)])
    size = (first.columns + int(extra[0]), first.rows + int(extra[1]), count)
    warnings = _describe(local, distances, spacing[2], isSheared, isUneven)
    return SliceGrid(direction @ np.array([*low, local[0, 2]]), direction, spacing, size, False, warnings)


def _describe(
    local: np.ndarray, distances: np.ndarray, spacing: float, isSheared: bool, isUneven: bool
) -> tuple[str, ...]:
    warnings = []
    if isSheared:
        travel = local[-1] - local[0]
        angle = float(np.degrees(np.arctan2(np.linalg.norm(travel[:2]), travel[2])))
        straight = np.abs(local[:, :2] - local[:1, :2] - np.outer((local[:, 2] - local[0, 2]) / travel[2], travel[:2]))
        if straight.max() <= 10 * POSITION_TOLERANCE_MM and angle > 0.5:
            warnings.append(f"The gantry was tilted by {angle:.1f} degrees; resampled to a straight grid.")
        else:
            warnings.append("The slices are shifted against each other; resampled to a straight grid.")
    if isUneven:
        different = sorted({round(float(d), 1) for d in distances})
        listed = ", ".join(f"{d:g}" for d in different[:6]) + (" ..." if len(different) > 6 else "")
        warnings.append(f"The slice distances differ ({listed} mm); resampled to one of {spacing:.2f} mm.")
        median = float(np.median(distances))
        missing = np.abs(distances / median - np.round(distances / median)) < 0.05
        wide = missing & (np.round(distances / median) >= 2)
        if wide.any() and np.isclose(distances, median, rtol=0.05).mean() > 0.7:
            count = int((np.round(distances / median)[wide] - 1).sum())
            warnings.append(f"{count} slices seem to be missing; the gaps were filled from the neighbors.")
    return tuple(warnings)


def imageOnGrid(
    planes: list[np.ndarray],
    slices: tuple[DicomSlice, ...],
    grid: SliceGrid,
    background: float,
    progress: Progress | None = None,
) -> sitk.Image:
    """Return the planes as an image on the grid, interpolated linearly where the grid differs from the slices.

    :param planes: pixel values, one array (row, column) for each slice.
    :param background: value where no slice reaches.
    """
    dtype = _smallestType(planes)
    if grid.isRegular:
        array: np.ndarray = np.stack([plane.astype(dtype, copy=False) for plane in planes])
    else:
        array = _resampled(planes, slices, grid, background, dtype, progress)
    image = sitk.GetImageFromArray(array)
    image.SetOrigin(grid.origin.tolist())
    image.SetSpacing(grid.spacing.tolist())
    image.SetDirection(grid.direction.ravel().tolist())
    return image


def _smallestType(planes: list[np.ndarray]) -> type:
    if any(plane.dtype.kind == "f" for plane in planes):
        return np.float32
    low, high = min(int(p.min()) for p in planes), max(int(p.max()) for p in planes)
    fitting = [kind for kind in (np.int16, np.int32) if low >= np.iinfo(kind).min and high <= np.iinfo(kind).max]
    return fitting[0] if fitting else np.float64


def _resampled(
    planes: list[np.ndarray],
    slices: tuple[DicomSlice, ...],
    grid: SliceGrid,
    background: float,
    dtype: type,
    progress: Progress | None,
) -> np.ndarray:
    """Slide each plane to its lateral place, then blend neighboring planes by their distance along the normal."""
    local = (np.array([s.position for s in slices]) - grid.origin) @ grid.direction
    shifts = local[:, :2] / grid.spacing[:2]
    columns, rows, count = grid.size
    array: np.ndarray = np.empty((count, rows, columns), dtype)
    placed: dict[int, np.ndarray] = {}

    def place(index: int) -> np.ndarray:
        for old in [key for key in placed if key < index - 1]:
            del placed[old]
        if index not in placed:
            placed[index] = _shifted(planes[index], (rows, columns), shifts[index])
        return placed[index]

    for k in range(count):
        report(progress, k / count, "Resampling slices")
        along = min(max(k * grid.spacing[2], local[0, 2]), local[-1, 2])
        lower = min(int(np.searchsorted(local[:, 2], along, side="right")) - 1, len(slices) - 2)
        weight = (along - local[lower, 2]) / (local[lower + 1, 2] - local[lower, 2])
        if weight < 1e-6 or weight > 1 - 1e-6:
            blended = place(lower + round(weight)).copy()
        else:
            blended = (1 - weight) * place(lower) + weight * place(lower + 1)
        blended[np.isnan(blended)] = background
        array[k] = np.round(blended) if np.issubdtype(dtype, np.integer) else blended
    return array


def _shifted(plane: np.ndarray, shape: tuple[int, int], shift: np.ndarray) -> np.ndarray:
    """Return the plane moved by (column, row) pixels on a larger canvas, NaN where it does not reach."""
    whole = np.floor(shift + 1e-6).astype(int)
    moved = np.full(shape, np.nan, np.float32)
    moved[whole[1] : whole[1] + plane.shape[0], whole[0] : whole[0] + plane.shape[1]] = plane
    for axis, fraction in ((1, shift[0] - whole[0]), (0, shift[1] - whole[1])):
        if fraction > 1e-6:
            before = np.full_like(moved, np.nan)
            np.moveaxis(before, axis, 0)[1:] = np.moveaxis(moved, axis, 0)[:-1]
            moved = (1 - fraction) * moved + fraction * before
    return moved
