"""Draw CT, MRI and five fusions in shuffled order, to be judged blind; then count the choices.

    python Testing/Benchmark/FusionJudging.py draw --before DIR [--half test] [--seed 1] [--output DIR]
    python Testing/Benchmark/FusionJudging.py count --output DIR --choices 3 1 5 ...

DIR is a copy of the project at commit cdfa360, whose two modes, balanced and bone, are among the fusions. Look at the
pictures, one for each case, write down the best of the five fusions (1 and 2 beside CT and MRI, 3 to 5 below), and
count only then: the key is in key.json. Everything is shown as it opens.
"""

import argparse
import json
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

import numpy as np
import SimpleITK as sitk
from PIL import Image
from scipy import ndimage

SHOWN = (350, 400)
BRAIN_GRAYS, BONE_REACH = 0.85, 2.5  # as Scene/FusionDisplay.py shows a fused volume in HU


@dataclass(frozen=True, eq=False)
class Row:
    """A slice and, in HU, its neighbors: CT and MRI on one grid."""

    ct: np.ndarray
    mri: np.ndarray

    @property
    def isHounsfield(self) -> bool:
        return self.ct.dtype != np.uint8

    def images(self) -> list[sitk.Image]:
        return [sitk.GetImageFromArray(array) for array in (self.ct, self.mri)]

    def middle(self, volume: np.ndarray) -> np.ndarray:
        return volume[len(volume) // 2]


def rowsOf(half: str) -> list[Row]:
    """Return pairs, two slices of each stack, two of each head."""
    from FusionBenchmark import RIM, registered
    from FusionSets import Half, heads, seedPairs, stacks

    rows = [Row(pair.ct[None], pair.mri[None]) for pair in seedPairs(Half(half))]
    for _name, *images in stacks(Half(half)):
        ct, mri = (sitk.GetArrayFromImage(image) for image in images)
        rows += [Row(ct[k : k + 1], mri[k : k + 1]) for k in (len(ct) * 9 // 20, len(ct) * 13 // 20)]
    for head in heads(Half(half)):
        ct, mri = sitk.GetArrayFromImage(head.ct), registered(head)
        tumor = int(np.argwhere(head.tumor == RIM).mean(axis=0)[0])
        rows += [Row(ct[k - 2 : k + 3], mri[k - 2 : k + 3]) for k in (tumor - 8, tumor + 15)]
    return rows


def onScreen(values: np.ndarray, low: float, top: float, bothShown: bool = False) -> np.ndarray:
    if not bothShown:
        return (255 * (values - low) / (top - low)).clip(0, 255).astype(np.uint8)
    places = (low, top, low + BONE_REACH * (top - low))
    return (255 * np.interp(values, places, (0, BRAIN_GRAYS, 1))).astype(np.uint8)


def fusions(row: Row) -> dict[str, np.ndarray]:
    """Return the row's fusions by this code as they open."""
    from FusionBenchmark import METHODS, SELECTIVE, TEXTBOOK
    from MedFusionLib.Core.Fusion.Fusion import fuseVolumes

    shown = {}
    for name, settings in (("new", METHODS[SELECTIVE]), ("maximum", METHODS["maximum"]), ("DWT", TEXTBOOK)):
        images = row.images()
        result = fuseVolumes(images[0], images[1:], settings)
        shown[name] = onScreen(row.middle(sitk.GetArrayFromImage(result.image)), *result.window, row.isHounsfield)
    return shown


def oldFusions(path: Path) -> None:
    """Fuse the rows in a file by the old code, in a process that imports only that, and add them to the file."""
    fuseVolumes = import_module("MedFusionLib.Core.Fusion").fuseVolumes
    settings = import_module("MedFusionLib.Core.FusionSettings")
    stored = np.load(path)
    shown = {}
    for name in stored.files:
        row = Row(*stored[name])
        row = Row(row.ct.astype(np.uint8), row.mri.astype(np.uint8)) if name.startswith("gray") else row
        for mode in settings.FusionMode:
            images = row.images()
            result = fuseVolumes(images[0], images[1:], settings.FusionSettings(mode=mode))
            shown[f"{name} {mode.value}"] = onScreen(row.middle(sitk.GetArrayFromImage(result.image)), *result.window)
    np.savez(path, **shown)


def draw(before: Path, half: str, seed: int, output: Path) -> None:
    rows = rowsOf(half)
    names = [f"{'hu' if row.isHounsfield else 'gray'}{number}" for number, row in enumerate(rows)]
    path = output / "old.npz"
    np.savez(path, **{name: np.stack([row.ct, row.mri]) for name, row in zip(names, rows, strict=True)})
    code = f"import sys; sys.path[:0] = {[str(before / 'MedFusion'), str(Path(__file__).parent)]}\n"
    code += f"from FusionJudging import oldFusions, Path; oldFusions(Path({str(path)!r}))"
    subprocess.run([sys.executable, "-c", code], check=True)
    old, random, key = np.load(path), np.random.default_rng(seed), []
    for name, row in zip(names, rows, strict=True):
        shown = {"old": old[f"{name} balanced"], "bone": old[f"{name} bone"], **fusions(row)}
        order = list(shown)
        random.shuffle(order)
        key.append(order)
        ct, mri = row.middle(row.ct), row.middle(row.mri)
        window = (-100.0, 600.0) if row.isHounsfield else (0.0, 255.0)
        brightest = float(np.percentile(mri[mri > 0], 99.8)) if row.isHounsfield else 255.0
        tiles = [onScreen(ct, *window), onScreen(mri, 0.0, brightest), *(shown[each] for each in order)]
        places = np.argwhere(ct > -300 if row.isHounsfield else ndimage.binary_opening(mri > 30, iterations=2))
        first, last = np.percentile(places, (0.2, 99.8), axis=0).astype(int)
        tiles = [Image.fromarray(tile[first[0] : last[0], first[1] : last[1]]).resize(SHOWN) for tile in tiles]
        picture = Image.new("L", (4 * SHOWN[0], 2 * SHOWN[1]), 40)
        for tile, place in zip(tiles, [*range(4), *range(5, 8)], strict=True):
            picture.paste(tile, (place % 4 * SHOWN[0], place // 4 * SHOWN[1]))
        picture.save(output / f"case-{len(key):02}.png")
    (output / "key.json").write_text(json.dumps(key))
    path.unlink()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("step", choices=("draw", "count"))
    parser.add_argument("--choices", nargs="*", type=int, default=[])
    parser.add_argument("--before", type=Path, help="copy of the project at commit cdfa360")
    parser.add_argument("--half", default="test", help="development or test")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--output", type=Path, default=Path("fusion-judging"))
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    if arguments.step == "draw":
        if arguments.before is None:
            parser.error("draw needs --before, a copy of the project at commit cdfa360")
        draw(arguments.before, arguments.half, arguments.seed, arguments.output)
    else:
        key = json.loads((arguments.output / "key.json").read_text())
        preferred = [order[choice - 1] for order, choice in zip(key, arguments.choices, strict=True)]
        print(", ".join(f"{name} {count}" for name, count in Counter(preferred).most_common()), f"of {len(key)}")


if __name__ == "__main__":
    main()
