"""From the covariance of an error at a point to the length that it stays below."""

import numpy as np

from .Distributions import fQuantile

# By convention.
CONFIDENCE = 0.95
SMALLEST_BOUND_MM = 0.3  # the gold standards of the field are good to 0.4 mm: West et al. 1997


def expectedLength(covariances: np.ndarray) -> np.ndarray:
    """Return the root mean square length (M,) in mm of errors with covariances (M, 3, 3) in mm^2."""
    return np.sqrt(np.trace(covariances, axis1=1, axis2=2))


def lengthBound(covariances: np.ndarray, freedom: float) -> np.ndarray:
    """Return the length (M,) in mm that a normal error stays below with a probability of 95 %.

    :param covariances: shape (M, 3, 3), mm^2, estimated with so many degrees of freedom: few make the bound wide.

    Source: Box 1954, doi:10.1214/aoms/1177728786 (a quadratic form as a scaled chi-squared).
    """
    squares = np.trace(covariances, axis1=1, axis2=2)
    directions = squares**2 / np.maximum(np.einsum("nij,nij->n", covariances, covariances), 1e-300)
    return np.sqrt(squares * fQuantile(CONFIDENCE, np.clip(directions, 1.0, 3.0), freedom))
