"""The result folder of pictures: the usual files with one slice each, and PNGs beside them."""

from pathlib import Path

import numpy as np
import SimpleITK as sitk
import slicer

from ..Core.Inputs.SliceFiles import writeSlice
from ..Core.Results import FileNames
from ..Core.Results.MeasurementsFile import writeMeasurements
from ..Core.Results.PictureDocument import PictureDocument, pictureTable
from ..Core.Results.TransformFile import writeTransform
from ..Report.Pdf import writePdf
from ..Report.PictureReport import fusedPicture, grayOf, outlined, pictureReport
from .NodeFiles import addVolume, saveNode, saveScene
from .SceneViews import showInSliceViews
from .TumorSegmentationLogic import TumorSegmentationLogic


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


def _png(picture: np.ndarray) -> sitk.Image:
    """Return RGB bytes as an image to be written, a gray one where all colors agree."""
    isGray = bool((picture == picture[..., :1]).all())
    return sitk.GetImageFromArray(picture[..., 0]) if isGray else sitk.GetImageFromArray(picture, isVector=True)
