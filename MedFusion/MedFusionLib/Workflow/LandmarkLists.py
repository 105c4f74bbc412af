"""The two lists of landmarks as rows of pairs, with every edit of a row and undo."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

import slicer
import vtk

from ..Scene.ControlPoints import NAMED_PAIRS, pointsBetween

_UNDO_STEPS = 50
_DEFINED = slicer.vtkMRMLMarkupsNode.PositionDefined
_PREVIEW = slicer.vtkMRMLMarkupsNode.PositionPreview
# Less than anyone moves a landmark, more than the inverse of a transform is off.
_SAME_PLACE_MM = 0.01


@dataclass(frozen=True)
class PairRow:
    """One row of the table: control point indices in the two lists, None where the twin is missing."""

    label: str
    fixedIndex: int | None
    movingIndex: int | None


@dataclass(frozen=True)
class _Point:
    label: str
    position: tuple[float, float, float]
    isDefined: bool
    isSelected: bool
    isVisible: bool
    description: str


_State = tuple[tuple[_Point, ...], tuple[_Point, ...]]


class Side(Enum):
    """Which of the two lists a point is in."""

    fixed = "fixed"
    moving = "moving"

    @property
    def other(self) -> "Side":
        """Return the other one."""
        return Side.moving if self is Side.fixed else Side.fixed


def isDefined(node: slicer.vtkMRMLMarkupsNode | None, index: int | None) -> bool:
    """Return whether a control point has been placed."""
    return node is not None and index is not None and node.GetNthControlPointPositionStatus(index) == _DEFINED


class LandmarkLists:
    """Watch the lists, tell when they change, and edit them pair by pair."""

    def __init__(self, onChanged: Callable[[], None], onPlaced: Callable[[Side, int], None]) -> None:
        self._onChanged, self._onPlaced = onChanged, onPlaced
        self._nodes: dict[Side, slicer.vtkMRMLMarkupsFiducialNode | None] = dict.fromkeys(Side)
        self._parents: dict[Side, slicer.vtkMRMLTransformNode | None] = dict.fromkeys(Side)
        self._tags: list[tuple[slicer.vtkMRMLNode, int]] = []
        self._isEditing = False
        self._isDragging = False
        self._known: _State = ((), ())
        self._undo: list[_State] = []

    @property
    def fixed(self) -> slicer.vtkMRMLMarkupsFiducialNode | None:
        return self._nodes[Side.fixed]

    @property
    def moving(self) -> slicer.vtkMRMLMarkupsFiducialNode | None:
        return self._nodes[Side.moving]

    @property
    def canUndo(self) -> bool:
        return bool(self._undo)

    def watch(
        self, fixed: slicer.vtkMRMLMarkupsFiducialNode | None, moving: slicer.vtkMRMLMarkupsFiducialNode | None
    ) -> None:
        """Follow these two lists from now on."""
        if (fixed, moving) == (self.fixed, self.moving):
            return
        for node, tag in self._tags:
            node.RemoveObserver(tag)
        self._tags = []
        self._nodes = {Side.fixed: fixed, Side.moving: moving}
        self._undo.clear()
        for side, node in self._nodes.items():
            if node is not None:
                self._parents[side] = node.GetParentTransformNode()
                self._observe(side, node)
        self._known = self._state()

    def _observe(self, side: Side, node: slicer.vtkMRMLMarkupsFiducialNode) -> None:
        markups = slicer.vtkMRMLMarkupsNode

        @vtk.calldata_type(vtk.VTK_INT)
        def onPlaced(_caller: object, _event: str, index: int | None = None) -> None:
            # Some ways of adding a point do not say which one it is; it is the last then.
            if not self._isEditing:
                self._onPlaced(side, node.GetNumberOfControlPoints() - 1 if index is None else index)

        def onStart(_caller: object, _event: str) -> None:
            self._isDragging = True

        def onEnd(_caller: object, _event: str) -> None:
            self._isDragging = False
            self._remember()

        def onModified(_caller: object, _event: str) -> None:
            self._remember()

        def onTransformed(_caller: object, _event: str) -> None:
            self._followParent(side, node)
            self._onChanged()

        events = {
            markups.PointPositionDefinedEvent: onPlaced,
            markups.PointStartInteractionEvent: onStart,
            markups.PointEndInteractionEvent: onEnd,
            markups.PointAddedEvent: onModified,
            markups.PointRemovedEvent: onModified,
            markups.PointModifiedEvent: onModified,
            slicer.vtkMRMLTransformableNode.TransformModifiedEvent: onTransformed,
        }
        self._tags += [(node, node.AddObserver(event, call)) for event, call in events.items()]

    def _state(self) -> _State:
        return tuple(tuple(self._points(node)) for node in (self.fixed, self.moving))

    @staticmethod
    def _points(node: slicer.vtkMRMLMarkupsNode | None) -> list[_Point]:
        """Return the control points in the list's own coordinates, without the one that follows the mouse."""
        points = []
        for index in range(node.GetNumberOfControlPoints() if node else 0):
            status = node.GetNthControlPointPositionStatus(index)
            if status == _PREVIEW:
                continue
            points.append(
                _Point(
                    node.GetNthControlPointLabel(index),
                    tuple(node.GetNthControlPointPosition(index)),
                    status == _DEFINED,
                    bool(node.GetNthControlPointSelected(index)),
                    bool(node.GetNthControlPointVisibility(index)),
                    node.GetNthControlPointDescription(index) or "",
                )
            )
        return points

    def _remember(self) -> None:
        """Keep the former state for undo, once for a whole drag, and tell that something changed.

        The point that follows the mouse while placing changes all the time, but it is not part of the state.
        """
        if self._isEditing:
            return
        state = self._state()
        if state == self._known:
            return
        if not self._isDragging:
            self._undo = [*self._undo, self._known][-_UNDO_STEPS:]
            self._known = state
        self._onChanged()

    def _followParent(self, side: Side, node: slicer.vtkMRMLMarkupsFiducialNode) -> None:
        """Carry the states over where the list came under another transform with its points kept in the world."""
        former, parent = self._parents[side], node.GetParentTransformNode()
        self._parents[side] = parent
        before, now = self._known[list(Side).index(side)], tuple(self._points(node))
        if parent is former or before == now:
            return
        carried = _moved(before, former, parent)
        if len(carried) != len(now) or not all(map(_isSame, carried, now)):
            return

        def carry(state: _State) -> _State:
            return tuple(
                _moved(points, former, parent) if each is side else points
                for each, points in zip(Side, state, strict=True)
            )

        self._undo = [carry(state) for state in self._undo]
        self._known = self._state()

    def _edit(self, change: Callable[[], None]) -> None:
        """Make a change that may touch both lists, as one step of undo."""
        self._isEditing = True
        try:
            change()
        finally:
            self._isEditing = False
        self._remember()

    def undo(self) -> None:
        """Take back the last change."""
        if not self._undo:
            return
        state = self._undo.pop()
        self._isEditing = True
        try:
            for node, points in zip((self.fixed, self.moving), state, strict=True):
                if node is not None:
                    _restore(node, points)
        finally:
            self._isEditing = False
        self._known = self._state()
        self._onChanged()

    def rows(self, byOrder: bool) -> list[PairRow]:
        """Return the pairs: by name, or by the order of the lists."""
        fixed, moving = self._points(self.fixed), self._points(self.moving)
        if byOrder:
            count = max(len(fixed), len(moving))
            return [
                PairRow(
                    (fixed[i] if i < len(fixed) else moving[i]).label,
                    i if i < len(fixed) else None,
                    i if i < len(moving) else None,
                )
                for i in range(count)
            ]
        rows, taken = [], set()
        for i, point in enumerate(fixed):
            j = next((j for j, twin in enumerate(moving) if twin.label == point.label and j not in taken), None)
            taken.add(j)
            rows.append(PairRow(point.label, i, j))
        return rows + [PairRow(point.label, None, j) for j, point in enumerate(moving) if j not in taken]

    def isUsed(self, row: PairRow) -> bool:
        """Return whether the pair takes part."""
        return all(node.GetNthControlPointSelected(index) for node, index in self._ends(row))

    def _ends(self, row: PairRow) -> list[tuple[slicer.vtkMRMLMarkupsNode, int]]:
        ends = ((self.fixed, row.fixedIndex), (self.moving, row.movingIndex))
        return [(node, index) for node, index in ends if node is not None and index is not None]

    def setUsed(self, row: PairRow, isUsed: bool) -> None:
        """Let a pair take part or leave it out."""
        self._edit(lambda: [node.SetNthControlPointSelected(index, isUsed) for node, index in self._ends(row)])

    def rename(self, row: PairRow, label: str) -> None:
        """Give both points of a pair a name."""
        self._edit(lambda: [node.SetNthControlPointLabel(index, label) for node, index in self._ends(row)])

    def delete(self, row: PairRow) -> None:
        """Remove a pair from both lists."""
        self._edit(lambda: [node.RemoveNthControlPoint(index) for node, index in self._ends(row)])

    def swap(self, first: PairRow, second: PairRow) -> None:
        """Exchange two rows."""

        def change() -> None:
            for node, i, j in (
                (self.fixed, first.fixedIndex, second.fixedIndex),
                (self.moving, first.movingIndex, second.movingIndex),
            ):
                if node is not None and i is not None and j is not None:
                    node.SwapControlPoints(i, j)

        self._edit(change)

    def nameNewPoint(self, side: Side, index: int, label: str) -> None:
        """Name a point that was just placed, within the same step of undo."""
        self._remember()
        self._isEditing = True
        try:
            self._nodes[side].SetNthControlPointLabel(index, label)
            self._nodes[side].SetAttribute(NAMED_PAIRS, "1")
        finally:
            self._isEditing = False
        self._known = self._state()
        self._onChanged()

    def freeLabel(self) -> str:
        """Return a name that no point has."""
        used = {point.label for points in self._state() for point in points}
        number = 1
        while f"P{number}" in used:
            number += 1
        return f"P{number}"


def _moved(
    points: tuple[_Point, ...], former: slicer.vtkMRMLTransformNode | None, parent: slicer.vtkMRMLTransformNode | None
) -> tuple[_Point, ...]:
    """Return points of a list under one transform as they are in a list under another."""
    positions = pointsBetween([point.position for point in points], former, parent).tolist()
    return tuple(replace(point, position=tuple(position)) for point, position in zip(points, positions, strict=True))


def _isSame(first: _Point, second: _Point) -> bool:
    isNear = not first.isDefined or math.dist(first.position, second.position) < _SAME_PLACE_MM
    return isNear and replace(first, position=second.position) == second


def _restore(node: slicer.vtkMRMLMarkupsFiducialNode, points: tuple[_Point, ...]) -> None:
    with slicer.util.NodeModify(node):
        node.RemoveAllControlPoints()
        for index, point in enumerate(points):
            node.AddControlPoint(vtk.vtkVector3d(*point.position), point.label)
            node.SetNthControlPointSelected(index, point.isSelected)
            node.SetNthControlPointVisibility(index, point.isVisible)
            node.SetNthControlPointDescription(index, point.description)
            if not point.isDefined:
                node.UnsetNthControlPointPosition(index)
