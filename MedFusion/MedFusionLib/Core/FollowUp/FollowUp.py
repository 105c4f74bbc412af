"""Two time points of one patient: brought into one frame, and the tumor's change with its uncertainty."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import boxAround, cornerPoints, directionOf, emptyImage, imagePart
from ..Images.Transforms import IDENTITY, transformPoints
from ..Progress import Progress, report, subProgress
from ..Tumor.Diameters import axialDiameters
from ..Tumor.LesionMeasurements import SegmentMeasurements
from ..Tumor.TumorMeasurements import measureTumor
from .RigidAlignment import RigidAlignment

TRIALS = 30
HEAD_RADIUS = 80.0


@dataclass(frozen=True)
class Change:
    """One measure at both times, its change, and the uncertainty of the change (one standard deviation).

    :param outlineUncertainty: from where the outline runs between voxels.
    :param registrationUncertainty: from how well the two time points were brought into one frame.
    """

    name: str
    unit: str
    before: float
    after: float
    outlineUncertainty: float
    registrationUncertainty: float

    @property
    def difference(self) -> float:
        """Return after minus before."""
        return self.after - self.before

    @property
    def percent(self) -> float:
        """Return the change in percent of the value before."""
        return 100 * self.difference / self.before if self.before else float("nan")

    @property
    def uncertainty(self) -> float:
        """Return both parts together."""
        return float(np.hypot(self.outlineUncertainty, self.registrationUncertainty))

    @property
    def isBeyondUncertainty(self) -> bool:
        """Return True if the change is outside its 95 % interval around zero."""
        return abs(self.difference) > 1.96 * self.uncertainty

    def measurements(self) -> dict[str, object]:
        """Return the change as JSON types."""
        return {
            "before": self.before,
            "after": self.after,
            "difference": self.difference,
            "percent": self.percent,
            "uncertainty": self.uncertainty,
            "uncertainty_from_outline": self.outlineUncertainty,
            "uncertainty_from_registration": self.registrationUncertainty,
            "beyond_uncertainty": self.isBeyondUncertainty,
        }


@dataclass(frozen=True)
class FollowUp:
    """The change of a tumor between two times.

    :param keptMl: volume that is tumor at both times, in the common frame; `grownMl` only after, `goneMl` only before.
    """

    changes: tuple[Change, ...]
    keptMl: float
    grownMl: float
    goneMl: float
    before: SegmentMeasurements
    after: SegmentMeasurements

    @property
    def warnings(self) -> tuple[str, ...]:
        """Return a sentence if the outlines have nothing in common."""
        if self.keptMl > 0:
            return ()
        return (
            "The two outlines do not overlap in the common frame; if they are two lesions, their difference is not "
            "the growth of one. Look at the pictures.",
        )

    def measurements(self) -> dict[str, object]:
        """Return all of it as JSON types."""
        keys = {change.name: change.measurements() for change in self.changes}
        return keys | {"kept_ml": self.keptMl, "grown_ml": self.grownMl, "gone_ml": self.goneMl}


def compareTumors(
    before: sitk.Image, after: sitk.Image, alignment: RigidAlignment, progress: Progress | None = None
) -> FollowUp:
    """Return how a tumor changed.

    Volumes are those of each outline on its own grid; diameters are measured in planes of the first time point, so
    that a head held differently does not change them. The registration's share is the spread of each measure when
    the alignment is varied by its own error.

    :param before: labels of the first time point, every label above 0 is tumor; LPS mm.
    :param after: labels of the second time point in its own frame.

    Bidimensional measurement: Wen et al. 2023, doi:10.1200/JCO.23.01059. Propagation by trials: JCGM 101:2008.
    """
    report(progress, 0.0, "Comparing the tumors")
    first, second = (measureTumor(sitk.Cast(image > 0, sitk.sitkUInt8)).total for image in (before, after))
    # Each tumor has its own grid of one lattice, for two that lie far apart would need a grid as large as the head.
    gridBefore, gridAfter = _commonGrids(before, after, alignment.transform)
    maskBefore = _maskOnGrid(before, gridBefore, IDENTITY)
    maskAfter = _maskOnGrid(after, gridAfter, alignment.transform)
    if not maskAfter.any() or not maskBefore.any():
        raise ValueError(
            "A tumor vanishes in the common frame; it is smaller than a voxel. Outline it on a finer image."
        )
    voxelMl = float(np.prod(gridBefore.GetSpacing())) / 1000
    kept = int((maskBefore & _maskOnGrid(after, gridBefore, alignment.transform)).sum())
    spread = _spreadOverTrials(after, gridAfter, alignment, second.centroid, subProgress(progress, 0.2, 1.0))
    diameters = [_diameters(maskBefore, gridBefore), _diameters(maskAfter, gridAfter)]
    step = float(np.mean([*before.GetSpacing(), *after.GetSpacing()])) / 2
    edge = step * np.sqrt(2)  # half a voxel at each of the two outlines
    products = [longest * perpendicular for longest, perpendicular in diameters]
    productEdge = float(np.hypot(*(step * np.hypot(*pair) for pair in diameters)))
    volumeEdge = float(np.hypot(first.volumeUncertaintyMl, second.volumeUncertaintyMl))
    changes = (
        Change("volume", "ml", first.volumeMl, second.volumeMl, volumeEdge, spread["volume"]),
        Change("axial_diameter", "mm", diameters[0][0], diameters[1][0], edge, spread["longest"]),
        Change("perpendicular_diameter", "mm", diameters[0][1], diameters[1][1], edge, spread["perpendicular"]),
        Change("bidimensional_product", "mm²", products[0], products[1], productEdge, spread["product"]),
    )
    return FollowUp(
        changes=changes,
        keptMl=kept * voxelMl,
        grownMl=(int(maskAfter.sum()) - kept) * voxelMl,
        goneMl=(int(maskBefore.sum()) - kept) * voxelMl,
        before=first,
        after=second,
    )


def _spreadOverTrials(
    labels: sitk.Image, grid: sitk.Image, alignment: RigidAlignment, center: np.ndarray, progress: Progress | None
) -> dict[str, float]:
    """Return the standard deviation of each measure of the second outline under alignments varied by their error."""
    random = np.random.default_rng(0)
    values = []
    for trial in range(TRIALS):
        report(progress, trial / TRIALS, "Varying the alignment")
        angles = random.normal(0, alignment.errorMm / HEAD_RADIUS, 3)
        shift = random.normal(0, alignment.errorMm / np.sqrt(3), 3)
        wobble = sitk.Euler3DTransform(center.tolist(), *angles.tolist(), shift.tolist())
        mask = _maskOnGrid(labels, grid, sitk.CompositeTransform([wobble, alignment.transform]))
        if mask.any():
            longest, perpendicular = _diameters(mask, grid)
            values.append((mask.sum() * np.prod(grid.GetSpacing()) / 1000, longest, perpendicular))
    spread = np.std(values, axis=0)
    product = float(np.std([longest * perpendicular for _, longest, perpendicular in values]))
    return dict(zip(("volume", "longest", "perpendicular"), map(float, spread), strict=True)) | {"product": product}


def _diameters(mask: np.ndarray, grid: sitk.Image) -> tuple[float, float]:
    longest, perpendicular = axialDiameters(mask, grid)
    return longest.lengthMm, perpendicular.lengthMm


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
    return tuple(_gridAround(points, before, spacing) for points in (_tumorPoints(before), moved))


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
