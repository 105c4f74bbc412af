"""Slicer's views on the page: three of the CT, three of the MRI and one in 3D, or three of the fused volume."""

import tempfile
from pathlib import Path

import slicer
import vtk
from trame_server import Server
from trame_slicer.core import LayoutManager, SlicerApp
from trame_slicer.rca_view import register_rca_factories
from trame_slicer.views import AbstractView, Layout, LayoutDirection, ViewLayoutDefinition

from ..Scene.Session import attachBundleReaders

_PLANES = ("axial", "coronal", "sagittal")
# Names of views must be names in JavaScript as well.
FIXED_VIEWS = tuple(f"ct_{plane}" for plane in _PLANES)
MOVING_VIEWS = tuple(f"mri_{plane}" for plane in _PLANES)
FUSED_VIEWS = tuple(f"fused_{plane}" for plane in _PLANES)
VIEW_3D = "view_3d"
COMPARISON, FUSION = "comparison", "fusion"
_MODULE_LOGICS = ("vtkSlicerModelsLogic", "vtkSlicerTablesLogic", "vtkSlicerTransformLogic", "vtkSlicerUnitsLogic")


class Views:
    """Make the engine of the views, and say what they show."""

    def __init__(self, server: Server) -> None:
        # What the engine has to say to its developers would fill the user's terminal.
        vtk.vtkObject.GlobalWarningDisplayOff()
        self.app = SlicerApp()
        vtk.vtkOutputWindow.GetInstance().SetDisplayModeToNever()
        for name in _MODULE_LOGICS:
            self.app.register_module_logic(getattr(slicer, name)())
        self._cacheFolder = tempfile.TemporaryDirectory(prefix="medfusion-")
        self.app.app_logic.SetTemporaryPath(self._cacheFolder.name)
        self._readers = attachBundleReaders(self.app.scene, self.app.app_logic, Path(self._cacheFolder.name))
        register_rca_factories(self.app.view_manager, server, _noGutter, _noGutter, rca_event_throttle_s=0.02)
        self.layouts = LayoutManager(self.app.scene, self.app.view_manager, server)
        self.layouts.register_layout(COMPARISON, _layout(FIXED_VIEWS, MOVING_VIEWS))
        self.layouts.register_layout(FUSION, _layout(FUSED_VIEWS))
        self.layouts.set_layout(COMPARISON)
        for name in (*FIXED_VIEWS, *MOVING_VIEWS, *FUSED_VIEWS):
            self.view(name).set_orientation(name.rsplit("_", 1)[-1].capitalize())

        for view in self.all():
            view.set_orientation_marker(slicer.vtkMRMLAbstractViewNode.OrientationMarkerTypeHuman)

    def view(self, name: str) -> AbstractView:
        """Return a view by its name."""
        return self.app.view_manager.get_view(name)

    def all(self) -> list[AbstractView]:
        """Return all views."""
        return self.app.view_manager.get_views()

    def show(
        self,
        names: tuple[str, ...],
        background: slicer.vtkMRMLVolumeNode | None,
        foreground: slicer.vtkMRMLVolumeNode | None = None,
        opacity: float = 0.0,
    ) -> None:
        """Show volumes over each other, fitted where the background is new to a view."""
        for name in names:
            view = self.view(name)
            isNew = background is not None and view.get_background_volume_id() != background.GetID()
            view.set_background_volume_id(background.GetID() if background is not None else None)
            view.set_foreground_volume_id(foreground.GetID() if foreground is not None else None)
            view.set_foreground_opacity(opacity)
            if isNew:
                view.fit_view_to_content()

    def fit(self) -> None:
        """Bring what the views show into sight, and the camera to it."""
        for view in self.all():
            if view.get_singleton_tag() == VIEW_3D:
                view.reset_view()
            elif view.get_background_volume_id():
                view.fit_view_to_content()

    def jumpTo(self, names: tuple[str, ...], position: list[float]) -> None:
        """Show a place, RAS millimeters, in the middle of some views."""
        for name in names:
            self.view(name).get_view_node().JumpSliceByCentering(*position)

    def link(self, isLinked: bool) -> None:
        """Let views of one plane show the same place, as makes sense once the MRI lies on the CT."""
        for name in (*FIXED_VIEWS, *MOVING_VIEWS):
            logic = self.app.app_logic.GetSliceLogicByLayoutName(name)
            logic.GetSliceCompositeNode().SetLinkedControl(isLinked)
            logic.GetSliceCompositeNode().SetHotLinkedControl(isLinked)

    def freeze(self, isFrozen: bool) -> None:
        """Keep the views from drawing while a step changes the scene in a thread of its own."""
        for view in self.all():
            view.set_render_blocked(isFrozen)

    def ofList(self, node: slicer.vtkMRMLMarkupsNode | None, names: tuple[str, ...]) -> None:
        """Show a list of landmarks only in some views and in 3D."""
        display = node.GetDisplayNode() if node is not None else None
        if display is not None:
            display.SetViewNodeIDs([self.view(name).get_view_node_id() for name in (*names, *FUSED_VIEWS, VIEW_3D)])


def _layout(*rows: tuple[str, ...]) -> Layout:
    def definition(name: str) -> ViewLayoutDefinition:
        return ViewLayoutDefinition.slice_view(name.rsplit("_", 1)[-1].capitalize(), label=name)

    grid = [Layout(LayoutDirection.Horizontal, [definition(name) for name in row]) for row in rows]
    threeD = ViewLayoutDefinition.threed_view(name=VIEW_3D)
    return Layout(LayoutDirection.Horizontal, [Layout(LayoutDirection.Vertical, grid), threeD], ["3", "1"])


def _noGutter(_server: Server, _viewId: str, _view: AbstractView) -> None:
    """Leave the view without buttons over it."""
