"""The one folder that the page may read: what can be opened in it, and where results may go."""

from dataclasses import dataclass
from pathlib import Path

_VOLUMES = (".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd")
_MOST_ENTRIES = 500
_LARGEST_UPLOAD = 2_000_000_000


@dataclass(frozen=True)
class WorkFolder:
    """A folder, outside of which the page reads and writes nothing.

    :param path: resolved.
    """

    path: Path

    def inside(self, name: str) -> Path:
        """Return a path in the folder by the name that the page sent.

        :raises ValueError: if it leads out of the folder, through a link as well.
        """
        path = (self.path / name).resolve()
        if path != self.path and self.path not in path.parents:
            raise ValueError(f'"{name}" lies outside of {self.path}; start medfusion web in the folder that holds it.')
        return path

    def volumes(self) -> list[str]:
        """Return the files and DICOM folders that may be volumes, by name, folders with a slash."""
        found = []
        for child in sorted(self.path.iterdir()):
            if child.name.startswith("."):
                continue
            if child.is_dir():
                found.append(f"{child.name}/")
            elif child.name.lower().endswith((*_VOLUMES, ".dcm")):
                found.append(child.name)
        return found[:_MOST_ENTRIES]

    def landmarkLists(self) -> list[str]:
        """Return the files that may be lists of landmarks, by name."""
        endings = (".mrk.json", ".fcsv", ".csv", ".tsv")
        return [c.name for c in sorted(self.path.iterdir()) if c.name.lower().endswith(endings)][:_MOST_ENTRIES]

    def results(self) -> list[str]:
        """Return the result folders by name."""
        return [child.name for child in sorted(self.path.iterdir()) if (child / "scene.mrb").is_file()][:_MOST_ENTRIES]

    def forUpload(self, name: str, size: int) -> Path:
        """Return where an uploaded volume is put.

        :raises ValueError: if it is too large, of another kind, or would replace a file.
        """
        plain = Path(name.replace("\\", "/")).name
        if not plain.lower().endswith((*_VOLUMES, ".mrk.json", ".fcsv")) or plain.startswith("."):
            raise ValueError(
                f'"{plain}" is neither a volume nor a list of landmarks ({", ".join(_VOLUMES)}, .mrk.json).'
            )
        if size > _LARGEST_UPLOAD:
            raise ValueError(
                f"{plain} has {size / 1e9:.1f} GB; more than {_LARGEST_UPLOAD / 1e9:.0f} GB is not uploaded. Start "
                "medfusion web in the folder that holds it."
            )
        path = self.inside(plain)
        if path.exists():
            raise ValueError(f"{plain} exists in {self.path} already; rename the file.")
        return path
