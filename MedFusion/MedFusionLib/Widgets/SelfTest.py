"""The chain on the phantom against its truth, for the module's self test."""

import numpy as np
import SimpleITK as sitk
import slicer

from ..Core.Phantom import makePhantom
from ..Scene.VolumeNodes import mappedPoints, setMarkupsPoints


def runChainOnPhantom(logic: object, nodes: list, clickMethod: object) -> tuple[float, float, float]:
    """Return the registration error at the tumor in millimetres, the outlined volume and the true one in millilitres.

    :param nodes: CT, MRI, CT landmarks and MRI landmarks of the phantom.
    :param clickMethod: the parameter node's value for outlining by a click.
    """
    truth = makePhantom(spacingFactor=2.0)
    parameters = logic.getParameterNode()
    parameters.fixedVolume, parameters.movingVolume, parameters.fixedLandmarks, parameters.movingLandmarks = nodes
    registration = logic.register(parameters)
    tumor = truth.targets[-1:]
    found = np.array(registration.transform.TransformPoint(tumor[0].tolist()))
    error = float(np.linalg.norm(found - mappedPoints(tumor, truth.ctToMri)[0]))
    logic.fuse(parameters)
    parameters.tumorVolume = parameters.movingVolume
    parameters.tumorMethod = clickMethod
    parameters.tumorInside = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "Inside the tumor")
    setMarkupsPoints(parameters.tumorInside, tumor)
    logic.segment(parameters)
    outlined = logic.steps.measure(parameters).total.volumeMl
    labels = sitk.GetArrayViewFromImage(truth.tumorLabels)
    core = np.isin(labels, (1, 4)).sum() * np.prod(truth.tumorLabels.GetSpacing()) / 1000
    return error, outlined, float(core)
