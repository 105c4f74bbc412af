"""DICOM out: what is written reads back at the same positions with the same values, and adds nothing of its own."""

import dataclasses
import getpass
import shutil
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import SimpleITK as sitk
from DicomTesting import writeSource
from MedFusionLib.Core.Dicom.DerivedImages import quantizationOf
from MedFusionLib.Core.Dicom.Export import DicomResults, exportDicom
from MedFusionLib.Core.Dicom.Registration import RegistrationBasis, matrixType
from MedFusionLib.Core.Dicom.Series import readSeries
from MedFusionLib.Core.Dicom.StructureSetReader import readStructureSet
from MedFusionLib.Core.Dicom.Tumor import OutlineOrigin
from MedFusionLib.Core.Tumor.Segments import segmentsOfNames
from MedFusionLib.Core.Tumor.TumorMeasurements import measureTumor
from MedFusionLib.Core.Verdict import Judgment, Verdict


def syntheticImage(size: tuple[int, int, int], spacing: tuple[float, float, float], seed: int) -> sitk.Image:
    values = np.random.default_rng(seed).integers(-500, 1500, size[::-1]).astype(np.int16)
    image = sitk.GetImageFromArray(values)
    image.SetSpacing(spacing)
    image.SetOrigin((-31.25, 12.5, -7.0))
    rotation = sitk.Euler3DTransform((0, 0, 0), 0.1, -0.05, 0.2)
    image.SetDirection(rotation.GetMatrix())
    return image


def checkerErrors(file: Path) -> list[str]:
    """Return what dciodvfy calls an error in a DICOM file; nothing where it is not installed."""
    if not shutil.which("dciodvfy"):
        return []
    found = subprocess.run(["dciodvfy", str(file)], capture_output=True, text=True, check=False)
    return [line for line in (found.stdout + found.stderr).splitlines() if line.startswith("Error")]


def textsOf(item: pydicom.Dataset) -> list[str]:
    """Return the texts anywhere in a structured report."""
    below = [text for child in item.get("ContentSequence", ()) for text in textsOf(child)]
    return [item.TextValue, *below] if item.get("ValueType") == "TEXT" else below


class TestDicomExport(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls._temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls._temporary.cleanup)
        root = Path(cls._temporary.name)
        ct = syntheticImage((24, 20, 8), (1.5, 1.25, 3.0), 1)
        mri = syntheticImage((20, 18, 10), (1.7, 1.7, 2.5), 2)
        cls.transform = sitk.Euler3DTransform((0, 0, 0), 0.05, 0.02, -0.03, (2.0, -1.0, 0.5))
        cls.registered = sitk.Resample(mri, ct, cls.transform, sitk.sitkLinear, 0.0)
        cls.fused = sitk.Cast(ct, sitk.sitkFloat32) * 0.3 + sitk.Cast(cls.registered, sitk.sitkFloat32) * 0.7 + 0.123
        labels = np.zeros(ct.GetSize()[::-1], np.uint8)
        labels[2:6, 5:14, 6:16] = 1
        labels[3:5, 7:11, 8:12] = 2
        cls.labels = sitk.GetImageFromArray(labels)
        cls.labels.CopyInformation(ct)
        cls.segments = segmentsOfNames({1: "Edema", 2: "Enhancing tumor"})
        cls.lesions = measureTumor(cls.labels, segments=cls.segments).segments
        cls.results = DicomResults(
            transform=cls.transform,
            registeredImage=cls.registered,
            fusedImage=cls.fused,
            fixed=readSeries(writeSource(root / "ct", "CT", ct)).header,
            moving=readSeries(writeSource(root / "mri", "MR", mri)).header,
            labelImage=cls.labels,
            segments=cls.segments,
            lesions=cls.lesions,
            registrationComment="FRE 1.2 mm from 8 landmark pairs",
            version="1.2.3",
        )
        cls.folder = root / "out"
        cls.folder.mkdir()
        cls.written = exportDicom(cls.folder, cls.results)
        cls.files = sorted(cls.folder.rglob("*.dcm"))

    def assertSameGeometry(self, first: sitk.Image, second: sitk.Image):
        self.assertEqual(first.GetSize(), second.GetSize())
        for index in ((0, 0, 0), tuple(n - 1 for n in first.GetSize())):
            points = [np.array(image.TransformIndexToPhysicalPoint(index)) for image in (first, second)]
            np.testing.assert_allclose(*points, atol=1e-5)

    def test_series_read_back_by_simpleitk_at_the_same_positions_within_quantization(self):
        for name, image in (("fused", self.fused), ("mri_registered", self.registered)):
            with self.subTest(series=name):
                reader = sitk.ImageSeriesReader()
                reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(self.folder / name)))
                found = reader.Execute()
                self.assertSameGeometry(found, image)
                array = sitk.GetArrayFromImage(image)
                step = quantizationOf(image).slope
                error = np.abs(sitk.GetArrayFromImage(found).astype(float) - array).max()
                self.assertLessEqual(error, 0.51 * step if name == "fused" else 0.0)
                self.assertSameGeometry(readSeries(self.folder / name).image, image)

    def test_every_object_joins_the_patient_and_the_study_of_the_ct(self):
        for file in self.files:
            dataset = pydicom.dcmread(file)
            self.assertEqual((dataset.PatientID, str(dataset.PatientName)), ("P1", "Doe^Jane"), file.name)
            self.assertEqual(dataset.StudyInstanceUID, "1.2.826.0.1.1.1", file.name)
            if "FrameOfReferenceUID" in dataset:
                self.assertEqual(dataset.FrameOfReferenceUID, "1.2.826.0.1.1.3", file.name)
        uids = [pydicom.dcmread(file).SOPInstanceUID for file in self.files]
        self.assertEqual(len(set(uids)), len(uids))

    def test_derived_slices_name_the_planes_they_were_made_from(self):
        for k, file in enumerate(sorted((self.folder / "fused").iterdir())):
            dataset = pydicom.dcmread(file)
            self.assertEqual(list(dataset.ImageType[:2]), ["DERIVED", "SECONDARY"])
            referenced = [item.ReferencedSOPInstanceUID for item in dataset.SourceImageSequence]
            self.assertIn(f"1.2.826.0.1.1.9.{k + 1}", referenced)
            self.assertTrue(any(uid.startswith("1.2.826.0.1.2.9.") for uid in referenced))

    def test_segmentation_reads_back_on_its_grid_with_snomed_codes(self):
        segmentation = highdicom.seg.segread(self.folder / "tumor.dcm")
        self.assertEqual(segmentation.segmented_property_types[0].value, "79654002")
        self.assertEqual(segmentation.segmented_property_types[1].value, "108369006")
        volume = segmentation.get_volume(combine_segments=True)
        found = sitk.GetImageFromArray(np.asarray(volume.array))
        affine = volume.affine
        spacing = np.linalg.norm(affine[:3, :3], axis=0)
        found.SetSpacing(spacing[::-1].tolist())
        found.SetDirection((affine[:3, :3] / spacing)[:, ::-1].ravel().tolist())
        found.SetOrigin(affine[:3, 3].tolist())
        onGrid = sitk.Resample(found, self.labels, sitk.Transform(), sitk.sitkNearestNeighbor)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(onGrid), sitk.GetArrayFromImage(self.labels))

    def test_registration_maps_mri_points_to_the_ct(self):
        dataset = pydicom.dcmread(self.folder / "registration.dcm")
        item = dataset.RegistrationSequence[1]
        self.assertEqual(item.FrameOfReferenceUID, "1.2.826.0.1.2.3")
        registration = item.MatrixRegistrationSequence[0].MatrixSequence[0]
        self.assertEqual(registration.FrameOfReferenceTransformationMatrixType, "RIGID")
        matrix = np.array(registration.FrameOfReferenceTransformationMatrix, float).reshape(4, 4)
        point = np.array([13.0, -25.0, 40.0])
        moved = np.array(self.transform.TransformPoint(point.tolist()))
        np.testing.assert_allclose(matrix @ [*moved, 1], [*point, 1], atol=1e-6)

    def test_deformable_registration_maps_ct_grid_points_to_the_mri(self):
        toField = sitk.TransformToDisplacementFieldFilter()
        toField.SetReferenceImage(self.registered)
        bend = toField.Execute(self.transform)
        bent = sitk.GetArrayFromImage(bend)
        bent[..., 0] += np.linspace(0, 4, bent.shape[2]) ** 2
        field = sitk.GetImageFromArray(bent, isVector=True)
        field.CopyInformation(self.registered)
        transform = sitk.DisplacementFieldTransform(sitk.Cast(field, sitk.sitkVectorFloat64))
        with tempfile.TemporaryDirectory() as folder:
            exportDicom(Path(folder), DicomResults(transform, self.registered, fixed=self.results.fixed))
            dataset = pydicom.dcmread(Path(folder) / "registration.dcm")
        item = dataset.DeformableRegistrationSequence[0].DeformableRegistrationGridSequence[0]
        size = list(item.GridDimensions)
        vectors = np.frombuffer(item.VectorGridData, "<f4").reshape(size[2], size[1], size[0], 3)
        orientation = np.array(item.ImageOrientationPatient, float)
        axes = np.column_stack([orientation[:3], orientation[3:], np.cross(orientation[:3], orientation[3:])])
        for index in ((1, 2, 3), (8, 5, 6)):
            point = np.array(item.ImagePositionPatient, float) + axes @ (np.array(index) * item.GridResolution)
            expected = np.array(transform.TransformPoint(point.tolist()))
            np.testing.assert_allclose(point + vectors[index[2], index[1], index[0]], expected, atol=1e-4)

    def test_the_contours_read_back_to_each_segment_with_its_name_and_color(self):
        dataset = pydicom.dcmread(self.folder / "contours.dcm")
        colors = [list(item.ROIDisplayColor) for item in dataset.ROIContourSequence]
        self.assertEqual(len({tuple(color) for color in colors}), 2)
        layers = readStructureSet(self.folder / "contours.dcm", self.labels).layers
        for (segment, mask), expected in zip(layers, self.segments, strict=True):
            self.assertEqual(segment.name, expected.name)
            np.testing.assert_array_equal(mask, sitk.GetArrayFromImage(self.labels) == expected.value)

    def test_report_holds_the_measurements_and_refers_to_the_segments(self):
        report = highdicom.sr.srread(self.folder / "measurements.dcm")
        groups = report.content.get_volumetric_roi_measurement_groups()
        self.assertEqual(len(groups), 2)
        for group in groups:
            lesion = self.lesions[group.tracking_identifier]
            values = {item.name.value: item.value for item in group.get_measurements()}
            self.assertAlmostEqual(values["118565006"], lesion.volumeMl, delta=1e-4 * lesion.volumeMl)
            self.assertAlmostEqual(values["103339001"], lesion.axialDiameter.lengthMm, places=3)
            tumor = pydicom.dcmread(self.folder / "tumor.dcm")
            self.assertEqual(group.referenced_segment.referenced_sop_instance_uid, tumor.SOPInstanceUID)

    def test_nothing_of_this_computer_is_in_the_files(self):
        words = [socket.gethostname(), getpass.getuser(), str(self.folder), str(Path.home()), tempfile.gettempdir()]
        for file in self.files:
            values: list[str] = []
            dataset = pydicom.dcmread(file)
            dataset.walk(lambda _, element, values=values: values.append(str(element.value)))
            for word in words:
                isShort = len(word) < 6
                found = [value for value in values if (value == word if isShort else word in value)]
                self.assertEqual(found, [], f"{word} in {file.name}")
            self.assertEqual([element.tag for element in dataset.iterall() if element.tag.is_private], [])

    def test_same_results_give_the_same_uids_and_other_results_others(self):
        def uids(results: DicomResults) -> list[str]:
            with tempfile.TemporaryDirectory() as folder:
                exportDicom(Path(folder), results)
                return [pydicom.dcmread(file).SOPInstanceUID for file in sorted(Path(folder).rglob("*.dcm"))]

        small = DicomResults(self.transform, self.registered, fixed=self.results.fixed, version="1")
        self.assertEqual(uids(small), uids(small))
        other = DicomResults(self.transform, self.registered + 1, fixed=self.results.fixed, version="1")
        self.assertFalse(set(uids(small)) & set(uids(other)))

    def test_sources_that_are_not_dicom_make_a_study_of_their_own(self):
        with tempfile.TemporaryDirectory() as folder:
            exportDicom(
                Path(folder),
                DicomResults(
                    self.transform,
                    self.registered,
                    self.fused,
                    labelImage=self.labels,
                    segments=self.segments,
                    version="1",
                ),
            )
            datasets = [pydicom.dcmread(file) for file in Path(folder).rglob("*.dcm")]
        self.assertEqual(len({dataset.StudyInstanceUID for dataset in datasets}), 1)
        self.assertEqual({dataset.PatientID for dataset in datasets}, {""})
        self.assertEqual(
            {dataset.get("FrameOfReferenceUID") for dataset in datasets} - {None}, {datasets[0].FrameOfReferenceUID}
        )

    def exported(self, folder: Path, **tags: object) -> dict[str, pydicom.Dataset]:
        """Return every kind of object by its name, written for a CT with other tags."""
        source = readSeries(writeSource(folder / "source", "CT", self.registered, **tags)).header
        (folder / "out").mkdir()
        exportDicom(folder / "out", dataclasses.replace(self.results, fixed=source))
        files = [folder / "out" / name for name in ("tumor.dcm", "registration.dcm", "measurements.dcm")]
        files += [folder / "out" / name / "0001.dcm" for name in ("fused", "mri_registered")]
        for file in files:
            self.assertEqual(checkerErrors(file), [], file.name)
        return {f"{file.parent.name}/{file.name}": pydicom.dcmread(file) for file in files}

    def test_names_in_other_scripts_come_back(self):
        for characterSet, name in (
            (["", "ISO 2022 IR 87"], "Yamada^Tarou=\u5c71\u7530^\u592a\u90ce=\u3084\u307e\u3060^\u305f\u308d\u3046"),
            (["", "ISO 2022 IR 149"], "Hong^Gildong=\u6d2a^\u5409\u6d1e=\ud64d^\uae38\ub3d9"),
            ("ISO_IR 100", "M\u00fcller^J\u00fcrgen"),
            ("ISO_IR 192", "\u0418\u0432\u0430\u043d\u043e\u0432^\u0418\u0432\u0430\u043d"),
        ):
            with self.subTest(characterSet), tempfile.TemporaryDirectory() as folder:
                for file, found in self.exported(
                    Path(folder), SpecificCharacterSet=characterSet, PatientName=name, StudyDescription="MR"
                ).items():
                    self.assertEqual(str(found.PatientName), name, file)
                    self.assertEqual(found.SpecificCharacterSet, characterSet, file)

    def test_values_that_the_standard_does_not_allow_are_left_empty(self):
        with tempfile.TemporaryDirectory() as folder:
            written = self.exported(
                Path(folder),
                PatientSex="W",
                PatientBirthDate="1960.04.01",
                StudyDate="20249901",
                StudyTime="1:2",
                BodyPartExamined="Head",
                StudyInstanceUID="",
            )
        for file, found in written.items():
            values = (found.PatientSex, found.PatientBirthDate, found.StudyDate, found.StudyTime)
            self.assertEqual(values, ("", "19600401", "", ""), file)
            self.assertEqual((found.PatientID, str(found.PatientName)), ("P1", "Doe^Jane"), file)

    def test_the_registration_says_what_it_was_made_from(self):
        for basis, meaning in (
            (RegistrationBasis.landmarks, "Fiducial Alignment"),
            (RegistrationBasis.images, "Image Content-based Alignment"),
            (RegistrationBasis.landmarksAndImages, "Image Content and Fiducial Based Alignment"),
        ):
            with self.subTest(basis), tempfile.TemporaryDirectory() as folder:
                results = DicomResults(
                    self.transform, self.registered, fixed=self.results.fixed, registrationBasis=basis
                )
                exportDicom(Path(folder), results)
                self.assertEqual(checkerErrors(Path(folder) / "registration.dcm"), [])
                found = pydicom.dcmread(Path(folder) / "registration.dcm")
            self.assertEqual(found.ContentDescription, basis.value)
            (code,) = found.RegistrationSequence[1].MatrixRegistrationSequence[0].RegistrationTypeCodeSequence
            self.assertEqual(code.CodeMeaning, meaning)

    def test_lossy_sources_make_lossy_results(self):
        with tempfile.TemporaryDirectory() as folder:
            lossy = readSeries(writeSource(Path(folder) / "mr", "MR", self.registered, LossyImageCompression="01"))
            for fixed, moving, expected in (
                (self.results.fixed, lossy.header, ("01", "01")),
                (lossy.header, self.results.moving, ("01", "00")),
            ):
                target = Path(folder) / "".join(expected)
                target.mkdir()
                exportDicom(target, dataclasses.replace(self.results, fixed=fixed, moving=moving))
                found = [pydicom.dcmread(target / name / "0001.dcm") for name in ("fused", "mri_registered")]
                self.assertEqual(tuple(dataset.LossyImageCompression for dataset in found), expected)

    def test_an_outline_tells_who_made_it_and_whether_it_may_be_trusted(self):
        doubtful = Verdict(Judgment.doubtful, ("Two methods disagree.",))
        for origin in OutlineOrigin:
            with tempfile.TemporaryDirectory() as folder:
                results = dataclasses.replace(self.results, tumorOrigin=origin, tumorVerdict=doubtful)
                exportDicom(Path(folder), results)
                dataset = pydicom.dcmread(Path(folder) / "tumor.dcm")
                report = pydicom.dcmread(Path(folder) / "measurements.dcm")
                for name in ("tumor.dcm", "measurements.dcm"):
                    self.assertEqual(checkerErrors(Path(folder) / name), [])
            self.assertIn("Outline: doubtful. Two methods disagree.", textsOf(report))
            self.assertEqual({item.SegmentAlgorithmType for item in dataset.SegmentSequence}, {origin.value})
            said = {item.SegmentDescription for item in dataset.SegmentSequence}
            self.assertEqual(said, {"Outline: doubtful. Two methods disagree."})
            self.assertEqual(dataset.ContentDescription, "Tumor outline, doubtful")

    def test_matrix_types_are_told_apart(self):
        rotation = np.eye(4)
        rotation[:3, :3] = np.reshape(self.transform.GetMatrix(), (3, 3))
        self.assertEqual(matrixType(rotation), "RIGID")
        self.assertEqual(matrixType(rotation @ np.diag([1.1, 1.1, 1.1, 1])), "RIGID_SCALE")
        shear = np.eye(4)
        shear[0, 1] = 0.1
        self.assertEqual(matrixType(shear), "AFFINE")

    @unittest.skipUnless(shutil.which("dciodvfy"), "dciodvfy (Debian package dicom3tools) is not installed")
    def test_every_kind_of_object_passes_the_independent_checker(self):
        for name in ("fused/0001.dcm", "mri_registered/0004.dcm", "tumor.dcm", "registration.dcm", "measurements.dcm"):
            self.assertEqual(checkerErrors(self.folder / name), [], name)


if __name__ == "__main__":
    unittest.main()
