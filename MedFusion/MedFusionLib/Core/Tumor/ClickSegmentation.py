"""The tumor outlined from one click."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Coordinates import flipPoints
from ..Images.Grids import boxAround
from ..Images.Intensities import robustSpread
from ..Progress import Progress, report, subProgress
from .CutRefinement import refineByCut
from .HalfMaximum import atHalfMaximum
from .LineSegmentation import acrossRim, outlineFromLine
from .Outline import Outline
from .TumorEvidence import airLevel, filled, gradients, neighbors
from .WorkingRegion import WorkingRegion, workingRegion

# Fitted on 11 of 25 glioma cases by mean Dice of simulated clicks; what nests, and what lies at the mask, on the
# DEV half of Testing/Benchmark/OutlineBenchmark.py.
_FAR_MM = 70.0
_NEAR_MM = 28.0
_MOST_VOXELS = 120_000
_LEVELS = np.linspace(0.25, 6, 24)
_VOLUMES_ML = (0.1, 400.0)
_MOST_DARK_ML = 60.0  # the dark middle of a lesion; larger dark regions on T1c are brain around it (head-b)
_MOST_ENHANCING_ML = 200.0  # where tumors need not be bright on the whole, brighter tissue is white matter (head-a)
_MOST_ON_EDGE = 0.05
_MOST_AT_MASK = 0.3
_NESTED_VOLUMES = 1.5
_NESTED_SCORE = 0.7
LARGER = "the larger of two nested outlines"


class NothingStandsOut(ValueError):
    """There is no lesion at a click."""


def outlineFromClick(
    image: sitk.Image,
    seed: np.ndarray,
    allowed: sitk.Image | None = None,
    progress: Progress | None = None,
    isBright: bool = False,
) -> Outline:
    """Return the tumor around a click.

    A ladder of thresholds, above and below the tissue's median, each gives the component that holds the click or
    encloses it; the one with the sharpest border, clear contrast and largest volume is refined by minimum cuts.

    :param seed: LPS millimeters, shape (3,).
    :param allowed: where a tumor can be; None takes all of the image.
    :param isBright: whether tumors are bright on the whole, as on FLAIR and T2.
    """
    place = flipPoints(np.round(seed, 1)).tolist()
    inVolume = image.TransformPhysicalPointToContinuousIndex(seed.tolist())
    if any(i < -0.5 or i > n - 0.5 for i, n in zip(inVolume, image.GetSize(), strict=True)):
        raise ValueError(f"The seed {place} (RAS mm) is outside the volume; click on the tumor.")
    best, air = None, airLevel(image)
    for reach, fraction in ((_FAR_MM, 0.0), (_NEAR_MM, 0.5)):
        report(progress, fraction, "Trying thresholds")
        region = workingRegion(image, seed[None], reach, _MOST_VOXELS)
        usable = np.ones(region.values.shape, bool) if allowed is None else region.sampled(allowed) > 0.5
        choice = _bestCandidate(region, usable, air, seed, _VOLUMES_ML[1] if isBright else _MOST_ENHANCING_ML)
        if choice is not None and (best is None or choice.rank > best.rank):
            best, bestRegion, bestUsable = choice, region, usable
    if best is None:
        raise NothingStandsOut(
            f"Nothing stands out at the seed {place} (RAS mm); click inside the tumor, or draw a line."
        )
    report(progress, 0.7, "Refining the outline")
    if not best.brighter:
        line = acrossRim(bestRegion, best.mask, bestUsable)
        if line is not None:
            within = outlineFromLine(image, line, allowed, subProgress(progress, 0.7, 1.0))
            return Outline(within.mask, within.slices)  # the line is not the user's, so its length says nothing
    outline = _refined(bestRegion, best.mask, bestUsable, isBright)
    report(progress, 1.0, "Tumor outlined")
    if not best.brighter:
        doubt = "The click gave a dark region without a bright rim; check it, or draw a line instead."
        return replace(outline, doubts=(doubt,))
    if best.larger is None:
        return outline
    return replace(outline, other=_refined(bestRegion, best.larger, bestUsable, isBright), otherWords=LARGER)


def _refined(region: WorkingRegion, mask: np.ndarray, usable: np.ndarray, isBright: bool) -> Outline:
    """Return a component refined by minimum cuts on the source image's voxels."""
    found = refineByCut(region.values, mask, usable, region.spacing)
    if isBright:
        found = atHalfMaximum(region, found, usable)
    return Outline(*region.onSource(ndimage.gaussian_filter(found.astype(np.float32), 0.6)))


@dataclass(frozen=True)
class _Candidate:
    """A component that may be the lesion.

    :param larger: a component around it that is hardly less like a lesion: its faint part as well; None for none.
    """

    mask: np.ndarray
    brighter: bool
    score: float
    larger: np.ndarray | None = None

    @property
    def rank(self) -> tuple[bool, float]:
        """Return what candidates are ordered by: a bright one comes first, as edema and enhancing rims are bright."""
        return self.brighter, self.score


def _bestCandidate(
    region: WorkingRegion, usable: np.ndarray, air: float, seed: np.ndarray, mostMl: float
) -> _Candidate | None:
    """Return the best component around the click in a region, or None; a bright one has at most so many milliliters."""
    values, spacing = region.values, region.spacing
    smooth = ndimage.gaussian_filter(values, 0.8 / spacing)
    tissue = usable & (smooth > air)
    index = tuple(np.clip(np.rint(region.indices(seed[None])[0]).astype(int), 0, np.array(values.shape) - 1))
    if not usable[index] or not filled(ndimage.binary_dilation(tissue, neighbors(tissue.shape), iterations=2))[index]:
        place = flipPoints(np.round(seed, 1)).tolist()
        raise ValueError(f"The seed {place} (RAS mm) is in air or outside the mask; click on the tumor.")
    magnitude = np.sqrt(sum(d * d for d in gradients(values, spacing, 1.0)))
    for brighter in (True, False):
        rated = []
        for component in _candidates(smooth, tissue, index, spacing, mostMl if brighter else None):
            score = _score(component, brighter, values, magnitude, usable, spacing)
            if score > -np.inf:
                rated.append((score, component))
        if rated:
            score, mask = max(rated, key=lambda pair: pair[0])
            return _Candidate(mask, brighter, score, _larger(rated, score, mask))
    return None


def _larger(rated: list[tuple[float, np.ndarray]], score: float, mask: np.ndarray) -> np.ndarray | None:
    """Return the best-rated component that is clearly larger than the chosen one and hardly worse."""
    least = _NESTED_VOLUMES * float(mask.sum())
    nested = [pair for pair in rated if pair[0] > score - _NESTED_SCORE and pair[1].sum() > least]
    return max(nested, key=lambda pair: pair[0])[1] if nested else None


def _candidates(
    smooth: np.ndarray, tissue: np.ndarray, index: tuple[int, ...], spacing: float, mostBrightMl: float | None
) -> Iterator[np.ndarray]:
    """Yield the component around the click at each threshold, brighter than its surroundings up to a volume or darker.

    :param mostBrightMl: None for darker ones.
    """
    brighter = mostBrightMl is not None
    middle, spread = float(np.median(smooth[tissue])), robustSpread(smooth[tissue])
    opening = max(1, round(2 / spacing))
    for level in _LEVELS:
        beyond = tissue & (smooth > middle + level * spread if brighter else smooth < middle - level * spread)
        if not beyond.any():
            break
        for mask in (beyond, ndimage.binary_opening(beyond, neighbors(beyond.shape), iterations=opening)):
            closed = mask if mask[index] else filled(mask)
            if not closed[index]:
                continue
            labels, _ = ndimage.label(closed)
            component = labels == labels[index]
            box = boxAround(component, 1)
            component[box] = filled(component[box])
            volume = _volumeMm3(component, spacing) / 1000
            if _VOLUMES_ML[0] < volume < (_MOST_DARK_ML if mostBrightMl is None else mostBrightMl):
                yield component


def _volumeMm3(component: np.ndarray, spacing: float) -> float:
    """Return the volume of a component, of one in a single slice that of the ball with its area."""
    size = float(component.sum())
    if component.shape[0] > 1:
        return size * spacing**3
    return 4 / 3 * np.pi * (size * spacing**2 / np.pi) ** 1.5


def _score(
    component: np.ndarray, brighter: bool, values: np.ndarray, magnitude: np.ndarray, usable: np.ndarray, spacing: float
) -> float:
    """Return how much a component looks like a lesion: sharp border, contrast, size."""
    border = component & ~ndimage.binary_erosion(component, neighbors(component.shape))
    inner = tuple(slice(1, -1) if count > 1 else slice(None) for count in component.shape)
    onEdge = component.sum() - component[inner].sum()
    if onEdge > _MOST_ON_EDGE * border.sum():
        return -np.inf
    reach = max(round(4 / spacing), 2)
    box = boxAround(component, reach + 2)
    part, region, use = values[box], component[box], usable[box]
    free = ndimage.binary_erosion(use, neighbors(use.shape), iterations=reach, border_value=1)
    near = ndimage.binary_dilation(region, neighbors(region.shape))
    shell = ndimage.binary_dilation(region, neighbors(region.shape), iterations=reach) & ~near & use
    atBorder = border[box] & free
    if not shell.any() or not atBorder.any():
        return -np.inf
    if not brighter:  # fluid between brain and mask is dark, and no lesion
        beside = border[box] & ~ndimage.binary_erosion(use, neighbors(use.shape), border_value=1)
        if beside.sum() > _MOST_AT_MASK * border.sum():
            return -np.inf
    sign = 1 if brighter else -1
    contrast = sign * float(part[region].mean() - part[shell].mean())
    if contrast <= 0 or sign * float(part[border[box]].mean() - part[shell].mean()) <= 0:
        return -np.inf
    sharpness = float(magnitude[box][atBorder].mean())
    return float(np.log(sharpness) + 0.5 * np.log(contrast) + 0.45 * np.log(_volumeMm3(component, spacing)))
