"""A picture of its own over each ordinary slice view, made anew for the view that moves."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import qt
import slicer

if TYPE_CHECKING:
    import SimpleITK as sitk

    from MedFusion import MedFusionWidget


@dataclass(frozen=True)
class _Shown:
    """What a view showed before."""

    background: str | None
    foreground: str | None
    opacity: float


class SliceOverlay:
    """Keep one hidden slice-thin volume per ordinary view up to date, and restore the views in the end."""

    def __init__(
        self,
        panel: "MedFusionWidget",
        draw: Callable[[slicer.vtkMRMLSliceNode], "tuple[sitk.Image, tuple[float, float]]"],
        onFailed: Callable[[Exception], None],
    ) -> None:
        """Make the overlay; it rests until show().

        :param draw: returns the picture of what a view shows, one voxel thick, and its display window.
        :param onFailed: called with what draw raised; the overlay is hidden before.
        """
        self._panel, self._draw, self._onFailed = panel, draw, onFailed
        self._timer = qt.QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(0)
        self._timer.connect("timeout()", self._drawMoved)
        self._nodeIDs: dict[str, str] = {}
        self._observed: list[tuple[slicer.vtkMRMLSliceNode, int]] = []
        self._before: dict[str, _Shown] = {}
        self._moved: set[str] = set()

    @property
    def isShown(self) -> bool:
        return bool(self._observed)

    def show(self) -> None:
        """Draw over all views, and over each one again whenever it moves."""
        views = self._panel.views
        if not self.isShown:
            if self._panel.parameterNode.compareViews:
                self._panel.parameterNode.compareViews = False
            for name in views.ordinary():
                composite, node = views.logic(name).GetSliceCompositeNode(), views.logic(name).GetSliceNode()
                self._before[name] = _Shown(
                    composite.GetBackgroundVolumeID(),
                    composite.GetForegroundVolumeID(),
                    composite.GetForegroundOpacity(),
                )
                tag = node.AddObserver("ModifiedEvent", lambda *_, name=name: self.redraw(name))
                self._observed.append((node, tag))
        for name in views.ordinary():
            self.redraw(name)

    def redraw(self, name: str) -> None:
        """Draw over one view again after the present event."""
        self._moved.add(name)
        self._timer.start()

    def hide(self) -> None:
        """Stop, and let the views show what they showed before, unless they were given something else to show."""
        if not self._observed and not self._nodeIDs:
            return
        from ..Scene.NodeFiles import discard

        self._timer.stop()
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        self._observed, self._moved = [], set()
        scene = self._panel.scene
        if not scene.IsClosing():
            for name, nodeID in self._nodeIDs.items():
                self._restore(name, nodeID)
                node = scene.GetNodeByID(nodeID)
                if node is not None:
                    discard(scene, node)
        self._nodeIDs, self._before = {}, {}

    def _restore(self, name: str, nodeID: str) -> None:
        logic, before = self._panel.views.logic(name), self._before.get(name)
        if logic is None or before is None:
            return
        composite = logic.GetSliceCompositeNode()
        if composite.GetForegroundVolumeID() == nodeID and composite.GetBackgroundVolumeID() == before.background:
            isThere = before.foreground and self._panel.scene.GetNodeByID(before.foreground)
            composite.SetForegroundVolumeID(before.foreground if isThere else None)
            composite.SetForegroundOpacity(before.opacity)

    def _drawMoved(self) -> None:
        if self._panel.parameterNode is None or not self.isShown or self._panel.runner.isRunning:
            return
        moved, self._moved = self._moved, set()
        try:
            for name in moved:
                logic = self._panel.views.logic(name)
                if logic is not None and logic.GetSliceNode().IsMappedInLayout():
                    self._showIn(name, *self._draw(logic.GetSliceNode()))
        except (ValueError, RuntimeError, MemoryError) as error:
            self.hide()
            self._onFailed(error)

    def _showIn(self, name: str, image: "sitk.Image", window: tuple[float, float]) -> None:
        from ..Scene.SceneViews import overlayNode

        scene = self._panel.scene
        known = scene.GetNodeByID(self._nodeIDs.get(name, ""))
        node = overlayNode(scene, known, f"MedFusion preview {name}", image, window)
        self._nodeIDs[name] = node.GetID()
        composite = self._panel.views.logic(name).GetSliceCompositeNode()
        composite.SetForegroundVolumeID(node.GetID())
        composite.SetForegroundOpacity(1.0)
