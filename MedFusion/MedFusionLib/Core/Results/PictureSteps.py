"""The steps of a run on single slices: registered by landmarks in the plane, fused, outlined and measured."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import SimpleITK as sitk

from ..Fusion.Fusion import fuseVolumes
from ..Fusion.Metrics import scoreTable
from ..Fusion.Settings import FusionSettings
from ..Images.Resampling import Interpolation, resampleImage
from ..Images.Transforms import TransformModel
from ..Inputs.PixelLandmarks import pairedPixels
from ..Landmarks.PlaneFit import fitPlane
from ..Progress import Progress, subProgress
from ..Tumor.PlaneMeasurements import measureInPlane
from ..Tumor.TumorSegmentation import (
    SegmentationMethod,
    SegmentationSettings,
    TumorInteraction,
    TumorResult,
    segmentTumor,
)
from ..Verdict import Judgment, Verdict
from .PictureDocument import PictureDocument, PlaneRegistration, PlaneTumor
from .RunDocument import ScoredFusion

# What the methods' lengths in mm are measured by where nobody knows the size of a pixel: a picture of a head is about
# so wide. Only the outline depends on it; nothing is reported in these millimeters.
_USUAL_WIDTH_MM = 256.0
_LEAST_OVERLAP = 0.5
_POINTING_METHODS = (SegmentationMethod.line, SegmentationMethod.click)
CLICK_DOUBT = "A click in a single slice finds the border of half the tumors only; draw a line instead, or check it."


@dataclass(frozen=True, eq=False)
class PointedPixels:
    """Where the tumor was pointed at: columns and rows, counted from 0 at the top left.

    :param lines: longest diameters, shape (M, 2, 2); None for none.
    :param seeds: clicks inside lesions, shape (N, 2); None for none.
    """

    lines: np.ndarray | None = None
    seeds: np.ndarray | None = None

    def recipe(self) -> dict[str, str]:
        """Return it as strings for the reader of a result."""
        given = {"line": self.lines, "tumorSeed": self.seeds}
        return {
            name: "; ".join(",".join(f"{value:.6g}" for value in np.ravel(point)) for point in points)
            for name, points in given.items()
            if points is not None
        }


def placedSlice(image: sitk.Image, pixelMm: float | None) -> sitk.Image:
    """Return a single slice whose first pixel is the origin, with square pixels; of 1 where their size is unknown."""
    placed = sitk.Image(image)
    placed.SetSpacing([pixelMm or 1.0] * 3)
    placed.SetOrigin([0.0] * 3)
    placed.SetDirection(np.eye(3).ravel().tolist())
    return placed


def alignSlices(
    slices: tuple[sitk.Image, sitk.Image],
    landmarks: tuple[Mapping[str, np.ndarray], Mapping[str, np.ndarray]],
    model: TransformModel,
    pixelMm: float | None,
    interpolation: Interpolation = Interpolation.linear,
) -> tuple[PlaneRegistration, sitk.Image, tuple[str, ...]]:
    """Return how the second slice is brought to the first, that slice on the first one's pixels, and what to say of it.

    :param slices: CT and MRI, see `placedSlice`.
    :param landmarks: columns and rows by name, of each.
    :raises ValueError: where the landmarks do not carry it, or the slices hardly overlap.
    """
    names, fixedPixels, movingPixels = pairedPixels(*landmarks)
    _checkInside(slices, names, (fixedPixels, movingPixels))
    registration = PlaneRegistration(fitPlane(fixedPixels, movingPixels, model), tuple(names), pixelMm)
    transform = registration.fit.transform(pixelMm or 1.0)
    reached = resampleImage(slices[1] * 0 + 1, slices[0], transform, Interpolation.nearest, 0.0)
    scale = abs(float(np.linalg.det(registration.fit.matrix)))
    smaller = min(np.prod(slices[0].GetSize()), np.prod(slices[1].GetSize()) / scale)  # in pixels of the CT
    overlap = float(sitk.GetArrayViewFromImage(reached).sum()) / float(smaller)
    notes = []
    if overlap < _LEAST_OVERLAP:
        notes.append(f"Only {overlap:.0%} of the smaller picture lies in the other; check the landmarks.")
    left = sorted({*landmarks[0], *landmarks[1]} - set(names))
    if left:
        notes.append(f"Left out as only one list has it: {', '.join(left)}.")
    if pixelMm is None:
        notes.append("The size of a pixel is unknown, so lengths are in pixels; --pixel MM gives it.")
    return registration, resampleImage(slices[1], slices[0], transform, interpolation), tuple(notes)


def _checkInside(slices: Sequence[sitk.Image], names: Sequence[str], points: Sequence[np.ndarray]) -> None:
    for image, own, name in zip(slices, points, ("CT", "MRI"), strict=True):
        width, height = image.GetSize()[:2]
        outside = [
            label
            for label, (column, row) in zip(names, own.tolist(), strict=True)
            if not (-0.5 <= column <= width - 0.5 and -0.5 <= row <= height - 0.5)
        ]
        if outside:
            raise ValueError(
                f"Outside of the {name}'s picture of {width} x {height} pixels lie these landmarks: "
                f"{', '.join(outside)}; give columns and rows counted from 0 at the top left."
            )


def outlineSlice(
    image: sitk.Image,
    pointed: PointedPixels,
    method: SegmentationMethod,
    pixelMm: float | None,
    progress: Progress | None = None,
) -> TumorResult:
    """Return the tumor in a single slice.

    :param image: the slice, see `placedSlice`.
    """
    if method not in _POINTING_METHODS:
        raise ValueError(
            f"The method {method.value} needs a volume; in a picture draw a line along the tumor (--line) or click on "
            "it (--tumor-seed), in pixels."
        )
    _checkPointed(image, pointed)
    spacing = pixelMm or _USUAL_WIDTH_MM / max(image.GetSize())
    scaled = placedSlice(image, spacing)
    interaction = TumorInteraction(
        seeds=None if pointed.seeds is None else _inSpace(pointed.seeds, spacing),
        lines=None if pointed.lines is None else _inSpace(pointed.lines, spacing),
    )
    found = segmentTumor([scaled], interaction, SegmentationSettings(method), progress=progress)
    labels = placedSlice(found.labelImage, pixelMm)
    if method is not SegmentationMethod.click:
        return replace(found, labelImage=labels)
    reasons = tuple(dict.fromkeys((*found.verdict.reasons, CLICK_DOUBT)))
    warnings = tuple(dict.fromkeys((*found.warnings, CLICK_DOUBT)))
    return replace(found, labelImage=labels, verdict=Verdict(Judgment.doubtful, reasons), warnings=warnings)


def _checkPointed(image: sitk.Image, pointed: PointedPixels) -> None:
    width, height = image.GetSize()[:2]
    for points in (pointed.lines, pointed.seeds):
        for column, row in () if points is None else points.reshape(-1, 2).tolist():
            if not (-0.5 <= column <= width - 0.5 and -0.5 <= row <= height - 0.5):
                raise ValueError(
                    f"The point {column:g},{row:g} leaves the picture of {width} x {height} pixels; point at the tumor "
                    "by column and row, counted from 0 at the top left."
                )


def _inSpace(pixels: np.ndarray, spacing: float) -> np.ndarray:
    return np.concatenate([pixels * spacing, np.zeros((*pixels.shape[:-1], 1))], axis=-1)


def withSteps(
    document: PictureDocument,
    fusion: FusionSettings,
    tumor: TumorResult | None,
    scoresInFull: bool = False,
    progress: Progress | None = None,
) -> PictureDocument:
    """Return the document with the slices fused and scored, and the tumor measured where there is one."""
    slices = (document.fixed, document.registered)
    fused = fuseVolumes(slices[0], [slices[1]], fusion, progress=subProgress(progress, 0.0, 0.4))
    scores = scoreTable(*slices, fused.image, fusion, subProgress(progress, 0.4, 1.0), scoresInFull)
    scored = ScoredFusion(fused, scores)
    document = replace(document, fusion=scored)
    if tumor is None:
        return document
    images = {"CT": slices[0], "MRI": slices[1]}
    if not scored.isColor:
        images["fused"] = fused.image
    measured = measureInPlane(tumor.labelImage, images, document.pixelMm)
    middle = tuple(measured.lesions[0].centroid.tolist())
    registration = replace(document.registration, target=middle)
    return replace(document, tumor=PlaneTumor(tumor, measured), registration=registration)
