"""What an MRI shows of the head, judged from its shape."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Voxels import everyNth
from .HeadMask import SPACING_MM, Head, HeadFrame

# Read off 91 stripped and 117 whole heads, and some T1 and T1c, so that none was mistaken; rays by time.
_CONSTANT_SHARE = 0.2
_MOST_RING_SHARE = 0.19
_MOST_FALL = 1.4
_RAYS = 96
_CROPPED_SHARE = 0.5
_LEAST_HEAD_ML = 400.0


class ImageKind(Enum):
    """What of the head an MRI holds."""

    stripped = "brain without its skull"
    whole = "whole head"
    cropped = "part of a head"


@dataclass(frozen=True)
class HeadShape:
    """What tells a whole head from a brain without its skull.

    :param constantShare: share of the voxels that hold the most frequent value.
    :param ringShare: share of the rays from outside that cross something bright, something dark, something bright.
    :param fall: brightness of what lies before the darkest layer below the surface over that layer's.
    :param croppedShare: share of the sides of the field of view that lie inside the head.
    :param volumeMl: of what stands out from the air; in a part of a head that may be the lesion alone.
    """

    constantShare: float
    ringShare: float
    fall: float
    croppedShare: float
    volumeMl: float

    @property
    def kind(self) -> ImageKind:
        """Return what the image shows.

        A scanner's air is noise, but zeroed air and a removed face look like a stripped image's outside; so a brain
        without its skull must lack the skull, too. Limits read off 91 stripped and 117 whole images.
        """
        if self.croppedShare > _CROPPED_SHARE or self.volumeMl < _LEAST_HEAD_ML:
            return ImageKind.cropped
        isStripped = (
            self.constantShare >= _CONSTANT_SHARE and self.ringShare <= _MOST_RING_SHARE and self.fall <= _MOST_FALL
        )
        return ImageKind.stripped if isStripped else ImageKind.whole


def constantValue(image: sitk.Image) -> tuple[float, float]:
    """Return the most frequent value of an image and the share of the voxels that hold it."""
    sample = everyNth(image, 3)
    found, counts = np.unique(sample, return_counts=True)
    return found[np.argmax(counts)].item(), float(counts.max() / sample.size)


def headShape(constantShare: float, head: Head, frame: HeadFrame) -> HeadShape:
    """Return what a head's shape says about the kind of its image."""
    up, _, _ = frame.coordinates(head.mask.shape)
    level = up[:, int(np.clip(round(frame.center[1]), 0, up.shape[1] - 1)), 0]
    held = np.flatnonzero(head.mask.any(axis=(1, 2))).tolist()
    middle = [k for k in held if 0 < level[k] < 0.7] or list(held[len(held) // 3 : 2 * len(held) // 3 + 1])
    mask = head.mask[middle]
    sides = np.concatenate([part.ravel() for part in (mask[:, :2], mask[:, -2:], mask[:, :, :2], mask[:, :, -2:])])
    ring = _ringShare(head, frame, middle[:: max(len(middle) // 15, 1)])
    return HeadShape(constantShare, ring, _fall(head, middle), float(sides.mean()), head.volumeMl)


def _ringShare(head: Head, frame: HeadFrame, slices: list[int]) -> float:
    """Return the share of rays from the skin inward that cross a dark layer between two bright ones."""
    angles = np.linspace(0, 2 * np.pi, _RAYS, endpoint=False)
    radii = np.arange(0, 160, SPACING_MM) / SPACING_MM
    rows = frame.center[1] + radii[:, None] * np.cos(angles)
    columns = frame.center[2] + radii[:, None] * np.sin(angles)
    inward = np.arange(int(30 / SPACING_MM))
    upToGap, outer, inner = (int(mm / SPACING_MM) for mm in (16, 8, 18))
    crossed, total = 0, 0
    for position in slices:
        places = np.stack([rows, columns])
        held = ndimage.map_coordinates(head.mask[position].astype(np.float32), places, order=1) > 0.5
        values = ndimage.map_coordinates(head.values[position], places, order=1)
        border = len(radii) - 1 - np.argmax(held[::-1], axis=0)
        rays = np.flatnonzero(held.any(axis=0) & (border >= len(inward)))
        profiles = values[border[rays] - inward[:, None], rays]
        start = np.argmax(profiles[: outer + 1], axis=0)
        bright = profiles[start, np.arange(len(rays))]
        beyond = np.where(inward[: upToGap + 1, None] >= start, profiles[: upToGap + 1], np.inf)
        crossed += int((beyond.min(axis=0) < 0.65 * np.minimum(bright, np.median(profiles[inner:], axis=0))).sum())
        total += len(rays)
    return crossed / total if total else 0.0


def _fall(head: Head, slices: list[int]) -> float:
    """Return how far brightness falls from the surface to the darkest layer 4 to 16 mm below it."""
    depth, values = head.depthMm[slices], head.values[slices]
    shells = [values[(depth > low) & (depth <= low + 2)] for low in range(0, 16, 2)]
    medians = [float(np.median(shell)) if len(shell) else np.nan for shell in shells]
    if np.isnan(medians).any():
        return 1.0
    darkest = 2 + int(np.argmin(medians[2:]))
    return max(medians[: darkest + 1]) / max(medians[darkest], 1e-6)
