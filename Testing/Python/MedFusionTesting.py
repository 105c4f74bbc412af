"""What the tests share: where the evaluation data is, and how a test that needs it skips."""

import unittest
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]


def sharedData(*parts: str) -> Path:
    """Return the path of a piece of evaluation data beside the project, or skip the test if it is absent."""
    path = PROJECT_ROOT.parent.joinpath("shared", "data", *parts)
    if not path.exists():
        raise unittest.SkipTest(f"evaluation data {'/'.join(parts)} is not beside the project")
    return path
