"""Transforms of every kind of file move points the same way, and none is asked outside of what it knows."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import pydicom
import SimpleITK as sitk
from DicomTesting import writeSource
from MedFusionLib.Core.Dicom.Registration import registrationObject
from MedFusionLib.Core.Dicom.Series import readSeries
from MedFusionLib.Core.Dicom.Study import studyFor
from MedFusionLib.Core.Images.Transforms import isWithinDomain, transformPoints
from MedFusionLib.Core.Inputs.TransformFiles import readTransform
from MedFusionTesting import medfusion

POINTS = np.random.default_rng(0).uniform(-60, 60, (12, 3))


def pose() -> sitk.Euler3DTransform:
    return sitk.Euler3DTransform((5.0, -3.0, 2.0), 0.08, -0.06, 0.15, (9.0, -14.0, 11.0))


def smallImage(seed: int) -> sitk.Image:
    image = sitk.GetImageFromArray(np.random.default_rng(seed).integers(-900, 900, (6, 8, 10)).astype(np.int16))
    image.SetSpacing((12, 14, 20))
    image.SetOrigin((-60, -55, -50))
    return image


class TestTransformFiles(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def assertMoves(self, found: sitk.Transform, expected: sitk.Transform, tolerance: float = 1e-4) -> None:
        np.testing.assert_allclose(transformPoints(found, POINTS), transformPoints(expected, POINTS), atol=tolerance)

    def registration(self, transform: sitk.Transform) -> tuple[Path, tuple[str, str]]:
        """Return a DICOM registration of a CT and an MRI, and their frames of reference."""
        headers = []
        for name, modality, seed in (("ct", "CT", 1), ("mri", "MR", 2)):
            writeSource(self.folder / name, modality, smallImage(seed))
            headers.append(readSeries(self.folder / name).header)
        study = studyFor(*headers, (smallImage(1),), "1.0")
        path = self.folder / "registration.dcm"
        dataset = registrationObject(study, transform, smallImage(1))
        dataset.save_as(path, enforce_file_format=True)
        return path, (study.fixedFrameUid, study.movingFrameUid)

    def test_itk_files_and_the_same_as_xfm_move_points_alike(self):
        for suffix in (".tfm", ".txt", ".h5"):
            sitk.WriteTransform(pose(), str(self.folder / f"pose{suffix}"))
            self.assertMoves(readTransform(self.folder / f"pose{suffix}"), pose())
        columns = transformPoints(pose(), np.vstack([np.eye(3), np.zeros(3)]))
        linear = np.column_stack([*(columns[:3] - columns[3]), columns[3]])
        flip = np.array([-1, -1, 1])[:, None]
        ras = linear * flip * np.array([-1, -1, 1, 1])
        rows = "\n".join(" ".join(f"{value:.8f}" for value in row) for row in ras)
        text = f"MNI Transform File\n% a comment\nTransform_Type = Linear;\nLinear_Transform =\n{rows};\n"
        path = self.folder / "pose.xfm"
        path.write_text(text)
        self.assertMoves(readTransform(path), pose())
        for damaged, pattern in (
            (text.replace("MNI", "XYZ"), "not an MNI transform"),
            (text.replace("Linear;", "Grid_Transform;"), "not a single linear"),
            (text.replace(rows, rows[:40]), "12 numbers"),
            (text.replace(rows, " ".join(["0"] * 12)), "invertible"),
        ):
            path.write_text(damaged)
            with self.assertRaisesRegex(ValueError, pattern):
                readTransform(path)

    def test_a_transform_turned_round_and_targets_in_other_axes_are_said_when_they_are_evaluated(self):
        path, targets = self.folder / "pose.tfm", self.folder / "targets.json"

        def said(transform: sitk.Transform, system: str) -> str:
            sitk.WriteTransform(transform, str(path))
            moved = transformPoints(pose(), POINTS)
            targets.write_text(json.dumps({"ct": POINTS.tolist(), "mr": moved.tolist(), "coordinateSystem": system}))
            status, _, errors = medfusion("evaluate", "registration", path, targets)
            self.assertEqual(status, 0, errors)
            return errors

        self.assertEqual(said(pose(), "LPS"), "")
        self.assertRegex(said(pose().GetInverse(), "LPS"), "would be 0.000 instead of .* mm if it were turned round")
        self.assertRegex(said(pose(), "RAS"), "would be 0.000 instead of .* mm if the targets' RAS and LPS were exch")

    def test_a_dicom_registration_leads_from_the_fixed_to_the_moving_frame(self):
        path, frames = self.registration(pose())
        self.assertMoves(readTransform(path), pose())
        self.assertMoves(readTransform(path, frames), pose())
        self.assertMoves(readTransform(path, frames[::-1]), pose().GetInverse())
        with self.assertRaisesRegex(ValueError, "relates other images"):
            readTransform(path, (frames[0], "1.2.3"))
        dataset = pydicom.dcmread(path)
        del dataset.RegistrationSequence[1].MatrixRegistrationSequence[0].MatrixSequence
        dataset.save_as(path)
        with self.assertRaisesRegex(ValueError, "damaged or unusual"):
            readTransform(path)
        with self.assertRaisesRegex(ValueError, r"DICOM \(CT\), but no spatial registration"):
            readTransform(next((self.folder / "ct").iterdir()))

    def test_a_deformable_registration_is_read_and_not_asked_outside(self):
        field = sitk.Image([12, 12, 12], sitk.sitkVectorFloat64, 3)
        field.SetSpacing([12.0] * 3)
        field.SetOrigin([-66.0] * 3)
        ramp = np.moveaxis(np.stack(np.meshgrid(*[np.arange(12.0)] * 3, indexing="ij")), 0, -1)
        bent = sitk.GetImageFromArray(3 + 0.2 * ramp, isVector=True)
        bent.CopyInformation(field)
        transform = sitk.DisplacementFieldTransform(sitk.Cast(bent, sitk.sitkVectorFloat64))
        path, frames = self.registration(transform)
        found = readTransform(path, frames)
        inside = POINTS[np.all(np.abs(POINTS) < 45, axis=1)]
        np.testing.assert_allclose(transformPoints(found, inside), transformPoints(transform, inside), atol=0.05)
        self.assertEqual(isWithinDomain(found, [[0, 0, 0], [0, 0, 900]]).tolist(), [True, False])

    def test_points_outside_of_a_field_are_named_also_within_a_composite(self):
        field = sitk.Image([5, 5, 5], sitk.sitkVectorFloat64, 3)
        field.SetSpacing([10.0] * 3)
        transform = sitk.CompositeTransform([sitk.DisplacementFieldTransform(field), pose()])
        sitk.WriteTransform(transform, str(self.folder / "field.h5"))
        before = pose().GetInverse().TransformPoint((20.0, 20.0, 20.0))
        self.assertEqual(isWithinDomain(transform, [before, (900.0, 0, 0)]).tolist(), [True, False])
        targets = self.folder / "targets.json"
        targets.write_text(f'{{"ct": [{list(before)}, [900, 0, 0]], "mr": [[20, 20, 20], [900, 0, 0]]}}')
        status, _, errors = medfusion("evaluate", "registration", self.folder / "field.h5", targets)
        self.assertEqual(status, 2)
        self.assertRegex(errors, r"Of 2 targets 1 lie outside of the displacement field .*number 2")
        spline = sitk.BSplineTransformInitializer(sitk.Image([9, 9, 9], sitk.sitkUInt8), [3, 3, 3])
        self.assertEqual(isWithinDomain(spline, [[4, 4, 4], [30, 4, 4]]).tolist(), [True, False])
        self.assertTrue(isWithinDomain(pose(), [[1e4, 0, 0]]).all())


if __name__ == "__main__":
    unittest.main()
