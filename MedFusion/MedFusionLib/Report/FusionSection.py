"""The report's part about the fusion."""

import numpy as np
import SimpleITK as sitk

from ..Core.Fusion.Metrics import METRIC_MEANINGS
from ..Core.Fusion.Settings import CHANGES_LEGEND, COLOR_LEGENDS, FusionMethod
from ..Core.Results.RunDocument import ScoredFusion
from .Page import Figure, figures, paragraph, section, table
from .Pictures import Plane, grayPicture, robustWindow, sliceGrid, sliceValues

CT_WINDOW = (-150.0, 250.0)


def fusionSection(
    fusion: ScoredFusion,
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
            ("fused", fusion.result.image, fusion.result.window),
        ):
            pictures.append(Figure(_picture(image, grid, window), f"{plane.name}: {name}"))
    settings = fusion.result.settings
    method = f"Method: {settings.method.value}"
    if settings.method is FusionMethod.color:
        method += f". {COLOR_LEGENDS[settings.colorStyle]}".removesuffix(".")
    elif settings.showsCtChanges:
        method += f". {CHANGES_LEGEND}".removesuffix(".")
    low, high = fusion.result.window
    shown = (
        ""
        if settings.method is FusionMethod.color
        else f" Fused volume shown from {low:g} (black) to {high:g} (white)."
    )
    columns = [fusion.scores.get(name, {}) for name in ("fused", "copy_ct", "copy_mri")]
    rows = [
        (name, *(column.get(name, "") for column in columns), meaning)
        for name, meaning in METRIC_MEANINGS.items()
        if name in columns[0]
    ]
    parts = [paragraph(f"{method}.{shown}"), figures(*pictures)]
    if rows:
        parts.append(
            paragraph(
                "A plain copy of one source scores well on some measures: the fusion has earned a score only where it "
                "is better than both copies."
            )
        )
        parts.append(table(("Measure", "Fused", "Copy of CT", "Copy of MRI", "Meaning"), rows))
    return section("Fusion", *parts)


def _picture(image: sitk.Image, grid: sitk.Image, window: tuple[float, float]) -> np.ndarray:
    if image.GetNumberOfComponentsPerPixel() == 1:
        return grayPicture(sliceValues(image, grid), window)
    colors = [sliceValues(sitk.VectorIndexSelectionCast(image, i), grid) for i in range(3)]
    return np.rint(np.nan_to_num(np.stack(colors, axis=-1))).astype(np.uint8)
