"""What a file may be called that a command is to write, asked before the work."""

from enum import Enum
from pathlib import Path


class OutputFormat(Enum):
    """What is to be written, with the endings that its writers know."""

    labelMap = (".seg.nrrd", ".nrrd", ".nii.gz")
    image = (".nrrd", ".nii.gz", ".mha")
    measurements = (".json", ".csv")

    def check(self, path: str | Path) -> None:
        """Raise ValueError unless a file's name ends as one of these.

        Writers choose the format by the ending and write a file of another format under one that they do not know.
        """
        name = Path(path).name.lower()
        known = name.endswith(self.value) and not (self is OutputFormat.image and name.endswith(".seg.nrrd"))
        if not known:
            raise ValueError(f"{path} does not say which format to write; let it end with {_listed(self.value)}.")


def isSegmentationFile(path: str | Path) -> bool:
    """Return True for the name of a Slicer segmentation, False for that of a label map."""
    return Path(path).name.lower().endswith(".seg.nrrd")


def _listed(endings: tuple[str, ...]) -> str:
    return f"{', '.join(endings[:-1])} or {endings[-1]}"
