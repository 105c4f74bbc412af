"""Lesions that were pointed at one by one and whose outlines meet."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import indicesAt, pointsAt

# Chosen by hand on two balls that touch, of the same and of different size.
_BESIDE_MM = 3.0
_MOST_INSIDE = 0.3


@dataclass(frozen=True)
class Ball:
    """The ball that a line, or an outline around a click, stands for; LPS millimeters."""

    center: np.ndarray
    radiusMm: float


def apart(masks: list[np.ndarray], balls: list[Ball], grid: sitk.Image) -> list[np.ndarray]:
    """Return masks (KJI) that do not overlap, whatever their order.

    A voxel of several goes to the one whose ball it lies deepest in, as a share of the ball's radius.
    """
    overlap = np.sum(masks, axis=0) > 1
    if not overlap.any():
        return masks
    places = np.argwhere(overlap)
    points = pointsAt(grid, places[:, ::-1].astype(float))
    index = tuple(places.T)
    shares = np.stack(
        [
            np.where(mask[index], np.linalg.norm(points - ball.center, axis=1) / ball.radiusMm, np.inf)
            for mask, ball in zip(masks, balls, strict=True)
        ]
    )
    owner = np.argmin(shares, axis=0)
    separate = []
    for number, mask in enumerate(masks):
        own = mask.copy()
        own[index] = owner == number
        separate.append(own)
    return separate


def linesInside(masks: list[np.ndarray], lines: np.ndarray, grid: sitk.Image) -> tuple[str, ...]:
    """Return a sentence for each line that lies in another line's outline.

    :param masks: the outlines (KJI) before they were set apart.
    """
    doubts = []
    shifts = np.concatenate([np.eye(3), -np.eye(3)]) * _BESIDE_MM  # another line's own voxels are left out of a mask
    for number, line in enumerate(lines):
        along = line[0] + np.linspace(0.1, 0.9, 17)[:, None] * (line[1] - line[0])
        index = np.rint(indicesAt(grid, (along[:, None] + shifts).reshape(-1, 3))).astype(int)[:, ::-1]
        for other, mask in enumerate(masks):
            if other == number:
                continue
            within = ((index >= 0) & (index < mask.shape)).all(axis=1)
            inside = mask[tuple(np.where(within[:, None], index, 0).T)] & within
            share = float(inside.mean())
            if share > _MOST_INSIDE:
                doubts.append(
                    f"Line {number + 1} lies in the outline of line {other + 1} ({share:.0%} of its surroundings); the "
                    "lesions touch, and where one ends is drawn by their lines' lengths."
                )
    return tuple(doubts)
