"""The views: a row of the CT above a row of the MRI, and CT and MRI over each other for checking."""

import slicer

FIXED_VIEWS = ("MedFusionCT1", "MedFusionCT2", "MedFusionCT3")
MOVING_VIEWS = ("MedFusionMRI1", "MedFusionMRI2", "MedFusionMRI3")
_ORIENTATIONS = ("Axial", "Sagittal", "Coronal")
_COLORS = ("#F34A33", "#EDD54C", "#6EB04B")
# A number that no layout of Slicer or of another extension uses.
_LAYOUT_ID = 61217
_FIXED_GROUP, _MOVING_GROUP = 61, 62


def _layoutDescription() -> str:
    rows = []
    for names, group, prefix in ((FIXED_VIEWS, _FIXED_GROUP, "CT"), (MOVING_VIEWS, _MOVING_GROUP, "MRI")):
        items = "".join(
            f'<item><view class="vtkMRMLSliceNode" singletontag="{name}">'
            f'<property name="orientation" action="default">{orientation}</property>'
            f'<property name="viewlabel" action="default">{prefix} {orientation[0]}</property>'
            f'<property name="viewcolor" action="default">{color}</property>'
            f'<property name="viewgroup" action="default">{group}</property></view></item>'
            for name, orientation, color in zip(names, _ORIENTATIONS, _COLORS, strict=True)
        )
        rows.append(f'<item><layout type="horizontal">{items}</layout></item>')
    return f'<layout type="vertical" split="true">{"".join(rows)}</layout>'


def sliceLogic(viewName: str) -> slicer.vtkMRMLSliceLogic | None:
    """Return the logic of a slice view, or None if the view has never been shown."""
    return slicer.app.applicationLogic().GetSliceLogicByLayoutName(viewName)


class ComparisonLayout:
    """Show the two rows and give the user's own layout back."""

    def __init__(self) -> None:
        self._former: int | None = None
        self._shown: tuple[str | None, str | None] | None = None
        self._lists: list[slicer.vtkMRMLMarkupsNode] = []

    @property
    def isShown(self) -> bool:
        return self._former is not None

    def show(self, fixedVolume: object | None, movingVolume: object | None, lists: tuple[object | None, ...]) -> None:
        """Show CT and MRI in their rows, and no list of landmarks in the other's."""
        layoutManager = slicer.app.layoutManager()
        if not self.isShown:
            layoutNode = layoutManager.layoutLogic().GetLayoutNode()
            if not layoutNode.IsLayoutDescription(_LAYOUT_ID):
                layoutNode.AddLayoutDescription(_LAYOUT_ID, _layoutDescription())
            # A scene that was saved during a comparison brings its layout along.
            isLoaded = layoutManager.layout == _LAYOUT_ID
            self._former = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView if isLoaded else layoutManager.layout
            layoutManager.setLayout(_LAYOUT_ID)
        self._restrict(lists)
        volumes = tuple(node.GetID() if node is not None else None for node in (fixedVolume, movingVolume))
        if volumes == self._shown:
            return
        self._shown = volumes
        for names, volumeID in zip((FIXED_VIEWS, MOVING_VIEWS), volumes, strict=True):
            for name in names:
                logic = sliceLogic(name)
                if logic is not None:
                    compositeNode = logic.GetSliceCompositeNode()
                    compositeNode.SetBackgroundVolumeID(volumeID)
                    compositeNode.SetForegroundVolumeID(None)
                    logic.FitSliceToBackground()

    def hide(self) -> None:
        """Give the former layout back."""
        if not self.isShown:
            return
        self._restrict(())
        former, self._former, self._shown = self._former, None, None
        layoutManager = slicer.app.layoutManager()
        # A layout that the user chose in the meantime stays; when the application closes there is no manager any more.
        if layoutManager is not None and layoutManager.layout == _LAYOUT_ID:
            layoutManager.setLayout(former)

    def _restrict(self, lists: tuple[object | None, ...]) -> None:
        """Hide each list in the other's row, and show those of before in all views again.

        A scene saved meanwhile carries the restriction along, and Slicer announces no saving: so a list is shown in
        every view but the other row's rather than in its own row alone.
        """
        for node in self._lists:
            if node not in lists and node.GetDisplayNode() is not None:
                node.GetDisplayNode().RemoveAllViewNodeIDs()
        self._lists = [node for node in lists if node is not None]
        for node, hidden in zip(lists, (MOVING_VIEWS, FIXED_VIEWS), strict=False):
            if node is None or node.GetDisplayNode() is None:
                continue
            views = slicer.util.getNodesByClass("vtkMRMLAbstractViewNode", node.GetScene())
            nodeIDs = [view.GetID() for view in views if view.GetLayoutName() not in hidden]
            if list(node.GetDisplayNode().GetViewNodeIDs()) != nodeIDs:
                node.GetDisplayNode().SetViewNodeIDs(nodeIDs)

    def link(self, isLinked: bool, isRegistered: bool) -> None:
        """Let the views of a row zoom and move together, and both rows when they show the same space."""
        for names, group in ((FIXED_VIEWS, _FIXED_GROUP), (MOVING_VIEWS, _MOVING_GROUP)):
            for name in names:
                logic = sliceLogic(name)
                if logic is None:
                    continue
                logic.GetSliceNode().SetViewGroup(_FIXED_GROUP if isRegistered else group)
                logic.GetSliceCompositeNode().SetLinkedControl(isLinked)
                logic.GetSliceCompositeNode().SetHotLinkedControl(isLinked)

    def jump(self, fixedPoint: object | None, movingPoint: object | None) -> None:
        """Show a point in each row; without the two rows, show the CT's point, or else the MRI's, in all views.

        :param fixedPoint: RAS millimetres, or None.
        """
        if self.isShown:
            for names, point in ((FIXED_VIEWS, fixedPoint), (MOVING_VIEWS, movingPoint)):
                for name in names:
                    if point is not None and sliceLogic(name) is not None:
                        sliceLogic(name).GetSliceNode().JumpSliceByCentering(*point)
            return
        point = fixedPoint if fixedPoint is not None else movingPoint
        if point is not None:
            for name in ordinaryViews():
                sliceLogic(name).GetSliceNode().JumpSliceByOffsetting(*point)


def ordinaryViews() -> list[str]:
    """Return the names of the slice views that are not the rows of the comparison."""
    names = slicer.app.layoutManager().sliceViewNames()
    return [name for name in names if name not in FIXED_VIEWS + MOVING_VIEWS and sliceLogic(name) is not None]


def overlay(fixedVolume: object, movingVolume: object, opacity: float, label: object | None = None) -> None:
    """Show the MRI over the CT in the ordinary views.

    :param opacity: of the MRI, 0 to 1.
    """
    for name in ordinaryViews():
        compositeNode = sliceLogic(name).GetSliceCompositeNode()
        compositeNode.SetBackgroundVolumeID(fixedVolume.GetID())
        compositeNode.SetForegroundVolumeID(movingVolume.GetID())
        compositeNode.SetForegroundOpacity(opacity)
        compositeNode.SetLabelVolumeID(label.GetID() if label is not None else None)


def showVolume(volumeNode: object) -> None:
    """Show one volume in the ordinary views."""
    for name in ordinaryViews():
        compositeNode = sliceLogic(name).GetSliceCompositeNode()
        compositeNode.SetBackgroundVolumeID(volumeNode.GetID())
        compositeNode.SetForegroundOpacity(0.0)
        compositeNode.SetLabelVolumeID(None)
