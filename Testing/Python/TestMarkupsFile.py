"""Damaged markups files and segmentations are refused before a reader of Slicer ends the process at them."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Inputs.LandmarkFile import readLandmarkFile
from MedFusionLib.Scene.NodeFiles import loadMarkups, loadSegmentation, saveNode
from MedFusionLib.Scene.Session import Session


class TestMarkupsFile(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def write(self, document: object) -> Path:
        path = self.folder / "points.mrk.json"
        path.write_text(document if isinstance(document, str) else json.dumps(document))
        return path

    def test_what_slicer_writes_is_accepted_also_with_unset_points(self):
        path = self.folder / "points.mrk.json"
        with Session() as session:
            node = session.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
            for point in ((1, 2, 3), (4, 5, 6)):
                node.AddControlPointWorld(point)
            node.UnsetNthControlPointPosition(1)
            saveNode(node, path)
            readLandmarkFile(path)
            self.assertEqual(loadMarkups(session.scene, path).GetNumberOfControlPoints(), 2)

    def test_damaged_structure_is_refused_in_a_sentence(self):
        good = {"label": "a", "position": [1.0, 2.0, 3.0]}
        for document, pattern in (
            ("{", "not JSON"),
            ("[]", "no list of markups"),
            ({"markups": [None]}, "no list of markups"),
            ({"markups": [{"type": "Fiducial", "controlPoints": 3}]}, "not a list"),
            ({"markups": [{"type": "Fiducial", "controlPoints": [good, None]}]}, "point 2 .* is empty"),
            ({"markups": [{"controlPoints": [good | {"position": [1, 2]}]}]}, "not 3 numbers"),
            ({"markups": [{"controlPoints": [good | {"orientation": [1, {}]}]}]}, "not 9 numbers"),
            ({"markups": [{"controlPoints": [good | {"label": {}}]}]}, "not text"),
            ({"markups": [{"controlPoints": [good | {"selected": [[]]}]}]}, "neither true nor false"),
            ("[" * 100000, "not JSON"),
        ):
            with self.subTest(pattern=pattern), self.assertRaisesRegex(ValueError, pattern):
                readLandmarkFile(self.write(document))

    def test_a_truncated_segmentation_is_refused_and_ends_nothing(self):
        path = self.folder / "tumor.seg.nrrd"
        sitk.WriteImage(sitk.GetImageFromArray(np.ones((8, 9, 10), np.uint8)), str(path))
        path.write_bytes(path.read_bytes()[:-300])
        with Session() as session, self.assertRaisesRegex(ValueError, "could not be read as a segmentation"):
            loadSegmentation(session.scene, path)


if __name__ == "__main__":
    unittest.main()
