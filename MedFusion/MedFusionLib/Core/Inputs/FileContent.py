"""Which format the first bytes of a file tell, whatever its name says."""

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class FileContent:
    """A format and how its files are named.

    :param name: with its article.
    :param suffixes: the usual one first.
    """

    name: str
    suffixes: tuple[str, ...]


_NRRD = FileContent("an NRRD file", (".nrrd", ".nhdr"))
_META_IMAGE = FileContent("a MetaImage file", (".mha", ".mhd"))
_NIFTI = FileContent("a NIfTI file", (".nii", ".hdr", ".img"))
_ZIPPED_NIFTI = FileContent("a zipped NIfTI file", (".nii.gz", ".hdr.gz", ".img.gz"))
_HEADER_SIZES = tuple(size.to_bytes(4, order) for size in (348, 540) for order in ("little", "big"))


def fileContent(path: Path) -> FileContent | None:
    """Return the format that a file's beginning tells, None for any other and where it cannot be read."""
    try:
        with path.open("rb") as stream:
            start = stream.read(16)
        isZipped = start.startswith(b"\x1f\x8b")
        if isZipped:
            with gzip.open(path) as stream:
                start = stream.read(16)
    except (OSError, EOFError, zlib.error):
        return None
    if start.startswith(_HEADER_SIZES):
        return _ZIPPED_NIFTI if isZipped else _NIFTI
    if isZipped:
        return None
    if start.startswith(b"NRRD"):
        return _NRRD
    return _META_IMAGE if start.startswith((b"ObjectType", b"NDims")) else None
