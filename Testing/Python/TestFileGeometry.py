"""What headers say of left, right and place is taken, said or refused, and never guessed."""

import struct
import tempfile
import unittest
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Coordinates import CoordinateSystem
from MedFusionLib.Core.Inputs.FileGeometry import affineOf, shearDegrees
from MedFusionLib.Core.Inputs.VolumeFiles import VolumeFile, readAnyOrientation, readVolume
from MedFusionTesting import medfusion

CODES, QFORM_OFFSET, SFORM = 252, 268, 280


def obliqueImage() -> sitk.Image:
    image = sitk.GetImageFromArray(np.random.default_rng(0).normal(size=(6, 7, 8)).astype(np.float32))
    image.SetSpacing((2.0, 2.5, 3.0))
    image.SetOrigin((10.0, -20.0, 300.0))
    turn = sitk.Euler3DTransform()
    turn.SetRotation(0.2, -0.1, 0.3)
    image.SetDirection(turn.GetMatrix())
    return image


def sheared(degrees: float, qformCode: int = 0) -> Callable[[bytearray], None]:
    """Return an edit that tilts the first axis of the sform towards the second."""

    def edit(data: bytearray) -> None:
        struct.pack_into("<2h", data, CODES, qformCode, 1)
        rows = np.array(struct.unpack_from("<12f", data, SFORM)).reshape(3, 4)
        rows[:, 0] += np.tan(np.radians(degrees)) * rows[:, 1] * np.linalg.norm(rows[:, 0]) / np.linalg.norm(rows[:, 1])
        struct.pack_into("<12f", data, SFORM, *rows.ravel())

    return edit


class TestFileGeometry(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.image = obliqueImage()

    def nifti(self, edit: Callable[[bytearray], None], name: str = "volume.nii") -> Path:
        path = self.folder / name
        sitk.WriteImage(self.image, str(path))
        data = bytearray(path.read_bytes())
        edit(data)
        path.write_bytes(data)
        return path

    def nrrd(self, *changes: tuple[str, str], name: str = "volume.nrrd") -> Path:
        path = self.folder / name
        sitk.WriteImage(self.image, str(path))
        header, _, voxels = path.read_bytes().partition(b"\n\n")
        text = header.decode()
        for old, new in changes:
            self.assertIn(old, text)
            text = text.replace(old, new)
        path.write_bytes(text.encode() + b"\n\n" + voxels)
        return path

    def nrrdLine(self, name: str) -> str:
        sitk.WriteImage(self.image, str(self.folder / "line.nrrd"))
        header = (self.folder / "line.nrrd").read_bytes().partition(b"\n\n")[0].decode()
        return next(line for line in header.splitlines() if line.startswith(name))

    def assertLiesAt(self, volume: VolumeFile, image: sitk.Image, tolerance: float = 1e-3) -> None:
        np.testing.assert_allclose(affineOf(volume.image), affineOf(image), atol=tolerance)

    def test_a_sound_file_of_each_format_lies_where_it_was_written_and_nothing_is_said(self):
        for suffix in (".nii", ".nii.gz", ".nrrd", ".nhdr", ".mha", ".mhd"):
            path = self.folder / f"sound{suffix}"
            sitk.WriteImage(self.image, str(path))
            volume = readVolume(path, assumedAxes=CoordinateSystem.ras)
            self.assertLiesAt(volume, self.image)
            self.assertEqual((volume.warnings, volume.unknownOrientation), ((), ""), suffix)

    def test_headers_without_a_place_for_the_voxels_are_refused_with_what_they_say(self):
        def emptySform(data: bytearray) -> None:
            struct.pack_into("<2h", data, CODES, 0, 1)
            struct.pack_into("<12f", data, SFORM, *[0.0] * 12)

        directions = self.nrrdLine("space directions")
        none = self.nrrd((directions, "space directions: none none none"), name="none.nrrd")
        meta = self.folder / "long.mha"
        sitk.WriteImage(self.image, str(meta))
        data = meta.read_bytes()
        start = data.index(b"TransformMatrix")
        meta.write_bytes(data[:start] + b"TransformMatrix = 2 0 0 0 2 0 0 0 2" + data[data.index(b"\n", start) :])
        for path, words in ((self.nifti(emptySform), "no place"), (none, "none none none"), (meta, "lengths 2, 2, 2")):
            with self.assertRaisesRegex(ValueError, words):
                readVolume(path)

    def test_a_file_under_the_name_of_another_format_is_called_by_its_own(self):
        path = self.nifti(lambda data: None).rename(self.folder / "renamed.nrrd")
        with self.assertRaisesRegex(ValueError, "renamed.nrrd could not be read.*it is a NIfTI file.*suffix .nii"):
            readVolume(path)

    def test_files_without_an_orientation_are_refused_unless_the_user_says_it(self):
        def analyze(data: bytearray) -> None:
            data[344:348] = bytes(4)

        image = sitk.GetImageFromArray(sitk.GetArrayFromImage(self.image))
        image.SetSpacing((2, 2.5, 3))
        self.image = image
        spaces = "space: left-posterior-superior"
        self.nifti(lambda data: None, "scan.img")
        header = self.folder / "scan.hdr"
        data = bytearray(header.read_bytes())
        analyze(data)
        header.write_bytes(data)
        bare = self.folder / "bare.mhd"
        bare.write_text("NDims = 3\nDimSize = 8 7 6\nElementSpacing = 2 2.5 3\nElementType = MET_FLOAT\n"
                        "ElementDataFile = bare.raw\n")  # fmt: skip
        (self.folder / "bare.raw").write_bytes(sitk.GetArrayFromImage(image).tobytes())
        paths = (
            self.nifti(lambda data: struct.pack_into("<2h", data, CODES, 0, 0)),
            header,
            self.nrrd((spaces, "space: scanner-xyz"), name="scanner.nrrd"),
            self.nrrd((spaces, "space dimension: 3"), name="none.nrrd"),
            bare,
        )
        for path in paths:
            with self.subTest(path.name):
                with self.assertRaisesRegex(ValueError, "orientation .* left and right .*--assume-orientation"):
                    readVolume(path)
                self.assertTrue(readAnyOrientation(path).unknownOrientation)
                for axes, sign in ((CoordinateSystem.lps, 1), (CoordinateSystem.ras, -1)):
                    volume = readVolume(path, assumedAxes=axes)
                    self.assertTrue(volume.unknownOrientation, "letters must not be drawn as if they were known")
                    self.assertRegex(" ".join(volume.warnings), f"{axes.value} was assumed")
                    np.testing.assert_allclose(affineOf(volume.image)[:3, :3], np.diag([2 * sign, 2.5 * sign, 3]))

    def test_two_positions_that_differ_are_said_with_their_distance(self):
        def moved(data: bytearray) -> None:
            struct.pack_into("<2h", data, CODES, 1, 1)
            x = struct.unpack_from("<f", data, QFORM_OFFSET)[0]
            struct.pack_into("<f", data, QFORM_OFFSET, x + 30)

        volume = readVolume(self.nifti(moved))
        taken = "sform" if np.allclose(volume.image.GetOrigin(), self.image.GetOrigin(), atol=0.1) else "qform"
        self.assertRegex(" ".join(volume.warnings), f"up to 30.0 mm apart; the {taken} was taken")
        volume = readVolume(self.nifti(sheared(5, qformCode=1)))
        self.assertLiesAt(volume, self.image)
        self.assertRegex(" ".join(volume.warnings), r"up to 1\.2 mm apart; the qform was taken, not the sform")
        self.assertEqual(readVolume(self.nifti(sheared(0.5, qformCode=1))).warnings, ())

    def test_a_shear_is_refused_with_its_angle_and_a_tiny_one_repaired_and_said(self):
        tilted = self.nifti(sheared(0.3), "tilted.nii")
        self.image = sitk.GetImageFromArray(sitk.GetArrayFromImage(self.image))
        for path in (tilted, self.nrrd(("(1,0,0)", "(1,0.005236,0)"))):
            with self.subTest(path.name), self.assertRaisesRegex(ValueError, "not perpendicular: .* 0.30 degrees"):
                readVolume(path)
        self.image = obliqueImage()
        volume = readVolume(self.nifti(sheared(0.05)))
        self.assertRegex(" ".join(volume.warnings), "sheared by 0.050 degrees and made perpendicular")
        self.assertLess(shearDegrees(affineOf(volume.image)), 1e-6)
        self.assertLiesAt(volume, self.image, tolerance=0.01)

    def test_lengths_in_meters_and_micrometers_are_converted_and_said(self):
        def meters(data: bytearray) -> None:
            data[123] = 1
            for at, kind in ((76 + 4, "<3f"), (QFORM_OFFSET, "<3f"), (SFORM, "<12f")):
                values = np.array(struct.unpack_from(kind, data, at)) / 1000
                struct.pack_into(kind, data, at, *values)

        volume = readVolume(self.nifti(meters))
        self.assertLiesAt(volume, self.image)
        self.assertRegex(" ".join(volume.warnings), "converted to millimeters .*1000 mm")
        self.image = sitk.GetImageFromArray(sitk.GetArrayFromImage(self.image))
        self.image.SetSpacing((2, 2.5, 3))
        millimeters = [("(2,0,0) (0,2.5,0) (0,0,3)", "(.002,0,0) (0,.0025,0) (0,0,.003)")]
        units = ("superior\n", 'superior\nspace units: "m" "m" "m"\n')
        volume = readVolume(self.nrrd(units, *millimeters))
        self.assertLiesAt(volume, self.image)
        self.assertRegex(" ".join(volume.warnings), "converted to millimeters")
        ras = self.nrrd(("left-posterior-superior", "right-anterior-superior"), units, *millimeters, name="ras.nrrd")
        np.testing.assert_allclose(np.diag(affineOf(readVolume(ras).image)), [-2, -2.5, 3, 1], atol=1e-6)
        with self.assertRaisesRegex(ValueError, '"furlong", which is not a known unit'):
            readVolume(self.nrrd(("superior\n", 'superior\nspace units: "furlong" "furlong" "furlong"\n')))

    def test_inspect_shows_it_all(self):
        for edit, pattern in (
            (lambda data: struct.pack_into("<2h", data, CODES, 0, 0), "Orientation +unknown, left and right included"),
            (sheared(0.05), "Warning: .* sheared by 0.050 degrees"),
            (sheared(5, qformCode=1), "Warning: .* 1.2 mm apart"),
        ):
            status, output, errors = medfusion("inspect", self.nifti(edit))
            self.assertEqual((status, errors), (0, ""))
            self.assertRegex(output, pattern)


if __name__ == "__main__":
    unittest.main()
