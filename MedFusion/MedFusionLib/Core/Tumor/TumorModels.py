"""A tumor outlined by a trained model that the user has: nnU-Net v2 or ONNX."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Images.Resampling import Interpolation, resampleImage
from ..Progress import Progress, report
from .ModelDescription import channelNames, labelTable, readModelFile, volumesOfChannels
from .MrSequence import MrSequence
from .OnnxModel import OnnxDescription, segmentByOnnx
from .Segments import Segment, SegmentUnion

_PREDICT = "nnUNetv2_predict"
_ENDINGS = (".nii.gz", ".nii", ".nrrd", ".mha")
# Chosen by hand: how long a program may take to end when it is canceled.
_PATIENCE_S = 3.0


@dataclass(frozen=True)
class ModelSettings:
    """Which trained model outlines the tumor.

    :param path: an nnU-Net v2 results folder (it holds plans.json, dataset.json and fold_*), or an .onnx file with a
        JSON file of the same name beside it.
    :param channels: the volume (its number in the list of images) of each of the model's channels by name; channels
        left out are told by the images' sequences, and by their order where those say nothing.
    """

    path: str
    channels: tuple[tuple[str, int], ...] = ()


@dataclass(frozen=True)
class ModelOutline:
    """What a model outlined: labels on the first image's grid, what they are, and what the user should know."""

    labelImage: sitk.Image
    segments: tuple[Segment, ...]
    unions: tuple[SegmentUnion, ...]
    notes: tuple[str, ...] = ()


def segmentWithModel(
    images: Sequence[sitk.Image],
    settings: ModelSettings,
    sequences: Sequence[MrSequence] = (),
    progress: Progress | None = None,
) -> ModelOutline:
    """Return what a model outlines.

    :param sequences: of each image in turn; the model's channels are told apart by them.

    Isensee et al. 2021, doi:10.1038/s41592-020-01008-z (nnU-Net).
    """
    path = Path(settings.path)
    sequences = (*sequences, *[MrSequence.unknown] * len(images))[: len(images)]
    if path.is_dir():
        dataset = readModelFile(path / "dataset.json")
        names = channelNames(dataset.get("channel_names"), "dataset.json")
        labels = labelTable(dataset.get("labels"), "dataset.json")
        numbers, notes = volumesOfChannels(names, dict(settings.channels), sequences)
        labelImage = _nnUNet([images[n] for n in numbers], path, dataset, progress)
    elif path.suffix == ".onnx" and path.is_file():
        description = OnnxDescription.read(path.with_suffix(".json"))
        labels = description.labels
        numbers, notes = volumesOfChannels(description.channels, dict(settings.channels), sequences)
        labelImage = segmentByOnnx([images[n] for n in numbers], path, description, progress)
    else:
        raise ValueError(f"{settings.path} is neither an nnU-Net v2 results folder nor an .onnx file.")
    unnamed = sorted(set(np.unique(sitk.GetArrayViewFromImage(labelImage)).tolist()) - {0, *labels.values})
    if unnamed:
        raise RuntimeError(
            f"The model gave the label(s) {', '.join(map(str, unnamed[:5]))}, which it does not name; its files do not "
            "belong together."
        )
    labelImage = resampleImage(labelImage, images[0], interpolation=Interpolation.nearest)
    return ModelOutline(labelImage, labels.segments, labels.unions, notes)


def _nnUNet(
    images: Sequence[sitk.Image], folder: Path, dataset: dict[str, object], progress: Progress | None
) -> sitk.Image:
    """Return what nnU-Net's own prediction command makes of the channels' images."""
    folds = sorted(part.name.removeprefix("fold_") for part in folder.glob("fold_*") if part.is_dir())
    if not folds:
        raise ValueError(f"The model folder {folder.name} holds no fold_* with weights.")
    command = shutil.which(f"{_PREDICT}_from_modelfolder")
    if command is None:
        raise ValueError(f"{_PREDICT}_from_modelfolder is not installed: install nnunetv2 to use its models.")
    ending = dataset.get("file_ending", ".nii.gz")
    if ending not in _ENDINGS:
        raise ValueError(
            f"dataset.json of the model asks for files {json.dumps(ending)[:40]}; {', '.join(_ENDINGS)} are known."
        )
    with tempfile.TemporaryDirectory() as work:
        source, target = Path(work, "in"), Path(work, "out")
        source.mkdir()
        target.mkdir()
        for number, image in enumerate(images):
            sitk.WriteImage(resampleImage(image, images[0]), str(source / f"case_{number:04d}{ending}"))
        arguments = [command, "-i", str(source), "-o", str(target), "-m", str(folder), "-f", *folds]
        _runCancellable(arguments, Path(work, "log.txt"), progress)
        result = target / f"case{ending}"
        if not result.exists():
            raise RuntimeError("nnU-Net ended without writing a segmentation.")
        try:
            return sitk.Cast(sitk.ReadImage(str(result)), sitk.sitkUInt16)
        except RuntimeError as error:
            raise RuntimeError("nnU-Net wrote a segmentation that cannot be read.") from error


def _runCancellable(arguments: list[str], log: Path, progress: Progress | None) -> None:
    """Run a program to its end; end it with all it started when the caller cancels or is itself ended."""
    with log.open("w") as output:
        # In a group of its own: a model's program starts others, and Ctrl+C at the terminal is this program's affair.
        process = subprocess.Popen(
            arguments, stdout=output, stderr=subprocess.STDOUT, env=dict(os.environ), start_new_session=True
        )
        try:
            waited = 0
            while True:
                try:
                    process.wait(timeout=0.5)
                    break
                except subprocess.TimeoutExpired:
                    waited += 1
                    report(progress, 1 - 1 / (1 + 0.02 * waited), "The model is at work")
        except BaseException:
            _end(process)
            raise
    if process.returncode:
        tail = log.read_text(errors="replace").strip().splitlines()[-1:]
        raise RuntimeError(f"The model's program failed (status {process.returncode}): {' '.join(tail)}")


def _end(process: subprocess.Popen) -> None:
    """End a program and what it started, first by asking."""
    for kind in (signal.SIGTERM, getattr(signal, "SIGKILL", signal.SIGTERM)):
        with suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(process.pid, kind)
            else:
                process.terminate()
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=_PATIENCE_S)
            return
