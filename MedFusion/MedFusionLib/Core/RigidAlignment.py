"""Bring two images of one head into one frame by their intensities, and say how well."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from .Progress import Progress, report

WORKING_SPACING = 2.0
SMALLEST_ERROR = 0.2
LARGEST_ERROR = 3.0


@dataclass(frozen=True)
class RigidAlignment:
    """A rigid transform from points of the first image to points of the second, LPS mm.

    :param errorMm: how far forward and backward alignment disagree around the target, never below 0.2 mm.
    :param similarity: correlation of the aligned images inside the head, -1 to 1.
    """

    transform: sitk.Transform
    errorMm: float
    similarity: float
    warnings: tuple[str, ...] = ()


def alignRigidly(
    fixedImage: sitk.Image,
    movingImage: sitk.Image,
    fixedIgnored: sitk.Image | None = None,
    movingIgnored: sitk.Image | None = None,
    target: np.ndarray | None = None,
    progress: Progress | None = None,
) -> RigidAlignment:
    """Return the rigid alignment of two images of one head.

    :param fixedIgnored: mask in the fixed image's frame that takes no part, such as a tumor that may have changed.
    :param target: fixed point around which the error is stated; the fixed image's center if None.

    Mattes et al. 2001, doi:10.1117/12.431046 (mutual information).
    """
    report(progress, 0.0, "Aligning the time points")
    fixed, moving = _prepared(fixedImage, fixedIgnored), _prepared(movingImage, movingIgnored)
    forward = _register(fixed, moving)
    report(progress, 0.5, "Checking the alignment")
    backward = _register(moving, fixed, forward.GetInverse())
    if target is None:
        middle = [(n - 1) / 2 for n in fixedImage.GetSize()]
        target = np.array(fixedImage.TransformContinuousIndexToPhysicalPoint(middle))
    around = np.asarray(target) + 20.0 * np.vstack([np.zeros(3), np.eye(3), -np.eye(3)])
    back = np.array([backward.TransformPoint(forward.TransformPoint(p.tolist())) for p in around])
    error = float(np.sqrt(np.mean(np.sum((back - around) ** 2, axis=1))))
    similarity = _correlation(fixed, moving, forward)
    warnings = []
    if error > LARGEST_ERROR or similarity < 0.5:
        warnings.append(
            f"The two time points may not be aligned: forward and backward disagree by {error:.1f} mm, the images "
            f"correlate by {similarity:.2f}. Look at the pictures before believing any change."
        )
    report(progress, 1.0, "Aligned the time points")
    return RigidAlignment(forward, max(error, SMALLEST_ERROR), similarity, tuple(warnings))


@dataclass(frozen=True)
class _Prepared:
    image: sitk.Image
    mask: sitk.Image


def _prepared(image: sitk.Image, ignored: sitk.Image | None) -> _Prepared:
    """Return the image at working resolution with the mask of the head without what is to be ignored."""
    spacing = np.maximum(image.GetSpacing(), WORKING_SPACING)
    extent = np.array(image.GetSpacing()) * image.GetSize()
    size = np.maximum(np.round(extent / spacing), 2).astype(int)
    grid = sitk.Image(size.tolist(), sitk.sitkUInt8)
    grid.SetSpacing((extent / size).tolist())
    grid.SetDirection(image.GetDirection())
    shift = (extent / size - np.array(image.GetSpacing())) / 2
    grid.SetOrigin((np.array(image.GetOrigin()) + np.reshape(image.GetDirection(), (3, 3)) @ shift).tolist())
    smooth = sitk.SmoothingRecursiveGaussian(sitk.Cast(image, sitk.sitkFloat32), (spacing / 2).tolist())
    small = sitk.Resample(smooth, grid, sitk.Transform(3, sitk.sitkIdentity), sitk.sitkLinear, 0.0)
    values = sitk.GetArrayViewFromImage(small)
    low, high = np.percentile(values, (5, 99))
    mask = sitk.BinaryDilate(small > float(low + 0.1 * (high - low)), [2, 2, 2])
    if ignored is not None:
        tumor = sitk.Resample(sitk.Cast(ignored > 0, sitk.sitkUInt8), grid, sitk.Transform(), sitk.sitkNearestNeighbor)
        mask = mask & ~(sitk.BinaryDilate(tumor, [2, 2, 2]) > 0)
    if not sitk.GetArrayViewFromImage(mask).any():
        raise ValueError("The image holds no head to align; it is nearly constant.")
    return _Prepared(small, sitk.Cast(mask, sitk.sitkUInt8))


def _register(fixed: _Prepared, moving: _Prepared, start: sitk.Transform | None = None) -> sitk.Euler3DTransform:
    starts = [start] if start is not None else _starts(fixed, moving)
    coarse = [_optimize(fixed, moving, initial, (4,), 40) for initial in starts]
    best = min(coarse, key=lambda pair: pair[1])[0]
    return _optimize(fixed, moving, best, (2, 1), 100)[0]


def _starts(fixed: _Prepared, moving: _Prepared) -> list[sitk.Transform]:
    """Return where to begin: as the headers say, and with the two heads' centers on each other."""
    centers = [_center(prepared.mask) for prepared in (fixed, moving)]
    shifted = sitk.Euler3DTransform(centers[0].tolist(), 0.0, 0.0, 0.0, (centers[1] - centers[0]).tolist())
    same = sitk.Euler3DTransform(centers[0].tolist(), 0.0, 0.0, 0.0)
    return [same, shifted]


def _center(mask: sitk.Image) -> np.ndarray:
    index = np.argwhere(sitk.GetArrayViewFromImage(mask)).mean(axis=0)
    return np.array(mask.TransformContinuousIndexToPhysicalPoint(index[::-1].tolist()))


def _optimize(
    fixed: _Prepared, moving: _Prepared, initial: sitk.Transform, shrinks: tuple[int, ...], iterations: int
) -> tuple[sitk.Euler3DTransform, float]:
    center = _center(fixed.mask)
    transform = sitk.Euler3DTransform(center.tolist(), 0.0, 0.0, 0.0)
    rotation, offset = _rotationAndShift(initial, center)
    transform.SetMatrix(rotation.ravel().tolist(), 1e-4)
    transform.SetTranslation(offset.tolist())
    method = sitk.ImageRegistrationMethod()
    # One thread: the order of summation, and so the last digits, must not depend on the machine.
    method.SetNumberOfThreads(1)
    method.SetMetricAsMattesMutualInformation(40)
    method.SetMetricFixedMask(fixed.mask)
    method.SetMetricMovingMask(moving.mask)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentage(0.25)
    method.SetInterpolator(sitk.sitkLinear)
    method.SetOptimizerAsRegularStepGradientDescent(1.0, 1e-3, iterations, 0.6)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetShrinkFactorsPerLevel(list(shrinks))
    method.SetSmoothingSigmasPerLevel([float(s) / 2 for s in shrinks])
    method.SetInitialTransform(transform, inPlace=True)
    try:
        method.Execute(fixed.image, moving.image)
    except RuntimeError:
        return transform, float("inf")  # the two heads share no voxels from this start
    return transform, method.GetMetricValue()


def _rotationAndShift(transform: sitk.Transform, center: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    moved = np.array(transform.TransformPoint(center.tolist()))
    axes = [np.array(transform.TransformPoint((center + axis).tolist())) - moved for axis in np.eye(3)]
    left, _, right = np.linalg.svd(np.column_stack(axes))
    return left @ right, moved - center


def _correlation(fixed: _Prepared, moving: _Prepared, transform: sitk.Transform) -> float:
    values = sitk.GetArrayFromImage(sitk.Resample(moving.image, fixed.image, transform, sitk.sitkLinear, float("nan")))
    inside = (sitk.GetArrayViewFromImage(fixed.mask) > 0) & np.isfinite(values)
    if inside.sum() < 100:
        return 0.0
    return float(np.corrcoef(values[inside], sitk.GetArrayViewFromImage(fixed.image)[inside])[0, 1])
