"""The report's part about the registration."""

import numpy as np
import SimpleITK as sitk

from ..Core.LandmarkRegistration import RegistrationResult
from .Page import Figure, figures, paragraph, section, table
from .Pictures import Plane, grayPicture, sliceGrid, sliceValues, withEdges

CT_WINDOW = (-150.0, 250.0)
EDGE_COLOR = (255, 170, 0)


def registrationSection(
    registration: RegistrationResult, fixedImage: sitk.Image, registeredImage: sitk.Image, center: np.ndarray
) -> str:
    """Return the section with the errors and the MRI's edges over the CT.

    :param registeredImage: the moving image on the fixed image's grid.
    :param center: LPS point where the three planes cross.
    """
    rows = list(zip(registration.labels, map(float, registration.residuals), strict=True))
    pictures = []
    for plane in Plane:
        grid = sliceGrid(plane, center, fixedImage)
        picture = grayPicture(sliceValues(fixedImage, grid), CT_WINDOW)
        pictures.append(
            Figure(
                withEdges(picture, sliceValues(registeredImage, grid), EDGE_COLOR), f"{plane.name}: MRI edges over CT"
            )
        )
    return section(
        "Registration",
        paragraph(
            f"{registration.model.value} transform from {len(registration.labels)} landmark pairs; "
            f"fiducial registration error (FRE) {registration.fre:.2f} mm. The FRE says how well the landmarks fit, "
            "not how well the tumor is aligned."
        ),
        table(("Landmark", "Residual (mm)"), rows),
        figures(*pictures),
    )
