"""Whether slices seem to be missing from a series at regular distances, where no gap stands out, or at its ends."""

import numpy as np

from .Series import DicomSeries

# A gap between slices as wide as they are thick is rare; half of the slices missing is a usual accident.
_WIDE = 1.8


def missingSlices(series: DicomSeries) -> tuple[str, ...]:
    """Return a warning if the distance of the slices or their numbers say that others lay between or beyond them.

    The numbers of a volume that was taken out of its series by a tag say nothing.
    """
    slices = series.volume.slices
    if len(slices) < 3 or series.volume.refusal:
        return ()
    tags = dict(series.tags)
    distance = float(np.median(np.diff(np.array([s.position for s in slices]) @ slices[0].normal)))
    thickness, spacing = _length(tags, "SliceThickness"), _length(tags, "SpacingBetweenSlices")
    numbers = [item.instanceNumber for item in slices]
    steps = np.abs(np.diff(numbers))
    reasons = []
    if spacing and distance > _WIDE * spacing:
        reasons.append(f"they lie {distance:.4g} mm apart and the header says {spacing:.4g} mm")
    elif not spacing and thickness and distance > _WIDE * thickness:
        reasons.append(f"they lie {distance:.4g} mm apart and are {thickness:.4g} mm thick")
    isWhole = "#" not in series.uid and len({item.file for item in slices}) == len(slices)
    if isWhole and steps.min() == steps.max() > 1:
        reasons.append(f"their instance numbers go in steps of {steps.max()}")
    if isWhole and steps.min() == steps.max() == 1:
        reasons += _missingAtEnds(min(numbers), len(slices), int(_length(tags, "ImagesInAcquisition")))
    if not reasons:
        return ()
    return (f"Slices seem to be missing: {' and '.join(reasons)}; look for the others, or export the series again.",)


def _missingAtEnds(first: int, count: int, stated: int) -> list[str]:
    """Return what says that slices before the first or after the last are missing.

    :param stated: images of the acquisition, 0 where the header does not say it.
    """
    if stated > count:
        return [f"their header says {stated} images and {count} are there"]
    return [f"their instance numbers begin at {first}"] if first > 1 and not stated else []


def _length(tags: dict[str, str], keyword: str) -> float:
    try:
        return abs(float(tags[keyword]))
    except (KeyError, ValueError):
        return 0.0
