"""A strict stand-in for the Qt side of Slicer, so that the panel can be driven by a test without the application.

The engine is real (slicer-core: scene, nodes, logics, slicer.util), the widgets are real Qt (PySide6); what stands in
is PythonQt's way of speaking to Qt, the widgets of CTK and Slicer, and the few services of the application that the
panel asks for. Whatever the running application does not have is refused here with an exception.
"""

import functools
import os
import subprocess
import sys
import unittest


def start() -> "object":
    """Return the running stand-in, started on first use, or skip the test where it cannot run."""
    try:
        import slicer
    except ImportError as error:
        raise unittest.SkipTest("slicer-core is not installed, so the panel cannot be driven") from error
    if hasattr(slicer, "app") and not hasattr(slicer.app, "isStandIn"):
        raise unittest.SkipTest("this runs in Slicer itself, where Reload and Test drives the real panel")
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    problem = _whyQtCannotRun()
    if problem:
        raise unittest.SkipTest(f"PySide6 cannot run here, so the panel cannot be driven: {problem}")
    from . import Application

    return Application.start()


@functools.cache
def _whyQtCannotRun() -> str:
    """Return why Qt does not start, or "". Where a library is missing Qt ends the process, so another one tries."""
    script = "from PySide6 import QtUiTools, QtWidgets; QtWidgets.QApplication([])"
    trial = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    lines = trial.stderr.strip().splitlines() or [f"exit status {trial.returncode}"]
    return "" if trial.returncode == 0 else lines[-1]
