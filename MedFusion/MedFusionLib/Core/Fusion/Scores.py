"""The published measures of fusion quality, one function each, on 2D images from 0 to 255."""

import importlib.util

import numpy as np
from scipy import fft, ndimage

_TINY = np.finfo(float).tiny
_CHUNK = 192  # windows at once: their 81 joint probabilities stay in the processor's cache


def edgeTransfer(a: np.ndarray, b: np.ndarray, f: np.ndarray) -> float:
    """Return Q^AB/F, the share of the sources' edge strength and direction that f keeps.

    C. S. Xydeas, V. Petrovic, Objective image fusion performance measure, Electron. Lett. 36 (2000),
    doi:10.1049/el:20000267.
    """
    (strengthA, angleA), (strengthB, angleB), (strengthF, angleF) = (_sobel(image) for image in (a, b, f))

    def kept(strength: np.ndarray, angle: np.ndarray) -> np.ndarray:
        larger = np.maximum(strength, strengthF)
        ratio = np.divide(np.minimum(strength, strengthF), larger, out=np.zeros_like(larger), where=larger > 0)
        ratio = np.where(strength == strengthF, strengthF, ratio)
        turn = 1 - np.abs(angle - angleF) / (np.pi / 2)
        return 0.9994 / (1 + np.exp(-15 * (ratio - 0.5))) * 0.9879 / (1 + np.exp(-22 * (turn - 0.8)))

    total = (strengthA + strengthB).sum()
    return float((kept(strengthA, angleA) * strengthA + kept(strengthB, angleB) * strengthB).sum() / (total + _TINY))


def _sobel(image: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return strength and angle in -pi/2..pi/2 of the edges, zeros around the image."""
    smooth, slope = [1, 2, 1], [-1, 0, 1]
    # The reference implementation turns x around; it matters where one slope is exactly zero (angle pi/2).
    alongX = -ndimage.correlate1d(ndimage.correlate1d(image, slope, 1, mode="constant"), smooth, 0, mode="constant")
    alongY = ndimage.correlate1d(ndimage.correlate1d(image, slope, 0, mode="constant"), smooth, 1, mode="constant")
    angle = np.arctan(np.divide(alongY, alongX, out=np.full_like(image, np.inf), where=alongX != 0))
    return np.hypot(alongX, alongY), angle


def weightedQuality(a: np.ndarray, b: np.ndarray, f: np.ndarray) -> float:
    """Return Piella's weighted fusion quality QW: local similarity to the sources, weighted by their variance.

    G. Piella, H. Heijmans, A new quality metric for image fusion, ICIP 2003, doi:10.1109/ICIP.2003.1247209.
    """
    varianceA, varianceB = (_local(image, image)[2] for image in (a, b))
    both = varianceA + varianceB
    share = np.where(both == 0, 0.5, varianceA / np.where(both == 0, 1, both))
    salience = np.where(both == 0, 0.5, np.maximum(varianceA, varianceB))
    quality = share * similarityMap(a, f) + (1 - share) * similarityMap(b, f)
    return float((salience * quality).sum() / salience.sum())


def similarityMap(a: np.ndarray, f: np.ndarray) -> np.ndarray:
    """Return the SSIM of each place whose 11x11 window lies inside the image.

    Z. Wang et al., Image quality assessment: from error visibility to structural similarity, IEEE Trans. Image
    Process. 13 (2004), doi:10.1109/TIP.2003.819861.
    """
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    meanA, meanF, covariance = _local(a, f)
    varianceA, varianceF = _local(a, a)[2], _local(f, f)[2]
    return ((2 * meanA * meanF + c1) * (2 * covariance + c2)) / (
        (meanA**2 + meanF**2 + c1) * (varianceA + varianceF + c2)
    )


def _local(x: np.ndarray, y: np.ndarray, size: int = 11, sigma: float = 1.5) -> tuple[np.ndarray, ...]:
    """Return local means of x and y and their covariance in Gaussian windows that lie inside the image."""
    meanX, meanY = _blur(x, size, sigma), _blur(y, size, sigma)
    return meanX, meanY, _blur(x * y, size, sigma) - meanX * meanY


def _blur(image: np.ndarray, size: int, sigma: float, inside: bool = True) -> np.ndarray:
    offsets = np.arange(size) - (size - 1) / 2
    kernel = np.exp(-(offsets**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    for axis in (0, 1):
        image = ndimage.correlate1d(image, kernel, axis, mode="nearest")
    margin = size // 2
    return image[margin:-margin, margin:-margin] if inside else image


def sumOfDifferenceCorrelations(a: np.ndarray, b: np.ndarray, f: np.ndarray) -> float:
    """Return SCD: how well what f adds to one source is explained by the other.

    V. Aslantas, E. Bendes, A new image quality metric for image fusion: the sum of the correlations of differences,
    AEU 69 (2015), doi:10.1016/j.aeue.2015.09.004.
    """
    return _correlation(f - b, a) + _correlation(f - a, b)


def _correlation(x: np.ndarray, y: np.ndarray) -> float:
    x, y = x - x.mean(), y - y.mean()
    return float((x * y).sum() / np.sqrt((x * x).sum() * (y * y).sum() + _TINY))


def visualInformation(a: np.ndarray, f: np.ndarray) -> float:
    """Return the visual information fidelity of f with respect to one source (pixel domain, 4 scales).

    H. R. Sheikh, A. C. Bovik, Image information and visual quality, IEEE Trans. Image Process. 15 (2006),
    doi:10.1109/TIP.2005.859378.
    """
    noise, kept, whole = 2.0, 0.0, 0.0
    for scale in range(4):
        size = 2 ** (4 - scale) + 1
        if scale:
            a, f = (_blur(image, size, size / 5)[::2, ::2] for image in (a, f))
        if min(a.shape) <= size:
            break
        _, _, varianceA = _local(a, a, size, size / 5)
        _, _, varianceF = _local(f, f, size, size / 5)
        covariance = _local(a, f, size, size / 5)[2]
        varianceA, varianceF = np.maximum(varianceA, 0), np.maximum(varianceF, 0)
        gain = covariance / (varianceA + 1e-10)
        rest = varianceF - gain * covariance
        flat = varianceA < 1e-10
        gain[flat], rest[flat], varianceA[flat] = 0, varianceF[flat], 0
        empty = varianceF < 1e-10
        gain[empty], rest[empty] = 0, 0
        rest[gain < 0] = varianceF[gain < 0]
        gain = np.maximum(gain, 0)
        rest = np.maximum(rest, 1e-10)
        kept += np.log10(1 + gain**2 * varianceA / (rest + noise)).sum()
        whole += np.log10(1 + varianceA / noise).sum()
    return float(kept / (whole + _TINY))


def entropy(image: np.ndarray) -> float:
    """Return the entropy of the gray levels in bits."""
    return _entropy(np.bincount(_levels(image).ravel(), minlength=256))


def _levels(image: np.ndarray) -> np.ndarray:
    return np.clip(np.rint(image), 0, 255).astype(np.int64)


def _entropy(counts: np.ndarray) -> float:
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log2(share)).sum())


def mutualInformation(a: np.ndarray, f: np.ndarray) -> float:
    """Return the mutual information of two images in bits, 256 gray levels.

    G. Qu, D. Zhang, P. Yan, Information measure for performance of image fusion, Electron. Lett. 38 (2002),
    doi:10.1049/el:20020212.
    """
    joint = np.bincount((_levels(a) * 256 + _levels(f)).ravel(), minlength=65536)
    return entropy(a) + entropy(f) - _entropy(joint)


def normalizedMutualInformation(a: np.ndarray, b: np.ndarray, f: np.ndarray) -> float:
    """Return QMI, the mutual information with each source over the mean of the two entropies, summed.

    M. Hossny, S. Nahavandi, D. Creighton, Comments on "Information measure for performance of image fusion",
    Electron. Lett. 44 (2008), doi:10.1049/el:20081754.
    """
    a, b, f = (_stretch(image) for image in (a, b, f))
    shares = (mutualInformation(x, f) / (entropy(x) + entropy(f) + _TINY) for x in (a, b))
    return float(2 * sum(shares))


def _stretch(image: np.ndarray) -> np.ndarray:
    low, high = image.min(), image.max()
    if high == low:
        return image
    return np.floor((image - low) / (high - low) * 255 + 0.5)


def contrastPreservation(a: np.ndarray, b: np.ndarray, f: np.ndarray) -> float:
    """Return QCB, how well f keeps the local contrast that the eye sees in the sources.

    Y. Chen, R. S. Blum, A new automated quality assessment algorithm for image fusion, Image Vis. Comput. 27 (2009),
    doi:10.1016/j.imavis.2007.12.002.
    """
    seenA, seenB, seenF = (_seenContrast(_stretch(image)) for image in (a, b, f))
    keptA, keptB = (np.minimum(seen, seenF) / np.maximum(np.maximum(seen, seenF), _TINY) for seen in (seenA, seenB))
    both = seenA**2 + seenB**2
    share = np.where(both > 0, seenA**2 / np.where(both > 0, both, 1), 0.5)
    return float((share * keptA + (1 - share) * keptB).mean())


def _seenContrast(image: np.ndarray) -> np.ndarray:
    rows, columns = image.shape
    v, u = np.meshgrid(fft.fftfreq(rows) * 2 * rows / 30, fft.fftfreq(columns) * 2 * columns / 30, indexing="ij")
    radius = np.hypot(u, v)
    sensitivity = np.exp(-((radius / 15.3870) ** 2)) - 0.7622 * np.exp(-((radius / 1.3456) ** 2))
    filtered = fft.ifft2(fft.fft2(image) * sensitivity).real
    offsets = np.arange(-15, 16)
    blurred = []
    for sigma in (2, 4):
        kernel = np.exp(-(offsets**2) / (2 * sigma**2)) / np.sqrt(2 * np.pi * sigma**2)
        smooth = ndimage.correlate1d(filtered, kernel, 0, mode="constant")
        blurred.append(ndimage.correlate1d(smooth, kernel, 1, mode="constant"))
    contrast = np.abs(blurred[0] / np.where(blurred[1] == 0, _TINY, blurred[1]) - 1)
    return contrast**3 / (contrast**2 + 0.0001)


def featureMutualInformation(a: np.ndarray, b: np.ndarray, f: np.ndarray) -> float:
    """Return FMI on wavelet features: mutual information of 3x3 windows of the Meyer wavelet coefficients.

    M. B. A. Haghighat, A. Aghagolzadeh, H. Seyedarabi, A non-reference image fusion metric based on mutual information
    of image features, Comput. Electr. Eng. 37 (2011), doi:10.1016/j.compeleceng.2011.07.012.
    It is NaN where PyWavelets is not installed: no default may depend on it.
    """
    if importlib.util.find_spec("pywt") is None:
        return float("nan")
    windowsA, windowsB, windowsF = (_windows(_waveletFeatures(image)) for image in (a, b, f))
    return (_meanInformation(windowsA, windowsF) + _meanInformation(windowsB, windowsF)) / 2


def _waveletFeatures(image: np.ndarray) -> np.ndarray:
    import pywt

    approximation, (horizontal, vertical, diagonal) = pywt.dwt2(image, "dmey")
    return np.block([[approximation, horizontal], [vertical, diagonal]])


def _windows(features: np.ndarray) -> np.ndarray:
    """Return each 3x3 window as one column of 9, column by column."""
    views = np.lib.stride_tricks.sliding_window_view(features, (3, 3))
    return views.transpose(3, 2, 0, 1).reshape(9, -1)


def _meanInformation(windows: np.ndarray, windowsF: np.ndarray) -> float:
    # Black background has coefficients of rounding noise only: equal within noise is equal.
    differ = np.abs(windows - windowsF).max(axis=0) > 1e-10
    a, f = windows[:, differ], windowsF[:, differ]
    count, chunks = windows.shape[1], range(0, a.shape[1], _CHUNK)
    total = sum(
        _windowInformation(a[:, start : start + _CHUNK], f[:, start : start + _CHUNK]).sum() for start in chunks
    )
    return float((total + count - a.shape[1]) / count)


def _probabilities(windows: np.ndarray) -> np.ndarray:
    low, high = windows.min(axis=0), windows.max(axis=0)
    scaled = np.where(high > low, (windows - low) / np.where(high > low, high - low, 1), 1.0)
    return scaled / scaled.sum(axis=0)


def _windowInformation(windows: np.ndarray, windowsF: np.ndarray) -> np.ndarray:
    """Return the normalized mutual information of paired columns, their joint law set by their correlation."""
    p, q = _probabilities(windows), _probabilities(windowsF)
    dp, dq = p - p.mean(axis=0), q - q.mean(axis=0)
    correlation = (dp * dq).sum(axis=0) / np.sqrt(np.maximum((dp * dp).sum(axis=0) * (dq * dq).sum(axis=0), _TINY))
    index = np.arange(1.0, 10.0)
    deviation = [np.sqrt(np.abs(index**2 @ x - (index @ x) ** 2)) for x in (p, q)]
    cumulativeP, cumulativeQ = np.cumsum(p, axis=0)[:, None], np.cumsum(q, axis=0)[None]
    mixed = cumulativeP * cumulativeQ
    # The bound on the joint law of windows that run against each other is that of windows alike, one of them reversed;
    # the sign drops out, as only the ratio to the sum counts.
    turned = np.where(correlation >= 0, cumulativeQ, 1 - cumulativeQ)
    beyond = np.minimum(cumulativeP, turned)
    beyond -= cumulativeP * turned
    spread = beyond.sum(axis=(0, 1))
    beyond *= np.where(spread != 0, correlation * deviation[0] * deviation[1] / np.where(spread == 0, 1, spread), 0)
    mixed += beyond
    mixed[1:] -= mixed[:-1].copy()
    mixed[:, 1:] -= mixed[:, :-1].copy()
    joint = np.maximum(mixed, 0, out=mixed)
    entropies = _columnEntropy(p) + _columnEntropy(q)
    information = 2 * (entropies - _columnEntropy(joint.reshape(81, -1))) / np.where(entropies == 0, 1, entropies)
    return np.where(entropies == 0, 1.0, information)


def _columnEntropy(p: np.ndarray) -> np.ndarray:
    logarithms = np.maximum(p, 1e-300)
    np.log(logarithms, out=logarithms)
    logarithms *= p
    return -logarithms.sum(axis=0)
