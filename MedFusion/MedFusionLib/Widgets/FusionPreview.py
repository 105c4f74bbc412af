"""Show the fusion of the slices in view while the settings change."""

from typing import TYPE_CHECKING

import qt
import slicer

from ..Core.Fusion.Settings import FusionSettings
from ..Scene.NodeFiles import discard
from ..Scene.SlicePreview import SlicePreview, sliceGrid
from ..Scene.VolumeNodes import setVolumeNodeImage
from .Parameters import fusionSettings, movingVolumes
from .Runner import errorsShown
from .Translation import tr as _

if TYPE_CHECKING:
    from MedFusion import MedFusionWidget

    from .ParameterNode import MedFusionParameterNode


class FusionPreview:
    """Keep one hidden slice-thin volume per slice view up to date, and take them away again."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        self._panel = panel
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self.refresh)
        self._nodeIDs: dict[str, str] = {}
        self._observed: list[tuple[slicer.vtkMRMLSliceNode, int]] = []
        self._preview: SlicePreview | None = None
        self._previewOf: tuple | None = None

    @property
    def isShown(self) -> bool:
        return bool(self._observed)

    def show(self) -> None:
        """Start following the slice views."""
        if self.isShown:
            self._timer.start()
            return
        if self._panel.parameterNode.compareViews:
            self._panel.parameterNode.compareViews = False
        for name in self._panel.views.ordinary():
            node = self._panel.views.logic(name).GetSliceNode()
            self._observed.append((node, node.AddObserver("ModifiedEvent", lambda *_: self._timer.start())))
        self._timer.start()

    def hide(self) -> None:
        """Stop, and let the views show what they showed."""
        self._timer.stop()
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed, self._preview, self._previewOf = [], None, None
        for nodeID in self._nodeIDs.values():
            node = self._panel.scene.GetNodeByID(nodeID)
            if node is not None and not self._panel.scene.IsClosing():
                discard(self._panel.scene, node)
        self._nodeIDs = {}

    def refresh(self) -> None:
        """Fuse the slices in view again."""
        parameters = self._panel.parameterNode
        if parameters is None or not self.isShown or self._panel.runner.isRunning:
            return
        isShown = False
        with errorsShown(_("The preview could not be computed.")):
            self._read(parameters)
            settings = fusionSettings(parameters)
            for name in self._panel.views.ordinary():
                if self._panel.views.logic(name).GetSliceNode().IsMappedInLayout():
                    self._showIn(name, settings)
            isShown = True
        if not isShown:
            parameters.preview = False

    def _read(self, parameters: "MedFusionParameterNode") -> None:
        moving = movingVolumes(parameters)
        key = tuple(
            (node.GetID(), node.GetImageData().GetMTime() if node.GetImageData() else 0, _poseOf(node))
            for node in (parameters.fixedVolume, *moving)
        )
        if key != self._previewOf:
            self._preview = SlicePreview(parameters.fixedVolume, moving)
            self._previewOf = key

    def _showIn(self, name: str, settings: FusionSettings) -> None:
        result = self._preview.fuse(sliceGrid(self._panel.views.logic(name).GetSliceNode()), settings)
        className = (
            "vtkMRMLVectorVolumeNode" if result.image.GetNumberOfComponentsPerPixel() > 1 else "vtkMRMLScalarVolumeNode"
        )
        node = self._panel.scene.GetNodeByID(self._nodeIDs.get(name, ""))
        if node is not None and node.GetClassName() != className:
            discard(self._panel.scene, node)
            node = None
        if node is None:
            node = self._panel.scene.AddNewNodeByClass(className, f"MedFusion preview {name}")
            node.SetHideFromEditors(True)
            node.SetSaveWithScene(False)
            node.CreateDefaultDisplayNodes()
            node.GetDisplayNode().SetSaveWithScene(False)
            self._nodeIDs[name] = node.GetID()
        setVolumeNodeImage(node, result.image)
        if className == "vtkMRMLScalarVolumeNode":
            node.GetDisplayNode().SetAutoWindowLevel(False)
            node.GetDisplayNode().SetWindowLevelMinMax(*result.window)
        compositeNode = self._panel.views.logic(name).GetSliceCompositeNode()
        compositeNode.SetForegroundVolumeID(node.GetID())
        compositeNode.SetForegroundOpacity(1.0)


def _poseOf(node: slicer.vtkMRMLTransformableNode) -> tuple[str, int] | None:
    parent = node.GetParentTransformNode()
    return (parent.GetID(), parent.GetTransformToWorldMTime()) if parent else None
