"""What tests of the command line share: a quick phantom in files, and how input is refused."""

import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from MedFusionLib.CommandLine.Demo import writePhantom
from MedFusionLib.Core.Images.Coordinates import flipPoints
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionTesting import medfusion


class PhantomCase(unittest.TestCase):
    """A quick phantom written to files, once per class."""

    @classmethod
    def setUpClass(cls) -> None:
        cls.temporary = tempfile.TemporaryDirectory()
        cls.addClassCleanup(cls.temporary.cleanup)
        cls.folder = Path(cls.temporary.name)
        cls.phantom = makePhantom(spacingFactor=2.0)
        cls.inputs = writePhantom(cls.phantom, cls.folder / "input")
        cls.seed = ",".join(f"{value:.2f}" for value in flipPoints(cls.phantom.targets[-1]))

    def runArguments(self, **changes: object) -> list[object]:
        inputs = self.inputs | changes
        return [
            *("run", inputs["ct"], inputs["mri"]),
            *("--ct-landmarks", inputs["ct_landmarks"], "--mri-landmarks", inputs["mri_landmarks"]),
        ]

    def assertRefused(self, pattern: str, *arguments: object) -> None:
        """Assert that the arguments are refused with one matching sentence, exit status 2, and nothing written."""
        before = sorted(self.folder.rglob("*"))
        status, output, errors = medfusion(*arguments)
        lastLine = errors.strip().splitlines()[-1]
        self.assertEqual((status, output), (2, ""), errors)
        self.assertRegex(lastLine, pattern)
        self.assertNotIn("Traceback", errors)
        self.assertEqual(sorted(self.folder.rglob("*")), before)

    def write(self, name: str, array: np.ndarray, isVector: bool = False) -> Path:
        """Write an array on the phantom CT's spacing as a volume file, removed after the test."""
        path = self.folder / name
        image = sitk.GetImageFromArray(array, isVector=isVector)
        sitk.WriteImage(image, str(path))
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def writeText(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text)
        self.addCleanup(path.unlink, missing_ok=True)
        return path

    def changedLandmarks(self, name: str, change: object) -> Path:
        """Write the phantom's MRI landmarks after a change to the list of control points."""
        document = json.loads(Path(self.inputs["mri_landmarks"]).read_text())
        document["markups"][0]["controlPoints"] = change(document["markups"][0]["controlPoints"])
        return self.writeText(name, json.dumps(document))
