"""Mistakes that all landmarks share are named by the images, and right lists are left in peace."""

import unittest
from functools import cache

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Transforms import poseOf, transformPoints
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from MedFusionLib.Core.Phantom import Phantom, makePhantom
from MedFusionLib.Core.Registration.Registration import RegistrationSettings, registerLandmarks
from MedFusionLib.Core.Registration.RegistrationResult import RegistrationResult
from MedFusionLib.Core.Verdict import Judgment
from MedFusionTesting import sharedData

TURNED = np.array([-1.0, -1.0, 1.0])


@cache
def phantom() -> Phantom:
    return makePhantom(spacingFactor=1.5)


def register(ct: np.ndarray, mri: np.ndarray, refine: bool = False, chosen: slice = slice(None)) -> RegistrationResult:
    case, labels = phantom(), phantom().landmarkLabels[chosen]
    lists = (
        LandmarkList(labels, ct[chosen], name="CT landmarks"),
        LandmarkList(labels, mri[chosen], name="MRI landmarks"),
    )
    return registerLandmarks(*lists, RegistrationSettings(refine=refine), case.ct, case.mri)


class TestPoseCheck(unittest.TestCase):
    def assertDoubted(self, result: RegistrationResult, words: str) -> None:
        """Fail unless a result is doubtful for a reason, states an error as large as the true one, and is repaired."""
        case = phantom()
        self.assertIs(result.verdict.judgment, Judgment.doubtful)
        self.assertIn(words, result.verdict.reasons[0])
        self.assertIn(result.verdict.reasons[0], result.warnings)
        truth = transformPoints(case.ctToMri, case.targets)
        errors = np.linalg.norm(transformPoints(result.transform, case.targets) - truth, axis=1)
        self.assertGreater(np.mean(errors <= result.errorBound(case.targets)), 0.9)
        repaired = np.linalg.norm(result.repaired.apply(case.targets) - truth, axis=1)
        self.assertLess(repaired.max(), 3.0)

    def test_right_lists_are_confirmed(self):
        case = phantom()
        for seed in range(6):
            rng = np.random.default_rng(seed)
            ct, mri = (points + rng.normal(0, 0.8, points.shape) for points in (case.ctLandmarks, case.mriLandmarks))
            result = register(ct, mri)
            self.assertIs(result.verdict.judgment, Judgment.confirmed, result.verdict.reasons)
            self.assertIsNone(result.repaired)

    def test_exchanged_lists_are_named(self):
        case = phantom()
        for refine in (False, True):
            self.assertDoubted(register(case.mriLandmarks, case.ctLandmarks, refine), "The two lists look exchanged")

    def test_axes_flipped_in_one_list_are_named(self):
        case = phantom()
        result = register(case.ctLandmarks * TURNED, case.mriLandmarks)
        self.assertDoubted(result, "The CT's landmarks look as if their RAS numbers were tagged LPS")
        result = register(case.ctLandmarks, case.mriLandmarks * TURNED)
        self.assertDoubted(result, "The MRI's landmarks look as if their RAS numbers were tagged LPS")

    def test_two_exchanged_among_three_are_named(self):
        case, ears = phantom(), [0, 3, 4]
        ct, mri = case.ctLandmarks[ears], case.mriLandmarks[[0, 4, 3]]
        labels = tuple(case.landmarkLabels[index] for index in ears)
        result = registerLandmarks(LandmarkList(labels, ct), LandmarkList(labels, mri), None, case.ct, case.mri)
        self.assertDoubted(result, "Left ear and Right ear look exchanged")

    def test_a_list_that_fits_only_itself_is_doubted(self):
        case = phantom()
        elsewhere = case.mriLandmarks + [0.0, 14.0, 0.0]
        self.assertDoubted(register(case.ctLandmarks, elsewhere), "the images fit best 13.7 mm from where")

    def test_a_mirrored_list_is_refused_by_its_name(self):
        case = phantom()
        with self.assertRaisesRegex(ValueError, "mirror image"):
            register(case.ctLandmarks * [-1.0, 1.0, 1.0], case.mriLandmarks)

    def test_landmarks_alone_notice_a_mirrored_mri_and_another_patients(self):
        heads = {}
        for name in ("head-a", "head-c"):
            folder = sharedData("head-sim", name)
            images = [sitk.ReadImage(str(folder / f"{side}.nrrd")) for side in ("ct", "mr_t1c")]
            heads[name] = (*images, poseOf(sitk.ReadTransform(str(folder / "truth_ct_to_mr.tfm"))))
        (ct, mri, truth), (_, other, otherTruth) = heads.values()
        ears = np.array([[70.0, 0, 0], [-70.0, 0, 0], [0, -90.0, 0], [0, 80.0, 20], [0, 0, 90.0], [40, -60, 30]])
        middle = ct.TransformContinuousIndexToPhysicalPoint([size / 2 for size in ct.GetSize()])
        ears = ears + middle + np.random.default_rng(3).normal(0, 0.5, ears.shape)
        mirrored = sitk.GetImageFromArray(sitk.GetArrayFromImage(mri)[:, :, ::-1])
        mirrored.CopyInformation(mri)
        turn = truth.matrix @ otherTruth.matrix.T
        moved = sitk.Image(other)
        shift = truth.apply(np.array(middle)) - turn @ np.array(
            other.TransformContinuousIndexToPhysicalPoint([size / 2 for size in other.GetSize()])
        )
        moved.SetOrigin((turn @ other.GetOrigin() + shift).tolist())
        moved.SetDirection((turn @ np.reshape(other.GetDirection(), (3, 3))).ravel().tolist())
        lists = [LandmarkList(tuple("ABCDEF"), points) for points in (ears, truth.apply(ears))]
        self.assertIs(registerLandmarks(*lists, None, ct, mri).verdict.judgment, Judgment.confirmed)
        for wrong in (mirrored, moved):
            self.assertIs(registerLandmarks(*lists, None, ct, wrong).verdict.judgment, Judgment.doubtful)

    def test_a_scale_of_two_percent_is_named_and_stated(self):
        case, rng = phantom(), np.random.default_rng(1)
        ct = rng.uniform(-75, 75, (20, 3))
        mri = poseOf(case.ctToMri).apply(1.02 * ct) + rng.normal(0, 0.5, ct.shape)
        labels = tuple(f"P{number}" for number in range(20))
        result = registerLandmarks(LandmarkList(labels, ct), LandmarkList(labels, mri))
        self.assertRegex(" ".join(result.warnings), r"lie 1\.0(19|20|21) times as far apart")
        stretched = poseOf(case.ctToMri).apply(1.02 * case.targets)
        errors = np.linalg.norm(transformPoints(result.transform, case.targets) - stretched, axis=1)
        self.assertGreater(np.mean(errors <= result.errorBound(case.targets)), 0.93)

    def test_landmarks_on_the_face_say_how_the_error_grows(self):
        case, rng = phantom(), np.random.default_rng(2)
        face = np.array([[0, -92, -8], [38, -78, 5], [-38, -78, 5], [20, -85, -30], [-20, -85, -30]], float)
        labels = tuple("ABCDE")
        lists = [
            LandmarkList(labels, points + rng.normal(0, 0.5, face.shape))
            for points in (face, poseOf(case.ctToMri).apply(face))
        ]
        said = " ".join(registerLandmarks(*lists, None, case.ct, case.mri).warnings)
        self.assertRegex(said, "grows from .* mm amid them to .* mm at the far side of the body")


if __name__ == "__main__":
    unittest.main()
