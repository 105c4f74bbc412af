"""Two time points of one patient in one frame: the tumor's change, lesion by lesion, with its uncertainty."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Coordinates import flipPoints
from ..Images.Grids import boxAround, cornerPoints, directionOf, emptyImage, imagePart
from ..Images.Transforms import IDENTITY, transformPoints
from ..Progress import Progress, report, subProgress
from ..Tumor.Diameters import axialDiameters
from ..Tumor.LesionMeasurements import SegmentMeasurements
from ..Tumor.Segments import Segment, SegmentUnion
from ..Tumor.TumorMeasurements import measureTumor, numberedLesions
from .Change import Change
from .LesionPairing import LesionFate, LesionMatch, matchLesions
from .RigidAlignment import RigidAlignment

# Chosen by hand: as many trials as time allows; a head is about 80 mm in radius.
TRIALS, TRIALS_OF_MANY_LESIONS, MANY_LESIONS = 30, 10, 4
HEAD_RADIUS_MM = 80.0


@dataclass(frozen=True)
class TumorState:
    """An outlined tumor at one time.

    :param labelImage: labels, every one above 0 is tumor; LPS mm in the time's own frame.
    :param segments: what the labels are; None where that is not known.
    :param relativeError: how differently methods outline it, one standard deviation as a share of the volume.
    """

    labelImage: sitk.Image
    segments: tuple[Segment | SegmentUnion, ...] | None = None
    relativeError: float = 0.0


@dataclass(frozen=True)
class LesionChange:
    """What became of lesions that belong together, the sums of their volumes and of their products.

    :param center: of the largest of them in the first frame, LPS mm.
    """

    match: LesionMatch
    volume: Change
    product: Change
    center: np.ndarray

    @property
    def sentence(self) -> str:
        """Return what is to be said of them, empty where they are the same."""
        r, a, s = flipPoints(self.center)
        place = f"at R {r:.0f}, A {a:.0f}, S {s:.0f} mm"
        count = len(self.match.before), len(self.match.after)
        return {
            LesionFate.same: "",
            LesionFate.new: f"There is a new lesion of {self.volume.after:.2f} ml {place}.",
            LesionFate.gone: f"A lesion of {self.volume.before:.2f} ml {place} is gone.",
            LesionFate.merged: f"{count[0]} lesions have merged into one {place}; their sums are compared.",
            LesionFate.split: f"A lesion {place} has split into {count[1]}; their sum is compared.",
            LesionFate.regrouped: f"{count[0]} lesions {place} have become {count[1]}; their sums are compared.",
        }[self.match.fate]

    def measurements(self) -> dict[str, object]:
        """Return it as JSON types."""
        return {
            "fate": self.match.fate.value,
            "before": list(self.match.before),
            "after": list(self.match.after),
            "center_ras": flipPoints(self.center).tolist(),
            "volume": self.volume.measurements(),
            "bidimensional_product": self.product.measurements(),
        }


@dataclass(frozen=True)
class FollowUp:
    """The change of a tumor between two times.

    :param changes: of volume and product as sums over all lesions, and of the diameters of the largest one.
    :param lesions: the same of the lesions that belong together.
    :param keptMl: volume that is tumor at both times, in the common frame; `grownMl` only after, `goneMl` only before.
    """

    changes: tuple[Change, ...]
    lesions: tuple[LesionChange, ...]
    keptMl: float
    grownMl: float
    goneMl: float
    before: SegmentMeasurements
    after: SegmentMeasurements

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return a sentence for each lesion that is not simply the same, and if the outlines have nothing in common."""
        sentences = tuple(lesion.sentence for lesion in self.lesions if lesion.sentence)
        if self.keptMl > 0:
            return sentences
        return (
            "The two outlines do not overlap in the common frame; if they are two lesions, their difference is not "
            "the growth of one. Look at the pictures.",
            *sentences,
        )

    def measurements(self) -> dict[str, object]:
        """Return all of it as JSON types."""
        keys: dict[str, object] = {change.name: change.measurements() for change in self.changes}
        keys |= {"kept_ml": self.keptMl, "grown_ml": self.grownMl, "gone_ml": self.goneMl}
        return keys | {"lesions": [lesion.measurements() for lesion in self.lesions]}


def compareTumors(
    before: TumorState, after: TumorState, alignment: RigidAlignment, progress: Progress | None = None
) -> FollowUp:
    """Return how a tumor changed, lesion by lesion.

    Volumes are those of each outline on its own grid; diameters are measured in planes of the first time point, so
    that a head held differently does not change them. The registration's share is the spread of each measure when
    the alignment is varied by its own error.

    Bidimensional measurement and sums over lesions: Wen et al. 2023, doi:10.1200/JCO.23.01059. Propagation by trials:
    JCGM 101:2008.
    """
    report(progress, 0.0, "Comparing the tumors")
    for state in (before, after):
        if not sitk.GetArrayViewFromImage(state.labelImage).any():
            raise ValueError("One of the time points has no tumor outlined; outline it first.")
    first, second = _Measured.of(before, IDENTITY, before), _Measured.of(after, alignment.transform, before)
    matches = matchLesions(first.lesions, second.lesions, alignment.transform, alignment.errorMm)
    spread = _Trials(second, alignment, subProgress(progress, 0.2, 1.0))
    grids = _commonGrids(before.labelImage, after.labelImage, alignment.transform)
    kept, beforeMl, afterMl = _shared(before.labelImage, after.labelImage, grids, alignment.transform)
    everything = LesionMatch(*(tuple(range(1, time.count + 1)) for time in (first, second)))
    return FollowUp(
        changes=(
            _volumeChange(first, second, everything, spread),
            *_diameterChanges(first, second, spread),
            _productChange(first, second, everything, spread),
        ),
        lesions=tuple(
            LesionChange(
                match,
                _volumeChange(first, second, match, spread),
                _productChange(first, second, match, spread),
                _center(first, second, match, alignment.transform),
            )
            for match in matches
        ),
        keptMl=kept,
        grownMl=afterMl - kept,
        goneMl=beforeMl - kept,
        before=first.total,
        after=second.total,
    )


@dataclass(frozen=True)
class _Measured:
    """One time's lesions, measured on their own grid and in the common frame's planes.

    :param lesions: their numbers from 1 on, as an image.
    :param grids: around each lesion in the first frame.
    :param diameters: longest and perpendicular diameter of each lesion in the planes of the first frame, mm.
    :param stepMm: half a voxel.
    """

    total: SegmentMeasurements
    lesions: sitk.Image
    grids: tuple[sitk.Image, ...]
    diameters: np.ndarray
    stepMm: float
    relativeError: float

    @classmethod
    def of(cls, state: TumorState, transform: sitk.Transform, reference: TumorState) -> "_Measured":
        """Return the measures of a time.

        :param transform: from the first frame to this time's.
        :param reference: the first time, whose planes are used.
        """
        segments = state.segments
        if segments is None:
            values = np.unique(sitk.GetArrayViewFromImage(state.labelImage))
            segments = tuple(Segment(int(value), str(value)) for value in values if value)
        total = measureTumor(state.labelImage, segments=segments).total
        lesions = numberedLesions(state.labelImage, segments)
        spacing = float(max(min(*state.labelImage.GetSpacing(), *reference.labelImage.GetSpacing()) / 2, 0.3))
        grids = tuple(
            _gridAround(
                transformPoints(transform.GetInverse(), _tumorPoints(lesions == number)), reference.labelImage, spacing
            )
            for number in range(1, len(total.lesions) + 1)
        )
        measured = cls(total, lesions, grids, np.zeros(0), 0.0, state.relativeError)
        found = [measured.diametersOf(number, transform) for number in range(1, len(grids) + 1)]
        if not np.isfinite(found).all():
            raise ValueError(
                "A tumor vanishes in the common frame; it is smaller than a voxel. Outline it on a finer image."
            )
        step = float(np.mean(state.labelImage.GetSpacing())) / 2
        return cls(total, lesions, grids, np.array(found)[:, 1:], step, state.relativeError)

    @property
    def count(self) -> int:
        return len(self.grids)

    def diametersOf(self, number: int, transform: sitk.Transform) -> tuple[float, float, float]:
        """Return volume (ml) and both diameters (mm) of a lesion in the common frame; not numbers where it vanishes."""
        grid = self.grids[number - 1]
        mask = _maskOnGrid(self.lesions == number, grid, transform)
        if not mask.any():
            return (float("nan"),) * 3
        longest, perpendicular = axialDiameters(mask, grid)
        volume = float(mask.sum() * np.prod(grid.GetSpacing())) / 1000
        return volume, longest.lengthMm, perpendicular.lengthMm

    def volumes(self, numbers: Sequence[int]) -> tuple[float, float]:
        """Return the sum of lesions' volumes and what half a voxel makes of it, ml."""
        lesions = [self.total.lesions[number - 1] for number in numbers]
        volume = self.total.volumeMl if len(lesions) == self.count else sum(lesion.volumeMl for lesion in lesions)
        return volume, sum(lesion.volumeUncertaintyMl for lesion in lesions)

    def products(self, numbers: Sequence[int]) -> tuple[float, float]:
        """Return the sum of lesions' products and what half a voxel makes of it, square millimeters."""
        pairs = self.diameters[np.array(numbers, int) - 1]
        return float(pairs.prod(axis=1).sum()), float(self.stepMm * np.hypot(*pairs.T).sum())


class _Trials:
    """The second time's measures under alignments varied by their error; one error moves all lesions."""

    def __init__(self, measured: _Measured, alignment: RigidAlignment, progress: Progress | None) -> None:
        trials = TRIALS if measured.count < MANY_LESIONS else TRIALS_OF_MANY_LESIONS
        random = np.random.default_rng(0)
        self._values = np.zeros((trials, measured.count, 3))
        center = measured.total.centroid.tolist()
        for trial in range(trials):
            report(progress, trial / trials, "Varying the alignment")
            angles = random.normal(0, alignment.errorMm / HEAD_RADIUS_MM, 3)
            shift = random.normal(0, alignment.errorMm / np.sqrt(3), 3)
            wobble = sitk.Euler3DTransform(center, *angles.tolist(), shift.tolist())
            moved = sitk.CompositeTransform([wobble, alignment.transform])
            for number in range(1, measured.count + 1):
                self._values[trial, number - 1] = measured.diametersOf(number, moved)

    def volume(self, numbers: Sequence[int]) -> float:
        """Return the standard deviation of the sum of lesions' volumes, ml."""
        return self._spread(self._values[:, np.array(numbers, int) - 1, 0].sum(axis=1))

    def product(self, numbers: Sequence[int]) -> float:
        """Return the standard deviation of the sum of lesions' products, square millimeters."""
        pairs = self._values[:, np.array(numbers, int) - 1, 1:]
        return self._spread(pairs.prod(axis=2).sum(axis=1))

    def diameters(self, number: int) -> tuple[float, float]:
        """Return the standard deviations of both diameters of a lesion, mm."""
        return self._spread(self._values[:, number - 1, 1]), self._spread(self._values[:, number - 1, 2])

    @staticmethod
    def _spread(values: np.ndarray) -> float:
        values = values[np.isfinite(values)]
        return float(np.std(values)) if len(values) else 0.0


def _volumeChange(first: _Measured, second: _Measured, match: LesionMatch, spread: _Trials) -> Change:
    (before, beforeEdge), (after, afterEdge) = first.volumes(match.before), second.volumes(match.after)
    outline = float(np.hypot(first.relativeError * before, second.relativeError * after))
    edge = float(np.hypot(beforeEdge, afterEdge))
    return Change("volume", "ml", before, after, outline, spread.volume(match.after), edge)


def _productChange(first: _Measured, second: _Measured, match: LesionMatch, spread: _Trials) -> Change:
    (before, beforeEdge), (after, afterEdge) = first.products(match.before), second.products(match.after)
    # An area goes with the volume to the power of 2/3, a diameter with that of 1/3.
    outline = 2 / 3 * float(np.hypot(first.relativeError * before, second.relativeError * after))
    edge = float(np.hypot(beforeEdge, afterEdge))
    return Change("bidimensional_product", "mm²", before, after, outline, spread.product(match.after), edge)


def _diameterChanges(first: _Measured, second: _Measured, spread: _Trials) -> tuple[Change, ...]:
    """Return the changes of both diameters of each time's largest lesion."""
    largest = [int(np.argmax(time.diameters[:, 0])) for time in (first, second)]
    edge = float(np.hypot(first.stepMm, second.stepMm))
    changes = []
    for axis, name in enumerate(("axial_diameter", "perpendicular_diameter")):
        before, after = (float(t.diameters[n, axis]) for t, n in zip((first, second), largest, strict=True))
        outline = float(np.hypot(first.relativeError * before, second.relativeError * after)) / 3
        changes.append(Change(name, "mm", before, after, outline, spread.diameters(largest[1] + 1)[axis], edge))
    return tuple(changes)


def _center(first: _Measured, second: _Measured, match: LesionMatch, transform: sitk.Transform) -> np.ndarray:
    """Return where lesions lie in the first frame, LPS mm."""
    time, numbers = (first, match.before) if match.before else (second, match.after)
    largest = max((time.total.lesions[number - 1] for number in numbers), key=lambda lesion: lesion.volumeMl)
    return largest.centroid if match.before else transformPoints(transform.GetInverse(), largest.centroid)[0]


def _shared(
    before: sitk.Image, after: sitk.Image, grids: tuple[sitk.Image, sitk.Image], transform: sitk.Transform
) -> tuple[float, float, float]:
    """Return the volumes that are tumor at both times, at the first and at the second, ml in the common frame."""
    # Each tumor has its own grid of one lattice, for two that lie far apart would need a grid as large as the head.
    voxelMl = float(np.prod(grids[0].GetSpacing())) / 1000
    maskBefore, maskAfter = _maskOnGrid(before, grids[0], IDENTITY), _maskOnGrid(after, grids[1], transform)
    kept = int((maskBefore & _maskOnGrid(after, grids[0], transform)).sum())
    return kept * voxelMl, int(maskBefore.sum()) * voxelMl, int(maskAfter.sum()) * voxelMl


def largestLesionCenter(labels: sitk.Image) -> np.ndarray:
    """Return the centroid of the largest connected part of the labels above 0, LPS mm."""
    parts = sitk.RelabelComponent(sitk.ConnectedComponent(labels > 0), sortByObjectSize=True)
    shape = sitk.LabelShapeStatisticsImageFilter()
    shape.Execute(parts)
    return np.array(shape.GetCentroid(1))


def _commonGrids(before: sitk.Image, after: sitk.Image, transform: sitk.Transform) -> tuple[sitk.Image, sitk.Image]:
    """Return an empty grid around each tumor in the first frame, twice as fine as the finer outline, on one lattice."""
    inverse = transform.GetInverse()
    spacing = float(max(min(*before.GetSpacing(), *after.GetSpacing()) / 2, 0.3))
    moved = transformPoints(inverse, _tumorPoints(after))
    return _gridAround(_tumorPoints(before), before, spacing), _gridAround(moved, before, spacing)


def _gridAround(points: np.ndarray, image: sitk.Image, spacing: float) -> sitk.Image:
    """Return an empty grid along an image's axes."""
    axes = directionOf(image)
    # At an odd place between the image's own voxels, for midway between two of them every border would be a tie.
    first = image.GetOrigin() @ axes + 0.37 * spacing
    low = np.floor(((points @ axes).min(axis=0) - 8 - first) / spacing)
    high = np.ceil(((points @ axes).max(axis=0) + 8 - first) / spacing)
    return emptyImage(high - low + 1, [spacing] * 3, axes @ (first + low * spacing), axes)


def _tumorPoints(labels: sitk.Image) -> np.ndarray:
    """Return the corners of the box around the labels, LPS mm."""
    mask = sitk.GetArrayViewFromImage(labels) > 0
    if not mask.any():
        raise ValueError("One of the time points has no tumor outlined; outline it first.")
    box = boxAround(mask)[::-1]
    return cornerPoints(imagePart(labels, [part.start for part in box], [part.stop for part in box]))


def _maskOnGrid(labels: sitk.Image, grid: sitk.Image, transform: sitk.Transform) -> np.ndarray:
    mask = sitk.Cast(labels > 0, sitk.sitkFloat32)
    return sitk.GetArrayFromImage(sitk.Resample(mask, grid, transform, sitk.sitkLinear, 0.0)) >= 0.5
