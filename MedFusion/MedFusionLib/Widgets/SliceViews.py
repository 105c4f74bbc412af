"""The slice views of the application: what they show, and that it is in sight."""

from collections.abc import Callable, Iterable

import slicer

FIXED_VIEWS = ("MedFusionCT1", "MedFusionCT2", "MedFusionCT3")
MOVING_VIEWS = ("MedFusionMRI1", "MedFusionMRI2", "MedFusionMRI3")


class SliceViews:
    """Show volumes in the slice views."""

    def __init__(self, application: object, later: Callable[[Callable[[], None]], None]) -> None:
        """Use the views of an application.

        :param application: has layoutManager() and applicationLogic(), as the running Slicer does.
        :param later: runs what it is given after the present event.
        """
        self._application, self._later = application, later

    @property
    def layoutManager(self) -> object | None:
        """Return the layout manager; when the application closes there is none any more."""
        return self._application.layoutManager()

    def logic(self, name: str) -> slicer.vtkMRMLSliceLogic | None:
        """Return the logic of a slice view, or None if the view has never been shown."""
        return self._application.applicationLogic().GetSliceLogicByLayoutName(name)

    def ordinary(self) -> list[str]:
        """Return the names of the slice views that are not the rows of the comparison."""
        manager = self.layoutManager
        names = manager.sliceViewNames() if manager is not None else ()
        return [name for name in names if name not in FIXED_VIEWS + MOVING_VIEWS and self.logic(name) is not None]

    def show(
        self,
        names: Iterable[str],
        background: slicer.vtkMRMLVolumeNode | None,
        foreground: slicer.vtkMRMLVolumeNode | None = None,
        opacity: float = 0.0,
        label: slicer.vtkMRMLVolumeNode | None = None,
    ) -> None:
        """Show volumes over each other, in sight where the background is new to a view.

        :param opacity: of the foreground, 0 to 1.
        """
        new = []
        backgroundID, foregroundID, labelID = (
            node.GetID() if node is not None else None for node in (background, foreground, label)
        )
        for name in names:
            logic = self.logic(name)
            if logic is None:
                continue
            compositeNode = logic.GetSliceCompositeNode()
            if compositeNode.GetBackgroundVolumeID() != backgroundID:
                new.append(name)
            compositeNode.SetBackgroundVolumeID(backgroundID)
            compositeNode.SetForegroundVolumeID(foregroundID)
            compositeNode.SetForegroundOpacity(opacity)
            compositeNode.SetLabelVolumeID(labelID)
        self.fit(new)

    def fit(self, names: Iterable[str]) -> None:
        """Bring the whole background into sight, and once more after the present event.

        The controllers of views that a new layout makes deliver an offset of 0 afterwards.
        """
        names = list(names)
        if names:
            self._fitNow(names)
            self._later(lambda: self._fitNow(names))

    def _fitNow(self, names: Iterable[str]) -> None:
        for name in names:
            logic = self.logic(name) if self.layoutManager is not None else None
            if logic is not None and logic.GetSliceCompositeNode().GetBackgroundVolumeID():
                logic.FitSliceToBackground()

    def overlay(
        self,
        fixedVolume: slicer.vtkMRMLVolumeNode,
        movingVolume: slicer.vtkMRMLVolumeNode,
        opacity: float,
        label: slicer.vtkMRMLVolumeNode | None = None,
    ) -> None:
        """Show the MRI over the CT in the ordinary views.

        :param opacity: of the MRI, 0 to 1.
        """
        self.show(self.ordinary(), fixedVolume, movingVolume, opacity, label)

    def showVolume(self, volumeNode: slicer.vtkMRMLVolumeNode) -> None:
        """Show one volume in the ordinary views."""
        self.show(self.ordinary(), volumeNode)

    def center3D(self) -> None:
        """Let the 3D views look at what is shown in them, which may lie far from the origin."""
        manager = self.layoutManager
        for index in range(manager.threeDViewCount if manager is not None else 0):
            manager.threeDWidget(index).threeDView().resetFocalPoint()

    def removeForeground(self) -> None:
        """Show no second volume in the ordinary views where the present one is gone."""
        for name in self.ordinary():
            composite = self.logic(name).GetSliceCompositeNode()
            node = self.logic(name).GetMRMLScene().GetNodeByID(composite.GetForegroundVolumeID() or "")
            if composite.GetForegroundVolumeID() and node is None:
                composite.SetForegroundVolumeID(None)
