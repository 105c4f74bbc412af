"""The report's part about the tumor."""

from collections.abc import Sequence

from ..Core.Results.RunDocument import MeasuredTumor
from ..Core.Tumor.LesionMeasurements import LesionMeasurements, SegmentMeasurements
from ..Core.Tumor.Outline import SecondOpinion
from ..Core.Verdict import Judgment
from .FirstScreen import volumeRange
from .Page import Figure, beside, figures, legend, paragraph, section, table
from .Pictures import Plane
from .SurfacePicture import surfacePictures
from .Texts import ml, mm, mm2
from .Views import Views

_MOST_COLUMNS = 6
_CLOSE_MM = 80.0


def tumorSection(tumor: MeasuredTumor, views: Views) -> str:
    """Return the section with the outline in three planes and as a surface, and the measurements of each lesion."""
    slices = []
    for plane in Plane:
        grid = views.whole(plane)
        outlined = views.outlined(views.mri(grid), grid, withSecond=True)
        slices.append(Figure(outlined, f"{plane.name}: outline on the MRI", marks=views.lesionNumbers(grid)))
    surfaces = [Figure(picture, f"surface {view}, in the skull") for view, picture in surfacePictures(views).items()]
    measured = tumor.measured
    return section(
        "Tumor",
        paragraph(_confirmation(tumor)),
        paragraph(_sumsText(measured.total) if len(measured.total.lesions) > 1 else ""),
        *(paragraph(note) for note in measured.total.notes),
        legend(*dict.fromkeys((*views.outlineLegend, *(views.secondLegend if views.second is not None else ())))),
        figures(*slices),
        _furtherLesions(tumor, views),
        _secondTable(tumor.result.second),
        beside(table(*_columns(tumor)), figures(*surfaces, columns=2)),
        paragraph(
            "The range of a volume is that between two methods of outlining, or what half a voxel at the border makes "
            "where no second one could answer. Product: the longest diameter in the plane times the one across "
            "(RANO)."
        ),
    )


def _furtherLesions(tumor: MeasuredTumor, views: Views) -> str:
    """Return close views of every lesion but the largest, through which the other pictures go."""
    lesions = list(enumerate(tumor.measured.total.lesions[:_MOST_COLUMNS], start=1))
    largest = max(lesions, key=lambda entry: entry[1].volumeMl)[0]
    pictures = []
    for number, lesion in lesions:
        if number != largest:
            for plane in Plane:
                grid = views.crop(plane, _CLOSE_MM, around=lesion.centroid)
                pictures.append(Figure(views.outlined(views.mri(grid), grid), f"{plane.name}: lesion {number}"))
    return figures(*pictures, columns=6) if pictures else ""


def _confirmation(tumor: MeasuredTumor) -> str:
    """Return who or what stands for the outline."""
    verdict, method = tumor.result.verdict, tumor.result.settings.method.value
    word = {
        Judgment.confirmed: "confirmed by a second method" if tumor.result.second is not None else "confirmed",
        Judgment.doubtful: "doubtful",
        Judgment.notConfirmed: "not confirmed",
    }[verdict.judgment]
    return " ".join((f"Method: {method}; {word}.", *verdict.reasons))


def _secondTable(second: SecondOpinion | None) -> str:
    """Return what a second method found of each lesion, beside the result."""
    if second is None:
        return ""
    rows = [
        (f"Lesion {n}", ml(own), ml(other), f"{agreement:.2f}", method)
        for n, (method, agreement, (own, other)) in enumerate(
            zip(second.methods, second.agreements, second.volumesMl, strict=True), start=1
        )
        if method and agreement == agreement
    ]
    return table(("Outlined twice", "Volume", "By the second method", "Dice of both", "Second method"), rows)


def _sumsText(total: SegmentMeasurements) -> str:
    """Return how the values of all lesions together are to be read."""
    count = sum(lesion.isMeasurable for lesion in total.lesions)
    return (
        f"There are {len(total.lesions)} lesions, {count} of them measurable (10 mm in both diameters). Volume and "
        "product of all are the sums of the lesions; diameters are those of the largest one."
    )


def _columns(tumor: MeasuredTumor) -> tuple[Sequence[str], list[tuple[str, ...]]]:
    """Return the header and the rows of the table: all together, each segment, and each lesion where there are more."""
    measurements = tumor.measured
    shown: dict[str, LesionMeasurements | SegmentMeasurements] = {"All": measurements.total}
    if len(measurements.total.lesions) > 1:
        shown |= {f"Lesion {n}": lesion for n, lesion in enumerate(measurements.total.lesions[:_MOST_COLUMNS], start=1)}
    if any(segment.tissue.isPart for segment in tumor.result.allSegments):
        shown |= {name: segment for name, segment in measurements.segments.items() if name not in shown}
    columns = [dict(_rows(measured, tumor.result.second)) for measured in shown.values()]
    titles = list(dict.fromkeys(title for column in columns for title in column))
    rows = [(title, *(column.get(title, "") for column in columns)) for title in titles]
    return (("Measurement", "Value") if len(shown) == 1 else ("Measurement", *shown)), rows


def _rows(lesion: LesionMeasurements | SegmentMeasurements, second: SecondOpinion | None) -> list[tuple[str, str]]:
    """Return the measurements of one lesion or segment as titles and values."""
    rows = [
        ("Volume", ml(lesion.volumeMl)),
        ("Its range", volumeRange(lesion, second)),
        ("Longest diameter in the plane", mm(lesion.axialDiameter.lengthMm)),
        ("Diameter across", mm(lesion.perpendicularDiameter.lengthMm)),
        ("Plane of both", lesion.plane),
        ("Product (RANO)", mm2(lesion.bidimensionalProductMm2)),
        ("Longest diameter in 3D", mm(lesion.longestDiameter.lengthMm)),
        ("Sphericity", f"{lesion.sphericity:.2f}"),
    ]
    if lesion.depthMm is not None:
        rows.append(("Below the skull, nearest point", mm(lesion.depthMm)))
        rows.append(("Below the skull, centroid", mm(lesion.centroidDepthMm)))
    for name, values in lesion.intensities.items():
        rows.append((f"Mean ± SD in {name}", f"{values.mean:.0f} ± {values.standardDeviation:.0f}"))
    return rows
