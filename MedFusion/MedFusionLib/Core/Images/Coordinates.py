"""The one place where the sign of axes changes: RAS (Slicer's scene and status bar) and LPS (ITK and the files)."""

import numpy as np

RAS_TO_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])


def flipPoints(points: np.ndarray) -> np.ndarray:
    """Return RAS points as LPS, or LPS points as RAS.

    :param points: shape (..., 3), millimetres.
    """
    return np.asarray(points, dtype=float) * [-1.0, -1.0, 1.0]
