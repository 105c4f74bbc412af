"""Find the sessions of a BIDS data set, and describe the results as a derivative of it.

Gorgolewski et al. 2016, doi:10.1038/sdata.2016.44 (BIDS).
"""

import json
from dataclasses import dataclass
from pathlib import Path

from ..Core.Results.Version import VERSION

BIDS_VERSION = "1.10.0"
# What of several MRIs comes first: the one that is registered, and the tumor is outlined in.
_MRI_ORDER = ("_ce-*_T1w", "_FLAIR", "_T1w", "_T2w", "_PDw")
_ENDINGS = (".nii.gz", ".nii")
# What BIDS has no name for; its validator leaves it out.
_IGNORED = ("sub-*", "logs", "thumbnails", "index.html", "review.tsv", "measurements.*", "failures.tsv", "changes.tsv")


@dataclass(frozen=True)
class BidsSession:
    """The images of one session; several MRIs, the one to register first."""

    participant: str
    session: str
    ct: Path
    mris: tuple[Path, ...]
    landmarks: tuple[Path, Path] | None


def isBidsFolder(path: Path) -> bool:
    """Return whether a path is a folder with participants in it."""
    return path.is_dir() and any(child.is_dir() for child in path.glob("sub-*"))


def findSessions(folder: Path) -> tuple[tuple[BidsSession, ...], dict[str, str]]:
    """Return the sessions that have a CT and an MRI, and by name a sentence for each that has not."""
    sessions, faults = [], {}
    for participant in sorted(child for child in folder.glob("sub-*") if child.is_dir()):
        for place in sorted(child for child in participant.glob("ses-*") if child.is_dir()) or [participant]:
            name = participant.name if place is participant else f"{participant.name}_{place.name}"
            try:
                session = "" if place is participant else place.name.removeprefix("ses-")
                sessions.append(_session(participant.name.removeprefix("sub-"), session, place / "anat"))
            except ValueError as error:
                faults[name] = str(error)
    return tuple(sessions), faults


def _session(participant: str, session: str, anatomy: Path) -> BidsSession:
    cts = _images(anatomy, "_ct")
    mris = list(dict.fromkeys(path for pattern in _MRI_ORDER for path in _images(anatomy, pattern)))
    if not cts or not mris:
        missing = " and ".join(
            what for what, found in (("_ct", cts), ("_T1w, _FLAIR, _T2w or _PDw", mris)) if not found
        )
        raise ValueError(f"There is no {missing} image in {anatomy}.")
    if len(cts) > 1:
        raise ValueError(
            f"{anatomy} holds {len(cts)} CTs ({', '.join(path.name for path in cts)}); name one in a table."
        )
    beside = tuple(path.with_name(f"{_stem(path)}.mrk.json") for path in (cts[0], mris[0]))
    hasLandmarks = all(path.is_file() for path in beside)
    return BidsSession(participant, session, cts[0], tuple(mris), (beside[0], beside[1]) if hasLandmarks else None)


def _images(anatomy: Path, pattern: str) -> list[Path]:
    return sorted(path for ending in _ENDINGS for path in anatomy.glob(f"*{pattern}{ending}"))


def _stem(path: Path) -> str:
    return next(path.name.removesuffix(ending) for ending in _ENDINGS if path.name.endswith(ending))


def describeDerivatives(folder: Path) -> None:
    """Write what makes a folder of results a derivative data set in the eyes of BIDS."""
    description = {
        "Name": "MedFusion results",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": "MedFusion", "Version": VERSION}],
    }
    (folder / "dataset_description.json").write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
    (folder / ".bidsignore").write_text("\n".join(_IGNORED) + "\n", encoding="utf-8")
