"""The views: a row of the CT above a row of the MRI, and CT and MRI over each other for checking."""

from collections.abc import Sequence

import slicer

from ..Scene.SceneNodes import nodesOfClass
from .SliceViews import FIXED_VIEWS, MOVING_VIEWS, SliceViews

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


def describeLayout(layoutNode: slicer.vtkMRMLLayoutNode) -> None:
    """Tell a layout node what the layout of the comparison is."""
    if not layoutNode.IsLayoutDescription(_LAYOUT_ID):
        layoutNode.AddLayoutDescription(_LAYOUT_ID, _layoutDescription())


class ComparisonLayout:
    """Show the two rows and give the user's own layout back."""

    def __init__(self, views: SliceViews) -> None:
        self._views = views
        self._former: int | None = None
        self._shown: tuple | None = None
        self._lists: list[slicer.vtkMRMLMarkupsNode] = []

    @property
    def isShown(self) -> bool:
        return self._former is not None

    def show(
        self,
        fixedVolume: slicer.vtkMRMLVolumeNode | None,
        movingVolume: slicer.vtkMRMLVolumeNode | None,
        lists: Sequence[slicer.vtkMRMLMarkupsNode | None],
    ) -> None:
        """Show CT and MRI in their rows, and no list of landmarks in the other's."""
        layoutManager = self._views.layoutManager
        if not self.isShown:
            layoutNode = layoutManager.layoutLogic().GetLayoutNode()
            describeLayout(layoutNode)
            # A scene must not carry the number of a layout that a colleague's Slicer does not know: it would open to
            # no view at all. Slicer announces no saving, so the number stays out of scenes as long as it is shown.
            layoutNode.SetSaveWithScene(False)
            # A scene that was saved during a comparison brings its layout along.
            isLoaded = layoutManager.layout == _LAYOUT_ID
            self._former = slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView if isLoaded else layoutManager.layout
            layoutManager.setLayout(_LAYOUT_ID)
        self._restrict(lists)
        shown = tuple(
            (node.GetID(), node.GetTransformNodeID()) if node is not None else None
            for node in (fixedVolume, movingVolume)
        )
        if shown == self._shown:
            return
        self._shown = shown
        for names, volume in ((FIXED_VIEWS, fixedVolume), (MOVING_VIEWS, movingVolume)):
            self._views.show(names, volume)
            self._views.fit(names)

    def hide(self) -> None:
        """Give the former layout back."""
        if not self.isShown:
            return
        self._restrict(())
        former, self._former, self._shown = self._former, None, None
        layoutManager = self._views.layoutManager
        # A layout that the user chose in the meantime stays; when the application closes there is no manager any more.
        if layoutManager is None:
            return
        layoutManager.layoutLogic().GetLayoutNode().SetSaveWithScene(True)
        if layoutManager.layout == _LAYOUT_ID:
            layoutManager.setLayout(former)

    def _restrict(self, lists: Sequence[slicer.vtkMRMLMarkupsNode | None]) -> None:
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
            views = nodesOfClass(node.GetScene(), "vtkMRMLAbstractViewNode")
            nodeIDs = [view.GetID() for view in views if view.GetLayoutName() not in hidden]
            if list(node.GetDisplayNode().GetViewNodeIDs()) != nodeIDs:
                node.GetDisplayNode().SetViewNodeIDs(nodeIDs)

    def link(self, isLinked: bool, isRegistered: bool) -> None:
        """Let the views of a row zoom and move together, and both rows when they show the same space."""
        for names, group in ((FIXED_VIEWS, _FIXED_GROUP), (MOVING_VIEWS, _MOVING_GROUP)):
            for name in names:
                logic = self._views.logic(name)
                if logic is None:
                    continue
                logic.GetSliceNode().SetViewGroup(_FIXED_GROUP if isRegistered else group)
                logic.GetSliceCompositeNode().SetLinkedControl(isLinked)
                logic.GetSliceCompositeNode().SetHotLinkedControl(isLinked)

    def jump(self, fixedPoint: Sequence[float] | None, movingPoint: Sequence[float] | None) -> None:
        """Show a point in each row; without the two rows, show the CT's point, or else the MRI's, in all views.

        :param fixedPoint: RAS millimeters, or None.
        """
        if self.isShown:
            for names, point in ((FIXED_VIEWS, fixedPoint), (MOVING_VIEWS, movingPoint)):
                for name in names:
                    if point is not None and self._views.logic(name) is not None:
                        self._views.logic(name).GetSliceNode().JumpSliceByCentering(*point)
            return
        point = fixedPoint if fixedPoint is not None else movingPoint
        if point is not None:
            for name in self._views.ordinary():
                self._views.logic(name).GetSliceNode().JumpSliceByOffsetting(*point)
