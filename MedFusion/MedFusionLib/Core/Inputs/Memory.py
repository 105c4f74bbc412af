"""Whether the volumes of a run fit into this computer's memory, asked before the work and not found out in it."""

from pathlib import Path

import SimpleITK as sitk

# Measured on int16 volumes by Testing/Benchmark/RobustnessBenchmark.py and on the same with 8 and 64 bits, rounded up.
# CT, MRI, the MRI on the CT's grid and what is cut out of them are held in their own types; the fused volume and the
# outline are not.
_BYTES_WITHOUT_VOLUMES = 600_000_000
_BYTES_PER_VOXEL = 9
_VOLUMES_HELD = 4


def checkMemory(*images: sitk.Image) -> None:
    """Raise ValueError with a sentence if a run on these images needs more memory than is free.

    They are in memory already and take no more of what is free.
    """
    free = freeMemory()
    voxels = max(image.GetNumberOfPixels() for image in images)
    perVoxel = _BYTES_PER_VOXEL + _VOLUMES_HELD * max(image.GetSizeOfPixelComponent() for image in images)
    needed = _BYTES_WITHOUT_VOLUMES + voxels * perVoxel
    held = sum(image.GetNumberOfPixels() * image.GetSizeOfPixelComponent() for image in images)
    if free is not None and needed - held > free:
        raise ValueError(
            f"The larger volume has {voxels / 1e6:.0f} million voxels, for which a run needs about {needed / 1e9:.1f} "
            f"GB of memory, and {(free + held) / 1e9:.1f} GB are free; crop both to the head or resample them to "
            "larger voxels first."
        )


def freeMemory() -> int | None:
    """Return the bytes of memory that programs can still have, or None where the system does not say (not Linux)."""
    try:
        for line in Path("/proc/meminfo").read_text(encoding="ascii").splitlines():
            if line.startswith("MemAvailable:"):
                return 1024 * int(line.split()[1])
    except (OSError, ValueError, IndexError):
        return None
    return None
