"""Judge what the values of real volumes are, as they are and after faults put in on purpose; count the right answers.

    python Testing/Benchmark/ValueBenchmark.py

The volumes are those beside the project, sorted by path; even places are DEV, on which the limits were chosen, odd ones
TEST. A CT may be right, off by some hundred HU, scaled, inverted; an MRI may be shifted, standardized, or a difference.
"""

import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python")]

import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402
from MedFusionLib.Core.Images.ValueJudgment import ValueKind, judgeValues  # noqa: E402
from MedFusionLib.Core.Inputs.VolumeFiles import readAnyOrientation  # noqa: E402
from MedFusionTesting import sharedData  # noqa: E402

CT = ("head-sim/*/ct.nrrd", "mridir/ct.nrrd")
MRI = ("head-sim/*/mr_t1c.nrrd", "mridir/mr_t2.nrrd", "brats18/*/*_t1ce.nii.gz", "brats18/*/*_flair.nii.gz",
       "lgg/*/flair.nii.gz", "visible-human/vm_head_mri.mha")  # fmt: skip
Change = Callable[[np.ndarray], np.ndarray]
OF_CT: dict[str, tuple[Change, ValueKind]] = {
    "as it is": (lambda a: a, ValueKind.ctInHu),
    "+300": (lambda a: a + 300, ValueKind.uncalibratedCt),
    "-150": (lambda a: a - 150, ValueKind.uncalibratedCt),
    "+1024": (lambda a: a + 1024, ValueKind.uncalibratedCt),
    "halved": (lambda a: a / 2, ValueKind.uncalibratedCt),
    "doubled": (lambda a: a * 2, ValueKind.uncalibratedCt),
    "inverted": (lambda a: -a, ValueKind.invertedCt),
    "4000 - HU": (lambda a: 4000 - a, ValueKind.invertedCt),
}
OF_MRI: dict[str, Change] = {
    "as it is": lambda a: a,
    "-500": lambda a: a - 500,
    "-1000": lambda a: a - 1000,
    "standardized": lambda a: (a - a.mean()) / a.std(),
    "difference": lambda a: a - np.roll(a, 3, 1),
}


def answers(path: Path, isCt: bool) -> Iterator[tuple[str, bool]]:
    """Yield the name of each change and whether the judgment of it was right."""
    values = sitk.GetArrayFromImage(readAnyOrientation(path).image)
    steps = tuple(slice(None, None, max(1, -(-n // 64))) for n in values.shape)
    values = values[steps].astype(float)
    if isCt:
        for name, (change, kind) in OF_CT.items():
            yield f"CT {name}", judgeValues(change(values)).kind is kind
    else:
        for name, change in OF_MRI.items():
            yield f"MRI {name}", judgeValues(change(values)).kind in (ValueKind.mri, ValueKind.eightBit)


def main() -> None:
    """Print a table of right answers of DEV and TEST."""
    right: Counter = Counter()
    count: Counter = Counter()
    for patterns, isCt in ((CT, True), (MRI, False)):
        paths = sorted(path for pattern in patterns for path in sharedData().glob(pattern))
        for index, path in enumerate(paths):
            for name, isRight in answers(path, isCt):
                half = ("DEV", "TEST")[index % 2]
                count[name, half] += 1
                right[name, half] += isRight
    print(f"{'':<22}{'DEV':>9}{'TEST':>9}")
    for name in dict.fromkeys(key[0] for key in count):
        row = "".join(f"{right[name, half]:>5}/{count[name, half]:<3}" for half in ("DEV", "TEST"))
        print(f"{name:<22}{row}")


if __name__ == "__main__":
    main()
