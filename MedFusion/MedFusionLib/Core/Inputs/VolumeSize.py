"""How many voxels a volume file says that it holds, known from its header alone."""

import math
from dataclasses import dataclass
from pathlib import Path

from .NiftiHeader import readNiftiHeader
from .TextHeaders import metaImageFields, nrrdFields

# By the last word of a type's name, without its sign: "unsigned short", "MET_USHORT", "uint16_t".
_BYTES = {"char": 1, "int8": 1, "short": 2, "int16": 2, "int": 4, "int32": 4, "float": 4, "double": 8}
_BYTES |= {"int64": 8, "longlong": 8, "long": 8}


@dataclass(frozen=True)
class VolumeSize:
    """Hold the size that a header gives.

    :param shape: voxels along each axis, and values per voxel.
    """

    shape: tuple[int, ...]
    bytesPerValue: int

    @property
    def voxels(self) -> int:
        """Return how many values there are."""
        return math.prod(self.shape)

    @property
    def bytes(self) -> int:
        """Return how much memory the values take."""
        return self.voxels * self.bytesPerValue


def volumeSize(path: Path) -> VolumeSize | None:
    """Return what the header of a file says, None where it is of another kind or damaged."""
    name = path.name.lower()
    if name.endswith((".nii", ".nii.gz", ".hdr", ".img", ".img.gz")):
        header = readNiftiHeader(path)
        if header is None or not 1 <= header.dim[0] <= 7:
            return None
        return _size(header.dim[1 : 1 + header.dim[0]], max(header.bitpix, 8) // 8)
    if name.endswith((".nrrd", ".nhdr")):
        fields = nrrdFields(path)
        return _size(_counts(fields.get("sizes", "")), _bytesOf(fields.get("type", "")))
    if name.endswith((".mha", ".mhd")):
        fields = metaImageFields(path)
        channels = _counts(fields.get("elementnumberofchannels", "1"))
        return _size((*_counts(fields.get("dimsize", "")), *channels), _bytesOf(fields.get("elementtype", "")))
    return None


def _size(shape: tuple[int, ...], bytesPerValue: int) -> VolumeSize | None:
    return VolumeSize(tuple(shape), bytesPerValue) if shape and min(shape) > 0 else None


def _counts(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split() if part.isdecimal())


def _bytesOf(name: str) -> int:
    """Return the bytes of a type, 1 where it is unknown."""
    words = name.lower().removeprefix("met_").removesuffix("_t").replace("long long", "longlong").split()
    word = words[-1] if words else ""
    return _BYTES.get(word) or _BYTES.get(word.removeprefix("u").removesuffix("_array"), 1)
