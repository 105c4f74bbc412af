"""The panel is as careful as the command line about patients, studies, frames of reference and memory."""

import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

from PanelTestCase import PanelTestCase, smallPhantom


class TestPanelIdentity(PanelTestCase):
    def setUp(self) -> None:
        try:
            import pydicom  # noqa: F401
        except ImportError:
            self.skipTest("pydicom is not installed")
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.files: dict[str, str] = {}
        # The application's database of DICOM files, as far as the panel asks it.
        import slicer

        database = type("Database", (), {"fileForInstance": lambda _self, uid: self.files.get(uid, "")})()
        patcher = patch.object(slicer, "dicomDatabase", database, create=True)
        patcher.start()
        self.addCleanup(patcher.stop)

    def loadSeries(self, mriTags: dict[str, str], ctTags: dict[str, str] | None = None) -> None:
        """Load the phantom as if its volumes came from DICOM series."""
        from DicomTesting import writeSource

        nodes = self.loadPhantom()
        images = (smallPhantom().ct, smallPhantom().mri)
        for node, modality, image, tags in zip(nodes, ("CT", "MR"), images, (ctTags or {}, mriTags), strict=False):
            files = sorted(writeSource(self.folder / modality, modality, image, **tags).iterdir())
            root = f"1.2.826.0.1.{'1' if modality == 'CT' else '2'}.9"
            uids = [f"{root}.{index + 1}" for index in range(len(files))]
            self.files |= dict(zip(uids, map(str, files), strict=True))
            node.SetAttribute("DICOM.instanceUIDs", " ".join(uids))
        self.panel.enter()
        self.panel.exit()
        self.panel.enter()
        self.app.settle()

    def questions(self) -> list[str]:
        return [text for kind, text in self.app.displayed if kind == "confirm"]

    def test_different_patients_are_told_and_nothing_runs_without_consent(self):
        self.loadSeries({"PatientID": "P2"})
        sentence = "The patient ID differs: P1 in the CT, P2 in the MRI."
        self.assertIn(sentence, self.ui.volumesLabel.text)
        self.app.answer = False
        self.click("registerButton")
        self.assertIn(sentence, self.questions()[0])
        self.assertIsNone(self.parameters.movingVolume.GetParentTransformNode())
        self.app.answer = True
        self.click("registerButton")
        self.assertIsNotNone(self.parameters.movingVolume.GetParentTransformNode())
        self.click("fuseButton")
        self.assertEqual(len(self.questions()), 2, "what was accepted is not asked again")
        self.assertEqual(self.errors(), [])

    def test_a_file_without_orientation_is_asked_for_before_anything_runs(self):
        import SimpleITK as sitk

        nodes = self.loadPhantom()
        path = self.folder / "ct.nii"
        sitk.WriteImage(smallPhantom().ct, str(path))
        data = bytearray(path.read_bytes())
        data[252:256] = bytes(4)  # qform_code and sform_code
        path.write_bytes(data)
        storageNode = self.scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
        storageNode.SetFileName(str(path))
        nodes[0].SetAndObserveStorageNodeID(storageNode.GetID())
        self.app.answer = False
        self.click("registerButton")
        self.assertEqual(len(self.questions()), 2, "both ways are asked for")
        self.assertRegex(self.errors()[-1], "Left and right are unknown in")
        self.assertIsNone(self.parameters.movingVolume.GetParentTransformNode())
        self.app.answer = True
        self.click("registerButton")
        self.assertIsNotNone(self.parameters.movingVolume.GetParentTransformNode())
        asked = len(self.questions())
        self.click("fuseButton")
        self.assertEqual(len(self.questions()), asked)
        self.assertTrue(self.panel.logic.steps._runResults(self.parameters).areSidesAssumed)

    def test_studies_years_apart_are_told(self):
        self.loadSeries({"StudyDate": "20200301"})
        self.click("registerButton")
        self.assertRegex(self.questions()[0], r"^The studies are 4\.0 years apart")

    def test_the_same_patient_is_no_question_and_the_report_names_her(self):
        self.loadSeries({})
        self.click("registerButton")
        self.click("fuseButton")
        self.ui.outputFolderEdit.currentPath = str(self.folder / "results")
        self.click("saveButton")
        self.assertEqual(self.errors() + self.questions(), [])
        self.assertRegex((self.folder / "results" / "report.html").read_text(encoding="utf-8"), r"Doe.+Jane")

    def test_far_motion_within_a_shared_frame_is_told_on_the_card(self):
        self.loadSeries({"FrameOfReferenceUID": "1.5"}, {"FrameOfReferenceUID": "1.5"})
        with patch("MedFusionLib.Core.Inputs.Identity.LARGEST_MOTION_IN_SHARED_FRAME_MM", 0.5):
            self.click("registerButton")
        self.assertIn("share a frame of reference, yet the registration moves", self.ui.registrationCard.text)

    def test_one_series_as_both_is_refused_in_a_sentence(self):
        self.loadSeries({})
        for node in (self.parameters.fixedVolume, self.parameters.movingVolume):
            node.SetAttribute("DICOM.instanceUIDs", "1.2.826.0.1.1.9.1")
        self.click("registerButton")
        self.assertRegex(self.errors()[0], r"^The volumes could not be registered\.\n\nOne series is given as CT and")

    def test_too_little_memory_is_told(self):
        self.loadPhantom()
        self.app.answer = False
        with patch("MedFusionLib.Core.Inputs.Memory.freeMemory", lambda: 1_000_000):
            self.click("fuseButton")
        self.assertRegex(self.questions()[0], r"million voxels, for which a run needs about .+ GB of memory")
        self.assertIsNone(self.parameters.fusedVolume)

    def test_the_sequence_is_taken_from_the_header(self):
        from MedFusionLib.Core.Tumor.MrSequence import MrSequence
        from MedFusionLib.Workflow.Parameters import TumorChoice

        self.loadSeries({"SeriesDescription": "t1_se", "ContrastBolusAgent": "Gadovist"})
        self.parameters.tumorVolume = self.parameters.movingVolume
        self.parameters.tumorMethod = TumorChoice.automatic
        with patch("MedFusionLib.Workflow.Steps.TumorSegmentationLogic.segment") as segment:
            segment.side_effect = ValueError("Enough seen.")
            with self.assertRaises(ValueError):
                self.panel.logic.segment(self.parameters)
        self.assertEqual(segment.call_args.args[2].sequences, (MrSequence.t1c,))


if __name__ == "__main__":
    unittest.main()
