"""The rooms' walls: what each may import, and that the build lists know every file."""

import ast
import json
import re
import subprocess
import sys
import unittest
from pathlib import Path

from MedFusionTesting import PROJECT_ROOT

MODULE_FOLDER = PROJECT_ROOT / "MedFusion"
LIBRARY = MODULE_FOLDER / "MedFusionLib"
HEAVY = ("slicer", "vtk", "vtkmodules", "slicer_core", "qt", "PySide6", "ctk")


def modulesLoadedBy(statements: str) -> set[str]:
    """Return the top-level modules that a fresh interpreter holds after some statements."""
    script = (
        f"import sys\n{statements}\nimport json\nprint(json.dumps(sorted({{m.split('.')[0] for m in sys.modules}})))"
    )
    output = subprocess.run(
        [sys.executable, "-c", script], cwd=MODULE_FOLDER, capture_output=True, text=True, check=True
    ).stdout
    return set(json.loads(output.strip().splitlines()[-1]))


def importsOf(room: str) -> str:
    """Return statements that import every file of a room."""
    files = sorted(path for path in (LIBRARY / room).rglob("*.py") if path.stem != "__init__")
    return "\n".join(f"import {'.'.join(path.relative_to(MODULE_FOLDER).with_suffix('').parts)}" for path in files)


def roomsImportedBy(path: Path) -> set[tuple[str, ...]]:
    """Return the folders below the library, as their parts, that a file imports from, wherever in it it does so."""
    package = path.relative_to(MODULE_FOLDER).parent.parts
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else ()
            modules = [(*above, *(node.module.split(".") if node.module else ()))]
            modules += [(*modules[0], name.name) for name in node.names]
        elif isinstance(node, ast.Import):
            modules = [tuple(name.name.split(".")) for name in node.names]
        else:
            continue
        for parts in modules:
            while parts and not MODULE_FOLDER.joinpath(*parts).is_dir():
                parts = parts[:-1]
            if parts and parts[0] == LIBRARY.name:
                found.add(parts[1:])
    return found


class TestBoundaries(unittest.TestCase):
    def test_core_and_report_load_neither_slicer_nor_vtk_nor_qt(self):
        for room in ("Core", "Report"):
            with self.subTest(room):
                self.assertEqual(modulesLoadedBy(importsOf(room)) & set(HEAVY), set())

    def test_scene_loads_no_qt_and_names_no_application_singleton(self):
        self.assertEqual(modulesLoadedBy(importsOf("Scene")) & {"qt", "ctk", "PySide6", "sitkUtils"}, set())
        for path in (LIBRARY / "Scene").glob("*.py"):
            found = re.findall(
                r"slicer\.(?:app|modules|mrmlScene)\b|parameterNodeWrapper", path.read_text(encoding="utf-8")
            )
            self.assertEqual(found, [], path.name)

    def test_the_doors_never_import_each_other(self):
        doors = {"Widgets": {"CommandLine", "Web"}, "Web": {"CommandLine", "Widgets"}, "CommandLine": {"Widgets"}}
        for room, others in doors.items():
            for path in (LIBRARY / room).glob("*.py"):
                self.assertEqual(roomsImportedBy(path) & {(other,) for other in others}, set(), path.name)

    def test_the_workflow_of_panel_and_page_runs_without_the_application(self):
        self.assertEqual(modulesLoadedBy(importsOf("Workflow")) & {"qt", "ctk", "PySide6", "sitkUtils"}, set())

    def test_the_workflow_is_handed_scene_and_nodes(self):
        singletons = re.compile(r"slicer\.(?:app|modules|mrmlScene)\b")
        for path in (LIBRARY / "Workflow").glob("*.py"):
            self.assertEqual(singletons.findall(path.read_text(encoding="utf-8")), [], path.name)

    def test_only_one_scene_file_and_one_core_file_flip_axes(self):
        flips = re.compile(r"-1(?:\.0)?,\s*-1(?:\.0)?,\s*1")
        found = {path.name for path in MODULE_FOLDER.rglob("*.py") if flips.search(path.read_text(encoding="utf-8"))}
        self.assertEqual(found, {"Coordinates.py"})

    def test_cmake_lists_equal_the_tree(self):
        listed = set(
            re.findall(r"^  (\S+\.\w+)$", (MODULE_FOLDER / "CMakeLists.txt").read_text(encoding="utf-8"), re.MULTILINE)
        )
        scripts = {path for path in MODULE_FOLDER.rglob("*.py") if "__pycache__" not in path.parts}
        resources = {path for path in (MODULE_FOLDER / "Resources").rglob("*") if path.is_file()}
        self.assertEqual(listed, {path.relative_to(MODULE_FOLDER).as_posix() for path in scripts | resources})

    def test_ctest_runs_every_test_file(self):
        listed = set(
            re.findall(
                r"^  (Test\w+)$", (PROJECT_ROOT / "Testing/CMakeLists.txt").read_text(encoding="utf-8"), re.MULTILINE
            )
        )
        self.assertEqual(listed, {path.stem for path in Path(__file__).parent.glob("Test*.py")})

    def test_the_module_folder_holds_one_loose_script_and_empty_packages(self):
        self.assertLessEqual({path.name for path in MODULE_FOLDER.glob("*.py")}, {"MedFusion.py"})
        for path in MODULE_FOLDER.rglob("__init__.py"):
            self.assertEqual(path.read_text(encoding="utf-8"), "", path)


if __name__ == "__main__":
    unittest.main()
