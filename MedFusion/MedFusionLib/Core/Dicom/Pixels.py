"""Decode DICOM pixel data, any transfer syntax, into values with their rescale applied."""

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk

from ..Images.Intensities import LEAST_HU
from .Errors import damage

if TYPE_CHECKING:
    from pydicom import Dataset


def readFrames(file: Path) -> np.ndarray:
    """Return the rescaled pixel values of a file as an array (frame, row, column), integers where they are whole.

    :raises ValueError: if the pixel data is absent, damaged or of an unknown compression.
    """
    import pydicom

    try:
        dataset = pydicom.dcmread(file)
        if "PixelData" not in dataset and "FloatPixelData" not in dataset and "DoubleFloatPixelData" not in dataset:
            raise ValueError(f"{file.name} has no pixel data.")
        try:
            stored = dataset.pixel_array
        except (RuntimeError, NotImplementedError) as error:
            # No decoder in pydicom for this compression (JPEG lossless); ITK's GDCM has one.
            logging.debug("pydicom could not decode %s (%s); ITK tries", file.name, error)
            stored = _decodeWithItk(dataset)
        stored = np.asarray(stored).reshape(-1, int(dataset.Rows), int(dataset.Columns))
        stored = stored.astype(stored.dtype.newbyteorder("="), copy=False)
        return _rescaled(dataset, stored)
    except damage() as error:
        raise ValueError(f"The pixel data of {file.name} cannot be decoded: {_firstLine(error)}") from error


def _firstLine(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


_PIXEL_TAGS = (
    "NumberOfFrames",
    "Rows",
    "Columns",
    "BitsAllocated",
    "BitsStored",
    "HighBit",
    "PixelRepresentation",
    "PixelData",
)


def _decodeWithItk(dataset: "Dataset") -> np.ndarray:
    """Return the stored values; of a copy without a rescale, for GDCM applies one by rules of its own."""
    import pydicom
    from pydicom.uid import SecondaryCaptureImageStorage

    bare = pydicom.Dataset()
    bare.file_meta = pydicom.dataset.FileMetaDataset()
    bare.file_meta.TransferSyntaxUID = dataset.file_meta.TransferSyntaxUID
    bare.SOPClassUID, bare.SOPInstanceUID = SecondaryCaptureImageStorage, dataset.SOPInstanceUID
    bare.SamplesPerPixel, bare.PhotometricInterpretation = 1, "MONOCHROME2"
    for keyword in _PIXEL_TAGS:
        if keyword in dataset:
            bare[keyword] = dataset[keyword]
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "image.dcm"
        bare.save_as(file, enforce_file_format=True)
        return sitk.GetArrayFromImage(sitk.ReadImage(str(file)))


def _rescaled(dataset: "Dataset", stored: np.ndarray) -> np.ndarray:
    shared = (dataset.get("SharedFunctionalGroupsSequence") or [None])[0]
    frames = dataset.get("PerFrameFunctionalGroupsSequence") or [None] * len(stored)
    pairs = []
    for index in range(len(stored)):
        source = dataset
        for group in (frames[index] if index < len(frames) else None, shared):
            if group is not None and group.get("PixelValueTransformationSequence"):
                source = group.PixelValueTransformationSequence[0]
                break
        slope, intercept = source.get("RescaleSlope"), source.get("RescaleIntercept")
        pairs.append((1.0 if slope is None else float(slope), 0.0 if intercept is None else float(intercept)))
    padding = _padding(dataset, stored)
    if all(slope == 1.0 and intercept.is_integer() for slope, intercept in pairs) and stored.dtype.kind in "iu":
        wide = np.int32 if stored.itemsize < 4 else np.int64
        values: np.ndarray = stored.astype(wide)
        values += np.array([int(intercept) for _, intercept in pairs], wide)[:, None, None]
    else:
        values = stored.astype(np.float32)
        values *= np.array([slope for slope, _ in pairs], np.float32)[:, None, None]
        values += np.array([intercept for _, intercept in pairs], np.float32)[:, None, None]
    if padding is not None and dataset.get("Modality") == "CT":
        values[padding] = LEAST_HU
    return values


def _padding(dataset: "Dataset", stored: np.ndarray) -> np.ndarray | None:
    value = dataset.get("PixelPaddingValue")
    if value is None:
        return None
    limit = dataset.get("PixelPaddingRangeLimit")
    low, high = sorted((int(value), int(value if limit is None else limit)))
    return (stored >= low) & (stored <= high)
