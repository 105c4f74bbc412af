"""Markers in heads that lie anywhere: turned, flipped and stored in any order of axes, through files and DICOM.

    python Testing/Benchmark/GeometryBenchmark.py [--pairs 36]

Each pair has bright markers in CT and MRI and landmarks there; a wrong sign, axis or half voxel moves the markers of
the registered MRI, the outline or the fused volume. What is written is read back by itself, not by this program's own
readers: by ITK, and from DICOM by pydicom.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python")]

import numpy as np  # noqa: E402
import pydicom  # noqa: E402
import SimpleITK as sitk  # noqa: E402
from DicomTesting import writeSource  # noqa: E402
from MedFusionLib.__main__ import main as medfusion  # noqa: E402
from scipy import ndimage  # noqa: E402
from scipy.spatial.transform import Rotation  # noqa: E402

FORMATS = ("nrrd", "nii.gz", "mha", "dicom")
LARGEST_OFFSET_MM, TOLERANCE_MM = 3000.0, 0.7
# In millimeters of the head: to the left, back and top. The first lies at the head's right side.
MARKERS = np.array([[-55, 5, 10], [50, -20, 25], [10, 60, -15], [-20, -65, 5], [15, 10, 55], [-35, 30, -40.0]])
SIZE = np.array([200.0, 230.0, 190.0])


def head(pose: tuple[np.ndarray, np.ndarray], axes: np.ndarray, spacing: np.ndarray, isCt: bool) -> sitk.Image:
    """Return a head with markers.

    :param pose: rotation and offset from the head's own millimeters to the world (LPS).
    :param axes: signed permutation; its columns are the directions of i, j and k in the head.
    """
    extent = np.abs(axes.T @ SIZE)
    count = np.ceil(extent / spacing).astype(int)
    index = np.stack(np.meshgrid(*[np.arange(n) for n in count], indexing="ij"), -1)
    own = ((index - (count - 1) / 2) * spacing) @ axes.T
    radius = np.linalg.norm(own / (SIZE * 0.46), axis=-1)
    if isCt:
        values = np.where(radius < 1, np.where(radius > 0.9, 1000.0, 40.0), -1000.0)
    else:
        values = np.where(radius < 1, np.where(radius > 0.9, 40.0, 300 + 40 * np.sin(own[..., 0] / 9)), 2.0)
    for marker in MARKERS:
        values += (1500 if isCt else 900) * np.exp(-np.sum((own - marker) ** 2, axis=-1) / (2 * 3.0**2))
    image = sitk.GetImageFromArray(values.transpose(2, 1, 0).astype(np.int16))
    rotation, offset = pose
    image.SetSpacing(spacing.tolist())
    image.SetDirection((rotation @ axes).ravel().tolist())
    image.SetOrigin((rotation @ own[0, 0, 0] + offset).tolist())
    return image


def found(values: np.ndarray, toIndex, places: np.ndarray) -> np.ndarray:
    """Return the distances in voxels, per axis, of the brightest spot near each place from it.

    :param values: array (KJI).
    :param toIndex: maps LPS points to indices (i, j, k).
    """
    offsets = []
    for place in places:
        index = toIndex(place)
        low = np.maximum(np.rint(index).astype(int) - 4, 0)
        part = values[tuple(slice(a, a + 9) for a in low[::-1])].astype(float)
        part = np.clip(part - (np.median(part) + part.max()) / 2, 0, None)  # tissue around it is not even
        offsets.append(np.array(ndimage.center_of_mass(part))[::-1] + low - index if part.sum() else np.full(3, 99.0))
    return np.array(offsets)


def markerErrors(path: Path, places: np.ndarray) -> np.ndarray:
    """Return how far markers lie from their places in a written volume, in millimeters."""
    image = sitk.ReadImage(str(path))
    steps = np.reshape(image.GetDirection(), (3, 3)) * image.GetSpacing()
    toIndex = lambda point: np.linalg.solve(steps, point - image.GetOrigin())  # noqa: E731
    return np.linalg.norm(found(sitk.GetArrayFromImage(image), toIndex, places) @ steps.T, axis=1)


def dicomErrors(folder: Path, places: np.ndarray) -> np.ndarray:
    """Return the same for a series that was written."""
    slices = [pydicom.dcmread(path) for path in sorted(folder.rglob("*.dcm"))]
    slices = [item for item in slices if "ImagePositionPatient" in item and "NumberOfFrames" not in item]
    row, column = np.reshape(np.array(slices[0].ImageOrientationPatient, float), (2, 3))
    normal = np.cross(row, column)
    slices.sort(key=lambda item: np.dot(normal, np.array(item.ImagePositionPatient, float)))
    origin, last = (np.array(item.ImagePositionPatient, float) for item in (slices[0], slices[-1]))
    spacing = np.array(slices[0].PixelSpacing, float)
    steps = np.column_stack([row * spacing[1], column * spacing[0], (last - origin) / (len(slices) - 1)])
    values = np.stack([item.pixel_array for item in slices])
    toIndex = lambda point: np.linalg.solve(steps, point - origin)  # noqa: E731
    return np.linalg.norm(found(values, toIndex, places) @ steps.T, axis=1)


def randomAxes(r: np.random.Generator, isDicom: bool) -> np.ndarray:
    """Return a signed permutation of axes; a series of slices is always right-handed."""
    axes = np.eye(3)[:, r.permutation(3)] * r.choice((-1, 1), 3)
    if isDicom and np.linalg.det(axes) < 0:
        axes[:, 2] *= -1
    return axes


def write(folder: Path, name: str, image: sitk.Image, kind: str) -> Path:
    """Write a volume as a file or as a series and return its path."""
    if kind == "dicom":
        modality = {"ct": "CT", "mri": "MR"}[name]
        return writeSource(folder / name, modality, image, SpacingBetweenSlices=f"{image.GetSpacing()[2]:g}")
    path = folder / f"{name}.{kind}"
    sitk.WriteImage(image, str(path))
    return path


def table(path: Path, points: np.ndarray) -> Path:
    """Write landmarks as a table and return its path."""
    rows = [f"M{number},{x:.4f},{y:.4f},{z:.4f}" for number, (x, y, z) in enumerate(points, start=1)]
    path.write_text("\n".join(["name,l,p,s", *rows]))
    return path


def one(folder: Path, seed: int) -> tuple[str, float, bool]:
    """Return the format, the farthest marker in mm and whether sides are right, of one pair."""
    r = np.random.default_rng(seed)
    kind = FORMATS[seed % len(FORMATS)]
    poses, paths, lists = [], [], []
    for name in ("ct", "mri"):
        offset = r.uniform(-1, 1, 3) * LARGEST_OFFSET_MM
        pose = Rotation.from_rotvec(r.uniform(-0.6, 0.6, 3)).as_matrix(), offset
        image = head(pose, randomAxes(r, kind == "dicom"), r.uniform(1.4, 2.4, 3), name == "ct")
        poses.append(pose)
        paths.append(write(folder, name, image, kind))
        lists.append(table(folder / f"{name}.csv", MARKERS @ pose[0].T + pose[1]))
    output, dicom = folder / "out", folder / "dicom"
    command = ["run", *map(str, paths), "--ct-landmarks", str(lists[0]), "--mri-landmarks", str(lists[1])]
    seed = ",".join(f"{value:.3f}" for value in MARKERS[0] @ poses[0][0].T + poses[0][1])
    command += ["--no-scene", "--quiet", "--lps", f"--tumor-seed={seed}", "--output", str(output)]
    command += ["--dicom", str(dicom)] if kind == "dicom" else []
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        status = medfusion(command)
    if status:
        print(said.getvalue().strip().splitlines()[-1])
        return kind, float("inf"), False
    places = MARKERS @ poses[0][0].T + poses[0][1]
    errors = [markerErrors(output / f"{name}.nrrd", places) for name in ("mri_registered", "fused")]
    if kind == "dicom":
        folders = [path for path in dicom.iterdir() if path.is_dir() and "mri" in path.name.lower()]
        errors += [dicomErrors(path, places) for path in folders]
    outline = sitk.ReadImage(str(output / "tumor.seg.nrrd"))
    index = np.argwhere(sitk.GetArrayFromImage(outline) > 0).mean(axis=0)[::-1]
    center = np.array(outline.TransformContinuousIndexToPhysicalPoint(index.tolist()))
    isRight = float((center - poses[0][1]) @ poses[0][0][:, 0]) < -30  # the first marker is the right one
    return kind, float(np.max(errors)), isRight


def main() -> None:
    """Run the pairs and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=36)
    parser.add_argument("--first", type=int, default=0, help="number of the first pair")
    arguments = parser.parse_args()
    print("| pair | through | farthest marker (mm) | sides |\n|---:|---|---:|---|")
    worst, wrong = 0.0, 0
    for seed in range(arguments.first, arguments.first + arguments.pairs):
        with tempfile.TemporaryDirectory() as folder:
            kind, error, isRight = one(Path(folder), seed)
        print(f"| {seed} | {kind} | {error:.2f} | {'right' if isRight else 'WRONG'} |", flush=True)
        worst, wrong = max(worst, error), wrong + (error > TOLERANCE_MM or not isRight)
    print(f"Farthest marker {worst:.2f} mm; {wrong} of {arguments.pairs} pairs beyond {TOLERANCE_MM} mm or mirrored.")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
