"""Segments that may overlap, as one label image in which each has its labels."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from .Segments import Segment, SegmentUnion


def mergedLayers(
    layers: Sequence[tuple[Segment, np.ndarray]],
) -> tuple[np.ndarray, tuple[Segment, ...], tuple[SegmentUnion, ...]]:
    """Return labels, the segments of one label each, and those of several, so that no voxel of any segment is lost.

    Voxels in several segments at once have a label of their own: that of a segment which lies nowhere else, or a new
    one. So a whole tumor over its parts becomes the union of the parts, which keep their labels.

    :param layers: segments with different values, each with its mask (KJI), all of one shape.
    """
    shape = layers[0][1].shape
    inside = np.zeros(shape, bool)
    for _segment, mask in layers:
        inside |= mask
    packed = np.packbits(np.stack([mask[inside] for _segment, mask in layers]), axis=0)
    kinds, which = np.unique(packed, axis=1, return_inverse=True)
    holds = np.unpackbits(kinds, axis=0)[: len(layers)].astype(bool)  # segment, kind of voxel
    values = _labelsOfKinds([segment.value for segment, _mask in layers], holds)
    labels = np.zeros(shape, np.uint16 if max(values, default=0) > 255 else np.uint8)
    labels[inside] = np.array(values, labels.dtype)[np.ravel(which)] if values else 0
    segments: list[Segment] = []
    unions: list[SegmentUnion] = []
    for (segment, _mask), row in zip(layers, holds, strict=True):
        own = tuple(sorted(value for value, isHeld in zip(values, row, strict=True) if isHeld))
        if len(own) > 1 or own and own[0] in {other.value for other in segments}:
            unions.append(SegmentUnion(own, segment.name, segment.tissue, segment.lesion))
        else:
            segments.append(replace(segment, value=own[0]) if own else segment)
    return labels, tuple(segments), tuple(unions)


def _labelsOfKinds(own: list[int], holds: np.ndarray) -> list[int]:
    """Return a label for each kind of voxel."""
    values: list[int] = []
    free = max(own, default=0) + 1
    for kind in range(holds.shape[1]):
        single = [value for value, row in zip(own, holds, strict=True) if row[kind] and row.sum() == 1]
        values.append(single[0] if single else free)
        free += not single
    return values


def keptLabels(mask: np.ndarray, labels: np.ndarray, spacing: np.ndarray) -> np.ndarray:
    """Return the labels of an outline on a mask that was made of it; what is new gets the label of what is nearest.

    :param mask: the corrected outline, array (KJI).
    :param labels: the outline before, with at least one label.
    :param spacing: millimeters, in array order.
    """
    kept = np.where(mask, labels, 0).astype(labels.dtype)
    new = mask & (labels == 0)
    if new.any():
        nearest = ndimage.distance_transform_edt(labels == 0, spacing, return_distances=False, return_indices=True)
        kept[new] = labels[tuple(axis[new] for axis in nearest)]
    return kept
