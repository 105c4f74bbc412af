"""The house as a table: which room may import from which. The tests hold it, and the drawing is made from it."""

import ast
from collections.abc import Iterator
from pathlib import Path

from MedFusionTesting import PROJECT_ROOT

MODULE_FOLDER = PROJECT_ROOT / "MedFusion"
LIBRARY = MODULE_FOLDER / "MedFusionLib"

# From the ground up: a room may import from itself, from the files that lie in Core beside the rooms, and from these.
CORE = {
    "Images": (),
    "Landmarks": ("Images",),
    "Fusion": ("Images",),
    "Tumor": ("Images",),
    "Phantom": ("Images",),
    "Registration": ("Images", "Landmarks"),
    "Dicom": ("Images", "Tumor"),
    "Inputs": ("Images", "Tumor", "Dicom"),
    "FollowUp": ("Images", "Tumor", "Registration", "Dicom", "Inputs"),
    "Results": ("Images", "Landmarks", "Fusion", "Tumor", "Registration", "Dicom", "Inputs", "FollowUp"),
}
CORE_FILES_FOR_ALL = ("Progress", "Verdict")
FLOORS = {
    "Core": (),
    "Api": ("Core",),
    "Report": ("Core",),
    "Scene": ("Core", "Report"),
    "Cohort": ("Core", "Report"),
    "Workflow": ("Core", "Report", "Scene"),
    "Widgets": ("Core", "Report", "Scene", "Workflow"),
    "Web": ("Core", "Report", "Scene", "Workflow"),
    "CommandLine": ("Core", "Report", "Scene", "Cohort", "Web"),
}


def librarySources() -> list[Path]:
    """Return every file of the library that holds code."""
    return sorted(path for path in LIBRARY.rglob("*.py") if path.stem != "__init__")


def tree(path: Path) -> ast.Module:
    """Return a file's syntax tree."""
    return ast.parse(path.read_text(encoding="utf-8"))


def place(path: Path) -> tuple[str, ...]:
    """Return where a file is in the library: floor, room within Core, file."""
    return path.relative_to(LIBRARY).with_suffix("").parts


def importsFrom(path: Path) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the place in the library and the name of everything that a file imports from it, wherever it does so."""
    package = path.relative_to(MODULE_FOLDER if MODULE_FOLDER in path.parents else PROJECT_ROOT).parent.parts
    for node in ast.walk(tree(path)):
        if not isinstance(node, ast.ImportFrom):
            continue
        above = package[: len(package) - node.level + 1] if node.level else ()
        module = (*above, *(node.module.split(".") if node.module else ()))
        if module[:1] != (LIBRARY.name,):
            continue
        for name in node.names:
            isFile = MODULE_FOLDER.joinpath(*module).is_dir()
            yield (*module[1:], name.name) if isFile else module[1:], name.name


def roomOf(place: tuple[str, ...]) -> str:
    """Return a place's room in Core, or its floor."""
    return place[1] if place[0] == "Core" else place[0]


def arrows() -> set[tuple[str, str]]:
    """Return which room imports from which, the files for all of Core left out."""
    found = set()
    for path in librarySources():
        for target, _ in importsFrom(path):
            pair = roomOf(place(path)), roomOf(target)
            if pair[0] != pair[1] and pair[1] not in CORE_FILES_FOR_ALL:
                found.add(pair)
    return found


def drawing() -> str:
    """Return the house as a Mermaid diagram, an arrow for each import that no other way leads to."""
    lines = ["flowchart BT", "    subgraph Core"]
    lines += [f"        {arrow}" for arrow in _ways(CORE)]
    lines += ["    end", *(f"    {arrow}" for arrow in _ways(FLOORS))]
    return "\n".join(lines)


def _ways(rooms: dict[str, tuple[str, ...]]) -> list[str]:
    """Return the arrows of a table without those that a longer way replaces."""
    reached = {room: {far for near in allowed for far in rooms[near]} for room, allowed in rooms.items()}
    return [f"{room} --> {near}" for room, allowed in rooms.items() for near in allowed if near not in reached[room]]


if __name__ == "__main__":
    print(drawing())
