"""The transform that brings paired landmarks together, in closed form."""

import numpy as np
import SimpleITK as sitk

from ..Images.Transforms import TransformModel, matrixTransform
from .LandmarkGuards import checkConfiguration, checkMirrored, checkScale
from .ThinPlateSpline import fitThinPlateSpline


def fitLandmarks(
    fixedPoints: np.ndarray,
    movingPoints: np.ndarray,
    model: TransformModel = TransformModel.rigid,
    weights: np.ndarray | None = None,
    bounds: np.ndarray | None = None,
) -> sitk.Transform:
    """Return the transform that maps fixed points to moving points with the least weighted squared error.

    Rigid and similarity fits never mirror. A configuration of landmarks that cannot determine the transform is
    refused with a ValueError.

    :param fixedPoints: shape (N, 3), LPS millimeters; row i belongs to row i of movingPoints.
    :param weights: shape (N,), not negative, best 1/FLE^2 of each landmark; None weighs all alike.
    :param bounds: shape (2, 3), the lowest and highest fixed point where a spline will be needed, LPS millimeters.

    Sources: Arun, Huang, Blostein 1987, doi:10.1109/TPAMI.1987.4767965 (rigid); Umeyama 1991,
    doi:10.1109/34.88573 (similarity); Bookstein 1989, doi:10.1109/34.24792 (thin-plate spline).
    """
    fixedPoints, movingPoints, weights = checkConfiguration(
        fixedPoints, movingPoints, weights, model.value, model.minimumPairs, model.needsDepth
    )
    if model is TransformModel.thinPlateSpline:
        spline = fitThinPlateSpline(fixedPoints, movingPoints, weights)
        checkScale(spline.matrix)
        return spline.toTransform(bounds)
    matrix, offset = fitMatrix(fixedPoints, movingPoints, model, weights)
    if model is not TransformModel.affine:
        checkMirrored(fixedPoints, movingPoints, weights)
    scaled = model if model is not TransformModel.rigid else TransformModel.similarity
    checkScale(fitMatrix(fixedPoints, movingPoints, scaled, weights)[0])
    return matrixTransform(matrix, offset, fixedPoints.mean(axis=0), model)


def fitMatrix(
    fixedPoints: np.ndarray, movingPoints: np.ndarray, model: TransformModel, weights: np.ndarray | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Return matrix and offset with moving = matrix @ fixed + offset, without any guard.

    Leading axes are a batch: points of shape (..., N, 3) give matrices (..., 3, 3) and offsets (..., 3).
    """
    shares = np.ones(fixedPoints.shape[:-1]) if weights is None else np.broadcast_to(weights, fixedPoints.shape[:-1])
    shares = shares / shares.sum(axis=-1, keepdims=True)
    fixedCenter = np.einsum("...n,...nk->...k", shares, fixedPoints)
    movingCenter = np.einsum("...n,...nk->...k", shares, movingPoints)
    fixedOffsets = fixedPoints - fixedCenter[..., None, :]
    movingOffsets = movingPoints - movingCenter[..., None, :]
    weighted = fixedOffsets * shares[..., None]
    covariance = np.swapaxes(movingOffsets, -1, -2) @ weighted
    if model is TransformModel.affine:
        matrix = covariance @ np.linalg.inv(np.swapaxes(fixedOffsets, -1, -2) @ weighted)
    else:
        left, singular, right = np.linalg.svd(covariance)
        sign = np.ones(singular.shape)
        sign[..., 2] = np.where(np.linalg.det(left) * np.linalg.det(right) < 0, -1.0, 1.0)
        matrix = (left * sign[..., None, :]) @ right
        if model is TransformModel.similarity:
            spread = np.sum(weighted * fixedOffsets, axis=(-1, -2))
            matrix = matrix * (np.sum(singular * sign, axis=-1) / spread)[..., None, None]
    return matrix, movingCenter - np.einsum("...ij,...j->...i", matrix, fixedCenter)
