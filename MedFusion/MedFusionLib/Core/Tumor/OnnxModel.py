"""An ONNX network with a JSON file beside it as a user's own model."""

import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Images.Grids import emptyImage
from ..Images.Resampling import Interpolation, resampleImage
from ..Progress import Progress, report
from .ModelDescription import LabelTable, channelNames, labelTable, numbersOf, readModelFile

# By memory.
_MOST_VOXELS = 3e8


@dataclass(frozen=True)
class OnnxDescription:
    """What the JSON file says: {"channels": [names], "labels": {name: value}}, and if needed how to prepare the input.

    :param spacing: mm along i, j and k of the network's grid; None for the volume's own.
    :param multiple: of which the grid's sizes must be.
    :param window: the values that become 0 and 1; None for none.
    :param isStandardized: whether the values that are not zero become mean 0 and standard deviation 1.
    """

    channels: list[str]
    labels: LabelTable
    spacing: tuple[float, ...] | None
    multiple: int
    window: tuple[float, ...] | None
    isStandardized: bool

    @classmethod
    def read(cls, path: Path) -> "OnnxDescription":
        """Return the description of a network from the file of the same name."""
        name = path.name
        document = readModelFile(path)
        spacing, multiple = document.get("spacing"), document.get("multiple", 1)
        normalization = document.get("normalization")
        if spacing is not None:
            spacing = numbersOf(spacing, 3, "spacing", name)
            if min(spacing) <= 0:
                raise ValueError(f"spacing in {name} of the model must be above 0 mm, not {spacing}.")
        if isinstance(multiple, bool) or not isinstance(multiple, int) or not 1 <= multiple <= 1024:
            raise ValueError(f"multiple in {name} of the model must be a whole number from 1 to 1024, not {multiple}.")
        window = None
        if isinstance(normalization, list):
            window = numbersOf(normalization, 2, "normalization", name)
            if window[0] == window[1]:
                raise ValueError(f"normalization in {name} of the model needs two different values, not {window}.")
        elif normalization not in (None, "none", "zscore"):
            raise ValueError(
                f'normalization in {name} of the model is {json.dumps(normalization)[:40]}; it must be "zscore", '
                "[low, high] or none."
            )
        channels, labels = channelNames(document.get("channels"), name), labelTable(document.get("labels"), name)
        return cls(channels, labels, spacing, multiple, window, normalization == "zscore")

    def grid(self, image: sitk.Image) -> sitk.Image:
        """Return an empty image on the network's spacing whose size is a multiple of its number."""
        wanted = self.spacing or image.GetSpacing()
        sizes = [
            np.ceil(np.ceil(n * s / w) / self.multiple) * self.multiple
            for n, s, w in zip(image.GetSize(), image.GetSpacing(), wanted, strict=True)
        ]
        if np.prod(sizes) > _MOST_VOXELS:
            raise ValueError(
                f"The model's voxels of {wanted} mm would be {np.prod(sizes):.1e} in this volume; too many."
            )
        return emptyImage([int(n) for n in sizes], wanted, image.GetOrigin(), image.GetDirection(), sitk.sitkFloat32)

    def prepared(self, image: sitk.Image) -> np.ndarray:
        """Return the image's values as the network wants them."""
        values = sitk.GetArrayFromImage(image)
        if self.isStandardized:
            inside = values != 0
            if inside.any():
                values = np.where(inside, (values - values[inside].mean()) / (values[inside].std() + 1e-8), 0)
        elif self.window is not None:
            low, high = self.window
            values = np.clip((values - low) / (high - low), 0, 1)
        return values.astype(np.float32)


def segmentByOnnx(
    images: Sequence[sitk.Image], path: Path, description: OnnxDescription, progress: Progress | None
) -> sitk.Image:
    """Return the labels that a network gives, on the first image's grid.

    :param images: one per channel, in the network's order, on one grid.
    """
    report(progress, 0.1, "Preparing the model's input")
    grid = description.grid(images[0])
    data = np.stack([description.prepared(resampleImage(sitk.Cast(i, sitk.sitkFloat32), grid)) for i in images])
    report(progress, 0.3, "The model is at work")
    scores = _scores(path, data)
    report(progress, 0.9, "Bringing the result onto the volume's grid")
    values = np.array(description.labels.valuesOfOutputs(scores.shape[0]), np.uint16)
    which = np.argmax(scores, axis=0) if len(scores) > 1 else (scores[0] > 0.5).astype(int)
    labelImage = sitk.GetImageFromArray(values[which].astype(np.uint8 if values.max() < 256 else np.uint16))
    labelImage.CopyInformation(grid)
    logging.info("Outlined by the model %s", path.name)
    return resampleImage(labelImage, images[0], interpolation=Interpolation.nearest)


def _scores(path: Path, data: np.ndarray) -> np.ndarray:
    """Return a network's outputs (outputs, K, J, I) for channels (C, K, J, I)."""
    try:
        import onnxruntime
        from onnxruntime.capi import onnxruntime_pybind11_state as state
    except ImportError as error:
        raise ValueError("onnxruntime is not installed: install it to use ONNX models.") from error
    own = [item for item in vars(state).values() if isinstance(item, type) and issubclass(item, Exception)]
    failures: tuple[type[Exception], ...] = (*own, RuntimeError, ValueError, TypeError, IndexError, MemoryError)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it has to say comes as an exception
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        inputs = session.get_inputs()
    except failures as error:
        raise ValueError(f"{path.name} could not be read as an ONNX network: {_shortly(error)}") from error
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) != 5:
        found = "; ".join(f"{item.name} {item.type} {item.shape}" for item in inputs) or "none"
        raise ValueError(f"{path.name} must have one input of floats (1, channels, K, J, I); it has {found[:200]}.")
    channels = inputs[0].shape[1]
    if isinstance(channels, int) and channels != len(data):
        raise ValueError(f"{path.name} takes {channels} channel(s), and its JSON file names {len(data)}.")
    try:
        scores = np.asarray(session.run(None, {inputs[0].name: data[None].astype(np.float32)})[0])
    except failures as error:
        raise RuntimeError(f"{path.name} could not be run on this volume: {_shortly(error)}") from error
    if scores.ndim != 5 or scores.shape[0] != 1 or scores.shape[2:] != data.shape[1:]:
        raise RuntimeError(f"The model gave an array of shape {scores.shape}; (1, labels, K, J, I) is needed.")
    if not (np.issubdtype(scores.dtype, np.number) and np.isfinite(scores).all()):
        raise RuntimeError(f"{path.name} gave values that are not numbers.")
    return scores[0]


def _shortly(error: BaseException) -> str:
    """Return an exception's first line as the end of a sentence."""
    text = " ".join(str(error).split()) or type(error).__name__
    return text[:160].rstrip(". ") + "."
