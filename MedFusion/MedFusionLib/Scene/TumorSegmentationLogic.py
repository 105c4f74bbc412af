"""Tumor segmentation on nodes: volume nodes and markups in, a segmentation node with its measurements out."""

import dataclasses
import json
import logging
from collections.abc import Sequence

import SimpleITK as sitk
import slicer

from ..Core.Images.Coordinates import flipPoints
from ..Core.Images.Resampling import Interpolation, resampleImage
from ..Core.Images.Transforms import transformPoints
from ..Core.Progress import Progress, subProgress
from ..Core.Tumor.CoarseGrid import cavityOn
from ..Core.Tumor.IntracranialCavity import coarseCavity
from ..Core.Tumor.LesionMeasurements import LesionMeasurements, SegmentMeasurements, TumorMeasurements
from ..Core.Tumor.MrSequence import sequenceOfName
from ..Core.Tumor.Segments import segmentColor
from ..Core.Tumor.TumorSegmentation import (
    SegmentationSettings,
    TumorInteraction,
    TumorResult,
    segmentTumor,
)
from .SceneNodes import nodesOfClass
from .SegmentationNodes import addCavitySegment, addSegment, setSegmentationLabels, tagSegment
from .TumorNodes import rememberVerdict
from .VolumeNodes import imageFromVolumeNode, relativeTransform, setMarkupsPoints, worldToNodeTransform

_POINT_NAMES = ("seeds", "lines", "foregroundPoints", "backgroundPoints")


class TumorSegmentationLogic:
    """Outline tumors in volumes of a scene."""

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        self.scene = scene

    def segment(
        self,
        volumeNodes: Sequence[slicer.vtkMRMLScalarVolumeNode],
        interaction: TumorInteraction | None,
        settings: SegmentationSettings | None = None,
        segmentationNode: slicer.vtkMRMLSegmentationNode | None = None,
        progress: Progress | None = None,
        ctNode: slicer.vtkMRMLScalarVolumeNode | None = None,
        mask: sitk.Image | None = None,
        keepCavity: bool = False,
    ) -> tuple[slicer.vtkMRMLSegmentationNode, TumorResult]:
        """Write the tumor's outline into a segmentation node on the first volume's grid and under its transform.

        :param interaction: points in world LPS millimeters; stroke images are on the first volume's grid.
        :param segmentationNode: the node to fill; a new one when None.
        :param ctNode: a head CT whose intracranial cavity limits the outline.
        :param mask: where the tumor can be, in world coordinates, instead of the cavity.
        :param keepCavity: whether the cavity becomes a segment, too.
        """
        sourceNode = volumeNodes[0]
        images = self.imagesOnFirstGrid(volumeNodes)
        settings = settings or SegmentationSettings()
        if not settings.sequences:
            guesses = tuple(sequenceOfName(node.GetName()) for node in volumeNodes)
            settings = dataclasses.replace(settings, sequences=guesses)
        cavity, coarse, limit, notes = None, None, None, ()
        if mask is not None:
            limit = resampleImage(mask, images[0], _toWorld(sourceNode, images[0]), Interpolation.nearest)
        elif ctNode is not None:
            coarse, notes = _cavityOf(ctNode, subProgress(progress, 0.0, 0.3))
            if coarse is not None:
                cavity = _cavityOnGrid(coarse, ctNode, sourceNode, images[0])
        own = _inOwnPoints(interaction, sourceNode, images[0])
        result = segmentTumor(images, own, settings, cavity, subProgress(progress, 0.3, 1.0), limit)
        result = dataclasses.replace(result, warnings=notes + result.warnings, cavity=coarse)
        segmentationNode = self.show(result, sourceNode, segmentationNode)
        cavity = limit if cavity is None else cavity
        if keepCavity and cavity is not None:
            addCavitySegment(segmentationNode, sitk.Cast(cavity != 0, sitk.sitkUInt8))
        segmentationNode.SetAttribute("MedFusion.recipe", json.dumps(_recipe(volumeNodes, interaction, settings)))
        return segmentationNode, result

    def show(
        self,
        result: TumorResult,
        volumeNode: slicer.vtkMRMLScalarVolumeNode,
        segmentationNode: slicer.vtkMRMLSegmentationNode | None = None,
    ) -> slicer.vtkMRMLSegmentationNode:
        """Return a segmentation node with an outline that lies over a volume, under the volume's transform.

        :param segmentationNode: the node to fill; a new one when None.
        """
        if segmentationNode is None:
            segmentationNode = self.scene.AddNewNodeByClass(
                "vtkMRMLSegmentationNode", f"{volumeNode.GetName()} tumor segmentation"
            )
        colors = {segment.value: segmentColor(segment) for segment in result.segments}
        setSegmentationLabels(segmentationNode, result.labelImage, result.segments, colors)
        for union in result.unions:
            mask = sum((result.labelImage == value for value in union.values[1:]), result.labelImage == union.values[0])
            mask = sitk.Cast(mask, sitk.sitkUInt8)
            tagSegment(addSegment(segmentationNode, mask, union.name, segmentColor(union), visible=False), union)
        segmentationNode.SetReferenceImageGeometryParameterFromVolumeNode(volumeNode)
        segmentationNode.SetAndObserveTransformNodeID(volumeNode.GetTransformNodeID())
        segmentationNode.SetAttribute("MedFusion.method", result.settings.method.value)
        rememberVerdict(segmentationNode, result)
        return segmentationNode

    @staticmethod
    def imagesOnFirstGrid(volumeNodes: Sequence[slicer.vtkMRMLScalarVolumeNode]) -> list[sitk.Image]:
        """Return the volumes as images on the first one's grid, each from where it is shown in the scene."""
        images = [imageFromVolumeNode(volumeNodes[0])]
        for node in volumeNodes[1:]:
            transform = relativeTransform(volumeNodes[0], node, images[0])
            images.append(resampleImage(imageFromVolumeNode(node), images[0], transform))
        return images

    def showMeasurements(
        self, measurements: TumorMeasurements, segmentationNode: slicer.vtkMRMLSegmentationNode, inWorld: bool = False
    ) -> tuple[slicer.vtkMRMLTableNode, list[slicer.vtkMRMLMarkupsLineNode]]:
        """Return a table of the measurements, and the two axial diameters of each segment as lines to drag.

        What was shown for the same segmentation before is replaced.

        :param measurements: in the segmentation's own coordinates, so the lines go under its transform.
        :param inWorld: whether they are in world coordinates instead.
        """
        role = "MedFusion.measures"
        for kind in ("vtkMRMLTableNode", "vtkMRMLMarkupsLineNode"):
            for node in nodesOfClass(self.scene, kind):
                if node.GetAttribute(role) == segmentationNode.GetID():
                    self.scene.RemoveNode(node)
        tableNode = self.scene.AddNewNodeByClass("vtkMRMLTableNode", f"{segmentationNode.GetName()} measurements")
        _fillTable(tableNode, _tableRows(measurements))
        lineNodes = []
        for segment, lesion in measurements.namedLesions():
            for title, diameter in (
                ("axial diameter", lesion.axialDiameter),
                ("perpendicular diameter", lesion.perpendicularDiameter),
            ):
                lineNode = self.scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", f"{segment} {title}")
                setMarkupsPoints(lineNode, [diameter.start, diameter.end])
                if not inWorld:
                    lineNode.SetAndObserveTransformNodeID(segmentationNode.GetTransformNodeID())
                lineNodes.append(lineNode)
        for node in (tableNode, *lineNodes):
            node.SetAttribute(role, segmentationNode.GetID())
        return tableNode, lineNodes


def _cavityOf(
    ctNode: slicer.vtkMRMLScalarVolumeNode, progress: Progress | None
) -> tuple[sitk.Image | None, tuple[str, ...]]:
    """Return the CT's intracranial cavity in wide voxels, or None with the reason where it cannot be found."""
    try:
        return coarseCavity(imageFromVolumeNode(ctNode), progress), ()
    except ValueError as error:
        logging.info("No cavity: %s", error)
        return None, (f"The outline is not limited to the inside of the skull: {error}",)


def _cavityOnGrid(
    coarse: sitk.Image,
    ctNode: slicer.vtkMRMLScalarVolumeNode,
    sourceNode: slicer.vtkMRMLScalarVolumeNode,
    image: sitk.Image,
) -> sitk.Image:
    """Return the CT's intracranial cavity on a volume's grid."""
    cavity = cavityOn(coarse, imageFromVolumeNode(ctNode))
    transform = relativeTransform(sourceNode, ctNode, image)
    return resampleImage(cavity, image, transform, Interpolation.nearest)


def _toWorld(volumeNode: slicer.vtkMRMLScalarVolumeNode, image: sitk.Image) -> sitk.Transform | None:
    """Return the transform from a volume's own points to world points, None for none."""
    transform = worldToNodeTransform(volumeNode, image)
    if transform is None:
        return None
    if not transform.IsLinear():
        raise ValueError("A mask file can be used with a volume under a rigid or affine transform only.")
    return transform.GetInverse()


def _inOwnPoints(
    interaction: TumorInteraction | None, volumeNode: slicer.vtkMRMLScalarVolumeNode, image: sitk.Image
) -> TumorInteraction | None:
    """Return an interaction with its world points as points of a volume that may be under a transform."""
    transform = worldToNodeTransform(volumeNode, image)
    if interaction is None or transform is None:
        return interaction
    moved = {}
    for name in _POINT_NAMES:
        points = getattr(interaction, name)
        if points is not None:
            moved[name] = transformPoints(transform, points).reshape(points.shape)
    return dataclasses.replace(interaction, **moved)


def _recipe(
    volumeNodes: Sequence[slicer.vtkMRMLScalarVolumeNode],
    interaction: TumorInteraction | None,
    settings: SegmentationSettings,
) -> dict[str, object]:
    """Return what a segmentation was made from and how; points are RAS world millimeters."""
    recipe: dict[str, object] = {
        "method": settings.method.value,
        "volumes": [node.GetName() for node in volumeNodes],
        "sequences": [sequence.value for sequence in settings.sequences],
    }
    if settings.model is not None:
        recipe["model"] = dataclasses.asdict(settings.model)
    for name in _POINT_NAMES:
        points = getattr(interaction, name, None)
        if points is not None:
            recipe[name] = flipPoints(points.reshape(-1, 3)).reshape(points.shape).round(3).tolist()
    return recipe


def _tableRows(measurements: TumorMeasurements) -> dict[str, LesionMeasurements | SegmentMeasurements]:
    """Return the rows of the table: all together, then each segment and, where it has several, each of its lesions."""
    rows: dict[str, LesionMeasurements | SegmentMeasurements] = {"Total": measurements.total}
    return rows | measurements.segments | dict(measurements.namedLesions())


def _fillTable(tableNode: slicer.vtkMRMLTableNode, rows: dict[str, LesionMeasurements | SegmentMeasurements]) -> None:
    """Write one row per segment or lesion, one column per measurement that is a single number."""
    columns: dict[str, list[str]] = {"segment": list(rows)}
    for name, lesion in rows.items():
        for key, value in lesion.measurements().items():
            if isinstance(value, float):
                columns.setdefault(key, [""] * len(rows))[list(rows).index(name)] = f"{value:.4g}"
        for image, values in lesion.intensities.items():
            for title, number in (("mean", values.mean), ("SD", values.standardDeviation)):
                column = columns.setdefault(f"{image} {title}", [""] * len(rows))
                column[list(rows).index(name)] = f"{number:.4g}"
    for title, cells in columns.items():
        column = tableNode.AddColumn()
        column.SetName(title)
        column.SetNumberOfValues(len(cells))
        for row, cell in enumerate(cells):
            column.SetValue(row, cell)
    tableNode.SetUseColumnTitleAsColumnHeader(True)
    tableNode.Modified()
