"""The headers of NRRD (teem.sourceforge.net/nrrd/format.html) and MetaImage files, which are text."""

import re
from pathlib import Path

import numpy as np

from .FileGeometry import FileGeometry, NamedAffine
from .Units import millimetersPer

# Chosen far above any header, so that voxels are not read as one.
LONGEST_HEADER = 1 << 20
_SPACES = {
    "right-anterior-superior": "RAS",
    "ras": "RAS",
    "left-anterior-superior": "LAS",
    "las": "LAS",
    "left-posterior-superior": "LPS",
    "lps": "LPS",
}
_LONGEST_ERROR = 0.01  # of the length of an axis, which few digits round
_UNTIMED = re.compile(r"-time$|(?<=^[rl][ap]s)t$")
_VECTOR = re.compile(r"\(([^)]*)\)")


def textHeader(path: Path) -> str:
    """Return the header of a text file that may be followed by voxels, its lines ended by line feeds."""
    with path.open("rb") as stream:
        data = stream.read(LONGEST_HEADER)
    if data.startswith(b"NRRD"):
        return data.replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("utf-8", "replace")
    end = re.search(rb"^ElementDataFile\s*=[^\r\n]*", data, re.MULTILINE)
    if end is None or end[0].split(b"=")[1].strip() != b"LIST":  # below LIST the names of the files follow
        data = data[: end.end() if end else 0]
    return data.decode("utf-8", "replace").replace("\r\n", "\n")


def nrrdFields(path: Path) -> dict[str, str]:
    """Return the fields of an NRRD header by their names in lower case."""
    fields = {}
    for line in textHeader(path).splitlines():
        name, colon, value = line.partition(":")
        if colon and not line.startswith("#") and not value.startswith("="):
            fields[name.strip().lower()] = value.strip()
    return fields


def metaImageFields(path: Path) -> dict[str, str]:
    """Return the fields of a MetaImage header by their names in lower case."""
    pairs = (line.partition("=") for line in textHeader(path).splitlines())
    return {name.strip().lower(): value.strip() for name, sign, value in pairs if sign}


def nrrdGeometry(path: Path) -> FileGeometry:
    """Return what the header says; only a space that names the patient's sides tells left and right."""
    fields = nrrdFields(path)
    size = tuple(_integers(fields.get("sizes", "")))
    space = fields.get("space", "").lower()
    letters = _SPACES.get(_UNTIMED.sub("", space))
    if letters is None:
        return FileGeometry(size, unknown=f'its space is "{space}"' if space else "it names no space")
    signs = np.array([1.0 if own == wanted else -1.0 for own, wanted in zip(letters, "LPS", strict=True)])
    matrix = _nrrdMatrix(fields, signs)
    if matrix is None and len(size) == 3:
        directions = fields.get("space directions", "none")
        raise ValueError(
            f"The header of {path.name} does not say where its voxels lie (space directions: {directions}); export it "
            "again with a direction for each of its three axes."
        )
    units = re.findall(r'"([^"]*)"', fields.get("space units", ""))
    factors = {millimetersPer(unit, path) for unit in units[:3] if unit.strip()}
    if len(factors) > 1:
        raise ValueError(
            f"{path.name} gives its axes in different units ({', '.join(units)}); export it in millimeters."
        )
    factor = factors.pop() if factors else 1.0
    if matrix is None:
        return FileGeometry(size)
    if factor == 1.0:
        return FileGeometry(size, (NamedAffine("space directions", matrix),))
    matrix[:3] *= factor
    note = f"{path.name}: its lengths were converted to millimeters (1 unit is {factor:g} mm)."
    return FileGeometry(size, (NamedAffine("space directions", matrix),), isExact=True, notes=(note,))


def _nrrdMatrix(fields: dict[str, str], signs: np.ndarray) -> np.ndarray | None:
    """Return the matrix from IJK to LPS in the header's unit, None where it is not that of three space axes."""
    vectors = [_floats(text) for text in _VECTOR.findall(fields.get("space directions", ""))]
    origin = [_floats(text) for text in _VECTOR.findall(fields.get("space origin", "(0,0,0)"))]
    if len(vectors) != 3 or len(origin) != 1 or any(len(vector) != 3 for vector in (*vectors, *origin)):
        return None
    matrix = np.eye(4)
    matrix[:3] = np.column_stack([*vectors, origin[0]]) * signs[:, None]
    return matrix


def metaImageGeometry(path: Path) -> FileGeometry:
    """Return what the header says: its matrix is LPS, and without it and without a named orientation nothing is."""
    fields = metaImageFields(path)
    size = tuple(_integers(fields.get("dimsize", "")))
    turned = next((fields[name] for name in ("transformmatrix", "rotation", "orientation") if name in fields), None)
    if turned is None and fields.get("anatomicalorientation", "???").strip("?") == "":
        return FileGeometry(size, unknown="it has neither TransformMatrix nor AnatomicalOrientation")
    axes, spacing = _floats(turned or ""), _floats(fields.get("elementspacing", ""))
    origin = _floats(next((fields[name] for name in ("offset", "position", "origin") if name in fields), ""))
    if (len(axes), len(spacing), len(origin)) != (9, 3, 3):
        return FileGeometry(size)
    lengths = np.linalg.norm(np.reshape(axes, (3, 3)), axis=1)
    if min(spacing) <= 0 or np.abs(lengths - 1).max() > _LONGEST_ERROR:
        raise ValueError(
            f"The header of {path.name} gives voxels of {' x '.join(f'{value:g}' for value in spacing)} mm along axes "
            f"of the lengths {', '.join(f'{value:g}' for value in lengths)}; repair it: voxel sizes are above 0 and "
            "axes of the length 1."
        )
    matrix = np.eye(4)
    matrix[:3] = np.column_stack([np.reshape(axes, (3, 3)).T * spacing, origin])
    return FileGeometry(size, (NamedAffine("TransformMatrix", matrix),))


def _integers(text: str) -> list[int]:
    return [int(part) for part in text.split() if part.isdecimal()]


def _floats(text: str) -> list[float]:
    try:
        return [float(part) for part in re.split(r"[\s,]+", text.strip()) if part]
    except ValueError:
        return []
