"""Whether the volumes of a run fit into this computer's memory, asked before the work and not found out in it."""

from pathlib import Path

import SimpleITK as sitk

# Measured by Testing/Benchmark/RobustnessBenchmark.py on int16 volumes: 2.5 GB for 2 x 75 million voxels, of which
# the program without volumes takes 0.35 GB. Both volumes are held about three times in their own type.
_BYTES_WITHOUT_VOLUMES = 400_000_000
_BYTES_PER_VOXEL = 18
_TIMES_HELD = 6


def checkMemory(*images: sitk.Image) -> None:
    """Raise ValueError with a sentence if a run on these images needs more memory than is free."""
    free = freeMemory()
    voxels = max(image.GetNumberOfPixels() for image in images)
    perVoxel = _BYTES_PER_VOXEL + _TIMES_HELD * max(image.GetSizeOfPixelComponent() for image in images)
    needed = _BYTES_WITHOUT_VOLUMES + voxels * perVoxel
    if free is not None and needed > free:
        raise ValueError(
            f"The larger volume has {voxels / 1e6:.0f} million voxels, for which a run needs about {needed / 1e9:.1f} "
            f"GB of memory, and {free / 1e9:.1f} GB are free; crop both to the head or resample them to larger voxels "
            "first."
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
