"""The cases that registration is measured on, and the peer it is measured against."""

import json
import time
from copy import copy

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Transforms import Pose, poseOf, transformPoints
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionTesting import sharedData
from scipy.spatial.transform import Rotation

try:
    import itk
except ImportError:
    itk = None

# How the cases were made: RMS per image 1.0 and 1.5 mm, and 0.8 mm per axis and image; both images' squares added.
TRUE_FLE = {"head-a": 1.0 * 2**0.5, "head-b": 1.5 * 2**0.5, "phantom": 0.8 * 6**0.5}


def printTable(title: str, header: tuple[str, ...], rows: list[tuple]) -> None:
    """Print a Markdown table."""
    print(f"\n### {title}\n\n| {' | '.join(header)} |\n|{'---|' * len(header)}")
    for row in rows:
        print(f"| {' | '.join('' if value is None else str(value) for value in row)} |", flush=True)


class HeadCase:
    """One simulated head, or the phantom: images, truth, targets, landmarks."""

    def __init__(self, name: str) -> None:
        self.name = name
        if name == "phantom":
            phantom = makePhantom()
            self.fixedImage, self.movingImage = phantom.ct, phantom.mri
            self.fixedTargets = phantom.targets
            self.movingTargets = transformPoints(phantom.ctToMri, phantom.targets)
            self.fixed = LandmarkList(phantom.landmarkLabels, phantom.ctLandmarks)
            self.moving = LandmarkList(phantom.landmarkLabels, phantom.mriLandmarks)
            self.truth = poseOf(phantom.ctToMri)
            return
        self.fixedImage = sitk.ReadImage(str(sharedData("head-sim", name, "ct.nrrd")))
        self.movingImage = sitk.ReadImage(str(sharedData("head-sim", name, "mr_t1c.nrrd")))
        targets = json.loads(sharedData("head-sim", name, "truth_targets.json").read_text())
        self.fixedTargets, self.movingTargets = np.array(targets["ct"]), np.array(targets["mr"])
        self.fixed, self.moving = (self._landmarks(name, side) for side in ("ct", "mr"))
        self.truth = poseOf(sitk.ReadTransform(str(sharedData("head-sim", name, "truth_ct_to_mr.tfm"))))

    @staticmethod
    def _landmarks(name: str, side: str) -> LandmarkList:
        document = json.loads(sharedData("head-sim", name, f"{side}_landmarks.mrk.json").read_text())
        points = document["markups"][0]["controlPoints"]
        return LandmarkList(tuple(point["label"] for point in points), np.array([p["position"] for p in points]))

    def variants(self) -> list["HeadCase"]:
        """Return the case under worse conditions: noise, a stretched MR, thick slices, a CT without its lower third."""
        moving, slices = self.movingImage, self.fixedImage.GetSize()[2]
        values = sitk.GetArrayFromImage(moving).astype(np.float32)
        noise = np.random.default_rng(5).normal(0, 0.08 * np.percentile(values, 99), values.shape)
        noisy = sitk.GetImageFromArray(values + noise.astype(np.float32))
        noisy.CopyInformation(moving)
        middle = moving.TransformContinuousIndexToPhysicalPoint([(size - 1) / 2 for size in moving.GetSize()])
        stretch = sitk.AffineTransform(3)
        stretch.SetCenter(middle)
        stretch.Scale((1.01, 1.0, 1.0))
        stretched = transformPoints(stretch.GetInverse(), self.movingTargets)
        thickness = max(1, round(4 / moving.GetSpacing()[2]))
        return [
            self,
            self._varied("8 % noise", movingImage=noisy),
            self._varied("MR stretched by 1 %", movingImage=sitk.Resample(moving, stretch), movingTargets=stretched),
            self._varied("4 mm slices", movingImage=sitk.BinShrink(moving, [1, 1, thickness])),
            self._varied("lower third of the CT missing", fixedImage=self.fixedImage[:, :, slices // 3 :]),
        ]

    def _varied(self, condition: str, **changes: object) -> "HeadCase":
        varied = copy(self)
        vars(varied).update(changes, name=f"{self.name}, {condition}")
        return varied

    def errors(self, pose: Pose) -> np.ndarray:
        """Return the TRE in mm at every target."""
        return np.linalg.norm(pose.apply(self.fixedTargets) - self.movingTargets, axis=1)


def perturbed(case: HeadCase, millimeters: float, degrees: float, rng: np.random.Generator) -> Pose:
    """Return the truth moved by a distance and turned by an angle, both in random directions."""
    axis, shift = rng.normal(size=3), rng.normal(size=3)
    turn = Rotation.from_rotvec(np.radians(degrees) * axis / np.linalg.norm(axis)).as_matrix()
    center = case.truth.apply(case.fixedTargets.mean(axis=0))
    shift *= millimeters / np.linalg.norm(shift)
    return Pose(turn @ case.truth.matrix, turn @ (case.truth.offset - center) + center + shift)


def runElastix(case: HeadCase, start: Pose) -> tuple[Pose, float]:
    """Return elastix's rigid result from a start, and its CPU seconds without reading or resampling anything."""
    moving = sitk.Image(case.movingImage)  # the start goes into the moving header, so that elastix begins there
    inverse = np.linalg.inv(start.matrix)
    moving.SetDirection((inverse @ np.reshape(moving.GetDirection(), (3, 3))).ravel().tolist())
    moving.SetOrigin((inverse @ (np.array(moving.GetOrigin()) - start.offset)).tolist())
    images = [_itkImage(image) for image in (case.fixedImage, moving)]
    parameters = itk.ParameterObject.New()
    rigid = parameters.GetDefaultParameterMap("rigid")
    rigid["WriteResultImage"] = ["false"]
    rigid["AutomaticTransformInitialization"] = ["false"]
    parameters.AddParameterMap(rigid)
    begin = time.process_time()
    method = itk.ElastixRegistrationMethod.New(*images)
    method.SetParameterObject(parameters)
    method.SetNumberOfThreads(1)
    method.SetLogToConsole(False)
    try:
        method.UpdateLargestPossibleRegion()
    except RuntimeError:  # elastix ends so when its samples leave the moving image
        return start, time.process_time() - begin
    seconds = time.process_time() - begin
    found = method.GetTransformParameterObject().GetParameterMap(0)
    euler = sitk.Euler3DTransform()
    euler.SetCenter([float(value) for value in found["CenterOfRotationPoint"]])
    euler.SetComputeZYX(found.get("ComputeZYX", ("false",))[0] == "true")
    euler.SetParameters([float(value) for value in found["TransformParameters"]])
    inner = poseOf(euler)
    return Pose(start.matrix @ inner.matrix, start.apply(inner.offset)), seconds


def _itkImage(image: sitk.Image) -> object:
    converted = itk.image_from_array(sitk.GetArrayFromImage(image).astype(np.float32))
    converted.SetOrigin(image.GetOrigin())
    converted.SetSpacing(image.GetSpacing())
    converted.SetDirection(itk.matrix_from_array(np.reshape(image.GetDirection(), (3, 3))))
    return converted


def rms(values: np.ndarray) -> float:
    """Return the root mean square."""
    return float(np.sqrt(np.mean(np.square(values))))
