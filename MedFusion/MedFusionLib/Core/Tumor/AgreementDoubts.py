"""What makes the agreement of an outline with a truth doubtful: exchanged labels, another place, an inverted map."""

from collections.abc import Mapping, Sequence

import numpy as np
import SimpleITK as sitk

from .SegmentationMetrics import SegmentationScores, onCommonGrid
from .SegmentPairing import SegmentPair

# Chosen by reason: a poor label that is far better elsewhere was taken for another, and no tumor fills half a grid.
_POOR_DICE = 0.5
_CLEARLY_BETTER = 0.3
_MOST_OF_GRID = 0.5


def agreementDoubts(
    labelImage: sitk.Image,
    truthImage: sitk.Image,
    pairs: Sequence[SegmentPair],
    scores: Mapping[str, SegmentationScores],
) -> tuple[str, ...]:
    """Return a sentence for each reason to doubt that the right things were held against each other.

    :param pairs: as they were compared.
    :param scores: of each pair by its name, and of "all".
    """
    doubts = []
    for image, what in ((labelImage, "outline"), (truthImage, "truth")):
        share = float(np.mean(sitk.GetArrayViewFromImage(image) != 0))
        if share > _MOST_OF_GRID:
            doubts.append(f"The {what} fills {share:.0%} of its volume, as an inverted map does; check it.")
    whole = scores["all"]
    if whole.dice == 0 and whole.volumeMl and whole.truthVolumeMl:
        doubts.append(
            f"The outline ({whole.volumeMl:.1f} ml) and the truth ({whole.truthVolumeMl:.1f} ml) share no voxel; "
            "check that both lie in the coordinates of one image."
        )
    return (*doubts, *_exchanged(labelImage, truthImage, pairs))


def _exchanged(labelImage: sitk.Image, truthImage: sitk.Image, pairs: Sequence[SegmentPair]) -> list[str]:
    """Return a sentence for each pair that would agree far better with the truth of another."""
    labels, truth = onCommonGrid(labelImage, truthImage)
    own = [np.isin(labels, pair.values) for pair in pairs]
    others = [np.isin(truth, pair.truthValues) for pair in pairs]
    sizes = np.array([[mask.sum() + other.sum() for other in others] for mask in own])
    shared = np.array([[np.count_nonzero(mask & other) for other in others] for mask in own])
    dice = 2 * shared / np.maximum(sizes, 1)
    found = []
    for index, pair in enumerate(pairs):
        best = int(np.argmax(dice[index]))
        if dice[index, index] < _POOR_DICE and dice[index, best] > dice[index, index] + _CLEARLY_BETTER:
            found.append(
                f"{pair.name} of the outline agrees better with {pairs[best].name} of the truth (Dice "
                f"{dice[index, best]:.2f} instead of {dice[index, index]:.2f}); if the two name or number their "
                "segments differently, use --map."
            )
    return found
