"""A strict stand-in for the Qt side of Slicer, so that the panel can be driven by a test without the application.

The engine is real (slicer-core: scene, nodes, logics, slicer.util), the widgets are real Qt (PySide6); what stands in
is PythonQt's way of speaking to Qt, the widgets of CTK and Slicer, and the few services of the application that the
panel asks for. Whatever the running application does not have is refused here with an exception.
"""

import os
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
    try:
        from . import Application
    except ImportError as error:
        raise unittest.SkipTest(f"PySide6 cannot be loaded, so the panel cannot be driven ({error})") from error
    return Application.start()
