"""The panel opens without what only computing needs."""

import subprocess
import sys
import unittest

import SlicerStandIn
from MedFusionTesting import PROJECT_ROOT

SCRIPT = """
import sys
sys.path[:0] = {paths!r}
import SlicerStandIn
app = SlicerStandIn.start()
app.openPanel()
print("loaded:", *(name for name in ("SimpleITK", "scipy.ndimage", "scipy.optimize", "MedFusionLib.Workflow.Steps")
                   if name in sys.modules), flush=True)
import os; os._exit(0)
"""


class TestPanelOpening(unittest.TestCase):
    def test_empty_panel_loads_nothing_that_computes(self):
        SlicerStandIn.start()  # or skip
        paths = [str(PROJECT_ROOT / "MedFusion"), str(PROJECT_ROOT / "Testing" / "Python")]
        script = SCRIPT.format(paths=paths)
        run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
        self.assertEqual(run.stdout.strip().splitlines()[-1:], ["loaded:"], run.stderr[-2000:])


if __name__ == "__main__":
    unittest.main()
