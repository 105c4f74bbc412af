"""The command line and bad input: one sentence for each kind, exit status 2, and nothing left behind."""

import os
import signal
import subprocess
import sys
import time
import unittest
from unittest import mock

import numpy as np
import SimpleITK as sitk
from MedFusionTesting import PROJECT_ROOT, medfusion, sharedData
from PhantomCase import PhantomCase


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
        self.assertRefused(
            "overlap|share only|put the heads beside each other|do not fit these images",
            *self.runArguments(mri_landmarks=away),
            "--output",
            self.folder / "o",
        )

    def test_a_seed_outside_the_volume_is_refused(self):
        arguments = [*self.runArguments(), "--tumor-seed", "900,900,900", "--output", self.folder / "out"]
        self.assertRefused("outside", *arguments)

    def test_words_that_are_no_coordinates_are_refused(self):
        arguments = [*self.runArguments(), "--tumor-seed", "1,2", "--output", self.folder / "out"]
        self.assertRefused("in a volume points are X,Y,Z", *arguments)

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
            "overlap|share only|put the heads beside each other|do not fit these images",
            *self.runArguments(ct=folder / "vm_head_ct.mha", mri=folder / "vm_head_mri.mha"),
            *("--output", self.folder / "out"),
        )


if __name__ == "__main__":
    unittest.main()
