"""What happens to the panel's choices when their nodes go: a role becomes empty and is never filled by itself."""

import unittest

from MedFusionLib.Workflow.Parameters import TumorChoice
from PanelTestCase import PanelTestCase

NODE_ROLES = {
    "fixedVolume": "vtkMRMLScalarVolumeNode",
    "movingVolume": "vtkMRMLScalarVolumeNode",
    "tumorVolume": "vtkMRMLScalarVolumeNode",
    "fusedVolume": "vtkMRMLScalarVolumeNode",
    "fixedLandmarks": "vtkMRMLMarkupsFiducialNode",
    "movingLandmarks": "vtkMRMLMarkupsFiducialNode",
    "tumorInside": "vtkMRMLMarkupsFiducialNode",
    "tumorOutside": "vtkMRMLMarkupsFiducialNode",
    "tumorScribbles": "vtkMRMLSegmentationNode",
    "segmentation": "vtkMRMLSegmentationNode",
}


class TestPanelRoles(PanelTestCase):
    def _fillRoles(self) -> None:
        """Give every role a node of its own, with neighbors before and after it in the scene."""
        self.loadPhantom()
        for name, className in NODE_ROLES.items():
            self.scene.AddNewNodeByClass(className, f"before {name}")
            if getattr(self.parameters, name) is None:
                setattr(self.parameters, name, self.scene.AddNewNodeByClass(className, name))
            self.scene.AddNewNodeByClass(className, f"after {name}")
        self.parameters.tumorMethod = TumorChoice.strokes
        self.app.settle()

    def test_role_whose_node_is_removed_becomes_empty_and_no_other_changes(self):
        for name in NODE_ROLES:
            with self.subTest(name):
                self.app.clearScene()
                self._fillRoles()
                expected = {role: getattr(self.parameters, role) for role in NODE_ROLES} | {name: None}
                self.scene.RemoveNode(getattr(self.parameters, name))
                self.app.settle()
                self.assertEqual({role: getattr(self.parameters, role) for role in NODE_ROLES}, expected)

    def test_role_stays_empty_when_the_node_is_removed_while_another_module_is_open(self):
        for name in NODE_ROLES:
            with self.subTest(name):
                self.app.clearScene()
                self._fillRoles()
                node = getattr(self.parameters, name)
                self.panel.exit()
                self.scene.RemoveNode(node)
                self.app.settle()
                self.panel.enter()
                self.app.settle()
                self.assertIsNone(getattr(self.parameters, name))

    def test_both_volumes_removed_are_not_replaced_by_others(self):
        self._fillRoles()
        self.scene.RemoveNode(self.parameters.fixedVolume)
        self.scene.RemoveNode(self.parameters.movingVolume)
        self.panel.exit()
        self.panel.enter()
        self.app.settle()
        self.assertIsNone(self.parameters.fixedVolume)
        self.assertIsNone(self.parameters.movingVolume)

    def test_each_step_says_why_it_is_disabled(self):
        self.loadPhantom()
        self.click("registerButton")
        self.click("fuseButton")
        self.parameters.tumorVolume = self.scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode")
        for role, button, reason in (
            ("fusedVolume", "saveButton", "Fuse the volumes first"),
            ("tumorVolume", "segmentButton", "Choose the volume in which the tumor is seen best"),
            ("movingVolume", "registerButton", "Choose a CT and an MRI first"),
            ("movingVolume", "fuseButton", "Choose a CT and an MRI first"),
        ):
            with self.subTest(role=role, button=button):
                if getattr(self.parameters, role) is not None:
                    self.scene.RemoveNode(getattr(self.parameters, role))
                self.app.settle()
                self.assertFalse(getattr(self.ui, button).enabled)
                self.assertIn(reason, getattr(self.ui, button).toolTip)

    def test_checks_end_when_their_nodes_or_the_transform_are_removed(self):
        self.loadPhantom()
        self.click("registerButton")
        self.click("treMapButton")
        self.scene.RemoveNode(self.scene.GetFirstNodeByName("expected TRE (mm)"))
        self.app.settle()
        self.assertFalse(self.ui.treMapButton.checked)
        self.click("edgesButton")
        self.scene.RemoveNode(self.parameters.movingVolume.GetParentTransformNode())
        self.app.settle()
        self.assertFalse(self.ui.edgesButton.checked)
        self.assertFalse(self.ui.edgesButton.enabled)
        self.assertEqual(self.ui.registrationCard.text, "")


if __name__ == "__main__":
    unittest.main()
