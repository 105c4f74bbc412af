"""The result folder of pictures: the usual files with one slice each, and PNGs beside them.

The command line hands in what it computed, the panel the nodes of its scene.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer

from ..Core.Images.Grids import indicesAt
from ..Core.Inputs.SliceFiles import writeSlice
from ..Core.Results import FileNames
from ..Core.Results.MeasurementsFile import writeMeasurements
from ..Core.Results.PictureDocument import PictureDocument, pictureTable
from ..Core.Results.PictureSteps import alignSlices, placedSlice, withSteps
from ..Core.Results.TransformFile import writeTransform
from ..Report.Pdf import writePdf
from ..Report.PictureReport import fusedPicture, grayOf, outlined, pictureReport
from .NodeFiles import addVolume, saveNode, saveScene
from .ResultFolder import RunResults, tumorInWorld
from .SceneViews import showInSliceViews
from .TumorSegmentationLogic import TumorSegmentationLogic
from .VolumeNodes import imageFromVolumeNode


def writePictureFolder(
    folder: Path,
    scene: slicer.vtkMRMLScene,
    document: PictureDocument,
    isFull: bool = False,
    withPdf: bool = False,
    withScene: bool = True,
) -> None:
    """Write what was found in pictures into an existing empty folder; parts that were not made are left out.

    :param scene: an empty one; it is filled with what is written as scene.mrb.
    """
    fixedNode = addVolume(scene, document.fixed, document.names[0])
    registeredNode = addVolume(scene, document.registered, FileNames.REGISTERED_MRI.partition(".")[0])
    saveNode(registeredNode, folder / FileNames.REGISTERED_MRI)
    sitk.WriteImage(_png(grayOf(document.registered)), str(folder / FileNames.REGISTERED_PICTURE))
    writeTransform(document.registration.fit.transform(document.pixelMm or 1.0), folder / FileNames.TRANSFORM)
    writeMeasurements(folder / FileNames.MEASUREMENTS, document.measurements())
    if document.fusion is None:
        return
    (folder / FileNames.MEASUREMENTS_TABLE).write_text(pictureTable(document.tumor), encoding="utf-8")
    fusion = document.fusion.result
    className = "vtkMRMLVectorVolumeNode" if document.fusion.isColor else "vtkMRMLScalarVolumeNode"
    fusedNode = addVolume(scene, fusion.image, "fused", className)
    saveNode(fusedNode, folder / FileNames.FUSED)
    writeSlice(fusion.image, fusion.window, folder / FileNames.FUSED_PICTURE)
    if document.tumor is not None:
        segmentationNode = TumorSegmentationLogic(scene).show(document.tumor.result, fixedNode)
        saveNode(segmentationNode, folder / FileNames.TUMOR)
        drawn = outlined(document, fusedPicture(fusion))
        sitk.WriteImage(_png(drawn), str(folder / FileNames.TUMOR_PICTURE))
    html = pictureReport(document, isFull)
    (folder / FileNames.REPORT).write_text(html, encoding="utf-8")
    if withPdf:
        writePdf(folder / FileNames.PDF_REPORT, html)
    if withScene:
        middle = document.fixed.TransformContinuousIndexToPhysicalPoint(
            [(count - 1) / 2 for count in document.fixed.GetSize()]
        )
        showInSliceViews(scene, fusedNode, middle)
        saveScene(scene, folder / FileNames.SCENE)


def savePictures(folder: Path, scene: slicer.vtkMRMLScene, results: RunResults, withPdf: bool, withScene: bool) -> None:
    """Write the result folder of single slices whose nodes are in a scene; they are no volumes."""
    document = pictureDocument(results)
    # The nodes that are written are none of the user's scene.
    writePictureFolder(folder, slicer.vtkMRMLScene(), document, withPdf=withPdf, withScene=False)
    if withScene:
        saveScene(scene, folder / FileNames.SCENE)


def pictureDocument(results: RunResults) -> PictureDocument:
    """Return the document of a run on single slices, from the nodes that it left.

    Slicer's reader of pictures gives pixels of 1 mm; that size is taken as unknown.
    """
    fixedImage, movingImage = (
        imageFromVolumeNode(node) for node in (results.fixedVolumeNode, results.movingVolumeNode)
    )
    pairs = results.registration.pairs
    if pairs is None:
        raise ValueError("Single slices are registered by landmarks alone; place at least 3 pairs and register again.")
    width, height = fixedImage.GetSpacing()[:2]
    isKnown = not np.allclose((width, height), 1.0) and np.isclose(width, height)
    pixelMm = width if isKnown else None
    fixed, moving = (placedSlice(image, pixelMm) for image in (fixedImage, movingImage))
    landmarks = tuple(
        dict(zip(pairs.labels, indicesAt(image, points)[:, :2], strict=True))
        for image, points in ((fixedImage, pairs.fixedPoints), (movingImage, pairs.movingPoints))
    )
    registration, registered, notes = alignSlices((fixed, moving), landmarks, results.registration.model, pixelMm)
    tumor = tumorInWorld(results, fixedImage)
    if tumor is not None:
        labels = sitk.Resample(tumor.labelImage, fixedImage, sitk.Transform(), sitk.sitkNearestNeighbor)
        tumor = replace(tumor, labelImage=placedSlice(labels, pixelMm))
    return withSteps(
        PictureDocument(
            names=(results.fixedVolumeNode.GetName(), results.movingVolumeNode.GetName()),
            fixed=fixed,
            registered=registered,
            registration=registration,
            pixelMm=pixelMm,
            inputs=results.inputs,
            parameters={step: values for step, values in results.recipe.items() if values},
            notes=(*results.warnings, *notes),
        ),
        results.fusion.settings,
        tumor,
    )


def _png(picture: np.ndarray) -> sitk.Image:
    """Return RGB bytes as an image to be written, a gray one where all colors agree."""
    isGray = bool((picture == picture[..., :1]).all())
    return sitk.GetImageFromArray(picture[..., 0]) if isGray else sitk.GetImageFromArray(picture, isVector=True)
