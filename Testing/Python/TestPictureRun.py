"""Runs on pictures: registered in the plane, fused, outlined, measured, and the report says what does not apply."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Tumor.PlaneMeasurements import measureInPlane
from MedFusionTesting import checkDocument, medfusion, sharedData

CORNERS = {"A": (40, 50), "B": (215, 60), "C": (120, 210), "D": (70, 160)}
SHIFT = (9, -6)  # from the CT's pixels to the MRI's
FILES = {"ct_to_mri.h5", "fused.nrrd", "fused.png", "measurements.csv", "measurements.json", "mri_registered.nrrd"}
FILES |= {"mri_registered.png", "report.html", "scene.mrb", "tumor.png", "tumor.seg.nrrd"}
# Columns and rows that were read off the pictures of a pair with a bright lesion in the basal ganglia.
PAIR = "p7"
CT_POINTS = {"front": (256, 70), "back": (256, 343), "left": (155.5, 225), "right": (359, 225)}
CT_POINTS |= {"corner": (346, 104), "left horn": (222, 269), "right horn": (285, 277)}
MRI_POINTS = {"front": (131, 46), "back": (127.5, 236.5), "left": (58, 154), "right": (198, 154)}
MRI_POINTS |= {"corner": (193, 59), "left horn": (101.5, 185), "right horn": (150.5, 190)}
LESION_LINE = "272,176,290,200"


def table(points: dict[str, tuple[float, float]]) -> str:
    return "name,x,y\n" + "\n".join(f"{name},{x},{y}" for name, (x, y) in points.items()) + "\n"


class TestPlaneMeasurements(unittest.TestCase):
    def test_a_disk_has_its_area_and_diameters(self):
        rows, columns = np.indices((100, 120))
        disk = ((rows - 40) ** 2 + (columns - 70) ** 2 <= 20**2)[None]
        disk[0, 90, 10] = True  # a crumb
        measured = measureInPlane(sitk.GetImageFromArray(disk.astype(np.uint8)), {}, 0.5)
        lesion = measured.lesions[0]
        self.assertEqual((len(measured.lesions), measured.crumbs), (1, 1))
        np.testing.assert_allclose(lesion.centroid, (70, 40), atol=1e-9)
        self.assertAlmostEqual(lesion.areaPx / (np.pi * 20**2), 1, delta=0.01)
        self.assertAlmostEqual(lesion.longest.lengthMm, 41, delta=1)
        self.assertAlmostEqual(lesion.across.lengthMm, 41, delta=1)
        written = lesion.measurements(0.5)
        self.assertAlmostEqual(written["area_mm2"], lesion.areaPx / 4)
        self.assertAlmostEqual(written["longest_diameter_mm"], lesion.longest.lengthMm / 2)
        self.assertIsNone(lesion.measurements(None)["bidimensional_product_mm2"])

    def test_nothing_outlined_is_refused(self):
        with self.assertRaisesRegex(ValueError, "no tumor to measure"):
            measureInPlane(sitk.Image(9, 9, 1, sitk.sitkUInt8))


class TestPictureRun(unittest.TestCase):
    def setUp(self) -> None:
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        rows, columns = np.indices((240, 260))
        head = np.hypot((rows - 120) / 105, (columns - 130) / 95)
        noise = np.random.default_rng(8).normal(0, 3, head.shape)
        self.lesion = np.hypot(rows - 100, columns - 160) <= 22
        ct = np.where(head < 1, np.where(head > 0.92, 250, 110), 3) + noise
        mri = np.where(head < 0.9, 90, np.where(head < 1, 20, 3)) + 90 * self.lesion + noise
        mri = np.roll(mri, SHIFT[::-1], (0, 1))
        for name, values in (("ct.png", ct), ("mri.png", mri)):
            self.write(name, np.clip(values, 0, 255))
        (self.folder / "ct.csv").write_text(table(CORNERS))
        moved = {name: (x + SHIFT[0], y + SHIFT[1]) for name, (x, y) in CORNERS.items()}
        (self.folder / "mri.csv").write_text(table(moved))

    def write(self, name: str, values: np.ndarray) -> Path:
        sitk.WriteImage(sitk.GetImageFromArray(values.astype(np.uint8)), str(self.folder / name))
        return self.folder / name

    def run_(self, *more: object, ct: str = "ct.png") -> tuple[int, str, str]:
        lists = ("--ct-landmarks", self.folder / "ct.csv", "--mri-landmarks", self.folder / "mri.csv", "--quiet")
        paths = (self.folder / ct, self.folder / "mri.png")
        return medfusion("run", *paths, *lists, "--output", self.folder / "out", *more)

    def test_a_pair_is_registered_fused_outlined_and_measured(self):
        status, output, errors = self.run_("--line=139,100,182,100", "--pixel", "0.8")
        self.assertEqual(status, 0, errors)
        out = self.folder / "out"
        self.assertEqual({path.name for path in out.iterdir()}, FILES)
        checkDocument(out / "measurements.json")
        document = json.loads((out / "measurements.json").read_text())
        self.assertLess(document["plane_registration"]["fre_px"], 1e-6)
        tumor = document["plane_tumor"]
        self.assertAlmostEqual(tumor["area_mm2"] / (self.lesion.sum() * 0.64), 1, delta=0.1)
        np.testing.assert_allclose(tumor["lesions"][0]["centroid_px"], (160, 100), atol=1.5)
        outline = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "tumor.seg.nrrd")))
        overlap = 2 * (outline.reshape(self.lesion.shape) * self.lesion).sum() / (outline.sum() + self.lesion.sum())
        self.assertGreater(overlap, 0.93)
        fused = sitk.GetArrayFromImage(sitk.ReadImage(str(out / "fused.png")))
        self.assertGreater(fused[100, 160], fused[160, 100] + 20, "the MRI's lesion is seen in the fused picture")
        self.assertGreater(fused[120, 36:42].max(), 200, "and so is the CT's bone")
        report = (out / "report.html").read_text()
        self.assertRegex(medfusion("compare", out, out, "--output", self.folder / "c")[2], "one of pictures")
        self.assertIn("What does not apply to pictures", report)
        self.assertNotIn('class="side', report, "no letter of a side is drawn as if known")
        self.assertRegex(output, r"area \d+ mm², longest diameter .* mm")

    def test_without_a_size_of_pixels_and_without_pointing_it_says_so(self):
        status, output, errors = self.run_("--no-scene")
        self.assertEqual(status, 0, errors)
        self.assertRegex(errors, "size of a pixel is unknown")
        document = json.loads((self.folder / "out" / "measurements.json").read_text())
        self.assertIsNone(document["plane_tumor"])
        self.assertIn("No tumor was outlined", (self.folder / "out" / "report.html").read_text())
        self.assertFalse((self.folder / "out" / "scene.mrb").exists())
        self.assertEqual(self.run_("--force")[0], 0, "a folder of pictures is one of ours")
        self.assertRegex(
            medfusion("compare", *[self.folder / "out"] * 2, "--output", self.folder / "c")[2], "tumor.seg.nrrd"
        )

    def test_a_picture_is_outlined_alone(self):
        line = f"--line={139 + SHIFT[0]},{100 + SHIFT[1]},{182 + SHIFT[0]},{100 + SHIFT[1]}"
        for name in ("a.seg.nrrd", "a.nrrd", "a.nii.gz"):
            status, output, errors = medfusion(
                "segment", self.folder / "mri.png", line, "--output", self.folder / name, "--force"
            )
            self.assertEqual(status, 0, errors)
            self.assertRegex(output, r"area 1[45]\d\d px², longest diameter 4\d.* pixels")
            self.assertEqual(sitk.ReadImage(str(self.folder / name)).GetSize(), (260, 240, 1))
        self.assertEqual(sitk.ReadImage(str(self.folder / "a.png")).GetSize(), (260, 240))

    def test_a_click_is_always_doubtful(self):
        seed = f"--tumor-seed={160 + SHIFT[0]},{100 + SHIFT[1]}"
        status, output, _ = medfusion("segment", self.folder / "mri.png", seed, "--output", self.folder / "b.nrrd")
        self.assertEqual(status, 0)
        self.assertRegex(output, "Outline: doubtful. .*draw a line instead")

    def test_what_pictures_have_no_use_for_is_refused_before_anything_is_written(self):
        for more, pattern in (
            (("--auto",), "no use for --auto"),
            (("--dicom", self.folder / "d"), "no use for --dicom"),
            (("--line=1,2,3,4,5,6",), "COLUMN,ROW in pixels"),
            (("--method", "automatic"), "needs a volume"),
            (("--line=900,10,950,10",), "leaves the picture of 260 x 240"),
            (("--pixel", "0"), "not a pixel size"),
        ):
            with self.subTest(pattern):
                status, _, errors = self.run_(*more)
                self.assertEqual(status, 2, errors)
                self.assertRegex(errors, pattern)
        (self.folder / "ct.csv").write_text(table(CORNERS | {"A": (400, 50)}))
        self.assertRegex(self.run_()[2], "Outside of the CT's picture of 260 x 240 pixels lie these landmarks: A")
        volume = sitk.Image(9, 9, 9, sitk.sitkInt16)
        sitk.WriteImage(volume, str(self.folder / "v.nrrd"))
        self.assertRegex(self.run_(ct="v.nrrd")[2], "2D, a single slice, and|is not")
        self.assertRegex(medfusion("segment", self.folder / "mri.png", "--output", self.folder / "c.nrrd")[2], "--line")
        self.assertFalse((self.folder / "out").exists())


class TestRealPictures(unittest.TestCase):
    def test_a_pair_of_the_first_project_goes_the_whole_way(self):
        pair = sharedData("seed-pairs") / PAIR
        with tempfile.TemporaryDirectory() as name:
            work = Path(name)
            for path, points in (("ct.csv", CT_POINTS), ("mri.csv", MRI_POINTS)):
                (work / path).write_text(table(points))
            lists = ("--ct-landmarks", work / "ct.csv", "--mri-landmarks", work / "mri.csv", "--model", "similarity")
            paths = (pair / "ct.jpg", pair / "mri.jpg")
            status, _, errors = medfusion("run", *paths, *lists, f"--line={LESION_LINE}", "--output", work / "out")
            self.assertEqual(status, 0, errors)
            document = json.loads((work / "out" / "measurements.json").read_text())
            self.assertLess(document["plane_registration"]["fre_px"], 5)
            # Bone of the CT and brain of the MRI lie inside each other.
            ct = sitk.GetArrayFromImage(sitk.ReadImage(str(pair / "ct.jpg")))[..., 0]
            mri = sitk.GetArrayFromImage(sitk.ReadImage(str(work / "out" / "mri_registered.png")))
            mri = mri if mri.ndim == 2 else mri[..., 0]
            lesion = sitk.GetArrayFromImage(sitk.ReadImage(str(work / "out" / "tumor.seg.nrrd"))).reshape(ct.shape) > 0
            self.assertGreater(mri[lesion].mean(), 1.4 * mri[(ct > 90) & (ct < 160)].mean())
            self.assertLess(np.mean(ct[lesion] > 230), 0.01)

    def test_a_published_pair_is_fused_and_scored(self):
        folder = sharedData("aanlib-fused")
        paths = [folder / kind / "16010.png" for kind in ("CT", "MRI")]
        with tempfile.TemporaryDirectory() as name:
            fused = Path(name, "fused.png")
            self.assertEqual(medfusion("fuse", *paths, "--output", fused)[0], 0)
            status, output, errors = medfusion("evaluate", "fusion", *paths, fused)
            self.assertEqual(status, 0, errors)
            self.assertRegex(output, "(?m)^QABF ")


if __name__ == "__main__":
    unittest.main()
