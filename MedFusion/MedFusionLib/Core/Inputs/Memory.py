"""Whether volumes fit into this computer's memory, asked of their headers and not found out in the work."""

import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import SimpleITK as sitk

from .VolumeSize import VolumeSize, volumeSize

if sys.platform != "win32":
    import resource

# Measured on int16 volumes by Testing/Benchmark/RobustnessBenchmark.py and on the same with 8 and 64 bits, rounded up.
# CT, MRI, the MRI on the CT's grid and what is cut out of them are held in their own types; the fused volume and the
# outline are not.
_BYTES_WITHOUT_VOLUMES = 600_000_000
_BYTES_PER_VOXEL = 9
_VOLUMES_HELD = 4
_COPIES_IN_READING = 1.5  # the voxels, and what their check for numbers and their usual type take
_SMALLEST_ASKED = 50_000_000  # less is there on any computer that runs this
_NO_LIMIT = 1 << 60


def checkMemory(*images: sitk.Image) -> None:
    """Raise ValueError with a sentence if a run on these images needs more memory than is free."""
    checkMemoryOfLoaded([VolumeSize(image.GetSize(), image.GetSizeOfPixelComponent()) for image in images])


def checkMemoryOfLoaded(sizes: Sequence[VolumeSize]) -> None:
    """Raise ValueError with a sentence if a run on volumes that were read needs more memory than is free.

    They are in memory already and take no more of what is free.
    """
    if sizes:
        _checkWork(sizes, held=sum(size.bytes for size in sizes))


def checkMemoryOfFiles(paths: Sequence[str | Path]) -> None:
    """Raise ValueError with a sentence if work on these files needs more memory than is free; only headers are read."""
    sizes = [size for path in map(Path, paths) if path.is_file() and (size := volumeSize(path)) is not None]
    if sizes:
        _checkWork(sizes, held=0)


def bytesNeeded(paths: Sequence[str | Path]) -> int | None:
    """Return the bytes of memory that a run on these files needs, by their headers; None where no header tells."""
    sizes = [size for path in map(Path, paths) if path.is_file() and (size := volumeSize(path)) is not None]
    return _bytesOfRun(sizes) if sizes else None


def _bytesOfRun(sizes: Sequence[VolumeSize]) -> int:
    perVoxel = _BYTES_PER_VOXEL + _VOLUMES_HELD * max(size.bytesPerValue for size in sizes)
    return _BYTES_WITHOUT_VOLUMES + max(size.voxels for size in sizes) * perVoxel


def checkReading(name: str, size: VolumeSize | None) -> None:
    """Raise ValueError with a sentence if the voxels of one volume do not fit into the memory that is free.

    :param size: None where nothing tells.
    """
    if size is None or size.bytes < _SMALLEST_ASKED:
        return
    free = freeMemory()
    if free is not None and _COPIES_IN_READING * size.bytes > free:
        raise ValueError(
            f"{name} holds {' x '.join(map(str, size.shape))} voxels, {size.bytes / 1e9:.1f} GB, and "
            f"{free / 1e9:.1f} GB of memory are free; crop it to the head or resample it to larger voxels first."
        )


def _checkWork(sizes: Sequence[VolumeSize], held: int) -> None:
    free = freeMemory()
    voxels = max(size.voxels for size in sizes)
    needed = _bytesOfRun(sizes)
    if free is not None and needed - held > free:
        raise ValueError(
            f"The larger volume has {voxels / 1e6:.0f} million voxels, for which a run needs about {needed / 1e9:.1f} "
            f"GB of memory, and {(free + held) / 1e9:.1f} GB are free; crop both to the head or resample them to "
            "larger voxels first."
        )


def freeMemory() -> int | None:
    """Return the bytes of memory that this process can still have, or None where the system does not say (not Linux).

    The least of what the computer has, what its control groups leave (containers, batch systems) and what its resource
    limits leave (ulimit).
    """
    found = [value for value in (_ofComputer(), *_ofControlGroups(), *_ofLimits()) if value is not None]
    return max(0, min(found)) if found else None


def _ofComputer() -> int | None:
    for line in _lines("/proc/meminfo"):
        if line.startswith("MemAvailable:"):
            with suppress(ValueError, IndexError):
                return 1024 * int(line.split()[1])
    return None


def _ofControlGroups() -> list[int]:
    """Return what each control group that this process is in leaves; pages of files are given back when needed."""
    free = []
    for line in _lines("/proc/self/cgroup"):
        _, controllers, path = (line.split(":", 2) + ["", ""])[:3]
        if controllers and "memory" not in controllers.split(","):
            continue
        root = Path("/sys/fs/cgroup/memory" if controllers else "/sys/fs/cgroup")
        names = ("memory.limit_in_bytes", "memory.usage_in_bytes") if controllers else ("memory.max", "memory.current")
        own = root / path.strip("/")
        for folder in {own, *(parent for parent in own.parents if root in (parent, *parent.parents)), root}:
            limit, used = (_number(folder / name) for name in names)
            if limit is not None and used is not None and limit < _NO_LIMIT:
                free.append(limit - used + _reclaimable(folder))
    return free


def _reclaimable(folder: Path) -> int:
    values = dict(line.split()[:2] for line in _lines(folder / "memory.stat") if len(line.split()) == 2)
    with suppress(ValueError):
        return int(values.get("inactive_file") or values.get("total_inactive_file") or 0)
    return 0


def _ofLimits() -> list[int]:
    """Return what the limits of address space and data leave."""
    if sys.platform == "win32":
        return []
    pages = [int(value) for value in " ".join(_lines("/proc/self/statm")).split() if value.isdecimal()]
    if len(pages) < 6:
        return []
    size = resource.getpagesize()
    used = {resource.RLIMIT_AS: pages[0] * size, resource.RLIMIT_DATA: pages[5] * size}
    limits = {kind: resource.getrlimit(kind)[0] for kind in used}
    return [limit - used[kind] for kind, limit in limits.items() if limit not in (-1, resource.RLIM_INFINITY)]


def _number(path: Path) -> int | None:
    with suppress(ValueError):
        return int("".join(_lines(path)))
    return None  # "max", or no such file


def _lines(path: str | Path) -> list[str]:
    try:
        return Path(path).read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return []
