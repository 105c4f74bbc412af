"""The command line as its user meets it: results, exit status, and one sentence for each kind of bad input."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import tomllib
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import SimpleITK as sitk
from MedFusionLib.CommandLine.Arguments import joinNegativeCoordinates
from MedFusionLib.CommandLine.Demo import writePhantom
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Inputs.TransformFiles import readTransform
from MedFusionLib.Core.Inputs.VolumeFiles import fileChecksum
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Core.Results.FileNames import RUN_FILES
from MedFusionLib.Scene.RegistrationNodes import SUMMARY_TABLE_ROLE
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.VolumeNodes import imageFromVolumeNode
from MedFusionTesting import PROJECT_ROOT, checkDocument, medfusion, sharedData


class PhantomCase(unittest.TestCase):
    """A quick phantom written to files, once per class."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name)
        cls.phantom = makePhantom(spacingFactor=2.0)
        cls.inputs = writePhantom(cls.phantom, cls.folder / "input")
        cls.seed = ",".join(f"{value:.2f}" for value in flipPoints(cls.phantom.targets[-1]))

    def runArguments(self, **changes: object) -> list[object]:
        inputs = self.inputs | changes
        return [
            *("run", inputs["ct"], inputs["mri"]),
            *("--ct-landmarks", inputs["ct_landmarks"], "--mri-landmarks", inputs["mri_landmarks"]),
        ]

    def assertRefused(self, pattern: str, *arguments: object) -> None:
        """Assert that the arguments are refused with one matching sentence, exit status 2, and nothing written."""
        before = sorted(self.folder.rglob("*"))
        status, output, errors = medfusion(*arguments)
        lastLine = errors.strip().splitlines()[-1]
        self.assertEqual((status, output), (2, ""), errors)
        self.assertRegex(lastLine, pattern)
        self.assertNotIn("Traceback", errors)
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def write(self, name: str, array: np.ndarray, isVector: bool = False) -> Path:
        """Write an array on the phantom CT's spacing as a volume file, removed after the test."""
        path = self.folder / name
        image = sitk.GetImageFromArray(array, isVector=isVector)
        sitk.WriteImage(image, str(path))
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def writeText(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def changedLandmarks(self, name: str, change: object) -> Path:
        """Write the phantom's MRI landmarks after a change to the list of control points."""
        document = json.loads(Path(self.inputs["mri_landmarks"]).read_text())
        document["markups"][0]["controlPoints"] = change(document["markups"][0]["controlPoints"])
        return self.writeText(name, json.dumps(document))


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


class TestBadInput(PhantomCase):
    def test_volumes_that_cannot_be_used_are_refused(self):
        random = np.random.default_rng(0)
        noise = random.normal(size=(6, 7, 8)).astype(np.float32)
        files = {
            "There is no volume": self.folder / "nothing.nrrd",
            "could not be read as a volume": self.writeText("text.nrrd", "no volume"),
            "is 4D": self.write("four.nrrd", np.stack([noise, noise])),
            "3 values per voxel": self.write("vector.nrrd", np.stack([noise] * 3, -1), True),
            "is 2D": self.write("flat.nrrd", noise[0]),
            "are not numbers": self.write("nan.nrrd", np.full((4, 5, 6), np.nan, np.float32)),
            "Every voxel of .* has the value 7": self.write("constant.nrrd", np.full((4, 5, 6), 7, np.int16)),
        }
        for pattern, path in files.items():
            with self.subTest(pattern):
                self.assertRefused(pattern, *self.runArguments(mri=path), "--output", self.folder / "out")
                self.assertRefused(pattern, "fuse", path, self.inputs["mri"], "--output", self.folder / "f.nrrd")

    def test_landmarks_that_cannot_be_used_are_refused(self):
        def unset(points: list) -> list:
            return [point | {"positionStatus": "undefined"} if i > 1 else point for i, point in enumerate(points)]

        def inLine(points: list) -> list:
            return [point | {"position": [10.0 * i, 0, 0]} for i, point in enumerate(points)]

        def renamed(points: list) -> list:
            return [point | {"label": f"other {i}"} for i, point in enumerate(points)]

        files = {
            "no landmark file": self.folder / "nothing.mrk.json",
            "not a Slicer markups file": self.writeText("broken.mrk.json", "{"),
            "3|three": self.changedLandmarks("two.mrk.json", lambda points: points[:2]),
            "line": self.changedLandmarks("line.mrk.json", inLine),
            "label": self.changedLandmarks("labels.mrk.json", renamed),
            "3|unset|placed|three": self.changedLandmarks("unset.mrk.json", unset),
        }
        for pattern, path in files.items():
            with self.subTest(path.name):
                self.assertRefused(pattern, *self.runArguments(mri_landmarks=path), "--output", self.folder / "out")

    def test_volumes_that_do_not_overlap_are_refused(self):
        away = self.changedLandmarks(
            "away.mrk.json",
            lambda points: [point | {"position": [x + 900 for x in point["position"]]} for point in points],
        )
        self.assertRefused("overlap|share only", *self.runArguments(mri_landmarks=away), "--output", self.folder / "o")

    def test_a_seed_outside_the_volume_is_refused(self):
        arguments = [*self.runArguments(), "--tumor-seed", "900,900,900", "--output", self.folder / "out"]
        self.assertRefused("outside", *arguments)

    def test_words_that_are_no_coordinates_are_refused(self):
        arguments = [*self.runArguments(), "--tumor-seed", "1,2", "--output", self.folder / "out"]
        self.assertRefused("not X,Y,Z", *arguments)

    def test_an_output_that_would_replace_an_input_is_refused(self):
        self.assertRefused(
            "would replace the input", "fuse", self.inputs["ct"], self.inputs["mri"], "--output", self.inputs["mri"]
        )
        self.assertRefused("would replace", *self.runArguments(), "--force", "--output", self.folder / "input")

    def test_outputs_that_hold_each_other_are_refused(self):
        out = self.folder / "out"
        for dicom in (out, out / "dicom", self.folder):
            self.assertRefused("lies inside the output", *self.runArguments(), "--output", out, "--dicom", dicom)
        arguments = ["register", *self.runArguments()[1:], "--output", out, "--tre-map", out / "tre.nrrd"]
        self.assertRefused("lies inside the output", *arguments)

    def test_an_output_inside_an_input_folder_is_refused(self):
        inside = self.folder / "input" / "out"
        arguments = [*self.runArguments(ct=self.folder / "input"), "--output", inside]
        self.assertRefused("lies inside the input", *arguments)

    def test_an_output_that_cannot_be_written_is_refused(self):
        file = self.writeText("file", "")
        self.assertRefused("cannot be written", *self.runArguments(), "--output", file / "out")

    def test_a_refused_run_leaves_no_folders_on_the_way_to_its_output(self):
        status, _, _ = medfusion(*self.runArguments(), "--tumor-seed=900,0,0", "--output", self.folder / "new" / "run")
        self.assertEqual(status, 2)
        self.assertFalse((self.folder / "new").exists())

    def test_targets_that_cannot_be_used_are_refused(self):
        transform = self.folder / "identity.tfm"
        sitk.WriteTransform(sitk.Euler3DTransform(), str(transform))
        self.addCleanup(transform.unlink)
        for text in ("", "[]", '{"ct": [[1, 2]], "mr": [[1, 2]]}', '{"ct": [[1, 2, NaN]], "mr": [[1, 2, 3]]}'):
            with self.subTest(text):
                path = self.writeText("bad.json", text)
                self.assertRefused("targets|number|must be", "evaluate", "registration", transform, path)

    def test_a_full_disk_leaves_no_output(self):
        def full(*_arguments: object) -> None:
            raise OSError(28, "No space left on device", "measurements.json")

        with mock.patch("MedFusionLib.Scene.ResultFolder.writeMeasurements", full):
            self.assertRefused("No space left on device", *self.runArguments(), "--output", self.folder / "out")

    def test_the_libraries_own_text_is_kept_from_the_user(self):
        def fail(*_arguments: object) -> None:
            sitk.SmoothingRecursiveGaussian(sitk.Image([2, 2, 2], sitk.sitkFloat32), 1.0)

        with mock.patch("MedFusionLib.Core.Results.Evaluation.scoreTable", fail):
            status, _, errors = medfusion(*self.runArguments(), "--output", self.folder / "out")
        self.assertEqual(status, 1)
        self.assertRegex(errors.splitlines()[-1], "^medfusion: The step could not be finished on these volumes")

    def test_a_run_interrupted_while_it_loads_its_libraries_says_so(self):
        script = (
            "import os, signal, sys\n"
            "class Interrupt:\n"
            "    def find_spec(self, name, *_):\n"
            "        if name == 'numpy':\n"
            "            sys.meta_path.remove(self)\n"
            "            os.kill(os.getpid(), signal.SIGTERM)\n"
            "sys.meta_path.insert(0, Interrupt())\n"
            "from MedFusionLib.__main__ import main\n"
            "sys.exit(main(['inspect', 'nothing']))\n"
        )
        environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT / "MedFusion")}
        process = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment)
        self.assertEqual(process.returncode, 130, process.stderr)
        self.assertEqual(process.stderr, "medfusion: interrupted; nothing was written.\n")

    def test_an_interrupted_run_leaves_no_output(self):
        output = self.folder / "interrupted"
        environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT / "MedFusion")}
        arguments = [*map(str, self.runArguments()), "--tumor-seed", self.seed, "--output", str(output)]
        process = subprocess.Popen(
            [sys.executable, "-m", "MedFusionLib", *arguments], stderr=subprocess.PIPE, text=True, env=environment
        )
        for line in process.stderr:
            if line.startswith("Register ..."):
                break
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=120)
        self.assertEqual(process.returncode, 130, errors)
        self.assertIn("interrupted; nothing was written", errors)
        self.assertEqual([path.name for path in self.folder.iterdir()], ["input"])

    def test_an_mri_without_common_coordinates_is_refused(self):
        folder = sharedData("visible-human")
        self.assertRefused(
            "overlap|share only",
            *self.runArguments(ct=folder / "vm_head_ct.mha", mri=folder / "vm_head_mri.mha"),
            *("--output", self.folder / "out"),
        )


if __name__ == "__main__":
    unittest.main()
