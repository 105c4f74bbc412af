"""A tumor outlined by a trained model that the user has: nnU-Net v2 or ONNX."""

import json
import logging
import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import emptyImage
from ..Images.Resampling import Interpolation, resampleImage
from ..Progress import Cancelled, Progress, report
from .Segments import Segment, SegmentUnion, segmentsOfNames, tissueOfName

_PREDICT = "nnUNetv2_predict"


@dataclass(frozen=True)
class ModelSettings:
    """Which trained model outlines the tumor.

    :param path: an nnU-Net v2 results folder (it holds plans.json, dataset.json and fold_*), or an .onnx file with a
        JSON file of the same name beside it.
    :param channels: the volume (its number in the list of images) of each of the model's channels by name; channels
        left out are taken by the images' order.
    """

    path: str
    channels: tuple[tuple[str, int], ...] = ()


def segmentWithModel(
    images: Sequence[sitk.Image], settings: ModelSettings, progress: Progress | None = None
) -> tuple[sitk.Image, tuple[Segment, ...], tuple[SegmentUnion, ...]]:
    """Return labels on the first image's grid, the segment of each label, and segments made of several labels.

    Isensee et al. 2021, doi:10.1038/s41592-020-01008-z (nnU-Net).
    """
    path = Path(settings.path)
    if path.is_dir():
        return _nnUNet(images, path, settings, progress)
    if path.suffix == ".onnx" and path.is_file():
        return _onnx(images, path, settings, progress)
    raise ValueError(f"{settings.path} is neither an nnU-Net v2 results folder nor an .onnx file.")


def _channelImages(images: Sequence[sitk.Image], names: list[str], settings: ModelSettings) -> list[sitk.Image]:
    """Return the image of each channel of the model, in the model's order."""
    chosen = dict(settings.channels)
    unknown = set(chosen) - set(names)
    if unknown:
        raise ValueError(f"The model has no channel {', '.join(sorted(unknown))}; it has {', '.join(names)}.")
    left = iter([number for number in range(len(images)) if number not in chosen.values()])
    numbers = [chosen[name] if name in chosen else next(left, None) for name in names]
    missing = [name for name, n in zip(names, numbers, strict=True) if n is None or not 0 <= n < len(images)]
    if missing:
        raise ValueError(
            f"The model needs {len(names)} channels ({', '.join(names)}) and {', '.join(missing)} is missing: "
            f"{len(images)} volume(s) were given."
        )
    return [images[number] for number in numbers]


def _namedLabels(labels: dict[str, object]) -> tuple[tuple[Segment, ...], tuple[SegmentUnion, ...]]:
    """Return the segments and unions that a model's label table gives (name to value, or to a list of values)."""
    names, groups = {}, {}
    for name, value in labels.items():
        if isinstance(value, list):
            if len(value) == 1:
                names[int(value[0])] = name
            else:
                groups[name] = tuple(int(v) for v in value)
        elif int(value) != 0:
            names[int(value)] = name
    for value in sorted({v for group in groups.values() for v in group} - set(names)):
        names[value] = f"Part {value}"
    return segmentsOfNames(names), tuple(
        SegmentUnion(values, name, tissueOfName(name)) for name, values in groups.items()
    )


def _readJson(path: Path) -> dict[str, object]:
    """Return a JSON document that must be beside a model."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ValueError(f"{path.name} of the model is missing or not JSON.") from error


def _nnUNet(
    images: Sequence[sitk.Image], folder: Path, settings: ModelSettings, progress: Progress | None
) -> tuple[sitk.Image, tuple[Segment, ...], tuple[SegmentUnion, ...]]:
    """Return what nnU-Net's own prediction command makes of the images."""
    dataset = _readJson(folder / "dataset.json")
    table = dataset.get("channel_names")
    if not isinstance(table, dict) or not isinstance(dataset.get("labels"), dict):
        raise ValueError("dataset.json of the model lacks channel_names or labels; it is not an nnU-Net v2 folder.")
    channels = [str(table[key]) for key in sorted(table, key=int)]
    chosen = _channelImages(images, channels, settings)
    folds = sorted(part.name.removeprefix("fold_") for part in folder.glob("fold_*") if part.is_dir())
    if not folds:
        raise ValueError(f"The model folder {folder.name} holds no fold_* with weights.")
    command = shutil.which(f"{_PREDICT}_from_modelfolder")
    if command is None:
        raise ValueError(f"{_PREDICT}_from_modelfolder is not installed: install nnunetv2 to use its models.")
    ending = str(dataset.get("file_ending", ".nii.gz"))
    with tempfile.TemporaryDirectory() as work:
        source, target = Path(work, "in"), Path(work, "out")
        source.mkdir()
        target.mkdir()
        for number, image in enumerate(chosen):
            sitk.WriteImage(resampleImage(image, images[0]), str(source / f"case_{number:04d}{ending}"))
        arguments = [command, "-i", str(source), "-o", str(target), "-m", str(folder), "-f", *folds]
        _runCancellable(arguments, Path(work, "log.txt"), progress)
        result = target / f"case{ending}"
        if not result.exists():
            raise RuntimeError("nnU-Net ended without writing a segmentation.")
        labelImage = sitk.Cast(sitk.ReadImage(str(result)), sitk.sitkUInt8)
    segments, unions = _namedLabels(dataset["labels"])
    return resampleImage(labelImage, images[0], interpolation=Interpolation.nearest), segments, unions


def _runCancellable(arguments: list[str], log: Path, progress: Progress | None) -> None:
    """Run a program to its end; stop it when the caller cancels."""
    with log.open("w") as output:
        process = subprocess.Popen(arguments, stdout=output, stderr=subprocess.STDOUT, env=dict(os.environ))
        try:
            waited = 0
            while True:
                try:
                    process.wait(timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    waited += 1
                    report(progress, 1 - 1 / (1 + 0.02 * waited), "The model is at work")
        except Cancelled:
            process.terminate()
            process.wait()
            raise
    if process.returncode:
        tail = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise RuntimeError(f"The model's program failed (status {process.returncode}): {' '.join(tail)}")


def _onnx(
    images: Sequence[sitk.Image], path: Path, settings: ModelSettings, progress: Progress | None
) -> tuple[sitk.Image, tuple[Segment, ...], tuple[SegmentUnion, ...]]:
    """Return what an ONNX network makes of the images; input (1, C, K, J, I), output (1, L, K, J, I)."""
    sidecar = _readJson(path.with_suffix(".json"))
    channels, labels = sidecar.get("channels"), sidecar.get("labels")
    if not isinstance(channels, list) or not isinstance(labels, dict):
        raise ValueError(f"{path.with_suffix('.json').name} must name the model's channels and labels.")
    chosen = _channelImages(images, [str(name) for name in channels], settings)
    try:
        import onnxruntime
    except ImportError as error:
        raise ValueError("onnxruntime is not installed: install it to use ONNX models.") from error
    report(progress, 0.1, "Preparing the model's input")
    grid = _modelGrid(images[0], sidecar.get("spacing"), int(sidecar.get("multiple", 1)))
    data = np.stack([_normalized(resampleImage(_float(i), grid), sidecar.get("normalization")) for i in chosen])
    report(progress, 0.3, "The model is at work")
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    (scores,) = session.run(None, {session.get_inputs()[0].name: data[None].astype(np.float32)})[:1]
    if scores.ndim != 5 or scores.shape[2:] != data.shape[1:]:
        raise RuntimeError(f"The model gave an array of shape {scores.shape}; (1, labels, K, J, I) is needed.")
    report(progress, 0.9, "Bringing the result onto the volume's grid")
    values = np.argmax(scores[0], axis=0) if scores.shape[1] > 1 else scores[0, 0] > 0.5
    labelImage = sitk.GetImageFromArray(values.astype(np.uint8))
    labelImage.CopyInformation(grid)
    segments, unions = _namedLabels(labels)
    logging.info("Outlined by the model %s", path.name)
    return resampleImage(labelImage, images[0], interpolation=Interpolation.nearest), segments, unions


def _float(image: sitk.Image) -> sitk.Image:
    """Return the image as floating point."""
    return sitk.Cast(image, sitk.sitkFloat32)


def _modelGrid(image: sitk.Image, spacing: list[float] | None, multiple: int) -> sitk.Image:
    """Return an empty image on the model's spacing (mm, x y z) whose size is a multiple of a number."""
    wanted = image.GetSpacing() if spacing is None else tuple(float(s) for s in spacing)
    sizes = [
        int(np.ceil(np.ceil(n * s / w) / multiple) * multiple)
        for n, s, w in zip(image.GetSize(), image.GetSpacing(), wanted, strict=True)
    ]
    return emptyImage(sizes, wanted, image.GetOrigin(), image.GetDirection(), sitk.sitkFloat32)


def _normalized(image: sitk.Image, normalization: object) -> np.ndarray:
    """Return the image's values as the model wants them: "zscore" of what is not zero, or [low, high] to 0..1."""
    values = sitk.GetArrayFromImage(image)
    if normalization == "zscore":
        inside = values != 0
        if inside.any():
            values = np.where(inside, (values - values[inside].mean()) / (values[inside].std() + 1e-8), 0)
    elif isinstance(normalization, list):
        low, high = (float(v) for v in normalization)
        values = np.clip((values - low) / (high - low), 0, 1)
    elif normalization not in (None, "none"):
        raise ValueError(f'The model\'s normalization "{normalization}" is not known; "zscore", [low, high] or none.')
    return values.astype(np.float32)
