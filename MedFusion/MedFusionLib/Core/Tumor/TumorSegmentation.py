"""The tumor outlined, by one of several methods."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import pointsAt
from ..Images.Resampling import Interpolation, resampleImage
from ..Images.Voxels import extremes
from ..Progress import Progress, subProgress
from ..Verdict import Judgment, Verdict
from .CavityCheck import limitedByCavity
from .LesionMethods import LesionMethods
from .MrSequence import MrSequence
from .Outline import Alternative, Outline, SecondOpinion
from .SearchMask import SearchMask, searchMask
from .SecondOpinions import OtherMethod, alternativeOf, doubtsOf, heldAgainst, middleOf, opinionOf, secondOpinion
from .SegmentLayers import keptLabels
from .Segments import Segment, SegmentUnion
from .StrokeSegmentation import correctOutline, outlineFromStrokes
from .TouchingLesions import Ball, apart, linesInside
from .TumorModels import ModelSettings, segmentWithModel
from .TumorParts import LabeledLesions, labeledLesions

_UNCHECKED = Verdict(Judgment.notConfirmed, ("No method has checked this outline.",))
_NOBODY_POINTED = (
    "The tumor was found without pointing at it; look at the outline and accept it, or point at the tumor."
)


class SegmentationMethod(Enum):
    """How the tumor is pointed out."""

    line = "line"
    automatic = "automatic"
    click = "click"
    strokes = "strokes"
    watershed = "watershed"
    model = "model"
    given = "given"

    @property
    def isAutomatic(self) -> bool:
        """Return True if nobody points at the tumor."""
        return self in (SegmentationMethod.automatic, SegmentationMethod.model)


@dataclass(frozen=True)
class SegmentationSettings:
    """What the segmentation depends on besides images and interaction.

    :param sequences: of each image in turn; fewer are filled up with unknown. With FLAIR (or T2) and T1c together
        the tumor is parted into necrosis, edema and enhancing tumor.
    :param model: the trained model for the method model, see TumorModels.
    """

    method: SegmentationMethod = SegmentationMethod.line
    sequences: tuple[MrSequence, ...] = ()
    model: ModelSettings | None = None

    def __post_init__(self) -> None:
        if self.method is SegmentationMethod.model and self.model is None:
            raise ValueError("The method model needs a trained model's folder or file.")


@dataclass(frozen=True)
class TumorInteraction:
    """What the user pointed at, in LPS millimeters of the images' world.

    :param seeds: clicks inside lesions, one lesion each, shape (N, 3).
    :param lines: longest diameters, one lesion each, shape (M, 2, 3).
    :param foregroundPoints: points of strokes inside the tumor, shape (N, 3).
    :param backgroundPoints: points of strokes outside the tumor, shape (N, 3).
    :param foregroundImage: strokes inside the tumor as a label image.
    :param backgroundImage: strokes outside the tumor as a label image.
    :param presentImage: an outline (label image) that the strokes correct, however it was made.
    :param presentSegments: what its labels are, so that its parts and lesions stay what they are.
    """

    seeds: np.ndarray | None = None
    lines: np.ndarray | None = None
    foregroundPoints: np.ndarray | None = None
    backgroundPoints: np.ndarray | None = None
    foregroundImage: sitk.Image | None = None
    backgroundImage: sitk.Image | None = None
    presentImage: sitk.Image | None = None
    presentSegments: tuple[Segment | SegmentUnion, ...] = ()

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

    @property
    def isOnlyOutline(self) -> bool:
        """Return whether there is a present outline and nothing to correct it with, so that T1c can only part it."""
        strokes = (self.foregroundPoints, self.backgroundPoints, self.foregroundImage, self.backgroundImage)
        return self.presentImage is not None and all(stroke is None for stroke in strokes)


@dataclass(frozen=True)
class TumorResult:
    """An outlined tumor: labels on the first image's grid, the segment of each label, and what to be wary of.

    :param unions: segments made of several labels (whole tumor, core).
    :param verdict: whether the outlines may be trusted; its reasons are among the warnings.
    :param second: what another method outlined, None where none was asked.
    :param alternative: outlines that the user may prefer, such as the larger of two nested ones; None for none.
    :param cavity: the intracranial cavity that limited the outline (see `coarseCavity`), None for none.
    """

    labelImage: sitk.Image
    segments: tuple[Segment, ...]
    warnings: tuple[str, ...]
    settings: SegmentationSettings
    unions: tuple[SegmentUnion, ...] = ()
    cavity: sitk.Image | None = None
    verdict: Verdict = _UNCHECKED
    second: SecondOpinion | None = None
    alternative: Alternative | None = None

    @property
    def allSegments(self) -> tuple[Segment | SegmentUnion, ...]:
        """Return the segments of single labels, then those of several."""
        return (*self.segments, *self.unions)


def givenOutline(
    labelImage: sitk.Image,
    segments: tuple[Segment, ...],
    unions: tuple[SegmentUnion, ...] = (),
    warnings: tuple[str, ...] = (),
) -> TumorResult:
    """Return an outline that was made elsewhere, as it is."""
    settings = SegmentationSettings(SegmentationMethod.given)
    verdict = Verdict(Judgment.notConfirmed, ("The outline was made elsewhere; no method has checked it.",))
    return TumorResult(labelImage, segments, warnings, settings, unions, verdict=verdict)


def segmentTumor(
    images: Sequence[sitk.Image],
    interaction: TumorInteraction | None = None,
    settings: SegmentationSettings | None = None,
    cavityMask: sitk.Image | None = None,
    progress: Progress | None = None,
    mask: sitk.Image | None = None,
) -> TumorResult:
    """Return the tumor's outline, with another method's opinion of it.

    :param images: one or more volumes on the first one's grid.
    :param cavityMask: the intracranial cavity found in a CT, on the first image's grid; left where it cuts a tumor.
    :param mask: where the user says that a tumor can be, on the first image's grid; it is kept to.
    """
    settings = settings or SegmentationSettings()
    interaction = interaction or TumorInteraction()
    for grid in (cavityMask, mask):
        _checkImages(images, grid)
    if settings.model is not None and settings.method is SegmentationMethod.model:
        byModel = segmentWithModel(images, settings.model, settings.sequences, progress)
        verdict = _verdict(settings.method, ())
        return TumorResult(
            byModel.labelImage, byModel.segments, byModel.notes, settings, byModel.unions, verdict=verdict
        )
    sequences = (*settings.sequences, *[MrSequence.unknown] * len(images))[: len(images)]
    main = _mainImage(sequences)
    image, sequence = images[main], sequences[main]
    doubts = _sequenceDoubts(sequence, settings.method)
    found = _found(image, sequence, interaction, settings.method, cavityMask, mask, subProgress(progress, 0.0, 0.7))
    whole = [outline.onGrid(image.GetSize()[::-1]) for outline in found.outlines]
    balls = [_ball(outline, number, interaction, image) for number, outline in enumerate(found.outlines)]
    masks = apart(whole, balls, image)
    if not any(part.any() for part in masks):
        raise ValueError("The outline came out empty; point at the tumor again, or choose another volume.")
    if interaction.lines is not None and len(masks) > 1 and settings.method is SegmentationMethod.line:
        doubts += linesInside(whole, interaction.lines, image)
    opinions = [opinionOf(o, _others(found.methods, o, settings.method), whole[0].shape) for o in found.outlines]
    second = secondOpinion(opinions, masks, image)
    for outline, opinion, volumes in zip(found.outlines, opinions, second.volumesMl, strict=True):
        doubts += (*heldAgainst(outline, opinion), *doubtsOf(opinion, volumes, image.GetSize()[2] == 1))
    contrastEnhanced = None
    if MrSequence.t1c in sequences and (sequence is not MrSequence.t1c or interaction.isOnlyOutline):
        contrastEnhanced = images[sequences.index(MrSequence.t1c)]
    isCorrected = settings.method is SegmentationMethod.strokes and not interaction.isOnlyOutline
    if interaction.presentImage is not None and interaction.presentSegments and isCorrected:
        lesions = _correctedLesions(masks[0], image, interaction.presentImage, interaction.presentSegments)
    else:
        tissue = None if contrastEnhanced is None else found.search.onGrid(image)
        lesions = labeledLesions(masks, contrastEnhanced, tissue)
    labelImage = sitk.GetImageFromArray(lesions.labels)
    labelImage.CopyInformation(images[0])
    logging.info("Outlined %d lesion(s) by %s", len(masks), settings.method.value)
    doubts += (*found.doubts, *found.search.doubts)
    notes = (*found.notes, *(note for o in found.outlines for note in (*o.notes, *o.suspicions)))
    if image.GetDepth() == 1:
        notes = (*found.search.notes, *notes)
    return TumorResult(
        labelImage,
        lesions.segments,
        tuple(dict.fromkeys((*notes, *doubts, *lesions.notes))),
        settings,
        lesions.unions,
        verdict=_verdict(settings.method, doubts),
        second=second,
        alternative=alternativeOf(found.outlines, image),
    )


@dataclass(frozen=True)
class _Found:
    """Outlines, the methods that made them, and within which mask."""

    outlines: list[Outline]
    methods: LesionMethods
    search: SearchMask
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def _found(
    image: sitk.Image,
    sequence: MrSequence,
    interaction: TumorInteraction,
    method: SegmentationMethod,
    cavityMask: sitk.Image | None,
    mask: sitk.Image | None,
    progress: Progress | None,
) -> _Found:
    """Return the outlines of all lesions that were pointed at, within the user's mask, the CT's cavity or the MRI's."""
    outlining = subProgress(progress, 0.4, 1.0)
    if mask is not None:
        methods = LesionMethods(image, sequence, mask)
        return _Found(_outlines(methods, interaction, method, outlining), methods, SearchMask(mask, None))
    search = searchMask(image, _pointed(interaction), subProgress(progress, 0.0, 0.4))
    inMri = LesionMethods(image, sequence, search.image)
    if cavityMask is None:
        return _Found(_outlines(inMri, interaction, method, outlining), inMri, search)
    inCavity = LesionMethods(image, sequence, cavityMask)
    limited = limitedByCavity(
        lambda: _outlines(inCavity, interaction, method, outlining),
        lambda: _outlines(inMri, interaction, method, outlining),
        cavityMask,
    )
    if limited.usesCavity:
        return _Found(limited.outlines, inCavity, SearchMask(cavityMask, None), limited.doubts, limited.notes)
    return _Found(limited.outlines, inMri, search, limited.doubts, limited.notes)


def _outlines(
    methods: LesionMethods, interaction: TumorInteraction, method: SegmentationMethod, progress: Progress | None
) -> list[Outline]:
    """Return the outline of each lesion that was pointed at."""
    if method is SegmentationMethod.automatic:
        return [methods.automatic(progress)]
    if method is SegmentationMethod.strokes:
        isParted = methods.sequence is MrSequence.t1c
        return [_strokesOutline(methods.image, interaction, methods.allowed, isParted, progress)]
    if method is SegmentationMethod.line:
        return methods.fromLines(
            _needed(interaction.lines, "Draw a line along the tumor's longest diameter."), progress
        )
    if method is SegmentationMethod.click:
        request = "Click on the tumor: the click method needs a seed inside the lesion."
        return methods.fromClicks(_needed(interaction.seeds, request), progress)
    if interaction.lines is None:
        seeds = _needed(interaction.seeds, "Click on the tumor, or draw a line.")
        return methods.byWatershed([seed[None] for seed in seeds])
    shares = np.linspace(0.1, 0.9, 9)[:, None]
    return methods.byWatershed([line[0] + shares * (line[1] - line[0]) for line in interaction.lines])


def _others(methods: LesionMethods, outline: Outline, method: SegmentationMethod) -> list[OtherMethod]:
    """Return the methods that can check an outline, the best first."""
    if method is SegmentationMethod.automatic:
        return [methods.clickAtMiddle()]
    return methods.othersOfClick(outline) if method is SegmentationMethod.click else methods.othersOfLine()


def _ball(outline: Outline, number: int, interaction: TumorInteraction, image: sitk.Image) -> Ball:
    """Return the ball on a lesion's line, or one as large as its outline."""
    if interaction.lines is not None and number < len(interaction.lines):
        start, end = interaction.lines[number]
        return Ball((start + end) / 2, float(np.linalg.norm(end - start)) / 2)
    volume = max(float(outline.mask.sum()), 1.0) * float(np.prod(image.GetSpacing()))
    return Ball(middleOf(outline, image), (3 * volume / (4 * np.pi)) ** (1 / 3))


def _pointed(interaction: TumorInteraction) -> np.ndarray | None:
    """Return points on the tumor, LPS millimeters, shape (N, 3), or None where none are given."""
    if interaction.lines is not None:
        shares = np.linspace(0.05, 0.95, 19)[:, None]
        return np.concatenate([line[0] + shares * (line[1] - line[0]) for line in interaction.lines])
    return interaction.seeds if interaction.seeds is not None else interaction.foregroundPoints


def _verdict(method: SegmentationMethod, doubts: tuple[str, ...]) -> Verdict:
    """Return the judgment on all outlines together; what nobody pointed at stays unconfirmed until it is accepted."""
    reasons = tuple(dict.fromkeys(doubts))
    if method.isAutomatic:
        return Verdict(Judgment.notConfirmed, (_NOBODY_POINTED, *reasons))
    return Verdict(Judgment.doubtful, reasons) if reasons else Verdict(Judgment.confirmed)


def _strokesOutline(
    image: sitk.Image,
    interaction: TumorInteraction,
    cavityMask: sitk.Image | None,
    isParted: bool,
    progress: Progress | None,
) -> Outline:
    """Return the outline from strokes, or the present one corrected by them; as it is where it is only to be parted."""
    foreground = _strokePoints(interaction.foregroundPoints, interaction.foregroundImage)
    background = _strokePoints(interaction.backgroundPoints, interaction.backgroundImage)
    if interaction.presentImage is None:
        return outlineFromStrokes(image, foreground, background, cavityMask, progress)
    present = resampleImage(interaction.presentImage, image, interpolation=Interpolation.nearest)
    if interaction.isOnlyOutline and isParted:
        return Outline(sitk.GetArrayFromImage(present) != 0, tuple(slice(0, n) for n in image.GetSize()[::-1]))
    return correctOutline(image, present, foreground, background, cavityMask, progress)


def _correctedLesions(
    mask: np.ndarray, image: sitk.Image, presentImage: sitk.Image, segments: tuple[Segment | SegmentUnion, ...]
) -> LabeledLesions:
    """Return a corrected outline with the parts and lesions that it had."""
    present = resampleImage(presentImage, image, interpolation=Interpolation.nearest)
    labels = keptLabels(mask, sitk.GetArrayFromImage(present), np.array(image.GetSpacing()[::-1]))
    return LabeledLesions(
        labels,
        tuple(segment for segment in segments if isinstance(segment, Segment)),
        tuple(union for union in segments if isinstance(union, SegmentUnion)),
        (),
    )


def _strokePoints(points: np.ndarray | None, image: sitk.Image | None) -> np.ndarray:
    """Return the points of strokes given as points, as a label image, or both, shape (N, 3)."""
    found = [np.zeros((0, 3))] if points is None else [points]
    if image is not None:
        marked = np.argwhere(sitk.GetArrayViewFromImage(image) != 0)
        found.append(pointsAt(image, marked[:, ::-1]))
    return np.concatenate(found)


def _needed(points: np.ndarray | None, request: str) -> np.ndarray:
    """Return the points or raise ValueError with the request for them."""
    if points is None:
        raise ValueError(request)
    return points


def _checkImages(images: Sequence[sitk.Image], cavityMask: sitk.Image | None) -> None:
    """Raise ValueError unless all images and the mask are 3D scalar volumes of one grid with some contrast."""
    if not images:
        raise ValueError("There is no volume to outline a tumor in.")
    for image in [*images, *([] if cavityMask is None else [cavityMask])]:
        if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
            raise ValueError("The tumor is outlined in volumes of three dimensions with one value per voxel.")
        if image.GetSize() != images[0].GetSize():
            raise ValueError(f"A volume or mask of {image.GetSize()} voxels is not on the grid {images[0].GetSize()}.")
    low, high = extremes(images[0])
    if not (np.isfinite(low) and np.isfinite(high)):
        raise ValueError("The volume holds values that are not numbers; clean it first.")
    if not high > low:
        raise ValueError("The volume is constant, so there is no tumor to outline in it.")


def _mainImage(sequences: Sequence[MrSequence]) -> int:
    """Return which image shows the whole tumor: FLAIR, else T2, else the first."""
    for wanted in (MrSequence.flair, MrSequence.t2):
        if wanted in sequences:
            return sequences.index(wanted)
    return 0


def _sequenceDoubts(sequence: MrSequence, method: SegmentationMethod) -> tuple[str, ...]:
    """Return what speaks against a method on a sequence, or raise ValueError if it cannot work."""
    if method is not SegmentationMethod.automatic or sequence is MrSequence.flair:
        return ()
    if sequence is MrSequence.t1:
        raise ValueError(
            "The automatic method does not work on T1 without contrast: it looks for the bright edema of FLAIR or the "
            "ring of T1c. Draw a line along the longest diameter instead, or choose another volume."
        )
    if sequence is MrSequence.t1c:
        return ("On T1c the automatic method finds cores with a clear ring of enhancement only, and no edema.",)
    if sequence is MrSequence.t2:
        return ("On T2 the automatic method is right in half of the cases only: fluid is as bright as edema.",)
    return ("The automatic method is made for FLAIR; if this volume is not one, draw a line instead.",)
