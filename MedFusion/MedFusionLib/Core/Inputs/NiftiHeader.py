"""The header of NIfTI-1, NIfTI-2 and Analyze 7.5 files (Cox et al., nifti.nimh.nih.gov)."""

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..Images.Coordinates import RAS_TO_LPS
from .FileGeometry import LARGEST_SHEAR_DEGREES, FileGeometry, NamedAffine, scaled

_MILLIMETERS = {1: 1000.0, 2: 1.0, 3: 1e-3}  # codes of meter, millimeter, micrometer


@dataclass(frozen=True)
class NiftiHeader:
    """Hold the fields that tell size, voxel size and place.

    :param magic: b"" for Analyze 7.5.
    :param quaternion: b, c, d and the offset x, y, z of the qform.
    :param sform: its three rows.
    """

    magic: bytes
    dim: tuple[int, ...]
    bitpix: int
    pixdim: tuple[float, ...]
    units: int
    qformCode: int
    sformCode: int
    quaternion: tuple[float, ...]
    sform: tuple[float, ...]


def readNiftiHeader(path: Path) -> NiftiHeader | None:
    """Return the header, or None where there is none or it is damaged."""
    header = path
    for suffix in (".img.gz", ".img"):
        if path.name.lower().endswith(suffix):
            header = path.with_name(path.name[: -len(suffix)] + ".hdr")
    try:
        with header.open("rb") as stream:
            isZipped = stream.read(2) == b"\x1f\x8b"
        with gzip.open(header) if isZipped else header.open("rb") as stream:
            data = stream.read(540)
    except (OSError, EOFError, zlib.error):
        return None
    for order in "<>":
        size = struct.unpack_from(f"{order}i", data)[0] if len(data) >= 348 else 0
        if size == 348:
            return _first(data, order)
        if size == 540 and len(data) == 540:
            return _second(data, order)
    return None


def _first(data: bytes, order: str) -> NiftiHeader:
    def read(kind: str, at: int) -> tuple:
        return struct.unpack_from(order + kind, data, at)

    qform, sform = read("2h", 252)
    magic = data[344:348].rstrip(b"\0")
    return NiftiHeader(
        magic if magic in (b"n+1", b"ni1") else b"",
        read("8h", 40),
        read("h", 72)[0],
        read("8f", 76),
        data[123] & 7,
        qform,
        sform,
        read("6f", 256),
        read("12f", 280),
    )


def _second(data: bytes, order: str) -> NiftiHeader:
    def read(kind: str, at: int) -> tuple:
        return struct.unpack_from(order + kind, data, at)

    qform, sform = read("2i", 344)
    return NiftiHeader(
        data[4:7],
        read("8q", 16),
        read("h", 14)[0],
        read("8d", 104),
        read("i", 500)[0] & 7,
        qform,
        sform,
        read("6d", 352),
        read("12d", 400),
    )


def niftiGeometry(path: Path) -> FileGeometry:
    """Return what the header says; a qform or sform counts where its code is not 0."""
    header = readNiftiHeader(path)
    if header is None:
        return FileGeometry()
    size = tuple(header.dim[1:4])
    if not header.magic:
        return FileGeometry(size, unknown="it is an Analyze 7.5 file, which has no place for it")
    affines = []
    if header.sformCode > 0:
        affines.append(NamedAffine("sform", RAS_TO_LPS @ np.vstack([np.reshape(header.sform, (3, 4)), [0, 0, 0, 1]])))
    if header.qformCode > 0:
        affines.append(NamedAffine("qform", RAS_TO_LPS @ _qform(header)))
    if not affines:
        return FileGeometry(size, unknown="its qform_code and sform_code are 0")
    factor = _MILLIMETERS.get(header.units, 1.0)
    if factor != 1.0:
        note = f"{path.name}: its lengths were converted to millimeters (1 unit is {factor:g} mm)."
        straight = [affine for affine in affines if affine.shearDegrees <= LARGEST_SHEAR_DEGREES] or affines
        return FileGeometry(size, (scaled(straight[0], factor),), isExact=True, notes=(note,))
    # ITK refuses an sform that is sheared by ever so little where no qform stands in.
    isSheared = len(affines) == 1 and affines[0].name == "sform" and affines[0].shearDegrees > 0
    return FileGeometry(size, tuple(affines), isExact=isSheared)


def _qform(header: NiftiHeader) -> np.ndarray:
    b, c, d, *offset = header.quaternion
    a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    handedness = -1.0 if header.pixdim[0] < 0 else 1.0
    matrix = np.eye(4)
    matrix[:3, :3] = rotation * np.abs(header.pixdim[1:4]) * [1, 1, handedness]
    matrix[:3, 3] = offset
    return matrix
