"""The chain on the phantom against its truth, for the module's self test."""

from typing import TYPE_CHECKING

import numpy as np
import SimpleITK as sitk
import slicer

from ..Core.Images.Grids import pointsAt
from ..Core.Images.Transforms import transformPoints
from ..Core.Phantom import ENHANCING, NECROSIS, makePhantom
from ..Scene.VolumeNodes import setMarkupsPoints
from ..Workflow.Parameters import TUMOR_LINES_ROLE

if TYPE_CHECKING:
    from MedFusion import MedFusionLogic


def runChainOnPhantom(logic: "MedFusionLogic", nodes: list[slicer.vtkMRMLNode]) -> tuple[float, float, float]:
    """Return the registration error at the tumor in millimeters, the outlined volume and the true one in milliliters.

    :param nodes: CT, MRI, CT landmarks and MRI landmarks of the phantom.
    """
    truth = makePhantom(spacingFactor=2.0)
    parameters = logic.getParameterNode()
    parameters.fixedVolume, parameters.movingVolume, parameters.fixedLandmarks, parameters.movingLandmarks = nodes
    registration = logic.register(parameters)
    tumor = truth.targets[-1:]
    found = transformPoints(registration.transform, tumor)[0]
    error = float(np.linalg.norm(found - transformPoints(truth.ctToMri, tumor)[0]))
    logic.fuse(parameters)
    parameters.tumorVolume = parameters.movingVolume
    lineNode = logic.steps.scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode")
    setMarkupsPoints(lineNode, longestDiameter(truth.tumorLabels))
    parameters.parameterNode.AddNodeReferenceID(TUMOR_LINES_ROLE, lineNode.GetID())
    logic.segment(parameters)
    outlined = logic.steps.measure(parameters).total.volumeMl
    return error, outlined, float(_core(truth.tumorLabels).sum() * np.prod(truth.tumorLabels.GetSpacing()) / 1000)


def _core(tumorLabels: sitk.Image) -> np.ndarray:
    """Return where the tumor enhances or is necrotic."""
    return np.isin(sitk.GetArrayViewFromImage(tumorLabels), (NECROSIS, ENHANCING))


def longestDiameter(tumorLabels: sitk.Image) -> np.ndarray:
    """Return the ends of the tumor's longest diameter within a slice through its middle, LPS millimeters."""
    k, j, i = np.nonzero(_core(tumorLabels))
    inSlice = k == round(k.mean())
    ends = np.flatnonzero(inSlice)[[j[inSlice].argmin(), j[inSlice].argmax()]]
    return pointsAt(tumorLabels, np.stack([i[ends], j[ends], k[ends]], axis=1))
