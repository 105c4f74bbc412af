"""The evaluation data of the fusion benchmark, in a half for development and one for testing.

All of `aanlib-fused` is for development, and every second one of the other sets: the seed pairs with an even number,
the second and fourth of the stacks, the second of the heads, in the order of their names. The rest was not looked at
before the method was fixed.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image
from scipy import ndimage

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"


class Half(Enum):
    """Which half of the data a case belongs to."""

    development = "development"
    test = "test"


@dataclass(frozen=True, eq=False)
class Pair:
    """A CT and an MRI on one grid in gray levels, 0 to 255, 2D, with pictures that others made of them."""

    name: str
    ct: np.ndarray
    mri: np.ndarray
    peers: dict[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class Head:
    """A CT in HU and an MRI with the way from CT to MRI; tumor and brain on the CT's grid."""

    name: str
    ct: sitk.Image
    mri: sitk.Image
    transform: sitk.Transform
    tumor: np.ndarray
    brain: np.ndarray


def publishedPairs() -> Iterator[Pair]:
    """Yield the pairs that fusion papers share, with what published methods made of them."""
    folder = DATA / "aanlib-fused"
    for path in sorted((folder / "CT").glob("*.png")):
        peers = {
            peer: _gray(folder / peer / path.name) for peer in ("ASFE-Fusion", "PYRAMID-grayscale", "DWT-grayscale")
        }
        yield Pair(path.stem, _gray(path), _gray(folder / "MRI" / path.name), peers)


def seedPairs(half: Half) -> Iterator[Pair]:
    """Yield the pairs of an earlier project with what it made of them."""
    for number in range(1, 20):
        if (number % 2 == 0) is not (half is Half.development):
            continue
        folder = DATA / "seed-pairs" / f"p{number}"
        ct, mri, peer = (_gray(folder / f"{kind}.jpg") for kind in ("ct", "mri_registered", "fusion"))
        size = ct.shape[::-1]
        mri, peer = (np.asarray(Image.fromarray(x).resize(size, Image.BILINEAR)) for x in (mri, peer))
        yield Pair(folder.name, ct, mri, {"earlier project": peer})


def stacks(half: Half) -> Iterator[tuple[str, sitk.Image, sitk.Image]]:
    """Yield stacks of slices, CT and MRI in gray levels."""
    for folder in _half(sorted(path for path in (DATA / "aanlib").iterdir() if path.is_dir()), half):
        yield folder.name, sitk.ReadImage(str(folder / "CT.nii.gz")), sitk.ReadImage(str(next(folder.glob("MR_*"))))


def heads(half: Half) -> Iterator[Head]:
    """Yield simulated heads, CT in HU."""
    for folder in _half(sorted((DATA / "head-sim").glob("head-*")), half):
        ct, mri, tumor, brain = (
            sitk.ReadImage(str(folder / f"{name}.nrrd"))
            for name in ("ct", "mr_t1c", "truth_tumor_ct", "truth_brain_ct")
        )
        transform = sitk.ReadTransform(str(folder / "truth_ct_to_mr.tfm"))
        yield Head(folder.name, ct, mri, transform, *(sitk.GetArrayFromImage(image) for image in (tumor, brain)))


def places(head: Head, count: int = 6, farFromEdgeMm: float = 12.0) -> np.ndarray:
    """Return places in the brain far from each other, from bone, tumor and ventricles, in mm along k, j, i."""
    hounsfield = sitk.GetArrayFromImage(head.ct)
    spacing = np.array(head.ct.GetSpacing()[::-1])
    free = (head.brain > 0) & (head.tumor == 0) & (hounsfield < 200)
    free = ndimage.distance_transform_edt(free, sampling=spacing) > farFromEdgeMm
    free &= ndimage.uniform_filter(hounsfield.astype(np.float32), (1, 9, 9)) > 22
    points = np.argwhere(free) * spacing
    chosen = [points[np.linalg.norm(points - points.mean(axis=0), axis=1).argmin()]]
    while len(chosen) < count:
        distance = np.min([np.linalg.norm(points - point, axis=1) for point in chosen], axis=0)
        chosen.append(points[distance.argmax()])
    return np.array(chosen)


def _half(items: list, half: Half) -> list:
    return items[1::2] if half is Half.development else items[0::2]


def _gray(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path).convert("L"), np.uint8)
