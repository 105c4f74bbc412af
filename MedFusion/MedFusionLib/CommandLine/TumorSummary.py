"""What the commands say of an outlined tumor: the same words from the same values, whichever command measured it."""

from collections.abc import Mapping, Sequence


def tumorSummary(tumor: Mapping[str, object]) -> list[str]:
    """Return the lines for the part "tumor" of a measurements document."""
    lesions: Sequence[Mapping[str, object]] = tumor.get("lesions", ())
    where = f" in {len(lesions)} lesions" if len(lesions) > 1 else ""
    lines = [f"Tumor: {tumor['volume_ml']:.2f} ml{where}, {_diameters(tumor, len(lesions) > 1)}"]
    if len(lesions) > 1:
        lines += [f"  Lesion {n}: {_sizes(lesion)}" for n, lesion in enumerate(lesions, start=1)]
    segments: Mapping[str, Mapping[str, object]] = tumor.get("segments", {})
    if len(segments) > 1:
        lines += [f"  {name}: {_sizes(segment)}" for name, segment in segments.items()]
    lines += [f"  {note}" for note in tumor.get("notes", ())]
    if "verdict" in tumor:
        lines.append(" ".join((f"Outline: {tumor['verdict']}.", *tumor.get("reasons", ()))))
    return lines


def _diameters(tumor: Mapping[str, object], isSum: bool) -> str:
    product = f"product {tumor['bidimensional_product_mm2']:.0f} mm²{' (sum)' if isSum else ''}"
    return f"longest diameter {tumor['longest_diameter_mm']:.1f} mm, {product}"


def _sizes(measured: Mapping[str, object]) -> str:
    """Return volume and diameters of a lesion or a segment."""
    return (
        f"{measured['volume_ml']:.2f} ml, {measured['diameter_plane']} {measured['axial_diameter_mm']:.1f} x "
        f"{measured['perpendicular_diameter_mm']:.1f} mm"
    )
