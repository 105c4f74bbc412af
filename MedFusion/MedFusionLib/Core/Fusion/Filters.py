"""Filters on planes laid out as one row of numbers, by plain shifts, and their way to half the resolution and back.

What wraps around at a plane's side ends in the margin and is cut off with it. Sums of pairs are the fastest filters:
the B-spline (1 4 6 4 1) is four of them.
"""

import numpy as np

from .Buffers import Buffers

ENERGY_SCALE = np.float32(1 / 32)  # of what energy() returns


def smoothStep(values: np.ndarray, start: float, stop: float, buffers: Buffers) -> np.ndarray:
    """Return 0 below start, 1 above stop, and a smooth rise between."""
    t = np.multiply(values, np.float32(1 / (stop - start)), out=buffers.take(values.size).reshape(values.shape))
    t -= np.float32(start / (stop - start))
    np.clip(t, 0, 1, out=t)
    rise = np.multiply(t, np.float32(-2), out=buffers.brief.take(values.size).reshape(values.shape))
    rise += 3
    t *= t
    t *= rise
    return t


def halved(plane: np.ndarray, buffers: Buffers) -> np.ndarray:
    """Return the means of a plane's cells of 2x2 voxels in one row.

    :param plane: 2D, both sizes even.
    """
    rows, width = plane.shape
    pairs = buffers.brief.take(rows // 2 * width)
    np.add(plane[0::2], plane[1::2], out=pairs.reshape(rows // 2, width))
    cells = np.add(pairs[0::2], pairs[1::2], out=buffers.take(len(pairs) // 2))
    cells *= np.float32(0.25)
    return cells


def doubled(cells: np.ndarray, rows: range, width: int, factor: float, buffers: Buffers) -> np.ndarray:
    """Return the voxels of some rows of cells times a factor, interpolated linearly, as a plane (2D).

    :param cells: 2D.
    :param rows: of cells; one more is needed on both sides.
    :param width: voxels in a row, twice the cells.
    """
    near = cells[rows.start - 1 : rows.stop + 1].reshape(-1)
    middle = np.multiply(near, np.float32(0.75 * factor), out=buffers.brief.take(len(near)))
    side = np.multiply(near, np.float32(0.25 * factor), out=buffers.brief.take(len(near)))
    wide = buffers.brief.take(2 * len(near))
    np.add(middle[1:], side[:-1], out=wide[2::2])
    np.add(middle[:-1], side[1:], out=wide[1:-1:2])
    wide[0], wide[-1] = middle[0], middle[-1]
    middle = np.multiply(wide, np.float32(0.75), out=buffers.brief.take(len(wide))).reshape(-1, width)
    wide *= np.float32(0.25)
    side = wide.reshape(-1, width)
    voxels = buffers.take(2 * len(rows) * width).reshape(2 * len(rows), width)
    np.add(middle[1:-1], side[:-2], out=voxels[0::2])
    np.add(middle[1:-1], side[2:], out=voxels[1::2])
    return voxels


def smoothInPlane(values: np.ndarray, step: int, width: int, buffers: Buffers) -> np.ndarray:
    """Return 256 times the values smoothed by the B3 spline with gaps of step places along x and y."""
    return _summed(values, (step,) * 4 + (step * width,) * 4, buffers)


def largestOfNine(values: np.ndarray, width: int, buffers: Buffers) -> np.ndarray:
    """Return the largest value of each place and its eight neighbors."""
    for shift in (1, width):
        full = buffers.take(len(values))
        full[:] = values
        np.maximum(full[shift:], values[:-shift], out=full[shift:])
        np.maximum(full[:-shift], values[shift:], out=full[:-shift])
        values = full
    return values


def energy(
    values: np.ndarray, below: np.ndarray | None, above: np.ndarray | None, slope: float, width: int, buffers: Buffers
) -> np.ndarray:
    """Return the squared steps to the neighbors, blurred by (1 2 1)/4 along x and y, over ENERGY_SCALE.

    :param below: the plane before; None to look within the plane only. above: the plane after.
    :param slope: voxel size within the plane over plane distance.
    """
    total, spare = buffers.brief.take(len(values)), buffers.brief.take(len(values))
    for turn, shift in enumerate((1, width)):
        part = np.subtract(values[shift:], values[:-shift], out=spare[shift:])
        part *= part
        if turn:
            total[shift:] += part
        else:
            total[shift:] = part
            total[:shift] = 0
        total[:-shift] += part
    if below is not None and above is not None:
        part = np.subtract(above, below, out=spare)
        if slope != 1:
            part *= np.float32(slope)
        part *= part
        total += part
    return _summed(total, (1, 1, width, width), buffers)


def _summed(values: np.ndarray, shifts: tuple[int, ...], buffers: Buffers) -> np.ndarray:
    """Return the values added to themselves shifted, once for each shift, centered, with zeros around."""
    length = len(values)
    full, spare = buffers.take(length), buffers.brief.take(length)
    if len(shifts) % 2 == 0:
        full, spare = spare, full
    for turn, shift in enumerate(shifts):
        if turn:
            full, spare = spare, full
        rest = len(values) - shift
        start = (length - rest) // 2
        values = np.add(values[:-shift], values[shift:], out=full[start : start + rest])
    full[:start] = 0
    full[start + rest :] = 0
    return full
