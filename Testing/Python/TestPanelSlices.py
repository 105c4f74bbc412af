"""Two pictures in the panel: volumes of a single slice, registered in their plane."""

import unittest

import numpy as np
import SimpleITK as sitk
import slicer
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Scene.NodeFiles import addVolume
from PanelTestCase import PanelTestCase, smallPhantom

PLACES = ((20, 15), (65, 20), (25, 80), (60, 85), (45, 50))


class TestPanelSlices(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        random = np.random.default_rng(5)
        ct = smallPhantom().ct[:, :, 20:21]
        mri = sitk.GetImageFromArray(np.clip(0.3 * sitk.GetArrayFromImage(ct) + 200, 0, 900).astype(np.int16))
        mri.SetSpacing(ct.GetSpacing())
        images = {"fixed": ct, "moving": mri}
        for role, image in images.items():
            setattr(self.parameters, f"{role}Volume", addVolume(self.scene, image, f"{role} picture"))
            node = self.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", f"{role} points")
            for number, place in enumerate(PLACES):
                index = (*(np.array(place) + random.normal(0, 0.2, 2)), 0.0)
                node.AddControlPoint(*flipPoints(np.array(image.TransformContinuousIndexToPhysicalPoint(index))))
                node.SetNthControlPointLabel(number, f"Place {number}")
            setattr(self.parameters, f"{role}Landmarks", node)
        self.app.settle()

    def test_images_are_not_said_to_agree_where_they_were_not_asked(self):
        self.panel.landmarksSection.askImages()
        self.assertIn("5 pairs", self.ui.fitLabel.text)
        self.assertNotIn("agree", self.ui.fitLabel.text)
        self.assertIn("single slice", self.ui.volumesLabel.text)

    def test_pictures_are_registered_in_their_plane_and_fused(self):
        self.click("registerButton")
        self.assertEqual(self.errors(), [])
        self.assertIn("It rests on the landmarks alone", self.ui.registrationCard.text)
        matrix = slicer.util.arrayFromTransformMatrix(self.parameters.movingVolume.GetParentTransformNode())
        self.assertAlmostEqual(abs(matrix[2, 2]), 1.0, places=6)
        self.click("fuseButton")
        self.assertEqual(self.errors(), [])
        self.assertIsNotNone(self.parameters.fusedVolume)


if __name__ == "__main__":
    unittest.main()
