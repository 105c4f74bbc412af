"""Whether two images that are said to be aligned are: how much of the head both show, and how alike they are there."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Foreground import foreground
from ..Images.Grids import directionOf, isotropicGrid

# Chosen by time: coarser than the images, finer than what is to be noticed.
_SPACING_MM = 4.0
_BINS = 24
_SHIFT_OF_EXTENT = 0.2  # far enough that nothing fits any more, near enough that the heads still overlap
_FEWEST_SAMPLES = 500
_NEAR_MM = 10.0
# How much more alike two images must be 10 mm away to count as not aligned. Chosen on head-sim/head-a and the first
# three pairs of aanlib; 8 bit pairs with thick slices gain up to 4 % by chance.
_BETTER_ELSEWHERE = 1.05
_LEAST_COVERAGE = 0.5
_LEAST_SIMILARITY = 0.01  # above 1: noise and difference images reach .005, registered pairs .05 and more


@dataclass(frozen=True)
class Likeness:
    """Hold how two images agree at the place where they are said to be.

    :param coverage: share of the fixed image's body that the moving image reaches.
    :param similarity: normalized mutual information over both bodies, 1 to 2 (Studholme et al. 1999,
        doi:10.1016/S0031-3203(98)00091-0); None where too little overlaps to tell.
    :param aside: the highest after the moving image was shifted by a fifth of the head to any side: what unrelated
        images have.
    :param near: the highest after it was shifted by 10 mm to any side.
    """

    coverage: float
    similarity: float | None
    aside: float
    near: float

    @property
    def isUnrelated(self) -> bool:
        """Return whether the images are no more alike where they are than where they cannot fit, or not at all."""
        if self.similarity is None or self.similarity - 1 < _LEAST_SIMILARITY:
            return True
        return self.similarity <= self.aside

    @property
    def isOff(self) -> bool:
        """Return whether the images would be more alike 10 mm away."""
        return self.similarity is not None and self.near - 1 > _BETTER_ELSEWHERE * (self.similarity - 1)

    def statement(self, name: str) -> str:
        """Return where the moving image was taken to lie and how it agrees there."""
        where = (
            f"{name} was taken as its header places it, without a transform; it covers {self.coverage:.0%} of the head"
        )
        if self.similarity is None:
            return f"{where}."
        return f"{where}, normalized mutual information {self.similarity:.3f} (shifted aside {self.aside:.3f})."

    def warnings(self, name: str, fixedName: str) -> tuple[str, ...]:
        """Return what speaks against the images being aligned."""
        told = []
        if self.coverage < _LEAST_COVERAGE:
            told.append(f"{name} covers only {self.coverage:.0%} of the head in {fixedName}.")
        if self.isUnrelated:
            measured = "" if self.similarity is None else f" ({self.similarity:.3f}, shifted aside {self.aside:.3f})"
            told.append(
                f"{name} and {fixedName} are as little alike where their headers place them as unrelated images"
                f"{measured}; register them first."
            )
        elif self.isOff:
            told.append(
                f"{name} would be more like {fixedName} {_NEAR_MM:g} mm away from where its header places it "
                f"({self.near:.3f} instead of {self.similarity:.3f}); they seem not to be aligned: register them first."
            )
        return tuple(told)


def measureLikeness(fixedImage: sitk.Image, movingImage: sitk.Image) -> Likeness:
    """Return how alike two images are where their headers place them.

    :raises ValueError: where an image shows no body.
    """
    body = foreground(fixedImage, 8.0)
    smallest = float(np.cbrt(np.prod(body.GetSpacing()) * body.GetNumberOfPixels() / 40**3))
    spacing = max(min(_SPACING_MM, smallest), 0.5)
    grid = isotropicGrid(body, spacing)
    mask = sitk.GetArrayFromImage(sitk.Resample(body, grid, sitk.Transform(), sitk.sitkNearestNeighbor)) > 0
    fixed, own = _sampled(fixedImage, grid), _sampled(movingImage, grid)
    coverage = float(np.isfinite(own)[mask].mean()) if mask.any() else 0.0
    extent = np.ptp(np.argwhere(mask), axis=0)[::-1] * spacing

    def best(distances: np.ndarray) -> float:
        shifts = [sign * distances[axis] * np.eye(3)[axis] for axis in range(3) for sign in (-1, 1)]
        moved = [_sampled(movingImage, grid, shift) for shift in shifts if np.abs(shift).max() >= 2 * spacing]
        return max((_similarity(fixed, values, mask) or 1.0 for values in moved), default=1.0)

    similarity = _similarity(fixed, own, mask)
    return Likeness(coverage, similarity, best(_SHIFT_OF_EXTENT * extent), best(np.full(3, _NEAR_MM)))


def _sampled(image: sitk.Image, grid: sitk.Image, shift: np.ndarray | None = None) -> np.ndarray:
    """Return an image's values on a grid, moved by a shift along the grid's axes in mm, NaN where it does not reach."""
    direction = directionOf(grid)
    move = sitk.TranslationTransform(3, (np.zeros(3) if shift is None else direction @ shift).tolist())
    sampled = sitk.Resample(image, grid, move, sitk.sitkLinear, float("nan"), sitk.sitkFloat32)
    return sitk.GetArrayFromImage(sampled)


def _similarity(fixed: np.ndarray, moving: np.ndarray, mask: np.ndarray) -> float | None:
    """Return the normalized mutual information of two arrays where a mask is set and both have values."""
    inside = mask & np.isfinite(fixed) & np.isfinite(moving)
    if inside.sum() < _FEWEST_SAMPLES:
        return None
    joint = np.histogram2d(_clipped(fixed[inside]), _clipped(moving[inside]), _BINS)[0]
    entropies = [_entropy(part / joint.sum()) for part in (joint.sum(axis=1), joint.sum(axis=0), joint)]
    return float((entropies[0] + entropies[1]) / max(entropies[2], 1e-12))


def _clipped(values: np.ndarray) -> np.ndarray:
    return np.clip(values, *np.percentile(values, (1, 99)))


def _entropy(shares: np.ndarray) -> float:
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())
