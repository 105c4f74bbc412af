"""A first run: what the panel offers with nothing loaded, what to do next, progress in sight, and what is saved."""

import re
import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Workflow.Parameters import TumorChoice
from PanelTestCase import PanelTestCase, smallPhantom


class TestPanelGuide(PanelTestCase):
    def tryPhantom(self) -> None:
        """Press the button that an empty panel offers."""
        phantom = smallPhantom()
        with patch("MedFusionLib.Core.Phantom.makePhantom", lambda spacingFactor=1.0: phantom):
            self.click("phantomButton")

    def outlineTumor(self) -> None:
        self.parameters.tumorVolume = self.parameters.movingVolume
        self.parameters.tumorMethod = TumorChoice.click
        self.click("pointInsideButton")
        self.placePoint(flipPoints(smallPhantom().targets[-1]))
        self.endPlacing()
        self.click("segmentButton")

    def test_empty_panel_offers_phantom_and_sample_data_and_leads_to_the_report(self):
        self.assertFalse(self.ui.phantomButton.isHidden())
        self.click("sampleDataButton")
        self.assertEqual(self.app.selectedModule, "SampleData")
        self.tryPhantom()
        self.assertTrue(self.ui.phantomButton.isHidden())
        self.assertIn("Press Register", self.ui.guideLabel.text)
        for name in ("fuse", "tumor", "results"):
            getattr(self.ui, f"{name}CollapsibleButton").collapsed = True
        for press, words, card in (
            (lambda: self.click("registerButton"), "press Fuse", self.ui.fuseCollapsibleButton),
            (lambda: self.click("fuseButton"), "Outline tumor", self.ui.tumorCollapsibleButton),
            (self.outlineTumor, "Save the results", self.ui.resultsCollapsibleButton),
        ):
            press()
            self.assertIn(words, self.ui.guideLabel.text)
            self.assertFalse(card.collapsed)
        with tempfile.TemporaryDirectory() as folder:
            self.ui.outputFolderEdit.currentPath = str(Path(folder) / "results")
            self.click("saveButton")
            self.assertEqual(self.errors(), [])
            self.assertTrue(self.ui.guideLabel.isHidden())
            self.click("openReportButton")
            self.assertRegex(self.app.opened[-1], r"^file://.+report\.html$")

    def test_results_can_be_saved_without_the_scene_and_as_dicom(self):
        self.tryPhantom()
        self.click("registerButton")
        self.click("fuseButton")
        with tempfile.TemporaryDirectory() as folder:
            results = Path(folder) / "results"
            self.ui.outputFolderEdit.currentPath = str(results)
            self.ui.saveSceneCheckBox.checked = False
            self.ui.saveDicomCheckBox.checked = True
            self.click("saveButton")
            self.assertEqual(self.errors(), [])
            self.assertFalse((results / "scene.mrb").exists())
            self.assertTrue(list((results / "dicom").rglob("*.dcm")))

    def test_pdf_without_its_renderer_is_one_sentence_and_leaves_no_folder(self):
        self.tryPhantom()
        self.click("registerButton")
        self.click("fuseButton")
        with tempfile.TemporaryDirectory() as folder:
            self.ui.outputFolderEdit.currentPath = str(Path(folder) / "results")
            self.ui.savePdfCheckBox.checked = True
            with patch("MedFusionLib.Workflow.Steps.checkPdfRenderer", side_effect=ValueError("A PDF needs more.")):
                self.click("saveButton")
            self.assertEqual(self.errors(), ["The results could not be saved.\n\nA PDF needs more."])
            self.assertFalse((Path(folder) / "results").exists())

    def test_guide_says_what_is_out_of_date(self):
        self.tryPhantom()
        self.click("registerButton")
        self.click("fuseButton")
        self.parameters.fixedLandmarks.SetNthControlPointPosition(0, 1.0, 80.0, 2.0)
        self.app.settle()
        self.assertIn("press Register again", self.ui.guideLabel.text)
        self.click("undoButton")
        self.click("nudgeRightButton")
        self.assertIn("press Fuse again", self.ui.guideLabel.text)

    def test_progress_and_cancel_are_in_the_status_bar_while_a_step_runs(self):
        import slicer

        self.tryPhantom()
        original, seen = slicer.app.processEvents, []

        def processEvents() -> None:
            original()
            if self.panel.runner.isRunning and not seen:
                inBar = self.app.mainWindow.statusBar().isAncestorOf(self.ui.progressFrame)
                seen.append((inBar, self.ui.cancelButton.enabled))
                self.ui.cancelButton.click()

        with patch.object(slicer.app, "processEvents", processEvents):
            self.click("fuseButton")
        self.assertEqual(seen, [(True, True)])
        self.assertIsNone(self.parameters.fusedVolume)
        self.assertTrue(self.parent.isAncestorOf(self.ui.progressFrame))
        self.assertTrue(self.ui.progressFrame.isHidden())

    def test_progress_is_in_the_panel_where_the_status_bar_is_hidden(self):
        self.tryPhantom()
        bar = self.app.mainWindow.statusBar()
        bar.hide()
        self.addCleanup(bar.show)
        seen = []

        def look(*_arguments: object) -> None:
            seen.append((self.parent.isAncestorOf(self.ui.progressFrame), self.ui.progressFrame.isHidden()))
            raise ValueError("Seen enough.")

        with patch.object(self.panel.logic, "register", look):
            self.click("registerButton")
        self.assertEqual(seen, [(True, False)])

    def test_pairs_that_the_panel_names_bring_no_warning(self):
        self.tryPhantom()
        for node in (self.parameters.fixedLandmarks, self.parameters.movingLandmarks):
            node.RemoveAllControlPoints()
        self.app.settle()
        phantom = smallPhantom()
        self.click("placePairButton")
        for fixed, moving in list(zip(phantom.ctLandmarks, phantom.mriLandmarks, strict=True))[:5]:
            self.placePoint(flipPoints(fixed))
            self.placePoint(flipPoints(moving))
        self.click("placePairButton")
        self.assertIn("5 pairs", self.ui.fitLabel.text)
        self.assertNotIn("named", self.ui.fitLabel.text)

    def test_panel_fits_364_pixels_and_cuts_no_name(self):
        self.tryPhantom()
        self.click("registerButton")
        self.click("fuseButton")
        self.outlineTumor()
        self.parent.show()
        for name in ("volumes", "landmarks", "register", "fuse", "tumor", "results"):
            getattr(self.ui, f"{name}CollapsibleButton").collapsed = False
        for name in ("flickerButton", "treMapButton"):
            getattr(self.ui, name).checked = name == "treMapButton"
        self.app.settle()
        self.assertLessEqual(self.parent.minimumSizeHint().width(), 364)
        self.parent.resize(364, 1600)
        self.app.settle()
        table = self.ui.landmarkTable
        metrics = table.fontMetrics()
        for row in range(table.rowCount):
            text = table.item(row, 0).text()
            checkBox = 26
            self.assertGreaterEqual(table.columnWidth(0), metrics.horizontalAdvance(text) + checkBox, text)
        self.parent.hide()

    def test_every_control_is_reached_by_the_tab_key(self):
        from PySide6 import QtCore, QtWidgets

        self.tryPhantom()
        kinds = (QtWidgets.QAbstractButton, QtWidgets.QComboBox, QtWidgets.QAbstractSpinBox, QtWidgets.QTableWidget)
        for widget in self.parent.findChildren(QtWidgets.QWidget):
            if isinstance(widget, kinds) and widget.name and not widget.name.startswith("qt_"):
                policy = widget.focusPolicy
                self.assertTrue(policy.value & QtCore.Qt.FocusPolicy.TabFocus.value, widget.name)
        for table in (self.ui.landmarkTable, self.ui.measurementTable):
            self.assertFalse(table.tabKeyNavigation, "Tab must lead out of a table")

    def test_each_letter_with_alt_belongs_to_one_control_and_to_no_menu_of_slicer(self):
        from PySide6 import QtWidgets

        self.tryPhantom()
        self.ui.otherOutlineButton.text = "&Take the other outline (1.0 ml)"
        owners: dict[str, str] = dict.fromkeys("FEVH", "Slicer's menu bar")
        for widget in self.parent.findChildren(QtWidgets.QWidget):
            text = widget.text if isinstance(widget, QtWidgets.QAbstractButton | QtWidgets.QLabel) else ""
            letter = re.search(r"&(\w)(?!\w*;)", text)
            if letter is None:
                continue
            self.assertNotIn(letter[1].upper(), owners, f"{widget.name} and {owners.get(letter[1].upper())}")
            owners[letter[1].upper()] = widget.name
            if isinstance(widget, QtWidgets.QAbstractButton) and widget.enabled:
                self.assertIn(f"(Alt+{letter[1].upper()})", widget.toolTip, widget.name)
        self.assertGreater(len(owners), 15)


if __name__ == "__main__":
    unittest.main()
