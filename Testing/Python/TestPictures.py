"""Pictures in two dimensions: registered by landmarks, scored, and errors in pixels where nothing else is known."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Transforms import TransformModel
from MedFusionLib.Core.Inputs.PixelLandmarks import readPixelLandmarks
from MedFusionLib.Core.Landmarks.PlaneFit import fitPlane
from MedFusionLib.Core.Verdict import Judgment
from MedFusionTesting import checkDocument, medfusion

POINTS = np.array([[20, 30], [200, 40], [110, 220], [60, 150], [180, 170]], float)


def turned(points: np.ndarray, angle: float = 0.3, scale: float = 1.2) -> np.ndarray:
    matrix = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return points @ matrix.T + (12, -7)


def table(points: np.ndarray) -> str:
    return "name,x,y\n" + "\n".join(f"P{index},{x},{y}" for index, (x, y) in enumerate(points.tolist())) + "\n"


class TestPlaneFit(unittest.TestCase):
    def test_known_maps_are_recovered(self):
        for model, moving in (
            (TransformModel.rigid, turned(POINTS, scale=1.0)),
            (TransformModel.rigid, turned(POINTS, angle=np.pi / 2, scale=1.0)),
            (TransformModel.similarity, turned(POINTS)),
            (TransformModel.affine, turned(POINTS) * (1.1, 0.9) + 3),
        ):
            fit = fitPlane(POINTS, moving, model)
            np.testing.assert_allclose(POINTS @ fit.matrix.T + fit.offset, moving, atol=1e-9)
            self.assertLess(fit.fre, 1e-9)
            self.assertGreater(np.linalg.det(fit.matrix), 0)

    def test_the_placing_error_is_estimated_without_bias(self):
        r = np.random.default_rng(0)
        for model in (TransformModel.rigid, TransformModel.similarity, TransformModel.affine):
            fits = [fitPlane(POINTS, POINTS + r.normal(0, 1, POINTS.shape), model) for _ in range(1500)]
            self.assertAlmostEqual(np.mean([fit.fle**2 for fit in fits]) / 2, 1, delta=0.08, msg=model.value)
            center = POINTS.mean(axis=0)
            for point in (center, np.array([250.0, 20.0])):
                errors = [np.sum((fit.matrix @ point + fit.offset - point) ** 2) for fit in fits]
                stated = [fit.expectedError(point) ** 2 for fit in fits]
                self.assertAlmostEqual(np.mean(errors) / np.mean(stated), 1, delta=0.12, msg=model.value)

    def test_landmarks_that_do_not_fit_each_other_are_doubtful_and_those_that_fit_exactly_tell_nothing(self):
        exchanged = POINTS[[1, 0, 2, 3, 4]]
        self.assertRegex(fitPlane(POINTS, exchanged, TransformModel.rigid).verdict.reasons[0], "are two exchanged")
        few = fitPlane(POINTS[:3], POINTS[:3] + 1, TransformModel.affine)
        self.assertIsNone(few.expectedError(POINTS[0]))
        self.assertIs(few.verdict.judgment, Judgment.notConfirmed)

    def test_points_that_carry_no_fit_are_refused(self):
        for fixed, moving, model, pattern in (
            (POINTS[:1], POINTS[:1], TransformModel.rigid, "too few"),
            (POINTS[:2], POINTS[:2], TransformModel.affine, "too few"),
            (POINTS * 0 + 3, POINTS, TransformModel.rigid, "spread over only"),
            (POINTS * (1, 0), POINTS * (1, 0), TransformModel.affine, "spread over only"),
            (POINTS, POINTS * (-1, 1), TransformModel.affine, "mirror image"),
            (POINTS, POINTS, TransformModel.thinPlateSpline, "Pictures are registered"),
        ):
            with self.subTest(pattern), self.assertRaisesRegex(ValueError, pattern):
                fitPlane(fixed, moving, model)


class TestPictures(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        r, c = np.indices((240, 260))
        bump = 80 * np.exp(-((r - 120) ** 2 + (c - 130) ** 2) / 5000)
        self.mri = (bump + 60 * ((r // 20 + c // 26) % 2)).astype(np.uint8)
        self.ct = np.roll(self.mri, (6, -9), (0, 1))
        for name, values in (("ct.png", self.ct), ("mri.jpg", self.mri)):
            sitk.WriteImage(sitk.GetImageFromArray(values), str(self.folder / name))
        (self.folder / "ct.csv").write_text(table(POINTS))
        (self.folder / "mri.csv").write_text(table(POINTS + (9, -6)))

    def register(self, *more: object) -> tuple[int, str, str]:
        lists = ("--ct-landmarks", self.folder / "ct.csv", "--mri-landmarks", self.folder / "mri.csv")
        paths = (self.folder / "ct.png", self.folder / "mri.jpg")
        return medfusion("register", *paths, *lists, "--output", self.folder / "out", "--force", *more)

    def test_a_pair_is_registered_in_pixels_or_in_millimeters(self):
        for more, unit in (((), "pixels"), (("--pixel", "0.5"), "mm")):
            status, output, errors = self.register(*more)
            self.assertEqual(status, 0, errors)
            self.assertRegex(output, f"5 landmarks, FRE 0.00 {unit}")
            self.assertEqual("size of a pixel is unknown" in errors, unit == "pixels")
            registered = sitk.GetArrayFromImage(sitk.ReadImage(str(self.folder / "out" / "mri_registered.png")))
            inner = (slice(15, -15), slice(15, -15))
            self.assertLess(np.abs(registered[inner].astype(int) - self.ct[inner]).mean(), 4)  # JPEG
            checkDocument(self.folder / "out" / "measurements.json")
            measured = json.loads((self.folder / "out" / "measurements.json").read_text())["plane_registration"]
            self.assertEqual(measured["fre_mm"] is None, unit == "pixels")
            transform = sitk.ReadTransform(str(self.folder / "out" / "ct_to_mri.h5"))
            size = 1.0 if unit == "pixels" else 0.5
            np.testing.assert_allclose(transform.TransformPoint((0.0, 0.0, 0.0)), (9 * size, -6 * size, 0), atol=1e-6)

    def test_what_cannot_be_meant_is_refused(self):
        (self.folder / "mri.csv").write_text("name,x,y\nP0,one,2\n")
        self.assertRegex(self.register()[2], r"Row 1 .*\(P0,one,2\) is not a name with a column and a row")
        (self.folder / "mri.csv").write_text("label,r,a,s\nP0,1,2,3\n")
        self.assertRegex(self.register()[2], "is not a table of pixels")
        (self.folder / "mri.csv").write_text(table(POINTS).replace("P", "Q"))
        self.assertRegex(self.register()[2], "No name of one list")
        self.assertRegex(self.register("--refine")[2], "Pictures have no use for --refine")
        self.assertFalse((self.folder / "out").exists())

    def test_a_fusion_of_pictures_is_scored(self):
        sitk.WriteImage(sitk.GetImageFromArray(self.mri), str(self.folder / "fused.png"))
        paths = [self.folder / name for name in ("ct.png", "mri.jpg", "fused.png")]
        status, output, errors = medfusion("evaluate", "fusion", *paths)
        self.assertEqual(status, 0, errors)
        self.assertRegex(output, "(?m)^measure +fused +copy CT")

    def test_tables_of_pixels_are_read_in_the_ways_people_write_them(self):
        for text in ("label\tcolumn\trow\nA\t3\t4\n", "Name;X;Y\nA;3;4\n", "x,y,name\n3,4,A\n"):
            (self.folder / "a.csv").write_text(text)
            np.testing.assert_array_equal(readPixelLandmarks(self.folder / "a.csv")["A"], [3, 4])


if __name__ == "__main__":
    unittest.main()
