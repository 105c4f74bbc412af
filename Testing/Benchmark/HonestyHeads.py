"""The heads that the honesty of a registration is measured on, split into DEV and TEST before anything was chosen."""

import zlib
from copy import copy
from functools import cache

import numpy as np
import SimpleITK as sitk
from MedFusionLib.Core.Images.Transforms import poseOf, transformPoints
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from MedFusionLib.Core.Phantom import makePhantom
from MedFusionTesting import sharedData
from RegistrationCases import HeadCase
from scipy.ndimage import binary_fill_holes, gaussian_filter

# Split by person: head-a and head-b are one patient's, head-c is another's. A made head belongs to its parent's half.
DEV_HEADS = ("head-a", "head-b", "phantom-1", "head-a-made-1", "head-b-made-2")
TEST_HEADS = ("head-c", "phantom-2", "phantom-3", "head-c-made-3", "head-c-made-4")
HEADS = DEV_HEADS + TEST_HEADS


def seedOf(*words: str) -> int:
    """Return a seed that depends on words only."""
    return zlib.crc32("/".join(words).encode())


@cache
def head(name: str) -> HeadCase:
    """Return a head; one named ...-made-N is its parent with another shape and other tissues."""
    if "-made-" in name:
        parent, number = name.split("-made-")
        return _made(head(parent), name, int(number))
    if name.startswith("phantom-"):
        return _phantom(name, int(name.split("-")[1]))
    case = HeadCase(name)
    case.brain = sitk.ReadImage(str(sharedData("head-sim", name, "truth_brain_ct.nrrd"))) > 0
    return case


def _phantom(name: str, seed: int) -> HeadCase:
    case, phantom = HeadCase("phantom"), makePhantom(seed)
    case.name, case.fixedImage, case.movingImage = name, phantom.ct, phantom.mri
    case.fixedTargets, case.truth = phantom.targets, poseOf(phantom.ctToMri)
    case.movingTargets = transformPoints(phantom.ctToMri, phantom.targets)
    case.fixed = LandmarkList(phantom.landmarkLabels, phantom.ctLandmarks)
    case.moving = LandmarkList(phantom.landmarkLabels, phantom.mriLandmarks)
    bone = sitk.GetArrayFromImage(phantom.ct) > 500
    inside = np.stack([binary_fill_holes(plane) & ~plane for plane in bone])
    case.brain = _like(inside.astype(np.uint8), phantom.ct)
    return case


def _like(values: np.ndarray, image: sitk.Image) -> sitk.Image:
    made = sitk.GetImageFromArray(values)
    made.CopyInformation(image)
    return made


def _made(parent: HeadCase, name: str, seed: int) -> HeadCase:
    """Return a head of another shape (up to 8 % per axis, 5 mm of smooth bending) with other CT and MR values."""
    rng, case = np.random.default_rng(seed), copy(parent)
    case.name = name
    bend = _bend(parent, rng)
    case.fixedImage = _tissues(sitk.Resample(parent.fixedImage, bend, sitk.sitkLinear, -1000.0), _ctTable(rng))
    case.brain = sitk.Resample(parent.brain, bend, sitk.sitkNearestNeighbor)
    toMoving = sitk.AffineTransform(3)
    toMoving.SetMatrix(parent.truth.matrix.ravel().tolist())
    toMoving.SetTranslation(parent.truth.offset.tolist())
    # MR point -> CT frame -> bent there -> MR frame, so that the pose between both images stays the truth
    chain = sitk.CompositeTransform([toMoving, bend, toMoving.GetInverse()])
    case.movingImage = _tissues(sitk.Resample(parent.movingImage, chain, sitk.sitkLinear, 0.0), _mrTable(parent, rng))
    return case


def _bend(parent: HeadCase, rng: np.random.Generator) -> sitk.Transform:
    scale = sitk.AffineTransform(3)
    scale.SetCenter(parent.fixedTargets.mean(axis=0).tolist())
    scale.Scale(rng.uniform(0.92, 1.08, 3).tolist())
    grid = sitk.BinShrink(parent.fixedImage, [8, 8, 4])
    field = np.stack([gaussian_filter(rng.normal(size=grid.GetSize()[::-1]), 4) for _ in range(3)], axis=-1)
    image = sitk.GetImageFromArray(field * 2.5 / field.std(), isVector=True)
    image.CopyInformation(grid)
    return sitk.CompositeTransform([scale, sitk.DisplacementFieldTransform(sitk.Cast(image, sitk.sitkVectorFloat64))])


def _ctTable(rng: np.random.Generator) -> tuple[list[float], list[float]]:
    fat, soft, bone = rng.uniform(-30, 20), rng.uniform(-10, 15), rng.uniform(0.7, 1.25)
    return [-1024, -100, 0, 60, 300, 1300], [-1000, -100 + fat, soft, 60 + soft, 300 * bone, 1300 * bone]


def _mrTable(parent: HeadCase, rng: np.random.Generator) -> tuple[list[float], list[float]]:
    top = float(np.percentile(sitk.GetArrayViewFromImage(parent.movingImage)[::2, ::2, ::2], 99))
    knots = np.array([0, 0.06, 0.25, 0.45, 0.6, 0.8, 1.0, 1.6]) * top
    return knots.tolist(), [0, *(knots[1:] * rng.uniform(0.75, 1.25, 7)).tolist()]


def _tissues(image: sitk.Image, table: tuple[list[float], list[float]]) -> sitk.Image:
    return _like(np.rint(np.interp(sitk.GetArrayFromImage(image), *table)).astype(np.int16), image)
