"""What is measured on an outlined tumor: by lesion, by segment, and of all together."""

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..Images.Coordinates import flipPoints
from .Diameters import Diameter

# A lesion is measurable from 10 mm in both diameters on (RANO 2.0).
_MEASURABLE_MM = 10.0
# A line that leaves the lesion for less is not worth a word.
_SHARE_OUTSIDE = 0.1


@dataclass(frozen=True)
class IntensityStatistics:
    """Mean and standard deviation of one image inside a lesion, in the image's own units."""

    mean: float
    standardDeviation: float


@dataclass(frozen=True)
class LesionMeasurements:
    """The measurements of one connected part; points in LPS millimeters, lengths in millimeters.

    :param volumeUncertaintyMl: how far another method's volume differs, at least what half a voxel at the border makes.
    :param plane: the plane of the axial diameter and its perpendicular: axial, or as the image was acquired.
    :param outsideShares: which share of the axial, the perpendicular and the longest diameter lies outside of the part.
    """

    volumeMl: float
    volumeUncertaintyMl: float
    centroid: np.ndarray
    axialDiameter: Diameter
    perpendicularDiameter: Diameter
    longestDiameter: Diameter
    sphericity: float
    plane: str = "axial"
    outsideShares: tuple[float, float, float] = (0.0, 0.0, 0.0)
    depthMm: float | None = None
    centroidDepthMm: float | None = None
    intensities: dict[str, IntensityStatistics] = field(default_factory=dict)

    @property
    def bidimensionalProductMm2(self) -> float:
        """Return the product of the axial diameter and its perpendicular."""
        return self.axialDiameter.lengthMm * self.perpendicularDiameter.lengthMm

    @property
    def centroidRas(self) -> list[float]:
        """Return the centroid as files have it, RAS millimeters."""
        return _ras(self.centroid)

    @property
    def isMeasurable(self) -> bool:
        """Return True if both diameters in the plane reach 10 mm, as RANO asks of a target lesion."""
        return min(self.axialDiameter.lengthMm, self.perpendicularDiameter.lengthMm) >= _MEASURABLE_MM

    @property
    def notes(self) -> tuple[str, ...]:
        """Return a sentence for each diameter that leaves the lesion."""
        titles = ("longest diameter in its plane", "perpendicular diameter", "longest diameter in 3D")
        reasons = ("crosses a hollow of", "crosses a hollow of", "leaves")
        return tuple(
            f"The {title} {reason} the lesion for {share:.0%} of its length."
            for title, reason, share in zip(titles, reasons, self.outsideShares, strict=True)
            if share > _SHARE_OUTSIDE
        )

    def measurements(self) -> dict[str, object]:
        """Return the measurements as they are written to files, points in RAS."""
        return _values(self) | {"measurable": self.isMeasurable} | ({"notes": list(self.notes)} if self.notes else {})


@dataclass(frozen=True)
class SegmentMeasurements:
    """The measurements of a segment: of each of its lesions, and what can be said of all together.

    Volume and product are sums over the lesions; what belongs to one lesion only, such as a diameter, is that of the
    lesion with the largest one, for none goes from one lesion to another.

    :param lesions: its connected parts.
    :param volumeMl: of all its voxels, also of the crumbs that are no lesion of their own.
    :param crumbs: how many those are.
    """

    lesions: tuple[LesionMeasurements, ...]
    volumeMl: float
    crumbs: int = 0
    intensities: dict[str, IntensityStatistics] = field(default_factory=dict)

    @cached_property
    def _largest(self) -> LesionMeasurements:
        return max(self.lesions, key=lambda lesion: lesion.volumeMl)

    @cached_property
    def _widest(self) -> LesionMeasurements:
        return max(self.lesions, key=lambda lesion: lesion.axialDiameter.lengthMm)

    @property
    def volumeUncertaintyMl(self) -> float:
        """Return the lesions' uncertainties together; outlines that are too large are so everywhere."""
        return sum(lesion.volumeUncertaintyMl for lesion in self.lesions)

    @property
    def bidimensionalProductMm2(self) -> float:
        """Return the sum of the lesions' products."""
        return sum(lesion.bidimensionalProductMm2 for lesion in self.lesions)

    @property
    def centroid(self) -> np.ndarray:
        """Return the centroid of the largest lesion."""
        return self._largest.centroid

    @property
    def axialDiameter(self) -> Diameter:
        """Return the longest diameter in the plane of any one lesion."""
        return self._widest.axialDiameter

    @property
    def perpendicularDiameter(self) -> Diameter:
        """Return the perpendicular one of the same lesion."""
        return self._widest.perpendicularDiameter

    @property
    def plane(self) -> str:
        """Return the plane of these two."""
        return self._widest.plane

    @property
    def longestDiameter(self) -> Diameter:
        """Return the longest diameter in 3D of any one lesion."""
        return max((lesion.longestDiameter for lesion in self.lesions), key=lambda diameter: diameter.lengthMm)

    @property
    def sphericity(self) -> float:
        """Return that of the largest lesion."""
        return self._largest.sphericity

    @property
    def depthMm(self) -> float | None:
        """Return the depth of the lesion that lies nearest to the skull."""
        depths = [lesion.depthMm for lesion in self.lesions if lesion.depthMm is not None]
        return min(depths, default=None)

    @property
    def centroidDepthMm(self) -> float | None:
        """Return the depth of the largest lesion's centroid."""
        return self._largest.centroidDepthMm

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what is to be said of its lesions' diameters."""
        if len(self.lesions) == 1:
            return self.lesions[0].notes
        return tuple(f"Lesion {n}: {note}" for n, lesion in enumerate(self.lesions, start=1) for note in lesion.notes)

    def measurements(self) -> dict[str, object]:
        """Return the measurements as they are written to files, points in RAS."""
        values = _values(self) | {"lesion_count": len(self.lesions)}
        if self.crumbs:
            values["crumbs"] = self.crumbs
        return values | {"lesions": [lesion.measurements() for lesion in self.lesions]}


def _values(measured: LesionMeasurements | SegmentMeasurements) -> dict[str, object]:
    """Return what a lesion and a segment have in common as it is written to files."""
    longest, axial, across = measured.longestDiameter, measured.axialDiameter, measured.perpendicularDiameter
    values: dict[str, object] = {
        "volume_ml": measured.volumeMl,
        "volume_uncertainty_ml": measured.volumeUncertaintyMl,
        "centroid_ras": _ras(measured.centroid),
        "longest_diameter_mm": longest.lengthMm,
        "longest_diameter_ends_ras": [_ras(longest.start), _ras(longest.end)],
        "diameter_plane": measured.plane,
        "axial_diameter_mm": axial.lengthMm,
        "axial_diameter_ends_ras": [_ras(axial.start), _ras(axial.end)],
        "perpendicular_diameter_mm": across.lengthMm,
        "perpendicular_diameter_ends_ras": [_ras(across.start), _ras(across.end)],
        "bidimensional_product_mm2": measured.bidimensionalProductMm2,
        "sphericity": measured.sphericity,
    }
    if measured.depthMm is not None:
        values["depth_below_skull_mm"] = measured.depthMm
        values["centroid_depth_below_skull_mm"] = measured.centroidDepthMm
    if measured.intensities:
        values["intensities"] = {
            name: {"mean": statistics.mean, "standard_deviation": statistics.standardDeviation}
            for name, statistics in measured.intensities.items()
        }
    return values


@dataclass(frozen=True)
class TumorMeasurements:
    """The measurements of every segment by its name, and of all segments together."""

    segments: dict[str, SegmentMeasurements]
    total: SegmentMeasurements

    def namedLesions(self) -> list[tuple[str, LesionMeasurements]]:
        """Return every lesion of every segment, with its number in the name where the segment has several."""
        return [
            (name if len(segment.lesions) == 1 else f"{name}, lesion {number}", lesion)
            for name, segment in self.segments.items()
            for number, lesion in enumerate(segment.lesions, start=1)
        ]

    def measurements(self) -> dict[str, object]:
        """Return the total's measurements with those of the segments under "segments", points in RAS."""
        return self.total.measurements() | {
            "segments": {name: segment.measurements() for name, segment in self.segments.items()}
        }


def _ras(point: np.ndarray) -> list[float]:
    """Return an LPS point as RAS numbers."""
    return flipPoints(point).tolist()
