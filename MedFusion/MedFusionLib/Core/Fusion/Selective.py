"""The selective fusion: bone of the CT, tissue of the MRIs, and the CT's edges where they say something.

Streaming plane by plane. What is decided smoothly is decided at half the resolution within the plane.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from .Buffers import Buffers
from .CtChanges import faded
from .Filters import ENERGY_SCALE, doubled, energy, fall, largestOfNine, smoothInPlane, smoothStep
from .Inputs import CtKind
from .Planes import Fused, Plane, Strip, meanOf, neighborhoods
from .Settings import FusionSettings

MARGIN = 14  # voxels beside a voxel that take part in its fused value: even, so that all strips have the same cells
LEVELS = 3  # of the smoothing that parts coarse from fine, about 4.5 voxels in all (standard deviation)
_LARGEST_Z_STEP = 64  # slices; far beyond any scanner's, it only keeps senseless spacings from endless work

# Fitted by eye and by Q^AB/F, Soft and Dimmed on the half for development of Testing/Benchmark/FusionBenchmark.py, in
# gray levels of 255 where they are intensities.
_CT_SHARE_IN_TISSUE = np.float32(0.35)  # of its edges' energy that counts away from bone
_MRI_FLOOR = 32.0  # energy of the MRI's noise: below it the MRI's edges say no less than the CT's
_HAZE = 0.25  # of what the CT is brighter than the MRI that stays in the tissue, so that calcifications are seen,
_HAZED_FROM = 60.0  # all of it where the MRI is so bright; fluid that is black in the MRI stays black
_NOISE_PEAKS = 3.0  # times the noise's median energy, that its peaks may draw nothing either
_DIM_RANGE = 110.0  # the CT draws nothing where the MRI is brighter by this
_BONE_DETAIL = 1.6  # of the MRI's dark detail that is drawn in bone where that is asked for
_ROOM = 6.0  # beyond both sources
_FAINTEST = 1e-9
# Bone that fills less of the 5x5 cells around, smoothed, than FLOOR / GAIN is a speck of noise.
_SPECK_GAIN, _SPECK_FLOOR = 3.0, 0.35


@dataclass
class _Cells:
    """A plane on its way: the plane, and what is known of it at half the resolution, each as one row.

    :param images: the sources, one after the other.
    :param coarse: CT less MRIs, then each MRI but the last less the last; smoothed level by level, not divided.
    :param boneNear: largest bone membership around each cell; None where there is no bone.
    :param shares: how much of the fine structure is the CT's, then how much of the MRIs' is each one's but the last's;
        empty until that is known.
    :param solid: 1 where bone has bone around it, 0 for the specks of a noisy CT; None for a CT that is not in 8 bit.
    :param changes: by how much the CT deviates from what is usual; smoothed, not divided.
    """

    plane: Plane
    images: list[np.ndarray]
    coarse: np.ndarray
    boneNear: np.ndarray | None
    solid: np.ndarray | None = None
    shares: np.ndarray = field(default_factory=lambda: np.empty(0, np.float32))
    changes: np.ndarray | None = None


class _Smoothed(Enum):
    """Which of its values is smoothed; the values are the names of the attributes."""

    coarse = "coarse"
    changes = "changes"


def zSteps(settings: FusionSettings, spacing: tuple[float, ...]) -> list[int]:
    """Return for each level how many slices its filter steps along z; 0 where the slices are too thick for it.

    :param spacing: of the reference grid, x, y, z in millimeters.
    """
    reaches = [2**level * min(spacing[:2]) / spacing[2] for level in range(LEVELS)]
    return [0 if settings.sliceWise or reach < 0.999 else min(round(reach), _LARGEST_Z_STEP) for reach in reaches]


def zReach(steps: list[int], showsCtChanges: bool = False) -> int:
    """Return how many slices above and below a slice take part in its fused values."""
    return sum(2 * step for step in steps) * (2 if showsCtChanges else 1) + (2 if steps[0] else 0)


def fuseSelective(planes: Iterator[Plane], strip: Strip, settings: FusionSettings, buffers: Buffers) -> Iterator[Fused]:
    """Yield the fused planes.

    Bone is the CT. Tissue is the MRI (of several MRIs their mean with the fine structure of the clearer one), a part of
    what the CT is smoothly brighter, and the CT's fine structure where its edges have more energy than the MRI's: noise
    does not count, nor is anything drawn into what is bright in the MRI alone.

    :param planes: with a margin of MARGIN voxels.

    Coarse and fine are parted by an undecimated B-spline transform: J.-L. Starck, J. Fadili, F. Murtagh, The
    undecimated wavelet decomposition and its reconstruction, IEEE Trans. Image Process. 16 (2007),
    doi:10.1109/TIP.2006.887733. Soft selection by local energy after P. J. Burt, R. J. Kolczynski, Enhanced image
    capture through fusion, ICCV 1993, doi:10.1109/ICCV.1993.378222.
    """
    spacing = strip.referenceImage.GetSpacing()
    steps = zSteps(settings, spacing)
    width = strip.cellShape[1]
    works: Iterator[_Cells] = (_cells(plane, strip, buffers) for plane in planes)
    scale, changesScale = 1.0, 1.0
    for level, step in enumerate(steps):
        works = _smoothed(works, _Smoothed.coarse, level, step, width, buffers)
        scale *= _smoothingScale(level, step)
    if strip.scales.usualCt is not None:
        for level, step in enumerate(steps[: _changesLevels(spacing)]):
            works = _smoothed(works, _Smoothed.changes, level, step, width, buffers)
            changesScale *= _smoothingScale(level, step)
    reach = 1 if steps[0] else 0
    slope = min(min(spacing[:2]) / spacing[2], _LARGEST_Z_STEP) if reach else 0.0
    works = _shared(works, reach, slope, strip, width, buffers)
    for around in neighborhoods(works, reach):
        work, shares = around[reach], around[reach].shares
        if reach:
            # The choice may change along z only as smoothly as within the plane.
            shares = np.add(around[0].shares, around[2].shares, out=buffers.take(len(shares)))
            shares *= np.float32(0.5)
            shares += work.shares
            shares *= np.float32(0.5)
        if work.plane.fixed.dtype != np.float32:
            fixed = buffers.take(work.plane.fixed.size).reshape(work.plane.fixed.shape)
            np.copyto(fixed, work.plane.fixed, casting="same_kind")
            work.plane = work.plane._replace(fixed=fixed)
        values = _merged(work, shares, scale, strip, settings.mriInBone, buffers)
        yield Fused(work.plane, values, _changes(work, changesScale, strip, buffers))


def _cells(plane: Plane, strip: Strip, buffers: Buffers) -> _Cells:
    images = plane.cells
    mean = meanOf(images[1:])
    coarse = buffers.take((len(images) - 1) * len(mean))
    byRow = coarse.reshape(len(images) - 1, -1)
    np.subtract(images[0], mean, out=byRow[0])
    for row, image in zip(byRow[1:], images[1:-1], strict=True):
        np.subtract(image, images[-1], out=row)
    changes, usual = None, strip.scales.usualCt
    if usual is not None:
        changes = usual.deviation(images[0], mean, strip.scales.hounsfield, buffers)
    if not images[0].max() > strip.scales.bone[0]:
        return _Cells(plane, images, coarse, None, changes=changes)
    width = strip.cellShape[1]
    near, solid = smoothStep(images[0], *strip.scales.bone, buffers), None
    if strip.scales.kind is CtKind.display:
        solid = smoothInPlane(near, 1, width, buffers)
        solid *= np.float32(_SPECK_GAIN / 256)
        solid -= np.float32(_SPECK_FLOOR)
        np.clip(solid, 0, 1, out=solid)
        near *= solid
    byRow[0] *= np.subtract(1, near, out=buffers.brief.take(len(near)))
    return _Cells(plane, images, coarse, largestOfNine(near, width, buffers), solid, changes=changes)


def _changesLevels(spacing: tuple[float, ...]) -> int:
    """Return how many levels smooth the CT's changes over 2 to 3 mm."""
    return LEVELS if min(spacing[:2]) < 0.75 else LEVELS - 1


def _smoothingScale(level: int, zStep: int) -> float:
    return (1 / 256 if level else 1.0) * (1 / 16 if zStep else 1.0)


def _smoothed(
    works: Iterator[_Cells], what: _Smoothed, level: int, zStep: int, width: int, buffers: Buffers
) -> Iterator[_Cells]:
    """Yield each plane with the next level of one of its values, which _smoothingScale() divides."""
    step = 2 ** (level - 1) if level else 0
    waiting: deque[_Cells] = deque()
    # Along z the sums of pairs go on from plane to plane, for each of zStep interleaved series of planes.
    series: list[list[np.ndarray]] = []
    for number, (work, total) in enumerate(_continued(works, what, 2 * zStep)):
        if work is not None:
            waiting.append(work)
        if zStep:
            if not series:  # as if the first plane had been there all the time
                series = [[total * np.float32(2**i) for i in range(4)] for _ in range(zStep)]
            sums = series[number % zStep]
            for i in range(4):
                added = np.add(sums[i], total, out=sums[i])
                sums[i], total = total, added
        if number >= 2 * zStep:
            ready = waiting.popleft()
            setattr(ready, what.value, smoothInPlane(total, step, width, buffers) if step else total)
            yield ready


def _continued(works: Iterator[_Cells], what: _Smoothed, times: int) -> Iterator[tuple[_Cells | None, np.ndarray]]:
    """Yield all planes with what is to be smoothed, then the last one's again, so many times."""
    last = None
    for work in works:
        last = getattr(work, what.value)
        yield work, last
    if last is not None:
        last = last.copy()  # what is yielded is written to
        for _ in range(times):
            yield None, last.copy()


def _shared(
    works: Iterator[_Cells], reach: int, slope: float, strip: Strip, width: int, buffers: Buffers
) -> Iterator[_Cells]:
    """Yield each plane with the shares that its sources have in the fine structure.

    :param reach: 1 to measure along z too.
    :param slope: voxel size within the plane over slice distance.
    """
    noise = _NOISE_PEAKS * strip.scales.ctNoise * (1 + slope**2 / 4)
    for around in neighborhoods(works, reach):
        work = around[reach]
        below, above = (around[0].images, around[2].images) if reach else ([None] * len(work.images),) * 2
        energies = [energy(image, below[i], above[i], slope, width, buffers) for i, image in enumerate(work.images)]
        shares = buffers.take((len(energies) - 1) * len(energies[0]))
        byRow = shares.reshape(len(energies) - 1, -1)
        mri = energies[1]
        if len(energies) > 2:
            floor = np.float32(_MRI_FLOOR * strip.scales.gray**2) / ENERGY_SCALE
            weights = _fourthPowers([energy + floor for energy in energies[1:]])
            byRow[1:] = weights[:-1]
            mri = sum(energy * weight for energy, weight in zip(energies[1:], weights, strict=True))
        byRow[0] = _ctShare(energies[0], mri, work.boneNear, noise, strip.scales.gray, buffers)
        work.shares = shares
        yield work


def _fourthPowers(energies: list[np.ndarray]) -> np.ndarray:
    """Return the fourth powers of energies, one row for each, divided by their sum."""
    weights = np.stack(energies)
    weights /= weights.max(axis=0)
    weights **= 4
    weights /= weights.sum(axis=0)
    return weights


def _ctShare(
    ct: np.ndarray, mri: np.ndarray, boneNear: np.ndarray | None, noise: float, gray: float, buffers: Buffers
) -> np.ndarray:
    """Return the CT's share from both energies, which are overwritten."""
    usual, floor, faintest = (
        np.float32(value) / ENERGY_SCALE for value in (noise, _MRI_FLOOR * gray**2, _FAINTEST * gray**2)
    )
    if boneNear is None:
        ct -= usual
        np.clip(ct, 0, np.inf, out=ct)
        ct *= _CT_SHARE_IN_TISSUE
        mri += floor
    else:
        away = np.subtract(1, boneNear, out=buffers.brief.take(len(ct)))
        part = np.multiply(away, usual, out=buffers.brief.take(len(ct)))
        ct -= part
        np.clip(ct, 0, np.inf, out=ct)
        np.multiply(away, _CT_SHARE_IN_TISSUE - 1, out=part)
        part += 1
        ct *= part
        away *= floor
        mri += away
    ct += faintest
    mri /= ct
    # The eighth power of what is larger would be too large a number.
    np.clip(mri, 0, 1000, out=mri)
    for _ in range(3):
        mri *= mri
    mri += 1
    return np.reciprocal(mri, out=mri)


def _merged(
    work: _Cells, shares: np.ndarray, scale: float, strip: Strip, mriInBone: bool, buffers: Buffers
) -> np.ndarray:
    """Return a plane's fused values in the CT's own units.

    :param shares: as in the plane, smoothed along z; overwritten.
    :param scale: what the coarse differences are to be multiplied by.
    :param mriInBone: draw dark detail of the MRI in bone that is not in HU.
    """
    (ct, *mris), scales = work.plane.sources, strip.scales
    coarse = work.coarse.reshape(len(mris), -1)
    parts = shares.reshape(len(mris), -1)
    coarse *= np.float32(scale)
    _prepareTissue(work.images, coarse[0], parts[0], scales.gray, buffers)
    coarse *= np.float32(1 / 16)
    parts *= np.float32(1 / 16)
    share, base = _voxels(parts[0], strip, buffers), _voxels(coarse[0], strip, buffers)
    mri = mris[0]
    if len(mris) > 1:
        mri = _mergedMri(mris, *([_voxels(row, strip, buffers) for row in rows[1:]] for rows in (coarse, parts)))
    tissue = np.subtract(ct, mri, out=_row(ct, buffers))
    tissue *= share
    tissue += base
    tissue += mri
    limit = np.maximum(ct, mri, out=base)
    limit += np.float32(_ROOM * scales.gray)
    np.minimum(tissue, limit, out=tissue)
    if scales.kind is CtKind.hounsfield:
        # The CT's tissue lies at the dark end of the scale: the skull's steep edge would draw a dark seam.
        np.maximum(tissue, mri, out=tissue)
    else:
        np.minimum(ct, mri, out=limit)
        limit -= np.float32(_ROOM * scales.gray)
        np.maximum(tissue, limit, out=tissue)
    tissue *= np.float32(scales.high - scales.low)
    if scales.low:
        tissue += np.float32(scales.low)
    if work.boneNear is None:
        return tissue
    bone = work.plane.fixed
    away = fall(bone, *scales.boneRange, buffers)
    if work.solid is not None:
        work.solid *= np.float32(1 / 16)
        away -= 1
        away *= _voxels(work.solid, strip, buffers)
        away += 1
    if mriInBone and scales.kind is CtKind.display:
        bone = _displayedBone(ct, mri, work.images, share, strip, buffers)
        bone *= np.float32(scales.high - scales.low)
        bone += np.float32(scales.low)
    # In this form bone is the CT to the last bit where it is nothing but bone.
    np.subtract(bone, tissue, out=tissue)
    tissue *= away
    return np.subtract(bone, tissue, out=tissue)


def _prepareTissue(
    images: list[np.ndarray], coarse: np.ndarray, share: np.ndarray, gray: float, buffers: Buffers
) -> None:
    """Turn the coarse difference of CT and MRI into what of it is added to the MRI, and dim the CT's share.

    Tissue is the MRI, the haze, and by the CT's share the difference of both without the coarse one; half of what the
    CT is smoothly brighter comes with its detail.
    """
    ct, mri = images[0], meanOf(images[1:])
    spare = buffers.brief.take(len(ct))
    dimmed = np.subtract(ct, mri, out=buffers.brief.take(len(ct)))
    dimmed *= np.float32(1 / (_DIM_RANGE * gray))
    dimmed += 1
    np.clip(dimmed, 0, 1, out=dimmed)
    share *= dimmed
    haze = np.clip(coarse, 0, np.inf, out=dimmed)
    np.multiply(haze, np.float32(0.5), out=spare)
    coarse -= spare
    coarse *= share
    np.multiply(mri, np.float32(1 / (_HAZED_FROM * gray)), out=spare)
    np.clip(spare, 0, 1, out=spare)
    haze *= spare
    haze *= np.float32(_HAZE)
    np.subtract(haze, coarse, out=coarse)


def _voxels(cells: np.ndarray, strip: Strip, buffers: Buffers) -> np.ndarray:
    """Return 16 times the voxels of a row of cells, interpolated."""
    return doubled(cells.reshape(strip.cellShape), strip.coreCells, strip.margin, strip.shape, buffers)


def _row(like: np.ndarray, buffers: Buffers) -> np.ndarray:
    return buffers.take(like.size).reshape(like.shape)


def _changes(work: _Cells, scale: float, strip: Strip, buffers: Buffers) -> np.ndarray | None:
    """Return by how much the CT deviates, in its own units, faded towards bone."""
    if work.changes is None:
        return None
    work.changes *= np.float32(scale / 16 / strip.scales.hounsfield)
    changes = faded(_voxels(work.changes, strip, buffers))
    if work.boneNear is not None:
        changes *= fall(work.plane.fixed, *strip.scales.boneRange, buffers)
    return changes


def _mergedMri(mris: list[np.ndarray], coarse: list[np.ndarray], shares: list[np.ndarray]) -> np.ndarray:
    """Return the MRIs' coarse mean with the fine structure of each by its share; MRI less last MRI is in coarse."""
    merged = mris[-1].copy()
    for mri, smooth, share in zip(mris[:-1], coarse, shares, strict=True):
        fine = mri - mris[-1]
        fine -= smooth
        fine *= share
        smooth *= np.float32(1 / len(mris))
        merged += fine
        merged += smooth
    return merged


def _displayedBone(
    ct: np.ndarray, mri: np.ndarray, images: list[np.ndarray], share: np.ndarray, strip: Strip, buffers: Buffers
) -> np.ndarray:
    """Return a CT in gray levels, its bone darker where the MRI has fine dark structure in it and the CT none.

    :param images: CT and first MRI at half the resolution.
    """
    details = []
    for plane, cells in zip((ct, mri), images[:2], strict=True):
        smooth = smoothInPlane(cells, 1, strip.cellShape[1], buffers)
        smooth *= np.float32(-1 / 256 / 16)
        details.append(_voxels(smooth, strip, buffers))
        details[-1] += plane
    own, bone = details
    bone -= np.clip(own, -np.inf, 0, out=own)
    bone *= np.float32(_BONE_DETAIL)
    bone *= 1 - share
    bone += ct
    np.minimum(bone, ct, out=bone)
    return np.maximum(bone, ct * np.float32(0.5), out=bone)
