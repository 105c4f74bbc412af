"""What can be wrong with two images and two lists of landmarks, as functions from a head to a worse one."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass
from enum import Enum

import numpy as np
import SimpleITK as sitk
from HonestyHeads import head, seedOf
from MedFusionLib.Core.Images.Transforms import transformPoints
from MedFusionLib.Core.Landmarks.LandmarkAdvice import bodySurface
from MedFusionLib.Core.Landmarks.LandmarkList import LandmarkList
from RegistrationCases import HeadCase
from scipy.ndimage import gaussian_filter


class Kind(Enum):
    """What a row is for."""

    images = "images"
    landmarks = "landmarks"
    mistake = "mistake"  # must be refused or doubted
    wrongImages = "wrong images"  # must be refused or doubted


@dataclass(frozen=True)
class Condition:
    """Hold a name, a kind, and the change that makes a case worse."""

    name: str
    kind: Kind
    change: Callable[[HeadCase, np.random.Generator], dict[str, object]]

    @property
    def isDev(self) -> bool:
        """Return whether methods were chosen on it: the names of an even CRC-32, fixed before the first change."""
        return seedOf(self.name) % 2 == 0

    def apply(self, name: str) -> HeadCase:
        """Return a head under this condition."""
        case = copy(head(name))
        for key, value in self.change(case, np.random.default_rng(seedOf(name, self.name))).items():
            setattr(case, key, value)
        return case


def _values(image: sitk.Image) -> np.ndarray:
    return sitk.GetArrayFromImage(image).astype(np.float32)


def _like(values: np.ndarray, image: sitk.Image) -> sitk.Image:
    made = sitk.GetImageFromArray(np.rint(values).astype(np.int16))
    made.CopyInformation(image)
    return made


def _noise(share: float) -> Callable:
    def change(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
        values = _values(case.movingImage)
        sigma = share * np.percentile(values, 99)
        real, imaginary = (rng.normal(0, sigma, values.shape) for _ in range(2))
        return {"movingImage": _like(np.hypot(values + real, imaginary), case.movingImage)}

    return change


def _thick(image: sitk.Image, millimeters: float = 5.0) -> sitk.Image:
    factor = max(1, round(millimeters / image.GetSpacing()[2]))
    return sitk.BinShrink(image, [1, 1, factor])


def _part(low: float, high: float) -> Callable:
    def change(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
        count = case.fixedImage.GetSize()[2]
        return {"fixedImage": case.fixedImage[:, :, int(low * count) : int(high * count)]}

    return change


def _table(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    values = _values(case.fixedImage)
    depth, height, width = values.shape
    values[:, -8:-3, width // 6 : -width // 6] = 250
    angle = rng.uniform(0, np.pi)
    for k in range(depth // 5, depth // 5 + 4):  # streaks from a tooth
        j, i = np.mgrid[:height, :width]
        for turn in np.linspace(0, np.pi, 7)[:-1] + angle:
            away = np.abs((i - width * 0.5) * np.sin(turn) - (j - height * 0.25) * np.cos(turn))
            values[k] += np.where(away < 2.5, rng.choice([-500, 600]), 0)
    return {"fixedImage": _like(values.clip(-1024, 3071), case.fixedImage)}


def _ghost(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    values = _values(case.movingImage)
    shifted = [np.roll(values, shift, axis=1) for shift in (values.shape[1] // 4, -(values.shape[1] // 4))]
    return {"movingImage": _like(values + 0.12 * sum(shifted), case.movingImage)}


def _shading(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    values = _values(case.movingImage)
    ramp = np.linspace(0, 1, values.shape[1])[None, :, None]
    return {"movingImage": _like(values * 3.0 ** (ramp - 0.5), case.movingImage)}


def _contrast(levels: tuple[float, ...]) -> Callable:
    """Return a change that gives MR values another order: levels at 0, 10, 30, 50, 65, 80, 100, 150 % of the range."""

    def change(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
        values = _values(case.movingImage)
        top = np.percentile(values, 99)
        knots = np.array([0, 0.1, 0.3, 0.5, 0.65, 0.8, 1.0, 1.5]) * top
        return {"movingImage": _like(np.interp(values, knots, np.array(levels) * top), case.movingImage)}

    return change


def _inMoving(case: HeadCase, mask: sitk.Image) -> np.ndarray:
    """Return a mask of the fixed image on the moving image's grid."""
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(case.truth.matrix.ravel().tolist())
    transform.SetTranslation(case.truth.offset.tolist())
    moved = sitk.Resample(mask, case.movingImage, transform.GetInverse(), sitk.sitkNearestNeighbor)
    return sitk.GetArrayFromImage(moved) > 0


def _stripped(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    brain = sitk.BinaryMorphologicalClosing(case.brain, [3, 3, 2])
    return {"movingImage": _like(_values(case.movingImage) * _inMoving(case, brain), case.movingImage)}


def _defaced(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    low, high = np.percentile(bodySurface(case.fixedImage), (2, 98), axis=0)
    i, j, k = (case.fixedImage.GetSize()[axis] for axis in range(3))
    y = case.fixedImage.GetOrigin()[1] + np.arange(j) * case.fixedImage.GetSpacing()[1]
    z = case.fixedImage.GetOrigin()[2] + np.arange(k) * case.fixedImage.GetSpacing()[2]
    isFace = (y[None] < low[1] + 0.25 * (high[1] - low[1])) & (z[:, None] < low[2] + 0.45 * (high[2] - low[2]))
    mask = sitk.GetImageFromArray(np.repeat(isFace[:, :, None], i, axis=2).astype(np.uint8))
    mask.CopyInformation(case.fixedImage)
    return {"movingImage": _like(_values(case.movingImage) * ~_inMoving(case, mask), case.movingImage)}


def _scaled(*factors: float) -> Callable:
    """Return a change that stretches the MR about its middle; targets and landmarks go along, the truth is a scale."""

    def change(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
        moving = case.movingImage
        stretch = sitk.AffineTransform(3)
        stretch.SetCenter(moving.TransformContinuousIndexToPhysicalPoint([(n - 1) / 2 for n in moving.GetSize()]))
        stretch.Scale(factors)
        targets = transformPoints(stretch, case.movingTargets)
        landmarks = LandmarkList(case.moving.labels, transformPoints(stretch, case.moving.points))
        image = sitk.Resample(moving, stretch.GetInverse(), sitk.sitkLinear)
        return {"movingImage": image, "movingTargets": targets, "moving": landmarks}

    return change


def _mirrored(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    return {"movingImage": _like(_values(case.movingImage)[:, :, ::-1], case.movingImage)}


def _craniotomy(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    """Take a lid of bone out of the CT."""
    values, image = _values(case.fixedImage), case.fixedImage
    center = case.fixedTargets.mean(axis=0) + [65.0, 0.0, 35.0]
    k, j, i = np.meshgrid(*[np.arange(n) for n in values.shape], indexing="ij", sparse=True)
    origin, spacing = image.GetOrigin(), image.GetSpacing()
    squares = sum((n * spacing[a] + origin[a] - center[a]) ** 2 for a, n in enumerate((i, j, k)))
    values[(squares < 35.0**2) & (values > 150)] = 20
    return {"fixedImage": _like(values, image)}


def _tilted(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    """Scan the CT with a gantry tilted by 18 degrees and resample it onto a straight grid: two interpolations."""
    image = case.fixedImage
    turn = sitk.Euler3DTransform(case.fixedTargets.mean(axis=0).tolist(), np.radians(18), 0, 0)
    tilted = sitk.Resample(image, image, turn, sitk.sitkLinear, -1000.0)
    return {"fixedImage": sitk.Resample(tilted, image, turn.GetInverse(), sitk.sitkLinear, -1000.0)}


def _windowed(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    return {"fixedImage": _like(((_values(case.fixedImage) + 40) / 160 * 255).clip(0, 255), case.fixedImage)}


def _shifted(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    """Let the brain in the MR sink by up to 6 mm where it is far from the skull; the targets do not go along."""
    depth = sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(case.brain, True, False, True))
    field = np.zeros((*depth.shape, 3))
    field[..., 1] = -6.0 * gaussian_filter((depth.clip(0, 30) / 30), 2)
    image = sitk.GetImageFromArray(field, isVector=True)
    image.CopyInformation(case.brain)
    bend = sitk.DisplacementFieldTransform(sitk.Cast(image, sitk.sitkVectorFloat64))
    toMoving = sitk.AffineTransform(3)
    toMoving.SetMatrix(case.truth.matrix.ravel().tolist())
    toMoving.SetTranslation(case.truth.offset.tolist())
    chain = sitk.CompositeTransform([toMoving, bend, toMoving.GetInverse()])
    moved = sitk.Resample(case.movingImage, chain, sitk.sitkLinear)
    sunk = [bend.TransformPoint(point) for point in case.fixedTargets.tolist()]
    targets = case.truth.apply(2 * case.fixedTargets - np.array(sunk))  # the inverse, to first order
    return {"movingImage": moved, "movingTargets": targets}


def _otherHead(case: HeadCase) -> HeadCase:
    return head("head-c" if case.name[:6] in ("head-a", "head-b", "phanto") else "head-a")


def _otherMr(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    """Put another person's MRI in this one's frame, brain upon brain, with landmarks where this one's would be."""
    other = _otherHead(case)
    image = sitk.Image(other.movingImage)
    turn = case.truth.matrix @ other.truth.matrix.T
    center = case.truth.apply(case.fixedTargets[:-1].mean(axis=0))
    otherCenter = other.truth.apply(other.fixedTargets[:-1].mean(axis=0))
    image.SetOrigin((turn @ (np.array(image.GetOrigin()) - otherCenter) + center).tolist())
    image.SetDirection((turn @ np.reshape(image.GetDirection(), (3, 3))).ravel().tolist())
    return {"movingImage": image}


def _notCt(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    """Give another person's MR for the CT."""
    other = _otherMr(case, rng)["movingImage"]
    inverse = case.truth.matrix.T
    other.SetOrigin((inverse @ (np.array(other.GetOrigin()) - case.truth.offset)).tolist())
    other.SetDirection((inverse @ np.reshape(other.GetDirection(), (3, 3))).ravel().tolist())
    return {"fixedImage": other}


def _tinyField(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    center = case.movingImage.TransformPhysicalPointToIndex(case.movingTargets.mean(axis=0).tolist())
    half = [round(22 / step) for step in case.movingImage.GetSpacing()]
    low, high = ([c + s * h for c, h in zip(center, half, strict=True)] for s in (-1, 1))
    return {"movingImage": case.movingImage[low[0] : high[0], low[1] : high[1], low[2] : high[2]]}


def _otherPart(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    """Give an MR of something else: two cylinders like thighs with a bone each."""
    shape = case.movingImage.GetSize()[::-1]
    k, j, i = np.meshgrid(*[np.linspace(-1, 1, n) for n in shape], indexing="ij", sparse=True)
    values = np.zeros(shape, np.float32) + rng.rayleigh(8, shape)
    for side in (-0.48, 0.48):
        radius = np.hypot((i - side - 0.05 * k) / 0.42, j / (0.75 - 0.1 * k))
        values += np.where(radius < 1, 900, 0) - np.where(radius < 0.85, 550, 0)
        values -= np.where(radius < 0.3, 300, 0) - np.where(radius < 0.18, 500, 0)
    return {"movingImage": _like(np.maximum(values, 0), case.movingImage)}


def _lists(case: HeadCase, points: np.ndarray, fle: float, rng: np.random.Generator) -> dict[str, object]:
    labels = tuple(f"P{number + 1}" for number in range(len(points)))
    moving = case.truth.apply(points) + rng.normal(0, fle / 3**0.5, points.shape)
    fixed = points + rng.normal(0, fle / 3**0.5, points.shape)
    return {"fixed": LandmarkList(labels, fixed), "moving": LandmarkList(labels, moving)}


def _fle(fle: float) -> Callable:
    return lambda case, rng: _lists(case, case.fixed.points, fle, rng)


def _count(count: int) -> Callable:
    def change(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
        surface = bodySurface(case.fixedImage)
        return _lists(case, surface[rng.choice(len(surface), count, replace=False)], 1.0, rng)

    return change


def _clustered(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    surface = bodySurface(case.fixedImage)
    near = surface[np.argsort(np.linalg.norm(surface - surface[rng.integers(len(surface))], axis=1))[:14]]
    return _lists(case, near[::2], 1.0, rng)


def _faceOnly(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    surface = bodySurface(case.fixedImage)
    face = surface[surface[:, 1] < np.percentile(surface[:, 1], 25)]
    return _lists(case, face[rng.choice(len(face), 7, replace=False)], 1.0, rng)


def _outlier(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    step, points = rng.normal(size=3), case.moving.points.copy()
    points[rng.integers(len(points))] += 10 * step / np.linalg.norm(step)
    return {"moving": LandmarkList(case.moving.labels, points)}


def _exchangedLists(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    return {"fixed": case.moving, "moving": case.fixed}


def _flipped(side: str) -> Callable:
    def change(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
        landmarks = getattr(case, side)
        return {side: LandmarkList(landmarks.labels, landmarks.points * [-1.0, -1.0, 1.0])}

    return change


def _copied(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    return {"moving": LandmarkList(case.fixed.labels, case.fixed.points)}


def _mixedSides(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    """Pair every landmark of the CT with the one nearest to its mirror image in the MRI."""
    center = np.median(bodySurface(case.fixedImage), axis=0)
    surface = bodySurface(case.fixedImage)
    mirrored = (case.fixed.points - center) * [-1.0, 1.0, 1.0] + center
    nearest = np.linalg.norm(surface[:, None] - mirrored, axis=2).argmin(axis=0)
    moving = case.truth.apply(surface[nearest]) + rng.normal(0, 0.6, mirrored.shape)
    return {"moving": LandmarkList(case.fixed.labels, moving)}


def _twoOfThree(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    """Keep three landmarks, two of them about as far left as right, and exchange these two in the MRI."""
    center = np.median(bodySurface(case.fixedImage), axis=0)
    low, high = np.percentile(bodySurface(case.fixedImage), (2, 98), axis=0)
    reach = 0.9 * (high[0] - low[0]) / 2
    points = center + np.array([[reach, 10.0, -10.0], [-reach, 10.0, -10.0], [0.0, low[1] - center[1], 0.0]])
    lists = _lists(case, points, 0.7, rng)
    return lists | {"moving": LandmarkList(lists["moving"].labels, lists["moving"].points[[1, 0, 2]])}


def _otherList(case: HeadCase, rng: np.random.Generator) -> dict[str, object]:
    """Give lists that belong together, but to another patient: nothing but the images can tell."""
    other = _otherHead(case)
    labels = other.fixed.labels
    return {"fixed": LandmarkList(labels, other.fixed.points), "moving": LandmarkList(labels, other.moving.points)}


CONDITIONS = (
    Condition("as it is", Kind.images, lambda case, rng: {}),
    Condition("MR noise 10 %", Kind.images, _noise(0.1)),
    Condition("MR noise 20 %", Kind.images, _noise(0.2)),
    Condition("CT 5 mm", Kind.images, lambda case, rng: {"fixedImage": _thick(case.fixedImage)}),
    Condition("MR 5 mm", Kind.images, lambda case, rng: {"movingImage": _thick(case.movingImage)}),
    Condition(
        "CT and MR 5 mm",
        Kind.images,
        lambda case, rng: {"fixedImage": _thick(case.fixedImage), "movingImage": _thick(case.movingImage)},
    ),
    Condition("slab of 40 %", Kind.images, _part(0.35, 0.75)),
    Condition("lower half", Kind.images, _part(0.0, 0.5)),
    Condition("upper half", Kind.images, _part(0.5, 1.0)),
    Condition("table and streaks", Kind.images, _table),
    Condition("MR ghosting", Kind.images, _ghost),
    Condition("MR shading of 3 times", Kind.images, _shading),
    Condition("T2 contrast", Kind.images, _contrast((0, 0.1, 0.95, 0.75, 0.55, 0.45, 0.5, 0.6))),
    Condition("PD contrast", Kind.images, _contrast((0, 0.1, 0.75, 0.85, 0.8, 0.7, 0.75, 0.9))),
    Condition("MR defaced", Kind.images, _defaced),
    Condition("MR 1 % in one axis", Kind.images, _scaled(1.0, 1.01, 1.0)),
    Condition("MR 2 % in two axes", Kind.images, _scaled(1.02, 1.02, 1.0)),
    Condition("MR 2 % in one axis", Kind.images, _scaled(1.0, 1.0, 1.02)),
    Condition("MR 5 % in three axes", Kind.wrongImages, _scaled(1.05, 1.05, 1.05)),
    Condition("craniotomy", Kind.images, _craniotomy),
    Condition(
        "CT clipped at 0",
        Kind.images,
        lambda case, rng: {"fixedImage": _like(_values(case.fixedImage).clip(0), case.fixedImage)},
    ),
    Condition("gantry tilt resampled", Kind.images, _tilted),
    Condition("CT in a display window", Kind.images, _windowed),
    Condition("brain sunk by 6 mm", Kind.images, _shifted),
    Condition("MR stripped", Kind.wrongImages, _stripped),
    Condition("MR mirrored", Kind.wrongImages, _mirrored),
    Condition("another patient's MRI", Kind.wrongImages, _otherMr),
    Condition("a CT that is no CT", Kind.wrongImages, _notCt),
    Condition("field of 44 mm", Kind.wrongImages, _tinyField),
    Condition("MR of thighs", Kind.wrongImages, _otherPart),
    Condition("FLE 0.5 mm", Kind.landmarks, _fle(0.5)),
    Condition("FLE 1 mm", Kind.landmarks, _fle(1.0)),
    Condition("FLE 2 mm", Kind.landmarks, _fle(2.0)),
    Condition("FLE 3 mm", Kind.landmarks, _fle(3.0)),
    Condition("outlier of 10 mm", Kind.landmarks, _outlier),
    Condition("3 points", Kind.landmarks, _count(3)),
    Condition("4 points", Kind.landmarks, _count(4)),
    Condition("6 points", Kind.landmarks, _count(6)),
    Condition("10 points", Kind.landmarks, _count(10)),
    Condition("20 points", Kind.landmarks, _count(20)),
    Condition("clustered", Kind.landmarks, _clustered),
    Condition("face only", Kind.landmarks, _faceOnly),
    Condition("lists exchanged", Kind.mistake, _exchangedLists),
    Condition("LPS tagged RAS in the CT's list", Kind.mistake, _flipped("fixed")),
    Condition("LPS tagged RAS in the MRI's list", Kind.mistake, _flipped("moving")),
    Condition("copy of the CT's list", Kind.mistake, _copied),
    Condition("left and right mixed", Kind.mistake, _mixedSides),
    Condition("two of three exchanged", Kind.mistake, _twoOfThree),
    Condition("lists of another patient", Kind.mistake, _otherList),
)
