"""The parameter node of the panel: all its choices, saved with the scene."""

from pathlib import Path
from typing import Annotated

from slicer import vtkMRMLMarkupsFiducialNode, vtkMRMLScalarVolumeNode, vtkMRMLSegmentationNode
from slicer.parameterNodeWrapper import Decimals, SingleStep, WithinRange, parameterNodeWrapper

from ..Core.Fusion.Settings import CtWindowPreset
from ..Workflow.Parameters import FusionChoice, FusionColors, LandmarkPairing, RegistrationModel, TumorChoice


@parameterNodeWrapper
class MedFusionParameterNode:
    """All choices of the panel.

    Further MRIs and the lines along tumors are node references of the roles in Parameters.
    """

    fixedVolume: vtkMRMLScalarVolumeNode
    movingVolume: vtkMRMLScalarVolumeNode
    fixedLandmarks: vtkMRMLMarkupsFiducialNode
    movingLandmarks: vtkMRMLMarkupsFiducialNode
    compareViews: bool = False
    linkViews: bool = True
    model: RegistrationModel = RegistrationModel.rigid
    pairing: LandmarkPairing = LandmarkPairing.byName
    refine: bool = False
    auto: bool = False
    blend: Annotated[float, WithinRange(0, 100), Decimals(0), SingleStep(1)] = 50.0
    fusionMethod: FusionChoice = FusionChoice.selective
    fusionColors: FusionColors = FusionColors.bone
    ctChanges: bool = False
    levels: Annotated[int, WithinRange(1, 3)] = 2
    windowLow: Annotated[float, WithinRange(-1024, 4000), Decimals(0), SingleStep(50)] = CtWindowPreset.bone.value[0]
    windowHigh: Annotated[float, WithinRange(-1024, 8000), Decimals(0), SingleStep(50)] = CtWindowPreset.bone.value[1]
    preview: bool = False
    fusedVolume: vtkMRMLScalarVolumeNode
    tumorVolume: vtkMRMLScalarVolumeNode
    tumorMethod: TumorChoice = TumorChoice.line
    tumorInside: vtkMRMLMarkupsFiducialNode
    tumorOutside: vtkMRMLMarkupsFiducialNode
    tumorScribbles: vtkMRMLSegmentationNode
    modelFolder: Path
    useCavity: bool = True
    segmentation: vtkMRMLSegmentationNode
    show3D: bool = False
    outputFolder: Path
    saveDicom: bool = False
    savePdf: bool = False
    saveScene: bool = True
