"""Read an outline that somebody made: a label map, Slicer's .seg.nrrd with its layers, or a DICOM segmentation.

Every command that takes an outline takes it from here.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Images.Coordinates import CoordinateSystem
from ..Tumor.SegmentLayers import mergedLayers
from ..Tumor.Segments import MARGIN_TAG, Segment, SegmentUnion, TumorTissue, segmentsOfNames
from .FileGeometry import assumed, checkAxes, headerGeometry, placed, unknownOrientation
from .Memory import checkReading
from .VolumeFiles import isDicomPath, readVolume
from .VolumeSize import volumeSize

# Of more values than these few it is asked whether they make regions. Atlases have up to about 190 labels.
_FEW_LABELS, _MOST_LABELS = 10, 200
# A sheet of one voxel has four neighbors of its own kind out of six, a voxel of a smooth map about one.
_LEAST_NEIGHBORS = 2.0
_CAVITY_CODE = "128319008"


@dataclass(frozen=True)
class SegmentationFile:
    """An outline as read, on its own grid.

    :param labelImage: labels, LPS mm; 0 is background.
    :param unions: segments made of several labels, where the file's segments overlap.
    :param isNamed: whether the file names its segments; where it does not, their names are their labels.
    :param frameUid: the DICOM frame of reference, empty where the file tells none.
    :param path: the file itself, also where a folder was given.
    """

    labelImage: sitk.Image
    segments: tuple[Segment, ...]
    unions: tuple[SegmentUnion, ...] = ()
    isNamed: bool = False
    frameUid: str = ""
    warnings: tuple[str, ...] = ()
    path: Path = Path()

    @property
    def allSegments(self) -> tuple[Segment | SegmentUnion, ...]:
        """Return the segments of single labels, then those of several."""
        return (*self.segments, *self.unions)

    @property
    def isEmpty(self) -> bool:
        """Return True if nothing is outlined."""
        return not sitk.GetArrayViewFromImage(self.labelImage).any()


def readSegmentation(
    path: str | Path,
    threshold: float | None = None,
    assumedAxes: CoordinateSystem | None = None,
    grid: sitk.Image | None = None,
) -> SegmentationFile:
    """Return the outline of a file.

    :param threshold: the value from which on a voxel is inside, for maps of probabilities; without it they are refused.
    :param assumedAxes: which way the axes lead where the file does not say it.
    :param grid: the image that contours (RTSTRUCT) were drawn on, whose voxels they are to take.
    :raises ValueError: when the file is missing, unreadable, or holds no labels.
    """
    path = Path(path)
    if not path.exists():
        raise ValueError(f"There is no segmentation {path}.")
    if threshold is not None and not np.isfinite(threshold):
        raise ValueError(f"The threshold {threshold} is not a number.")
    if isDicomPath(path):
        return _readDicom(path, threshold, grid)
    geometry = headerGeometry(path)
    checkAxes(geometry, path)
    checkReading(path.name, volumeSize(path))
    image = _readImage(path)
    if any(image.HasMetaDataKey(f"Segment0_{key}") for key in ("ID", "Name", "LabelValue")):
        return replace(_readSlicer(image, path.name, threshold), path=path)
    if image.GetNumberOfComponentsPerPixel() > 1 or image.GetDimension() != 3:
        image = readVolume(path, assumedAxes=assumedAxes).image  # or it tells what is wrong with it
        return replace(_labelMap(image, path.name, threshold), path=path)
    image, notes = placed(image, geometry, path)
    if geometry.unknown:
        if assumedAxes is None:
            raise ValueError(unknownOrientation(path, geometry.unknown))
        image = assumed(image, assumedAxes)
    return replace(_labelMap(image, path.name, threshold), warnings=notes, path=path)


def readMask(
    path: str | Path,
    threshold: float | None = None,
    assumedAxes: CoordinateSystem | None = None,
    grid: sitk.Image | None = None,
) -> sitk.Image:
    """Return all segments of a file as one mask of 8 bit, 0 and 1."""
    read = readSegmentation(path, threshold, assumedAxes, grid)
    if read.isEmpty:
        raise ValueError(f"{Path(path).name} holds no outline: every voxel is 0.")
    return sitk.Cast(read.labelImage != 0, sitk.sitkUInt8)


def _readImage(path: Path) -> sitk.Image:
    try:
        return sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise ValueError(
            f"{path.name} could not be read as a segmentation (.seg.nrrd, .nrrd, .nii.gz, .mha or DICOM)."
        ) from error


def _labelMap(image: sitk.Image, name: str, threshold: float | None) -> SegmentationFile:
    """Return the labels of an image, whose values name its segments."""
    labels = _labels(sitk.GetArrayFromImage(image), name, threshold)
    values = [int(value) for value in np.unique(labels) if value]
    return SegmentationFile(_onGridOf(image, labels), tuple(Segment(value, str(value)) for value in values))


def _labels(values: np.ndarray, name: str, threshold: float | None) -> np.ndarray:
    """Return values as labels; what is no label map is cut at the threshold.

    :raises ValueError: when they are no labels and there is no threshold.
    """
    if np.issubdtype(values.dtype, np.floating) and not np.isfinite(values).all():
        raise ValueError(f"{name} holds values that are not numbers; a segmentation has whole numbers.")
    refusal = _whyNoLabels(values)
    if refusal and threshold is not None:
        return (values >= threshold).astype(np.uint8)
    if refusal:
        raise ValueError(
            f"{name} {refusal}; say from which value on a voxel is tumor with --threshold, such as --threshold 0.5."
        )
    labels = values.astype(np.uint16)
    return labels.astype(np.uint8) if labels.max() < 256 else labels


def _whyNoLabels(values: np.ndarray) -> str:
    """Return why values are no labels, empty where they are."""
    low, high = float(values.min()), float(values.max())
    if np.issubdtype(values.dtype, np.floating) and (values != np.rint(values)).any():
        return (
            f"holds values between whole numbers ({low:.3g} to {high:.3g}), so it is a map of probabilities or an image"
        )
    if low < 0 or high > np.iinfo(np.uint16).max:
        return f"holds the values {low:.0f} to {high:.0f}, and labels lie between 0 and 65535"
    labels = values.astype(np.uint16)
    count = len(np.unique(labels))
    if count > _FEW_LABELS and (count > _MOST_LABELS or not _isMadeOfRegions(labels)):
        return f"holds {count} different values, so it is an image or a map of probabilities, not labels"
    return ""


def _isMadeOfRegions(labels: np.ndarray) -> bool:
    """Return True if the voxels of most labels have neighbors of their own kind, which those of an image have not."""
    alike = np.zeros(labels.shape, np.uint8)
    for axis in range(3):
        along, counted = np.moveaxis(labels, axis, 0), np.moveaxis(alike, axis, 0)
        equal = along[1:] == along[:-1]
        counted[1:] += equal
        counted[:-1] += equal
    counts, alikeCounts = np.bincount(labels.ravel())[1:], np.bincount(labels.ravel(), alike.ravel())[1:]
    return bool(np.median(alikeCounts[counts > 0] / counts[counts > 0]) > _LEAST_NEIGHBORS)


def _readSlicer(image: sitk.Image, name: str, threshold: float | None) -> SegmentationFile:
    """Return the segments that the header of a .seg.nrrd describes, each in its layer."""
    array = sitk.GetArrayFromImage(image)
    if image.GetDimension() == 4:
        if image.GetNumberOfComponentsPerPixel() > 1:
            raise ValueError(f"{name} is a series of segmentations; extract one of them first.")
        array = np.moveaxis(array, 0, -1)
        image = image[:, :, :, 0]
    elif image.GetNumberOfComponentsPerPixel() == 1:
        array = array[..., None]
    if image.GetDimension() != 3 or array.ndim != 4:
        raise ValueError(f"{name} is {image.GetDimension()}D; a segmentation in 3D is needed.")
    array = _labels(array, name, threshold)
    layers = []
    for segment, layer, label in _described(image, name):
        if not 0 <= layer < array.shape[-1]:
            raise ValueError(
                f'{name} holds {array.shape[-1]} layer(s), and "{segment.name}" is to lie in number {layer + 1}; it is '
                "damaged."
            )
        layers.append((segment, array[..., layer] == label))
    if not layers:
        raise ValueError(f"{name} names no segment of a tumor.")
    labels, segments, unions = mergedLayers(layers)
    return SegmentationFile(_onGridOf(image, labels), segments, unions, isNamed=True)


def _described(image: sitk.Image, name: str) -> list[tuple[Segment, int, int]]:
    """Return each segment of a .seg.nrrd header, its layer and its label there, those made of others at the end.

    The intracranial cavity and the tumor grown by the registration's error are left out: they are no tumor. A segment
    has the value that this program wrote, else the label in its layer, unless an earlier one has it.
    """
    found = []
    number = 0
    while any(image.HasMetaDataKey(f"Segment{number}_{key}") for key in ("ID", "Name", "LabelValue")):
        fields = {
            key: image.GetMetaData(f"Segment{number}_{key}") if image.HasMetaDataKey(f"Segment{number}_{key}") else ""
            for key in ("ID", "Name", "LabelValue", "Layer", "Tags")
        }
        try:
            layer, label = int(fields["Layer"] or 0), int(fields["LabelValue"] or 1)
        except ValueError:
            raise ValueError(f"The header of {name} is damaged at its segment {number + 1}.") from None
        title = fields["Name"] or fields["ID"] or f"Segment {number + 1}"
        tags = dict(tag.split(":", 1) for tag in fields["Tags"].split("|") if ":" in tag)
        if _CAVITY_CODE not in tags.get("TerminologyEntry", "") and MARGIN_TAG not in tags:
            found.append((title, layer, label, tags))
        number += 1
    guessed = segmentsOfNames({index: title for index, (title, *_rest) in enumerate(found, start=1)})
    described = []
    for segment, (_title, layer, label, tags) in zip(guessed, found, strict=True):
        values = [int(value) for value in tags.get("MedFusion.values", "").split() if value.isdecimal()] or [label]
        described.append((values, _tagged(segment, tags), layer, label))
    described.sort(key=lambda item: len(item[0]) > 1)
    free = iter(range(1 + max((max(values) for values, *_rest in described), default=0), 1 << 16))
    used: set[int] = set()
    placed = []
    for values, segment, layer, label in described:
        isFree = len(values) == 1 and values[0] > 0 and values[0] not in used
        value = values[0] if isFree else next(free)
        used.add(value)
        placed.append((replace(segment, value=value), layer, label))
    return placed


def _tagged(segment: Segment, tags: dict[str, str]) -> Segment:
    """Return a segment with the tissue and the lesion that this program wrote, or the tissue of its code."""
    tissue, lesion = tags.get("MedFusion.tissue", ""), tags.get("MedFusion.lesion", "")
    if tissue in {member.value for member in TumorTissue} and lesion.isdecimal():
        return replace(segment, tissue=TumorTissue(tissue), lesion=int(lesion))
    entry = tags.get("TerminologyEntry", "")
    for member in (TumorTissue.edema, TumorTissue.necrosis):
        if f"^{member.snomedCode[0]}^" in entry:
            return replace(segment, tissue=member)
    return segment


def _readDicom(path: Path, threshold: float | None, grid: sitk.Image | None) -> SegmentationFile:
    """Return the segments of a DICOM segmentation or structure set; of a folder, of the only one in it."""
    from ..Dicom.SegmentationReading import SEGMENTATION, STRUCTURE_SET, modalityOf, readDicomSegmentation
    from ..Dicom.StructureSetReader import readStructureSet

    if path.is_dir():
        files = [file for file in sorted(path.rglob("*")) if file.is_file()]
        outlines = (SEGMENTATION, STRUCTURE_SET)
        found = [file for file in files if isDicomPath(file) and modalityOf(file) in outlines]
        if len(found) != 1:
            raise ValueError(f"{path} holds {len(found)} DICOM segmentations or structure sets; give the file of one.")
        path = found[0]
    modality = modalityOf(path)
    if modality not in (SEGMENTATION, STRUCTURE_SET):
        raise ValueError(
            f"{path.name} is neither a DICOM segmentation nor a structure set (its modality is "
            f"{modality or 'unknown'})."
        )
    read = readStructureSet(path, grid) if modality == STRUCTURE_SET else readDicomSegmentation(path, threshold)
    labels, segments, unions = mergedLayers(read.layers)
    labelImage = _onGridOf(read.grid, labels)
    return SegmentationFile(labelImage, segments, unions, isNamed=True, frameUid=read.frameUid, path=path)


def _onGridOf(image: sitk.Image, labels: np.ndarray) -> sitk.Image:
    labelImage = sitk.GetImageFromArray(labels)
    labelImage.SetSpacing(image.GetSpacing())
    labelImage.SetDirection(image.GetDirection())
    labelImage.SetOrigin(image.GetOrigin())
    return labelImage
