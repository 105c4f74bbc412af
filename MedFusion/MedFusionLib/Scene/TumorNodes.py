"""Segmentation nodes that a user works on: scribbles that point a tumor out, and an outline corrected by hand."""

import json
from dataclasses import replace

import numpy as np
import SimpleITK as sitk
import slicer

from ..Core.Images.Resampling import Interpolation, resampleImage
from ..Core.Tumor.Outline import SecondOpinion
from ..Core.Tumor.OutlineDecisions import corrected
from ..Core.Tumor.Segments import SegmentUnion
from ..Core.Tumor.TumorSegmentation import SegmentationMethod, SegmentationSettings, TumorResult
from ..Core.Verdict import Judgment, Verdict
from .SegmentationNodes import addSegment, labelImageFromSegmentation, segmentsOfNode
from .VolumeNodes import imageFromVolumeNode, relativeTransform

INSIDE_COLOR, OUTSIDE_COLOR = (0.30, 0.80, 0.35), (0.35, 0.55, 0.95)
_VERDICT = "MedFusion.verdict"
_SECOND_COLOR = (0.24, 0.78, 1.0)  # as in the report


def addScribbles(
    volumeNode: slicer.vtkMRMLScalarVolumeNode, name: str, segmentNames: tuple[str, str]
) -> slicer.vtkMRMLSegmentationNode:
    """Return a new segmentation on a volume's grid, with an empty segment for each kind of scribble.

    :param segmentNames: of the scribbles inside and outside the tumor.
    """
    node = volumeNode.GetScene().AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.SetSourceRepresentationToBinaryLabelmap()
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
    node.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
    for segmentId, segmentName, color in zip(
        ("inside", "outside"), segmentNames, (INSIDE_COLOR, OUTSIDE_COLOR), strict=True
    ):
        node.GetSegmentation().AddEmptySegment(segmentId, segmentName, color)
    return node


def scribbleImages(
    segmentationNode: slicer.vtkMRMLSegmentationNode, volumeNode: slicer.vtkMRMLScalarVolumeNode
) -> tuple[sitk.Image, sitk.Image]:
    """Return the first two segments, inside and outside the tumor, as label images on a volume's own grid."""
    count = segmentationNode.GetSegmentation().GetNumberOfSegments()
    if count < 2:
        raise ValueError(
            f'"{segmentationNode.GetName()}" has {count} segments; scribbles need one inside the tumor and, '
            "below it, one outside."
        )
    drawnOn = segmentationNode.GetNodeReference(segmentationNode.GetReferenceImageGeometryReferenceRole())
    labels, _segments = labelImageFromSegmentation(segmentationNode, imageFromVolumeNode(drawnOn or volumeNode))
    image = imageFromVolumeNode(volumeNode)
    transform = relativeTransform(volumeNode, segmentationNode, image)
    labels = resampleImage(labels, image, transform, Interpolation.nearest)
    return labels == 1, labels == 2


def tumorResultFromNode(
    segmentationNode: slicer.vtkMRMLSegmentationNode,
    volumeNode: slicer.vtkMRMLScalarVolumeNode,
    known: TumorResult | None = None,
) -> TumorResult | None:
    """Return an outline as it is in the scene now, on a volume's grid, or None when nothing is outlined.

    What was said about the outline when it was made is left out where it was changed since.

    :param known: the result that filled the node, None when the scene was loaded.
    """
    if not segmentationNode.GetSegmentation().GetNumberOfSegments():
        return None
    labelImage, segments = labelImageFromSegmentation(segmentationNode, imageFromVolumeNode(volumeNode))
    present = {segment.value for segment in segments}
    unions = tuple(
        union
        for union in segmentsOfNode(segmentationNode).values()
        if isinstance(union, SegmentUnion) and present.issuperset(union.values)
    )
    if known is None:
        result = TumorResult(labelImage, segments, (), _settingsOf(segmentationNode), unions)
        drawnOn = segmentationNode.GetNodeReference(segmentationNode.GetReferenceImageGeometryReferenceRole())
        return _withRememberedVerdict(result, segmentationNode, drawnOn or volumeNode)
    now = replace(known, labelImage=labelImage, segments=segments, unions=unions)
    return now if _isAsMade(segmentationNode, known) else corrected(now)


def _isAsMade(segmentationNode: slicer.vtkMRMLSegmentationNode, known: TumorResult) -> bool:
    labelImage, _segments = labelImageFromSegmentation(segmentationNode, known.labelImage)
    return np.array_equal(*(sitk.GetArrayViewFromImage(image) for image in (labelImage, known.labelImage)))


def rememberVerdict(segmentationNode: slicer.vtkMRMLSegmentationNode, result: TumorResult) -> None:
    """Store in a segmentation what is thought of the outline that it holds, for when its scene is opened again."""
    stored = {
        **result.verdict.measurements(),
        "warnings": list(result.warnings),
        "labels": _fingerprint(result.labelImage),
    }
    segmentationNode.SetAttribute(_VERDICT, json.dumps(stored))


def _withRememberedVerdict(
    result: TumorResult, segmentationNode: slicer.vtkMRMLSegmentationNode, drawnOn: slicer.vtkMRMLScalarVolumeNode
) -> TumorResult:
    """Return an outline of an earlier session with what was thought of it then, unless it was changed since."""
    try:
        stored = json.loads(segmentationNode.GetAttribute(_VERDICT) or "{}")
        verdict = Verdict(Judgment(stored["verdict"]), tuple(stored["reasons"]))
        warnings, labels = tuple(stored["warnings"]), stored["labels"]
    except (KeyError, TypeError, ValueError):  # none, or one of another version
        return result
    labelImage, _segments = labelImageFromSegmentation(segmentationNode, imageFromVolumeNode(drawnOn))
    judged = replace(result, verdict=verdict, warnings=warnings)
    return judged if labels == _fingerprint(labelImage) else corrected(judged)


def _fingerprint(labelImage: sitk.Image) -> str:
    return sitk.Hash(sitk.Cast(labelImage, sitk.sitkUInt16))


def addSecondOpinion(
    segmentationNode: slicer.vtkMRMLSegmentationNode, second: SecondOpinion, name: str
) -> slicer.vtkMRMLSegmentationNode:
    """Return a new hidden segmentation with the contours of a second method over an outline."""
    scene = segmentationNode.GetScene()
    node = scene.AddNewNodeByClass("vtkMRMLSegmentationNode", name)
    node.SetHideFromEditors(True)
    node.SetSaveWithScene(False)
    node.SetSourceRepresentationToBinaryLabelmap()
    node.CreateDefaultDisplayNodes()
    for number, method in enumerate(second.methods, 1):
        mask = sitk.Cast(second.labelImage == number, sitk.sitkUInt8)
        if sitk.GetArrayViewFromImage(mask).any():
            addSegment(node, mask, method, _SECOND_COLOR)
    display = node.GetDisplayNode()
    display.SetSaveWithScene(False)
    display.SetVisibility2DFill(False)
    display.SetVisibility3D(False)
    node.SetAndObserveTransformNodeID(segmentationNode.GetTransformNodeID())
    return node


def _settingsOf(segmentationNode: slicer.vtkMRMLSegmentationNode) -> SegmentationSettings:
    """Return how an outline was made, as far as its node says; which folder a model was in is not kept."""
    method = segmentationNode.GetAttribute("MedFusion.method")
    if method not in {member.value for member in SegmentationMethod} - {SegmentationMethod.model.value}:
        return SegmentationSettings()
    return SegmentationSettings(method=SegmentationMethod(method))
