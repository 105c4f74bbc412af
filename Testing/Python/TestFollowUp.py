"""Two time points: the alignment finds a known pose, and the change comes out with its true size."""

import json
import shutil
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.FollowUp.Change import Change
from MedFusionLib.Core.FollowUp.FollowUp import FollowUp, TumorState, compareTumors, largestLesionCenter
from MedFusionLib.Core.FollowUp.RigidAlignment import RigidAlignment, alignRigidly
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionTesting import checkDocument, medfusion
from PdfTesting import pageTexts, skipWithoutPdf


def ball(radius: float, spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)) -> sitk.Image:
    """Return a mask of a ball at the origin, in a field of 60 mm."""
    size = [int(round(60 / s)) for s in spacing]
    axes = [(np.arange(n) - (n - 1) / 2) * s for n, s in zip(size, spacing, strict=True)]
    z, y, x = np.meshgrid(*axes[::-1], indexing="ij")
    mask = sitk.GetImageFromArray((x**2 + y**2 + z**2 <= radius**2).astype(np.uint8))
    mask.SetSpacing(spacing)
    mask.SetOrigin([float(axis[0]) for axis in axes])
    return mask


def poseOf(*angles: float, shift: tuple[float, float, float]) -> sitk.Euler3DTransform:
    return sitk.Euler3DTransform((0.0, 0.0, 0.0), *angles, shift)


def compared(before: sitk.Image, after: sitk.Image, alignment: RigidAlignment) -> FollowUp:
    return compareTumors(TumorState(before), TumorState(after), alignment)


class TestFollowUp(unittest.TestCase):
    def test_growth_of_a_ball_is_measured_in_another_pose_and_spacing(self):
        transform = poseOf(0.2, -0.1, 0.3, shift=(12.0, -5.0, 8.0))
        after = ball(13.0, (0.8, 0.8, 1.4))
        moved = sitk.Image(after)
        moved.SetDirection(transform.GetMatrix())
        moved.SetOrigin(transform.TransformPoint(after.GetOrigin()))
        found = compared(ball(10.0), moved, RigidAlignment(transform, 0.5, 1.0))
        changes = {change.name: change for change in found.changes}
        truth = 4 / 3 * np.pi * (13**3 - 10**3) / 1000
        self.assertAlmostEqual(changes["volume"].difference, truth, delta=0.03 * truth)
        self.assertAlmostEqual(found.grownMl, truth, delta=0.05 * truth)
        self.assertLess(found.goneMl, 0.05)
        self.assertAlmostEqual(changes["axial_diameter"].difference, 6.0, delta=1.0)
        self.assertTrue(changes["volume"].isBeyondUncertainty)
        self.assertGreater(changes["bidimensional_product"].registrationUncertainty, 0)

    def test_unchanged_tumor_shows_no_change_beyond_uncertainty(self):
        still = RigidAlignment(poseOf(0, 0, 0, shift=(0.0, 0.0, 0.0)), 0.5, 1.0)
        found = compared(ball(9.0), ball(9.0), still)
        self.assertFalse(any(change.isBeyondUncertainty for change in found.changes))
        self.assertEqual(found.warnings, ())
        self.assertEqual((found.grownMl, found.goneMl), (0.0, 0.0))

    def test_lesions_far_apart_are_compared_and_said_not_to_overlap(self):
        pose = poseOf(0, 0, 0, shift=(20.0, 150.0, -90.0))
        found = compared(ball(10.0), ball(8.0), RigidAlignment(pose, 0.5, 1.0))
        self.assertEqual(found.keptMl, 0.0)
        self.assertAlmostEqual(found.goneMl, 4 / 3 * np.pi * 10**3 / 1000, delta=0.05)
        self.assertAlmostEqual(found.grownMl, 4 / 3 * np.pi * 8**3 / 1000, delta=0.05)
        self.assertAlmostEqual(found.changes[1].before, 20.0, delta=1.0)
        self.assertIn("do not overlap", " ".join(found.warnings))

    def test_pictures_go_through_the_largest_lesion(self):
        array = np.zeros((30, 30, 30), np.uint8)
        array[2:4, 2:4, 2:4] = 1
        array[20:25, 10:15, 4:9] = 3
        np.testing.assert_allclose(largestLesionCenter(sitk.GetImageFromArray(array)), (6.0, 12.0, 22.0))

    def test_registration_share_grows_with_the_alignment_error(self):
        pose = poseOf(0, 0, 0, shift=(0.0, 0.0, 0.0))
        ellipsoid = ball(9.0, (1.0, 1.0, 1.0))
        ellipsoid.SetSpacing((1.4, 2.0, 1.2))
        shares = [
            compared(ellipsoid, ellipsoid, RigidAlignment(pose, error, 1.0)).changes[3].registrationUncertainty
            for error in (0.5, 8.0)
        ]
        self.assertGreater(shares[1], shares[0])

    def test_alignment_recovers_a_known_pose_in_spite_of_noise_and_another_gain(self):
        phantom = makePhantom(spacingFactor=2.0)
        first = sitk.Cast(phantom.mri, sitk.sitkFloat32)
        center = np.array(first.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in first.GetSize()]))
        truth = sitk.Euler3DTransform(center.tolist(), 0.08, -0.12, 0.1, (7.0, -4.0, 5.0))
        second = sitk.Resample(first, first, truth.GetInverse(), sitk.sitkLinear, 0.0) * 0.6
        second = sitk.AdditiveGaussianNoise(second, 5.0, 0.0, 7)
        found = alignRigidly(first, second)
        for offset in (np.zeros(3), 40 * np.eye(3)[0], 40 * np.eye(3)[2]):
            error = np.subtract(found.transform.TransformPoint(center + offset), truth.TransformPoint(center + offset))
            self.assertLess(np.linalg.norm(error), 0.5)
        self.assertEqual(found.warnings, ())

    def test_images_of_nothing_in_common_are_warned_of(self):
        random = np.random.default_rng(3)
        clouds = []
        for _ in range(2):
            cloud = sitk.GetImageFromArray(random.random((40, 40, 40)).astype(np.float32))
            cloud.SetSpacing((4.0, 4.0, 4.0))
            clouds.append(sitk.SmoothingRecursiveGaussian(cloud, 12.0))
        self.assertIn("may not be aligned", " ".join(alignRigidly(*clouds).warnings))

    def test_images_without_a_body_are_refused(self):
        noise = sitk.GetImageFromArray(np.random.default_rng(3).random((40, 40, 40)).astype(np.float32))
        noise.SetSpacing((4.0, 4.0, 4.0))
        with self.assertRaisesRegex(ValueError, "no body"):
            alignRigidly(noise, noise)

    def test_change_is_relative_to_the_first_value(self):
        change = Change("volume", "ml", 10.0, 15.0, 3.0, 4.0)
        self.assertEqual((change.difference, change.percent, change.uncertainty), (5.0, 50.0, 5.0))
        self.assertFalse(change.isBeyondUncertainty)


class TestCompareCommand(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name)
        phantom = makePhantom(spacingFactor=2.5)
        for name, tumor in (("first", phantom.tumorLabels == 1), ("second", phantom.tumorLabels > 0)):
            run = cls.folder / name
            run.mkdir()
            sitk.WriteImage(phantom.mri, str(run / "mri_registered.nrrd"))
            labels = sitk.Resample(tumor, phantom.mri, phantom.ctToMri.GetInverse(), sitk.sitkNearestNeighbor)
            sitk.WriteImage(sitk.Cast(labels, sitk.sitkUInt8), str(run / "tumor.seg.nrrd"))
            date = "20240105" if name == "first" else "20240404"
            identity = {"patient_name": "Doe^Jane", "patient_id": "P1", "study_date": date}
            document = {"tumor": {"volume_ml": 1.0}, "dicom": {"mri": identity}}
            (run / "measurements.json").write_text(json.dumps(document))

    def test_two_runs_give_a_report_with_the_change(self):
        output = self.folder / "out"
        status, printed, errors = medfusion(
            "compare", self.folder / "first", self.folder / "second", "--output", output
        )
        self.assertEqual(status, 0, errors)
        self.assertRegex(printed, r"Volume: .* ml \(\+\d+ %")
        self.assertEqual(
            sorted(path.name for path in output.iterdir()), ["comparison.json", "first_to_second.h5", "report.html"]
        )
        checkDocument(output / "comparison.json")
        document = json.loads((output / "comparison.json").read_text(encoding="utf-8"))
        self.assertEqual(document["days"], 90)
        self.assertTrue(document["change"]["volume"]["beyond_uncertainty"])
        self.assertLess(document["alignment"]["error_mm"], 0.5)
        html = (output / "report.html").read_text(encoding="utf-8")
        self.assertIn("90 days between", html)
        self.assertEqual(html.count("<figure>"), 10)
        self.assertNotRegex(html, r"<script|src=.http|href=.http|url\(")

    def test_the_report_is_printed_with_the_patient_on_each_sheet(self):
        skipWithoutPdf()
        output = self.folder / "printed"
        status, _, errors = medfusion(
            "compare", self.folder / "first", self.folder / "second", "--pdf", "--output", output
        )
        self.assertEqual(status, 0, errors)
        texts = pageTexts(output / "report.pdf")
        self.assertGreater(len(texts), 1)
        for text in texts:
            self.assertRegex(text, "follow-up report · Doe, Jane · P1")

    def test_another_patient_or_an_incomplete_folder_is_refused(self):
        other = self.folder / "other"
        shutil.copytree(self.folder / "second", other)
        document = json.loads((other / "measurements.json").read_text(encoding="utf-8"))
        document["dicom"]["mri"]["patient_id"] = "P9"
        (other / "measurements.json").write_text(json.dumps(document))
        byCt = self.folder / "by_ct"
        shutil.copytree(self.folder / "second", byCt)
        document["dicom"] = {"ct": {"patient_id": "P8"}, "mri": {"series_uid": "1.2", "patient_name": ""}}
        (byCt / "measurements.json").write_text(json.dumps(document))
        incomplete = self.folder / "incomplete"
        incomplete.mkdir()
        for arguments, pattern in (
            ((self.folder / "first", byCt), "patient ID differs: P1 in first, P8 in by_ct.*--accept-identity"),
            ((self.folder / "first", other), "patient ID differs: P1 in first, P9 in other.*--accept-identity"),
            ((self.folder / "first", self.folder / "nowhere"), "no result folder"),
            ((self.folder / "first", incomplete), "is not the result folder of a run"),
        ):
            status, _, errors = medfusion("compare", *arguments, "--output", self.folder / "refused")
            self.assertEqual(status, 2, errors)
            self.assertRegex(errors, pattern)
            self.assertFalse((self.folder / "refused").exists())
        arguments = ("compare", self.folder / "first", self.folder / "second")
        self.assertIn("lies inside the input", medfusion(*arguments, "--output", self.folder / "first" / "cmp")[2])


if __name__ == "__main__":
    unittest.main()
