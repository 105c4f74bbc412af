"""What the command line loads before it knows what is wanted: next to nothing, and no scene where none is needed."""

import subprocess
import sys
import unittest

from Rooms import MODULE_FOLDER

ENGINE = {"numpy", "scipy", "SimpleITK", "skimage", "pydicom", "slicer", "vtk", "vtkmodules"}


def loadedBy(*arguments: str) -> tuple[int, set[str]]:
    """Return the exit status of a command in a fresh interpreter and which modules of the engine it loaded."""
    script = (
        "import sys\nfrom MedFusionLib.__main__ import main\n"
        "try:\n    status = main(sys.argv[1:])\nexcept SystemExit as ended:\n    status = ended.code\n"
        "print(status or 0, *{name.partition('.')[0] for name in sys.modules})"
    )
    command = [sys.executable, "-c", script, *arguments]
    output = subprocess.run(command, cwd=MODULE_FOLDER, capture_output=True, text=True, check=True).stdout
    status, *modules = output.splitlines()[-1].split()
    return int(status), set(modules) & ENGINE


class TestStart(unittest.TestCase):
    def test_help_version_and_a_word_that_is_no_command_load_no_engine(self):
        for arguments, status in (((), 0), (("--help",), 0), (("--version",), 0), (("outline",), 2), (("--fast",), 2)):
            with self.subTest(arguments):
                self.assertEqual(loadedBy(*arguments), (status, set()))

    def test_commands_that_need_no_scene_load_none(self):
        for arguments in (("evaluate", "fusion"), ("inspect",), ("compare",), ("measure",), ("fuse",), ("segment",)):
            with self.subTest(arguments):
                status, modules = loadedBy(*arguments, "--help")
                self.assertEqual(status, 0)
                self.assertEqual(modules & {"slicer", "vtk", "vtkmodules"}, set())

    def test_every_command_has_its_file_and_its_arguments(self):
        from MedFusionLib.__main__ import _COMMANDS

        for name in _COMMANDS:
            text = (MODULE_FOLDER / f"MedFusionLib/CommandLine/{name.capitalize()}.py").read_text(encoding="utf-8")
            self.assertIn("def addArguments(parser: argparse.ArgumentParser)", text, name)


if __name__ == "__main__":
    unittest.main()
