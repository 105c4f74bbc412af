"""The command line as its user meets it: its results and exit status."""

import json
import tomllib
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.CommandLine.Arguments import joinNegativeCoordinates
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Inputs.TransformFiles import readTransform
from MedFusionLib.Core.Inputs.VolumeFiles import fileChecksum
from MedFusionLib.Core.Results.FileNames import RUN_FILES
from MedFusionLib.Scene.RegistrationNodes import SUMMARY_TABLE_ROLE
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.VolumeNodes import imageFromVolumeNode
from MedFusionTesting import PROJECT_ROOT, checkDocument, medfusion
from PhantomCase import PhantomCase


class TestRun(PhantomCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.output = cls.folder / "out"
        inputs = cls.inputs
        cls.status, cls.printed, cls.errors = medfusion(
            *("run", inputs["ct"], inputs["mri"], "--ct-landmarks", inputs["ct_landmarks"]),
            *("--mri-landmarks", inputs["mri_landmarks"], "--tumor-seed", cls.seed, "--output", cls.output),
        )

    def test_the_folder_holds_exactly_the_named_files(self):
        self.assertEqual(self.status, 0, self.errors)
        self.assertEqual(sorted(path.name for path in self.output.iterdir()), sorted(RUN_FILES))

    def test_the_error_to_expect_is_stated_at_the_tumor(self):
        measured = json.loads((self.output / "measurements.json").read_text())["registration"]
        self.assertGreater(measured["tre_mm_at_tumor"], measured["tre_mm_at_landmarks_center"])
        self.assertLess(measured["tre_mm_at_tumor"], 3.0)
        self.assertIn("at the tumor", measured["advice"])
        self.assertIn("expected TRE at the tumor", self.printed)

    def test_the_transform_maps_ct_points_to_mri_points(self):
        transform = readTransform(self.output / "ct_to_mri.h5")
        for target in self.phantom.targets:
            error = np.subtract(transform.TransformPoint(target), self.phantom.ctToMri.TransformPoint(target))
            self.assertLess(np.linalg.norm(error), 2.5)

    def test_registered_and_fused_volumes_lie_on_the_ct_grid(self):
        for name in ("mri_registered.nrrd", "fused.nrrd"):
            image = sitk.ReadImage(str(self.output / name))
            self.assertEqual(image.GetSize(), self.phantom.ct.GetSize())
            np.testing.assert_allclose(image.GetOrigin(), self.phantom.ct.GetOrigin(), atol=1e-4)
            np.testing.assert_allclose(image.GetSpacing(), self.phantom.ct.GetSpacing(), atol=1e-6)

    def test_the_measurements_have_their_keys_and_true_checksums(self):
        checkDocument(self.output / "measurements.json")
        document = json.loads((self.output / "measurements.json").read_text())
        self.assertLessEqual({"registration", "fusion", "tumor", "versions", "inputs"}, set(document))
        fusion = document["fusion"]
        self.assertLessEqual(
            {"method", "ct_changes", "display_window", "Dimmed", "Soft", "copy_ct", "copy_mri"}, set(fusion)
        )
        self.assertGreater(fusion["Bone"], fusion["copy_mri"]["Bone"])
        self.assertGreater(fusion["Soft"], fusion["copy_ct"]["Soft"])
        self.assertNotIn("QW", fusion)
        registration = document["registration"]
        self.assertEqual((registration["model"], registration["landmarks"]), ("rigid", 8))
        self.assertEqual(set(registration["residuals_mm"]), set(self.phantom.landmarkLabels))
        rms = np.sqrt(np.mean(np.square(list(registration["residuals_mm"].values()))))
        self.assertAlmostEqual(registration["fre_mm"], rms, delta=0.01)
        self.assertLessEqual({"volume_ml", "centroid_ras", "longest_diameter_mm"}, set(document["tumor"]))
        distance = np.linalg.norm(flipPoints(document["tumor"]["centroid_ras"]) - self.phantom.targets[-1])
        self.assertLess(distance, 10.0)
        for role, path in self.inputs.items():
            self.assertEqual(document["inputs"][role]["sha256"], fileChecksum(path))
            self.assertEqual(document["inputs"][role]["file"], Path(path).name)

    def test_the_parameters_tell_how_to_repeat_the_run(self):
        document = json.loads((self.output / "measurements.json").read_text())
        parameters, html = document["parameters"], (self.output / "report.html").read_text()
        expected = {"model": "rigid", "interpolation": "linear", "refine": "False", "auto": "False", "pairing": "label"}
        self.assertEqual(parameters["registration"], expected)
        seed = [float(value) for value in parameters["tumor"]["tumorSeed"].split(",")]
        np.testing.assert_allclose(seed, [float(value) for value in self.seed.split(",")])
        self.assertIn(parameters["tumor"]["tumorSeed"], html)
        self.assertFalse({"wavelet", "baseRule", "colorStyle", "consistency"} & set(parameters["fusion"]))
        project = tomllib.loads((PROJECT_ROOT / "pyproject.toml").read_text())["project"]
        self.assertEqual(document["versions"]["medfusion"], project["version"])

    def test_the_tumor_lies_where_the_truth_is(self):
        status, printed, errors = medfusion(
            "evaluate", "tumor", self.output / "tumor.seg.nrrd", self.output / "tumor.seg.nrrd"
        )
        self.assertEqual(status, 0, errors)
        self.assertRegex(printed, r"1\.000 +0\.00 +0\.00 +\+0\.0%")

    def test_the_report_is_one_file_without_scripts_or_requests(self):
        html = (self.output / "report.html").read_text(encoding="utf-8")
        self.assertNotRegex(html, r"<script|src=.http|href=.http|url\(")
        self.assertIn("data:image/png;base64,", html)
        self.assertNotIn(str(self.folder), html)

    def test_the_scene_opens_with_everything_in_place(self):
        with Session() as session:
            session.loadScene(self.output / "scene.mrb")
            scene = session.scene

            def one(className: str, name: str) -> object:
                node = scene.GetFirstNode(name, className)
                self.assertIsNotNone(node, f"{className} {name}")
                return node

            mri, ct = one("vtkMRMLScalarVolumeNode", "mri"), one("vtkMRMLScalarVolumeNode", "ct")
            fused = one("vtkMRMLScalarVolumeNode", "fused")
            transform = mri.GetParentTransformNode()
            self.assertEqual(transform.GetNodeReference(transform.GetMovingNodeReferenceRole()), mri)
            self.assertEqual(transform.GetNodeReference(transform.GetFixedNodeReferenceRole()), ct)
            for role, name in (("fixedLandmarks", "ct_landmarks"), ("movingLandmarks", "mri_landmarks")):
                landmarks = transform.GetNodeReference(role)
                self.assertEqual((landmarks.GetName(), landmarks.GetNumberOfControlPoints()), (name, 8))
            segmentation = scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
            self.assertEqual(segmentation.GetParentTransformNode(), transform)
            self.assertGreaterEqual(segmentation.GetSegmentation().GetNumberOfSegments(), 1)
            self.assertTrue(segmentation.GetDisplayNode().GetVisibility())
            red = scene.GetSingletonNode("Red", "vtkMRMLSliceCompositeNode")
            self.assertEqual(red.GetBackgroundVolumeID(), fused.GetID())
            np.testing.assert_array_equal(
                sitk.GetArrayFromImage(imageFromVolumeNode(mri)), sitk.GetArrayFromImage(self.phantom.mri)
            )

    def test_the_scene_s_table_says_what_the_measurements_say(self):
        measured = json.loads((self.output / "measurements.json").read_text())["registration"]
        with Session() as session:
            session.loadScene(self.output / "scene.mrb")
            transform = session.scene.GetFirstNodeByName("mri").GetParentTransformNode()
            table = transform.GetNodeReference(SUMMARY_TABLE_ROLE).GetTable()
            rows = range(table.GetNumberOfRows())
            summary = {table.GetValue(row, 0).ToString(): table.GetValue(row, 1).ToString() for row in rows}
        self.assertEqual(summary["What to do next"], measured["advice"])
        shown = float(summary["Expected error at the tumor, TRE (mm)"])
        self.assertAlmostEqual(shown, measured["tre_mm_at_tumor"], places=2)

    def test_the_scene_holds_the_map_of_the_expected_error_and_does_not_show_it(self):
        measured = json.loads((self.output / "measurements.json").read_text())
        with Session() as session:
            session.loadScene(self.output / "scene.mrb")
            scene = session.scene
            mapNode = scene.GetFirstNode("expected TRE (mm)", "vtkMRMLScalarVolumeNode")
            image = imageFromVolumeNode(mapNode)
            colorNode = mapNode.GetDisplayNode().GetColorNode()
            self.assertEqual((colorNode.GetName(), colorNode.GetNumberOfColors()), ("MedFusion expected error", 256))
            for name in ("Red", "Green", "Yellow"):
                shown = scene.GetSingletonNode(name, "vtkMRMLSliceCompositeNode")
                ids = (shown.GetBackgroundVolumeID(), shown.GetForegroundVolumeID(), shown.GetLabelVolumeID())
                self.assertNotIn(mapNode.GetID(), ids)
        self.assertLess(image.GetNumberOfPixels(), 200_000)
        centroid = flipPoints(measured["tumor"]["centroid_ras"])
        atTumor = sitk.Resample(image, [1, 1, 1], sitk.Transform(), sitk.sitkLinear, centroid.tolist(), [1.0] * 3)
        self.assertAlmostEqual(atTumor[0, 0, 0], measured["registration"]["tre_mm_at_tumor"], delta=0.02)

    def test_an_existing_output_is_replaced_only_with_force(self):
        self.assertRefused("exists already.*--force", *self.runArguments(), "--output", self.output)
        marker = self.output / "report.html"
        before = marker.stat().st_mtime_ns
        arguments = [*self.runArguments(), "--tumor-seed", self.seed, "--output", self.output]
        status, _, errors = medfusion(*arguments, "--force")
        self.assertEqual(status, 0, errors)
        self.assertNotEqual(marker.stat().st_mtime_ns, before)
        self.assertEqual(sorted(path.name for path in self.output.iterdir()), sorted(RUN_FILES))

    def test_the_interpolation_shapes_the_registered_volume(self):
        output = self.folder / "nearest"
        status, _, errors = medfusion(
            *self.runArguments(), "--tumor-seed", self.seed, "--interpolation", "nearest", "--output", output
        )
        self.assertEqual(status, 0, errors)
        values = np.unique(sitk.GetArrayFromImage(sitk.ReadImage(str(output / "mri_registered.nrrd"))))
        original = np.unique(sitk.GetArrayFromImage(self.phantom.mri))
        self.assertTrue(np.isin(values, np.append(original, 0)).all())
        document = json.loads((output / "measurements.json").read_text())
        self.assertEqual(document["parameters"]["registration"]["interpolation"], "nearest")

    def test_evaluate_registration_prints_the_target_error(self):
        targets = {
            "ct": self.phantom.targets.tolist(),
            "mr": [self.phantom.ctToMri.TransformPoint(target) for target in self.phantom.targets],
        }
        path = self.writeText("targets.json", json.dumps(targets))
        status, printed, errors = medfusion("evaluate", "registration", self.output / "ct_to_mri.h5", path)
        self.assertEqual(status, 0, errors)
        self.assertRegex(printed, r"TRE at 21 targets: RMS [0-2]\.\d+ mm")

    def test_evaluate_fusion_prints_every_measure_with_its_meaning(self):
        status, printed, errors = medfusion(
            "evaluate", "fusion", self.inputs["ct"], self.output / "mri_registered.nrrd", self.output / "fused.nrrd"
        )
        self.assertEqual(status, 0, errors)
        self.assertIn("SCD", printed)


class TestOtherCommands(PhantomCase):
    def test_register_writes_its_three_files(self):
        output = self.folder / "registered"
        status, printed, errors = medfusion(*["register", *self.runArguments()[1:]], "--output", output)
        self.assertEqual(status, 0, errors)
        self.assertIn("FRE", printed)
        self.assertLessEqual(
            {"mri_registered.nrrd", "ct_to_mri.h5", "measurements.json"}, {path.name for path in output.iterdir()}
        )

    def test_fuse_takes_an_mri_on_any_grid(self):
        output = self.folder / "fused.nrrd"
        status, _, errors = medfusion("fuse", self.inputs["ct"], self.inputs["mri"], "--output", output)
        self.assertEqual(status, 0, errors)
        self.assertEqual(sitk.ReadImage(str(output)).GetSize(), self.phantom.ct.GetSize())

    def test_segment_takes_ras_and_lps_points_alike(self):
        point = np.array(self.phantom.ctToMri.TransformPoint(self.phantom.targets[-1]))
        volumes = []
        for flag, values in (("--lps", point), (None, flipPoints(point))):
            output = self.folder / f"tumor{flag}.seg.nrrd"
            arguments = ["segment", self.inputs["mri"], "--tumor-seed", ",".join(map(str, values)), "--output", output]
            status, printed, errors = medfusion(*arguments, *([flag] if flag else []))
            self.assertEqual(status, 0, errors)
            volumes.append(printed)
        self.assertEqual(*volumes)

    def test_negative_coordinates_are_no_options(self):
        self.assertEqual(
            joinNegativeCoordinates(["--tumor-seed", "-1.5,2,-3e1", "--lps", "-x"]),
            ["--tumor-seed=-1.5,2,-3e1", "--lps", "-x"],
        )


if __name__ == "__main__":
    unittest.main()
