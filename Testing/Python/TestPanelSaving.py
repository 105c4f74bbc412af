"""Results are saved only when they belong together, also after the scene was loaded again."""

import json
import tempfile
import unittest
from pathlib import Path

from MedFusionLib.Scene.NodeFiles import saveScene
from PanelTestCase import PanelTestCase


class TestPanelSaving(PanelTestCase):
    def test_results_can_be_saved_from_a_reloaded_scene(self):
        self.loadPhantom()
        self.click("registerButton")
        self.click("fuseButton")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            saveScene(self.scene, path)
            self.app.session.loadScene(path)
            self.app.settle()
            self.ui.outputFolderEdit.currentPath = str(Path(folder) / "results")
            self.click("saveButton")
            self.assertEqual(self.errors(), [])
            self.assertTrue((Path(folder) / "results" / "report.html").is_file())

    def test_the_results_tell_how_the_registration_was_made(self):
        self.loadPhantom()
        self.ui.refineCheckBox.checked = True
        self.click("registerButton")
        self.ui.refineCheckBox.checked = False
        self.click("fuseButton")
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder) / "results"
            self.ui.outputFolderEdit.currentPath = str(results)
            self.click("saveButton")
            self.assertEqual(self.errors(), [])
            parameters = json.loads((results / "measurements.json").read_text())["parameters"]["registration"]
        self.assertLessEqual({"refine": "True", "auto": "False", "pairing": "label"}.items(), parameters.items())

    def test_refined_registration_of_an_earlier_session_is_registered_again_before_it_is_saved(self):
        self.loadPhantom()
        self.ui.refineCheckBox.checked = True
        self.click("registerButton")
        self.click("fuseButton")
        self.assertNotIn("earlier session", self.ui.saveButton.toolTip)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            saveScene(self.scene, path)
            self.app.clearScene()
            self.app.session.loadScene(path)
            self.app.settle()
            results = Path(folder) / "results"
            self.ui.outputFolderEdit.currentPath = str(results)
            for text in (self.ui.registrationCard.text, self.ui.saveButton.toolTip):
                self.assertRegex(text, "earlier session.+refined it")
            self.click("saveButton")
            self.assertRegex(
                self.errors()[0],
                r"^The results could not be saved\.\n\n[^\n]+refined before[^\n]+register again, then save\.$",
            )
            self.assertFalse(results.exists())
            self.parameters.movingLandmarks.RemoveAllControlPoints()
            self.click("saveButton")
            self.assertRegex(
                self.errors()[1], r"^The results could not be saved\.\n\n[^\n]+register again, then save\.$"
            )

    def test_volumes_fused_before_the_last_registration_are_fused_again_before_they_are_saved(self):
        self.loadPhantom()
        self.click("registerButton")
        self.click("fuseButton")
        position = list(self.parameters.fixedLandmarks.GetNthControlPointPositionWorld(0))
        self.parameters.fixedLandmarks.SetNthControlPointPositionWorld(0, position[0] + 4, *position[1:])
        self.app.settle()
        self.click("registerButton")
        with tempfile.TemporaryDirectory() as folder:
            self.ui.outputFolderEdit.currentPath = str(Path(folder) / "results")
            self.click("saveButton")
            self.assertRegex(
                self.errors()[0],
                r"^The results could not be saved\.\n\n[^\n]+aligned as it is now; fuse again, then save\.$",
            )
            self.assertFalse((Path(folder) / "results").exists())
            self.click("fuseButton")
            self.click("saveButton")
            self.assertEqual(len(self.errors()), 1)
            self.assertTrue((Path(folder) / "results" / "report.html").is_file())


if __name__ == "__main__":
    unittest.main()
