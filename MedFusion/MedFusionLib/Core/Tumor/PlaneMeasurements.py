"""Measure an outlined tumor in a picture: areas and diameters, in pixels and, where their size is known, in mm."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy import ndimage

from .Diameters import Diameter, axialDiameters
from .LesionMeasurements import IntensityStatistics

_SMALLEST_LESION_PX = 6  # fewer pixels are crumbs of an outline


@dataclass(frozen=True, eq=False)
class PlaneLesion:
    """Hold the measures of one connected part in pixels; points are column and row.

    :param centroid: shape (2,).
    """

    areaPx: int
    centroid: np.ndarray
    longest: Diameter
    across: Diameter

    @property
    def productPx2(self) -> float:
        """Return the product of both diameters."""
        return self.longest.lengthMm * self.across.lengthMm

    def measurements(self, pixelMm: float | None) -> dict[str, object]:
        """Return it as JSON types; lengths in mm are None where the size of a pixel is unknown."""
        return {
            **_both("area", "2", float(self.areaPx), pixelMm),
            **_both("longest_diameter", "", self.longest.lengthMm, pixelMm),
            **_both("perpendicular_diameter", "", self.across.lengthMm, pixelMm),
            **_both("bidimensional_product", "2", self.productPx2, pixelMm),
            "centroid_px": self.centroid.tolist(),
            "longest_diameter_ends_px": _ends(self.longest),
            "perpendicular_diameter_ends_px": _ends(self.across),
        }


@dataclass(frozen=True, eq=False)
class PlaneMeasurements:
    """Hold the lesions of a picture, the largest first, and the intensities in all of them by picture.

    :param crumbs: parts too small for a lesion, which count for the area only.
    :param pixelMm: size of a pixel, None where it is unknown.
    """

    lesions: tuple[PlaneLesion, ...]
    areaPx: int
    crumbs: int
    intensities: Mapping[str, IntensityStatistics]
    pixelMm: float | None = None

    @property
    def productPx2(self) -> float:
        """Return the sum of the lesions' products."""
        return sum(lesion.productPx2 for lesion in self.lesions)

    def measurements(self) -> dict[str, object]:
        """Return it as JSON types."""
        return {
            **_both("area", "2", float(self.areaPx), self.pixelMm),
            **_both("bidimensional_product", "2", self.productPx2, self.pixelMm),
            "lesion_count": len(self.lesions),
            "crumbs": self.crumbs,
            "lesions": [lesion.measurements(self.pixelMm) for lesion in self.lesions],
            "intensities": {
                name: {"mean": values.mean, "standard_deviation": values.standardDeviation}
                for name, values in self.intensities.items()
            },
        }


def measureInPlane(
    labelImage: sitk.Image, images: Mapping[str, sitk.Image] | None = None, pixelMm: float | None = None
) -> PlaneMeasurements:
    """Return the measures of all that is outlined in a single slice.

    :param labelImage: one slice with square pixels, 0 is background.
    :param images: pictures of the same size whose intensities are wanted.
    :raises ValueError: where nothing is outlined.
    """
    mask = sitk.GetArrayFromImage(labelImage)[:1] != 0
    if not mask.any():
        raise ValueError("There is no tumor to measure: the segmentation is empty.")
    numbered, count = ndimage.label(mask, np.ones((3, 3, 3)))
    sizes = np.bincount(numbered.ravel(), minlength=count + 1)[1:]
    order = np.argsort(-sizes, kind="stable").tolist()
    kept = [number for rank, number in enumerate(order) if not rank or sizes[number] >= _SMALLEST_LESION_PX]
    inside = {name: sitk.GetArrayFromImage(image)[:1][mask] for name, image in (images or {}).items()}
    return PlaneMeasurements(
        tuple(_measured(numbered == number + 1) for number in kept),
        int(mask.sum()),
        count - len(kept),
        {name: IntensityStatistics(float(values.mean()), float(values.std())) for name, values in inside.items()},
        pixelMm,
    )


def _measured(mask: np.ndarray) -> PlaneLesion:
    grid = sitk.Image(*mask.shape[::-1], sitk.sitkUInt8)  # pixels are its unit of length
    longest, across = axialDiameters(mask, grid)
    return PlaneLesion(int(mask.sum()), np.argwhere(mask[0]).mean(axis=0)[::-1], longest, across)


def _both(name: str, power: str, value: float, pixelMm: float | None) -> dict[str, float | None]:
    factor = None if pixelMm is None else pixelMm ** (2 if power else 1)
    return {f"{name}_px{power}": value, f"{name}_mm{power}": None if factor is None else value * factor}


def _ends(diameter: Diameter) -> list[list[float]]:
    return [np.asarray(end)[:2].tolist() for end in (diameter.start, diameter.end)]
