"""Places at which the page tells the error to expect: clicked by the user, followed when they are dragged."""

from typing import TYPE_CHECKING

import slicer

from ..Core.Registration.RegistrationResult import RegistrationResult
from ..Scene.VolumeNodes import definedPointsFromMarkups
from ..Workflow.PlaceMode import PlaceMode
from .Views import FIXED_VIEWS

if TYPE_CHECKING:
    from .Page import Page

_NAME = "Targets"
_COLOR = (0.3, 0.85, 1.0)
_EVENTS = (
    slicer.vtkMRMLMarkupsNode.PointPositionDefinedEvent,
    slicer.vtkMRMLMarkupsNode.PointModifiedEvent,
    slicer.vtkMRMLMarkupsNode.PointRemovedEvent,
)


class PageTargets:
    """Place targets in the CT and tell the error there, by the registration or, before it, by the landmarks."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self._node: slicer.vtkMRMLMarkupsFiducialNode | None = page.scene.GetFirstNodeByName(_NAME)
        self._mouse: PlaceMode = page.mouse(self._onEnded)
        self._tags: list[int] = []
        self._watch()

    def cleanup(self) -> None:
        """Let go of the mouse and of the points."""
        for tag in self._tags:
            self._node.RemoveObserver(tag)
        self._node, self._tags = None, []
        self._mouse.cleanup()

    def place(self) -> None:
        """Wait for a click in the CT."""

        def start() -> None:
            if self._page.parameters.fixedVolume is None:
                raise ValueError("Open a CT and an MRI first.")
            if self._node is None or self._node.GetScene() is None:
                self._node = self._page.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", _NAME)
                self._node.SetControlPointLabelFormat("Target %d")
                self._node.CreateDefaultDisplayNodes()
                self._node.GetDisplayNode().SetSelectedColor(*_COLOR)
                self._page.views.ofList(self._node, FIXED_VIEWS)
                self._watch()
            self._page.stopPlacing()
            self._mouse.start(self._node, isPersistent=False)

        self._page.work.quick(start)

    def clear(self) -> None:
        """Remove all targets."""
        if self._node is not None:
            self._page.work.quick(self._node.RemoveAllControlPoints)

    def _watch(self) -> None:
        if self._node is not None:
            self._tags = [self._node.AddObserver(event, self._onChanged) for event in _EVENTS]

    def _onChanged(self, *_event: object) -> None:
        if not self._page.work.isBusy:
            self._page.showTargets()

    def _onEnded(self) -> None:
        self._page.showTargets()

    @property
    def isUsed(self) -> bool:
        """Return whether there are targets."""
        return self._node is not None and self._node.GetNumberOfControlPoints() > 0

    def rows(self, fit: RegistrationResult | None) -> list[tuple[str, str]]:
        """Return each target with the error that is expected there and its 95 % bound."""
        if self._node is None or self._node.GetScene() is None:
            return []
        labels, points, placed = definedPointsFromMarkups(self._node)
        rows = []
        for label, point, isPlaced in zip(labels, points, placed, strict=True):
            if not isPlaced:  # it still follows the mouse
                continue
            errors = fit.errorsUnder(point) if fit is not None else None
            text = "?" if errors is None else f"{errors[0]:.1f} mm, 95 % below {errors[1]:.1f} mm"
            rows.append((label, text))
        return rows
