"""What intensities mean: Hounsfield units of air, and how far values scatter."""

import numpy as np

# By definition of Hounsfield units.
AIR_HU = -1000.0
LEAST_HU = -1024.0  # the least that 12 bits hold; scanners write it where they measured nothing

# Makes the median deviation of normally distributed values their standard deviation.
_MAD_TO_SIGMA = 1.4826


def robustSpread(values: np.ndarray, center: float | None = None) -> float:
    """Return the standard deviation of values, whatever a few outliers among them are.

    :param center: what the values scatter about; None takes their median.

    Median absolute deviation: Hampel 1974, doi:10.1080/01621459.1974.10482962.
    """
    middle = np.median(values) if center is None else center
    return _MAD_TO_SIGMA * float(np.median(np.abs(values - middle)))
