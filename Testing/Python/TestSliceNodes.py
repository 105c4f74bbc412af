"""Pictures as Slicer reads them, volumes of one slice: the panel's steps take them the whole way in the plane."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from MedFusionLib.Core.Images.Transforms import transformPoints
from MedFusionLib.Scene.NodeFiles import addVolume
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.VolumeNodes import imageFromVolumeNode
from MedFusionLib.Workflow.Parameters import TUMOR_LINES_ROLE, RegistrationModel, TumorChoice
from MedFusionLib.Workflow.Steps import Steps
from MedFusionTesting import checkDocument
from TestStepsWithoutPanel import plainParameters

POINTS = np.array([[40.0, 50], [215, 60], [120, 210], [70, 160]])
SCALE, SHIFT = 1.25, np.array([9.0, -6.0])


class TestSliceNodes(unittest.TestCase):
    def setUp(self) -> None:
        self.session = Session()
        self.addCleanup(self.session.close)
        self.scene = self.session.scene
        self.parameters = plainParameters(self.scene)
        self.steps = Steps(self.scene)
        rows, columns = np.indices((240, 260))
        noise = np.random.default_rng(9).normal(0, 3, (240, 260))
        head = np.hypot((rows - 120) / 105, (columns - 130) / 95)
        self.parameters.fixedVolume = self.picture(np.where(head < 1, np.where(head > 0.92, 250, 110), 3) + noise, "ct")
        rows, columns = (np.indices((320, 340)) - SHIFT[::-1, None, None]) / SCALE
        head = np.hypot((rows - 120) / 105, (columns - 130) / 95)
        lesion = np.hypot(rows - 100, columns - 160) <= 22
        mri = np.where(head < 0.9, 90, np.where(head < 1, 20, 3)) + 90.0 * lesion
        self.parameters.movingVolume = self.picture(mri + np.random.default_rng(9).normal(0, 3, mri.shape), "mri")
        self.parameters.fixedLandmarks = self.landmarks("ct points", POINTS)
        self.parameters.movingLandmarks = self.landmarks("mri points", SCALE * POINTS + SHIFT)
        self.parameters.model = RegistrationModel.similarity

    def picture(self, values: np.ndarray, name: str) -> slicer.vtkMRMLVectorVolumeNode:
        """Return a picture as Slicer reads a gray one: in colors that agree, with pixels of 1 mm."""
        gray = np.clip(values, 0, 255).astype(np.uint8)
        image = sitk.GetImageFromArray(np.repeat(gray[None, ..., None], 3, axis=-1), isVector=True)
        return addVolume(self.scene, image, name, "vtkMRMLVectorVolumeNode")

    def landmarks(self, name: str, pixels: np.ndarray) -> slicer.vtkMRMLMarkupsFiducialNode:
        node = self.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
        for index, (x, y) in enumerate(pixels):
            node.AddControlPoint(vtk.vtkVector3d(-x, -y, 0.0), f"Mark {index}")
        return node

    def test_a_gray_picture_in_colors_is_read_in_gray(self):
        image = imageFromVolumeNode(self.parameters.fixedVolume)
        self.assertEqual((image.GetNumberOfComponentsPerPixel(), image.GetSize()), (1, (260, 240, 1)))

    def test_they_are_registered_in_the_plane_by_landmarks_alone(self):
        result = self.steps.register(self.parameters)
        inPlane = np.column_stack([POINTS, np.zeros(4)])
        expected = np.column_stack([SCALE * POINTS + SHIFT, np.zeros(4)])
        np.testing.assert_allclose(transformPoints(result.transform, inPlane), expected, atol=1e-6)
        self.assertTrue(any("single slices" in warning for warning in result.warnings))
        self.parameters.auto, self.parameters.model = True, RegistrationModel.rigid
        with self.assertRaisesRegex(ValueError, "by landmarks alone"):
            self.steps.register(self.parameters)

    def test_they_are_fused_outlined_and_saved_with_what_does_not_apply(self):
        self.steps.register(self.parameters)
        self.parameters.fusedVolume = None
        self.steps.fuse(self.parameters)
        line = self.scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
        for x, y in ((139, 100), (182, 100)):
            line.AddControlPoint(vtk.vtkVector3d(-x, -y, 0.0))
        self.parameters.parameterNode.AddNodeReferenceID(TUMOR_LINES_ROLE, line.GetID())
        self.parameters.tumorVolume, self.parameters.tumorMethod = self.parameters.movingVolume, TumorChoice.line
        tumor = self.steps.segment(self.parameters)
        self.assertTrue(any("single slice" in warning for warning in tumor.warnings))
        with tempfile.TemporaryDirectory() as folder:
            self.parameters.outputFolder = Path(folder) / "out"
            report = self.steps.save(self.parameters, replace=False)
            self.assertIn("What does not apply to pictures", report.read_text(encoding="utf-8"))
            names = {path.name for path in report.parent.iterdir()}
            self.assertLessEqual({"fused.png", "tumor.png", "tumor.seg.nrrd", "scene.mrb"}, names)
            checkDocument(report.parent / "measurements.json")
            document = json.loads((report.parent / "measurements.json").read_text(encoding="utf-8"))
        measured = document["plane_tumor"]
        self.assertAlmostEqual(measured["area_px2"] / (np.pi * 22**2), 1, delta=0.1)
        np.testing.assert_allclose(measured["lesions"][0]["centroid_px"], (160, 100), atol=1.5)
        self.assertIsNone(document["pixel_mm"])


if __name__ == "__main__":
    unittest.main()
