"""Contours out and in: what is written as RTSTRUCT reads back voxel by voxel, and others' contours make right masks."""

import tempfile
import unittest
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from DicomTesting import writeSource
from MedFusionLib.Core.Dicom.Contours import contoursOfPlane, filledContours
from MedFusionLib.Core.Dicom.Series import readSeries
from MedFusionLib.Core.Dicom.StructureSet import RegionOfInterest, structureSetObject
from MedFusionLib.Core.Dicom.StructureSetReader import readStructureSet
from MedFusionLib.Core.Dicom.Study import studyFor
from MedFusionLib.Core.Inputs.SegmentationFiles import readSegmentation
from MedFusionLib.Core.Tumor.ErrorMargin import grownByError
from MedFusionTesting import medfusion
from scipy import ndimage
from TestDicomExport import checkerErrors


def blobs(seed: int, shape: tuple[int, ...], blur: float = 1.5) -> np.ndarray:
    """Return a mask of islands, holes and islands in holes, also at the border."""
    return ndimage.gaussian_filter(np.random.default_rng(seed).normal(size=shape), blur) > 0


def grid() -> sitk.Image:
    image = sitk.GetImageFromArray(np.random.default_rng(5).integers(-900, 900, (12, 40, 36)).astype(np.int16))
    image.SetSpacing((1.1, 0.9, 2.5))
    image.SetOrigin((-300.0, 40.0, 1800.0))
    turn = sitk.Euler3DTransform()
    turn.SetRotation(0.3, -0.2, 0.4)
    image.SetDirection(turn.GetMatrix())
    return image


def dice(first: np.ndarray, second: np.ndarray) -> float:
    return 2 * np.sum(first & second) / (first.sum() + second.sum())


class TestContours(unittest.TestCase):
    def test_filled_contours_are_the_mask_whatever_holes_it_has(self):
        for seed in range(60):
            mask = blobs(seed, (30, 37), 0.4 + seed % 4)
            np.testing.assert_array_equal(filledContours(contoursOfPlane(mask), mask.shape), mask, f"seed {seed}")
        self.assertEqual(contoursOfPlane(np.zeros((3, 3), bool)), [])

    def test_a_triangle_fills_the_pixels_whose_centers_it_holds(self):
        triangle = np.array([[1.5, 0.5], [8.5, 0.5], [1.5, 7.5]])
        row, column = np.indices((10, 10))
        inside = (column > 1.5) & (row > 0.5) & (column + row < 9)
        np.testing.assert_array_equal(filledContours([triangle], (10, 10)), inside)


class TestStructureSet(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = Path(temporary.name)
        cls.grid = grid()
        series = readSeries(writeSource(cls.folder / "ct", "CT", cls.grid)).header
        cls.study = studyFor(series, None, (cls.grid,), "1.0")
        cls.masks = {name: blobs(seed, (12, 40, 36)) for name, seed in (("Enhancing tumor", 1), ("Edema", 2))}
        regions = [RegionOfInterest(name, mask, (0.9, 0.3, 0.2), "GTV") for name, mask in cls.masks.items()]
        cls.path = cls.folder / "contours.dcm"
        cls.dataset = structureSetObject(cls.study, cls.grid, regions)
        cls.dataset.save_as(cls.path, enforce_file_format=True)

    def test_it_reads_back_on_the_grid_voxel_by_voxel(self):
        read = readStructureSet(self.path, self.grid)
        self.assertEqual(read.frameUid, self.study.fixedFrameUid)
        for (segment, mask), (name, expected) in zip(read.layers, self.masks.items(), strict=True):
            self.assertEqual(segment.name, name)
            np.testing.assert_array_equal(mask, expected)

    def test_without_the_image_it_gets_a_grid_of_its_own_with_the_same_volume(self):
        read = readStructureSet(self.path)
        for (_segment, mask), expected in zip(read.layers, self.masks.values(), strict=True):
            found = sitk.GetImageFromArray(mask.astype(np.uint8))
            found.CopyInformation(read.grid)
            back = sitk.Resample(found, self.grid, sitk.Transform(), sitk.sitkNearestNeighbor)
            self.assertGreater(dice(sitk.GetArrayFromImage(back) > 0, expected), 0.9)

    def test_each_contour_names_the_image_on_whose_plane_it_lies(self):
        positions = {}
        for file in (self.folder / "ct").iterdir():
            header = pydicom.dcmread(file)
            positions[header.SOPInstanceUID] = np.array(header.ImagePositionPatient, float)
        normal = np.reshape(self.grid.GetDirection(), (3, 3))[:, 2]
        for contour in pydicom.dcmread(self.path).ROIContourSequence[0].ContourSequence:
            points = np.reshape(np.array(contour.ContourData, float), (-1, 3))
            (image,) = contour.ContourImageSequence
            np.testing.assert_allclose((points - positions[image.ReferencedSOPInstanceUID]) @ normal, 0, atol=1e-3)

    def test_the_checker_finds_no_error(self):
        self.assertEqual(checkerErrors(self.path), [])

    def test_every_command_reads_it_as_an_outline(self):
        labels = np.where(self.masks["Enhancing tumor"], 1, np.where(self.masks["Edema"], 2, 0)).astype(np.uint8)
        truth = sitk.GetImageFromArray(labels)
        truth.CopyInformation(self.grid)
        sitk.WriteImage(truth, str(self.folder / "truth.nrrd"))
        status, output, errors = medfusion("evaluate", "tumor", self.path, self.folder / "truth.nrrd")
        self.assertEqual(status, 0, errors)
        self.assertRegex(output, r"(?m)^all +1\.000")

    def test_holes_by_nested_contours_and_regions_that_are_no_lesions(self):
        dataset = pydicom.dcmread(self.path)
        del dataset.ROIContourSequence[1]
        item = dataset.ROIContourSequence[0]
        del item.ContourSequence[2:]
        corners = np.array([[5, 5], [25, 5], [25, 30], [5, 30]]) + 0.3
        for contour, polygon in zip(item.ContourSequence, (corners, corners * 0.4 + 6), strict=True):
            points = [self.grid.TransformContinuousIndexToPhysicalPoint([*point, 4.0]) for point in polygon.tolist()]
            contour.ContourData = [f"{value:.6f}" for point in points for value in point]
            contour.NumberOfContourPoints = 4
        dataset.save_as(self.folder / "nested.dcm")
        ((_segment, mask),) = readStructureSet(self.folder / "nested.dcm", self.grid).layers
        outer, inner = filledContours([corners], (40, 36)), filledContours([corners * 0.4 + 6], (40, 36))
        np.testing.assert_array_equal(mask[4], outer & ~inner)
        dataset.RTROIObservationsSequence[0].RTROIInterpretedType = "EXTERNAL"
        dataset.save_as(self.folder / "nested.dcm")
        with self.assertRaisesRegex(ValueError, "no region with closed contours"):
            readSegmentation(self.folder / "nested.dcm")

    def test_what_cannot_be_used_is_refused_in_a_sentence(self):
        def changed(change) -> Path:
            dataset = pydicom.dcmread(self.path)
            change(dataset)
            dataset.save_as(self.folder / "changed.dcm")
            return self.folder / "changed.dcm"

        def bend(dataset) -> None:
            data = dataset.ROIContourSequence[0].ContourSequence[0].ContourData
            data[2] = data[2] + 30

        def points(dataset) -> None:
            for item in dataset.ROIContourSequence:
                for contour in item.ContourSequence:
                    contour.ContourGeometricType = "POINT"

        for change, pattern in (
            (bend, "is not flat or not parallel"),
            (points, "no region with closed contours"),
            (lambda dataset: dataset.pop("StructureSetROISequence"), "the file is damaged"),
            (lambda dataset: dataset.ROIContourSequence[0].pop("ReferencedROINumber"), "the file is damaged"),
        ):
            with self.subTest(pattern), self.assertRaisesRegex(ValueError, pattern):
                readSegmentation(changed(change))
        far = sitk.Image(self.grid)
        far.SetOrigin((9000.0, 0.0, 0.0))
        with self.assertRaisesRegex(ValueError, "lie outside of the image"):
            readStructureSet(self.path, far)


class TestErrorMargin(unittest.TestCase):
    def test_a_ball_grows_at_each_place_by_the_bound_there(self):
        image = sitk.Image([60, 60, 60], sitk.sitkUInt8)
        image.SetSpacing((1.0, 1.0, 1.0))
        center = np.indices((60, 60, 60)) - 30
        mask = np.linalg.norm(center, axis=0) <= 10
        grown = grownByError(mask, image, lambda points: np.where(points[:, 0] > 30, 8.0, 3.0))
        self.assertEqual((grown[30, 30].nonzero()[0].min(), grown[30, 30].nonzero()[0].max()), (17, 48))
        self.assertTrue(grown[mask].all())
        self.assertEqual(grownByError(mask & False, image, lambda points: points[:, 0]).sum(), 0)


if __name__ == "__main__":
    unittest.main()
