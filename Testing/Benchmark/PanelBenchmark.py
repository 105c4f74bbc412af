"""Random use of the panel, and what opening it and a preview cost: PanelBenchmark.py [ACTIONS [SEEDS [FIRST]]]

It runs against the stand-in for the application. By default 5,000 actions are done for each of 10 seeds, from FIRST on.
"""

import subprocess
import sys
import time
import unittest
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python")]

from PanelActions import RandomUser  # noqa: E402
from PanelTestCase import PanelTestCase  # noqa: E402

ACTIONS, SEEDS = 5000, 10
VIEW_PIXELS, STEPS = 512, 20
OPENINGS = 5
ASKED_AFTER_SECONDS = 1.5


class RandomUse(PanelTestCase):
    """Many actions for each seed; the first failure ends a seed."""

    actions, seeds, first = ACTIONS, SEEDS, 1

    def test_random_use(self) -> None:
        for seed in range(self.first, self.first + self.seeds):
            with self.subTest(seed=seed):
                user = RandomUser(self, seed)
                self.addCleanup(user.close)
                user.loadPhantom()
                counts: Counter[str] = Counter()
                for _ in range(self.actions):
                    counts[user.act()] += 1
                print(f"seed {seed}: {self.actions} actions, {dict(counts)}", flush=True)


class Opening(unittest.TestCase):
    """The panel opened for the first time in processes of their own, with nothing loaded and with the phantom."""

    SCRIPT = """
import sys, time
sys.path[:0] = {paths!r}
import SlicerStandIn
app = SlicerStandIn.start()
app.moduleFile()
if {isLoaded}:
    from MedFusionLib.Core.Phantom import makePhantom
    from MedFusionLib.Scene.PhantomNodes import addPhantom
    addPhantom(app.scene, makePhantom(spacingFactor=2.0))
start = time.process_time()
app.openPanel()
print(time.process_time() - start, flush=True)
import os; os._exit(0)
"""

    def test_opening(self) -> None:
        for what, isLoaded in (("nothing loaded", False), ("the phantom loaded", True)):
            script = self.SCRIPT.format(paths=sys.path[:2], isLoaded=isLoaded)
            command = [sys.executable, "-c", script]
            texts = [subprocess.run(command, capture_output=True, text=True).stdout for _ in range(OPENINGS)]
            times = sorted(float(text.split()[-1]) for text in texts)
            print(f"opening with {what}: {times[OPENINGS // 2]:.2f} s CPU")


class Preview(PanelTestCase):
    """One view of 512x512 pixels, moved again and again."""

    def test_preview(self) -> None:
        from MedFusionLib.Core.Phantom import makePhantom
        from MedFusionLib.Scene.PhantomNodes import addPhantom

        addPhantom(self.scene, makePhantom())
        self.panel.enter()
        self.app.settle()
        self.click("registerButton")
        node = self.panel.views.logic("Red").GetSliceNode()
        node.SetDimensions(VIEW_PIXELS, VIEW_PIXELS, 1)
        self.ui.previewCheckBox.checked = True
        self.app.settle()
        time.sleep(ASKED_AFTER_SECONDS)  # the images are asked about the landmarks once, between steps
        self.app.settle()
        times = []
        for _ in range(STEPS):
            node.SetSliceOffset(node.GetSliceOffset() + 1)
            start = time.process_time()
            self.app.settle()
            times.append(1000 * (time.process_time() - start))
        times.sort()
        median, most = times[STEPS // 2], times[-1]
        print(f"preview of one view of {VIEW_PIXELS}x{VIEW_PIXELS}: {median:.0f} ms CPU, at most {most:.0f}")


if __name__ == "__main__":
    numbers = [int(text) for text in sys.argv[1:]]
    RandomUse.actions, RandomUse.seeds, RandomUse.first = (numbers + [ACTIONS, SEEDS, 1][len(numbers) :])[:3]
    unittest.main(argv=sys.argv[:1])
