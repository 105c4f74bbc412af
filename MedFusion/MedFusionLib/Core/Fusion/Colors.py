"""Fused planes in color."""

import numpy as np

from .Buffers import Buffers
from .CtChanges import MOST_HU
from .Filters import smoothStep
from .Inputs import FusionScales
from .Planes import Fused, meanOf
from .Settings import ColorStyle

# Chosen by eye: ivory.
_BONE_TINT = np.array([1.0, 0.86, 0.55], np.float32)
# Blue and orange stay apart for eyes that confuse red and green.
_LESS_DENSE = np.array([0.15, 0.45, 1.0], np.float32)
_DENSER = np.array([1.0, 0.55, 0.0], np.float32)
_SECOND = np.array([1.0, 0.2, 0.1], np.float32)
_MIDDLE_GRAY, _BRIGHT_GRAY = 0.5, 0.85  # of the second MRI, where its tint begins and is full


def colored(fused: Fused, scales: FusionScales, style: ColorStyle) -> np.ndarray:
    """Return RGB, 0 to 255, of a fused plane; Settings.COLOR_LEGENDS says what it shows."""
    plane = fused.plane
    span = scales.high - scales.low
    ofTissue = np.float32(span / (scales.tissueTop - scales.low))
    ofWindow = np.float32(span / (scales.window[1] - scales.low))
    if fused.values is not None:
        gray = np.clip((fused.values - scales.low) / (scales.window[1] - scales.low), 0, 1)
        rgb = gray[..., None].repeat(3, axis=-1)
        if style is ColorStyle.changes and fused.changes is not None:
            share = np.clip(fused.changes * np.float32(1 / MOST_HU), -1, 1)
            rgb = _tinted(gray, np.maximum(share, 0), _DENSER)
            rgb = _tinted(rgb, np.maximum(-share, 0), _LESS_DENSE)
        elif plane.tint is not None:
            rgb = _tinted(gray, smoothStep(plane.tint * ofTissue, _MIDDLE_GRAY, _BRIGHT_GRAY, Buffers()) * 0.6, _SECOND)
        return np.rint(255 * rgb).astype(np.uint8)
    fixed, gray = plane.sources[0], meanOf(plane.sources[1:])
    gray = np.clip(gray * ofTissue, 0, 1)
    if style is ColorStyle.overlay:
        ct = np.clip(fixed * ofWindow, 0, 1)
        rgb = np.stack([ct, gray, ct], axis=-1)
    else:
        bone = smoothStep(fixed, *scales.bone, Buffers())[..., None]
        rgb = gray[..., None] * (1 - bone) + bone * _BONE_TINT * (0.45 + 0.55 * fixed[..., None])
    return np.rint(255 * rgb).astype(np.uint8)


def _tinted(picture: np.ndarray, share: np.ndarray, color: np.ndarray) -> np.ndarray:
    """Return a gray or color picture with a share of a color laid over it."""
    if picture.ndim == 2:
        picture = picture[..., None]
    return picture * (1 - share[..., None]) + share[..., None] * color
