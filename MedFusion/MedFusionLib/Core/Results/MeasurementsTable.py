"""The measurements of a tumor as a flat table: one row for each segment and lesion, units in the header."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path

from ..Tumor.LesionMeasurements import LesionMeasurements, TumorMeasurements

TOTAL = "all segments"


def measurementsTable(measurements: TumorMeasurements | None) -> str:
    """Return the table as comma-separated values; without a tumor, its header only."""
    rows = list(_rows(measurements)) if measurements is not None else []
    columns = dict.fromkeys(["segment", "lesion", *_COLUMNS], None) | dict.fromkeys(key for row in rows for key in row)
    text = io.StringIO()
    writer = csv.DictWriter(text, list(columns), restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def writeMeasurementsTable(path: Path, measurements: TumorMeasurements | None) -> None:
    """Write the table to a file."""
    path.write_text(measurementsTable(measurements), encoding="utf-8")


_COLUMNS = (
    "volume_ml",
    "volume_uncertainty_ml",
    "diameter_plane",
    "axial_diameter_mm",
    "perpendicular_diameter_mm",
    "bidimensional_product_mm2",
    "longest_diameter_mm",
    "measurable",
    "sphericity",
    "centroid_r_mm",
    "centroid_a_mm",
    "centroid_s_mm",
)


def _rows(measurements: TumorMeasurements) -> Iterator[dict[str, object]]:
    """Yield a row for each lesion of each segment, those of all segments together first."""
    for name, segment in ({TOTAL: measurements.total} | measurements.segments).items():
        for number, lesion in enumerate(segment.lesions, start=1):
            yield {"segment": name, "lesion": number} | _values(lesion)


def _values(lesion: LesionMeasurements) -> dict[str, object]:
    """Return the values of a row, rounded as they are in measurements.json."""
    values = lesion.measurements()
    flat: dict[str, object] = {key: values[key] for key in _COLUMNS if key in values}
    flat |= dict(zip(("centroid_r_mm", "centroid_a_mm", "centroid_s_mm"), lesion.centroidRas, strict=True))
    for key in ("depth_below_skull_mm", "centroid_depth_below_skull_mm"):
        if key in values:
            flat[key] = values[key]
    for image, statistics in lesion.intensities.items():
        flat[f"{image}_mean"] = statistics.mean
        flat[f"{image}_standard_deviation"] = statistics.standardDeviation
    return {key: round(value, 3) if isinstance(value, float) else value for key, value in flat.items()}
