"""Whether the volumes of a run fit into this computer's memory, asked before the work and not found out in it."""

from pathlib import Path

import SimpleITK as sitk

# Measured by Testing/Benchmark/RobustnessBenchmark.py: 5.1 GB at the peak of a run on 2 x 75 million voxels.
BYTES_PER_VOXEL = 35


def checkMemory(*images: sitk.Image) -> None:
    """Raise ValueError with a sentence if a run on these images needs more memory than is free."""
    free = freeMemory()
    voxels = sum(image.GetNumberOfPixels() for image in images)
    needed = voxels * BYTES_PER_VOXEL
    if free is not None and needed > free:
        raise ValueError(
            f"The volumes have {voxels / 1e6:.0f} million voxels, for which a run needs about {needed / 1e9:.0f} GB of "
            f"memory, and {free / 1e9:.0f} GB are free; crop them to the head or resample them to larger voxels first."
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
