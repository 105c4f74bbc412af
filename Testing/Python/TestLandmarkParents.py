"""Landmarks whose list is under another transform than its volume: the same anatomy before and after registering."""

import unittest

import numpy as np
import SimpleITK as sitk
import vtk
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Images.Transforms import TransformModel, transformPoints
from MedFusionLib.Core.Registration.Registration import RegistrationSettings
from MedFusionLib.Scene.ControlPoints import controlPointsIn, pointsBetween
from MedFusionLib.Scene.LandmarkRegistrationLogic import LandmarkRegistrationLogic
from MedFusionLib.Scene.NodeFiles import addVolume
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.VolumeNodes import definedPointsFromMarkups, setMarkupsPoints, setTransformNode
from scipy.spatial.transform import Rotation

LABELS = [f"L{number}" for number in range(6)]
FIXED = np.array([[-30, 55, -10], [30, 55, -10], [0, 85, -30], [-70, -5, -25], [70, -5, -25], [0, -75, 40]], float)
TURN = Rotation.from_euler("xyz", (10, 5, -8), degrees=True).as_matrix()
# Where the fixed points are in the moving volume's own coordinates: the truth that every registration must find.
OWN = FIXED @ TURN.T + [5.0, -7.0, 9.0]


def moved(points, *parentNodes):
    """Return LPS points of nodes under one transform in the coordinates of nodes under another."""
    return flipPoints(pointsBetween(flipPoints(points), *parentNodes))


class TestLandmarkParents(unittest.TestCase):
    def setUp(self):
        self.session = Session()
        self.addCleanup(self.session.close)
        self.startAgain()

    def startAgain(self):
        """Put exact landmarks on two volumes, nothing under a transform."""
        self.scene = self.session.scene
        self.scene.Clear()
        image = sitk.Image(40, 40, 40, sitk.sitkInt16)
        image.SetSpacing((5.0, 5.0, 5.0))
        image.SetOrigin((-100.0, -100.0, -100.0))
        self.fixedNode, self.movingNode = addVolume(self.scene, image, "CT"), addVolume(self.scene, image, "MR")
        self.fixedLandmarks, self.movingLandmarks = self.listOf("F", FIXED), self.listOf("M", OWN)

    def listOf(self, name, points):
        node = self.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
        setMarkupsPoints(node, points, LABELS)
        return node

    def addLinear(self, name="manual"):
        matrix = np.eye(4)
        matrix[:3, :3] = Rotation.from_euler("z", 40, degrees=True).as_matrix()
        matrix[:3, 3] = (30, 20, -10)
        node = self.scene.AddNewNodeByClass("vtkMRMLTransformNode", name)
        vtkMatrix = vtk.vtkMatrix4x4()
        vtkMatrix.DeepCopy(matrix.ravel())
        node.SetMatrixTransformToParent(vtkMatrix)
        return node

    def addBent(self):
        """Add a spline that is known to its parent, so that the way back has to be searched."""
        rng = np.random.default_rng(1)
        spline, sources, targets = vtk.vtkThinPlateSplineTransform(), vtk.vtkPoints(), vtk.vtkPoints()
        for point in rng.uniform(-90, 90, (8, 3)):
            sources.InsertNextPoint(point)
            targets.InsertNextPoint(point + rng.normal(0, 3, 3))
        spline.SetBasisToR()
        spline.SetSourceLandmarks(sources)
        spline.SetTargetLandmarks(targets)
        node = self.scene.AddNewNodeByClass("vtkMRMLTransformNode", "bent")
        node.SetAndObserveTransformToParent(spline)
        return node

    def put(self, node, transformNode):
        node.SetAndObserveTransformNodeID(transformNode.GetID())

    def setWorldPoints(self, node, points):
        """Click the landmarks where these points of the moving volume are shown."""
        setMarkupsPoints(node, moved(points, self.movingNode.GetParentTransformNode(), None), LABELS)

    def register(self, model=TransformModel.rigid):
        return LandmarkRegistrationLogic(self.scene).register(
            self.fixedNode, self.movingNode, self.fixedLandmarks, self.movingLandmarks, RegistrationSettings(model)
        )

    def world(self, node):
        return definedPointsFromMarkups(node)[1]

    def checkRounds(self, model=TransformModel.rigid, atol=1e-6):
        """Register three times: the truth each time, the MRI and both lists at the CT's landmarks."""
        for number in range(3):
            with self.subTest(round=number):
                transformNode, result = self.register(model)
                np.testing.assert_allclose(transformPoints(result.transform, FIXED), OWN, atol=atol)
                np.testing.assert_allclose(self.world(self.fixedLandmarks), FIXED, atol=1e-9)
                np.testing.assert_allclose(self.world(self.movingLandmarks), FIXED, atol=1e-3)
                np.testing.assert_allclose(controlPointsIn(self.movingLandmarks, self.movingNode), OWN, atol=atol)
                np.testing.assert_allclose(moved(FIXED, None, transformNode), OWN, atol=atol)
                self.assertIs(self.movingNode.GetParentTransformNode(), transformNode)
                self.assertIs(self.movingLandmarks.GetParentTransformNode(), transformNode)

    def test_the_volume_is_under_a_transform_and_the_list_in_the_world(self):
        for add in (self.addLinear, self.addBent):
            self.startAgain()
            with self.subTest(add.__name__):
                self.put(self.movingNode, add())
                self.setWorldPoints(self.movingLandmarks, OWN)
                self.checkRounds(atol=1e-3)

    def test_the_list_is_under_a_transform_and_the_volume_in_the_world(self):
        for add in (self.addLinear, self.addBent):
            self.startAgain()
            with self.subTest(add.__name__):
                self.put(self.movingLandmarks, add())
                self.setWorldPoints(self.movingLandmarks, OWN)
                self.checkRounds(atol=1e-3)

    def test_volume_and_list_are_under_different_transforms(self):
        self.put(self.movingNode, self.addLinear())
        below = self.addBent()
        self.put(below, self.addLinear("above"))
        self.put(self.movingLandmarks, below)
        self.setWorldPoints(self.movingLandmarks, OWN)
        self.checkRounds(atol=1e-3)

    def test_a_new_list_is_clicked_on_the_registered_volume(self):
        for model in (TransformModel.rigid, TransformModel.thinPlateSpline):
            self.startAgain()
            with self.subTest(model.value):
                self.register(model)
                self.movingLandmarks = self.listOf("M2", FIXED)
                self.checkRounds()

    def test_both_are_under_one_transform(self):
        for add in (self.addLinear, self.addBent):
            self.startAgain()
            with self.subTest(add.__name__):
                parentNode = add()
                self.put(self.movingNode, parentNode)
                self.put(self.movingLandmarks, parentNode)  # the stored coordinates, the volume's own, stay
                self.checkRounds()

    def test_the_fixed_list_under_a_transform_stays_where_it_is(self):
        parentNode = self.addLinear()
        self.put(self.fixedLandmarks, parentNode)
        setMarkupsPoints(self.fixedLandmarks, FIXED, LABELS)
        self.checkRounds()
        self.assertIs(self.fixedLandmarks.GetParentTransformNode(), parentNode)

    def test_a_fixed_list_that_was_put_under_the_registration_stays_where_it_is(self):
        transformNode, _ = self.register()
        self.put(self.fixedLandmarks, transformNode)
        setMarkupsPoints(self.fixedLandmarks, FIXED, LABELS)
        self.put(self.movingLandmarks, self.addLinear())  # shown elsewhere now, so that the registration changes
        own = moved(self.world(self.movingLandmarks), None, transformNode)
        for _ in range(2):
            _, result = self.register()
            np.testing.assert_allclose(transformPoints(result.transform, FIXED), own, atol=1e-6)
            np.testing.assert_allclose(self.world(self.fixedLandmarks), FIXED, atol=1e-9)
            np.testing.assert_allclose(self.world(self.movingLandmarks), FIXED, atol=1e-6)

    def test_a_registration_that_was_put_under_another_transform_leads_from_the_world_again(self):
        transformNode, _ = self.register()
        self.put(transformNode, self.addLinear())
        self.checkRounds()

    def test_a_spline_is_registered_again_with_any_model(self):
        for model in (TransformModel.thinPlateSpline, TransformModel.affine, TransformModel.rigid):
            with self.subTest(model.value):
                self.register(TransformModel.thinPlateSpline)
                self.checkRounds(model)

    def test_what_a_point_is_apart_from_its_place_stays(self):
        node = self.movingLandmarks
        self.put(self.movingNode, self.addLinear())
        self.setWorldPoints(node, OWN)
        node.UnsetNthControlPointPosition(1)
        node.SetNthControlPointVisibility(2, False)
        node.SetNthControlPointDescription(3, "FLE 2")
        node.SetNthControlPointLocked(4, True)

        def state():
            return [
                (
                    node.GetNthControlPointLabel(index),
                    node.GetNthControlPointPositionStatus(index),
                    node.GetNthControlPointVisibility(index),
                    node.GetNthControlPointSelected(index),
                    node.GetNthControlPointLocked(index),
                    node.GetNthControlPointDescription(index),
                )
                for index in range(node.GetNumberOfControlPoints())
            ]

        before = state()
        _, result = self.register()
        self.assertEqual(state(), before)
        self.assertEqual(len(result.labels), 4)
        np.testing.assert_allclose(self.world(node)[2], FIXED[2], atol=1e-6)  # the hidden one moves along

    def test_a_failed_registration_leaves_the_list_as_it_was(self):
        parentNode = self.addLinear()
        self.put(self.movingLandmarks, parentNode)
        before = self.world(self.movingLandmarks)
        self.fixedLandmarks.RemoveAllControlPoints()
        with self.assertRaises(ValueError):
            self.register()
        self.assertIs(self.movingLandmarks.GetParentTransformNode(), parentNode)
        np.testing.assert_array_equal(self.world(self.movingLandmarks), before)

    def test_landmarks_where_a_transform_folds_space_are_refused(self):
        displacements = np.zeros((9, 9, 9, 3))
        displacements[..., 2] = -np.linspace(-120, 120, 9)[:, None, None]  # all of the head into one plane
        field = sitk.GetImageFromArray(displacements, isVector=True)
        field.SetOrigin((-120.0, -120.0, -120.0))
        field.SetSpacing((30.0, 30.0, 30.0))
        bentNode = self.scene.AddNewNodeByClass("vtkMRMLTransformNode", "bent")
        setTransformNode(bentNode, sitk.DisplacementFieldTransform(field))
        self.put(self.movingNode, bentNode)
        with self.assertRaisesRegex(ValueError, r'of "M" has no clear place in "MR".*"bent" folds.*take "MR" out'):
            self.register()
        self.assertIs(self.movingNode.GetParentTransformNode(), bentNode)
        self.assertIsNone(self.movingLandmarks.GetParentTransformNode())


if __name__ == "__main__":
    unittest.main()
