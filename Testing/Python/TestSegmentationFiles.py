"""Outlines made elsewhere: label maps, layered segmentations, DICOM segmentations of other programs."""

import tempfile
import unittest
from pathlib import Path

import highdicom
import numpy as np
import pydicom
import SimpleITK as sitk
import slicer
from DicomTesting import writeSource
from MedFusionLib.Core.Dicom.Series import readSeries
from MedFusionLib.Core.Dicom.Study import studyFor
from MedFusionLib.Core.Dicom.Tumor import segmentationObject
from MedFusionLib.Core.Inputs.SegmentationFiles import readMask, readSegmentation
from MedFusionLib.Core.Tumor.Segments import Segment, SegmentUnion, TumorTissue, segmentsOfNames
from MedFusionLib.Scene.NodeFiles import saveNode
from MedFusionLib.Scene.SegmentationNodes import addSegment, setSegmentationLabels, tagSegment
from pydicom.sr.codedict import codes


def labelImage() -> sitk.Image:
    """Return the labels 1, 2 and 4 on an oblique grid, two parts of 4 far apart along the slices."""
    labels = np.zeros((14, 20, 24), np.uint8)
    labels[2:5, 4:12, 5:14] = 2
    labels[3:4, 6:9, 7:11] = 1
    labels[3:4, 7:8, 8:10] = 4
    labels[10:12, 5:9, 5:9] = 4
    image = sitk.GetImageFromArray(labels)
    image.SetSpacing((0.9, 1.1, 2.5))
    image.SetOrigin((-31.0, 12.5, -7.0))
    image.SetDirection(sitk.Euler3DTransform((0, 0, 0), 0.1, -0.05, 0.2).GetMatrix())
    return image


def voxelsOf(image: sitk.Image, reference: sitk.Image) -> np.ndarray:
    """Return labels on another grid."""
    identity = sitk.Transform(3, sitk.sitkIdentity)
    return sitk.GetArrayFromImage(sitk.Resample(image, reference, identity, sitk.sitkNearestNeighbor))


class SegmentationFileTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.labels = labelImage()
        self.truth = sitk.GetArrayFromImage(self.labels)

    def written(self, image: sitk.Image, name: str) -> Path:
        sitk.WriteImage(image, str(self.folder / name))
        return self.folder / name


class TestSegmentationFiles(SegmentationFileTestCase):
    def test_a_label_map_keeps_its_values_whatever_its_number_type(self):
        for kind, name in ((sitk.sitkUInt8, "a.nii.gz"), (sitk.sitkFloat32, "b.nii.gz"), (sitk.sitkInt32, "c.mha")):
            read = readSegmentation(self.written(sitk.Cast(self.labels, kind), name))
            self.assertEqual(read.segments, (Segment(1, "1"), Segment(2, "2"), Segment(4, "4")))
            self.assertFalse(read.isNamed)
            np.testing.assert_array_equal(sitk.GetArrayFromImage(read.labelImage), self.truth)

    def test_probabilities_and_images_are_refused_and_thresholded_on_request(self):
        soft = sitk.SmoothingRecursiveGaussian(sitk.Cast(self.labels == 4, sitk.sitkFloat32), 1.5)
        path = self.written(soft, "soft.nrrd")
        with self.assertRaisesRegex(ValueError, "map of probabilities.*--threshold"):
            readSegmentation(path)
        inside = sitk.GetArrayFromImage(soft) >= 0.25
        np.testing.assert_array_equal(sitk.GetArrayFromImage(readMask(path, 0.25)), inside)
        with self.assertRaisesRegex(ValueError, "no outline"):
            readMask(path, 7.0)
        whole = sitk.Cast(soft * 1000, sitk.sitkUInt16)
        with self.assertRaisesRegex(ValueError, "different values.*--threshold"):
            readSegmentation(self.written(whole, "whole.nrrd"))
        with self.assertRaisesRegex(ValueError, "-1 to"):
            readSegmentation(self.written(sitk.Cast(self.labels, sitk.sitkInt16) - 1, "negative.nrrd"))
        nan = sitk.GetImageFromArray(np.where(self.truth == 1, np.nan, 0.0))
        with self.assertRaisesRegex(ValueError, "not numbers"):
            readSegmentation(self.written(nan, "nan.nrrd"))

    def test_what_is_no_segmentation_ends_in_a_sentence(self):
        (self.folder / "text.nrrd").write_text("no image")
        for path, reason in (
            (self.folder / "nowhere.nrrd", "no segmentation"),
            (self.folder / "text.nrrd", "could not be read"),
            (self.written(self.labels[:, :, 3], "flat.nrrd"), "2D"),
            (writeSource(self.folder / "ct", "CT", sitk.Cast(self.labels, sitk.sitkInt16)), "0 DICOM segmentations"),
        ):
            with self.assertRaisesRegex(ValueError, reason):
                readSegmentation(path)

    def test_layers_of_a_slicer_file_come_back_with_names_values_and_unions(self):
        scene = slicer.vtkMRMLScene()
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
        parts = (
            Segment(1, "Nekrose", TumorTissue.necrosis),
            Segment(2, "Ödem", TumorTissue.edema),
            Segment(4, "Rand", TumorTissue.enhancing),
        )
        setSegmentationLabels(node, self.labels, parts, dict.fromkeys((1, 2, 4), (1.0, 0.0, 0.0)))
        union = SegmentUnion((1, 2, 4), "Alles", TumorTissue.wholeTumor)
        mask = sitk.Cast(self.labels > 0, sitk.sitkUInt8)
        tagSegment(addSegment(node, mask, union.name, (1.0, 0.0, 0.0)), union)
        saveNode(node, self.folder / "layers.seg.nrrd")
        read = readSegmentation(self.folder / "layers.seg.nrrd")
        self.assertEqual((read.segments, read.unions, read.isNamed), (parts, (union,), True))
        np.testing.assert_array_equal(voxelsOf(read.labelImage, self.labels), self.truth)

    def test_segments_of_others_that_overlap_in_part_lose_no_voxel(self):
        scene = slicer.vtkMRMLScene()
        node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "segmentation")
        first, second = self.truth > 1, (self.truth == 1) | (self.truth == 4)
        for mask, name in ((first, "Edema and more"), (second, "Core")):
            image = sitk.GetImageFromArray(mask.astype(np.uint8))
            image.CopyInformation(self.labels)
            addSegment(node, image, name, (1.0, 0.0, 0.0))
        saveNode(node, self.folder / "layers.seg.nrrd")
        read = readSegmentation(self.folder / "layers.seg.nrrd")
        voxels = voxelsOf(read.labelImage, self.labels)
        values = {segment.name: segment.values for segment in read.allSegments}
        np.testing.assert_array_equal(np.isin(voxels, values["Edema and more"]), first)
        np.testing.assert_array_equal(np.isin(voxels, values["Core"]), second)


class TestDicomSegmentations(SegmentationFileTestCase):
    def setUp(self) -> None:
        super().setUp()
        source = sitk.Cast(self.labels, sitk.sitkInt16) * 100
        self.series = readSeries(writeSource(self.folder / "mr", "MR", source)).header
        self.sources = [pydicom.dcmread(file) for file in self.series.files]
        for source in self.sources:
            source.SliceThickness = 2.5

    def ours(self) -> Path:
        study = studyFor(self.series, None, [self.labels], "1.0")
        segments = segmentsOfNames({1: "Necrosis", 2: "Edema", 4: "Enhancing tumor"})
        path = self.folder / "tumor.dcm"
        segmentationObject(study, self.labels, segments, self.sources).save_as(path)
        return path

    def foreign(self, pixels: np.ndarray, kind: str, names: tuple[str, ...]) -> Path:
        """Write segments as another program would, their frames in the order of the sources."""
        described = [
            highdicom.seg.SegmentDescription(
                number, name, codes.SCT.MorphologicallyAbnormalStructure, codes.SCT.Neoplasm, "MANUAL"
            )
            for number, name in enumerate(names, start=1)
        ]
        made = highdicom.seg.Segmentation(
            self.sources[::-1],
            pixels[::-1],
            kind,
            described,
            highdicom.UID(),
            7,
            highdicom.UID(),
            1,
            "Other",
            "Other",
            "1",
            "1",
            **({"max_fractional_value": 200} if kind == "FRACTIONAL" else {}),
        )
        path = self.folder / "foreign.dcm"
        made.save_as(path)
        return path

    def test_our_own_file_comes_back_though_empty_frames_are_left_out(self):
        read = readSegmentation(self.ours())
        self.assertEqual([segment.name for segment in read.segments], ["Necrosis", "Edema", "Enhancing tumor"])
        self.assertEqual(
            [segment.tissue for segment in read.segments],
            [TumorTissue.necrosis, TumorTissue.edema, TumorTissue.enhancing],
        )
        self.assertEqual(read.frameUid, self.sources[0].FrameOfReferenceUID)
        expected = np.select([self.truth == 1, self.truth == 2, self.truth == 4], [1, 2, 3])
        np.testing.assert_array_equal(voxelsOf(read.labelImage, self.labels), expected)

    def test_overlapping_segments_of_others_and_label_maps_come_back(self):
        masks = np.stack([self.truth > 0, self.truth == 4], axis=-1)
        read = readSegmentation(self.foreign(masks, "BINARY", ("Whole tumor", "Enhancing tumor")))
        voxels = voxelsOf(read.labelImage, self.labels)
        values = {segment.name: segment.values for segment in read.allSegments}
        np.testing.assert_array_equal(np.isin(voxels, values["Whole tumor"]), masks[..., 0])
        np.testing.assert_array_equal(np.isin(voxels, values["Enhancing tumor"]), masks[..., 1])
        numbered = np.select([self.truth == 2, self.truth == 4], [1, 2]).astype(np.uint8)
        read = readSegmentation(self.foreign(numbered, "LABELMAP", ("Edema", "Core")))
        np.testing.assert_array_equal(voxelsOf(read.labelImage, self.labels), numbered)

    def test_shares_are_refused_or_thresholded(self):
        path = self.foreign((self.truth == 2) * 0.4 + (self.truth == 1) * 0.9, "FRACTIONAL", ("Tumor",))
        with self.assertRaisesRegex(ValueError, "shares or probabilities.*--threshold"):
            readSegmentation(path)
        voxels = voxelsOf(readSegmentation(path, 0.5).labelImage, self.labels)
        np.testing.assert_array_equal(voxels > 0, self.truth == 1)

    def test_damage_and_frames_that_make_no_grid_are_refused(self):
        path = self.ours()
        data = path.read_bytes()
        for keyword, change in (
            ("PlaneOrientationSequence", None),
            ("PerFrameFunctionalGroupsSequence", None),
            ("SegmentSequence", None),
            ("Rows", 3),
        ):
            dataset = pydicom.dcmread(path)
            holder = dataset
            if keyword == "PlaneOrientationSequence":
                holder = dataset.SharedFunctionalGroupsSequence[0]
            if change is None:
                del holder[keyword]
            else:
                setattr(holder, keyword, change)
            dataset.save_as(self.folder / "damaged.dcm")
            with self.subTest(keyword), self.assertRaisesRegex(ValueError, "damaged"):
                readSegmentation(self.folder / "damaged.dcm")
        (self.folder / "cut.dcm").write_bytes(data[: len(data) // 2])
        with self.assertRaises(ValueError):
            readSegmentation(self.folder / "cut.dcm")
        dataset = pydicom.dcmread(path)
        frame = dataset.PerFrameFunctionalGroupsSequence[1]
        frame.PlanePositionSequence[0].ImagePositionPatient[2] += 0.9
        dataset.save_as(self.folder / "uneven.dcm")
        with self.assertRaisesRegex(ValueError, "shifted|equal distances"):
            readSegmentation(self.folder / "uneven.dcm")


if __name__ == "__main__":
    unittest.main()
