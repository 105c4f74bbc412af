"""What does not fit into memory is refused from its header, whatever limits the memory."""

import gzip
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import numpy as np
import SimpleITK as sitk
from DicomTesting import writeSource
from MedFusionLib.Core.Inputs import Memory
from MedFusionLib.Core.Inputs.VolumeFiles import readVolume
from MedFusionLib.Core.Inputs.VolumeSize import VolumeSize, volumeSize
from MedFusionTesting import PROJECT_ROOT, medfusion

MODULE = "MedFusionLib.Core.Inputs.Memory"


class TestMemory(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def bomb(self, name: str = "bomb.nii.gz") -> Path:
        """Return a small gzip whose header promises 54 GB; reading its voxels would fail in another way."""
        source = self.folder / "small.nii"
        sitk.WriteImage(sitk.Image([4, 4, 4], sitk.sitkFloat64), str(source))
        data = bytearray(source.read_bytes())
        data[40:48] = np.array([3, 3000, 1500, 1500], "<i2").tobytes()
        path = self.folder / name
        path.write_bytes(gzip.compress(bytes(data)))
        return path

    def test_the_size_is_known_from_every_header(self):
        for pixel, name in ((sitk.sitkUInt8, "u8"), (sitk.sitkInt16, "i16"), (sitk.sitkUInt32, "u32"),
                            (sitk.sitkFloat32, "f32"), (sitk.sitkFloat64, "f64")):  # fmt: skip
            image = sitk.Image([5, 4, 3], pixel)
            for suffix in (".nii", ".nii.gz", ".nrrd", ".mha", ".mhd", ".hdr"):
                path = self.folder / f"{name}{suffix}"
                sitk.WriteImage(image, str(path))
                expected = (60, 60 * image.GetSizeOfPixelComponent())
                found = volumeSize(path)
                with self.subTest(path.name):
                    self.assertEqual((found.voxels, found.bytes), expected)
        (self.folder / "text.nrrd").write_text("NRRD0004\nsizes: a b\n\n")
        self.assertIsNone(volumeSize(self.folder / "text.nrrd"))
        self.assertIsNone(volumeSize(self.folder / "text.png"))

    def test_every_command_refuses_a_bomb_before_reading_it(self):
        path, fused = self.bomb(), self.folder / "out.nrrd"
        commands = (
            ("inspect", path),
            ("fuse", path, path, "--output", fused),
            ("register", path, self.bomb("other.nii.gz"), "--auto", "--output", self.folder / "out"),
            ("run", path, self.bomb("third.nii.gz"), "--auto", "--output", self.folder / "out"),
            ("segment", path, "--output", self.folder / "out.seg.nrrd"),
            ("evaluate", "fusion", path, path, path),
            ("evaluate", "tumor", path, path),
        )
        with mock.patch(f"{MODULE}.freeMemory", lambda: 8_000_000_000):
            for command in commands:
                with self.subTest(command[0]):
                    status, output, errors = medfusion(*command)
                    self.assertEqual((status, output), (2, ""))
                    self.assertRegex(errors, r"8\.0 GB (of memory )?are free")
        self.assertFalse(fused.exists() or (self.folder / "out").exists())

    def test_a_dicom_series_is_asked_before_its_pixels(self):
        image = sitk.GetImageFromArray(np.zeros((40, 200, 200), np.int16) + np.arange(200, dtype=np.int16))
        folder = writeSource(self.folder / "series", "CT", image)
        with (
            mock.patch(f"{MODULE}.freeMemory", lambda: 1_000_000),
            mock.patch(f"{MODULE}._SMALLEST_ASKED", 0),
            mock.patch("MedFusionLib.Core.Dicom.Series._readPlanes", side_effect=AssertionError("pixels were read")),
            self.assertRaisesRegex(ValueError, "200 x 200 x 40 voxels"),
        ):
            readVolume(folder)

    def test_the_least_of_computer_groups_and_limits_is_free(self):
        files = {
            "/proc/meminfo": "MemTotal: 99 kB\nMemAvailable: 9000 kB",
            "/proc/self/cgroup": "4:cpu,memory:/batch/job\n0::/user/me",
            "/sys/fs/cgroup/memory/batch/memory.limit_in_bytes": "5000000",
            "/sys/fs/cgroup/memory/batch/memory.usage_in_bytes": "1000000",
            "/sys/fs/cgroup/memory/batch/memory.stat": "total_inactive_file 500000",
            "/sys/fs/cgroup/user/me/memory.max": "max",
            "/sys/fs/cgroup/user/memory.max": "3000000",
            "/sys/fs/cgroup/user/memory.current": "1000000",
        }
        with (
            mock.patch(f"{MODULE}._lines", lambda path: files.get(str(path), "").splitlines()),
            mock.patch(f"{MODULE}._ofLimits", list),
        ):
            self.assertEqual(sorted(Memory._ofControlGroups()), [2_000_000, 4_500_000])
            self.assertEqual(Memory.freeMemory(), 2_000_000)
            files.pop("/proc/self/cgroup")
            self.assertEqual(Memory.freeMemory(), 9000 * 1024)
            files.clear()
            self.assertIsNone(Memory.freeMemory())
            Memory.checkReading("any", VolumeSize((10_000, 10_000, 10_000), 8))

    @unittest.skipUnless(sys.platform == "linux", "the limits of a process are read on Linux")
    def test_a_limit_of_the_process_counts(self):
        script = (
            "import resource, sys; sys.path.insert(0, sys.argv[1]); from MedFusionLib.Core.Inputs.Memory import *;"
            "resource.setrlimit(resource.RLIMIT_AS, (3 << 30, 3 << 30)); print(freeMemory())"
        )
        command = [sys.executable, "-c", script, str(PROJECT_ROOT / "MedFusion")]
        free = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
        self.assertLess(free, 3 << 30)


if __name__ == "__main__":
    unittest.main()
