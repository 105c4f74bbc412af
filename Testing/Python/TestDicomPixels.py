"""DICOM's pixels: every transfer syntax and compression gives the same values."""

import io
import unittest
import zipfile
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from DicomSeriesCase import DicomSeriesCase, addFunctionalGroups, writeSlice
from DicomTesting import writeSource
from MedFusionLib.Core.Dicom.Pixels import readFrames
from MedFusionLib.Core.Dicom.Series import readSeries
from MedFusionTesting import sharedData
from PIL import Image
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    JPEGBaseline8Bit,
    JPEGLosslessSV1,
    JPEGLSLossless,
    RLELossless,
)


def jpegLossless(planes: np.ndarray, folder: Path) -> list[bytes]:
    """Return int16 planes compressed as JPEG lossless, which pydicom can neither write nor read."""
    packed = []
    for plane in planes:
        writer = sitk.ImageFileWriter()
        writer.SetImageIO("GDCMImageIO")
        writer.UseCompressionOn()
        writer.SetCompressor("JPEG")
        writer.SetFileName(str(folder / "packed.dcm"))
        writer.Execute(sitk.GetImageFromArray(plane.astype(np.int16)[None]))
        dataset = pydicom.dcmread(folder / "packed.dcm")
        packed.extend(pydicom.encaps.generate_frames(dataset.PixelData, number_of_frames=1))
    (folder / "packed.dcm").unlink()
    return packed


def packJpegLossless(file: Path, target: Path) -> None:
    """Write a DICOM file again with its pixels, stored as int16, in JPEG lossless."""
    dataset = pydicom.dcmread(file)
    planes = dataset.pixel_array.reshape(-1, dataset.Rows, dataset.Columns)
    dataset.PixelData = pydicom.encaps.encapsulate(jpegLossless(planes, target.parent))
    dataset["PixelData"].is_undefined_length = True
    dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit, dataset.PixelRepresentation = 16, 16, 15, 1
    dataset.file_meta.TransferSyntaxUID = JPEGLosslessSV1
    dataset.save_as(target, enforce_file_format=True)


class TestDicomPixels(DicomSeriesCase):
    def test_pixels_of_32_bits_keep_their_values(self):
        for k in range(2):
            file = writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k))
            dataset = pydicom.dcmread(file)
            dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 32, 32, 31
            dataset.PixelData = np.full((24, 20), 4_000_000_000, "<u4").tobytes()
            dataset.save_as(file)
        self.assertEqual(np.unique(sitk.GetArrayFromImage(readSeries(self.folder).image)), [3_999_998_976])

    def test_every_transfer_syntax_gives_the_same_voxels_and_no_made_up_geometry(self):
        with zipfile.ZipFile(sharedData("dicom", "mr_head.zip")) as archive:
            archive.extractall(self.folder)
        files = sorted(self.folder.rglob("emri_small*.dcm"))
        self.assertEqual(len(files), 4)
        for file in files:
            with self.subTest(file=file.name):
                np.testing.assert_array_equal(readFrames(file), readFrames(files[0]))
                with self.assertRaisesRegex(ValueError, "fewer than 2 image planes with a position"):
                    readSeries(file)

    def test_enhanced_multiframe_in_every_transfer_syntax_lies_at_its_frames_positions(self):
        with zipfile.ZipFile(sharedData("dicom", "mr_head.zip")) as archive:
            archive.extractall(self.folder)
        arrays = []
        for file in sorted(self.folder.rglob("emri_small*.dcm")):
            dataset = pydicom.dcmread(file)
            addFunctionalGroups(dataset, spacing=1.2, slope=2.0)
            dataset.save_as(file, enforce_file_format=True)
            with self.subTest(file=file.name):
                image = readSeries(file).image
                self.assertEqual(image.GetSize(), (64, 64, 10))
                np.testing.assert_allclose(image.GetSpacing(), (0.9, 0.9, 1.2))
                np.testing.assert_allclose(image.GetOrigin(), (-20, 30, 5))
                np.testing.assert_array_equal(sitk.GetArrayFromImage(image), 2.0 * dataset.pixel_array[::-1])
                arrays.append(sitk.GetArrayFromImage(image))
        self.assertEqual(len(arrays), 4)
        for array in arrays[1:]:
            np.testing.assert_array_equal(array, arrays[0])

    def test_deflated_and_baseline_jpeg_data_are_read(self):
        image = sitk.GetImageFromArray(np.add.outer(np.arange(3) * 20, np.add.outer(np.arange(16), np.arange(24))))
        folder = writeSource(self.folder / "plain", "MR", image)
        expected = sitk.GetArrayFromImage(readSeries(folder).image)
        for syntax, tolerance in ((DeflatedExplicitVRLittleEndian, 0), (JPEGBaseline8Bit, 2)):
            with self.subTest(syntax.name):
                target = self.folder / syntax
                target.mkdir()
                for file in folder.iterdir():
                    dataset = pydicom.dcmread(file)
                    if syntax == JPEGBaseline8Bit:
                        stream = io.BytesIO()
                        Image.fromarray(dataset.pixel_array.astype(np.uint8)).save(stream, "JPEG", quality=100)
                        dataset.PixelData = pydicom.encaps.encapsulate([stream.getvalue()])
                        dataset["PixelData"].is_undefined_length = True
                        dataset.BitsAllocated, dataset.BitsStored, dataset.HighBit = 8, 8, 7
                        dataset.PixelRepresentation = 0
                    dataset.file_meta.TransferSyntaxUID = syntax
                    dataset.save_as(target / file.name, enforce_file_format=True)
                found = sitk.GetArrayFromImage(readSeries(target).image)
                np.testing.assert_allclose(found, expected, atol=tolerance)

    def test_losslessly_compressed_slices_read_as_the_uncompressed_ones(self):
        for k in range(3):
            writeSlice(self.folder, k, (0.0, 0.0, 2.0 * k))
        expected = sitk.GetArrayFromImage(readSeries(self.folder).image)
        files = sorted(self.folder.iterdir())
        for syntax in (RLELossless, JPEGLSLossless):
            for file in files:
                dataset = pydicom.dcmread(file)
                dataset.compress(syntax, generate_instance_uid=False)
                (self.folder / "packed").mkdir(exist_ok=True)
                dataset.save_as(self.folder / "packed" / file.name)
            with self.subTest(syntax=syntax.name):
                found = sitk.GetArrayFromImage(readSeries(self.folder / "packed").image)
                np.testing.assert_array_equal(found, expected)
        for compressor, syntax in (("JPEG", "1.2.840.10008.1.2.4.70"), ("JPEG2000", "1.2.840.10008.1.2.4.90")):
            target = self.folder / compressor
            target.mkdir()
            for file in files:
                source = sitk.ReadImage(str(file))
                image = sitk.Cast(source, sitk.sitkInt16)
                for key in source.GetMetaDataKeys():
                    image.SetMetaData(key, source.GetMetaData(key))
                writer = sitk.ImageFileWriter()
                writer.SetImageIO("GDCMImageIO")
                writer.KeepOriginalImageUIDOn()
                writer.UseCompressionOn()
                writer.SetCompressor(compressor)
                writer.SetFileName(str(target / file.name))
                writer.Execute(image)
                self.assertEqual(pydicom.dcmread(target / file.name).file_meta.TransferSyntaxUID, syntax)
            with self.subTest(syntax=compressor):
                np.testing.assert_array_equal(sitk.GetArrayFromImage(readSeries(target).image), expected)

    def test_lossless_jpeg_keeps_the_rescale_of_each_frame(self):
        (self.folder / "packed").mkdir()
        file = writeSlice(self.folder, 1, (0.0, 0.0, 0.0))
        dataset = pydicom.dcmread(file)
        dataset.SOPClassUID, dataset.Modality = "1.2.840.10008.5.1.4.1.1.4.1", "MR"
        dataset.NumberOfFrames = 3
        stored = np.random.default_rng(1).integers(0, 4000, (3, 24, 20)).astype("<i2")
        dataset.PixelRepresentation, dataset.PixelData = 1, stored.tobytes()
        del dataset.RescaleSlope, dataset.RescaleIntercept
        addFunctionalGroups(dataset, spacing=1.2, slope=1.0)
        del dataset.SharedFunctionalGroupsSequence[0].PixelValueTransformationSequence
        for k, frame in enumerate(dataset.PerFrameFunctionalGroupsSequence):
            item = pydicom.Dataset()
            item.RescaleSlope, item.RescaleIntercept, item.RescaleType = 1 + k / 2, k, "US"
            frame.PixelValueTransformationSequence = [item]
        dataset.save_as(file, enforce_file_format=True)
        packJpegLossless(file, self.folder / "packed" / file.name)
        expected = stored * np.array([1, 1.5, 2])[:, None, None] + np.arange(3)[:, None, None]
        np.testing.assert_allclose(readFrames(file), expected, rtol=1e-6)
        np.testing.assert_array_equal(readFrames(self.folder / "packed" / file.name), readFrames(file))

    def test_padding_becomes_air_in_every_compression(self):
        (self.folder / "packed").mkdir()
        values = np.full((24, 20), 100)
        values[:4] = -2000
        file = writeSlice(self.folder, 1, (0.0, 0.0, 0.0))
        dataset = pydicom.dcmread(file)
        dataset.PixelRepresentation, dataset.RescaleIntercept = 1, 0
        dataset.add_new("PixelPaddingValue", "SS", -2000)
        dataset.PixelData = values.astype("<i2").tobytes()
        dataset.save_as(file, enforce_file_format=True)
        packJpegLossless(file, self.folder / "packed" / file.name)
        for path in (file, self.folder / "packed" / file.name):
            self.assertEqual(np.unique(readFrames(path)).tolist(), [-1024, 100])


if __name__ == "__main__":
    unittest.main()
