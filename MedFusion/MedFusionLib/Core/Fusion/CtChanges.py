"""What the CT shows and the MRIs do not: density that differs from what is usual at the MRI's intensity.

An infarct, an edema or a bleeding may be seen in the CT alone. It is found as the deviation of the CT from the median
that it has where the MRI is equally bright, smoothed over about 2 to 3 mm. Beam hardening between the petrous bones
and under the vault does the same to the CT and is shown, too.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .Buffers import Buffers

# Chosen by eye on the half for development of Testing/Benchmark/FusionBenchmark.py, as are all of these.
_CLASSES = 24
_FEWEST_SAMPLES = 20 * _CLASSES
_TISSUE_HU = (-10.0, 90.0)  # that the median is taken of
_SHOWN_HU = (1.0, 100.0)  # where the CT may deviate: neither air, fat nor bone
_FAINT_HU = 8.0  # deviations below it are noise, and fade
_GAIN = 9.5  # in the fused volume, whose tissue has 300 HU for itself
MOST_HU = 30.0  # drawn in full color


@dataclass(frozen=True)
class UsualCt:
    """The CT that is usual at each brightness of the MRIs, both on the common scale, as points of a broken line."""

    brightness: tuple[float, ...]
    density: tuple[float, ...]

    def deviation(self, ct: np.ndarray, mri: np.ndarray, hounsfield: float, buffers: Buffers) -> np.ndarray:
        """Return by how much the CT deviates, 0 where it is not soft tissue.

        :param hounsfield: one HU on the common scale that begins at 0 HU.
        """
        usual = np.interp(mri, self.brightness, self.density)
        deviation = np.subtract(ct, usual, out=buffers.take(len(ct)), casting="same_kind")
        low, high = (value * hounsfield for value in _SHOWN_HU)
        deviation *= (ct > low) & (ct < high)
        return deviation


def findUsualCt(fixed: np.ndarray, moving: Sequence[np.ndarray], low: float, span: float) -> UsualCt:
    """Return what CT is usual at each MRI value.

    :param fixed: samples of the CT in HU.
    :param moving: samples of the MRIs at the same places, on the common scale; NaN where one ends.
    """
    mri = np.mean(moving, axis=0)
    tissue = (fixed > _TISSUE_HU[0]) & (fixed < _TISSUE_HU[1]) & np.isfinite(mri)
    if tissue.sum() < _FEWEST_SAMPLES:
        raise ValueError(
            f"Only {tissue.sum()} samples of the CT and the MRI show soft tissue at the same place, too few to tell "
            "what density is usual; check the registration, or fuse without the CT's changes."
        )
    ordered = mri[tissue]
    order = np.argsort(ordered, kind="stable")
    ordered, density = ordered[order], (fixed[tissue][order] - low) / span
    classes = np.array_split(np.arange(len(ordered)), _CLASSES)
    points = [(float(np.median(ordered[each])), float(np.median(density[each]))) for each in classes]
    return UsualCt(tuple(b for b, _ in points), tuple(d for _, d in points))


def faded(deviation: np.ndarray) -> np.ndarray:
    """Return a smoothed deviation in HU with its noise faded."""
    fourth = deviation * deviation
    fourth *= fourth
    return deviation * (fourth / (fourth + np.float32(_FAINT_HU**4)))


def drawn(fused: np.ndarray, deviation: np.ndarray, top: float) -> np.ndarray:
    """Return fused values made darker and brighter by what deviates, but not so bright that they look like bone."""
    changed = fused + np.float32(_GAIN) * deviation
    return np.minimum(changed, np.maximum(fused, np.float32(top)), out=changed)
