"""Make the reports that the reader check asks about: python Testing/Benchmark/ReaderCases.py [FOLDER] [--only NAME ...]

Four runs with the real command: a head as it is, one whose refinement is refused, one whose MRI is stretched, and one
with two lesions; the processor time that each report takes is said. Three questions are to be answered from the first
screen of each alone, within a minute:

1. May I trust this alignment at the tumor?
2. How large is the tumor?
3. What should I check?

`python Testing/CheckPages.py FOLDER/*/report.html` takes the pictures of these screens. Needs evaluation data.
"""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python"), str(ROOT / "Testing" / "Benchmark")]

import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402
from HonestyConditions import CONDITIONS  # noqa: E402
from MedFusionLib.__main__ import main as medfusion  # noqa: E402
from MedFusionLib.Core.Images.Transforms import transformPoints  # noqa: E402
from MedFusionLib.Report.RunReport import writeRunReport  # noqa: E402
from MedFusionLib.Scene import ResultFolder  # noqa: E402
from MedFusionTesting import sharedData  # noqa: E402
from RegistrationCases import HeadCase  # noqa: E402

HEAD = "head-a"
SHIFT_MM = (4.0, -5.0, 3.0)  # all landmarks of the MRI beside their place: the landmarks agree, the images do not
SECOND_RADIUS_MM, SECOND_AWAY_MM = 8.0, (-40.0, -40.0, 0.0)


def asItIs() -> HeadCase:
    """Return the head unchanged."""
    return _under("as it is")


def refusedRefinement() -> HeadCase:
    """Return the head with all landmarks of the MRI displaced alike."""
    case = _under("as it is")
    case.moving = type(case.moving)(case.moving.labels, case.moving.points + np.array(SHIFT_MM))
    return case


def scaledMri() -> HeadCase:
    """Return the head with an MRI that is 5 % too large."""
    return _under("MR 5 % in three axes")


def twoLesions() -> HeadCase:
    """Return the head with a second, round lesion on the other side."""
    case = _under("as it is")
    values = sitk.GetArrayFromImage(case.movingImage)
    center = transformPoints(_pose(case), (_tumorCenter(case) + np.array(SECOND_AWAY_MM))[None])[0]
    k, j, i = np.indices(values.shape)
    points = np.stack([i, j, k], axis=-1) * case.movingImage.GetSpacing()
    points = points @ np.reshape(case.movingImage.GetDirection(), (3, 3)).T + case.movingImage.GetOrigin()
    inside = np.linalg.norm(points - center, axis=-1) < SECOND_RADIUS_MM
    values[inside] = np.percentile(values, 99.5) + 0.2 * (values[inside] - values[inside].mean())
    image = sitk.GetImageFromArray(values)
    image.CopyInformation(case.movingImage)
    case.movingImage = image
    return case


CASES: dict[str, Callable[[], HeadCase]] = {
    "as-it-is": asItIs,
    "refused-refinement": refusedRefinement,
    "scaled-mri": scaledMri,
    "two-lesions": twoLesions,
}


def _under(name: str) -> HeadCase:
    return next(condition for condition in CONDITIONS if condition.name == name).apply(HEAD)


def _pose(case: HeadCase) -> sitk.Transform:
    transform = sitk.AffineTransform(3)
    transform.SetMatrix(case.truth.matrix.ravel().tolist())
    transform.SetTranslation(case.truth.offset.tolist())
    return transform


def _tumorCenter(case: HeadCase) -> np.ndarray:
    return case.fixedTargets[-1]


def lineThroughTumor() -> np.ndarray:
    """Return the longest diameter (2, 3) of the enhancing tumor with its core, LPS millimeters of the CT."""
    label = sitk.ReadImage(str(sharedData("head-sim", HEAD, "truth_tumor_ct.nrrd")))
    values = np.isin(sitk.GetArrayFromImage(label), (1, 4))
    k = int(values.sum(axis=(1, 2)).argmax())
    rows, columns = np.nonzero(values[k])
    points = np.array([label.TransformContinuousIndexToPhysicalPoint((float(x), float(y), float(k)))
                       for x, y in zip(columns, rows, strict=True)])  # fmt: skip
    points = points[:: max(1, len(points) // 800)]
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    return points[list(np.unravel_index(distances.argmax(), distances.shape))]


def run(name: str, folder: Path) -> None:
    """Write the inputs of a case into a folder and run the command on them."""
    case = CASES[name]()
    folder.mkdir(parents=True, exist_ok=True)
    sitk.WriteImage(case.fixedImage, str(folder / "ct.nrrd"))
    sitk.WriteImage(case.movingImage, str(folder / "mri.nrrd"))
    for side, landmarks in (("ct", case.fixed), ("mri", case.moving)):
        _writeLandmarks(folder / f"{side}_landmarks.mrk.json", landmarks.labels, landmarks.points)
    lines = [lineThroughTumor()]
    if name == "two-lesions":
        half = np.array([SECOND_RADIUS_MM, 0, 0])
        lines.append(_tumorCenter(case) + np.array(SECOND_AWAY_MM) + np.array([-half, half]))
    with _timed() as seconds:
        medfusion(
            [
                "run",
                str(folder / "ct.nrrd"),
                str(folder / "mri.nrrd"),
                "--ct-landmarks",
                str(folder / "ct_landmarks.mrk.json"),
                "--mri-landmarks",
                str(folder / "mri_landmarks.mrk.json"),
                "--refine",
                "--lps",
                "--force",
                *(f"--line={','.join(f'{value:.1f}' for value in line.ravel())}" for line in lines),
                "--output",
                str(folder / "results"),
            ]
        )
    print(f"{name}: the report took {seconds[0]:.2f} CPU s beyond its measures")


@contextlib.contextmanager
def _timed() -> Iterator[list[float]]:
    """Add the CPU time that writing the report takes to the list that is handed out."""
    seconds = [0.0]

    def write(*given: object) -> None:
        before = time.process_time()
        writeRunReport(*given)
        seconds[0] += time.process_time() - before

    with mock.patch.object(ResultFolder, "writeRunReport", write):
        yield seconds


def _writeLandmarks(path: Path, labels: tuple[str, ...], points: np.ndarray) -> None:
    entries = [{"label": label, "position": point} for label, point in zip(labels, points.tolist(), strict=True)]
    markup = {"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": entries}
    path.write_text(json.dumps({"markups": [markup]}), encoding="utf-8")


def main() -> None:
    """Make all reports, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=Path("benchmark-output") / "reader")
    parser.add_argument("--only", nargs="+", choices=list(CASES), default=list(CASES))
    arguments = parser.parse_args()
    for name in arguments.only:
        run(name, arguments.folder / name)


if __name__ == "__main__":
    main()
