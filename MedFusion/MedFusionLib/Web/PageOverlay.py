"""What lies over the CT's views on the page: the MRI, blended or in turn, its edges, a checkerboard, or a preview."""

import asyncio
from enum import Enum
from typing import TYPE_CHECKING

import SimpleITK as sitk
import slicer

from ..Scene.NodeFiles import discard
from ..Scene.SceneViews import overlayNode
from ..Scene.SliceMosaic import SliceMosaic
from ..Scene.SlicePreview import SlicePreview, sliceGrid
from ..Workflow.Parameters import fusionSettings, movingVolumes, registrationOf
from .Views import FIXED_VIEWS

if TYPE_CHECKING:
    from .Page import Page

_FLICKER_SECONDS = 0.5
_GRAYS = (0.0, 255.0)


class Overlay(Enum):
    """What is drawn over the CT."""

    blend = "MRI, blended"
    edges = "Edges of the MRI"
    checkerboard = "Checkerboard"
    preview = "Preview of the fusion"


class PageOverlay:
    """Keep a hidden slice-thin volume per view of the CT up to date, drawn anew for the view that moves."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self._nodes: dict[str, slicer.vtkMRMLVolumeNode] = {}
        self._observed: list[tuple[slicer.vtkMRMLSliceNode, int]] = []
        self._moved: set[str] = set()
        self._mosaic: SliceMosaic | None = None
        self._preview: SlicePreview | None = None
        self._kind = Overlay.blend

    def choose(self, name: str) -> None:
        """Show an overlay by its name."""

        def show() -> None:
            if registrationOf(self._page.parameters.movingVolume) is None:
                raise ValueError("Register first, then lay the MRI over the CT.")
            self.forget()
            self._kind = Overlay[name]
            self._page.state.overlay = name
            if self._kind is not Overlay.blend:
                self._start()
            self.refresh()

        self._page.work.quick(show)

    def setBlend(self, percent: float) -> None:
        """Show so much of the MRI over the CT, or move the checkerboard by as much."""

        def show() -> None:
            self._page.state.blend = min(max(float(percent), 0.0), 100.0)
            self.refresh()

        self._page.work.quick(show)

    def refresh(self) -> None:
        """Draw all views again."""
        if self._kind is Overlay.blend:
            self._blend(float(self._page.state.blend) / 100)
        else:
            for name in FIXED_VIEWS:
                self._redraw(name)

    def forget(self) -> None:
        """Let go of what was drawn."""
        for node, tag in self._observed:
            node.RemoveObserver(tag)
        for node in self._nodes.values():
            if node.GetScene() is not None:
                discard(self._page.scene, node)
        self._observed, self._nodes, self._moved = [], {}, set()
        self._mosaic, self._preview, self._kind = None, None, Overlay.blend

    async def flicker(self) -> None:
        """Show CT and MRI in turn until it is called again."""
        state = self._page.state
        with state:
            state.isFlickering = not state.isFlickering
        if state.isFlickering:
            self.choose(Overlay.blend.name)
        showsMoving = False
        while state.isFlickering and not self._page.work.isBusy:
            showsMoving = not showsMoving
            self._blend(float(showsMoving))
            await asyncio.sleep(_FLICKER_SECONDS)
        self._page.work.quick(self.refresh)

    def _blend(self, opacity: float) -> None:
        parameters = self._page.parameters
        moving = parameters.movingVolume if registrationOf(parameters.movingVolume) is not None else None
        self._page.views.show(FIXED_VIEWS, parameters.fixedVolume, moving, opacity)

    def _start(self) -> None:
        parameters = self._page.parameters
        if self._kind is Overlay.preview:
            self._preview = SlicePreview(parameters.fixedVolume, movingVolumes(parameters))
        else:
            self._mosaic = SliceMosaic(parameters.fixedVolume, parameters.movingVolume)
        for name in FIXED_VIEWS:
            node = self._page.views.view(name).get_view_node()
            self._observed.append((node, node.AddObserver("ModifiedEvent", lambda *_, name=name: self._redraw(name))))

    def _redraw(self, name: str) -> None:
        """Draw over one view after the present event."""
        if not self._moved:
            asyncio.get_running_loop().call_soon(self._page.work.quick, self._drawMoved)
        self._moved.add(name)

    def _drawMoved(self) -> None:
        moved, self._moved = self._moved, set()
        for name in moved if self._observed else ():
            self._showIn(name, *self._draw(self._page.views.view(name).get_view_node()))

    def _draw(self, sliceNode: slicer.vtkMRMLSliceNode) -> tuple[sitk.Image, tuple[float, float]]:
        if self._kind is Overlay.preview:
            result = self._preview.fuse(sliceGrid(sliceNode), fusionSettings(self._page.parameters))
            return result.image, result.window
        if self._kind is Overlay.edges:
            return self._mosaic.edges(sliceNode), _GRAYS
        return self._mosaic.checkerboard(sliceNode, float(self._page.state.blend) / 100), _GRAYS

    def _showIn(self, name: str, image: sitk.Image, window: tuple[float, float]) -> None:
        known = self._nodes.get(name)
        node = overlayNode(self._page.scene, known, f"MedFusion overlay {name}", image, window)
        self._nodes[name] = node
        view = self._page.views.view(name)
        view.set_foreground_volume_id(node.GetID())
        view.set_foreground_opacity(1.0)
