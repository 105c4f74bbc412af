"""How well a segmentation agrees with a reference."""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from ..Images.Grids import boxAround, indicesAt, pointsAt
from ..Images.Transforms import IDENTITY
from .SegmentPairing import SegmentPair

# By reason: rounding is no distance, and no two outlines of a head lie farther apart than a meter.
_ROUNDING = 1e-3
_FARTHEST_MM = 1000.0


@dataclass(frozen=True)
class SegmentationScores:
    """Agreement of one label; distances in millimeters, not a number where one of the two is empty."""

    dice: float
    hausdorff95Mm: float
    averageSurfaceDistanceMm: float
    volumeMl: float
    truthVolumeMl: float

    @property
    def volumeError(self) -> float:
        """Return the volume's relative error, positive when the segmentation is too large."""
        return (self.volumeMl - self.truthVolumeMl) / self.truthVolumeMl if self.truthVolumeMl else float("nan")

    def measurements(self) -> dict[str, float]:
        """Return the scores as they are written to files."""
        return {
            "dice": self.dice,
            "hausdorff95_mm": self.hausdorff95Mm,
            "average_surface_distance_mm": self.averageSurfaceDistanceMm,
            "volume_ml": self.volumeMl,
            "truth_volume_ml": self.truthVolumeMl,
            "volume_error": self.volumeError,
        }


def compareSegmentations(labelImage: sitk.Image, truthImage: sitk.Image) -> dict[int | str, SegmentationScores]:
    """Return the agreement for each label of either image, and under "all" that of all labels together.

    The segmentation is brought onto the truth's grid (nearest voxel) if the two differ.

    :param labelImage: integer labels, 0 is background.
    :param truthImage: the same, taken as right.
    """
    present = sorted({int(v) for image in (labelImage, truthImage) for v in np.unique(sitk.GetArrayFromImage(image))})
    pairs = [SegmentPair(str(label), (label,), (label,)) for label in present if label]
    scores = comparePairs(labelImage, truthImage, pairs)
    return {key if key == "all" else int(key): value for key, value in scores.items()}


def comparePairs(
    labelImage: sitk.Image, truthImage: sitk.Image, pairs: Sequence[SegmentPair]
) -> dict[str, SegmentationScores]:
    """Return the agreement of each pair by its name, and under "all" that of all labels together.

    The segmentation is brought onto the truth's grid (nearest voxel) if the two differ; where it reaches beyond that,
    the grid is continued, for what lies there is wrong as well.

    Dice 1945, doi:10.2307/1932409; Huttenlocher et al. 1993, doi:10.1109/34.232073 (Hausdorff, here the larger of
    the two directed 95th percentiles); the average surface distance is the mean over both surfaces' voxels.
    """
    if labelImage.GetDimension() != 3 or truthImage.GetDimension() != 3:
        raise ValueError("A segmentation and its truth must both be three-dimensional label images.")
    labels, truth = onCommonGrid(labelImage, truthImage)
    spacing = np.array(truthImage.GetSpacing()[::-1])
    scores = {
        pair.name: compareMasks(np.isin(labels, pair.values), np.isin(truth, pair.truthValues), spacing)
        for pair in pairs
    }
    return scores | {"all": compareMasks(labels != 0, truth != 0, spacing)}


def onCommonGrid(labelImage: sitk.Image, truthImage: sitk.Image) -> tuple[np.ndarray, np.ndarray]:
    """Return the voxels (KJI) of a segmentation and its truth on the truth's grid, continued to hold both."""
    truthImage = _continued(truthImage, labelImage)
    return sitk.GetArrayFromImage(_onGrid(labelImage, truthImage)), sitk.GetArrayFromImage(truthImage)


def _continued(truthImage: sitk.Image, labelImage: sitk.Image) -> sitk.Image:
    """Return the truth on a grid that holds all labels of a segmentation, as far as a few heads can reach."""
    outlined = sitk.GetArrayFromImage(labelImage) != 0
    if not outlined.any():
        return truthImage
    box = boxAround(outlined)
    ends = np.array(np.meshgrid(*[(part.start - 0.5, part.stop - 0.5) for part in box[::-1]])).reshape(3, -1).T
    indices = indicesAt(truthImage, pointsAt(labelImage, ends))
    last = np.array(truthImage.GetSize()) - 0.5
    before = np.ceil(np.maximum(-0.5 - indices.min(axis=0), 0) - _ROUNDING).astype(int)
    after = np.ceil(np.maximum(indices.max(axis=0) - last, 0) - _ROUNDING).astype(int)
    if not (before.any() or after.any()):
        return truthImage
    farthest = float(((before + after) * truthImage.GetSpacing()).max())
    if farthest > _FARTHEST_MM:
        raise ValueError(
            f"The segmentation and the truth lie up to {farthest:.0f} mm apart; they are not in one coordinate system."
        )
    return sitk.ConstantPad(truthImage, before.tolist(), after.tolist(), 0)


def bestUnion(labelImage: sitk.Image, truthImage: sitk.Image) -> tuple[tuple[int, ...], SegmentationScores]:
    """Return which labels of the truth, taken together, one undivided segment agrees with best, and how well.

    :param labelImage: the segment (not 0), on any grid.
    :param truthImage: labels such as necrosis, edema and enhancing tumor; at most 6 different ones are joined.
    """
    truth = sitk.GetArrayFromImage(truthImage)
    mask = sitk.GetArrayFromImage(_onGrid(labelImage, truthImage)) != 0
    labels = [int(label) for label in np.unique(truth) if label][:6]
    unions = [union for count in range(1, len(labels) + 1) for union in itertools.combinations(labels, count)]
    if not unions:
        raise ValueError("The truth holds no label, so there is nothing to compare with.")
    counts = {label: (int((truth == label).sum()), int((mask & (truth == label)).sum())) for label in labels}
    size = int(mask.sum())

    def dice(union: tuple[int, ...]) -> float:
        return 2 * sum(counts[label][1] for label in union) / (size + sum(counts[label][0] for label in union))

    best = max(unions, key=dice)
    return best, compareMasks(mask, np.isin(truth, best), np.array(truthImage.GetSpacing()[::-1]))


def _onGrid(labelImage: sitk.Image, referenceImage: sitk.Image) -> sitk.Image:
    return sitk.Resample(labelImage, referenceImage, IDENTITY, sitk.sitkNearestNeighbor)


def compareMasks(mask: np.ndarray, truth: np.ndarray, spacing: np.ndarray) -> SegmentationScores:
    """Return the agreement of two masks.

    :param spacing: millimeters, in array order (KJI).
    """
    mask, truth = mask.astype(bool), truth.astype(bool)
    voxelMl = float(np.prod(spacing)) / 1000
    size, truthSize = int(mask.sum()), int(truth.sum())
    if not size or not truthSize:
        dice = 1.0 if size == truthSize else 0.0
        return SegmentationScores(dice, float("nan"), float("nan"), size * voxelMl, truthSize * voxelMl)
    box = boxAround(mask | truth)
    mask, truth = np.pad(mask[box], 1), np.pad(truth[box], 1)
    dice = 2 * int((mask & truth).sum()) / (size + truthSize)
    surface, truthSurface = mask & ~ndimage.binary_erosion(mask), truth & ~ndimage.binary_erosion(truth)
    toTruth = ndimage.distance_transform_edt(~truthSurface, sampling=spacing)[surface]
    toMask = ndimage.distance_transform_edt(~surface, sampling=spacing)[truthSurface]
    return SegmentationScores(
        dice,
        float(max(np.percentile(toTruth, 95), np.percentile(toMask, 95))),
        float((toTruth.sum() + toMask.sum()) / (toTruth.size + toMask.size)),
        size * voxelMl,
        truthSize * voxelMl,
    )
