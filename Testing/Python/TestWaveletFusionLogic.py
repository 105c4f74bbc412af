"""Fusion on nodes: what the fused node holds, and previews of single slices."""

import time
import unittest

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Fusion.Settings import FusionMethod, FusionSettings
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionLib.Scene.FusionDisplay import FusionDisplay, hasDisplays, showAs
from MedFusionLib.Scene.NodeFiles import addVolume
from MedFusionLib.Scene.Session import Session
from MedFusionLib.Scene.SlicePreview import SlicePreview
from MedFusionLib.Scene.VolumeNodes import imageFromVolumeNode, setTransformNode
from MedFusionLib.Scene.WaveletFusionLogic import SOURCE_ROLE, WaveletFusionLogic, fusionResultOf, recipeOf

COLOR = FusionSettings(method=FusionMethod.color)


class TestWaveletFusionLogic(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.phantom = makePhantom(spacingFactor=3)

    def setUp(self):
        self.session = Session().__enter__()
        self.addCleanup(self.session.__exit__, None, None, None)
        scene = self.session.scene
        self.ctNode = addVolume(scene, self.phantom.ct, "ct")
        self.mriNode = addVolume(scene, self.phantom.mri, "mri")
        poseNode = scene.AddNewNodeByClass("vtkMRMLTransformNode")
        setTransformNode(poseNode, self.phantom.ctToMri)
        self.mriNode.SetAndObserveTransformNodeID(poseNode.GetID())
        self.logic = WaveletFusionLogic(scene)

    def test_the_node_holds_its_recipe_window_and_sources_and_can_be_made_again(self):
        settings = FusionSettings(ctWindow=(-10.0, 1200.0))
        node, result = self.logic.fuse(self.ctNode, [self.mriNode], settings)
        self.assertEqual(recipeOf(node), settings)
        display = node.GetDisplayNode()
        self.assertEqual(fusionResultOf(node).window, result.window)
        display.SetWindowLevelMinMax(-3.0, 4.0)
        self.assertEqual(fusionResultOf(node).window, result.window)
        before = sitk.GetArrayFromImage(imageFromVolumeNode(node))
        sources = [node.GetNthNodeReference(SOURCE_ROLE, number) for number in range(2)]
        again, _ = self.logic.fuse(sources[0], sources[1:], recipeOf(node), node)
        self.assertIs(again, node)
        np.testing.assert_array_equal(sitk.GetArrayFromImage(imageFromVolumeNode(node)), before)

    def test_the_result_can_have_the_mris_grid_or_cubic_voxels(self):
        onMri, _ = self.logic.fuse(self.ctNode, [self.mriNode], referenceVolumeNode=self.mriNode)
        self.assertEqual(onMri.GetImageData().GetDimensions(), self.mriNode.GetImageData().GetDimensions())
        self.assertEqual(onMri.GetTransformNodeID(), self.mriNode.GetTransformNodeID())
        cubic, result = self.logic.fuse(self.ctNode, [self.mriNode], spacing=4.0)
        self.assertEqual(cubic.GetSpacing(), (4.0, 4.0, 4.0))
        # Seen from the world, both grids show the same head.
        onCt = sitk.Resample(
            imageFromVolumeNode(onMri), result.image, self.phantom.ctToMri, sitk.sitkLinear, float("nan")
        )
        first, second = sitk.GetArrayFromImage(onCt), sitk.GetArrayFromImage(result.image)
        both = np.isfinite(first) & (second > 0)
        self.assertGreater(np.corrcoef(first[both], second[both])[0, 1], 0.85)

    def test_it_opens_with_bone_and_brain_and_can_show_each_alone(self):
        node, result = self.logic.fuse(self.ctNode, [self.mriNode])
        display = node.GetDisplayNode()
        knee, table = display.GetColorNodeID(), display.GetColorNode().GetLookupTable()
        low, high = display.GetWindowLevelMin(), display.GetWindowLevelMax()
        self.assertGreater(high, 2.4 * result.window[1])
        brain = table.GetTableValue(round(255 * (result.window[1] - low) / (high - low)))[0]
        self.assertAlmostEqual(brain, 0.85, delta=0.02)
        self.assertEqual((table.GetTableValue(0)[0], table.GetTableValue(255)[0]), (0.0, 1.0))
        for choice, window in ((FusionDisplay.brain, result.window), (FusionDisplay.bone, (low, high))):
            showAs(node, choice)
            self.assertEqual((display.GetWindowLevelMin(), display.GetWindowLevelMax()), window)
            self.assertNotEqual(display.GetColorNodeID(), knee)
        showAs(node, FusionDisplay.both)
        self.assertEqual(display.GetColorNodeID(), knee)
        self.assertTrue(hasDisplays(node))
        self.assertFalse(hasDisplays(self.logic.fuse(self.ctNode, [self.mriNode], COLOR)[0]))

    def test_color_gives_a_vector_volume(self):
        node, _ = self.logic.fuse(self.ctNode, [self.mriNode], FusionSettings(method=FusionMethod.color))
        self.assertEqual(node.GetClassName(), "vtkMRMLVectorVolumeNode")
        self.assertEqual(node.GetImageData().GetNumberOfScalarComponents(), 3)

    def test_a_preview_shows_the_scale_of_the_whole_volume_at_once(self):
        whole = self.logic.fuse(self.ctNode, [self.mriNode], FusionSettings(sliceWise=True))[1].image
        preview = SlicePreview(self.ctNode, [self.mriNode])
        grid = whole[:, :, whole.GetDepth() // 2 : whole.GetDepth() // 2 + 1]
        first = preview.fuse(grid, FusionSettings())
        start = time.process_time()
        for method in FusionMethod:
            preview.fuse(grid, FusionSettings(method=method))
        self.assertLess((time.process_time() - start) / len(FusionMethod), 0.15)
        inner = (slice(None), slice(8, -8), slice(8, -8))
        difference = sitk.GetArrayFromImage(first.image) - sitk.GetArrayFromImage(grid)
        self.assertLess(np.median(np.abs(difference[inner])), 2)


if __name__ == "__main__":
    unittest.main()
