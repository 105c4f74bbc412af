"""The command line on DICOM: choosing series, identity, and results that other programs read."""

import dataclasses
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from DicomTesting import writeSource
from MedFusionLib.CommandLine.Demo import writePhantom
from MedFusionLib.Core.Dicom.StructureSetReader import readStructureSet
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Inputs.Identity import frameWarnings
from MedFusionLib.Core.Inputs.SegmentationFiles import readSegmentation
from MedFusionLib.Core.Inputs.VolumeFiles import fileChecksum, readVolume
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Core.Results.FileNames import RUN_FILES
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.VolumeNodes import imageFromVolumeNode
from MedFusionTesting import checkDocument, medfusion
from PdfTesting import pageTexts, skipWithoutPdf
from TestDicomExport import checkerErrors


class TestDicomCommandLine(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name)
        phantom = makePhantom(spacingFactor=2.5)
        cls.phantom = phantom
        cls.inputs = writePhantom(phantom, cls.folder / "input")
        cls.study = writeSource(cls.folder / "study", "CT", sitk.Cast(phantom.ct, sitk.sitkInt16))
        mri = sitk.Cast(phantom.mri, sitk.sitkInt16)
        writeSource(cls.study, "MR", mri, SeriesNumber=5)
        cls.otherPatient = writeSource(cls.folder / "other", "MR", mri, PatientID="P2", StudyDate="20200101")
        cls.seed = ",".join(f"{value:.2f}" for value in flipPoints(phantom.targets[-1]))
        more = ("--error-margin", "--dicom", cls.folder / "dicom")
        cls.status, cls.printed, cls.errors = cls.run_(cls.study, cls.study, "out", *more)

    @classmethod
    def run_(cls, ct: Path, mri: Path, output: str, *more: object) -> tuple[int, str, str]:
        return medfusion(
            *("run", ct, mri, "--tumor-seed", cls.seed, "--output", cls.folder / output, *more),
            *("--ct-landmarks", cls.inputs["ct_landmarks"], "--mri-landmarks", cls.inputs["mri_landmarks"]),
        )

    def test_one_study_folder_serves_as_ct_and_as_mri(self):
        self.assertEqual(self.status, 0, self.errors)
        image = sitk.ReadImage(str(self.folder / "out" / "fused.nrrd"))
        self.assertEqual(image.GetSize(), self.phantom.ct.GetSize())

    def test_slicer_reads_the_derived_series_at_the_same_positions_as_the_result_files(self):
        for name in ("fused", "mri_registered"):
            files = sorted((self.folder / "dicom" / name).iterdir())
            reference = sitk.ReadImage(str(self.folder / "out" / f"{name}.nrrd"))
            with Session() as session:
                node = session.logic("Volumes").AddArchetypeVolume(str(files[0]), name, 0)
                self.assertIsNotNone(node)
                image = imageFromVolumeNode(node)
            self.assertEqual(image.GetSize(), reference.GetSize())
            resampled = sitk.Resample(sitk.Cast(image, sitk.sitkFloat32), reference)
            inner = sitk.GetArrayFromImage(reference)[1:-1, 1:-1, 1:-1].astype(float)
            step = max(np.ptp(inner) / 60000, 1e-3)
            error = np.abs(sitk.GetArrayFromImage(resampled)[1:-1, 1:-1, 1:-1] - inner)
            self.assertLess(error.max(), 2 * step, name)

    def test_the_inputs_are_the_files_read_and_the_series(self):
        inputs = json.loads((self.folder / "out" / "measurements.json").read_text())["inputs"]
        report = (self.folder / "out" / "report.html").read_text()
        for role, modality in (("ct", "CT"), ("mri", "MR")):
            volume = readVolume(self.study, modality=modality)
            self.assertEqual(len(volume.files), volume.image.GetDepth())
            self.assertEqual(inputs[role]["sha256"], fileChecksum(*volume.files))
            self.assertEqual(inputs[role]["series_uid"], volume.dicom.header.uid)
            self.assertIn(volume.dicom.header.uid, report)
            self.assertEqual(readVolume(volume.files[3]).files, volume.files)
        self.assertNotEqual(inputs["ct"]["sha256"], inputs["mri"]["sha256"])

    def test_versions_and_choices_of_a_run_on_dicom_are_named(self):
        checkDocument(self.folder / "out" / "measurements.json")
        document = json.loads((self.folder / "out" / "measurements.json").read_text())
        self.assertLessEqual({"medfusion", "pydicom", "highdicom"}, set(document["versions"]))
        self.assertEqual(document["parameters"]["inputs"], {"acceptIdentity": "False"})

    def test_every_object_of_a_run_is_written(self):
        names = {path.name for path in (self.folder / "dicom").iterdir()}
        objects = ("registration.dcm", "tumor.dcm", "contours.dcm", "measurements.dcm")
        self.assertEqual(names, {"fused", "mri_registered", *objects})
        self.assertEqual(pydicom.dcmread(self.folder / "dicom" / "tumor.dcm").PatientID, "P1")

    def test_the_contours_are_the_tumor_and_the_tumor_with_the_registration_error(self):
        ct = sitk.ReadImage(str(self.folder / "out" / "fused.nrrd"))
        outline = readSegmentation(self.folder / "out" / "tumor.seg.nrrd")
        outlined = sitk.GetArrayFromImage(outline.labelImage) > 0
        self.assertEqual(len(outline.segments), 1, "the grown tumor must not count as one")
        (_, tumor), (segment, grown) = readStructureSet(self.folder / "dicom" / "contours.dcm", ct).layers
        share = sitk.ConstantPad(sitk.Cast(outline.labelImage > 0, sitk.sitkFloat32), [2] * 3, [2] * 3)
        expected = sitk.GetArrayFromImage(sitk.Resample(share, ct, sitk.Transform())) >= 0.5
        self.assertGreater(2 * np.sum(tumor & expected) / (tumor.sum() + expected.sum()), 0.9)  # its voxels are coarse
        volume = tumor.sum() * np.prod(ct.GetSpacing())
        drawn = outlined.sum() * np.prod(outline.labelImage.GetSpacing())
        self.assertAlmostEqual(volume / drawn, 1, delta=0.1)
        self.assertEqual(segment.name, "Tumor with registration error")
        self.assertTrue(grown[tumor].all())
        self.assertGreaterEqual(grown.sum(), tumor.sum())
        self.assertEqual(checkerErrors(self.folder / "dicom" / "contours.dcm"), [])

    def test_the_objects_say_how_they_were_made(self):
        def methods(folder: Path) -> tuple[str, str]:
            registration = pydicom.dcmread(folder / "registration.dcm")
            (segment,) = pydicom.dcmread(folder / "tumor.dcm").SegmentSequence
            return registration.ContentDescription, segment.SegmentAlgorithmType

        self.assertEqual(methods(self.folder / "dicom"), ("MRI to CT by landmarks", "SEMIAUTOMATIC"))
        target = self.folder / "refined_dicom"
        status, _, errors = self.run_(self.study, self.study, "refined", "--refine", "--dicom", target)
        self.assertEqual(status, 0, errors)
        self.assertEqual(methods(target), ("MRI to CT by landmarks and images", "SEMIAUTOMATIC"))

    def test_the_report_is_printed_with_the_patient_on_each_sheet(self):
        skipWithoutPdf()
        status, _, errors = self.run_(self.study, self.study, "printed", "--pdf")
        self.assertEqual(status, 0, errors)
        self.assertEqual({path.name for path in (self.folder / "printed").iterdir()}, {*RUN_FILES, "report.pdf"})
        texts = pageTexts(self.folder / "printed" / "report.pdf")
        self.assertGreater(len(texts), 2)
        for text in texts:
            self.assertRegex(text, "Doe, Jane · P1 · 1960-04-01")

    def test_a_run_in_color_writes_all_but_the_fused_series(self):
        status, _, errors = self.run_(
            self.study, self.study, "color", "--fusion-method", "color", "--dicom", self.folder / "rgb"
        )
        self.assertEqual(status, 0, errors)
        names = {path.name for path in (self.folder / "rgb").iterdir()}
        objects = ("registration.dcm", "tumor.dcm", "contours.dcm", "measurements.dcm")
        self.assertEqual(names, {"mri_registered", *objects})
        measured = json.loads((self.folder / "color" / "measurements.json").read_text(encoding="utf-8"))
        self.assertEqual(set(measured["tumor"]["intensities"]), {"CT", "MRI"})

    def test_another_patient_is_refused_unless_accepted(self):
        status, _, errors = self.run_(self.study, self.otherPatient, "refused")
        self.assertEqual(status, 2)
        self.assertRegex(errors, "patient ID differs: P1 in the CT, P2 in the MRI.*4.2 years apart.*--accept-identity")
        self.assertFalse((self.folder / "refused").exists())
        status, _, errors = self.run_(self.study, self.otherPatient, "accepted", "--accept-identity")
        self.assertEqual(status, 0, errors)
        self.assertIn("Warning: The patient ID differs", errors)
        self.assertIn("The patient ID differs", (self.folder / "accepted" / "report.html").read_text(encoding="utf-8"))

    def test_fuse_and_segment_refuse_volumes_of_two_patients_unless_accepted(self):
        ct, output = self.folder / "ct", self.folder / "two.seg.nrrd"
        writeSource(ct, "CT", sitk.Cast(self.phantom.ct, sitk.sitkInt16))
        for command in (
            ("fuse", ct, self.otherPatient, "--output", self.folder / "two.nrrd"),
            ("segment", self.otherPatient, "--ct", ct, "--tumor-seed", self.seed, "--output", output),
        ):
            status, _, errors = medfusion(*command)
            self.assertEqual(status, 2, command[0])
            self.assertRegex(errors, "patient ID differs: P1 in the CT, P2 in the MRI.*--accept-identity")
            self.assertFalse(Path(command[-1]).exists())
            status, _, errors = medfusion(*command, "--accept-identity")
            self.assertEqual(status, 0, errors)
            self.assertIn("Warning: The patient ID differs", errors)

    def test_one_series_is_not_taken_as_ct_and_as_mri(self):
        status, _, errors = self.run_(self.otherPatient, self.otherPatient, "twice", "--accept-identity")
        self.assertEqual(status, 2)
        self.assertRegex(errors, "One series is given as CT and as MRI: 3: MR")

    def test_the_check_of_the_input_is_shown_once_also_where_the_run_fails(self):
        incomplete = self.folder / "incomplete"
        writeSource(incomplete, "CT", sitk.Cast(self.phantom.ct, sitk.sitkInt16))
        sorted(incomplete.iterdir())[9].unlink()
        status, _, errors = self.run_(incomplete, self.otherPatient, "failing")
        self.assertEqual(status, 2)
        self.assertIn("incomplete: 1 slices seem to be missing", errors)
        shared = writeSource(
            self.folder / "shared",
            "MR",
            sitk.Cast(self.phantom.mri, sitk.sitkInt16),
            FrameOfReferenceUID="1.2.826.0.1.1.3",
        )
        status, _, errors = medfusion(
            *("register", incomplete, shared, "--output", self.folder / "registered"),
            *("--ct-landmarks", self.inputs["ct_landmarks"], "--mri-landmarks", self.inputs["mri_landmarks"]),
        )
        self.assertEqual(status, 0, errors)
        self.assertEqual(errors.count("1 slices seem to be missing"), 1)
        self.assertIn("share a frame of reference, yet the registration moves the MRI", errors)

    def test_far_motion_within_a_shared_frame_of_reference_is_warned_of(self):
        self.assertNotIn("share a frame of reference", self.errors)
        ct, mri = (readVolume(self.study, modality=modality) for modality in ("CT", "MR"))
        header = dataclasses.replace(mri.dicom.header, frameOfReferenceUid=ct.dicom.header.frameOfReferenceUid)
        far, near = sitk.TranslationTransform(3, (20.0, 0.0, 0.0)), sitk.TranslationTransform(3, (3.0, 0.0, 0.0))
        headers = (ct.header, header)
        self.assertRegex(
            " ".join(frameWarnings(headers, ct.image, far)), "registration moves the MRI by 20 mm.*paired rightly"
        )
        self.assertNotIn("landmarks", " ".join(frameWarnings(headers, ct.image, far, byLandmarks=False)))
        self.assertEqual(frameWarnings(headers, ct.image, near), ())
        self.assertEqual(frameWarnings((ct.header, mri.header), ct.image, far), ())

    def test_a_series_is_chosen_by_number_and_must_exist(self):
        output = self.folder / "seg.nrrd"
        status, _, errors = medfusion("segment", self.study, "--tumor-seed", self.seed, "--output", output)
        self.assertEqual(status, 2)
        self.assertRegex(errors, "There are 2 volumes; choose one with --series: 3: CT.*5: MR")
        status, _, errors = medfusion(
            "fuse", self.study, self.study, "--series", "3", "--series", "5", "--output", self.folder / "f.nrrd"
        )
        self.assertEqual(status, 0, errors)
        status, _, errors = medfusion("segment", self.study, "--series", "77", "--output", output)
        self.assertEqual(status, 2)
        self.assertIn("No input holds the series 77", errors)

    def test_inspect_lists_series_and_describes_files(self):
        status, printed, _ = medfusion("inspect", self.study)
        self.assertEqual(status, 0)
        self.assertRegex(printed, r"2 DICOM series, 2 of them volumes(.|\n)*Series 3, CT(.|\n)*Series 5, MR")
        status, printed, _ = medfusion("inspect", self.inputs["ct"])
        self.assertEqual(status, 0)
        self.assertIn("Matrix", printed)
        self.assertEqual(medfusion("inspect", self.folder / "nowhere")[0], 2)


if __name__ == "__main__":
    unittest.main()
