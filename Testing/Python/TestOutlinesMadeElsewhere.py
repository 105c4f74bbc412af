"""Outlines made elsewhere: measured, corrected with their parts, and taken into a run."""

import csv
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.CommandLine.Demo import writePhantom
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Inputs.OutlinePlace import OutlineFrame, frameOfOutline
from MedFusionLib.Core.Inputs.SegmentationFiles import SegmentationFile, readSegmentation
from MedFusionLib.Core.Inputs.VolumeFiles import VolumeFile
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Core.Tumor.SegmentLayers import keptLabels
from MedFusionLib.Core.Tumor.Segments import Segment
from MedFusionTesting import checkDocument, medfusion
from TestLesions import ellipsoid, emptyGrid, painted
from TestTumorSegmentation import ACROSS, headWithBall


def line(points: np.ndarray) -> str:
    return "--line=" + ",".join(f"{value:.2f}" for value in flipPoints(points).ravel())


class OutlineTestCase(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))

    def written(self, image: sitk.Image, name: str) -> Path:
        sitk.WriteImage(image, str(self.folder / name))
        return self.folder / name

    def succeeds(self, *arguments: object) -> tuple[str, str]:
        status, printed, errors = medfusion(*arguments)
        self.assertEqual(status, 0, errors)
        return printed, errors

    def assertRefused(self, reason: str, *arguments: object) -> None:
        status, _printed, errors = medfusion(*arguments)
        self.assertEqual(status, 2, errors)
        self.assertRegex(errors.strip().splitlines()[-1], reason)


class TestMeasure(OutlineTestCase):
    def setUp(self) -> None:
        super().setUp()
        near, far = ellipsoid((-25, -10, 0), (15, 12, 11)), ellipsoid((25, 15, 4), (12, 10, 10))
        both = painted(emptyGrid((100, 80, 50), (1.0, 1.0, 1.0)), lambda *p: near(*p) | far(*p))
        self.outline = self.written(both, "outline.nii.gz")
        self.volume = self.written(sitk.Cast(both, sitk.sitkFloat32) * 90 + 10, "flair.nrrd")

    def test_lesions_and_intensities_are_written_as_json_and_as_a_table(self):
        output = self.folder / "measured"
        printed, _ = self.succeeds("measure", self.outline, self.volume, "--output", output)
        self.assertRegex(printed, r"Tumor: \d+\.\d\d ml in 2 lesions.*product 1\d\d\d mm² \(sum\)")
        checkDocument(output / "measurements.json")
        tumor = json.loads((output / "measurements.json").read_text(encoding="utf-8"))["tumor"]
        self.assertAlmostEqual(tumor["bidimensional_product_mm2"], 30 * 24 + 24 * 20, delta=60)
        self.assertEqual(tumor["intensities"]["flair"], {"mean": 100.0, "standard_deviation": 0.0})
        self.assertEqual(tumor["verdict"], "not confirmed")
        with (output / "measurements.csv").open(encoding="utf-8", newline="") as stream:
            rows = list(csv.DictReader(stream))
        self.assertEqual([(r["segment"], r["lesion"]) for r in rows[2:]], [("1", "1"), ("1", "2")])
        self.assertAlmostEqual(sum(float(r["volume_ml"]) for r in rows[:2]), tumor["volume_ml"], delta=0.01)
        self.assertLessEqual({"axial_diameter_mm", "bidimensional_product_mm2", "flair_mean"}, set(rows[0]))

    def test_one_file_of_a_known_format_is_written_and_others_are_refused(self):
        for name in ("values.json", "values.csv"):
            self.succeeds("measure", self.outline, "--output", self.folder / name)
            self.assertGreater((self.folder / name).stat().st_size, 200)
        self.assertRefused(
            "let it end with .json or .csv", "measure", self.outline, "--output", self.folder / "values.txt"
        )

    def test_an_outline_beside_its_volume_is_refused_and_one_partly_outside_said(self):
        image = sitk.ReadImage(str(self.volume))
        cut = self.written(image[60:, :, :], "cut.nrrd")
        _printed, errors = self.succeeds("measure", self.outline, cut)
        self.assertRegex(errors, r"\d\d% of the outline lies outside of cut")
        image.SetOrigin((900.0, 0.0, 0.0))
        self.assertRefused("not in one coordinate system", "measure", self.outline, self.written(image, "far.nrrd"))
        soft = sitk.SmoothingRecursiveGaussian(sitk.ReadImage(str(self.outline), sitk.sitkFloat32), 1.0)
        soft = self.written(soft, "soft.nrrd")
        self.assertRefused("map of probabilities", "measure", soft)
        printed, _ = self.succeeds("measure", soft, "--threshold", "0.5")
        self.assertIn("in 2 lesions", printed)


class TestCorrection(OutlineTestCase):
    def test_new_voxels_get_the_label_of_what_is_nearest(self):
        labels = np.zeros((3, 3, 9), np.uint8)
        labels[:, :, 1], labels[:, :, 7] = 1, 4
        kept = keptLabels(np.ones(labels.shape, bool), labels, np.ones(3))
        self.assertEqual(kept[1, 1].tolist(), [1, 1, 1, 1, 1, 4, 4, 4, 4])
        self.assertEqual(int(keptLabels(labels == 4, labels, np.ones(3)).max()), 4)

    def test_parts_and_lesions_outlive_a_correction_and_other_formats(self):
        flair, truth = headWithBall()
        values = sitk.GetArrayFromImage(truth)
        middle = int(np.argwhere(values)[:, 2].mean())
        values[:, :, middle:] *= 4
        present = sitk.GetImageFromArray(values)
        present.CopyInformation(truth)
        volume, outline = self.written(flair, "flair.nrrd"), self.written(present, "present.nii.gz")
        points = ACROSS[0, 0] + np.linspace(0.3, 0.7, 9)[:, None] * (ACROSS[0, 1] - ACROSS[0, 0])
        controls = [{"id": str(n), "position": list(p), "positionStatus": "defined"} for n, p in enumerate(points)]
        markup = {"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": controls}
        stroke = self.folder / "stroke.mrk.json"
        stroke.write_text(json.dumps({"markups": [markup]}))
        arguments = ("segment", volume, "--foreground", stroke, "--correct", outline)
        for name in ("corrected.nii.gz", "corrected.nrrd", "corrected.seg.nrrd"):
            printed, _ = self.succeeds(*arguments, "--output", self.folder / name)
            read = readSegmentation(self.folder / name)
            self.assertEqual([segment.value for segment in read.segments], [1, 4])
            if name.endswith(".nii.gz"):
                self.assertIn("Values: 1 1, 4 4", printed)
                self.assertEqual((self.folder / name).read_bytes()[:2], b"\x1f\x8b")
        self.assertRefused(".seg.nrrd, .nrrd or .nii.gz", *arguments, "--output", self.folder / "corrected.tif")
        soft = self.written(sitk.SmoothingRecursiveGaussian(sitk.Cast(truth, sitk.sitkFloat32), 2.0), "soft.nrrd")
        for option in ("--correct", "--mask"):
            request = ("segment", volume, "--foreground", stroke, option, soft, "--output", self.folder / "never.nrrd")
            self.assertRefused("map of probabilities", *request)
        self.succeeds("segment", volume, line(ACROSS[0]), "--mask", outline, "--output", self.folder / "masked.nrrd")


class TestRunTumor(OutlineTestCase):
    def test_a_run_takes_an_outline_drawn_on_its_mri(self):
        phantom = makePhantom(spacingFactor=2.5)
        inputs = writePhantom(phantom, self.folder / "input")
        onMri = sitk.Resample(
            phantom.tumorLabels, phantom.mri, phantom.ctToMri.GetInverse(), sitk.sitkNearestNeighbor, 0
        )
        outline, output = self.written(onMri, "outline.nii.gz"), self.folder / "results"
        landmarks = ("--ct-landmarks", inputs["ct_landmarks"], "--mri-landmarks", inputs["mri_landmarks"])
        run = ("run", inputs["ct"], inputs["mri"], *landmarks, "--tumor", outline, "--output", output)
        self.assertRefused("given with --tumor", *run, "--line=1,2,3,4,5,6")
        printed, errors = self.succeeds(*run, "--no-scene")
        self.assertIn("drawn on mri", errors)
        self.assertIn("Outline: not confirmed.", printed)
        checkDocument(output / "measurements.json")
        document = json.loads((output / "measurements.json").read_text(encoding="utf-8"))
        self.assertEqual(set(document["tumor"]["segments"]), {"1", "2", "4"})
        self.assertEqual(document["inputs"]["tumor"]["file"], "outline.nii.gz")
        drawn = int((sitk.GetArrayFromImage(onMri) > 0).sum()) * float(np.prod(onMri.GetSpacing())) / 1000
        self.assertAlmostEqual(document["tumor"]["volume_ml"], drawn, delta=0.01)
        read = readSegmentation(output / "tumor.seg.nrrd")
        self.assertEqual([segment.value for segment in read.segments], [1, 2, 4])
        self.assertEqual(read.labelImage.GetSize(), phantom.ct.GetSize())


class TestPlace(unittest.TestCase):
    def setUp(self) -> None:
        self.ct = VolumeFile(emptyGrid((60, 60, 40), (1.0, 1.0, 2.0)))
        self.mri = VolumeFile(emptyGrid((50, 50, 30), (1.2, 1.2, 2.5)))

    def outlineOn(self, grid: sitk.Image) -> SegmentationFile:
        image = painted(grid, ellipsoid((0, 0, 0), (8, 8, 8)))
        return SegmentationFile(image, (Segment(1, "1"),), path=Path("tumor.nrrd"))

    def test_the_voxels_of_an_outline_tell_its_volume_also_when_it_was_cropped(self):
        for volume, frame in ((self.ct, OutlineFrame.ct), (self.mri, OutlineFrame.mri)):
            self.assertIs(frameOfOutline(self.outlineOn(volume.image), self.ct, self.mri), frame)
            self.assertIs(frameOfOutline(self.outlineOn(volume.image[20:40, 15:40, 5:25]), self.ct, self.mri), frame)

    def test_the_place_tells_where_the_voxels_do_not_and_else_the_user_is_asked(self):
        other = self.outlineOn(emptyGrid((40, 40, 40), (1.0, 1.0, 1.0)))
        with self.assertRaisesRegex(ValueError, "tumor.nrrd could belong to the CT as well.*--tumor-frame"):
            frameOfOutline(other, self.ct, self.mri)
        self.assertIs(frameOfOutline(other, self.ct, self.mri, OutlineFrame.mri), OutlineFrame.mri)
        self.mri.image.SetOrigin((500.0, 0.0, 0.0))
        self.assertIs(frameOfOutline(other, self.ct, self.mri), OutlineFrame.ct)


if __name__ == "__main__":
    unittest.main()
