"""Volumes in a scene: sides that no file tells are asked for, and values that cannot be right are told."""

import tempfile
import unittest
from pathlib import Path
from unittest.mock import patch

import numpy as np
import SimpleITK as sitk
import slicer
from MedFusionLib.Core.Images.Coordinates import CoordinateSystem
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Scene.NodeFiles import addVolume
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Workflow.VolumeDoubts import (
    assumeOrientation,
    isOrientationAssumed,
    memoryDoubts,
    orientationQuestion,
    valueDoubts,
)

FREE = "MedFusionLib.Core.Inputs.Memory.freeMemory"


class TestVolumeDoubts(unittest.TestCase):
    @classmethod
    def setUpClass(cls) -> None:
        cls.phantom = makePhantom(spacingFactor=4.0)

    def setUp(self) -> None:
        self.session = Session()
        self.addCleanup(self.session.close)
        self.scene = self.session.scene
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def loaded(self, name: str, isKnown: bool) -> slicer.vtkMRMLScalarVolumeNode:
        """Return a volume as Slicer loads it from a NIfTI file with or without form codes."""
        path = self.folder / name
        sitk.WriteImage(self.phantom.ct, str(path))
        if not isKnown:
            data = bytearray(path.read_bytes())
            data[252:256] = bytes(4)  # qform_code and sform_code
            path.write_bytes(data)
        node = self.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", path.stem)
        storageNode = self.scene.AddNewNodeByClass("vtkMRMLVolumeArchetypeStorageNode")
        storageNode.SetFileName(str(path))
        self.assertTrue(storageNode.ReadData(node))
        node.SetAndObserveStorageNodeID(storageNode.GetID())
        return node

    def test_a_file_without_orientation_is_asked_for_once_and_its_landmarks_stay_in_their_voxels(self):
        node = self.loaded("ct.nii", isKnown=False)
        question = orientationQuestion(node)
        self.assertRegex(question.text(question.choices[0]), '"ct" does not say its orientation .* left and right')
        index = np.array([3.0, 5.0, 2.0, 1.0])
        markups = self.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode")
        markups.AddControlPoint(*self.matrix(node).dot(index)[:3])
        for axes, signs in ((CoordinateSystem.ras, (1, 1, 1)), (CoordinateSystem.lps, (-1, -1, 1))):
            assumeOrientation(node, axes, markups, None)
            matrix = self.matrix(node)
            np.testing.assert_array_equal(np.sign(np.diag(matrix)[:3]), signs)
            np.testing.assert_allclose(markups.GetNthControlPointPosition(0), (matrix @ index)[:3], atol=1e-6)
        self.assertTrue(isOrientationAssumed(node))
        self.assertIsNone(orientationQuestion(node))

    def test_a_file_with_orientation_or_a_volume_without_file_is_no_question(self):
        for node in (self.loaded("ct.nii", isKnown=True), addVolume(self.scene, self.phantom.ct, "made"), None):
            self.assertIsNone(orientationQuestion(node))
            self.assertFalse(isOrientationAssumed(node))

    def test_what_is_shown_is_asked_first(self):
        node = self.loaded("ct.nii", isKnown=False)
        shown = orientationQuestion(node).choices[0]
        before = self.matrix(node)
        assumeOrientation(node, shown)
        np.testing.assert_allclose(self.matrix(node)[:3, :3], before[:3, :3], atol=1e-6)

    def test_values_that_cannot_be_right_are_told_and_an_exchange_is_refused(self):
        ct, mri = (addVolume(self.scene, getattr(self.phantom, name), name) for name in ("ct", "mri"))
        off = addVolume(self.scene, sitk.Cast(self.phantom.ct, sitk.sitkInt16) + 300, "off")
        turned = addVolume(self.scene, -1 * sitk.Cast(self.phantom.ct, sitk.sitkInt16), "turned")
        self.assertEqual(valueDoubts(ct, [mri]), ())
        self.assertRegex(valueDoubts(off, [mri])[0], r"not Hounsfield units: they are off by \+29\d")
        with self.assertRaisesRegex(ValueError, "exchange them"):
            valueDoubts(mri, [ct])
        with self.assertRaisesRegex(ValueError, "inverted"):
            valueDoubts(turned, [mri])
        self.assertEqual(valueDoubts(None, []), ())

    def test_too_little_memory_is_told_without_looking_at_voxels(self):
        node = addVolume(self.scene, self.phantom.ct, "ct")
        self.assertEqual(memoryDoubts([node]), ())
        with patch(FREE, lambda: 1_000_000):
            self.assertRegex(memoryDoubts([node])[0], "million voxels, for which a run needs")

    @staticmethod
    def matrix(node: slicer.vtkMRMLScalarVolumeNode) -> np.ndarray:
        from MedFusionLib.Scene.VolumeNodes import arrayFromMatrix
        from vtk import vtkMatrix4x4

        matrix = vtkMatrix4x4()
        node.GetIJKToRASMatrix(matrix)
        return arrayFromMatrix(matrix)


if __name__ == "__main__":
    unittest.main()
