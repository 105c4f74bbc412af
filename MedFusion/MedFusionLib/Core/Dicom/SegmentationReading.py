"""Read a DICOM segmentation: frames wherever their headers put them, for empty ones are often left out."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import SimpleITK as sitk

from ..Tumor.Segments import Segment, TumorTissue, segmentsOfNames, tissueOfName
from .Errors import damage, withoutLibraryWarnings

if TYPE_CHECKING:
    from pydicom import Dataset

SEGMENTATION, STRUCTURE_SET = "SEG", "RTSTRUCT"
# Positions and axes of frames may be off by the digits of a decimal string.
_COINCIDENCE_MM = 0.05
_SNOMED_TISSUES = {tissue.snomedCode[0]: tissue for tissue in (TumorTissue.edema, TumorTissue.necrosis)}


@dataclass(frozen=True)
class DicomLayers:
    """The segments of a DICOM segmentation, each as a mask on one grid.

    :param grid: an image without voxel values that matter, LPS mm.
    :param frameUid: the frame of reference, empty where the file tells none.
    """

    grid: sitk.Image
    layers: tuple[tuple[Segment, np.ndarray], ...]
    frameUid: str


def modalityOf(path: Path) -> str:
    """Return the modality of a DICOM file, empty where it is none."""
    import pydicom

    try:
        with withoutLibraryWarnings():
            return str(pydicom.dcmread(path, specific_tags=["Modality"]).get("Modality", ""))
    except damage():
        return ""


def readDicomSegmentation(path: Path, threshold: float | None = None) -> DicomLayers:
    """Return the segments of a file.

    :param threshold: for fractional segmentations, from which share or probability (0 to 1) on a voxel is inside.
    :raises ValueError: when the file is damaged, or its frames make no grid.
    """
    import pydicom

    try:
        with withoutLibraryWarnings():
            dataset = pydicom.dcmread(path)
            kind = str(dataset.get("SegmentationType", "BINARY")).upper()
            pixels = np.asarray(dataset.pixel_array)
            pixels = pixels[None] if pixels.ndim == 2 else pixels
            if kind == "FRACTIONAL":
                if threshold is None:
                    raise _Refusal(
                        f"{path.name} holds shares or probabilities, not an outline; say from which value on a voxel "
                        "is tumor with --threshold, such as --threshold 0.5."
                    )
                pixels = pixels >= threshold * float(dataset.get("MaximumFractionalValue", 255))
            return _layers(dataset, pixels, kind, path.name)
    except _Refusal as refusal:
        raise ValueError(str(refusal)) from None
    except damage() as error:
        raise ValueError(f"{path.name} could not be read as a DICOM segmentation; the file is damaged.") from error


class _Refusal(Exception):
    """A sentence for the user, which is no damage."""


def _layers(dataset: "Dataset", pixels: np.ndarray, kind: str, name: str) -> DicomLayers:
    from pydicom import Dataset

    shared = dataset.SharedFunctionalGroupsSequence[0] if "SharedFunctionalGroupsSequence" in dataset else Dataset()
    frames = list(dataset.PerFrameFunctionalGroupsSequence)
    if len(frames) != len(pixels):
        raise _Refusal(f"{name} holds {len(pixels)} frames where its header tells {len(frames)}; it is damaged.")

    def groupOf(frame: "Dataset", keyword: str) -> Any:
        return (frame if keyword in frame else shared)[keyword][0]

    axes = np.array([groupOf(f, "PlaneOrientationSequence").ImageOrientationPatient for f in frames], float)
    places = np.array([groupOf(f, "PlanePositionSequence").ImagePositionPatient for f in frames], float)
    measures = [groupOf(frame, "PixelMeasuresSequence") for frame in frames]
    spacings = np.array([measure.PixelSpacing for measure in measures], float)
    if np.ptp(axes, axis=0).max() > 1e-3 or np.ptp(spacings, axis=0).max() > 1e-3:
        raise _Refusal(f"The frames of {name} lie in different planes; they make no one grid.")
    row, column = axes[0, :3], axes[0, 3:]
    normal = np.cross(row, column)
    if np.ptp(places @ row) > _COINCIDENCE_MM or np.ptp(places @ column) > _COINCIDENCE_MM:
        raise _Refusal(f"The frames of {name} are shifted against each other within their planes.")
    numbers, step = _sliceNumbers(places @ normal, measures[0], name)
    grid = sitk.Image([pixels.shape[2], pixels.shape[1], int(numbers.max()) + 1], sitk.sitkUInt8)
    grid.SetSpacing([spacings[0, 1], spacings[0, 0], step])
    grid.SetDirection(np.stack([row, column, normal], axis=1).ravel().tolist())
    grid.SetOrigin(places[int(np.argmin(numbers))].tolist())
    masks: dict[int, np.ndarray] = {}
    for index, (frame, place) in enumerate(zip(frames, numbers, strict=True)):
        for value, inside in _segmentsOfFrame(frame, shared, pixels[index], kind):
            mask = masks.setdefault(value, np.zeros(grid.GetSize()[::-1], bool))
            mask[place] |= inside
    found = _described(dataset, list(masks))
    return DicomLayers(
        grid, tuple((found[value], masks[value]) for value in masks), str(dataset.get("FrameOfReferenceUID", ""))
    )


def _segmentsOfFrame(frame: "Dataset", shared: "Dataset", plane: np.ndarray, kind: str) -> list[tuple[int, np.ndarray]]:
    """Return the segments in one frame by number, each as a mask of its plane."""
    if kind == "LABELMAP":
        return [(int(value), plane == value) for value in np.unique(plane) if value]
    holder = frame if "SegmentIdentificationSequence" in frame else shared
    return [(int(holder.SegmentIdentificationSequence[0].ReferencedSegmentNumber), plane != 0)]


def _sliceNumbers(places: np.ndarray, measure: "Dataset", name: str) -> tuple[np.ndarray, float]:
    """Return the slice of each frame, counted from the lowest, and the distance of the slices in mm."""
    unique = np.unique(np.round(places, 3))
    gaps = np.diff(unique)
    gaps = gaps[gaps > _COINCIDENCE_MM]
    stated = float(measure.get("SpacingBetweenSlices", 0) or 0)
    step = stated if stated > 0 else float(gaps.min()) if len(gaps) else float(measure.get("SliceThickness", 0) or 0)
    if not step > 0:
        raise _Refusal(f"{name} holds one slice and tells neither its thickness nor its distance to the next.")
    counts = (places - places.min()) / step
    numbers = np.rint(counts).astype(int)
    if len(gaps) and np.abs(counts - numbers).max() * step > max(_COINCIDENCE_MM, 0.05 * step):
        if stated > 0 and not np.isclose(stated, gaps.min(), rtol=0.05):
            raise _Refusal(f"The frames of {name} lie {gaps.min():.2f} mm apart, its header says {stated:.2f} mm.")
        raise _Refusal(f"The frames of {name} do not lie at equal distances; they make no one grid.")
    return numbers, step


def _described(dataset: "Dataset", numbers: list[int]) -> dict[int, Segment]:
    """Return the segment of each number, its tissue by its code, else by its name."""
    items = {int(item.SegmentNumber): item for item in dataset.SegmentSequence}
    names = {number: str(items[number].get("SegmentLabel", "")) or f"Segment {number}" for number in numbers}
    segments = {segment.value: segment for segment in segmentsOfNames(names)}
    for number in numbers:
        codes = items[number].get("SegmentedPropertyTypeCodeSequence")
        tissue = _SNOMED_TISSUES.get(str(codes[0].get("CodeValue", ""))) if codes else None
        old = segments[number]
        segments[number] = Segment(number, old.name, tissue or tissueOfName(old.name), old.lesion)
    return segments
