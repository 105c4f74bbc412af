"""Whether what is soft inside the body has moved against its bone."""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk
from scipy.ndimage import distance_transform_edt

from ..Images.Grids import indicesAt
from ..Images.Resampling import shrink
from ..Images.Transforms import Pose
from ..Images.ValueJudgment import ValueKind, judgeImage
from .ContentChecks import bodyDepth
from .MutualInformation import mutualInformation
from .PoseOptimizer import climb
from .Refinement import RefinedPose

# Chosen on the DEV rows of Testing/Benchmark/HonestyBenchmark.py and the meat phantom; bone is dense above 250 HU.
_DEEP_MM, _FROM_BONE_MM = 20.0, 8.0
_BONE_SPACING_MM, _BONE_HU = 3.0, 250.0
_FEWEST_SAMPLES, _STEP_MM = 2000, 2.0
# Right pairs of the DEV rows of Testing/Benchmark/HonestyBenchmark.py reach 0.03 and 0.4 mm, sunk brains start at 0.09
# and 1.4 mm.
_LEAST_GAIN, _LEAST_SHIFT_MM, _OF_VOXEL = 0.045, 0.8, 0.4
_LEAST_INFORMATION, _MOST_SHIFT_MM = 0.07, 15.0  # nats; a part with less, or that goes farther, was not found again


@dataclass(frozen=True, eq=False)
class TissueShift:
    """Hold the pose of a part of the body that is clearly another than that of the whole, and how far it is, in mm."""

    pose: Pose
    shift: float
    part: str

    @property
    def sentence(self) -> str:
        """Return what a user should know."""
        return (
            f"{self.part} the images fit best {self.shift:.1f} mm from where the whole body puts it: tissue moved "
            "between the scans, or the MRI is distorted. The expected error includes it."
        )


def findTissueShift(fixedImage: sitk.Image, refined: RefinedPose) -> TissueShift | None:
    """Return the pose of bone alone, or of what lies deep and off it, where it is clearly another and better one.

    The pose of a whole head is mostly that of its bone and skin, that of a piece of meat mostly that of the meat.
    """
    points = refined.comparisons[-1].samples.points
    fromBone = _boneDistances(fixedImage, points)
    isDeep = (_valuesAt(bodyDepth(fixedImage), points) > _DEEP_MM) & (fromBone > _FROM_BONE_MM)
    parts = {"Deep inside": isDeep, "At the bone": fromBone < _FROM_BONE_MM}
    found = [_shiftOf(refined, chosen, part) for part, chosen in parts.items()]
    return max((shift for shift in found if shift is not None), key=lambda shift: shift.shift, default=None)


def _shiftOf(refined: RefinedPose, chosen: np.ndarray, part: str) -> TissueShift | None:
    if chosen.sum() < _FEWEST_SAMPLES:
        return None
    finest = refined.comparisons[-1]
    samples = finest.samples.part(chosen)
    pose = climb(samples, finest.moving, refined.pose, _STEP_MM, False, 1e-5)
    before = mutualInformation(samples, finest.moving, refined.pose.matrix, refined.pose.offset).information
    steps = pose.apply(samples.points) - refined.pose.apply(samples.points)
    shift = float(np.sqrt(np.mean(np.sum(steps**2, axis=1))))
    least = max(_LEAST_SHIFT_MM, _OF_VOXEL * float(refined.spacings.max()))
    isBetter = before > _LEAST_INFORMATION and pose.information > (1 + _LEAST_GAIN) * before
    return TissueShift(pose, shift, part) if isBetter and least < shift < _MOST_SHIFT_MM else None


def _boneDistances(image: sitk.Image, points: np.ndarray) -> np.ndarray:
    """Return how far (N,), mm, points lie from bone."""
    coarse = sitk.Cast(shrink(image, _BONE_SPACING_MM), sitk.sitkFloat32)
    bone = sitk.GetArrayViewFromImage(coarse) > _boneThreshold(image, coarse)
    if not bone.any():
        return np.full(len(points), np.inf)
    spacing = coarse.GetSpacing()[::-1]
    distances = sitk.GetImageFromArray(distance_transform_edt(~bone, sampling=spacing).astype(np.float32))
    distances.CopyInformation(coarse)
    return _valuesAt(distances, points)


def _boneThreshold(image: sitk.Image, coarse: sitk.Image) -> float:
    """Return the value above which bone begins: without HU it is what is far brighter than the rest of the body.

    Source of the threshold: Otsu 1979, doi:10.1109/TSMC.1979.4310076.
    """
    if judgeImage(image).kind is ValueKind.ctInHu:
        return _BONE_HU
    body = sitk.Resample(bodyDepth(image), coarse, sitk.Transform(), sitk.sitkNearestNeighbor) > 0
    otsu = sitk.OtsuThresholdImageFilter()
    otsu.SetMaskValue(1)
    otsu.Execute(coarse, body)
    return otsu.GetThreshold()


def _valuesAt(image: sitk.Image, points: np.ndarray) -> np.ndarray:
    """Return the values (N,) of an image at the voxels nearest to points (N, 3), LPS millimeters."""
    indices = np.rint(indicesAt(image, points)).astype(int)
    i, j, k = np.clip(indices, 0, np.array(image.GetSize()) - 1).T
    return sitk.GetArrayViewFromImage(image)[k, j, i]
