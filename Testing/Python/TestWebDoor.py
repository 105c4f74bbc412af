"""Who may talk to the page's server and what it may touch; nothing here needs the page's framework."""

import re
import tempfile
import unittest
from pathlib import Path
from unittest import mock

from MedFusionLib.CommandLine import Web
from MedFusionLib.Web.Folder import WorkFolder
from MedFusionLib.Web.Security import isKnown, newToken, refusal
from MedFusionTesting import medfusion

PORT = 8123


class TestWebDoor(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.root = Path(temporary.name)
        self.path = self.root / "work"
        self.path.mkdir()
        self.folder = WorkFolder(self.path.resolve())

    def test_the_page_knows_every_parameter_that_the_steps_ask_for(self):
        library = Path(Web.__file__).parents[1]
        shared = [
            library / "Workflow" / f"{name}.py" for name in ("Steps", "Parameters", "TumorPointing", "VolumeGuess")
        ]
        asked = {name for file in shared for name in re.findall(r"parameters\.([a-z]\w*)", file.read_text("utf-8"))}
        page = (library / "Web" / "PageParameters.py").read_text("utf-8")
        known = set(re.findall(r"^    (\w+) = _(?:Node|Value)\(", page, re.MULTILINE)) | {"parameterNode"}
        self.assertEqual(asked - known, set())

    def test_only_the_right_token_under_the_own_name_is_let_in(self):
        token = newToken()
        own = f"127.0.0.1:{PORT}"
        self.assertEqual(refusal(own, None, token, token, PORT), "")
        self.assertEqual(refusal(f"localhost:{PORT}", f"http://localhost:{PORT}", token, token, PORT), "")
        for host, origin, given in (
            (own, None, None),
            (own, None, ""),
            (own, None, token[:-1]),
            (own, None, newToken()),
            (own, None, "é"),
            (f"evil.example:{PORT}", None, token),
            ("127.0.0.1:1", None, token),
            (None, None, token),
            (own, "http://evil.example", token),
            (own, "null", token),
            (own, f"https://{own}", token),
        ):
            with self.subTest(host=host, origin=origin):
                self.assertNotEqual(refusal(host, origin, given, token, PORT), "")
        self.assertFalse(isKnown(None, token))
        self.assertGreater(len(token), 40)
        self.assertNotEqual(token, newToken())

    def test_paths_stay_in_the_folder(self):
        (self.root / "secret.nrrd").write_text("x", encoding="utf-8")
        (self.path / "link").symlink_to(self.root)
        self.assertEqual(self.folder.inside("ct.nrrd"), self.path.resolve() / "ct.nrrd")
        for name in ("../secret.nrrd", "/etc/passwd", "link/secret.nrrd", "a/../../secret.nrrd"):
            with self.subTest(name), self.assertRaisesRegex(ValueError, "lies outside"):
                self.folder.inside(name)

    def test_uploads_of_another_kind_or_size_and_over_a_file_are_refused(self):
        (self.path / "there.nrrd").write_text("x", encoding="utf-8")
        self.assertEqual(self.folder.forUpload("../../new.nii.gz", 10).parent, self.path.resolve())
        for name, size, reason in (
            ("there.nrrd", 10, "exists"),
            ("program.exe", 10, "neither a volume"),
            (".hidden.nrrd", 10, "neither a volume"),
            ("large.nrrd", 3_000_000_000, "3.0 GB"),
        ):
            with self.subTest(name), self.assertRaisesRegex(ValueError, reason):
                self.folder.forUpload(name, size)

    def test_the_folder_lists_volumes_lists_and_results(self):
        for name in ("ct.nrrd", "mri.nii.gz", "notes.txt", "ct.mrk.json", ".hidden.nrrd"):
            (self.path / name).write_text("x", encoding="utf-8")
        (self.path / "run").mkdir()
        (self.path / "run" / "scene.mrb").write_text("x", encoding="utf-8")
        self.assertEqual(self.folder.volumes(), ["ct.nrrd", "mri.nii.gz", "run/"])
        self.assertEqual(self.folder.landmarkLists(), ["ct.mrk.json"])
        self.assertEqual(self.folder.results(), ["run"])

    def test_wrong_inputs_and_a_missing_framework_end_in_a_sentence(self):
        file = self.path / "ct.nrrd"
        file.write_text("x", encoding="utf-8")
        other = self.root / "mri.nrrd"
        other.write_text("x", encoding="utf-8")
        for arguments, reason in (
            ((self.root / "nowhere",), "There is no"),
            ((file,), "Give one folder"),
            ((file, other), "different folders"),
            ((self.path, "--port", "99999"), "no port 99999"),
        ):
            with self.subTest(reason):
                status, _, errors = medfusion("web", *arguments)
                self.assertEqual(status, 2)
                self.assertIn(reason, errors)
        with mock.patch.object(Web, "find_spec", return_value=None):
            self.assertIn("pip install", medfusion("web", self.path)[2])


if __name__ == "__main__":
    unittest.main()
