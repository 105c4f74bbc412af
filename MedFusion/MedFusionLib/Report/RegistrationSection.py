"""The report's part about the registration."""

import numpy as np
import SimpleITK as sitk

from ..Core.Images.Transforms import transformPoints
from ..Core.Registration.RegistrationResult import RegistrationResult
from .Page import Figure, figures, paragraph, section, table
from .Pictures import Plane, grayPicture, sliceGrid, sliceValues, withEdges
from .RegistrationPictures import arrowPicture, errorPicture

CT_WINDOW = (-150.0, 250.0)
EDGE_COLOR = (255, 170, 0)
_MOST_ARROW_PICTURES = 6


def registrationSection(
    registration: RegistrationResult, fixedImage: sitk.Image, registeredImage: sitk.Image, center: np.ndarray
) -> str:
    """Return the section with the errors, the expected error over the CT and the MRI's edges over the CT.

    :param registeredImage: the moving image on the fixed image's grid.
    :param center: LPS point where the three planes cross.
    """
    measured = registration.measurements()
    parts = [paragraph(_summary(registration, measured)), paragraph(registration.advice)]
    if registration.labels:
        parts.append(_landmarkTable(registration, measured))
        worst = np.argsort(-registration.residuals)[:_MOST_ARROW_PICTURES]
        if len(registration.labels) > len(worst):
            parts.append(paragraph(f"The {len(worst)} landmarks with the largest residuals:"))
        parts.append(figures(*(_arrowFigure(registration, index, fixedImage) for index in sorted(worst))))
    if registration.knowsError:
        parts.append(figures(*(_errorFigure(registration, plane, fixedImage, center) for plane in Plane)))
    parts.append(figures(*(_edgeFigure(plane, fixedImage, registeredImage, center) for plane in Plane)))
    return section("Registration", *parts)


def _summary(registration: RegistrationResult, measured: dict[str, object]) -> str:
    sentences = []
    if registration.labels:
        sentences.append(
            f"Model {registration.model.value}, from {len(registration.labels)} landmark pairs"
            f"{', refined by mutual information of the images' if registration.refined else ''}; fiducial registration "
            f"error (FRE) {registration.fre:.2f} mm. The FRE says how well the landmarks fit, not how well the tumor "
            "is aligned."
        )
    else:
        sentences.append(f"Model {registration.model.value}, from the images alone, without landmarks.")
    if registration.fle is not None:
        localisation = registration.landmarks.localisation
        sentences.append(
            f"The landmarks' own placing error (FLE) is estimated at {localisation.fle:.1f} mm "
            f"(95 % confidence {localisation.low:.1f} to {localisation.high:.1f} mm)."
        )
    if registration.refinementShift is not None:
        before, after = measured["similarity"]["before"], measured["similarity"]["after"]
        sentences.append(
            f"Refinement moved the landmarks by {registration.refinementShift:.1f} mm and raised the similarity of the "
            f"images from {before:.3f} to {after:.3f}."
        )
    if registration.tre is not None:
        source = "how far the parts of the images agree" if measured["tre_from"] == "images" else "the landmarks"
        sentences.append(
            f"Judged by {source}, the expected error at the tumor (TRE) is {registration.tre:.1f} mm, with 95 % "
            f"probability below {registration.treBound:.1f} mm."
        )
    return " ".join(sentences)


def _landmarkTable(registration: RegistrationResult, measured: dict[str, object]) -> str:
    header = ("Landmark", "Residual (mm)", "Without it (mm)", "Standardised", "")
    rows = [
        (
            label,
            measured["residuals_mm"][label],
            _known(measured["loo_mm"].get(label)),
            _known(measured["standardised_residuals"].get(label)),
            "misplaced"
            if label in registration.outliers
            else "look at it first"
            if label in registration.suspects
            else "",
        )
        for label in registration.labels
    ]
    return table(header, rows)


def _known(value: float | None) -> float | str:
    return "" if value is None else value


def _arrowFigure(registration: RegistrationResult, index: int, fixedImage: sitk.Image) -> Figure:
    fixedPoint = registration.fixedPoints[index]
    # Where the MRI's landmark lies in the CT: the inverse, to first order around the fixed landmark.
    step = registration.movingPoints[index] - transformPoints(registration.transform, fixedPoint)[0]
    ahead, behind = (transformPoints(registration.transform, fixedPoint + side) for side in (np.eye(3), -np.eye(3)))
    offset = np.linalg.solve((ahead - behind).T / 2, step)
    picture = arrowPicture(fixedImage, fixedPoint, offset, CT_WINDOW)
    return Figure(picture, f"axial: {registration.labels[index]}, residual {registration.residuals[index]:.1f} mm")


def _errorFigure(registration: RegistrationResult, plane: Plane, fixedImage: sitk.Image, center: np.ndarray) -> Figure:
    picture, shown = errorPicture(registration, plane, fixedImage, center, CT_WINDOW)
    return Figure(picture, f"{plane.name}: expected TRE, {shown}")


def _edgeFigure(plane: Plane, fixedImage: sitk.Image, registeredImage: sitk.Image, center: np.ndarray) -> Figure:
    grid = sliceGrid(plane, center, fixedImage)
    picture = grayPicture(sliceValues(fixedImage, grid), CT_WINDOW)
    picture = withEdges(picture, sliceValues(registeredImage, grid), EDGE_COLOR)
    return Figure(picture, f"{plane.name}: MRI edges over CT")
