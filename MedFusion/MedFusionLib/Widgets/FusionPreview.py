"""Show the fusion of the slices in view while the settings change."""

import qt
import slicer
from slicer.i18n import tr as _

from ..Scene.NodeFiles import discard
from . import Steps
from .ComparisonLayout import ordinaryViews, sliceLogic
from .Runner import errorsShown


class FusionPreview:
    """Keep one hidden slice-thin volume per slice view up to date, and take them away again."""

    def __init__(self, panel: object) -> None:
        self._panel = panel
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self.refresh)
        self._nodeIDs: dict[str, str] = {}
        self._observed: list[tuple[object, int]] = []
        self._preview = None
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
        for name in ordinaryViews():
            node = sliceLogic(name).GetSliceNode()
            self._observed.append((node, node.AddObserver("ModifiedEvent", lambda *_: self._timer.start())))
        self._timer.start()

    def hide(self) -> None:
        """Stop, and let the views show what they showed."""
        self._timer.stop()
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed, self._preview, self._previewOf = [], None, None
        for nodeID in self._nodeIDs.values():
            node = slicer.mrmlScene.GetNodeByID(nodeID)
            if node is not None and not slicer.mrmlScene.IsClosing():
                discard(slicer.mrmlScene, node)
        self._nodeIDs = {}

    def refresh(self) -> None:
        """Fuse the slices in view again."""
        parameters = self._panel.parameterNode
        if parameters is None or not self.isShown or self._panel.runner.isRunning:
            return
        isShown = False
        with errorsShown(_("The preview could not be computed.")):
            self._read(parameters)
            settings = Steps.fusionSettings(parameters)
            for name in ordinaryViews():
                if sliceLogic(name).GetSliceNode().IsMappedInLayout():
                    self._showIn(name, settings)
            isShown = True
        if not isShown:
            parameters.preview = False

    def _read(self, parameters: object) -> None:
        from ..Scene.SlicePreview import SlicePreview

        moving = Steps.movingVolumes(parameters)
        key = tuple(
            (node.GetID(), node.GetImageData().GetMTime() if node.GetImageData() else 0, _poseOf(node))
            for node in (parameters.fixedVolume, *moving)
        )
        if key != self._previewOf:
            self._preview = SlicePreview(parameters.fixedVolume, moving)
            self._previewOf = key

    def _showIn(self, name: str, settings: object) -> None:
        from ..Scene.SlicePreview import sliceGrid
        from ..Scene.VolumeNodes import setVolumeNodeImage

        result = self._preview.fuse(sliceGrid(sliceLogic(name).GetSliceNode()), settings)
        className = (
            "vtkMRMLVectorVolumeNode" if result.image.GetNumberOfComponentsPerPixel() > 1 else "vtkMRMLScalarVolumeNode"
        )
        node = slicer.mrmlScene.GetNodeByID(self._nodeIDs.get(name, ""))
        if node is not None and node.GetClassName() != className:
            discard(slicer.mrmlScene, node)
            node = None
        if node is None:
            node = slicer.mrmlScene.AddNewNodeByClass(className, f"MedFusion preview {name}")
            node.SetHideFromEditors(True)
            node.SetSaveWithScene(False)
            node.CreateDefaultDisplayNodes()
            node.GetDisplayNode().SetSaveWithScene(False)
            self._nodeIDs[name] = node.GetID()
        setVolumeNodeImage(node, result.image)
        if className == "vtkMRMLScalarVolumeNode":
            node.GetDisplayNode().SetAutoWindowLevel(False)
            node.GetDisplayNode().SetWindowLevelMinMax(*result.window)
        compositeNode = sliceLogic(name).GetSliceCompositeNode()
        compositeNode.SetForegroundVolumeID(node.GetID())
        compositeNode.SetForegroundOpacity(1.0)


def _poseOf(node: object) -> object:
    parent = node.GetParentTransformNode()
    return (parent.GetID(), parent.GetTransformToWorldMTime()) if parent else None
