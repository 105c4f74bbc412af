"""Voxels of large images, a part at a time.

An image that a volume node shows shares its memory with the node, and SimpleITK copies all of it for an array view. So
what comes from outside is read here, in slabs or with steps; filters take it as it is.
"""

import ctypes
from collections.abc import Iterator

import numpy as np
import SimpleITK as sitk

# Chosen by memory; it changes no value.
_SLICES_AT_ONCE = 8
_COLOR_TOLERANCE = 8  # gray levels by which the colors of a gray JPEG may differ


def slabs(image: sitk.Image, thickness: int = _SLICES_AT_ONCE) -> Iterator[tuple[int, sitk.Image]]:
    """Yield an image slab by slab, each with the number of its first slice."""
    width, height, depth = image.GetSize()
    for start in range(0, depth, thickness):
        yield start, sitk.RegionOfInterest(image, [width, height, min(thickness, depth - start)], [0, 0, start])


def everyNth(image: sitk.Image, *steps: int) -> np.ndarray:
    """Return every so many voxels of an image as an array (KJI).

    :param steps: along i, j and k, or one for all of them.
    """
    i, j, k = steps * 3 if len(steps) == 1 else steps
    if image.IsUnique() and image.GetDimension() == 3:
        return sitk.GetArrayViewFromImage(image)[::k, ::j, ::i].copy()
    return sitk.GetArrayFromImage(image[::i, ::j, ::k])


def extremes(image: sitk.Image) -> tuple[float, float]:
    """Return the smallest and the largest value of an image, not a number if one of its values is none."""
    views = (sitk.GetArrayViewFromImage(slab) for _start, slab in slabs(image))
    ends = np.array([(view.min(), view.max()) for view in views])
    return float(ends[:, 0].min()), float(ends[:, 1].max())


def writableVoxels(image: sitk.Image) -> np.ndarray:
    """Return the voxels of a fresh image for writing; SimpleITK itself offers only views for reading and copies."""
    view = sitk.GetArrayViewFromImage(image)
    memory = (ctypes.c_char * view.nbytes).from_address(view.ctypes.data)
    return np.frombuffer(memory, dtype=view.dtype).reshape(view.shape)  # type: ignore[call-overload]


def fewSlices(image: sitk.Image, count: int) -> Iterator[np.ndarray]:
    """Yield at most so many slices, evenly spread over an image, as float32."""
    width, height, depth = image.GetSize()
    for k in np.unique(np.linspace(0, depth - 1, min(count + 2, depth)).round().astype(int)):
        if depth > count and k in (0, depth - 1):
            continue
        if image.IsUnique():  # or else a view would make a copy of the whole image
            yield sitk.GetArrayViewFromImage(image)[k].astype(np.float32)
            continue
        slab = sitk.RegionOfInterest(image, [width, height, 1], [0, 0, int(k)])
        yield sitk.GetArrayFromImage(slab)[0].astype(np.float32, copy=False)


def grayLevels(colors: np.ndarray) -> np.ndarray | None:
    """Return the gray levels of pixels whose colors agree, None where they do not.

    :param colors: the last axis holds the colors, with or without opacity.
    """
    own = colors[..., :3].astype(np.int32)
    if np.percentile(np.ptp(own, axis=-1), 99) > _COLOR_TOLERANCE:
        return None
    return colors[..., min(1, own.shape[-1] - 1)].astype(np.uint8)
