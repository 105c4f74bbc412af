"""Write a transform so that the same transform gives the same bytes, without times and the computer's system in them.

ITK's HDF5 files hold the times of writing and the version of the operating system. Both are blanked, and the checksums
of the headers that held the times are made anew (HDF5 File Format Specification 3.0, IV.A.1.b; the checksum is Jenkins'
lookup3, burtleburtle.net/bob/c/lookup3.c).
"""

import platform
import struct
from pathlib import Path

import SimpleITK as sitk

_HEADER = b"OHDR"
# By the format of HDF5.
_STORES_TIMES, _STORES_PHASES = 0x20, 0x10
_MASK = 0xFFFFFFFF


def writeTransform(transform: sitk.Transform, path: Path) -> None:
    """Write a transform as .h5.

    :raises RuntimeError: when it cannot be written.
    """
    sitk.WriteTransform(transform, str(path))
    data = bytearray(path.read_bytes())
    at = data.find(_HEADER)
    while at >= 0:
        _blankTimes(data, at)
        at = data.find(_HEADER, at + 1)
    release = platform.release().encode()
    if release:
        data = data.replace(release, b" " * len(release))
    path.write_bytes(data)


def _blankTimes(data: bytearray, at: int) -> None:
    """Set the times of an object header to 0 and its checksum to what fits; other bytes that look like one stay."""
    version, flags = data[at + 4 : at + 6]
    if version != 2 or not flags & _STORES_TIMES:
        return
    sizeAt = at + 6 + 16 + (4 if flags & _STORES_PHASES else 0)
    width = 1 << (flags & 3)
    end = sizeAt + width + int.from_bytes(data[sizeAt : sizeAt + width], "little")
    if end + 4 > len(data) or struct.unpack_from("<I", data, end)[0] != _lookup3(bytes(data[at:end])):
        return
    data[at + 6 : at + 22] = bytes(16)
    struct.pack_into("<I", data, end, _lookup3(bytes(data[at:end])))


def _rotated(value: int, count: int) -> int:
    return ((value << count) | (value >> (32 - count))) & _MASK


def _lookup3(data: bytes) -> int:
    """Return Jenkins' hashlittle of some bytes, with 0 as its beginning."""
    a = b = c = (0xDEADBEEF + len(data)) & _MASK
    at = 0
    while len(data) - at > 12:
        words = struct.unpack_from("<3I", data, at)
        a, b, c = ((value + word) & _MASK for value, word in zip((a, b, c), words, strict=True))
        a = ((a - c) & _MASK) ^ _rotated(c, 4)
        c = (c + b) & _MASK
        b = ((b - a) & _MASK) ^ _rotated(a, 6)
        a = (a + c) & _MASK
        c = ((c - b) & _MASK) ^ _rotated(b, 8)
        b = (b + a) & _MASK
        a = ((a - c) & _MASK) ^ _rotated(c, 16)
        c = (c + b) & _MASK
        b = ((b - a) & _MASK) ^ _rotated(a, 19)
        a = (a + c) & _MASK
        c = ((c - b) & _MASK) ^ _rotated(b, 4)
        b = (b + a) & _MASK
        at += 12
    if at == len(data):
        return c
    words = struct.unpack("<3I", data[at:].ljust(12, b"\0"))
    a, b, c = ((value + word) & _MASK for value, word in zip((a, b, c), words, strict=True))
    c = ((c ^ b) - _rotated(b, 14)) & _MASK
    a = ((a ^ c) - _rotated(c, 11)) & _MASK
    b = ((b ^ a) - _rotated(a, 25)) & _MASK
    c = ((c ^ b) - _rotated(b, 16)) & _MASK
    a = ((a ^ c) - _rotated(c, 4)) & _MASK
    b = ((b ^ a) - _rotated(a, 14)) & _MASK
    return ((c ^ b) - _rotated(b, 24)) & _MASK
