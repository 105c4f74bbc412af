"""Measure how CPU time and peak memory of the steps grow with the number of voxels; prints a table, draws a picture.

    python Testing/Benchmark/GrowthBenchmark.py [--sizes 4] [--picture Docs/growth.svg]

Each step runs in a process of its own on a synthetic head, both volumes int16 and of the same size, the MRI turned by a
few degrees; memory is what the step needs beyond its inputs. The largest size needs 12 GB and half an hour.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import SimpleITK as sitk

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "MedFusion"))

from MedFusionLib.Core.Fusion.Fusion import FusionGeometry, fuseVolumes  # noqa: E402
from MedFusionLib.Core.Fusion.Metrics import scoreTable  # noqa: E402
from MedFusionLib.Core.Images.Resampling import resampleImage  # noqa: E402
from MedFusionLib.Core.Images.Transforms import Pose  # noqa: E402
from MedFusionLib.Core.Images.Voxels import writableVoxels  # noqa: E402
from MedFusionLib.Core.Registration.Refinement import refinePose  # noqa: E402

SIZES = ((128, 128, 128), (256, 256, 160), (512, 512, 150), (512, 512, 400), (1024, 1024, 600))
EXTENT_MM = 220.0
COARSE = 96
RADII = ((0.66, "brain"), (0.72, "bone"), (0.8, "scalp"))
VALUES = {"brain": (35, 500), "bone": (900, 40), "scalp": (-60, 900), "air": (-1000, 10)}
NOISE = (6.0, 15.0)
COLORS = {"refine": "#0072b2", "resample": "#e69f00", "fuse": "#009e73", "measure": "#cc79a7", "write": "#666666"}

Measured = dict[str, list[tuple[float, float, float]]]  # for each step megavoxels, CPU seconds, MiB


def makeHead(size: tuple[int, int, int]) -> tuple[sitk.Image, sitk.Image, sitk.Transform]:
    """Return CT, MRI and the transform from CT to MRI points."""
    places = np.stack(np.meshgrid(*[np.linspace(-1, 1, COARSE)] * 3, indexing="ij"))
    radius = np.sqrt((places**2).sum(axis=0))
    lobes = 60 * np.sin(9 * places[0]) * np.sin(7 * places[1]) * np.sin(8 * places[2])
    turn = sitk.Euler3DTransform((0, 0, 0), 0.05, -0.04, 0.06, (3.0, -2.0, 4.0))
    images = []
    for number, transform in enumerate((sitk.Transform(3, sitk.sitkIdentity), turn.GetInverse())):
        layers = [VALUES[name][number] + (lobes * number if name == "brain" else 0) for _, name in RADII]
        coarse = sitk.GetImageFromArray(
            np.select([radius < limit for limit, _ in RADII], layers, VALUES["air"][number]).astype(np.float32)
        )
        coarse.SetSpacing([EXTENT_MM / (COARSE - 1)] * 3)
        coarse.SetOrigin([-EXTENT_MM / 2] * 3)
        spacing = [EXTENT_MM / count for count in size]
        origin = [-EXTENT_MM / 2 + step / 2 for step in spacing]
        air = float(VALUES["air"][number])
        image = sitk.Resample(
            coarse, size, transform, sitk.sitkLinear, origin, spacing, np.eye(3).ravel().tolist(), air, sitk.sitkInt16
        )
        noise = np.rint(np.random.default_rng(number).normal(0, NOISE[number], size[1::-1])).astype(np.int16)
        for k, plane in enumerate(writableVoxels(image)):
            plane += np.roll(noise, 7 * k)
        images.append(image)
    return images[0], images[1], turn


def stepOf(name: str, ct: sitk.Image, mri: sitk.Image, turn: sitk.Transform) -> tuple[Callable[[], object], int]:
    """Return a step, ready to go, and the bytes of its output."""
    count = ct.GetNumberOfPixels()
    if name == "refine":
        return lambda: refinePose(ct, mri, Pose(np.eye(3), np.zeros(3))), 0
    if name == "resample":
        return lambda: resampleImage(mri, ct, turn), 2 * count
    if name == "fuse":
        return lambda: fuseVolumes(ct, [mri], None, FusionGeometry([turn])), 4 * count
    registered = resampleImage(mri, ct, turn)
    fused = fuseVolumes(ct, [registered]).image
    if name == "measure":
        return lambda: scoreTable(ct, registered, fused), 0
    path = Path(tempfile.mkdtemp()) / "fused.nrrd"
    return lambda: (sitk.WriteImage(sitk.Cast(fused, sitk.sitkInt16), str(path), True, 1), path.unlink()), 2 * count


def measureStep(name: str, size: tuple[int, int, int]) -> None:
    """Print CPU seconds and MiB beyond inputs and output, as JSON."""
    step, output = stepOf(name, *makeHead(size))
    current = int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
    Path("/proc/self/clear_refs").write_text("5")
    start = time.process_time()
    step()
    seconds = time.process_time() - start
    status = Path("/proc/self/status").read_text().splitlines()
    peak = int(next(line for line in status if line.startswith("VmHWM")).split()[1]) * 1024
    print(json.dumps([seconds, max(0.0, (peak - current - output) / 2**20)]))


def slope(points: list[tuple[float, float]]) -> float:
    """Return the exponent of the power law through the points, from the second on: start-up costs hide the first."""
    x, y = np.log(np.array(points[1:]).T + 1e-9)
    return float(np.polyfit(x, y, 1)[0])


def draw(measured: Measured, path: Path) -> None:
    """Draw CPU time and memory against voxels, both axes logarithmic, with a line of slope 1."""
    width, height, left, top = 360, 300, 60, 30
    parts = []
    panels = (("CPU time (s)", 1, 0.01), ("memory beyond inputs and output (MiB)", 2, 1.0))
    for panel, (title, column, least) in enumerate(panels):
        offset = left + panel * (width + left + 20)
        values = [max(row[column], least) for rows in measured.values() for row in rows]
        x0, x1 = (np.log10(end([row[0] for rows in measured.values() for row in rows])) for end in (min, max))
        y0, y1 = np.floor(np.log10(min(values))), np.ceil(np.log10(max(values)))

        def place(
            row: tuple[float, ...], column: int = column, least: float = least, ends: tuple = (x0, x1, y0, y1)
        ) -> tuple[float, float]:
            x = width * (np.log10(row[0]) - ends[0]) / (ends[1] - ends[0])
            return x, height * (1 - (np.log10(max(row[column], least)) - ends[2]) / (ends[3] - ends[2]))

        lines = [f'<rect width="{width}" height="{height}" fill="none" stroke="#888"/>']
        for power in range(int(y0), int(y1) + 1):
            y = height * (1 - (power - y0) / (y1 - y0))
            lines.append(f'<path d="M0 {y:.0f}h{width}" stroke="#ddd"/>')
            lines.append(f'<text x="-6" y="{y + 4:.0f}" text-anchor="end">{10.0**power:g}</text>')
        for row in next(iter(measured.values())):
            x = place(row)[0]
            lines.append(f'<text x="{x:.0f}" y="{height + 16}" text-anchor="middle">{row[0]:.0f}</text>')
        rise = height * (x1 - x0) / (y1 - y0)
        lines.append(f'<path d="M0 {height}l{width} {-rise:.0f}" stroke="#888" stroke-dasharray="4 4"/>')
        for number, (name, rows) in enumerate(measured.items()):
            points = " ".join("{:.1f},{:.1f}".format(*place(row)) for row in rows)
            lines.append(f'<polyline points="{points}" fill="none" stroke="{COLORS[name]}" stroke-width="2"/>')
            text = f"{name} (slope {slope([(row[0], max(row[column], least)) for row in rows]):.2f})"
            lines.append(f'<text x="8" y="{16 + 15 * number}" fill="{COLORS[name]}">{text}</text>')
        lines.append(f'<text x="{width / 2}" y="-10" text-anchor="middle">{title}</text>')
        lines.append(f'<text x="{width / 2}" y="{height + 34}" text-anchor="middle">million voxels</text>')
        parts.append(f'<g transform="translate({offset},{top})">{"".join(lines)}</g>')
    total = 2 * (width + left + 20) + 20
    path.write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{total}" height="{height + top + 50}" role="img" '
        f'aria-label="CPU time and memory of the steps against voxels" font-family="sans-serif" font-size="12">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>\n',
        encoding="utf-8",
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, default=4, help=f"how many of the {len(SIZES)} sizes, smallest first")
    parser.add_argument("--picture", type=Path, help="SVG file to draw")
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.step:
        measureStep(arguments.step[0], SIZES[int(arguments.step[1])])
        return
    measured: Measured = {name: [] for name in COLORS}
    print("| size | million voxels | step | CPU s | MiB beyond inputs and output |\n|---|---|---|---|---|")
    for number, size in enumerate(SIZES[: arguments.sizes]):
        for name, rows in measured.items():
            command = [sys.executable, __file__, "--step", name, str(number)]
            seconds, memory = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
            rows.append((float(np.prod(size)) / 1e6, seconds, memory))
            print(
                f"| {'x'.join(map(str, size))} | {rows[-1][0]:.1f} | {name} | {seconds:.2f} | {memory:.0f} |",
                flush=True,
            )
    if arguments.picture:
        draw(measured, arguments.picture)


if __name__ == "__main__":
    main()
