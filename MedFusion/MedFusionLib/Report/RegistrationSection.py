"""The report's part about the registration."""

import numpy as np
import SimpleITK as sitk

from ..Core.Images.Transforms import transformPoints
from ..Core.Registration.RegistrationResult import RegistrationResult
from .Page import Figure, figures, heading, legend, paragraph, section, table
from .Pictures import Color, Plane, checkerboard, withEdges
from .RegistrationPictures import (
    ARROW_COLOR,
    ARROW_FACTOR,
    ERROR_STEPS,
    FIXED_COLOR,
    LANDMARK_WIDTH_MM,
    errorPicture,
    landmarkPicture,
)
from .Texts import mm, placeText
from .Views import Views

EDGE_COLOR: Color = (255, 170, 0)
ERROR_MAP, AGREEMENT = "Expected error over the head", "Do the images agree?"
_MOST_LANDMARK_PICTURES = 6
_CLOSE_MM = 80.0
_SQUARES_MM = {"whole": 25.0, "close": 10.0}


def registrationSection(registration: RegistrationResult, views: Views) -> str:
    """Return the section with the errors, the landmarks, the expected error over the CT, edges and checkerboards."""
    return section(
        "Registration",
        paragraph(_summary(registration)),
        _errorTable(registration),
        _landmarks(registration, views) if registration.labels else "",
        _errorMap(registration, views) if registration.knowsError else "",
        _agreement(views),
    )


def _summary(registration: RegistrationResult) -> str:
    if registration.isGiven:
        told = f" At {len(registration.labels)} landmarks it is off by {mm(registration.fre)} (root mean square)."
        return f"The transform was given and kept as it is.{told if registration.labels else ''}"
    if not registration.labels:
        sentences = [f"Model {registration.model.value}, from the images alone, without landmarks."]
    else:
        sentences = [
            f"Model {registration.model.value}, from {len(registration.labels)} landmark pairs"
            f"{', refined by mutual information of the images' if registration.refined else ''}; fiducial registration "
            f"error (FRE) {mm(registration.fre)}. The FRE says how well the landmarks fit, not how well the tumor is "
            "aligned."
        ]
    images = registration.images
    if registration.refinementShift is not None and images is not None and images.similarityBefore is not None:
        sentences.append(
            f"Refinement moved the landmarks by {mm(registration.refinementShift)} and raised the similarity of the "
            f"images from {images.similarityBefore:.3f} to {images.similarityAfter:.3f}. The FRE may rise by it: the "
            "landmarks' own fit makes it as small as their placing errors allow, and no other pose can do so."
        )
    localization = None if registration.landmarks is None else registration.landmarks.localization
    if localization is not None:
        sentences.append(
            f"The landmarks' own placing error (FLE) is estimated at {mm(localization.fle)} (95\N{NO-BREAK SPACE}% "
            f"confidence {localization.low:.1f} to {mm(localization.high)})."
        )
    return " ".join(sentences)


def _errorTable(registration: RegistrationResult) -> str:
    rows = [
        (placeText(error).capitalize(), mm(error.expected), mm(error.bound)) for error in registration.expectedErrors
    ]
    rows += [(f"At {target.label}", mm(expected), mm(bound)) for target, expected, bound in registration.targetErrors]
    header = ("Expected error (TRE)", "Root mean square", "95\N{NO-BREAK SPACE}% below")
    return table(header, rows)


def _landmarks(registration: RegistrationResult, views: Views) -> str:
    order = np.argsort(-registration.residuals, kind="stable")
    shown = order[:_MOST_LANDMARK_PICTURES]
    which = f"The {len(shown)} landmarks with the largest residuals" if len(shown) < len(order) else "Each landmark"
    return (
        heading("Landmarks")
        + _landmarkTable(registration, order)
        + paragraph(
            "Standardized: how far the others put it from where it is, in multiples of what placing errors alone make; "
            "about 1 is usual."
            if registration.landmarks is not None and registration.landmarks.loo is not None
            else ""
        )
        + paragraph(
            f"{which}, {LANDMARK_WIDTH_MM:g} mm wide, in the CT (left) and in the registered MRI (right), on the plane "
            "that shows most structure there."
        )
        + legend(
            (FIXED_COLOR, "circle: the landmark in the CT"),
            (
                ARROW_COLOR,
                f"arrow: from there towards the MRI's landmark, {ARROW_FACTOR} times as long as the residual in this "
                "plane",
            ),
        )
        + figures(*(_landmarkFigure(registration, int(index), views) for index in shown))
    )


def _landmarkTable(registration: RegistrationResult, order: np.ndarray) -> str:
    loo = registration.landmarks.loo if registration.landmarks is not None else None
    rows = []
    for index in order:
        label = registration.labels[index]
        judged = "look at it first" if label in registration.suspects else ""
        rows.append(
            (
                label,
                mm(registration.residuals[index]),
                "" if loo is None else _known(loo.errors[index], "\N{NO-BREAK SPACE}mm"),
                "" if loo is None else _known(loo.standardized[index]),
                "misplaced" if label in registration.outliers else judged,
            )
        )
    return table(("Landmark", "Residual", "From where the others put it", "Standardized", "Remark"), rows)


def _known(value: float, unit: str = "") -> str:
    return f"{value:.1f}{unit}" if np.isfinite(value) else ""


def _landmarkFigure(registration: RegistrationResult, index: int, views: Views) -> Figure:
    point = registration.fixedPoints[index]
    # Where the MRI's landmark lies in the CT: the inverse, to first order around the fixed landmark.
    ends = [transformPoints(registration.transform, point + sign * np.eye(3)) for sign in (1, -1)]
    step = registration.movingPoints[index] - transformPoints(registration.transform, point[None])[0]
    offset = np.linalg.solve((ends[0] - ends[1]).T / 2, step)
    picture, plane = landmarkPicture(views, point, offset)
    caption = f"{plane.name}: {registration.labels[index]}, residual {mm(registration.residuals[index])}"
    return Figure(picture, caption, parts=2)


def _errorMap(registration: RegistrationResult, views: Views) -> str:
    found = []
    for plane in Plane:
        picture, text = errorPicture(registration, plane, views)
        found.append(Figure(picture, f"{plane.name}: expected error, {text}"))
    return heading(ERROR_MAP) + figures(*found) + legend(*((color, meaning) for _, color, meaning in ERROR_STEPS))


def _agreement(views: Views) -> str:
    """Return edges of the MRI over the CT and checkerboards of both, through the head and close to the tumor."""
    edges, boards, close = [], [], []
    for plane in Plane:
        grid = views.whole(plane)
        edges.append(Figure(_edges(views, grid), f"{plane.name}: MRI edges over CT"))
        boards.append(Figure(_board(views, grid, "whole"), f"{plane.name}: CT and MRI in turn"))
    place = "around the tumor" if views.document.tumor is not None else "in the middle"
    for title, draw in (("MRI edges", _edges), ("CT and MRI in turn", lambda v, g: _board(v, g, "close"))):
        for plane in Plane:
            grid = views.crop(plane, _CLOSE_MM)
            close.append(Figure(draw(views, grid), f"{plane.name}: {title} {place}"))
    return (
        heading(AGREEMENT)
        + paragraph(
            "Lines are the strongest edges of the MRI; they follow the borders of skull, brain and ventricles in the "
            "CT where both are aligned. In the checkerboards these borders go on from square to square."
        )
        + figures(*edges)
        + figures(*boards)
        + figures(*close, columns=6)
    )


def _edges(views: Views, grid: sitk.Image) -> np.ndarray:
    return withEdges(views.ct(grid), views.mri(grid)[..., 0].astype(float), EDGE_COLOR)


def _board(views: Views, grid: sitk.Image, size: str) -> np.ndarray:
    square = max(round(_SQUARES_MM[size] / grid.GetSpacing()[0]), 1)
    return checkerboard(views.ct(grid), views.mri(grid), square)
