"""What the segments of a segmentation node are: labels and tissues in, labels and tissues out."""

from collections.abc import Sequence

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from vtk.util import numpy_support

from ..Core.Images.Grids import cornerPoints, directionOf, emptyImage, indexRange
from ..Core.Images.Transforms import IDENTITY, transformPoints
from ..Core.Tumor.Segments import (
    MARGIN_COLOR,
    MARGIN_NAME,
    MARGIN_TAG,
    Segment,
    SegmentUnion,
    TumorTissue,
    segmentsOfNames,
)
from .VolumeNodes import geometryText, imageFromOriented, orientedImageData

CAVITY_NAME = "Intracranial cavity"
_CAVITY_COLOR = (0.56, 0.75, 0.85)
_TISSUE_TAG, _LESION_TAG, _VALUES_TAG = "MedFusion.tissue", "MedFusion.lesion", "MedFusion.values"
_TERMINOLOGY = (
    "Segmentation category and type - 3D Slicer General Anatomy list"
    "~SCT^{category}~SCT^{type}~^^~Anatomic codes - DICOM master list~SCT^12738006^Brain~^^"
)
_ABNORMAL, _ANATOMY = "49755003^Morphologically Altered Structure", "123037004^Anatomical Structure"


def setSegmentationLabels(
    segmentationNode: slicer.vtkMRMLSegmentationNode,
    labelImage: sitk.Image,
    segments: Sequence[Segment],
    colors: dict[int, tuple[float, float, float]],
) -> None:
    """Replace the segments of a segmentation node by the labels of an LPS image."""
    segmentationNode.GetSegmentation().RemoveAllSegments()
    segmentationNode.SetSourceRepresentationToBinaryLabelmap()
    segmentationNode.CreateDefaultDisplayNodes()
    for segment in segments:
        mask = sitk.Cast(labelImage == segment.value, sitk.sitkUInt8)
        tagSegment(addSegment(segmentationNode, mask, segment.name, colors[segment.value]), segment)


def addSegment(
    segmentationNode: slicer.vtkMRMLSegmentationNode,
    mask: sitk.Image,
    name: str,
    color: tuple[float, float, float],
    visible: bool = True,
) -> slicer.vtkSegment:
    """Add an LPS mask (8 bit, 0 and 1) as a segment, and return it."""
    segment = slicer.vtkSegment()
    segment.SetName(name)
    segment.SetColor(color)
    segment.AddRepresentation(
        slicer.vtkSegmentationConverter.GetSegmentationBinaryLabelmapRepresentationName(), orientedImageData(mask)
    )
    segmentation = segmentationNode.GetSegmentation()
    # Ids are random by default; the same result is to give the same file.
    segmentId = f"Segment_{segmentation.GetNumberOfSegments() + 1}"
    segmentation.AddSegment(segment, segmentation.GenerateUniqueSegmentID(segmentId))
    if not visible:
        segmentationNode.CreateDefaultDisplayNodes()
        display = segmentationNode.GetDisplayNode()
        display.SetSegmentVisibility(segmentation.GetSegmentIdBySegment(segment), False)
    return segment


def tagSegment(node: slicer.vtkSegment, segment: Segment | SegmentUnion) -> None:
    """Let a segment of a node tell what it is, for its name may be translated or changed."""
    node.SetTag(_TISSUE_TAG, segment.tissue.value)
    node.SetTag(_LESION_TAG, str(segment.lesion))
    node.SetTag(_VALUES_TAG, " ".join(map(str, segment.values)))
    entry = _TERMINOLOGY.format(category=_ABNORMAL, type="^".join(segment.tissue.snomedCode))
    node.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)


def addCavitySegment(segmentationNode: slicer.vtkMRMLSegmentationNode, mask: sitk.Image) -> None:
    """Add the intracranial cavity (8 bit, 0 and 1) as a hidden segment."""
    segment = addSegment(segmentationNode, mask, CAVITY_NAME, _CAVITY_COLOR, visible=False)
    entry = _TERMINOLOGY.format(category=_ANATOMY, type="128319008^Intracranial structure")
    segment.SetTag(slicer.vtkSegment.GetTerminologyEntryTagName(), entry)


def addMarginSegment(segmentationNode: slicer.vtkMRMLSegmentationNode, mask: sitk.Image) -> None:
    """Add the tumor grown by the registration's error (8 bit, 0 and 1) as a hidden segment."""
    segment = addSegment(segmentationNode, mask, MARGIN_NAME, MARGIN_COLOR, visible=False)
    segment.SetTag(MARGIN_TAG, "1")


def copyOnGrid(
    segmentationNode: slicer.vtkMRMLSegmentationNode,
    targetNode: slicer.vtkMRMLSegmentationNode,
    image: sitk.Image,
    transform: sitk.Transform | None,
) -> None:
    """Copy all segments into an empty segmentation node on an image's own grid, with names, colors and tags.

    Slicer makes a grid of its own when it hardens a transform, which grows with the distance from the origin.

    :param transform: maps points of the image to points of the segmentation; None is the identity.
    """
    targetNode.SetSourceRepresentationToBinaryLabelmap()
    targetNode.CreateDefaultDisplayNodes()
    segmentation = segmentationNode.GetSegmentation()
    # The file then covers the image's grid; the segments themselves need no more than their boxes.
    target = targetNode.GetSegmentation()
    target.SetConversionParameter(
        slicer.vtkSegmentationConverter.GetReferenceImageGeometryParameterName(), geometryText(image)
    )
    for segmentId in segmentation.GetSegmentIDs():
        source = segmentation.GetSegment(segmentId)
        oriented = slicer.vtkOrientedImageData()
        part = sitk.Image([1, 1, 1], sitk.sitkUInt8)
        if segmentationNode.GetBinaryLabelmapRepresentation(segmentId, oriented) and not oriented.IsEmpty():
            part = sitk.Cast(imageFromOriented(oriented) != 0, sitk.sitkUInt8)
        mask = _onPartOfGrid(part, image, transform)
        copied = addSegment(targetNode, mask, source.GetName(), source.GetColor())
        for name in (_TISSUE_TAG, _LESION_TAG, _VALUES_TAG, MARGIN_TAG, slicer.vtkSegment.GetTerminologyEntryTagName()):
            if value := _tag(source, name):
                copied.SetTag(name, value)


def _onPartOfGrid(mask: sitk.Image, image: sitk.Image, transform: sitk.Transform | None) -> sitk.Image:
    """Return a mask on the part of an image's grid that holds the mask's box; on all of it under a warp."""
    corners = cornerPoints(sitk.ConstantPad(mask, [1, 1, 1], [1, 1, 1], 0))  # the outer half of its voxels, too
    start, stop = np.zeros(3, int), np.array(image.GetSize())
    if transform is None or transform.IsLinear():
        inImage = corners if transform is None else transformPoints(transform.GetInverse(), corners)
        start, stop = indexRange(image, inImage)
    origin = image.TransformIndexToPhysicalPoint([int(n) for n in start])
    grid = emptyImage(np.asarray(stop) - start, image.GetSpacing(), origin, directionOf(image))
    return sitk.Resample(mask, grid, transform or IDENTITY, sitk.sitkNearestNeighbor, 0)


def segmentsOfNode(segmentationNode: slicer.vtkMRMLSegmentationNode) -> dict[str, Segment | SegmentUnion]:
    """Return what each segment of a node is by its id, without cavity and registration error, which are no tumor.

    A segment that this program did not make is told by its English name, and gets a label that is still free.
    """
    segmentation = segmentationNode.GetSegmentation()
    nodes = {segmentId: segmentation.GetSegment(segmentId) for segmentId in segmentation.GetSegmentIDs()}
    nodes = {segmentId: node for segmentId, node in nodes.items() if node.GetName() not in (CAVITY_NAME, MARGIN_NAME)}
    found = {segmentId: _taggedSegment(node) for segmentId, node in nodes.items()}
    used = {segment.value for segment in found.values() if isinstance(segment, Segment)}
    free = iter(value for value in range(1, len(nodes) + len(used) + 1) if value not in used)
    foreign = {next(free): segmentId for segmentId, segment in found.items() if segment is None}
    names = {value: nodes[segmentId].GetName() for value, segmentId in foreign.items()}
    return found | {foreign[segment.value]: segment for segment in segmentsOfNames(names)}


def _taggedSegment(node: slicer.vtkSegment) -> Segment | SegmentUnion | None:
    """Return what `tagSegment` wrote, None for a segment without it."""
    tissue, lesion, values = (_tag(node, name) for name in (_TISSUE_TAG, _LESION_TAG, _VALUES_TAG))
    if tissue not in {member.value for member in TumorTissue} or not lesion.isdecimal() or not values:
        return None
    labels = tuple(int(value) for value in values.split() if value.isdecimal())
    kind = (node.GetName(), TumorTissue(tissue), int(lesion))
    return SegmentUnion(labels, *kind) if len(labels) > 1 else Segment(labels[0], *kind) if labels else None


def _tag(node: slicer.vtkSegment, name: str) -> str:
    value = vtk.reference("")
    return str(value) if node.GetTag(name, value) else ""


def labelImageFromSegmentation(
    segmentationNode: slicer.vtkMRMLSegmentationNode, referenceImage: sitk.Image
) -> tuple[sitk.Image, tuple[Segment, ...]]:
    """Return a segmentation as labels on an image's grid, with the segment of each label.

    The earlier segment wins where two overlap, and one that earlier ones cover wholly (a whole tumor after its parts)
    is left out, as are unions and the intracranial cavity. The segmentation's parent transform is left aside.
    """
    geometry = orientedImageData(sitk.Cast(referenceImage, sitk.sitkUInt8))
    labels = np.zeros(referenceImage.GetSize()[::-1], dtype=np.uint8)
    found = []
    for segmentId, segment in segmentsOfNode(segmentationNode).items():
        if isinstance(segment, SegmentUnion):
            continue
        found.append(segment)
        oriented = slicer.vtkOrientedImageData()
        if not segmentationNode.GetBinaryLabelmapRepresentation(segmentId, oriented) or oriented.IsEmpty():
            continue
        resampled = slicer.vtkOrientedImageData()
        slicer.vtkOrientedImageDataResample.ResampleOrientedImageToReferenceOrientedImage(
            oriented, geometry, resampled, False, False
        )
        voxels = numpy_support.vtk_to_numpy(resampled.GetPointData().GetScalars()).reshape(labels.shape)
        inside = voxels > 0
        if inside.any() and labels[inside].all():
            found.pop()
            continue
        labels[inside & (labels == 0)] = segment.value
    labelImage = sitk.GetImageFromArray(labels)
    labelImage.CopyInformation(referenceImage)
    return labelImage, tuple(found)
