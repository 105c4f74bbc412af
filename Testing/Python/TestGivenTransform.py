"""A transform made elsewhere is kept as it is, and landmarks and images say how far it is off."""

import json

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Transforms import transformPoints
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from MedFusionLib.Core.Registration.GivenTransform import evaluateTransform
from MedFusionLib.Core.Registration.Registration import RegistrationSettings
from MedFusionLib.Core.Verdict import Judgment
from MedFusionLib.Scene.LandmarkRegistrationLogic import LandmarkRegistrationLogic
from MedFusionLib.Scene.NodeFiles import addVolume
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.VolumeNodes import setTransformNode, transformFromNode
from MedFusionTesting import checkDocument, medfusion
from PhantomCase import PhantomCase

OFF_MM = 6.0


class TestGivenTransform(PhantomCase):
    def moved(self, shift: float) -> sitk.Transform:
        """Return the true transform, off by so many millimeters to the left."""
        transform = sitk.AffineTransform(3)
        transform.SetTranslation((shift, 0.0, 0.0))
        steps = sitk.CompositeTransform([transform, self.phantom.ctToMri])
        matrix = np.array([steps.TransformPoint(p) for p in (*np.eye(3).tolist(), [0.0] * 3)])
        affine = sitk.AffineTransform(3)
        affine.SetMatrix((matrix[:3] - matrix[3]).T.ravel().tolist())
        affine.SetTranslation(matrix[3].tolist())
        return affine

    def lists(self) -> tuple[LandmarkList, LandmarkList]:
        points = (self.phantom.ctLandmarks, self.phantom.mriLandmarks)
        return tuple(LandmarkList(self.phantom.landmarkLabels, part) for part in points)

    def test_the_right_one_is_confirmed_and_its_error_stated(self):
        found = evaluateTransform(self.moved(0.0), self.phantom.ct, self.phantom.mri, *self.lists())
        self.assertIs(found.verdict.judgment, Judgment.confirmed, found.verdict.reasons)
        self.assertLess(found.expectedError(self.phantom.targets[:1])[0], 1.5)
        np.testing.assert_allclose(
            transformPoints(found.transform, self.phantom.targets),
            transformPoints(self.phantom.ctToMri, self.phantom.targets),
            atol=1e-9,
        )

    def test_one_that_is_off_is_doubtful_by_images_and_by_landmarks_and_the_error_includes_it(self):
        for lists in ((), self.lists()):
            found = evaluateTransform(self.moved(OFF_MM), self.phantom.ct, self.phantom.mri, *lists)
            self.assertIs(found.verdict.judgment, Judgment.doubtful)
            self.assertRegex(found.verdict.reasons[0], r"fit best where the MRI lies [567]\.\d mm from")
            errors = found.expectedError(self.phantom.targets)
            self.assertTrue(np.all((errors > 0.8 * OFF_MM) & (errors < 1.6 * OFF_MM)), errors)
        self.assertTrue(any("landmarks put the MRI" in reason for reason in found.verdict.reasons))

    def test_a_field_is_checked_by_landmarks_and_not_asked_outside_of_itself(self):
        field = sitk.TransformToDisplacementField(
            self.phantom.ctToMri,
            sitk.sitkVectorFloat64,
            *[self.phantom.ct.GetSize(), self.phantom.ct.GetOrigin()],
            *[self.phantom.ct.GetSpacing(), self.phantom.ct.GetDirection()],
        )
        whole = sitk.DisplacementFieldTransform(sitk.Image(field))
        found = evaluateTransform(whole, self.phantom.ct, self.phantom.mri, *self.lists())
        self.assertLess(found.fre, 3)
        self.assertIsNone(found.error)
        self.assertIs(
            evaluateTransform(
                sitk.DisplacementFieldTransform(sitk.Image(field)), self.phantom.ct, self.phantom.mri
            ).verdict.judgment,
            Judgment.notConfirmed,
        )
        half = sitk.DisplacementFieldTransform(field[:, :, : field.GetSize()[2] // 2])
        with self.assertRaisesRegex(ValueError, "Outside of the displacement field"):
            evaluateTransform(half, self.phantom.ct, self.phantom.mri, *self.lists())

    def test_the_command_keeps_it_and_says_so(self):
        path = self.folder / "given.tfm"
        sitk.WriteTransform(self.moved(OFF_MM), str(path))
        output = self.folder / "kept"
        status, said, errors = medfusion(
            "register", self.inputs["ct"], self.inputs["mri"], "--transform", path, "--output", output
        )
        self.assertEqual(status, 0, errors)
        self.assertIn("transform as given", said)
        checkDocument(output / "measurements.json")
        measured = json.loads((output / "measurements.json").read_text())["registration"]
        self.assertTrue(measured["given"])
        self.assertEqual(measured["verdict"], "doubtful")
        written = sitk.ReadTransform(str(output / "ct_to_mri.h5"))
        points = self.phantom.targets
        np.testing.assert_allclose(
            transformPoints(written, points), transformPoints(self.moved(OFF_MM), points), atol=1e-4
        )

    def test_a_transform_node_is_kept_as_well(self):
        with Session() as session:
            ct, mri = (addVolume(session.scene, getattr(self.phantom, name), name) for name in ("ct", "mri"))
            node = session.scene.AddNewNodeByClass("vtkMRMLTransformNode", "loaded")
            setTransformNode(node, self.moved(0.0))
            given = transformFromNode(node, self.phantom.ct)
            mri.SetAndObserveTransformNodeID(node.GetID())
            made, result = LandmarkRegistrationLogic(session.scene).register(
                ct, mri, None, None, RegistrationSettings(given=given)
            )
            self.assertTrue(result.isGiven)
            np.testing.assert_allclose(
                transformPoints(transformFromNode(made, self.phantom.ct), self.phantom.targets),
                transformPoints(self.phantom.ctToMri, self.phantom.targets),
                atol=1e-6,
            )
