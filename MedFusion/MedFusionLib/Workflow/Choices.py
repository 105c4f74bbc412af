"""What the steps ask a door for: the choices of the panel's parameter node and of the page's parameters."""

from pathlib import Path
from typing import Protocol

import slicer

from .Parameters import FusionChoice, FusionColors, LandmarkPairing, RegistrationModel, TumorChoice


class Choices(Protocol):
    """The nodes and values that a user has chosen.

    Further MRIs and the lines along tumors are node references of the roles in Parameters.

    :param parameterNode: keeps them in the scene.
    """

    parameterNode: slicer.vtkMRMLScriptedModuleNode
    fixedVolume: slicer.vtkMRMLScalarVolumeNode | None
    movingVolume: slicer.vtkMRMLScalarVolumeNode | None
    fixedLandmarks: slicer.vtkMRMLMarkupsFiducialNode | None
    movingLandmarks: slicer.vtkMRMLMarkupsFiducialNode | None
    fusedVolume: slicer.vtkMRMLVolumeNode | None
    tumorVolume: slicer.vtkMRMLScalarVolumeNode | None
    tumorInside: slicer.vtkMRMLMarkupsFiducialNode | None
    tumorOutside: slicer.vtkMRMLMarkupsFiducialNode | None
    tumorScribbles: slicer.vtkMRMLSegmentationNode | None
    segmentation: slicer.vtkMRMLSegmentationNode | None
    model: RegistrationModel
    pairing: LandmarkPairing
    refine: bool
    auto: bool
    fusionMethod: FusionChoice
    fusionColors: FusionColors
    ctChanges: bool
    levels: int
    windowLow: float
    windowHigh: float
    tumorMethod: TumorChoice
    modelFolder: Path
    useCavity: bool
    outputFolder: Path
    saveDicom: bool
    savePdf: bool
    saveScene: bool
