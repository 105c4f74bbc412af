"""How a fused volume is shown: bone and brain at once, or one of them in all its grays."""

from enum import Enum
from typing import TYPE_CHECKING

import slicer

if TYPE_CHECKING:
    from ..Core.Fusion.Fusion import FusionResult

_WINDOW = "MedFusion.window"
_BOTH = "MedFusion.displayRange"
# The brain has most of the grays; the bone above it has the rest, up to 2.5 times the brain's range. A volume is drawn
# in 256 steps, so more for the bone would leave the brain in bands.
_BRAIN_GRAYS = 0.85
_BONE_REACH = 2.5


class FusionDisplay(Enum):
    """What of a fused volume is to be seen best."""

    both = "both"
    brain = "brain"
    bone = "bone"


def rememberDisplay(fusedVolumeNode: slicer.vtkMRMLVolumeNode, result: "FusionResult") -> None:
    """Store in the node what it can be shown by, and show bone and brain at once."""
    from ..Core.Fusion.Inputs import CtKind

    fusedVolumeNode.SetAttribute(_WINDOW, _toText(*result.window))
    fusedVolumeNode.SetAttribute(_BOTH, None)
    scales = result.scales
    if scales is not None and scales.kind is CtKind.hounsfield and not fusedVolumeNode.IsA("vtkMRMLVectorVolumeNode"):
        low, top = scales.window
        fusedVolumeNode.SetAttribute(_BOTH, _toText(low, min(scales.high, low + _BONE_REACH * (top - low))))
    showAs(fusedVolumeNode, FusionDisplay.both)


def windowOf(fusedVolumeNode: slicer.vtkMRMLVolumeNode) -> tuple[float, float]:
    """Return the window that the fusion gave its result, whatever the user has made of it since."""
    stored = fusedVolumeNode.GetAttribute(_WINDOW)
    if stored:
        return _fromText(stored)
    displayNode = fusedVolumeNode.GetDisplayNode()
    return displayNode.GetWindowLevelMin(), displayNode.GetWindowLevelMax()


def hasDisplays(fusedVolumeNode: slicer.vtkMRMLVolumeNode) -> bool:
    """Return whether bone and brain lie apart, so that there is something to choose."""
    return bool(fusedVolumeNode.GetAttribute(_BOTH))


def showAs(fusedVolumeNode: slicer.vtkMRMLVolumeNode, display: FusionDisplay) -> None:
    """Set window and colors of a fused volume."""
    fusedVolumeNode.CreateDefaultDisplayNodes()
    displayNode = fusedVolumeNode.GetDisplayNode()
    low, top = windowOf(fusedVolumeNode)
    both = fusedVolumeNode.GetAttribute(_BOTH)
    window = _fromText(both) if both and display is not FusionDisplay.brain else (low, top)
    if both:
        if display is FusionDisplay.both:
            displayNode.SetAndObserveColorNodeID(_kneeNode(fusedVolumeNode, (top - low) / (window[1] - low)).GetID())
        else:
            displayNode.SetDefaultColorMap()
    displayNode.SetAutoWindowLevel(False)
    displayNode.SetWindowLevelMinMax(*window)


def _kneeNode(fusedVolumeNode: slicer.vtkMRMLVolumeNode, knee: float) -> slicer.vtkMRMLColorTableNode:
    """Return grays that rise fast up to the knee and slowly above.

    :param knee: part of the window that is brain.
    """
    import numpy as np

    scene = fusedVolumeNode.GetScene()
    name = f"Bone and brain {knee:.3f}"
    node = scene.GetFirstNode(name, "vtkMRMLColorTableNode")
    if node is None:
        node = scene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
        node.SetTypeToUser()
        node.SetNumberOfColors(256)
        for number, place in enumerate(np.linspace(0, 1, 256)):
            gray = float(np.interp(place, (0, knee, 1), (0, _BRAIN_GRAYS, 1)))
            node.SetColor(number, str(number), gray, gray, gray, 1.0)
    return node


def _toText(low: float, high: float) -> str:
    return f"{low!r} {high!r}"


def _fromText(text: str) -> tuple[float, float]:
    low, high = (float(part) for part in text.split())
    return low, high
