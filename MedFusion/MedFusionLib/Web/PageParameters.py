"""The choices of the page, kept in a node of the scene as the panel's are, so that a saved scene brings them back."""

import json
from enum import Enum
from pathlib import Path

import slicer

from ..Core.Fusion.Settings import CtWindowPreset
from ..Workflow.Parameters import FusionChoice, FusionColors, LandmarkPairing, RegistrationModel, TumorChoice

_TAG = "MedFusionPage"


class _Node:
    """A node that the page refers to."""

    def __set_name__(self, _owner: type, name: str) -> None:
        self._role = name

    def __get__(self, parameters: "PageParameters", _owner: type) -> slicer.vtkMRMLNode | None:
        return parameters.parameterNode.GetNodeReference(self._role)

    def __set__(self, parameters: "PageParameters", node: slicer.vtkMRMLNode | None) -> None:
        parameters.parameterNode.SetNodeReferenceID(self._role, node.GetID() if node is not None else None)


class _Value:
    """A choice: a number, a switch, a path or a member of an enum."""

    def __init__(self, default: bool | int | float | Path | Enum) -> None:
        self._default = default

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, parameters: "PageParameters", _owner: type) -> object:
        text = parameters.parameterNode.GetParameter(self._name)
        if not text:
            return self._default
        value = json.loads(text)
        if isinstance(self._default, Enum):
            return type(self._default)[value]
        return Path(value) if isinstance(self._default, Path) else value

    def __set__(self, parameters: "PageParameters", value: object) -> None:
        plain = value.name if isinstance(value, Enum) else str(value) if isinstance(value, Path) else value
        parameters.parameterNode.SetParameter(self._name, json.dumps(plain))


class PageParameters:
    """What the page has chosen, by the names of the panel's parameters."""

    fixedVolume = _Node()
    movingVolume = _Node()
    fixedLandmarks = _Node()
    movingLandmarks = _Node()
    fusedVolume = _Node()
    tumorVolume = _Node()
    tumorInside = _Node()
    tumorOutside = _Node()
    tumorScribbles = _Node()
    segmentation = _Node()
    model = _Value(RegistrationModel.rigid)
    pairing = _Value(LandmarkPairing.byName)
    refine = _Value(False)
    auto = _Value(False)
    fusionMethod = _Value(FusionChoice.selective)
    fusionColors = _Value(FusionColors.bone)
    ctChanges = _Value(False)
    levels = _Value(2)
    windowLow = _Value(float(CtWindowPreset.bone.value[0]))
    windowHigh = _Value(float(CtWindowPreset.bone.value[1]))
    tumorMethod = _Value(TumorChoice.line)
    modelFolder = _Value(Path())
    useCavity = _Value(True)
    outputFolder = _Value(Path())
    saveDicom = _Value(False)
    savePdf = _Value(False)
    saveScene = _Value(True)

    def __init__(self, scene: slicer.vtkMRMLScene) -> None:
        found = scene.GetSingletonNode(_TAG, "vtkMRMLScriptedModuleNode")
        if found is None:
            node = scene.CreateNodeByClass("vtkMRMLScriptedModuleNode")
            node.UnRegister(None)
            node.SetSingletonTag(_TAG)
            node.SetName(_TAG)
            found = scene.AddNode(node)
        self.parameterNode = found
