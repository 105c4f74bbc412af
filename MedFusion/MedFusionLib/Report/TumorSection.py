"""The report's part about the tumor."""

import numpy as np
import SimpleITK as sitk

from ..Core.TumorMeasurements import TumorMeasurements
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
    total = measurements.total
    rows = [
        ("Volume", f"{total.volumeMl:.2f} ± {total.volumeUncertaintyMl:.2f} ml"),
        ("Longest axial diameter", f"{total.axialDiameter.lengthMm:.1f} mm"),
        ("Its perpendicular", f"{total.perpendicularDiameter.lengthMm:.1f} mm"),
        ("Product (RANO)", f"{total.bidimensionalProductMm2:.0f} mm²"),
        ("Longest diameter in 3D", f"{total.longestDiameter.lengthMm:.1f} mm"),
        ("Sphericity", f"{total.sphericity:.2f}"),
    ]
    return section("Tumor", figures(*pictures), table(("Measurement", "Value"), rows))
