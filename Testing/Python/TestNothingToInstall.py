"""The default way needs nothing that Slicer does not bring along, and asking for more fails in a sentence."""

import ast
import subprocess
import sys
import unittest
from unittest.mock import patch

from MedFusionTesting import PROJECT_ROOT
from PanelTestCase import PanelTestCase

LIBRARY = PROJECT_ROOT / "MedFusion" / "MedFusionLib"
AT_FILE_SCOPE = {"numpy", "scipy", "SimpleITK", "slicer", "vtk", "qt", "MedFusionLib", "MedFusion"}
# Doors with an environment of their own.
OTHER_DOORS = {"Web"}
DEFAULT_WAY = """
import sys
for name in ("pywt", "skimage"):
    sys.modules[name] = None
import tempfile
from pathlib import Path
from TestStepsWithoutPanel import *
from MedFusionLib.Scene.VolumeNodes import setMarkupsPoints
from MedFusionLib.Workflow.Parameters import TUMOR_LINES_ROLE
from MedFusionLib.Widgets.SelfTest import longestDiameter
with Session() as session, tempfile.TemporaryDirectory() as folder:
    scene, phantom = session.scene, makePhantom(spacingFactor=2.5)
    parameters, steps = plainParameters(scene), Steps(scene)
    addPhantom(scene, phantom)
    guessVolumes(scene, parameters)
    parameters.refine, parameters.fusionMethod = True, next(iter(FusionChoice))
    steps.register(parameters)
    steps.fuse(parameters)
    parameters.tumorVolume, parameters.tumorMethod = parameters.movingVolume, TumorChoice.line
    line = scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
    setMarkupsPoints(line, longestDiameter(phantom.tumorLabels))
    parameters.parameterNode.AddNodeReferenceID(TUMOR_LINES_ROLE, line.GetID())
    steps.segment(parameters)
    assert steps.measure(parameters).total.sphericity > 0.3
    parameters.outputFolder = Path(folder) / "results"
    report = steps.save(parameters, replace=False)
    assert report.is_file()
print("done")
"""


class TestNothingToInstall(unittest.TestCase):
    def test_default_way_runs_without_pywavelets_and_scikit_image(self):
        paths = (str(PROJECT_ROOT / "MedFusion"), str(PROJECT_ROOT / "Testing" / "Python"))
        script = f"import sys\nsys.path[:0] = {paths!r}\n{DEFAULT_WAY}"
        run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        self.assertEqual(run.stdout.strip(), "done", run.stderr[-2000:])

    def test_files_import_nothing_but_slicers_own_at_their_scope(self):
        for path in LIBRARY.rglob("*.py"):
            if path.relative_to(LIBRARY).parts[0] in OTHER_DOORS:
                continue
            names = {
                name.partition(".")[0]
                for node in ast.parse(path.read_text(encoding="utf-8")).body
                if isinstance(node, ast.Import) or isinstance(node, ast.ImportFrom) and node.level == 0
                for name in ([alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module])
            }
            self.assertLessEqual(names, AT_FILE_SCOPE | sys.stdlib_module_names, path.name)


class TestPackages(PanelTestCase):
    def setUp(self) -> None:
        super().setUp()
        # Each package looks as if it were missing.
        missing = patch("MedFusionLib.Widgets.Packages.importlib.util.find_spec", lambda _name: None)
        missing.start()
        self.addCleanup(missing.stop)

    def fuseWithWavelets(self) -> None:
        from MedFusionLib.Workflow.Parameters import FusionChoice

        self.loadPhantom()
        self.parameters.fusionMethod = FusionChoice.dwt
        self.app.settle()
        self.click("fuseButton")

    def test_nothing_is_asked_for_on_the_default_way(self):
        self.loadPhantom()
        self.click("registerButton")
        self.click("fuseButton")
        self.assertEqual(self.app.installed, [])

    def test_method_that_needs_a_package_asks_for_that_one(self):
        self.fuseWithWavelets()
        self.assertEqual(self.app.installed, ["PyWavelets>=1.5"])

    def test_failed_or_declined_installation_is_one_sentence_and_changes_nothing(self):
        import slicer

        for failure, sentence in (
            (RuntimeError("The installation was declined."), "The installation was declined."),
            (subprocess.CalledProcessError(1, ["pip"]), "PyWavelets>=1.5 could not be installed"),
        ):
            with self.subTest(sentence):
                self.app.clearScene()
                self.app.displayed.clear()
                with patch.object(slicer.packaging, "pip_ensure", side_effect=failure):
                    self.fuseWithWavelets()
                self.assertEqual(len(self.errors()), 1)
                self.assertIn(f"The volumes could not be fused.\n\n{sentence}", self.errors()[0])
                self.assertIsNone(self.parameters.fusedVolume)
                self.assertTrue(self.ui.fuseButton.enabled)

    def test_older_slicer_asks_before_it_installs(self):
        import slicer

        with (
            patch.dict(sys.modules, {"slicer.packaging": None}),
            patch.object(slicer, "packaging", None),
            patch.object(slicer.util, "pip_install", create=True) as install,
        ):
            self.fuseWithWavelets()
        self.assertEqual(install.call_args.args, (["PyWavelets>=1.5"],))
        self.assertTrue(any(kind == "confirm" and "PyWavelets" in text for kind, text in self.app.displayed))


if __name__ == "__main__":
    unittest.main()
