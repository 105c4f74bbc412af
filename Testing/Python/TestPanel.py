"""The panel driven as a user drives it, from two loaded volumes to the saved results."""

import dataclasses
import json
import tempfile
import time
import unittest
from pathlib import Path
from unittest.mock import patch

import numpy as np
from MedFusionTesting import sharedData
from PanelTestCase import PanelTestCase, smallPhantom


class TestPanel(PanelTestCase):
    def test_empty_scene_says_what_to_load_and_every_step_says_what_is_missing(self):
        self.assertIn("phantom", self.ui.volumesLabel.text)
        for name in ("registerButton", "fuseButton", "segmentButton", "saveButton"):
            button = getattr(self.ui, name)
            self.assertFalse(button.enabled, name)
            self.assertRegex(button.toolTip, r"(Choose|Place|Register).+\.$")

    def test_volumes_and_landmarks_are_guessed_and_described(self):
        ct, mri, ctLandmarks, mriLandmarks = self.loadPhantom()
        self.assertIs(self.parameters.fixedVolume, ct)
        self.assertIs(self.parameters.movingVolume, mri)
        self.assertIs(self.parameters.fixedLandmarks, ctLandmarks)
        self.assertIs(self.parameters.movingLandmarks, mriLandmarks)
        self.assertIs(self.ui.fixedVolumeSelector.currentNode(), ct)
        self.assertTrue(self.ui.volumesLabel.isVisibleTo(self.ui.volumesCollapsibleButton))
        self.assertRegex(self.ui.volumesLabel.text, r"88 × 106 × 42.+LPS.+tilted by \d+°.+% overlap")

    def test_panel_is_not_wider_than_364_pixels_in_any_state(self):
        self.loadPhantom()
        self.click("registerButton")
        self.click("fuseButton")
        self.parent.show()
        for section in ("volumes", "landmarks", "register", "fuse", "tumor", "results"):
            getattr(self.ui, f"{section}CollapsibleButton").collapsed = False
        for method in range(self.ui.tumorMethodComboBox.count):
            self.ui.tumorMethodComboBox.currentIndex = method
            self.app.settle()
            self.assertLessEqual(self.parent.minimumSizeHint().width(), 364, self.ui.tumorMethodComboBox.currentText)
        self.parent.hide()

    def test_exchanged_volumes_are_suspicious(self):
        ct, mri, *_ = self.loadPhantom()
        self.parameters.fixedVolume, self.parameters.movingVolume = mri, ct
        self.assertIn("does not look like one", self.ui.volumesLabel.text)
        self.assertIn("looks like a CT", self.ui.volumesLabel.text)

    def test_all_sections_from_volumes_to_results(self):
        self.loadPhantom()
        self._register()
        self._fuse()
        self._outline()
        self._save()
        self.assertEqual(self.errors(), [])

    def _register(self) -> None:
        self.assertRegex(self.ui.fitLabel.text, r"8 pairs, FRE \d\.\d\d mm")
        self.click("registerButton")
        for term in ("FRE", "FLE", "TRE"):
            self.assertIn(term, self.ui.registrationCard.text)
            self.assertRegex(self.ui.registrationCard.toolTip, rf"<b>{term}, [a-z ]+</b>: [a-z].+[.]")
        tips = [self.ui.landmarkTable.horizontalHeaderItem(column).toolTip() for column in (3, 4)]
        self.assertRegex(" ".join(tips), "FRE.+Leave-one-out")
        self.assertIn("Registered;", self.ui.volumesLabel.text)
        result = self.panel.logic.steps.resultOf(self.parameters.movingVolume.GetParentTransformNode())
        targets = smallPhantom().targets
        errors = [
            np.subtract(result.transform.TransformPoint(point), smallPhantom().ctToMri.TransformPoint(point))
            for point in targets.tolist()
        ]
        self.assertLess(np.sqrt(np.mean(np.sum(np.square(errors), axis=1))), 2.5)

    def _fuse(self) -> None:
        self.click("fuseButton")
        fused = self.parameters.fusedVolume
        self.assertEqual(
            fused.GetImageData().GetDimensions(), self.parameters.fixedVolume.GetImageData().GetDimensions()
        )
        self.assertIn("Fused volume", self.ui.fusionCard.text)
        self.assertEqual(self.app.installed, [])
        self.click("metricsButton")
        self.assertRegex(self.ui.fusionCard.text, r"<td>\w.*</td><td><b>0\.\d+")
        self.assertIn("<b>QABF</b>: Share of the sources' edges", self.ui.fusionCard.toolTip)

    def _outline(self) -> None:
        from MedFusionLib.Core.Images.Coordinates import flipPoints
        from MedFusionLib.Widgets.SelfTest import longestDiameter

        self.assertIs(self.parameters.tumorVolume, self.parameters.movingVolume)
        self.assertIn("Draw a line", self.ui.segmentButton.toolTip)
        self.click("pointInsideButton")
        for end in flipPoints(longestDiameter(smallPhantom().tumorLabels)):
            self.placePoint(end)
        self.endPlacing()
        self.assertIn("(1)", self.ui.pointInsideButton.text)
        self.click("segmentButton")
        self.assertEqual(self.ui.measurementTable.rowCount, 1)
        self.assertIn("Expected error at the tumor", self.ui.registrationCard.text)
        self.assertRegex(self.ui.measurementTable.item(0, 1).text(), r"\d+\.\d\d ± ")
        self.ui.diametersCheckBox.checked = True
        lines = self.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode")
        self.assertEqual((lines, self.scene.GetNumberOfNodesByClass("vtkMRMLTableNode") > 0), (3, True))
        self.ui.diametersCheckBox.checked = False
        self.assertEqual(self.scene.GetNumberOfNodesByClass("vtkMRMLMarkupsLineNode"), 1)
        self.ui.show3DCheckBox.checked = True
        self.assertTrue(self.parameters.segmentation.GetDisplayNode().GetVisibility3D())
        self.click("segmentEditorButton")
        self.assertEqual(self.app.selectedModule, "SegmentEditor")
        editorNode = self.scene.GetSingletonNode("SegmentEditor", "vtkMRMLSegmentEditorNode")
        self.assertIs(editorNode.GetSegmentationNode(), self.parameters.segmentation)
        self.assertIs(editorNode.GetSourceVolumeNode(), self.parameters.tumorVolume)

    def _save(self) -> None:
        from MedFusionLib.Core.Results.FileNames import RUN_FILES

        with tempfile.TemporaryDirectory() as folder:
            self.ui.outputFolderEdit.currentPath = str(Path(folder) / "results")
            self.click("saveButton")
            self.assertEqual(self.errors(), [])
            written = {path.name for path in (Path(folder) / "results").iterdir()}
            self.assertLessEqual(set(RUN_FILES), written)
            document = json.loads((Path(folder) / "results" / "measurements.json").read_text())
            self.assertEqual(document["registration"]["landmarks"], 8)
            self.assertGreater(document["tumor"]["volume_ml"], 1)
            self.assertFalse(self.ui.saveButton.enabled, "the folder exists now")
            self.click("openReportButton")
            self.assertTrue(self.app.opened[-1].endswith("report.html"))

    def test_every_fusion_method_makes_the_right_kind_of_volume(self):
        self.loadPhantom()
        self.click("registerButton")
        for index in range(self.ui.fusionMethodComboBox.count):
            self.ui.fusionMethodComboBox.currentIndex = index
            self.app.settle()
            method = self.parameters.fusionMethod.value
            with self.subTest(method):
                self.click("fuseButton")
                self.assertEqual(self.errors(), [])
                className = "vtkMRMLVectorVolumeNode" if method == "color" else "vtkMRMLScalarVolumeNode"
                self.assertEqual(self.parameters.fusedVolume.GetClassName(), className)
                self.assertEqual(self.ui.metricsButton.enabled, method != "color")

    def test_preview_follows_the_settings_within_a_moment(self):
        import slicer

        self.loadPhantom()
        self.click("registerButton")
        self.ui.previewCheckBox.checked = True
        self.app.settle()
        logic = slicer.app.applicationLogic().GetSliceLogicByLayoutName("Red")
        preview = self.scene.GetNodeByID(logic.GetSliceCompositeNode().GetForegroundVolumeID())
        self.assertIn("preview", preview.GetName())
        before = slicer.util.arrayFromVolume(preview).copy()
        start = time.process_time()
        self.ui.windowHighSpinBox.value = 600
        self.app.settle()
        self.assertLess(time.process_time() - start, 3 * 0.15)
        self.assertGreater(np.abs(slicer.util.arrayFromVolume(preview) - before).max(), 0)
        self.ui.previewCheckBox.checked = False
        self.assertIsNone(self.scene.GetFirstNodeByName("MedFusion preview Red"))

    def test_checks_put_the_mri_over_the_ct(self):
        import slicer

        ct, mri, *_ = self.loadPhantom()
        self.assertFalse(self.ui.edgesButton.enabled)
        self.click("registerButton")
        composite = slicer.app.applicationLogic().GetSliceLogicByLayoutName("Red").GetSliceCompositeNode()
        self.ui.blendSlider.value = 30
        self.assertEqual(composite.GetBackgroundVolumeID(), ct.GetID())
        self.assertEqual(composite.GetForegroundVolumeID(), mri.GetID())
        self.assertAlmostEqual(composite.GetForegroundOpacity(), 0.3)
        self.click("edgesButton")
        self.assertIn("preview", self.scene.GetNodeByID(composite.GetForegroundVolumeID()).GetName())
        self.click("edgesButton")
        self.assertEqual(composite.GetForegroundVolumeID(), mri.GetID())

    def test_expected_error_is_shown_over_the_ct_and_taken_away_again(self):
        import slicer

        self.loadPhantom()
        self.click("registerButton")
        self.assertIn("Expected error amid the landmarks", self.ui.registrationCard.text)
        before = self.scene.GetNumberOfNodes()
        composite = slicer.app.applicationLogic().GetSliceLogicByLayoutName("Red").GetSliceCompositeNode()
        self.click("treMapButton")
        node = self.scene.GetNodeByID(composite.GetForegroundVolumeID())
        values = slicer.util.arrayFromVolume(node)
        self.assertTrue(0.3 < values.min() < values.max() < 30)
        self.click("treMapButton")
        self.assertEqual(self.scene.GetNumberOfNodes(), before)

    def test_registration_without_landmarks_says_so_and_has_no_map(self):
        self.loadPhantom()
        self.click("registerButton")
        steps, transformNode = self.panel.logic.steps, self.parameters.movingVolume.GetParentTransformNode()
        steps._results[transformNode.GetID()] = dataclasses.replace(
            steps.resultOf(transformNode), pairs=None, landmarks=None, error=None
        )
        self.panel.onParametersModified()
        self.assertRegex(self.ui.registrationCard.text, "Landmarks.+none")
        self.assertNotIn("nan", self.ui.registrationCard.text)
        self.click("treMapButton")
        self.assertRegex(self.errors()[0], r"^The expected error could not be mapped\.\n\n.+[.]$")
        self.assertFalse(self.ui.treMapButton.checked)

    def test_settings_that_exclude_each_other_are_explained(self):
        self.loadPhantom()
        self.ui.modelComboBox.currentIndex = 3
        self.ui.refineCheckBox.checked = True
        self.app.settle()
        self.assertFalse(self.ui.registerButton.enabled)
        self.assertIn("rigid or affine", self.ui.registerButton.toolTip)

    def test_flicker_switches_between_ct_and_mri(self):
        import slicer

        self.loadPhantom()
        self.click("registerButton")
        composite = slicer.app.applicationLogic().GetSliceLogicByLayoutName("Red").GetSliceCompositeNode()
        self.click("flickerButton")
        seen = set()
        end = time.monotonic() + 10
        while not {0.0, 1.0} <= seen and time.monotonic() < end:
            self.app.settle()
            seen.add(composite.GetForegroundOpacity())
            time.sleep(0.02)
        self.assertLessEqual({0.0, 1.0}, seen)
        self.click("flickerButton")
        self.assertEqual(composite.GetForegroundOpacity(), 0.5)

    def test_other_mri_moves_with_the_mri_and_is_remembered(self):
        import qt

        self.loadPhantom()
        other = self.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "FLAIR")
        other.CopyContent(self.parameters.movingVolume)
        self.ui.otherVolumesSelector.setCheckState(other, qt.Qt.Checked)
        self.click("registerButton")
        self.assertIs(other.GetParentTransformNode(), self.parameters.movingVolume.GetParentTransformNode())

    def test_window_preset_and_window_are_one_setting(self):
        self.ui.windowPresetComboBox.currentIndex = 3
        self.assertEqual((self.parameters.windowLow, self.parameters.windowHigh), (0.0, 400.0))
        self.ui.windowHighSpinBox.value = 500
        self.assertEqual(self.ui.windowPresetComboBox.currentIndex, 0)

    def test_self_test_of_the_module_passes(self):
        module = self.app.moduleFile()
        with patch.object(module.MedFusionTest, "delayDisplay") as said:
            module.MedFusionTest().runTest()
        said.assert_called_with("Test passed")

    def test_sample_data_offers_the_phantom_without_a_download(self):
        import SampleData

        self.app.moduleFile().registerSampleData()
        source = SampleData.SampleDataLogic.sources["MedFusion phantom"]
        self.assertEqual(source["category"], "MedFusion")
        phantom = smallPhantom()
        with patch("MedFusionLib.Core.Phantom.makePhantom", lambda spacingFactor=1.0: phantom):
            nodes = source["customDownloader"]("the source that was clicked")
        self.assertEqual([node.GetName() for node in nodes][:2], ["Phantom CT", "Phantom MRI"])


class TestPanelOnRealHead(PanelTestCase):
    def test_real_head_is_registered_checked_and_previewed(self):
        from MedFusionLib.Core.Inputs.VolumeFiles import readVolume, volumeName
        from MedFusionLib.Scene.NodeFiles import addVolume, loadMarkups

        folder = sharedData("head-sim", "head-a")
        for name in ("ct.nrrd", "mr_t1c.nrrd"):
            addVolume(self.scene, readVolume(folder / name).image, volumeName(name))
        for name in ("ct_landmarks.mrk.json", "mr_landmarks.mrk.json"):
            loadMarkups(self.scene, folder / name)
        self.panel.enter()
        self.app.settle()
        self.assertEqual(self.parameters.fixedVolume.GetName(), "ct")
        self.assertEqual(self.parameters.movingLandmarks.GetName(), "mr_landmarks")
        self.click("registerButton")
        transformNode = self.parameters.movingVolume.GetParentTransformNode()
        transform = self.panel.logic.steps.resultOf(transformNode).transform
        truth = json.loads((folder / "truth_targets.json").read_text())
        errors = [
            np.linalg.norm(np.subtract(transform.TransformPoint(ct), mr))
            for ct, mr in zip(truth["ct"], truth["mr"], strict=True)
        ]
        self.assertLess(np.sqrt(np.mean(np.square(errors))), 1.0)
        self.click("edgesButton")
        self.ui.previewCheckBox.checked = True
        self.app.settle()
        self.assertTrue(self.parameters.preview)
        self.assertEqual(self.errors(), [])


class TestPanelGuesses(PanelTestCase):
    def test_ct_is_known_by_dicom_modality_then_by_air_then_by_name(self):
        import slicer
        from MedFusionLib.Workflow.VolumeGuess import looksLikeCt

        def volume(name: str, low: float, high: float, modality: str | None = None) -> object:
            voxels = np.linspace(low, high, 64).reshape(4, 4, 4)
            if low == -1000:  # half of it air, a third soft tissue, the rest bone
                voxels = np.repeat([-1000.0, 40.0, 800.0], (32, 24, 8)).reshape(4, 4, 4)
            node = slicer.util.addVolumeFromArray(voxels, name=name)
            node.SetAttribute("DICOM.Modality", modality)
            return node

        for expected, node in (
            (True, volume("series 3", 0, 255, "CT")),
            (False, volume("CTBrain", -1000, 2000, "MR")),
            (True, volume("series 4", -1000, 800)),
            (False, volume("T1", 0, 900)),
            (True, volume("head_ct", 0, 255)),
            (True, volume("CTBrain", 0, 255)),
            (False, volume("direct T2", 0, 255)),
            (False, volume("contrast T1", 0, 900)),
        ):
            self.assertEqual(looksLikeCt(node), expected, node.GetName())


class TestPanelLabels(unittest.TestCase):
    def setUp(self) -> None:
        import SlicerStandIn

        SlicerStandIn.start()

    def test_choices_of_the_panel_are_those_of_the_library(self):
        from MedFusionLib.Core.Fusion.Settings import ColorStyle, FusionMethod
        from MedFusionLib.Core.Images.Transforms import TransformModel
        from MedFusionLib.Core.Landmarks.LandmarkPairing import Pairing
        from MedFusionLib.Core.Tumor.TumorSegmentation import SegmentationMethod
        from MedFusionLib.Workflow import Parameters

        pairs = (
            (Parameters.RegistrationModel, TransformModel),
            (Parameters.LandmarkPairing, Pairing),
            (Parameters.FusionChoice, FusionMethod),
            (Parameters.FusionColors, ColorStyle),
            (Parameters.TumorChoice, SegmentationMethod),
        )
        for panel, library in pairs:
            # An outline made elsewhere is chosen as a segmentation, not as a method.
            offered = {member.name for member in library} - {"given"}
            self.assertEqual({choice.value for choice in panel}, offered)
            for choice in panel:
                self.assertRegex(choice.label(), r"^[A-Z][^A-Z]*( (CT|MRI)\b.*)?")


if __name__ == "__main__":
    unittest.main()
