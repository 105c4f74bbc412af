"""Chances and quantiles of the two distributions that errors follow; all of scipy.stats takes long to load."""

import numpy as np
from scipy import special


def fSurvival(value: np.ndarray | float, numerator: float, denominator: float) -> np.ndarray:
    """Return the chance that an F-distributed number exceeds a value; 1 for a negative one.

    :param numerator: degrees of freedom above; denominator: those below.
    """
    return special.fdtrc(numerator, denominator, np.maximum(value, 0.0))


def fQuantile(share: float, numerator: np.ndarray | float, denominator: np.ndarray | float) -> np.ndarray:
    """Return what an F-distributed number stays below with a chance."""
    return special.fdtri(numerator, denominator, share)


def chiSquareQuantile(share: np.ndarray | float, freedom: float) -> np.ndarray:
    """Return what a chi-square distributed number stays below with a chance."""
    return 2 * special.gammaincinv(freedom / 2, share)
