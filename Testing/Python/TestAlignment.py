"""Results of another alignment than the one shown are never saved as if they belonged to it."""

import unittest

import SimpleITK as sitk
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Scene.Alignment import checkFusedVolume, checkRegistration
from MedFusionLib.Scene.NodeFiles import addVolume
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.VolumeNodes import setTransformNode
from MedFusionLib.Scene.WaveletFusionLogic import WaveletFusionLogic


class TestAlignment(unittest.TestCase):
    def setUp(self) -> None:
        session = Session()
        self.addCleanup(session.close)
        phantom = makePhantom(spacingFactor=4.0)
        self.fixedNode = addVolume(session.scene, phantom.ct, "CT")
        self.movingNode = addVolume(session.scene, phantom.mri, "MRI")
        self.transform = phantom.ctToMri
        self.transformNode = session.scene.AddNewNodeByClass("vtkMRMLTransformNode", "registration")
        setTransformNode(self.transformNode, self.transform)
        self.movingNode.SetAndObserveTransformNodeID(self.transformNode.GetID())
        self.logic = WaveletFusionLogic(session.scene)

    def turned(self, degrees: float) -> sitk.Transform:
        turn = sitk.Euler3DTransform()
        turn.SetRotation(0.0, 0.0, degrees * 3.14159 / 180)
        return sitk.CompositeTransform([self.transform, turn])

    def test_a_registration_is_accepted_while_the_mri_is_under_it(self):
        self.assertIsNone(checkRegistration(self.transform, self.fixedNode, self.movingNode))

    def test_a_registration_that_the_mri_left_is_refused(self):
        with self.assertRaisesRegex(ValueError, "differs by up to .* mm .*register again"):
            checkRegistration(self.turned(0.2), self.fixedNode, self.movingNode)
        self.movingNode.SetAndObserveTransformNodeID(None)
        with self.assertRaisesRegex(ValueError, "register again"):
            checkRegistration(self.transform, self.fixedNode, self.movingNode)

    def test_a_fused_volume_is_accepted_until_the_mri_moves(self):
        fusedNode, _ = self.logic.fuse(self.fixedNode, [self.movingNode])
        checkFusedVolume(fusedNode, self.fixedNode, [self.movingNode])
        setTransformNode(self.transformNode, self.turned(0.2))
        with self.assertRaisesRegex(ValueError, "fuse again"):
            checkFusedVolume(fusedNode, self.fixedNode, [self.movingNode])
        self.logic.fuse(self.fixedNode, [self.movingNode], fusedVolumeNode=fusedNode)
        checkFusedVolume(fusedNode, self.fixedNode, [self.movingNode])


if __name__ == "__main__":
    unittest.main()
