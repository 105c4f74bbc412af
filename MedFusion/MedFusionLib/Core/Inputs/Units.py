"""Units of length in which files give positions and voxel sizes."""

from pathlib import Path

# By definition.
_MILLIMETERS = {
    "mm": 1.0,
    "millimeter": 1.0,
    "millimetre": 1.0,
    "cm": 10.0,
    "centimeter": 10.0,
    "centimetre": 10.0,
    "m": 1000.0,
    "meter": 1000.0,
    "metre": 1000.0,
    "um": 1e-3,
    "µm": 1e-3,
    "μm": 1e-3,
    "micrometer": 1e-3,
    "micrometre": 1e-3,
}


def millimetersPer(unit: str, path: Path) -> float:
    """Return how many millimeters a unit of length has.

    :raises ValueError: for one that is unknown.
    """
    name = unit.strip().strip("\"'")
    factor = _MILLIMETERS.get(name.lower() if len(name) <= 2 else name.lower().removesuffix("s"))
    if factor is None:
        raise ValueError(
            f'{path} gives lengths in "{name}", which is not a known unit of length; export it in millimeters.'
        )
    return factor
