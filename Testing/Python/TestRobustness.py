"""Quick representatives of the campaigns in Testing/Benchmark: repetition, odd files, mutated input, a killed run."""

import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import SimpleITK as sitk
from MedFusionLib.CommandLine.Evaluate import readTargets
from MedFusionLib.Core.Dicom.Series import readSeries
from MedFusionLib.Core.Fusion.Fusion import fuseVolumes
from MedFusionLib.Core.Inputs.Memory import checkMemory
from MedFusionLib.Core.Inputs.VolumeFiles import fileChecksum, readVolume
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Core.Results.FileNames import RUN_FILES
from MedFusionLib.Scene.NodeFiles import loadMarkups
from MedFusionLib.Scene.Session import Session
from MedFusionTesting import PROJECT_ROOT

sys.path.append(str(PROJECT_ROOT / "Testing" / "Benchmark"))

from FuzzBenchmark import makeSources, mutatedFile, refusesProperly
from MedFusionTesting import medfusion
from PhantomCase import PhantomCase


class TestRobustness(PhantomCase):
    @classmethod
    def setUpClass(cls) -> None:
        with mock.patch("PhantomCase.makePhantom", lambda spacingFactor: makePhantom(spacingFactor=3.0)):
            super().setUpClass()

    def command(self, output: Path) -> list[str]:
        return [*map(str, self.runArguments()), f"--tumor-seed={self.seed}", "--output", str(output)]

    def test_the_same_input_gives_the_same_files(self):
        outputs = [self.folder / name for name in ("once", "twice")]
        for output in outputs:
            self.assertEqual(medfusion(*self.command(output))[0], 0)
        for name in ("mri_registered.nrrd", "fused.nrrd", "tumor.seg.nrrd"):
            self.assertEqual(*(fileChecksum(output / name) for output in outputs), name)
        texts = [(output / "measurements.json").read_text(encoding="utf-8") for output in outputs]
        self.assertEqual(*(re.sub(r'"created": "[^"]*"', "", text) for text in texts))

    def test_a_killed_run_leaves_a_complete_folder_or_none_and_its_inputs_unchanged(self):
        before = {role: fileChecksum(path) for role, path in self.inputs.items()}
        output = self.folder / "killed"
        process = subprocess.Popen(
            [sys.executable, "-m", "MedFusionLib", *self.command(output)],
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT / "MedFusion")},
        )
        for line in process.stderr:
            if line.startswith("Measure and write ..."):
                break
        time.sleep(random.Random(1).uniform(0.2, 0.6))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        if output.exists():
            self.assertEqual(sorted(path.name for path in output.iterdir()), sorted(RUN_FILES))
        self.assertEqual({role: fileChecksum(path) for role, path in self.inputs.items()}, before)

    def test_a_run_killed_while_it_writes_the_scene_leaves_nothing_once_the_next_has_run(self):
        output, temporary = self.folder / "again", self.folder / "temporary"
        temporary.mkdir()
        process = subprocess.Popen(
            [sys.executable, "-m", "MedFusionLib", *self.command(output)],
            stderr=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            env=os.environ | {"PYTHONPATH": str(PROJECT_ROOT / "MedFusion"), "TMPDIR": str(temporary)},
        )
        while process.poll() is None and not any(self.folder.rglob("Data/ct.nrrd")):
            time.sleep(0.02)
        process.kill()
        process.wait()
        self.assertFalse(output.exists())
        self.assertEqual([path for path in temporary.rglob("*") if path.is_file()], [])
        self.assertEqual(medfusion(*self.command(output))[0], 0)
        self.assertEqual(sorted(path.name for path in output.iterdir()), sorted(RUN_FILES))
        self.assertEqual(list(self.folder.glob(".again*")), [])

    def test_every_pixel_type_goes_through_the_whole_chain(self):
        ctTypes = ("int16", "int32", "int64", "float32", "float64")
        mriTypes = ("int8", "uint8", "uint16", "uint32", "uint64")
        for pair in zip(ctTypes, mriTypes, strict=True):
            files = {}
            for role, name, image in zip(("ct", "mri"), pair, (self.phantom.ct, self.phantom.mri / 10), strict=True):
                typed = sitk.GetImageFromArray(sitk.GetArrayFromImage(image).clip(-2000, 2000).astype(name))
                typed.CopyInformation(image)
                files[role] = self.folder / f"{name}.nrrd"
                sitk.WriteImage(typed, str(files[role]))
            output = self.folder / "_".join(pair)
            with self.subTest(pair):
                command = [*self.runArguments(**files), f"--tumor-seed={self.seed}", "--output", output]
                status, _, errors = medfusion(*command)
                self.assertEqual(status, 0, errors)
                self.assertEqual(sorted(path.name for path in output.iterdir()), sorted(RUN_FILES))

    def test_volumes_too_large_for_the_memory_are_refused_before_the_work(self):
        with mock.patch("MedFusionLib.Core.Inputs.Memory.freeMemory", lambda: 10_000_000):
            self.assertRefused("million voxels.*GB are free", *self.command(self.folder / "large"))

    def test_wider_voxels_need_more_memory_and_what_is_held_already_is_not_asked_for_again(self):
        narrow, wide = (sitk.Image([100, 100, 100], pixelType) for pixelType in (sitk.sitkInt16, sitk.sitkFloat64))
        with mock.patch("MedFusionLib.Core.Inputs.Memory.freeMemory", lambda: 615_000_000):
            checkMemory(narrow, narrow)
            with self.assertRaisesRegex(ValueError, "1 million voxels, for which a run needs about 0.6 GB"):
                checkMemory(wide, wide)


class TestOddFiles(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def test_every_pixel_type_and_encoding_reads_to_the_same_values(self):
        values = np.random.default_rng(5).integers(0, 120, (4, 5, 6))
        for name in ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64"):
            path = self.folder / f"{name}.nrrd"
            sitk.WriteImage(sitk.GetImageFromArray(values.astype(name)), str(path), useCompression=name != "int16")
            np.testing.assert_array_equal(sitk.GetArrayFromImage(readVolume(path).image), values)
        header, _, data = (self.folder / "int16.nrrd").read_bytes().partition(b"\n\n")
        big = self.folder / "big.nrrd"
        swapped = np.frombuffer(data, "<i2").astype(">i2").tobytes()
        big.write_bytes(header.replace(b"endian: little", b"endian: big") + b"\n\n" + swapped)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(readVolume(big).image), values)

    def test_whole_numbers_beyond_32_bits_are_read_as_floating_point(self):
        values = np.arange(60).reshape(3, 4, 5) * 10**10
        for name in ("int64", "uint64"):
            path = self.folder / f"{name}.nrrd"
            sitk.WriteImage(sitk.GetImageFromArray(values.astype(name)), str(path))
            image = readVolume(path).image
            self.assertEqual(image.GetPixelID(), sitk.sitkFloat64)
            np.testing.assert_array_equal(sitk.GetArrayFromImage(image), values)

    def test_all_files_of_a_volume_are_known_also_where_a_header_names_the_others(self):
        image = sitk.GetImageFromArray(np.arange(60, dtype=np.int16).reshape(3, 4, 5))
        for name, data in (
            ("a.nrrd", None),
            ("a.mha", None),
            ("b.nhdr", "b.raw"),
            ("c.mhd", "c.raw"),
            ("d.hdr", "d.img"),
        ):
            sitk.WriteImage(image, str(self.folder / name))
            files = [self.folder / each for each in (name, data) if each]
            self.assertEqual(list(readVolume(self.folder / name).files), files)
        slices = [self.folder / f"slice{number}.raw" for number in (1, 2, 3)]
        for file, plane in zip(slices, sitk.GetArrayFromImage(image), strict=True):
            file.write_bytes(plane.tobytes())
        header = (
            "NRRD0004\ntype: short\ndimension: 3\nspace: LPS\nsizes: 5 4 3\nspace directions: (1,0,0) (0,1,0) (0,0,1)\n"
        )
        header += "encoding: raw\nendian: little\n"
        names = "\n".join(file.name for file in slices)
        for name, field in (("e.nhdr", "slice%d.raw 1 3 1"), ("f.nhdr", f"LIST\n{names}")):
            path = self.folder / name
            path.write_text(f"{header}data file: {field}\n")
            self.assertEqual(list(readVolume(path).files), [path, *slices])

    def test_tiny_volumes_and_extreme_spacings_fuse(self):
        values = np.random.default_rng(6).normal(100, 400, (2, 2, 2)).astype(np.float32)
        for spacing in (1.0, 1e-6, 1e6):
            image = sitk.GetImageFromArray(values)
            image.SetSpacing([spacing] * 3)
            with self.subTest(spacing=spacing):
                self.assertEqual(fuseVolumes(image, [image * 2]).image.GetSize(), (2, 2, 2))

    def test_mutated_files_are_read_or_refused_in_a_sentence(self):
        sources, work = self.folder / "sources", self.folder / "work"
        sources.mkdir()
        work.mkdir()
        makeSources(sources)
        with Session() as session:
            readers = {
                "targets.json": readTargets,
                "small.nrrd": readVolume,
                "ct_landmarks.mrk.json": lambda path: loadMarkups(session.scene, path),
                "series/CT000.dcm": lambda path: readSeries(path.parent),
            }
            for name, reader in readers.items():
                for seed in range(40):
                    source = sources / name
                    target = work / source.name if source.parent == sources else source
                    original = source.read_bytes()
                    mutatedFile(source, target, random.Random(f"{name} {seed}"))
                    outcome = refusesProperly(lambda reader=reader, target=target: reader(target))
                    source.write_bytes(original)
                    self.assertIn(outcome, ("accepted", "refused"), f"{name} seed {seed}")


if __name__ == "__main__":
    unittest.main()
