"""Fill the disk, vary pixel types, sizes, spacings and threads; say what was left behind.

    python Testing/Benchmark/RobustnessBenchmark.py [--large GIGABYTES] [--only PART]

Mounting a small disk needs root; where that is not given, the part is skipped and says so.
"""

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python")]

import numpy as np  # noqa: E402
import SimpleITK as sitk  # noqa: E402
from MedFusionLib.CommandLine.Demo import writePhantom  # noqa: E402
from MedFusionLib.Core.Images.Coordinates import flipPoints  # noqa: E402
from MedFusionLib.Core.Inputs.VolumeFiles import fileChecksum  # noqa: E402
from MedFusionLib.Core.Phantom import makePhantom  # noqa: E402

PIXEL_TYPES = ("int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "float32", "float64")


class Bench:
    """A phantom on disk and the command line that runs on it."""

    def __init__(self, folder: Path, spacingFactor: float = 2.5) -> None:
        self.folder = folder
        self.phantom = makePhantom(spacingFactor=spacingFactor)
        self.inputs = writePhantom(self.phantom, folder / "input")
        self.seed = ",".join(f"{value:.2f}" for value in flipPoints(self.phantom.targets[-1]))

    def runCommand(self, output: Path, **changes: str) -> list[str]:
        inputs = self.inputs | changes
        return [
            *(sys.executable, "-m", "MedFusionLib", "run", inputs["ct"], inputs["mri"], f"--tumor-seed={self.seed}"),
            *("--ct-landmarks", inputs["ct_landmarks"], "--mri-landmarks", inputs["mri_landmarks"]),
            *("--output", str(output)),
        ]

    def checksums(self) -> dict[str, str]:
        return {role: fileChecksum(path) for role, path in self.inputs.items()}


def execute(command: list[str], **environment: str) -> subprocess.CompletedProcess:
    """Run a command line to its end and return what it said."""
    return subprocess.run(command, cwd=ROOT / "MedFusion", capture_output=True, text=True, env=os.environ | environment)


def sentence(result: subprocess.CompletedProcess) -> str:
    """Return exit status and last line, or that there was a traceback."""
    if "Traceback" in result.stderr:
        return f"TRACEBACK {result.stderr.strip().splitlines()[-1]}"
    lines = (result.stderr if result.returncode else result.stdout).strip().splitlines() or ["(nothing said)"]
    return f"status {result.returncode}: {lines[-1][:110]}"


def row(*cells: object) -> None:
    """Print a row of the Markdown table."""
    print("| " + " | ".join(str(cell).replace("|", "/") for cell in cells) + " |", flush=True)


def disks(folder: Path) -> None:
    """Write to a full and to a read-only disk."""
    bench = Bench(folder)
    disk = folder / "disk"
    disk.mkdir()
    for name, options in (("full disk (1 MB)", "size=1m"), ("read-only disk", "size=1m,ro")):
        if subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", disk], capture_output=True).returncode != 0:
            row(name, "skipped: mounting needs root")
            continue
        try:
            result = execute(bench.runCommand(disk / "out"))
            row(
                name,
                f"{sentence(result)}; left behind: {[path.name for path in disk.iterdir()]}".replace(str(folder), ""),
            )
        finally:
            subprocess.run(["umount", disk], check=True)


def volumes(folder: Path) -> None:
    """Fuse volumes of every pixel type, of unusual encodings, sizes and spacings."""
    bench = Bench(folder, 4.0)
    ct, mri = (sitk.ReadImage(bench.inputs[role]) for role in ("ct", "mri"))
    fused: dict[str, np.ndarray] = {}
    for name in PIXEL_TYPES:
        values = sitk.GetArrayFromImage(mri).astype(float)
        values *= 120.0 / values.max()
        image = sitk.GetImageFromArray(np.round(values).astype(name))
        image.CopyInformation(mri)
        fused[name] = _fused(folder, bench.inputs["ct"], image, f"{name}.nrrd")
    known = [array for array in fused.values() if array is not None]
    differences = [float(np.abs(array - known[0]).max()) for array in known]
    row(
        f"MRI as {', '.join(fused)}", f"{len(known)} of {len(fused)} fused, differing by at most {max(differences):.3g}"
    )
    little = folder / "little.nrrd"
    sitk.WriteImage(sitk.Cast(mri, sitk.sitkInt16), str(little))
    expected = _fused(folder, bench.inputs["ct"], sitk.Cast(mri, sitk.sitkInt16), "plain.nrrd")
    for name, path in (("big-endian NRRD", _bigEndian(little)), ("compressed NRRD", _compressed(little))):
        found = _fused(folder, bench.inputs["ct"], path, path.name)
        row(name, "same result" if found is not None and np.array_equal(found, expected) else "DIFFERENT")
    for name, change in (("2x2x2 voxels", None), ("spacing 1e-6 mm", 1e-6), ("spacing 1e6 mm", 1e6)):
        small = [_changed(image, change) for image in (ct, mri)]
        paths = [folder / f"odd_{role}.nrrd" for role in ("ct", "mri")]
        for image, path in zip(small, paths, strict=True):
            sitk.WriteImage(image, str(path))
        for command in ("fuse", "run"):
            output = folder / ("odd.nrrd" if command == "fuse" else "odd")
            line = bench.runCommand(output, ct=str(paths[0]), mri=str(paths[1]))
            if command == "fuse":
                line = [*line[:3], "fuse", *map(str, paths), "--output", str(output)]
            result = execute(line)
            left = "" if result.returncode == 0 or not output.exists() else " OUTPUT LEFT"
            row(f"{command}, {name}", sentence(result).replace(str(folder), "") + left)
            shutil.rmtree(output, ignore_errors=True) if output.is_dir() else output.unlink(missing_ok=True)


def _changed(image: sitk.Image, spacing: float | None) -> sitk.Image:
    if spacing is None:
        return sitk.RegionOfInterest(image, [2, 2, 2], [n // 2 for n in image.GetSize()])
    changed = sitk.Image(image)
    changed.SetSpacing([spacing] * 3)
    return changed


def _fused(folder: Path, ct: str, mri: sitk.Image | Path, name: str) -> np.ndarray | None:
    path = mri if isinstance(mri, Path) else folder / name
    if not isinstance(mri, Path):
        sitk.WriteImage(mri, str(path))
    output = folder / f"fused_{name}"
    command = [sys.executable, "-m", "MedFusionLib", "fuse", ct, str(path), "--output", str(output), "--force"]
    result = execute(command)
    if result.returncode != 0:
        row(f"fuse {name}", sentence(result).replace(str(folder), ""))
        return None
    return sitk.GetArrayFromImage(sitk.ReadImage(str(output))).astype(float)


def _bigEndian(path: Path) -> Path:
    header, _, data = path.read_bytes().partition(b"\n\n")
    header = re.sub(rb"encoding: \w+", b"encoding: raw", header.replace(b"endian: little", b"endian: big"))
    target = path.with_name("big.nrrd")
    target.write_bytes(header + b"\n\n" + np.frombuffer(data, "<i2").astype(">i2").tobytes())
    return target


def _compressed(path: Path) -> Path:
    target = path.with_name("compressed.nrrd")
    sitk.WriteImage(sitk.ReadImage(str(path)), str(target), useCompression=True)
    return target


def repetition(folder: Path) -> None:
    """Run twice with one thread and once with two; everything but times must be the same."""
    bench = Bench(folder)
    contents = []
    for number, threads in enumerate((1, 1, 2)):
        output = folder / f"repeated{number}"
        result = execute(
            [*bench.runCommand(output), "--dicom", str(folder / f"dicom{number}")],
            ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS=str(threads),
            OMP_NUM_THREADS=str(threads),
        )
        if result.returncode != 0:
            row("repetition", sentence(result))
            return
        contents.append(_contentOf(output) | _contentOf(folder / f"dicom{number}"))
    for title, other in (("repeated with 1 thread", contents[1]), ("with 2 threads", contents[2])):
        different = sorted(name for name in contents[0] | other if contents[0].get(name) != other.get(name))
        row(title, f"{len(other)} files identical" if not different else f"DIFFERENT: {different[:8]}")


def _contentOf(folder: Path) -> dict[str, object]:
    """Return the files of a folder as comparable values without the times in them."""
    import pydicom

    content: dict[str, object] = {}
    for path in [path for path in folder.rglob("*") if path.is_file()]:
        name = str(path.relative_to(folder))
        if path.suffix == ".mrb":
            with zipfile.ZipFile(path) as archive:
                for item in archive.infolist():
                    inner = item.filename.split("/", 1)[-1]
                    if inner.endswith(".h5"):
                        extracted = archive.extract(item, folder / "extracted")
                        content[f"{name}/{inner}"] = _transformText(Path(extracted))
                    elif not inner.endswith((".mrml", ".png")):  # ids and paths of a session, a preview
                        content[f"{name}/{inner}"] = archive.read(item)
        elif path.suffix == ".json":
            content[name] = json.loads(path.read_text()) | {"created": ""}
        elif path.suffix == ".html":
            content[name] = re.sub(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}", "", path.read_text())
        elif path.suffix == ".dcm":
            dataset = pydicom.dcmread(path)
            for element in list(dataset.iterall()):
                if element.VR in ("TM", "DA", "DT"):
                    element.value = ""
            content[name] = dataset.to_json()
        elif path.suffix == ".h5":
            content[name] = _transformText(path)
        else:
            content[name] = path.read_bytes()
    return content


def _transformText(path: Path) -> str:
    """Return a transform's numbers; HDF5 files hold times."""
    return re.sub(r"\(0x[0-9a-f]+\)|0x[0-9a-f]+|Modified Time: \d+", "", str(sitk.ReadTransform(str(path))))


def large(folder: Path, gigabytes: float) -> None:
    """Run on a large pair of volumes of cubic voxels and state the peak memory."""
    bench = Bench(folder)
    changes, most = {}, 0
    for role in ("ct", "mri"):
        image = sitk.Cast(sitk.ReadImage(bench.inputs[role]), sitk.sitkInt16)
        box = np.multiply(image.GetSize(), image.GetSpacing())
        spacing = float(np.prod(box) / (gigabytes * 1e9 / 2 / 2)) ** (1 / 3)
        size = np.round(box / spacing).astype(int).tolist()
        path = folder / f"large_{role}.nrrd"
        _writeFiner(image, size, spacing, path)
        changes[role] = str(path)
        most = max(most, int(np.prod(size)))
        volume = f"{' x '.join(map(str, size))} int16, {spacing:.2f} mm"
        row(f"large {role}", f"{volume}, {path.stat().st_size / 1e9:.2f} GB")
    start, before = time.monotonic(), resource.getrusage(resource.RUSAGE_CHILDREN)
    result = execute(bench.runCommand(folder / "large", **changes))
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    peak = 1024 * usage.ru_maxrss
    row("run on the large pair", f"{sentence(result).replace(str(folder), '')}")
    row("peak memory", f"{peak / 1e9:.1f} GB, {peak / most:.1f} bytes for each voxel of the larger volume")
    processor = usage.ru_utime + usage.ru_stime - before.ru_utime - before.ru_stime
    row("time", f"{time.monotonic() - start:.0f} s, {processor:.0f} s of a processor")


def _writeFiner(image: sitk.Image, size: list[int], spacing: float, path: Path) -> None:
    """Write an int16 image in cubic voxels over the same box, slab by slab, as an uncompressed NRRD file."""
    direction = np.reshape(image.GetDirection(), (3, 3))
    shift = (spacing / np.array(image.GetSpacing()) - 1) / 2
    origin = np.array(image.TransformContinuousIndexToPhysicalPoint(shift.tolist()))
    vectors = " ".join("(" + ",".join(map(repr, axis.tolist())) + ")" for axis in spacing * direction.T)
    header = (
        "NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\n"
        f"sizes: {' '.join(map(str, size))}\nspace directions: {vectors}\nkinds: domain domain domain\n"
        f"endian: little\nencoding: raw\nspace origin: ({','.join(map(repr, origin.tolist()))})\n\n"
    )
    background = float(sitk.GetArrayViewFromImage(image).min())
    with path.open("wb") as stream:
        stream.write(header.encode("ascii"))
        for start in range(0, size[2], 16):
            corner = origin + spacing * start * direction[:, 2]
            slab = sitk.Resample(
                image,
                [size[0], size[1], min(16, size[2] - start)],
                sitk.Transform(3, sitk.sitkIdentity),
                sitk.sitkLinear,
                corner.tolist(),
                [spacing] * 3,
                image.GetDirection(),
                background,
                sitk.sitkInt16,
                True,
            )
            stream.write(sitk.GetArrayFromImage(slab).astype("<i2").tobytes())


def main() -> None:
    """Run the parts and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--large", type=float, default=0.2, metavar="GIGABYTES", help="size of both volumes together")
    parser.add_argument("--only", choices=["disks", "volumes", "repetition", "large"])
    arguments = parser.parse_args()
    parts = {
        "disks": disks,
        "volumes": volumes,
        "repetition": repetition,
        "large": lambda folder: large(folder, arguments.large),
    }
    row("what", "outcome")
    row("---", "---")
    for name, part in parts.items():
        if arguments.only in (None, name):
            with tempfile.TemporaryDirectory() as folder:
                part(Path(folder))


if __name__ == "__main__":
    main()
