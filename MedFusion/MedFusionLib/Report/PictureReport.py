"""The report of a run on pictures in two dimensions, which also says what does not apply to them."""

import numpy as np
import SimpleITK as sitk

from ..Core.Fusion.Fusion import FusionResult
from ..Core.Images.Voxels import extremes
from ..Core.Results.PictureDocument import DOES_NOT_APPLY, PictureDocument, PlaneRegistration
from ..Core.Tumor.PlaneMeasurements import PlaneLesion, PlaneMeasurements
from .FirstScreen import keyFigures
from .FusionSection import scoreTables
from .InputsSection import inputsSection
from .Page import Figure, bullets, figures, legend, page, paragraph, section, table
from .Pictures import OUTLINE_COLOR, Color, checkerboard, grayPicture, withEdges, withOutline
from .Texts import verdictBox

_SQUARE_SHARE = 8  # squares of a checkerboard along the shorter side
_EDGE_COLOR: Color = (255, 170, 0)
_OUTLINE_LEGEND = (OUTLINE_COLOR, "outline of the tumor")


def pictureReport(document: PictureDocument, isFull: bool = False) -> str:
    """Return the report as HTML.

    :param isFull: whether nothing is folded away.
    """
    fixedName, movingName = document.names
    registration, tumor = document.registration, document.tumor
    boxes = verdictBox("Alignment", registration.fit.verdict, _errorSentence(registration))
    if tumor is not None:
        boxes += verdictBox("Outline", tumor.result.verdict, "")
    facts = keyFigures(*_keyFigures(document)) + (paragraph("No tumor was outlined.") if tumor is None else "")
    fused = "" if document.fusion is None else _fusedFigure(document, document.fusion.result)
    return page(
        "MedFusion report of pictures",
        f"{movingName} registered to {fixedName} in the plane; the sides of the patient are not known",
        boxes + f'<div class="first"><div>{facts}{bullets(document.warnings)}</div><div>{fused}</div></div>',
        [
            _registrationSection(document),
            _fusionSection(document, isFull),
            _tumorSection(document),
            section("What does not apply to pictures", bullets(DOES_NOT_APPLY)),
            inputsSection(document, isFull),
        ],
    )


def _fusedFigure(document: PictureDocument, fusion: FusionResult) -> str:
    return figures(Figure(outlined(document, fusedPicture(fusion)), "CT and MRI fused"), columns=1)


def grayOf(image: sitk.Image) -> np.ndarray:
    """Return a single slice as RGB bytes, from its darkest to its brightest value where it is not 8 bit."""
    low, high = extremes(image)
    window = (0.0, 255.0) if low >= 0 and high <= 255 else (low, high)
    return grayPicture(sitk.GetArrayFromImage(image)[0].astype(float), window)


def fusedPicture(fusion: FusionResult) -> np.ndarray:
    """Return the fused slice as RGB bytes."""
    values = sitk.GetArrayFromImage(fusion.image)[0]
    return values.astype(np.uint8) if values.ndim == 3 else grayPicture(values.astype(float), fusion.window)


def outlined(document: PictureDocument, picture: np.ndarray) -> np.ndarray:
    """Return a picture on the CT's pixels with the outline of the tumor, as it is where there is none."""
    if document.tumor is None:
        return picture
    mask = sitk.GetArrayFromImage(document.tumor.result.labelImage)[0] != 0
    return withOutline(picture, mask, OUTLINE_COLOR)


def length(pixels: float, pixelMm: float | None, digits: int = 1) -> str:
    """Return a length in mm, or in pixels where their size is unknown."""
    value, unit = (pixels, "px") if pixelMm is None else (pixels * pixelMm, "mm")
    return f"{value:.{digits}f}\N{NO-BREAK SPACE}{unit}"


def area(pixels: float, pixelMm: float | None) -> str:
    """Return an area in mm², or in square pixels where their size is unknown."""
    value, unit = (pixels, "px²") if pixelMm is None else (pixels * pixelMm**2, "mm²")
    return f"{value:.0f}\N{NO-BREAK SPACE}{unit}"


def _errorSentence(registration: PlaneRegistration) -> str:
    fit, pixel = registration.fit, registration.pixelMm
    place, name = fit.center, "amid the landmarks"
    if registration.target is not None:
        place, name = np.array(registration.target), "at the tumor"
    expected = fit.expectedError(place)
    told = "" if expected is None else f"Expected error {name} {length(expected, pixel)}. "
    return f"{told}It rests on {len(registration.labels)} landmarks; pictures are not aligned by their content."


def _keyFigures(document: PictureDocument) -> list[tuple[str, str, str]]:
    pixel, fit = document.pixelMm, document.registration.fit
    size = "unknown, so lengths are in pixels" if pixel is None else f"{pixel:g}\N{NO-BREAK SPACE}mm, as you said"
    entries = [
        ("Size of a pixel", size, ""),
        ("Residual of the landmarks (FRE)", length(fit.fre, pixel), f"{fit.model.value}, root mean square"),
    ]
    if document.tumor is not None:
        measured = document.tumor.measured
        entries += [
            ("Area of the tumor", area(measured.areaPx, pixel), "in this slice"),
            ("Diameters", _diameters(measured.lesions[0], pixel), "longest in the picture, and across"),
            ("Product of both", area(measured.productPx2, pixel), "sum of the lesions" if _isSum(measured) else ""),
        ]
    return entries


def _isSum(measured: PlaneMeasurements) -> bool:
    return len(measured.lesions) > 1


def _diameters(lesion: PlaneLesion, pixelMm: float | None) -> str:
    return f"{length(lesion.longest.lengthMm, pixelMm)} × {length(lesion.across.lengthMm, pixelMm)}"


def _registrationSection(document: PictureDocument) -> str:
    registration = document.registration
    ct, mri = grayOf(document.fixed), grayOf(document.registered)
    square = max(min(ct.shape[:2]) // _SQUARE_SHARE, 1)
    residuals = zip(registration.labels, registration.fit.residuals.tolist(), strict=True)
    rows = [(name, length(value, document.pixelMm)) for name, value in residuals]
    edges = withEdges(mri, ct[..., 0].astype(float), _EDGE_COLOR)
    return section(
        "Registration",
        legend((_EDGE_COLOR, "edges of the CT")),
        figures(
            Figure(ct, "CT"),
            Figure(mri, "MRI on the CT's pixels"),
            Figure(edges, "MRI with the edges of the CT"),
            Figure(checkerboard(ct, mri, square), "CT and MRI in turn"),
            columns=4,
        ),
        table(("Landmark", "Residual"), rows),
    )


def _fusionSection(document: PictureDocument, isFull: bool) -> str:
    if document.fusion is None:
        return ""
    settings = document.fusion.result.settings
    return section(
        "Fusion",
        paragraph(" ".join(filter(None, (f"Method: {settings.method.value}.", settings.legend)))),
        figures(
            Figure(grayOf(document.fixed), "CT"),
            Figure(grayOf(document.registered), "MRI"),
            Figure(fusedPicture(document.fusion.result), "fused"),
        ),
        scoreTables(document.fusion, isFull),
    )


def _tumorSection(document: PictureDocument) -> str:
    if document.tumor is None:
        return ""
    measured, verdict, pixel = document.tumor.measured, document.tumor.result.verdict, document.pixelMm
    rows = [
        (
            f"Lesion {number}",
            area(lesion.areaPx, pixel),
            _diameters(lesion, pixel),
            area(lesion.productPx2, pixel),
            f"{lesion.centroid[0]:.0f}, {lesion.centroid[1]:.0f}",
        )
        for number, lesion in enumerate(measured.lesions, start=1)
    ]
    means = [
        (name, f"{value.mean:.0f} ± {value.standardDeviation:.0f}") for name, value in measured.intensities.items()
    ]
    method = document.tumor.result.settings.method.value
    return section(
        "Tumor",
        paragraph(f"Method: {method}; {verdict.judgment.value}. {' '.join(verdict.reasons)}"),
        legend(_OUTLINE_LEGEND),
        figures(
            Figure(outlined(document, grayOf(document.registered)), "outline on the MRI"),
            Figure(outlined(document, grayOf(document.fixed)), "outline on the CT"),
            columns=2,
        ),
        table(("Tumor", "Area", "Diameters", "Product", "Middle (column, row)"), rows),
        table(("Picture", "Mean ± SD in the tumor"), means),
    )
