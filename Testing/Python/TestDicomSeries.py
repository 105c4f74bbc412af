"""DICOM in: which series is there, and does every voxel come out where the header says it lies."""

import tempfile
import unittest
import zipfile
from pathlib import Path
from unittest import mock

import numpy as np
import pydicom
import SimpleITK as sitk
from DicomSeriesCase import DicomSeriesCase, planePoints, writeSlice
from MedFusionLib.Core.Dicom.Inspection import inspectPath
from MedFusionLib.Core.Dicom.Series import findSeries, readSeries
from MedFusionTesting import sharedData
from pydicom.fileset import FileSet


class TestDicomSeries(DicomSeriesCase):
    def test_regular_series_keeps_its_voxels_and_geometry(self):
        for k in range(5):
            writeSlice(self.folder, 9 - k, (-3.0, 4.0, 2.5 * k))
        volume = readSeries(self.folder)
        self.assertEqual(volume.image.GetSize(), (20, 24, 5))
        np.testing.assert_allclose(volume.image.GetSpacing(), (0.7, 0.9, 2.5))
        np.testing.assert_allclose(volume.image.GetOrigin(), (-3, 4, 0))
        self.assertEqual(volume.warnings, ())
        self.assertRampAtTruePlaces(volume.image, 0.51)

    def test_oblique_series_comes_out_at_its_positions(self):
        row, column = np.array([0.8, 0.6, 0.0]), np.array([-0.36, 0.48, -0.8])
        for k in range(4):
            writeSlice(self.folder, k, 3.0 * k * np.cross(row, column) + 5, tuple(column), tuple(row))
        volume = readSeries(self.folder)
        self.assertEqual(volume.warnings, ())
        self.assertRampAtTruePlaces(volume.image, 0.51)

    def test_tilted_gantry_with_unequal_distances_comes_out_at_true_positions(self):
        tilt = np.radians(18.5)
        for k, z in enumerate([0, 1, 2, 5, 8, 11]):
            writeSlice(self.folder, k, (-3.0, 4.0, z), (0.0, np.cos(tilt), -np.sin(tilt)))
        volume = readSeries(self.folder)
        self.assertIn("tilted by 18.5 degrees", volume.warnings[0])
        self.assertIn("slice distances differ", volume.warnings[1])
        self.assertRampAtTruePlaces(volume.image)

    def test_missing_slice_is_filled_and_said(self):
        for k in (0, 1, 2, 3, 5, 6, 7):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k))
        volume = readSeries(self.folder)
        self.assertIn("1 slices seem to be missing", " ".join(volume.warnings))
        self.assertEqual(volume.image.GetSize()[2], 8)
        self.assertRampAtTruePlaces(volume.image)

    def test_wide_gap_is_refused(self):
        for k in (0, 1, 2, 20, 21):
            writeSlice(self.folder, k, (0.0, 0.0, 3.0 * k))
        with self.assertRaisesRegex(ValueError, "gap of 54.0 mm"):
            readSeries(self.folder)

    def test_a_gap_is_no_better_among_thick_slices(self):
        for k in (0, 1, 2, 6, 7):
            writeSlice(self.folder, k, (0.0, 0.0, 7.0 * k))
        with self.assertRaisesRegex(ValueError, "gap of 28.0 mm"):
            readSeries(self.folder)

    def test_two_slices_far_apart_are_no_volume(self):
        for k in (0, 1):
            writeSlice(self.folder, k, (0.0, 0.0, 200.0 * k))
        with self.assertRaisesRegex(ValueError, "200 mm apart"):
            readSeries(self.folder)

    def test_repeated_slice_is_used_once_and_said(self):
        for k in (0, 1, 1, 2, 3):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k))
        volume = readSeries(self.folder)
        self.assertEqual(volume.image.GetSize()[2], 4)
        self.assertIn("more than once", volume.warnings[0])

    def test_differing_slices_at_one_position_are_refused(self):
        for k in range(4):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k))
        writeSlice(self.folder, 9, (0.0, 0.0, 2.0), values=np.full((24, 20), 7))
        with self.assertRaisesRegex(ValueError, "same position and differ"):
            readSeries(self.folder)

    def test_a_slice_taken_again_is_used_once_whatever_changes_from_slice_to_slice(self):
        for keyword, values in (
            ("ContentTime", [f"10{k:02d}00" for k in range(10)] + ["120000"]),
            ("TriggerTime", [10 * k for k in range(10)] + [500]),
            ("AcquisitionNumber", [1] * 10 + [2]),
        ):
            with self.subTest(keyword), tempfile.TemporaryDirectory() as folder:
                for k, value in enumerate(values[:10]):
                    writeSlice(Path(folder), k, (0.0, 0.0, 2.0 * k), **{keyword: value})
                again = np.full((24, 20), 7)
                writeSlice(Path(folder), 50, (0.0, 0.0, 4.0), values=again, **{keyword: values[10]})
                volume = readSeries(Path(folder))
                self.assertEqual(volume.image.GetSize()[2], 10)
                self.assertTrue((sitk.GetArrayFromImage(volume.image)[2] == 7).all())
                self.assertIn("1 slices were taken more than once; the last of each is used", volume.warnings[0])

    def test_two_acquisitions_that_share_a_slice_are_one_head(self):
        for k in range(10):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k), AcquisitionNumber=1)
        for k in range(9, 20):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k), AcquisitionNumber=2)
        volume = readSeries(self.folder)
        self.assertEqual(volume.image.GetSize()[2], 20)
        self.assertIn("taken more than once", volume.warnings[0])

    def test_repetitions_with_a_time_for_each_slice_are_separate_volumes(self):
        for repetition in range(2):
            for k in range(5):
                time = f"{10 + repetition}{k:02d}00"
                values = np.full((24, 20), repetition)
                writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k), values=values, AcquisitionTime=time)
        with self.assertRaisesRegex(ValueError, "acquisition time 1 of 2, 5 slices.*acquisition time 2 of 2, 5 slices"):
            readSeries(self.folder)
        self.assertTrue((sitk.GetArrayFromImage(readSeries(self.folder, "1.2.3.4#2").image) == 1).all())

    def test_two_stacks_pushed_into_each_other_are_told_apart_or_refused(self):
        for offset in (0.05, 1.0):
            for second in (1, 2):
                with self.subTest(offset=offset, second=second), tempfile.TemporaryDirectory() as folder:
                    for k in range(6):
                        writeSlice(Path(folder), k, (0.0, 0.0, 5.0 * k), AcquisitionNumber=1)
                        writeSlice(Path(folder), 50 + k, (0.0, 0.0, 5.0 * k + offset), AcquisitionNumber=second)
                    if second == 2:
                        with self.assertRaisesRegex(ValueError, "acquisition 1, 6 slices.*acquisition 2, 6 slices"):
                            readSeries(Path(folder))
                        self.assertEqual(readSeries(Path(folder), "1.2.3.4#1").image.GetSize()[2], 6)
                    else:
                        with self.assertRaisesRegex(ValueError, "Two stacks of slices overlap"):
                            readSeries(Path(folder))

    def test_slices_that_alternate_between_acquisitions_are_said(self):
        for k in range(8):
            writeSlice(self.folder, k, (0.0, 0.0, 2.5 * k), AcquisitionNumber=1 + k % 2)
        volume = readSeries(self.folder)
        self.assertEqual(volume.image.GetSize()[2], 8)
        self.assertRegex(volume.warnings[0], r"alternate between acquisitions \(1 and 2\)")

    def test_thin_slices_beside_thick_ones_are_one_stack(self):
        for k, z in enumerate([*np.arange(8) * 0.5, *(3.5 + 6 * np.arange(1, 8))]):
            writeSlice(self.folder, k, (0.0, 0.0, z))
        self.assertIn("slice distances differ (0.5, 6 mm)", readSeries(self.folder).warnings[0])

    def test_a_series_of_two_patients_is_refused(self):
        for k in range(6):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k), PatientID="P1" if k < 3 else "P2")
        with self.assertRaisesRegex(ValueError, r"this one series name 2 patient IDs \(P1, P2\)"):
            readSeries(self.folder)
        self.assertIn("name 2 patient IDs", inspectPath(self.folder))

    def test_images_left_out_are_counted_and_said_why(self):
        for k in range(8):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k))
        file = writeSlice(self.folder, 8, (0.0, 0.0, 16.0))
        dataset = pydicom.dcmread(file)
        del dataset.ImagePositionPatient
        dataset.save_as(file)
        writeSlice(self.folder, 9, (0.0, 0.0, 18.0), FrameOfReferenceUID="1.2.3.6")
        warnings = " ".join(readSeries(self.folder).warnings)
        self.assertIn("1 images that are in color or have no position in the patient were left out", warnings)
        self.assertIn("1 images of another frame of reference than the other 8 were left out", warnings)

    def test_echoes_of_one_series_are_separate_volumes(self):
        for echo in (90, 15):
            for k in range(3):
                writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k), values=np.full((24, 20), echo), EchoTime=echo)
        with self.assertRaisesRegex(ValueError, r"--series.*1\.2\.3\.4#1.*1\.2\.3\.4#2"):
            readSeries(self.folder)
        second = sitk.GetArrayFromImage(readSeries(self.folder, "1.2.3.4#2").image)
        self.assertTrue((second == 90).all())

    def test_localizers_in_the_series_are_left_out(self):
        for k in range(6):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k))
        writeSlice(self.folder, 9, (0, 0, 0), column=(0.0, 0.0, -1.0), ImageType=["ORIGINAL", "PRIMARY", "LOCALIZER"])
        volume = readSeries(self.folder)
        self.assertEqual(volume.image.GetSize()[2], 6)
        self.assertIn("1 localizer", volume.warnings[0])

    def test_mixed_orientations_must_be_chosen_between(self):
        for k in range(6):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k))
            writeSlice(self.folder, 20 + k, (0.0, 2.0 * k, 30.0), column=(0.0, 0.0, -1.0))
        with self.assertRaisesRegex(ValueError, "axial.*coronal|coronal.*axial"):
            readSeries(self.folder)
        self.assertRampAtTruePlaces(readSeries(self.folder, "1.2.3.4#2").image, 0.51)

    def test_several_series_are_named(self):
        for k in range(3):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k), SeriesDescription="Bone")
            writeSlice(
                self.folder, k, (0.0, 0.0, 2.0 * k), SeriesDescription="Soft", SeriesNumber=7, SeriesInstanceUID="1.9"
            )
        with self.assertRaisesRegex(ValueError, "choose one with --series: 4: CT Bone.*7: CT Soft"):
            readSeries(self.folder)
        self.assertEqual(readSeries(self.folder, "7").header.uid, "1.9")
        with self.assertRaisesRegex(ValueError, "no series 1.77"):
            readSeries(self.folder, "1.77")

    def test_one_file_stands_for_its_series(self):
        files = [writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k)) for k in range(3)]
        self.assertEqual(readSeries(files[1]).image.GetSize()[2], 3)

    def test_bad_input_is_refused_in_a_sentence(self):
        with self.assertRaisesRegex(ValueError, "no file or folder"):
            findSeries(self.folder / "absent")
        (self.folder / "note.txt").write_text("hello")
        with self.assertRaisesRegex(ValueError, "no readable DICOM image"):
            readSeries(self.folder)
        (self.folder / "set").mkdir()
        FileSet().write(self.folder / "set")
        with self.assertRaisesRegex(ValueError, "DICOMDIR only lists images; give the folder"):
            readSeries(self.folder / "set" / "DICOMDIR")
        (self.folder / "note.txt").unlink()
        file = writeSlice(self.folder, 1, (0.0, 0.0, 0.0))
        with self.assertRaisesRegex(ValueError, "fewer than 2 image planes"):
            readSeries(self.folder)
        writeSlice(self.folder, 2, (0.0, 0.0, 2.0))
        file.write_bytes(file.read_bytes()[:-200])
        with self.assertRaisesRegex(ValueError, "pixel data"):
            readSeries(self.folder)

    def test_a_folder_of_too_many_files_is_refused_without_reading_them(self):
        for k in range(4):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k))
        with (
            mock.patch("MedFusionLib.Core.Dicom.Series.LARGEST_FILE_COUNT", 3),
            self.assertRaisesRegex(ValueError, "more than 3 files; give the folder of one study"),
        ):
            findSeries(self.folder)

    def test_real_tilted_head_lies_at_the_positions_of_its_slices(self):
        with zipfile.ZipFile(sharedData("dicom", "ct_head_gantry_tilt.zip")) as archive:
            archive.extractall(self.folder)
        image = readSeries(self.folder).image
        smooth = sitk.Cast(image, sitk.sitkFloat32)
        for file in sorted(self.folder.rglob("*.dcm"))[::5]:
            dataset = pydicom.dcmread(file)
            truth = dataset.pixel_array[100:400:4, 100:400:4].astype(float)
            orientation = [float(v) for v in dataset.ImageOrientationPatient]
            points = planePoints(
                [float(v) for v in dataset.ImagePositionPatient],
                orientation[:3],
                orientation[3:],
                [float(v) for v in dataset.PixelSpacing],
                512,
                512,
            )[100:400:4, 100:400:4]
            found = np.array(
                [smooth.EvaluateAtPhysicalPoint(point.tolist(), sitk.sitkLinear) for point in points.reshape(-1, 3)]
            ).reshape(truth.shape)
            with self.subTest(file=file.name):
                self.assertGreater(np.corrcoef(found.ravel(), truth.ravel())[0, 1], 0.99)

    def test_real_oblique_and_enhanced_series_have_the_header_geometry(self):
        with zipfile.ZipFile(sharedData("dicom", "mr_head.zip")) as archive:
            archive.extractall(self.folder)
        image = readSeries(self.folder, "2").image
        for file in self.folder.rglob("brain_*.dcm"):
            dataset = pydicom.dcmread(file)
            index = image.TransformPhysicalPointToContinuousIndex([float(v) for v in dataset.ImagePositionPatient])
            np.testing.assert_allclose(index[:2], 0, atol=0.12)
            self.assertAlmostEqual(index[2], round(index[2]), delta=0.02)
            plane = sitk.GetArrayViewFromImage(image)[round(index[2])]
            np.testing.assert_array_equal(plane, dataset.pixel_array)
        enhanced = readSeries(self.folder, "3").image
        self.assertEqual(enhanced.GetSize(), (512, 512, 2))
        self.assertEqual(enhanced.GetOrigin(), (99.5, -301.5, -149.0))


if __name__ == "__main__":
    unittest.main()
