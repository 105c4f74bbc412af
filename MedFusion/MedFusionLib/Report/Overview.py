"""One picture that tells what a run did: CT, registered MRI, fused volume and tumor outline side by side."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Core.Images.Grids import imageBounds
from .Pictures import OUTLINE_COLOR, SOFT_WINDOW, Plane, grayPicture, robustWindow, sliceGrid, sliceValues, withOutline

_GAP = 6


def writeOverview(
    path: Path,
    fixedImage: sitk.Image,
    registeredImage: sitk.Image,
    fused: tuple[sitk.Image, tuple[float, float]],
    labelImage: sitk.Image,
    center: np.ndarray,
) -> None:
    """Write the picture as PNG: axial slices on the first row, coronal ones on the second.

    :param fused: the fused image with its display window.
    :param center: LPS point where the planes cross.
    """
    from PIL import Image

    window = robustWindow(registeredImage)
    box = imageBounds(fixedImage)
    rows = []
    for plane in (Plane.axial, Plane.coronal):
        grid = sliceGrid(plane, center, box, pixel=1.0)
        mri = grayPicture(sliceValues(registeredImage, grid), window)
        outline = sliceValues(labelImage, grid, isLabel=True) > 0
        pictures = [
            grayPicture(sliceValues(fixedImage, grid), SOFT_WINDOW),
            mri,
            grayPicture(sliceValues(fused[0], grid), fused[1]),
            withOutline(mri, outline, OUTLINE_COLOR),
        ]
        gap = np.full((len(mri), _GAP, 3), 255, np.uint8)
        rows.append(np.hstack([part for picture in pictures for part in (picture, gap)][:-1]))
    gap = np.full((_GAP, rows[0].shape[1], 3), 255, np.uint8)
    Image.fromarray(np.vstack([rows[0], gap, rows[1]])).save(path, optimize=True)
