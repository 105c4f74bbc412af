"""The report's part about the tumor."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk

from ..Core.Tumor.LesionMeasurements import LesionMeasurements, SegmentMeasurements, TumorMeasurements
from .Page import Figure, figures, paragraph, section, table
from .Pictures import Plane, grayPicture, robustWindow, sliceGrid, sliceValues, withOutline

OUTLINE_COLOR = (255, 70, 40)
_MOST_COLUMNS = 6


def tumorSection(
    measurements: TumorMeasurements, labelImage: sitk.Image, registeredImage: sitk.Image, center: np.ndarray
) -> str:
    """Return the section with the outline in three planes and the measurements; images in one world frame."""
    window = robustWindow(registeredImage)
    pictures = []
    for plane in Plane:
        grid = sliceGrid(plane, center, registeredImage)
        mask = sliceValues(labelImage, grid, isLabel=True) > 0
        picture = grayPicture(sliceValues(registeredImage, grid), window)
        pictures.append(Figure(withOutline(picture, mask, OUTLINE_COLOR), f"{plane.name}: tumor outline on the MRI"))
    total = measurements.total
    notes = [paragraph(note) for note in total.notes]
    if len(total.lesions) > 1:
        notes.insert(0, paragraph(_sumsText(total)))
    return section("Tumor", figures(*pictures), *notes, table(*_columns(measurements)))


def _sumsText(total: SegmentMeasurements) -> str:
    """Return how the values of all lesions together are to be read."""
    count = sum(lesion.isMeasurable for lesion in total.lesions)
    return (
        f"There are {len(total.lesions)} lesions, {count} of them measurable (10 mm in both diameters). Volume and "
        "product of all are the sums of the lesions; diameters are those of the largest one."
    )


def _columns(measurements: TumorMeasurements) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Return the header and the rows of the table: all together, each segment, and each lesion where there are more."""
    shown: dict[str, LesionMeasurements | SegmentMeasurements] = {"All": measurements.total}
    if len(measurements.total.lesions) > 1:
        shown |= {f"Lesion {n}": lesion for n, lesion in enumerate(measurements.total.lesions[:_MOST_COLUMNS], start=1)}
    if len(measurements.segments) > 1:
        shown |= {name: segment for name, segment in measurements.segments.items() if name not in shown}
    columns = [dict(_rows(measured)) for measured in shown.values()]
    titles = list(dict.fromkeys(title for column in columns for title in column))
    rows = [(title, *(column.get(title, "") for column in columns)) for title in titles]
    return (("Measurement", "Value") if len(shown) == 1 else ("Measurement", *shown)), rows


def _rows(lesion: LesionMeasurements | SegmentMeasurements) -> list[tuple[str, str]]:
    """Return the measurements of one lesion or segment as titles and values."""
    rows = [
        ("Volume", f"{lesion.volumeMl:.2f} ± {lesion.volumeUncertaintyMl:.2f} ml"),
        ("Measured in the plane", lesion.plane),
        ("Longest diameter in the plane", f"{lesion.axialDiameter.lengthMm:.1f} mm"),
        ("Its perpendicular", f"{lesion.perpendicularDiameter.lengthMm:.1f} mm"),
        ("Product (RANO)", f"{lesion.bidimensionalProductMm2:.0f} mm²"),
        ("Longest diameter in 3D", f"{lesion.longestDiameter.lengthMm:.1f} mm"),
        ("Sphericity", f"{lesion.sphericity:.2f}"),
    ]
    if lesion.depthMm is not None:
        rows.append(("Below the skull, nearest point", f"{lesion.depthMm:.1f} mm"))
        rows.append(("Below the skull, centroid", f"{lesion.centroidDepthMm:.1f} mm"))
    for name, values in lesion.intensities.items():
        rows.append((f"Mean ± SD in {name}", f"{values.mean:.4g} ± {values.standardDeviation:.3g}"))
    return rows
