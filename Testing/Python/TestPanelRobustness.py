"""The panel under a user's worst habits: closing, deleting, reloading and canceling in the middle."""

import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from MedFusionLib.Scene.NodeFiles import saveScene
from MedFusionLib.Workflow.Parameters import TumorChoice
from PanelTestCase import PanelTestCase, smallPhantom


class TestPanelRobustness(PanelTestCase):
    def during(self, action: object) -> None:
        """Let something happen the first time that a run looks after the user's events."""
        import slicer

        original, isDone = slicer.app.processEvents, []

        def processEvents() -> None:
            original()
            if self.panel.runner.isRunning and not isDone:
                isDone.append(True)
                action()

        patcher = patch.object(slicer.app, "processEvents", processEvents)
        patcher.start()
        self.addCleanup(patcher.stop)

    def test_cancel_stops_a_run_and_changes_nothing(self):
        self.loadPhantom()
        seen = []

        def cancel() -> None:
            seen.append((self.ui.registerButton.text, self.ui.fuseButton.enabled, not self.ui.progressFrame.isHidden()))
            self.ui.registerButton.click()

        self.parent.show()
        self.during(cancel)
        self.click("registerButton")
        self.assertEqual(seen, [("Cancel", False, True)])
        self.assertIsNone(self.parameters.movingVolume.GetParentTransformNode())
        self.assertEqual(self.errors(), [])
        self.assertIn(("status", "Canceled; nothing was changed."), self.app.displayed)
        self.assertEqual(self.ui.registerButton.text, "&Register")
        self.assertTrue(self.ui.fuseButton.enabled)
        self.assertTrue(self.ui.progressFrame.isHidden())

    def test_scene_closed_in_the_middle_of_each_step(self):
        for button in ("registerButton", "fuseButton", "segmentButton"):
            with self.subTest(button):
                self.loadPhantom()
                self._pointOutTumor()
                self.during(self.app.clearScene)
                self.click(button)
                self.assertEqual(self.errors(), [])
                self.assertIsNone(self.parameters.fixedVolume)
                self.assertEqual(self.ui.landmarkTable.rowCount, 0)
                self.doCleanups()

    def test_scene_loaded_in_the_middle_of_a_run(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            self.loadPhantom()
            saveScene(self.scene, path)
            self.during(lambda: self.app.session.loadScene(path))
            self.click("registerButton")
        self.assertEqual(self.errors(), [])
        self.assertEqual(self.parameters.fixedVolume.GetName(), "Phantom CT")
        self.assertIsNone(self.parameters.movingVolume.GetParentTransformNode())

    def test_nodes_deleted_in_the_middle_of_a_run(self):
        for name in ("fixedVolume", "movingVolume", "movingLandmarks"):
            with self.subTest(name):
                self.app.clearScene()
                self.loadPhantom()
                node = getattr(self.parameters, name)
                self.during(lambda node=node: self.scene.RemoveNode(node))
                self.click("registerButton")
                self.doCleanups()
                self.assertIn(("status", "Canceled; nothing was changed."), self.app.displayed)
        self.assertEqual(self.errors(), [])

    def test_nodes_in_use_can_be_deleted_at_any_time(self):
        for name in ("fixedVolume", "movingVolume", "fixedLandmarks", "movingLandmarks", "fusedVolume"):
            with self.subTest(name):
                self.app.clearScene()
                self.loadPhantom()
                self.ui.compareViewsCheckBox.checked = True
                self.click("registerButton")
                self.click("fuseButton")
                self.ui.previewCheckBox.checked = True
                self.app.settle()
                self.scene.RemoveNode(getattr(self.parameters, name))
                self.app.settle()
                self.assertIsNone(getattr(self.parameters, name))
                self.ui.landmarkTable.selectRow(0)
                self.app.settle()
        self.assertEqual(self.errors(), [])

    def test_markups_deleted_while_they_are_being_placed(self):
        self.loadPhantom()
        self.click("placePairButton")
        self.scene.RemoveNode(self.parameters.fixedLandmarks)
        self.app.settle()
        self.ui.placePairButton.click()
        self.app.settle()
        self.ui.tumorMethodComboBox.currentIndex = 0
        self.parameters.tumorVolume = self.parameters.movingVolume
        self.click("pointInsideButton")
        self.scene.RemoveNode(self.scene.GetFirstNodeByClass("vtkMRMLMarkupsLineNode"))
        self.app.settle()
        self.click("pointInsideButton")
        self.assertEqual(self.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode"), 0)

    def test_line_that_was_never_drawn_leaves_no_node(self):
        import slicer

        self.loadPhantom()
        self.parameters.tumorVolume = self.parameters.movingVolume
        self.click("pointInsideButton")
        self.assertEqual(self.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode"), 1)
        slicer.app.applicationLogic().GetInteractionNode().SwitchToViewTransformMode()
        self.app.settle()
        self.assertEqual(self.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode"), 0)
        self.assertFalse(self.ui.pointInsideButton.checked)

    def test_choices_survive_saving_and_loading_the_scene(self):
        self.loadPhantom()
        self.ui.modelComboBox.currentIndex = 2
        self.ui.fusionColorsComboBox.currentIndex = 1
        self.ui.levelsSpinBox.value = 3
        self.ui.windowHighSpinBox.value = 1234
        self.ui.refineCheckBox.checked = False
        self.ui.outputFolderEdit.currentPath = "results"
        self.click("registerButton")
        self.click("fuseButton")
        before = self._choices()
        rows = self._rows()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            saveScene(self.scene, path)
            self.app.clearScene()
            self.assertNotEqual(self._choices(), before)
            self.app.session.loadScene(path)
            self.app.settle()
        self.assertEqual(self._choices(), before)
        self.assertEqual(self._rows(), rows)
        self.assertEqual(self.ui.modelComboBox.currentIndex, 2)
        self.assertIs(self.ui.fixedVolumeSelector.currentNode(), self.parameters.fixedVolume)
        self.assertIn("earlier session", self.ui.registrationCard.text)
        self.click("registerButton")
        self.assertIn("Residual (FRE)", self.ui.registrationCard.text)

    def test_scene_saved_during_comparison_gives_ordinary_views_back(self):
        import slicer

        self.loadPhantom()
        self.ui.compareViewsCheckBox.checked = True
        comparison = slicer.app.layoutManager().layout
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            saveScene(self.scene, path)
            self.app.clearScene()
            self.app.session.loadScene(path)
            self.app.settle()
        self.assertEqual(slicer.app.layoutManager().layout, comparison)
        self.ui.compareViewsCheckBox.checked = False
        self.assertNotEqual(slicer.app.layoutManager().layout, comparison)
        self.assertEqual(len(self.parameters.fixedLandmarks.GetDisplayNode().GetViewNodeIDs()), 0)

    def test_scene_saved_during_comparison_shows_the_landmarks_where_this_module_is_not_opened(self):
        from MedFusionLib.Scene.Session import Session

        self.loadPhantom()
        self.ui.compareViewsCheckBox.checked = True
        self.app.settle()
        with tempfile.TemporaryDirectory() as folder, Session() as other:
            saveScene(self.scene, Path(folder) / "scene.mrb")
            other.loadScene(Path(folder) / "scene.mrb")
            for node, row in ((self.parameters.fixedLandmarks, "CT"), (self.parameters.movingLandmarks, "MRI")):
                display = other.scene.GetFirstNodeByName(node.GetName()).GetDisplayNode()
                for name in (
                    "Red",
                    "Green",
                    "Yellow",
                    *(f"MedFusion{each}{n}" for each in ("CT", "MRI") for n in (1, 2, 3)),
                ):
                    view = other.scene.GetSingletonNode(name, "vtkMRMLSliceNode")
                    isOther = name.startswith("MedFusion") and not name.startswith(f"MedFusion{row}")
                    self.assertEqual(display.IsDisplayableInView(view.GetID()), not isOther, (node.GetName(), name))

    def test_results_are_saved_in_ordinary_views_and_the_comparison_comes_back(self):
        import slicer

        self.loadPhantom()
        self.click("registerButton")
        self.click("fuseButton")
        self.ui.compareViewsCheckBox.checked = True
        comparison = slicer.app.layoutManager().layout
        layouts = []
        with tempfile.TemporaryDirectory() as folder:
            self.ui.outputFolderEdit.currentPath = str(Path(folder) / "results")
            self.during(lambda: layouts.append(slicer.app.layoutManager().layout))
            self.click("saveButton")
        self.assertEqual(self.errors(), [])
        self.assertNotIn(comparison, layouts)
        self.assertEqual(slicer.app.layoutManager().layout, comparison)

    def _choices(self) -> dict[str, object]:
        values = {name: getattr(self.parameters, name) for name in self.parameters.allParameters}
        return {name: value.GetName() if hasattr(value, "GetName") else value for name, value in values.items()}

    def _rows(self) -> list[str]:
        table = self.ui.landmarkTable
        return [table.item(row, column).text() for row in range(table.rowCount) for column in range(4)]

    def test_leaving_and_coming_back_keeps_everything(self):
        self.loadPhantom()
        before, rows = self._choices(), self._rows()
        for _ in range(3):
            self.panel.exit()
            self.app.settle()
            self.panel.enter()
            self.app.settle()
        self.assertEqual(self._choices(), before)
        self.assertEqual(self._rows(), rows)

    def test_two_parameter_nodes_do_not_disturb_each_other(self):
        self.loadPhantom()
        first = self.parameters
        node = self.panel.logic.createParameterNode()
        node.SetSingletonTag("MedFusionSecond")
        second = type(first)(self.scene.AddNode(node))
        self.panel.setParameterNode(second)
        self.ui.levelsSpinBox.value = 3
        self.ui.windowHighSpinBox.value = 700
        self.assertEqual((first.levels, first.windowHigh), (2, 1500.0))
        self.panel.setParameterNode(first)
        self.assertEqual(self.ui.levelsSpinBox.value, 2)
        self.assertEqual(second.levels, 3)

    def test_each_failure_is_one_sentence_in_a_dialog(self):
        self.loadPhantom()
        line = [(10.0 * i, 0.0, 0.0) for i in range(8)]
        for index, point in enumerate(line):
            self.parameters.fixedLandmarks.SetNthControlPointPositionWorld(index, *point)
        self.app.settle()
        self.click("registerButton")
        self.assertEqual(len(self.errors()), 1)
        self.assertRegex(self.errors()[0], r"^The volumes could not be registered\.\n\n[A-Z].+\.$")
        self.assertNotIn("Traceback", self.errors()[0])
        self.assertTrue(self.ui.registerButton.enabled)

    def test_mistake_of_the_program_is_a_sentence_too_and_the_log_has_it(self):
        self.loadPhantom()
        with (
            patch.object(self.panel.logic, "register", side_effect=IndexError("index 3")),
            self.assertLogs(level="ERROR") as logged,
        ):
            self.click("registerButton")
        self.assertIn("Traceback", logged.output[0])
        self.assertIn("An unexpected error came up (IndexError: index 3)", self.errors()[-1])
        self.app.displayed.clear()
        self.assertTrue(self.ui.registerButton.enabled)

    def test_folder_that_cannot_be_written_is_one_sentence(self):
        self.loadPhantom()
        self.click("registerButton")
        self.click("fuseButton")
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "file").write_text("")
            self.ui.outputFolderEdit.currentPath = str(Path(folder) / "file" / "results")
            self.click("saveButton")
        self.assertEqual(len(self.errors()), 1)
        self.assertRegex(self.errors()[0], r"^The results could not be saved\.\n\n.+cannot be written.+\.$")

    def test_opening_and_closing_the_panel_leaves_no_observer_and_no_node(self):
        self.loadPhantom()
        self.click("registerButton")
        # The application keeps the views of a layout, once they are made.
        for isOn in (True, False):
            self.ui.compareViewsCheckBox.checked = isOn
            self.app.settle()
        self.app.closePanel(self.parent, self.panel)
        nodes = self._watchedNodes()
        self._countObservers(nodes)
        nodesBefore, observersBefore = self._nodeIDs(), self._countObservers(nodes)
        for _ in range(2):
            self.parent, self.panel = self.app.openPanel()
            self.ui = self.panel.ui
            self.ui.compareViewsCheckBox.checked = True
            self.app.settle()
            self.click("edgesButton")
            self.ui.previewCheckBox.checked = True
            self.click("placePairButton")
            self.click("placePairButton")
            self.ui.compareViewsCheckBox.checked = False
            self.ui.previewCheckBox.checked = False
            self.app.settle()
            self.app.closePanel(self.parent, self.panel)
        nodesAfter = self._nodeIDs()
        self.assertEqual({n for n in nodesAfter - nodesBefore if "Slice" not in n}, set())
        self.assertEqual(self._countObservers(nodes), observersBefore)
        self.parent, self.panel = self.app.openPanel()

    def _watchedNodes(self) -> list:
        import slicer

        applicationLogic = slicer.app.applicationLogic()
        nodes = [self.scene.GetNthNode(index) for index in range(self.scene.GetNumberOfNodes())]
        nodes = [node for node in nodes if not node.IsA("vtkMRMLAbstractViewNode")]
        return [self.scene, applicationLogic.GetInteractionNode(), applicationLogic.GetSelectionNode(), *nodes]

    def _nodeIDs(self) -> set[str]:
        return {self.scene.GetNthNode(index).GetID() for index in range(self.scene.GetNumberOfNodes())}

    @staticmethod
    def _countObservers(nodes: list) -> list[tuple[str, int]]:
        """Return how many observers each object has, read from VTK's own description of it."""
        counts = []
        for node in nodes:
            text = str(node)
            counts.append((node.GetClassName(), text.count("vtkObserver (") + text.count("Command: ")))
        return counts

    def _pointOutTumor(self) -> None:
        import slicer
        from MedFusionLib.Scene.VolumeNodes import setMarkupsPoints

        self.parameters.tumorVolume = self.parameters.fixedVolume
        self.parameters.tumorMethod = TumorChoice.click
        self.parameters.tumorInside = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
        setMarkupsPoints(self.parameters.tumorInside, smallPhantom().targets[-1:])
        self.app.settle()


if __name__ == "__main__":
    unittest.main()
