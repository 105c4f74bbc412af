"""Registration in a scene: the volume under its transform, the errors as tables and as a map, saved and reopened."""

import tempfile
import unittest
from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import vtk
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Images.Transforms import TransformModel, transformPoints
from MedFusionLib.Core.Progress import Canceled
from MedFusionLib.Core.Registration.ImageEvidence import ImageEvidence
from MedFusionLib.Core.Registration.Registration import RegistrationSettings
from MedFusionLib.Scene.LandmarkRegistrationLogic import LandmarkRegistrationLogic, landmarkList
from MedFusionLib.Scene.NodeFiles import addVolume, saveNode
from MedFusionLib.Scene.RegistrationNodes import (
    LANDMARK_TABLE_ROLE,
    SUMMARY_TABLE_ROLE,
    showErrorMap,
    updateErrorTables,
)
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.VolumeNodes import imageFromVolumeNode, setMarkupsPoints
from scipy.spatial.transform import Rotation

LABELS = ["nose", "inion", "left ear", "right ear", "vertex", "chin"]
POINTS = np.array([[0, -90, 0], [0, 95, 5], [75, 0, -10], [-75, 3, -10], [2, 0, 110], [0, -80, -70]], float)
TURN = Rotation.from_euler("xyz", (5, -8, 175), degrees=True).as_matrix()
SHIFT = np.array([20.0, -35.0, 60.0])


def moved(points: np.ndarray) -> np.ndarray:
    return points @ TURN.T + SHIFT


class TestLandmarkRegistrationLogic(unittest.TestCase):
    def setUp(self):
        self.session = Session()
        self.addCleanup(self.session.close)
        image = sitk.Image(40, 40, 40, sitk.sitkInt16)
        image.SetSpacing((6.0, 6.0, 6.0))
        image.SetOrigin((-120.0, -120.0, -100.0))
        movingImage = sitk.Image(image)
        movingImage.SetOrigin(moved(np.array(image.GetOrigin())).tolist())
        movingImage.SetDirection(TURN.ravel().tolist())
        self.fixedNode = addVolume(self.session.scene, image, "CT")
        self.movingNode = addVolume(self.session.scene, movingImage, "MR")
        noise = np.random.default_rng(1).normal(0, 1.0, POINTS.shape)
        self.fixedLandmarks = self.landmarks("CT landmarks", POINTS, LABELS)
        self.movingLandmarks = self.landmarks("MR landmarks", (moved(POINTS) + noise)[::-1], LABELS[::-1])

    def landmarks(self, name, points, labels):
        node = self.session.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
        setMarkupsPoints(node, points, labels)
        return node

    def register(self, **settings):
        return LandmarkRegistrationLogic(self.session.scene).register(
            self.fixedNode,
            self.movingNode,
            self.fixedLandmarks,
            self.movingLandmarks,
            RegistrationSettings(**settings),
            target=np.zeros(3),
        )

    def summary(self, transformNode):
        """Return the table of a registration's errors as measures and their values."""
        table = transformNode.GetNodeReference(SUMMARY_TABLE_ROLE).GetTable()
        rows = range(table.GetNumberOfRows())
        return {table.GetValue(row, 0).ToString(): table.GetValue(row, 1).ToString() for row in rows}

    def test_the_transform_node_knows_its_volumes_landmarks_and_errors(self):
        transformNode, result = self.register()
        for role, node in (
            (transformNode.GetFixedNodeReferenceRole(), self.fixedNode),
            (transformNode.GetMovingNodeReferenceRole(), self.movingNode),
            ("fixedLandmarks", self.fixedLandmarks),
            ("movingLandmarks", self.movingLandmarks),
        ):
            self.assertIs(transformNode.GetNodeReference(role), node)
        table = transformNode.GetNodeReference(LANDMARK_TABLE_ROLE).GetTable()
        self.assertEqual(table.GetNumberOfRows(), len(LABELS))
        self.assertEqual(table.GetValueByName(1, "Landmark").ToString(), result.labels[1])
        self.assertAlmostEqual(table.GetValueByName(2, "Residual (mm)").ToDouble(), result.residuals[2], places=5)
        self.assertAlmostEqual(table.GetValueByName(0, "CT A (mm)").ToDouble(), 90.0)
        summary = self.summary(transformNode)
        self.assertIn("Expected error at the tumor, TRE (mm)", summary)
        self.assertIn("What to do next", summary)
        self.assertFalse([name for name in summary if "Similarity" in name or "exchanged" in name])

    def test_the_summary_names_landmarks_that_look_exchanged(self):
        for first, second in ((0, 5), (5, 0)):
            self.movingLandmarks.SetNthControlPointLabel(first, LABELS[::-1][second])
        transformNode, result = self.register()
        self.assertEqual(set(result.measurements()["swaps"][0]), {"chin", "nose"})
        self.assertEqual(set(self.summary(transformNode)["Look exchanged"].split(" and ")), {"chin", "nose"})

    def test_the_summary_holds_the_images_similarity_before_and_after_refinement(self):
        _, result = self.register()
        transformNode = self.movingNode.GetParentTransformNode()
        updateErrorTables(transformNode, replace(result, images=ImageEvidence(result.landmarks.pose, 0.25, 0.5)))
        summary = self.summary(transformNode)
        similarities = [summary[f"Similarity of the images {moment} refinement"] for moment in ("before", "after")]
        self.assertEqual(similarities, ["0.25", "0.5"])

    def test_registering_again_uses_the_same_nodes_and_gives_the_same(self):
        firstNode, first = self.register()
        count = self.session.scene.GetNumberOfNodes()
        secondNode, second = self.register()
        self.assertIs(firstNode, secondNode)
        self.assertEqual(self.session.scene.GetNumberOfNodes(), count)
        np.testing.assert_allclose(second.residuals, first.residuals, atol=1e-6)

    def test_a_spline_is_set_from_parent_and_saved_so_that_itk_reads_it(self):
        transformNode, result = self.register(model=TransformModel.thinPlateSpline)
        for points in (POINTS, np.random.default_rng(2).uniform(-80, 80, (20, 3))):
            general = transformNode.GetTransformFromParent()
            inScene = flipPoints([general.TransformPoint(point) for point in flipPoints(points)])
            np.testing.assert_allclose(inScene, transformPoints(result.transform, points), atol=1e-4)
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "spline.h5"
                saveNode(transformNode, path)
                np.testing.assert_allclose(
                    transformPoints(sitk.ReadTransform(str(path)), points),
                    transformPoints(result.transform, points),
                    atol=1e-4,
                )
        self.assertLess(result.residuals.max(), 1e-4)
        self.assertGreater(result.landmarks.loo.errors.max(), 0.1)

    def test_a_fixed_volume_under_a_rigid_transform_is_registered_where_it_is(self):
        parentNode = self.session.scene.AddNewNodeByClass("vtkMRMLTransformNode", "table")
        matrix = vtk.vtkMatrix4x4()
        matrix.SetElement(0, 3, 30.0)
        parentNode.SetMatrixTransformToParent(matrix)
        self.fixedNode.SetAndObserveTransformNodeID(parentNode.GetID())
        self.fixedLandmarks.SetAndObserveTransformNodeID(parentNode.GetID())
        _, result = self.register()
        np.testing.assert_allclose(result.fixedPoints, POINTS + [-30.0, 0, 0], atol=1e-6)
        self.assertGreater(result.overlap, 0.95)

    def test_the_error_map_lies_on_the_fixed_volume_with_its_own_colors(self):
        _, result = self.register()
        mapNode = showErrorMap(self.fixedNode, result)
        bounds = np.zeros((2, 6))
        for node, values in zip((mapNode, self.fixedNode), bounds, strict=True):
            node.GetBounds(values)
        np.testing.assert_allclose(bounds[0], bounds[1], atol=4.0)
        image = imageFromVolumeNode(mapNode)
        index = tuple(size // 2 for size in image.GetSize())
        point = np.array([image.TransformIndexToPhysicalPoint(index)])
        self.assertAlmostEqual(image[index], result.expectedError(point)[0], delta=1e-4)
        self.assertEqual(mapNode.GetDisplayNode().GetColorNode().GetName(), "MedFusion expected error")

    def test_canceling_and_failing_leave_the_scene_as_it_was(self):
        count = self.session.scene.GetNumberOfNodes()
        logic = LandmarkRegistrationLogic(self.session.scene)
        nodes = (self.fixedNode, self.movingNode, self.fixedLandmarks, self.movingLandmarks)
        with self.assertRaises(Canceled):
            logic.register(*nodes, progress=lambda fraction, message: False)
        self.movingLandmarks.RemoveAllControlPoints()
        with self.assertRaises(ValueError):
            logic.register(*nodes)
        self.assertEqual(self.session.scene.GetNumberOfNodes(), count)
        self.assertIsNone(self.movingNode.GetParentTransformNode())

    def test_one_list_or_one_volume_for_both_sides_is_refused(self):
        count = self.session.scene.GetNumberOfNodes()
        for name, sides in (
            ("CT landmarks", ("fixedLandmarks", "movingLandmarks")),
            ("CT", ("fixedNode", "movingNode")),
        ):
            former = getattr(self, sides[1])
            setattr(self, sides[1], getattr(self, sides[0]))
            with self.assertRaisesRegex(ValueError, f'^"{name}" is chosen as .*CT and .*MRI; choose .*\\.$'):
                self.register()
            setattr(self, sides[1], former)
        self.assertEqual(self.session.scene.GetNumberOfNodes(), count)
        self.assertIsNone(self.fixedLandmarks.GetParentTransformNode())

    def test_a_noted_placing_error_weighs_the_landmark(self):
        self.assertIsNone(landmarkList(self.fixedLandmarks, None).fle)
        self.fixedLandmarks.SetNthControlPointDescription(2, "hard to see, FLE 4.5 mm")
        self.fixedLandmarks.SetNthControlPointDescription(0, "FLE: 1")
        self.assertEqual(landmarkList(self.fixedLandmarks, None).fle, (1.0, 2.75, 4.5, 2.75, 2.75, 2.75))

    def test_a_placing_error_is_noted_in_either_case_and_with_any_decimal_sign(self):
        for note, expected in (
            ("FLE 2,5", 2.5),
            ("fle 3", 3.0),
            ("FLE .5", 0.5),
            ("Fle=,75", 0.75),
            ("FLE2.5mm", 2.5),
            ("seen on one slice, FLE 4.", 4.0),
            ("FLE: 1,5, guessed", 1.5),
            ("FLEXIBLE 7", None),
            ("", None),
        ):
            with self.subTest(note):
                self.fixedLandmarks.SetNthControlPointDescription(0, note)
                fle = landmarkList(self.fixedLandmarks, None).fle
                self.assertEqual(fle, expected and (expected,) * len(LABELS))

    def test_a_note_of_the_placing_error_without_a_positive_number_is_refused(self):
        notes = ("FLE -2", "FLE \u22122", "FLE 0", "FLE", "FLE unknown", "poor, fle ?", "FLE 1.234,5", "FLE 2-3 mm")
        for note in notes:
            with self.subTest(note):
                self.fixedLandmarks.SetNthControlPointDescription(0, note)
                with self.assertRaisesRegex(ValueError, '^Landmark "nose" of "CT landmarks" says .*such as "FLE 2.5"'):
                    self.register()
        self.fixedLandmarks.SetNthControlPointSelected(0, False)  # what is left out says nothing
        self.assertIsNone(landmarkList(self.fixedLandmarks, None).fle)

    def test_a_saved_scene_knows_its_registration_when_reopened(self):
        _, result = self.register()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "scene.mrb"
            self.assertTrue(self.session.scene.WriteToMRB(str(path), None))
            with Session() as other:
                other.loadScene(path)
                node = other.scene.GetFirstNodeByName("MR")
                transformNode = node.GetParentTransformNode()
                self.assertEqual(transformNode.GetNodeReference("fixedLandmarks").GetName(), "CT landmarks")
                table = transformNode.GetNodeReference(LANDMARK_TABLE_ROLE).GetTable()
                self.assertEqual(table.GetValueByName(0, "Landmark").ToString(), result.labels[0])
