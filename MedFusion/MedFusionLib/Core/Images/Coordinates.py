"""The one place where the sign of axes changes: RAS (Slicer's scene and status bar) and LPS (ITK and the files)."""

from enum import Enum

import numpy as np

# By definition of the two frames.
RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


class CoordinateSystem(Enum):
    """Which way three axes lead: to the right, front and top of the patient, or to the left, back and top."""

    ras = "RAS"
    lps = "LPS"


def flipPoints(points: np.ndarray) -> np.ndarray:
    """Return RAS points as LPS, or LPS points as RAS.

    :param points: shape (..., 3), millimeters.
    """
    return np.asarray(points, dtype=float) * [-1.0, -1.0, 1.0]
