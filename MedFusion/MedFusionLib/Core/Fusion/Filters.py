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


def fall(values: np.ndarray, start: float, stop: float, buffers: Buffers) -> np.ndarray:
    """Return 1 below start, exactly 0 from stop on, and a smooth fall between: 1 less smoothStep()."""
    width = stop - start
    t = np.clip(values, np.float32(start), np.float32(stop), out=buffers.take(values.size).reshape(values.shape))
    t -= np.float32(stop)
    rise = np.multiply(t, np.float32(2 / width**3), out=buffers.brief.take(values.size).reshape(values.shape))
    rise += np.float32(3 / width**2)
    t *= t
    t *= rise
    return t


def halved(plane: np.ndarray, out: np.ndarray, buffers: Buffers) -> None:
    """Fill an array with the means of a plane's cells of 2x2 voxels; both sizes of the plane are even."""
    rows, width = plane.shape
    pairs = buffers.brief.take(rows // 2 * width).reshape(rows // 2, width)
    np.add(plane[0::2], plane[1::2], out=pairs)
    np.add(pairs[:, 0::2], pairs[:, 1::2], out=out)
    out *= np.float32(0.25)


def doubled(cells: np.ndarray, rows: range, margin: int, shape: tuple[int, int], buffers: Buffers) -> np.ndarray:
    """Return 16 times the voxels of some rows of cells, interpolated linearly.

    :param cells: 2D.
    :param rows: of cells; one more is needed on both sides.
    :param margin: voxels beside the wanted ones.
    :param shape: rows and columns of voxels that are wanted.
    """
    near = cells[rows.start - 1 : rows.stop + 1].reshape(-1)
    thrice = np.multiply(near, np.float32(3), out=buffers.brief.take(len(near)))
    wide = buffers.brief.take(2 * len(near))
    np.add(thrice[1:], near[:-1], out=wide[2::2])
    np.add(thrice[:-1], near[1:], out=wide[1:-1:2])
    wide[0], wide[-1] = thrice[0], thrice[-1]
    thrice = np.multiply(wide, np.float32(3), out=buffers.brief.take(len(wide)))
    single, threefold = (row.reshape(len(rows) + 2, -1)[:, margin : margin + shape[1]] for row in (wide, thrice))
    voxels = buffers.take(2 * len(rows) * shape[1]).reshape(-1, shape[1])
    np.add(threefold[1:-1], single[:-2], out=voxels[0::2])
    np.add(threefold[1:-1], single[2:], out=voxels[1::2])
    return voxels[: shape[0]]


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
