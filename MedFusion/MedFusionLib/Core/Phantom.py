"""A synthetic head: CT and contrast-enhanced T1 MRI of one patient with a tumor, in different frames, with the truth.

Everything is computed from closed shapes, so that the exact pose, tumor and landmarks are known. It is the demo's
input and the tests' patient; no data of a person is in it.
"""

from dataclasses import dataclass

import numpy as np
import SimpleITK as sitk

from .Images.Grids import emptyImage, voxelAxes
from .Images.Intensities import AIR_HU, LEAST_HU
from .Images.Transforms import poseOf, transformPoints

# Half axes of the head in LPS millimeters: left, posterior, superior.
_SCALP = np.array([76.0, 95.0, 88.0])
_SKULL_OUTER = _SCALP - 5.0
_SKULL_INNER = _SKULL_OUTER - 6.0
_CORTEX = _SKULL_INNER - 3.0

# Made up: a tumor with a core, its labels those of BraTS, and landmarks that a person would choose.
_TUMOR_CENTER = np.array([28.0, -22.0, 24.0])
_TUMOR_AXES = np.array([15.0, 18.0, 14.0])
NECROSIS, EDEMA, ENHANCING = 1, 2, 4

# Tissue: CT value in HU, T1c MRI value in arbitrary units.
_TISSUES = {
    "air": (AIR_HU, 8.0),
    "scalp": (15.0, 420.0),
    "skull": (1050.0, 45.0),
    "fluid": (6.0, 90.0),
    "gray": (37.0, 300.0),
    "white": (30.0, 410.0),
    "necrosis": (18.0, 130.0),
    "edema": (22.0, 245.0),
    "enhancing": (48.0, 640.0),
    "sinus": (-950.0, 10.0),
    "eye": (12.0, 120.0),
}
_TISSUE_NAMES = tuple(_TISSUES)

# Made up: where a person would place them.
LANDMARKS = {
    "Nasion": (0.0, -92.0, -8.0),
    "Inion": (0.0, 92.0, -18.0),
    "Vertex": (0.0, -4.0, 87.0),
    "Left ear": (75.0, 8.0, -14.0),
    "Right ear": (-75.0, 8.0, -14.0),
    "Left orbit": (38.0, -78.0, 5.0),
    "Right orbit": (-38.0, -78.0, 5.0),
    "Left parietal": (50.0, 50.0, 45.0),
}


@dataclass(frozen=True)
class Phantom:
    """The two images with everything that is known of them; points are LPS millimeters.

    `ctToMri` maps CT points to MRI points. `tumorLabels` lies on the CT's grid (1 necrosis, 2 edema, 4 enhancing).
    `targets` are (N, 3) brain points in the CT's frame, the last one the tumor's center. The landmarks carry
    localization error; the names are the keys of LANDMARKS.
    """

    ct: sitk.Image
    mri: sitk.Image
    ctToMri: sitk.Transform
    tumorLabels: sitk.Image
    landmarkLabels: tuple[str, ...]
    ctLandmarks: np.ndarray
    mriLandmarks: np.ndarray
    targets: np.ndarray


def makePhantom(seed: int = 1, spacingFactor: float = 1.0, localizationError: float = 0.8) -> Phantom:
    """Build the phantom.

    :param spacingFactor: 1 for full size (about 1 mm); 2 gives a quick one with voxels twice as wide.
    :param localizationError: standard deviation of a landmark's position per axis and image, in millimeters.
    """
    random = np.random.default_rng(seed)
    ctToMri = _pose()
    ctGrid = _grid((176, 212, 84), np.array([0.95, 0.98, 2.3]) * spacingFactor, np.eye(3), np.zeros(3), spacingFactor)
    mriDirection = _rotation((0.06, -0.09, 0.12))
    mriCenter = transformPoints(ctToMri, np.zeros(3))[0] + [3.0, -4.0, 2.0]
    mriSpacing = np.array([1.05, 1.05, 1.3]) * spacingFactor
    mriGrid = _grid((170, 208, 150), mriSpacing, mriDirection, mriCenter, spacingFactor)

    ctTissue = _tissueOn(ctGrid, None)
    mriTissue = _tissueOn(mriGrid, ctToMri.GetInverse())
    labels = np.array(list(LANDMARKS.values()))
    return Phantom(
        ct=_ctImage(ctTissue, ctGrid, random),
        mri=_mriImage(mriTissue, mriGrid, random),
        ctToMri=ctToMri,
        tumorLabels=_tumorLabels(ctTissue, ctGrid),
        landmarkLabels=tuple(LANDMARKS),
        ctLandmarks=labels + random.normal(0.0, localizationError, labels.shape),
        mriLandmarks=transformPoints(ctToMri, labels) + random.normal(0.0, localizationError, labels.shape),
        targets=np.vstack([random.uniform(-0.55, 0.55, (20, 3)) * _CORTEX, _TUMOR_CENTER]),
    )


def _pose() -> sitk.Transform:
    pose = sitk.Euler3DTransform()
    pose.SetRotation(np.radians(7.0), np.radians(-5.0), np.radians(11.0))
    pose.SetTranslation((12.0, -9.0, 18.0))
    return pose


def _rotation(angles: tuple[float, float, float]) -> np.ndarray:
    euler = sitk.Euler3DTransform()
    euler.SetRotation(*angles)
    return np.reshape(euler.GetMatrix(), (3, 3))


def _grid(
    size: tuple[int, int, int], spacing: np.ndarray, direction: np.ndarray, center: np.ndarray, factor: float
) -> sitk.Image:
    """Return an empty image of the given extent around a center, with voxels wider by the factor."""
    counts = [max(round(n / factor), 8) for n in size]
    middle = direction @ (spacing * (np.array(counts) - 1) / 2)
    return emptyImage(counts, spacing, center - middle, direction)


def _points(grid: sitk.Image) -> np.ndarray:
    """Return the LPS points of all voxels of a grid, shape (z, y, x, 3)."""
    k, j, i = np.meshgrid(*[np.arange(n, dtype=np.float32) for n in grid.GetSize()[::-1]], indexing="ij")
    axes = voxelAxes(grid).astype(np.float32)
    return np.stack([i, j, k], axis=-1) @ axes.T + np.array(grid.GetOrigin(), dtype=np.float32)


def _tissueOn(grid: sitk.Image, toHead: sitk.Transform | None) -> np.ndarray:
    """Return tissue numbers (indices of _TISSUE_NAMES) on a grid whose points `toHead` brings into the head's frame."""
    points = _points(grid)
    if toHead is not None:
        pose = poseOf(toHead)
        points = points @ pose.matrix.T.astype(np.float32) + pose.offset.astype(np.float32)
    return np.stack([_tissueAt(plane) for plane in points])  # plane by plane, to stay in the cache


def _radius(points: np.ndarray, axes: np.ndarray, center: np.ndarray | float = 0.0) -> np.ndarray:
    """Return the distance from an ellipsoid's center in units of its half axes."""
    scaled = (points - np.float32(center)) / np.float32(axes)
    return np.sqrt(np.einsum("...i,...i", scaled, scaled))


def _tissueAt(points: np.ndarray) -> np.ndarray:
    x, y, z = np.moveaxis(points, -1, 0)
    number = {name: index for index, name in enumerate(_TISSUE_NAMES)}
    tissue = np.zeros(points.shape[:-1], dtype=np.uint8)
    nose = _radius(points, np.array([11.0, 20.0, 17.0]), np.array([0.0, -92.0, -24.0])) < 1
    ears = _radius(np.stack([np.abs(x), y, z], -1), np.array([9.0, 15.0, 22.0]), np.array([76.0, 10.0, -16.0])) < 1
    neck = (np.hypot(x / 52.0, (y - 18.0) / 60.0) < 1) & (z < -30)
    tissue[(_radius(points, _SCALP) < 1) | nose | ears | neck] = number["scalp"]
    # The bone's thickness varies as a real skull's does, and the base is irregular.
    bumps = 0.012 * np.sin(x / 9.0) * np.cos(y / 11.0) + 0.01 * np.sin(z / 7.0 + x / 13.0)
    tissue[_radius(points, _SKULL_OUTER) + 0.6 * bumps < 1] = number["skull"]
    tissue[_radius(points, _SKULL_INNER) + bumps < 1] = number["fluid"]
    pattern = np.sin(x / 7.5 + np.sin(z / 9.0)) * np.sin(y / 8.5 + np.cos(x / 8.0)) * np.sin(z / 8.0 + y / 30.0)
    sulci = 0.16 * np.exp(-((pattern / 0.13) ** 2))
    cortexRadius = _radius(points, _CORTEX)
    brain = cortexRadius + sulci < 1
    brain &= (np.abs(x) > 1.5) | (z < 12)  # the fissure between the hemispheres
    tissue[brain] = number["gray"]
    tissue[brain & (cortexRadius + 1.3 * sulci < 0.94)] = number["white"]
    nuclei = _radius(np.stack([np.abs(x), y, z], -1), np.array([9.0, 14.0, 10.0]), np.array([18.0, 4.0, 4.0])) < 1
    tissue[nuclei] = number["gray"]
    horns = np.stack([np.abs(x) - 0.12 * np.abs(y), y, z - 0.004 * y**2], -1)
    tissue[_radius(horns, np.array([6.0, 34.0, 9.0]), np.array([8.0, 2.0, 16.0])) < 1] = number["fluid"]
    tissue[_tumor(points, 1.75) & brain] = number["edema"]
    tissue[_tumor(points, 1.0) & brain] = number["enhancing"]
    tissue[_tumor(points, 0.62) & brain] = number["necrosis"]
    frontalBone = np.array([0.0, -83.0, 14.0])
    tissue[_radius(points, np.array([21.0, 8.0, 15.0]), frontalBone) < 1] = number["skull"]
    tissue[_radius(points, np.array([16.0, 4.5, 10.0]), frontalBone) < 1] = number["sinus"]
    eyes = _radius(np.stack([np.abs(x), y, z], -1), np.full(3, 12.0), np.array([32.0, -76.0, -12.0])) < 1
    tissue[eyes] = number["eye"]
    return tissue


def _tumor(points: np.ndarray, size: float) -> np.ndarray:
    """Return which points lie in the lobed tumor blown up by a factor."""
    offset = points - _TUMOR_CENTER
    angle = np.arctan2(offset[..., 1], offset[..., 0])
    lobes = 1 + 0.12 * np.sin(3 * angle) * np.cos(offset[..., 2] / 9.0) + (size - 1) * 0.12 * np.cos(2 * angle + 1)
    return _radius(offset, _TUMOR_AXES * size) < lobes


def _ctImage(tissue: np.ndarray, grid: sitk.Image, random: np.random.Generator) -> sitk.Image:
    values = np.array([_TISSUES[name][0] for name in _TISSUE_NAMES], dtype=np.float32)[tissue]
    values = sitk.GetArrayFromImage(_blurred(values, grid, 0.6))
    values += random.normal(0.0, 9.0, values.shape).astype(np.float32)
    return _asImage(np.clip(values, LEAST_HU, 3071), grid)


def _mriImage(tissue: np.ndarray, grid: sitk.Image, random: np.random.Generator) -> sitk.Image:
    values = np.array([_TISSUES[name][1] for name in _TISSUE_NAMES], dtype=np.float32)[tissue]
    values = sitk.GetArrayFromImage(_blurred(values, grid, 0.6))
    k, j, i = np.meshgrid(*[np.linspace(-1, 1, n, dtype=np.float32) for n in values.shape], indexing="ij")
    values *= np.exp(0.22 * i - 0.15 * j * k + 0.12 * k**2 - 0.1 * j)
    noise = random.normal(0.0, 10.0, (2, *values.shape)).astype(np.float32)
    return _asImage(np.hypot(values + noise[0], noise[1]), grid)  # Rician noise, as of a magnitude image


def _tumorLabels(tissue: np.ndarray, grid: sitk.Image) -> sitk.Image:
    labels = np.zeros_like(tissue)
    for name, value in (("necrosis", NECROSIS), ("edema", EDEMA), ("enhancing", ENHANCING)):
        labels[tissue == _TISSUE_NAMES.index(name)] = value
    image = sitk.GetImageFromArray(labels)
    image.CopyInformation(grid)
    return image


def _blurred(values: np.ndarray, grid: sitk.Image, voxels: float) -> sitk.Image:
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(grid)
    return sitk.SmoothingRecursiveGaussian(image, [voxels * s for s in grid.GetSpacing()])


def _asImage(values: np.ndarray, grid: sitk.Image) -> sitk.Image:
    image = sitk.GetImageFromArray(np.round(values).astype(np.int16))
    image.CopyInformation(grid)
    return image
