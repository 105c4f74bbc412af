"""The report's part about the tumor."""

import numpy as np
import SimpleITK as sitk

from ..Core.Tumor.TumorMeasurements import LesionMeasurements, TumorMeasurements
from .Page import Figure, figures, section, table
from .Pictures import Plane, grayPicture, robustWindow, sliceGrid, sliceValues, withOutline

OUTLINE_COLOR = (255, 70, 40)


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
    rows = _rows(measurements.total)
    if len(measurements.segments) < 2:
        return section("Tumor", figures(*pictures), table(("Measurement", "Value"), rows))
    columns = [dict(_rows(lesion)) for lesion in measurements.segments.values()]
    compared = [(title, value, *(column.get(title, "") for column in columns)) for title, value in rows]
    return section("Tumor", figures(*pictures), table(("Measurement", "All", *measurements.segments), compared))


def _rows(lesion: LesionMeasurements) -> list[tuple[str, str]]:
    """Return the measurements of one segment as titles and values."""
    rows = [
        ("Volume", f"{lesion.volumeMl:.2f} ± {lesion.volumeUncertaintyMl:.2f} ml"),
        ("Longest axial diameter", f"{lesion.axialDiameter.lengthMm:.1f} mm"),
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
