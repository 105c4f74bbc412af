"""The outlines as surfaces, with the skull faint before and behind them, drawn from the voxels."""

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Core.Images.Grids import emptyImage
from ..Core.Images.Transforms import IDENTITY
from .Pictures import Color
from .Views import Views

_VOXEL_MM = 1.25
_BONE_SHARE = 0.42  # of the bone window, 300 HU
_SKULL_OPACITY = 0.45
_LIGHT = np.array([-0.35, -0.45, 0.82])  # from the viewer's upper left


def surfacePictures(views: Views) -> dict[str, np.ndarray]:
    """Return the outlines seen from the front and from the side that is nearer to them, as RGB bytes.

    The first voxel along each line of sight is shaded by how its depth changes; nothing else than arrays is needed,
    so the pictures are the same on every computer.
    """
    tumor = views.document.tumor
    if tumor is None:
        return {}
    grid = _grid(views.box)
    skull = _values(views.fixed, grid) > np.interp(_BONE_SHARE, (0, 1), views.boneWindow)
    labels = _labels(tumor.result.labelImage, grid)
    groups = [(np.isin(labels, values), color) for values, color in views.tissueColors]
    isLeft = views.center[0] > np.mean(views.box, axis=0)[0]
    sides = {"front": (1, False), "left side" if isLeft else "right side": (2, isLeft)}
    return {
        f"seen from the {name}": _seen(skull, groups, axis, isBackward) for name, (axis, isBackward) in sides.items()
    }


def _grid(box: np.ndarray) -> sitk.Image:
    """Return an empty grid over the head whose array axes run to superior, posterior and left."""
    counts = np.ceil(np.ptp(box, axis=0) / _VOXEL_MM).astype(int) + 1
    return emptyImage(counts.tolist(), [_VOXEL_MM] * 3, box[0], np.eye(3))


def _values(image: sitk.Image, grid: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.Resample(image, grid, IDENTITY, sitk.sitkLinear, -1e4, sitk.sitkFloat32))


def _labels(labels: sitk.Image, grid: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(sitk.Resample(labels, grid, IDENTITY, sitk.sitkNearestNeighbor))


def _seen(skull: np.ndarray, groups: list[tuple[np.ndarray, Color]], axis: int, isBackward: bool) -> np.ndarray:
    """Return what is seen along an array axis, superior on top, the patient's right or anterior side on the left."""
    bone, _ = _shaded(skull, axis, isBackward)
    picture = np.full((*bone.shape, 3), 24.0)
    picture += _SKULL_OPACITY * bone[..., None] * np.array([215.0, 208.0, 190.0])
    nearest = np.full(bone.shape, np.inf)
    for mask, color in groups:
        light, depth = _shaded(mask, axis, isBackward)
        isNearer = (light > 0) & (depth < nearest)
        picture[isNearer] = light[isNearer][:, None] * np.array(color)
        nearest[isNearer] = depth[isNearer]
    upright = np.flipud(picture)
    # Columns run to posterior or left: from the left side and from the front they are seen so, from the right turned.
    return np.clip(np.rint(np.fliplr(upright) if axis == 2 and not isBackward else upright), 0, 255).astype(np.uint8)


def _shaded(mask: np.ndarray, axis: int, isBackward: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return how light (0 to 1) a mask's first voxels along an axis are, 0 where there are none, and their depth."""
    along = np.flip(mask, axis) if isBackward else mask
    depth = np.argmax(along, axis=axis).astype(float)
    isHit = along.any(axis=axis)
    if not isHit.any():
        return np.zeros(isHit.shape), depth
    smooth = ndimage.gaussian_filter(np.where(isHit, depth, depth[isHit].mean()), 1.0)
    down, right = np.gradient(smooth)
    normals = -np.stack([right, down, -np.ones_like(down)], axis=-1)
    light = (normals @ np.array([_LIGHT[0], -_LIGHT[1], _LIGHT[2]])) / np.linalg.norm(normals, axis=-1)
    return np.where(isHit, np.clip(0.3 + 0.7 * light, 0.15, 1), 0.0), depth
