"""The house's order: the rooms' arrows, where names come from and how long files are; see Rooms for the table."""

import ast
import re
import unittest
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from MedFusionTesting import PROJECT_ROOT
from Rooms import (
    CORE,
    CORE_FILES_FOR_ALL,
    FLOORS,
    LIBRARY,
    MODULE_FOLDER,
    arrows,
    drawing,
    importsFrom,
    librarySources,
    place,
    tree,
)

MOST_LINES = 400
# What the library itself does not use: Slicer looks for it, scripts that drive the scene without a panel need it, or it
# says which files others may count on.
CALLED_FROM_OUTSIDE = {"MedFusionWidget", "MedFusionTest", "runTest", "loadScene", "RUN_FILES"}


def definitions(module: ast.Module) -> set[str]:
    """Return the names that a file defines at its own level."""
    found = set()
    body = list(module.body)
    for node in body:
        if isinstance(node, ast.Try):
            body += [part for handler in node.handlers for part in handler.body]  # where there is no better
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            found.add(node.name)
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)}
    return found


def flips(module: ast.Module) -> Iterator[int]:
    """Yield the lines where the first two of three coordinates change sign."""
    for node in ast.walk(module):
        if isinstance(node, (ast.List, ast.Tuple)) and len(node.elts) in (3, 4):
            changed = [_isFlipped(element) for element in node.elts[:3]]
            if changed == [True, True, False]:
                yield node.lineno
        elif isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Mult):
            if ast.unparse(node.value) in ("-1", "-1.0") and re.search(r":2\]$", ast.unparse(node.target)):
                yield node.lineno
        elif isinstance(node, ast.Assign) and re.fullmatch(r"(\w+\[.*:2\]) = -\1", ast.unparse(node)):
            yield node.lineno


def _isFlipped(node: ast.expr) -> bool:
    """Return True for minus one and for minus a variable, but not for another negative number."""
    if not (isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)):
        return False
    return not isinstance(node.operand, ast.Constant) or node.operand.value == 1


class TestHouse(unittest.TestCase):
    def test_every_folder_and_file_of_core_is_a_room_of_the_table(self):
        rooms = {path.stem for path in (LIBRARY / "Core").iterdir() if path.suffix == ".py" or path.is_dir()}
        self.assertEqual(rooms - {"__init__", "__pycache__"}, {*CORE, *CORE_FILES_FOR_ALL})
        self.assertEqual({place(path)[0] for path in librarySources()}, {*FLOORS, "__main__"})

    def test_no_room_imports_from_one_that_the_table_does_not_allow(self):
        for room, other in sorted(arrows()):
            with self.subTest(f"{room} -> {other}"):
                if room in CORE:
                    self.assertIn(other, CORE[room])
                elif room in FLOORS:
                    self.assertTrue(other in FLOORS[room] or (other in CORE and "Core" in FLOORS[room]))
                else:
                    self.assertEqual((room, other), ("__main__", "CommandLine"))

    def test_the_table_has_no_circle(self):
        for rooms in (CORE, FLOORS):
            below: list[str] = []
            for room, allowed in rooms.items():
                self.assertLessEqual(set(allowed), set(below), room)
                below.append(room)

    def test_the_drawing_for_contributors_shows_the_table(self):
        text = (PROJECT_ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
        self.assertIn(f"```mermaid\n{drawing()}\n```", text, "paste what `python Testing/Python/Rooms.py` prints")
        for room in {*CORE, *FLOORS} - {"Core", "Api", "Phantom"}:
            self.assertRegex(text, rf"\| `(Core/)?{room}/?` \|", room)

    def test_a_name_is_imported_from_the_file_that_defines_it(self):
        for path in [*librarySources(), *(PROJECT_ROOT / "Testing").rglob("*.py")]:
            for target, name in importsFrom(path):
                file = LIBRARY.joinpath(*target).with_suffix(".py")
                self.assertTrue(file.is_file(), f"{path.name}: {'.'.join(target)}")
                if file.stem != name:
                    self.assertIn(name, definitions(tree(file)), f"{path.name} imports {name} from {file.name}")

    def test_only_coordinates_changes_the_sign_of_axes(self):
        for path in MODULE_FOLDER.rglob("*.py"):
            if path.name != "Coordinates.py":
                self.assertEqual(list(flips(tree(path))), [], path.name)

    def test_a_flip_of_axes_is_seen_however_it_is_written(self):
        for flip in (
            "[-p[0], -p[1], p[2]]",
            "(float(p), -p.x, -p.y), (-x, -y, z)",
            "p * (-1, -1, 1)",
            "np.diag([-1.0, -1.0, 1.0, 1.0])",
            "p[:2] *= -1",
            "points[..., :2] = -points[..., :2]",
        ):
            self.assertEqual(len(list(flips(ast.parse(flip)))), 1, flip)
        for harmless in ("(-30.0, -20.0, 24.0)", "(-x, y, z)", "(-x, -y, -z)", "(0, -1, 0)", "np.array([-a[1], a[0]])"):
            self.assertEqual(list(flips(ast.parse(harmless))), [], harmless)

    def test_every_number_of_core_says_what_it_was_chosen_by(self):
        for path in (LIBRARY / "Core").rglob("*.py"):
            self.assertEqual(unexplained(path.read_text(encoding="utf-8")), [], path.name)

    def test_a_number_that_says_nothing_is_seen(self):
        self.assertEqual(unexplained("X = 1\n\n# why\n_A = 2.0\n_B, _C = 1, -2\n_D = 3  # why"), ["X"])
        self.assertEqual(
            unexplained('NAME = "a"\nIS = True\nTABLE = {"a": (1, 2)}\nP = np.array([1.0])'), ["TABLE", "P"]
        )

    def test_no_file_is_too_long_to_be_read_at_once(self):
        for path in [*MODULE_FOLDER.rglob("*.py"), *(PROJECT_ROOT / "Testing").rglob("*.py")]:
            count = len(path.read_text(encoding="utf-8").splitlines())
            self.assertLessEqual(count, MOST_LINES, f"{path.name}: split it by subject")

    def test_the_library_uses_everything_that_it_defines(self):
        files = [*MODULE_FOLDER.rglob("*.py"), *MODULE_FOLDER.rglob("*.ui")]
        words = Counter(word for path in files for word in re.findall(r"\w+", path.read_text(encoding="utf-8")))
        unused = set()
        for path in set(MODULE_FOLDER.rglob("*.py")) - {LIBRARY / "Api.py"}:  # which is for scripts
            module = tree(path)
            named = {node.name for node in ast.walk(module) if isinstance(node, (ast.FunctionDef, ast.ClassDef))}
            unused |= {name for name in named | definitions(module) if words[name] == 1 and not name.startswith("__")}
        self.assertEqual(unused - CALLED_FROM_OUTSIDE, set(), "nothing but tests uses these; remove them")


def unexplained(source: str) -> list[str]:
    """Return the numbers at the level of a module without a comment beside them or above their block."""
    lines, found, previous = source.splitlines(), [], (-1, False)
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Assign, ast.AnnAssign)) and node.value is not None:
            start, end = node.lineno - 1, node.end_lineno
            above = lines[start - 1].startswith("#") if start else False
            isBlock = above or (previous == (start, True))
            if _isNumber(node.value) and not isBlock and not any("#" in line for line in lines[start:end]):
                found.append(ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target))
            previous = (end, isBlock)
    return found


def _isNumber(value: ast.expr) -> bool:
    if isinstance(value, ast.Constant):
        return isinstance(value.value, (int, float)) and not isinstance(value.value, bool)
    parts = {
        ast.UnaryOp: lambda: [value.operand],
        ast.BinOp: lambda: [value.left, value.right],
        ast.Tuple: lambda: value.elts,
        ast.List: lambda: value.elts,
        ast.Dict: lambda: value.values,
        ast.Call: lambda: value.args if ast.unparse(value.func).startswith("np.") else [],
    }
    return any(map(_isNumber, parts.get(type(value), list)()))


class TestFilesOfTests(unittest.TestCase):
    def test_every_test_makes_an_assertion(self):
        for path in sorted(Path(__file__).parent.glob("Test*.py")):
            module = tree(path)
            checks = {"assert", "fail", "skip", "sharedData"}
            helpers = {
                node.name
                for node in ast.walk(module)
                if isinstance(node, ast.FunctionDef) and any(check in ast.unparse(node) for check in checks)
            } - {"setUp"}
            for node in ast.walk(module):
                if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                    called = {
                        call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
                        for call in ast.walk(node)
                        if isinstance(call, ast.Call)
                    }
                    isChecked = any(name.startswith("assert") for name in called) or called & (helpers - {node.name})
                    self.assertTrue(isChecked, f"{path.name}: {node.name}")


if __name__ == "__main__":
    unittest.main()
