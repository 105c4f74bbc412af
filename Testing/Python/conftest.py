"""Which tests `make quick` leaves out: files whose tests take seconds each. ctest and `make test` run them all.

The list is here since Slicer's own Python, which runs the same files, has no pytest to mark them with.
"""

from pathlib import Path

import pytest

SLOW_FILES = (
    "TestApi",
    "TestBrainMask",
    "TestCohort*",
    "TestCommandLine*",
    "TestCtChanges",
    "TestDicomCommandLine",
    "TestDicomExport",
    "TestFollowUp",
    "TestFusion*",
    "TestImageChecks",
    "TestIntracranialCavity",
    "TestLandmarkRegistration*",
    "TestLesion*",
    "TestMriDirLandmarks",
    "TestNothingToInstall",
    "TestPanel*",
    "TestPdfReport",
    "TestPoseCheck",
    "TestRealData",
    "TestRefinement",
    "TestRegisterCommand",
    "TestReport",
    "TestRobustness",
    "TestSecondOpinion",
    "TestSegmentCommandLine",
    "TestStepsWithoutPanel",
    "TestTumorModels",
    "TestTumorSegmentation*",
    "TestVoxels",
    "TestWaveletFusionLogic",
    "TestWayOfResults",
    "TestWeb*",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests of slow files."""
    for item in items:
        if any(Path(item.path.stem).match(pattern) for pattern in SLOW_FILES):
            item.add_marker(pytest.mark.slow)
