"""Where the brain is, from an MRI alone: without scalp, skull, orbits, skull base and neck."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Grids import boxAround
from ..Progress import Progress, report, subProgress
from .CoarseGrid import closed, coarseMask, largestPiece, slicesFilled
from .HeadMask import SPACING_MM, Head, HeadFrame
from .MinCut import minCut

# The skull base: height Z over Y (to the back), both in half-axes of the head's ellipsoid; read off two heads.
_FLOOR_Y = np.array([-0.80, -0.70, -0.60, -0.45, -0.35, -0.10, 0.10, 0.25, 0.50, 0.65, 0.80, 1.20])
_FLOOR_Z = np.array([0.05, 0.02, -0.05, -0.25, -0.48, -0.62, -0.80, -0.90, -0.90, -0.78, -0.60, -0.40])
_PITCHES = np.deg2rad(np.arange(-16, 17, 4))
_SHIFTS = np.arange(-0.20, 0.201, 0.05)
_CUT_MM = 3.0
_CUT_COST = 2.5
_USUAL_ML = (600.0, 3000.0)
_FAINT_FLOOR = 0.55
_FLOOR_HIDDEN = "The skull base hardly shows in the MRI, so the brain mask may end above or below it."


@dataclass(frozen=True)
class BrainMask:
    """A brain mask and what speaks against it.

    :param coarse: the mask (0 and 1, float) in voxels of 2 mm along the patient's axes.
    :param depthMm: the depth of each voxel below the skin on the same grid.
    :param doubts: one sentence each, none where nothing does.
    :param notes: where it is less sure than elsewhere.
    """

    coarse: sitk.Image
    depthMm: sitk.Image
    doubts: tuple[str, ...]
    notes: tuple[str, ...]


def brainMask(head: Head, frame: HeadFrame, progress: Progress | None = None) -> BrainMask:
    """Return where the brain is in an MRI of a whole head, whatever its sequence.

    An ellipsoid through the skin gives the frame, a curved floor across its lower half is fitted to dark bone, a
    minimum cut runs through what is dark between brain, skull and floor, and what hangs on by less than 7 mm is peeled
    off. The brain's surface is kept rather than cut, since tumors lie there. Constants by hand on 37 whole heads
    (FLAIR, low-grade glioma) and three T1 heads.

    Smith 2002, doi:10.1002/hbm.10062 (the task); Yuan, Bae, Tai 2010, doi:10.1109/CVPR.2010.5539903 (the cut).
    """
    report(progress, 0.0, "Finding the brain")
    box = boxAround(head.mask, 3)
    part = _Part(head, frame, box)
    mask = _cutOut(part, subProgress(progress, 0.2, 0.8))
    mask = _peeled(part, mask)
    mask |= (part.rho < 0.75) & (part.aboveFloorMm > 12) & (part.depthMm > 18)
    whole = np.zeros(head.mask.shape, bool)
    whole[box] = mask
    report(progress, 1.0, "Brain found")
    notes = (_FLOOR_HIDDEN,) if part.floorCost > _FAINT_FLOOR else ()
    return BrainMask(coarseMask(whole, head.grid), coarseMask(head.depthMm, head.grid), _doubts(mask, frame), notes)


class _Part:
    """The head's box with its voxels' place in the head's frame.

    f is brightness between air (0) and brain (1); rho is 0 at the frame's center and 1 on the skin.
    """

    def __init__(self, head: Head, frame: HeadFrame, box: tuple[slice, ...]) -> None:
        self.frame = frame
        self.depthMm = head.depthMm[box]
        self._center = frame.center - [part.start for part in box]
        within = HeadFrame(self._center, frame.halfAxesMm, frame.pitch, frame.isFitted)
        self.up, self.back, self.left = within.coordinates(self.depthMm.shape)
        z, y = np.broadcast_arrays(self.up, self.back)
        self._inPlaneSquared = (np.maximum(z, 0) ** 2 + y**2)[:, :, 0]
        self.rho = np.sqrt(self._inPlaneSquared[:, :, None] + self.left**2)
        self.f = self._brightness(head, box)
        gradient = np.gradient(ndimage.gaussian_filter(self.f, 0.5))
        steepness = sum((part * (10 / SPACING_MM)) ** 2 for part in gradient)
        self.cost = np.minimum(np.clip((self.f - 0.25) / 0.5, 0.03, 1), np.exp(-steepness) + 0.03)
        self.aboveFloorMm, self.floorCost = self._fittedFloor()

    def _brightness(self, head: Head, box: tuple[slice, ...]) -> np.ndarray:
        """Return the image's values between air and brain."""
        outside = head.values[::2, ::2, ::2][~head.mask[::2, ::2, ::2]]
        air = float(np.percentile(outside, 20)) if len(outside) else float(head.values.min())
        values = head.values[box]
        brain = (self.rho < 0.6) & (self.up > np.interp(self.back, _FLOOR_Y, _FLOOR_Z) + 0.15) & head.mask[box]
        typical = float(np.median(values[brain])) if brain.any() else float(np.median(head.values[head.mask]))
        return np.clip((values - air) / max(typical - air, 1e-6), 0, 3).astype(np.float32)

    def _fittedFloor(self) -> tuple[np.ndarray, float]:
        """Return each voxel's height (mm) above the floor that runs through dark voxels, and its mean cost."""
        y, x = (grid.ravel() for grid in np.meshgrid(np.arange(-0.9, 0.751, 0.04), np.arange(-0.74, 0.741, 0.06)))
        up, back, left = self.frame.halfAxesMm
        best, bestCost, bestRaw = (0.0, 0.0), np.inf, 1.0
        for pitch in _PITCHES:
            for shift in _SHIFTS:
                z = (np.interp(y, _FLOOR_Y, _FLOOR_Z) + shift) * up
                turn, slope = np.cos(self.frame.pitch + pitch), np.sin(self.frame.pitch + pitch)
                index = np.stack([turn * z - slope * y * back, slope * z + turn * y * back, x * left]) / SPACING_MM
                index = np.rint(index + self._center[:, None]).astype(int)
                inside = ((index >= 0) & (index < np.array(self.f.shape)[:, None])).all(axis=0)
                place = tuple(index[:, inside])
                deep = self.depthMm[place] > 10
                if deep.sum() < 0.2 * len(y):
                    continue
                raw = float(self.cost[place][deep].mean())
                cost = raw + 0.03 * (np.rad2deg(pitch) / 12) ** 2 + 0.03 * (shift / 0.15) ** 2
                if cost < bestCost:
                    best, bestCost, bestRaw = (pitch, shift), cost, raw
        pitch, shift = best
        turn, slope = np.cos(pitch), np.sin(pitch)
        z, y = self.up * up, self.back * back
        heights = turn * z + slope * y - (np.interp((turn * y - slope * z) / back, _FLOOR_Y, _FLOOR_Z) + shift) * up
        return np.broadcast_to(heights.astype(np.float32), self.f.shape), bestRaw


def _cutOut(part: _Part, progress: Progress | None) -> np.ndarray:
    """Return the largest piece of what a minimum cut leaves as brain, on the part's 2 mm grid."""
    zoom = SPACING_MM / _CUT_MM
    shape = tuple(max(round(n * zoom), 2) for n in part.f.shape)

    def coarser(array: np.ndarray) -> np.ndarray:
        return ndimage.zoom(array, np.array(shape) / array.shape, order=1, mode="nearest", grid_mode=True)

    depth, rho, above = coarser(part.depthMm), coarser(part.rho), coarser(part.aboveFloorMm)
    meanAxis = float(part.frame.halfAxesMm.mean())
    side = np.minimum((depth - 11) / 6, (0.87 - rho) * meanAxis / 8)
    unary = np.clip(np.minimum(side, above / 20), -1, 1)
    unary -= np.where(depth < 25, 0.4 * np.clip((0.5 - coarser(part.f)) / 0.25, 0, 1), 0)
    unary[(rho < 0.65) & (above > 15)] = 2
    unary[depth < 5] = -3
    labeling = minCut(unary, _CUT_COST * coarser(part.cost), None, 200, progress=progress)
    found = ndimage.binary_fill_holes(largestPiece(labeling > 0.5))
    found = closed(found, 6 / _CUT_MM)
    fine = np.array(part.f.shape) / shape
    return ndimage.zoom(found.astype(np.float32), fine, order=1, mode="nearest", grid_mode=True) > 0.5


def _peeled(part: _Part, mask: np.ndarray) -> np.ndarray:
    """Return the mask without what hangs on the brain by less than 14 mm, such as eyes and muscle."""
    tissue = ndimage.binary_fill_holes(mask & (part.f > 0.5))
    core = largestPiece(
        ndimage.distance_transform_edt(np.pad(tissue, ((1, 1), (0, 0), (0, 0)), "edge"))[1:-1] > 7 / SPACING_MM
    )
    if not core.any():
        return mask
    grown = tissue & (ndimage.distance_transform_edt(~core) <= 8 / SPACING_MM)
    return slicesFilled(closed(grown, 10 / SPACING_MM)) & mask


def _doubts(mask: np.ndarray, frame: HeadFrame) -> tuple[str, ...]:
    """Return what speaks against a mask."""
    doubts = []
    volume = float(mask.sum()) * SPACING_MM**3 / 1000
    if not _USUAL_ML[0] < volume < _USUAL_ML[1]:
        usual = f"{_USUAL_ML[0]:.0f} to {_USUAL_ML[1]:.0f}"
        doubts.append(f"The brain mask found in the MRI has {volume:.0f} ml, which is unusual ({usual}).")
    if not frame.isFitted:
        doubts.append("The head's outline is not an ellipsoid, so the brain mask is rough.")
    return tuple(doubts)
