"""Show the fusion of the slices in view while the settings change."""

from typing import TYPE_CHECKING

import slicer

from ..Workflow.MadeFrom import fusionState
from ..Workflow.Parameters import fusionSettings, movingVolumes
from ..Workflow.Translation import tr as _
from .Runner import errorsShown
from .SliceOverlay import SliceOverlay

if TYPE_CHECKING:
    import SimpleITK as sitk

    from MedFusion import MedFusionWidget

    from ..Scene.SlicePreview import SlicePreview


class FusionPreview:
    """Fuse what each view shows, again only for the view that moved."""

    def __init__(self, panel: "MedFusionWidget") -> None:
        self._panel = panel
        self._overlay = SliceOverlay(panel, self._draw, self._onFailed)
        self._preview: SlicePreview | None = None
        self._previewOf: tuple | None = None
        self._shownOf: tuple | None = None

    @property
    def isShown(self) -> bool:
        return self._overlay.isShown

    def show(self) -> None:
        """Show the preview, anew where settings or volumes changed."""
        parameters = self._panel.parameterNode
        shownOf = (fusionSettings(parameters), fusionState(parameters))
        if not self.isShown or shownOf != self._shownOf:
            self._shownOf = shownOf
            self._overlay.show()

    def hide(self) -> None:
        """Stop, and let the views show what they showed before."""
        self._overlay.hide()
        self._preview, self._previewOf = None, None

    def _draw(self, sliceNode: slicer.vtkMRMLSliceNode) -> "tuple[sitk.Image, tuple[float, float]]":
        from ..Scene.SlicePreview import SlicePreview, sliceGrid

        parameters = self._panel.parameterNode
        state = fusionState(parameters)
        if state != self._previewOf:
            self._preview = SlicePreview(parameters.fixedVolume, movingVolumes(parameters))
            self._previewOf = state
        result = self._preview.fuse(sliceGrid(sliceNode), fusionSettings(parameters))
        return result.image, result.window

    def _onFailed(self, error: Exception) -> None:
        with errorsShown(_("The preview could not be computed.")):
            if self._panel.parameterNode is not None:
                self._panel.parameterNode.preview = False
            raise error
