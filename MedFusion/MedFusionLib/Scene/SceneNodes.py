"""The nodes of a scene."""

import slicer


def nodesOfClass(scene: slicer.vtkMRMLScene, className: str) -> list[slicer.vtkMRMLNode]:
    """Return a scene's nodes of a class; slicer.util.getNodesByClass looks into the application's scene only."""
    return [scene.GetNthNodeByClass(index, className) for index in range(scene.GetNumberOfNodesByClass(className))]
