"""The tumor outlined, by one of several methods."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from .Progress import Progress, report


class SegmentationMethod(Enum):
    """How the tumor is pointed out."""

    line = "line"
    automatic = "automatic"
    click = "click"
    strokes = "strokes"
    watershed = "watershed"
    model = "model"


@dataclass(frozen=True)
class SegmentationSettings:
    """What the segmentation depends on besides images and interaction."""

    method: SegmentationMethod = SegmentationMethod.line


@dataclass(frozen=True)
class TumorInteraction:
    """What the user pointed at, in LPS millimetres of the images' world.

    :param seeds: clicks inside lesions, one lesion each, shape (N, 3).
    :param lines: longest diameters, one lesion each, shape (M, 2, 3).
    :param foregroundPoints: points of strokes inside the tumor, shape (N, 3).
    :param backgroundPoints: points of strokes outside the tumor, shape (N, 3).
    :param foregroundImage: strokes inside the tumor as a label image.
    :param backgroundImage: strokes outside the tumor as a label image.
    """

    seeds: np.ndarray | None = None
    lines: np.ndarray | None = None
    foregroundPoints: np.ndarray | None = None
    backgroundPoints: np.ndarray | None = None
    foregroundImage: sitk.Image | None = None
    backgroundImage: sitk.Image | None = None

    def __post_init__(self) -> None:
        shapes = {"seeds": (-1, 3), "lines": (-1, 2, 3), "foregroundPoints": (-1, 3), "backgroundPoints": (-1, 3)}
        for name, shape in shapes.items():
            value = getattr(self, name)
            if value is None:
                continue
            array = np.asarray(value, dtype=float)
            if array.ndim != len(shape) or array.shape[1:] != shape[1:] or not len(array):
                raise ValueError(f"{name} has shape {array.shape}; it must be (N, {', '.join(map(str, shape[1:]))}).")
            if not np.isfinite(array).all():
                raise ValueError(f"{name} holds a coordinate that is not a number; place the points again.")
            object.__setattr__(self, name, array)


@dataclass(frozen=True)
class TumorResult:
    """An outlined tumor: labels on the first image's grid, the segment of each label, and what to be wary of."""

    labelImage: sitk.Image
    segmentNames: dict[int, str]
    warnings: tuple[str, ...]
    settings: SegmentationSettings


def segmentTumor(
    images: Sequence[sitk.Image],
    interaction: TumorInteraction | None = None,
    settings: SegmentationSettings | None = None,
    cavityMask: sitk.Image | None = None,
    progress: Progress | None = None,
) -> TumorResult:
    """Return the tumor's outline.

    :param images: one or more volumes on the first one's grid.
    :param cavityMask: where a tumor can be at all, on the first image's grid.
    """
    settings = settings or SegmentationSettings()
    interaction = interaction or TumorInteraction()
    image = images[0]
    report(progress, 0.0, "Outlining the tumor")
    if settings.method is not SegmentationMethod.click and interaction.seeds is None:
        raise ValueError(f"The method {settings.method.value} is not there yet; click on the tumor.")
    if interaction.seeds is None:
        raise ValueError("Click on the tumor: the click method needs a seed inside the lesion.")
    values = sitk.GetArrayFromImage(sitk.Cast(image, sitk.sitkFloat32))
    allowed = np.ones(values.shape, bool) if cavityMask is None else sitk.GetArrayFromImage(cavityMask) != 0
    labels = np.zeros(values.shape, np.uint8)
    for label, seed in enumerate(interaction.seeds, start=1):
        labels[_grownFrom(seed, image, values, allowed) & (labels == 0)] = label
        report(progress, label / len(interaction.seeds), "Outlining the tumor")
    names = {n: f"Tumor {n}" if len(interaction.seeds) > 1 else "Tumor" for n in range(1, len(interaction.seeds) + 1)}
    labelImage = sitk.GetImageFromArray(labels)
    labelImage.CopyInformation(image)
    logging.info("Outlined %d lesion(s)", len(names))
    return TumorResult(labelImage, names, (), settings)


def _grownFrom(seed: np.ndarray, image: sitk.Image, values: np.ndarray, allowed: np.ndarray) -> np.ndarray:
    """Return the component around the seed at the threshold where its edge is sharpest."""
    index = tuple(np.rint(image.TransformPhysicalPointToContinuousIndex(seed.tolist())).astype(int)[::-1])
    if any(i < 0 or i >= n for i, n in zip(index, values.shape, strict=True)):
        raise ValueError(f"The seed {np.round(seed, 1).tolist()} (LPS mm) is outside the volume; click on the tumor.")
    spacing = np.array(image.GetSpacing()[::-1])
    smooth = ndimage.gaussian_filter(values, 1.0 / spacing)
    gradient = np.sqrt(sum((g / s) ** 2 for g, s in zip(np.gradient(smooth), spacing, strict=True)))
    around = tuple(slice(max(i - 1, 0), i + 2) for i in index)
    atSeed, typical = float(np.median(smooth[around])), float(np.median(smooth[allowed & (smooth > smooth.mean())]))
    best, bestSharpness = None, -np.inf
    for fraction in np.linspace(0.2, 0.9, 15):
        threshold = typical + fraction * (atSeed - typical)
        candidates = allowed & (smooth > threshold if atSeed > typical else smooth < threshold)
        component, _ = ndimage.label(candidates)
        if not component[index]:
            continue
        region = component == component[index]
        volumeMl = region.sum() * np.prod(spacing) / 1000
        if not 0.1 < volumeMl < 300:
            continue
        edge = region & ~ndimage.binary_erosion(region)
        sharpness = float(gradient[edge].mean()) * volumeMl**0.2
        if sharpness > bestSharpness:
            best, bestSharpness = region, sharpness
    if best is None:
        raise ValueError(
            f"Nothing stands out at the seed {np.round(seed, 1).tolist()} (LPS mm); click inside the tumor."
        )
    return ndimage.binary_fill_holes(best)
