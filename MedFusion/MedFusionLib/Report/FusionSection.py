"""The report's part about the fusion."""

import numpy as np
import SimpleITK as sitk

from ..Core.Fusion import FusionResult
from ..Core.FusionMetrics import METRIC_MEANINGS
from .Page import Figure, figures, paragraph, section, table
from .Pictures import Plane, grayPicture, robustWindow, sliceGrid, sliceValues

CT_WINDOW = (-150.0, 250.0)


def fusionSection(
    fusion: FusionResult,
    metrics: dict[str, float],
    fixedImage: sitk.Image,
    registeredImage: sitk.Image,
    center: np.ndarray,
) -> str:
    """Return the section with the fused volume beside its sources, through one LPS point."""
    pictures = []
    for plane in Plane:
        grid = sliceGrid(plane, center, fixedImage)
        for name, image, window in (
            ("CT", fixedImage, CT_WINDOW),
            ("MRI", registeredImage, robustWindow(registeredImage)),
            ("fused", fusion.image, fusion.window),
        ):
            pictures.append(Figure(grayPicture(sliceValues(image, grid), window), f"{plane.name}: {name}"))
    rows = [(name, value, METRIC_MEANINGS.get(name, "")) for name, value in metrics.items()]
    return section(
        "Fusion",
        paragraph(f"Method: {fusion.settings.method.value}."),
        figures(*pictures),
        table(("Measure", "Value", "Meaning"), rows),
    )
