"""Stand-ins for the widgets of CTK and Slicer that the panel uses, with nothing that the real ones lack."""

import json
from collections.abc import Callable
from pathlib import Path

import slicer
import vtk
from PySide6 import QtCore, QtGui, QtWidgets
from PySide6.QtCore import Property, Signal

# For each class: the properties, signals and callables of the running application (Slicer 5.13).
CATALOG = json.loads(Path(__file__).with_name("widgets.json").read_text(encoding="utf-8"))


def _checkedAgainstCatalog(cls: type) -> type:
    """Refuse a stand-in that offers what the real widget does not have."""
    entry = CATALOG[cls.__name__]
    callables = set(entry["callables"]) | {slot.partition("(")[0] for slot in entry["slots"]}
    signals = {signal.partition("(")[0] for signal in entry["signals"]}
    names = {name for base in cls.__mro__ if base.__module__ == __name__ for name in vars(base)}
    public = {name for name in names if not name.startswith("_")} - {"staticMetaObject"} - _QT_VIRTUALS
    known = callables | signals | set(entry["properties"])
    if public - known:
        raise TypeError(f"{cls.__name__} has no {', '.join(sorted(public - known))}")
    cls._allowedSignals = set(entry["signals"])
    return cls


_QT_VIRTUALS = {
    "childEvent",
    "eventFilter",
    "paintEvent",
    "resizeEvent",
    "sizeHint",
    "minimumSizeHint",
    "contentsMargins",
}


def _stored(kind: type, name: str, default: object) -> Property:
    """Return a Qt property that only remembers its value."""
    return Property(
        kind, lambda self: self.__dict__.get("_" + name, default), lambda self, v: self.__dict__.update({"_" + name: v})
    )


class _SceneWidget(QtWidgets.QWidget):
    """What follows a scene."""

    _scene = None

    def setMRMLScene(self, scene: slicer.vtkMRMLScene | None) -> None:
        self._scene = scene


@_checkedAgainstCatalog
class qMRMLWidget(_SceneWidget):
    mrmlSceneChanged = Signal(object)

    def setMRMLScene(self, scene: slicer.vtkMRMLScene | None) -> None:
        if scene is not self._scene:
            super().setMRMLScene(scene)
            self.mrmlSceneChanged.emit(scene)

    def mrmlScene(self) -> slicer.vtkMRMLScene | None:
        return self._scene


@_checkedAgainstCatalog
class ctkCollapsibleButton(QtWidgets.QAbstractButton):
    """A headline that folds what it contains."""

    contentsCollapsed = Signal(bool)
    _headHeight = 26

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._isCollapsed = self._isFolding = False
        self._isWanted: dict[QtWidgets.QWidget, bool] = {}
        self.setCheckable(True)
        self.setChecked(True)
        self.setContentsMargins(0, self._headHeight, 0, 0)
        self.setSizePolicy(QtWidgets.QSizePolicy.Policy.Preferred, QtWidgets.QSizePolicy.Policy.Preferred)
        self.toggled.connect(lambda checked: self._fold(not checked))

    def _getCollapsed(self) -> bool:
        return self._isCollapsed

    def _setCollapsed(self, collapsed: bool) -> None:
        self.setChecked(not collapsed)

    collapsed = Property(bool, _getCollapsed, _setCollapsed)

    def _fold(self, collapsed: bool) -> None:
        self._isCollapsed = collapsed
        self._isFolding = True
        for child in self.children():
            if isinstance(child, QtWidgets.QWidget):
                child.setVisible(not collapsed and self._isWanted.get(child, True))
        self._isFolding = False
        self.setMaximumHeight(self._headHeight if collapsed else 16777215)
        self.updateGeometry()
        self.contentsCollapsed.emit(collapsed)

    def childEvent(self, event: QtCore.QChildEvent) -> None:
        if event.added() and isinstance(event.child(), QtWidgets.QWidget):
            event.child().installEventFilter(self)

    def eventFilter(self, child: QtCore.QObject, event: QtCore.QEvent) -> bool:
        """Remember what is shown and hidden on purpose; unfolding must not show the latter."""
        shown = event.type() == QtCore.QEvent.Type.ShowToParent
        if (shown or event.type() == QtCore.QEvent.Type.HideToParent) and not self._isFolding:
            self._isWanted[child] = shown
            if shown and self._isCollapsed:
                child.setVisible(False)
                self._isWanted[child] = True
        return False

    def sizeHint(self) -> QtCore.QSize:
        layout = self.layout()
        if layout is None or self._isCollapsed:
            return QtCore.QSize(200, self._headHeight)
        width = max(self.width, 200)
        height = layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()
        return QtCore.QSize(200, height)

    def minimumSizeHint(self) -> QtCore.QSize:
        layout = self.layout()
        if layout is None or self._isCollapsed:
            return QtCore.QSize(60, self._headHeight)
        return QtCore.QSize(layout.totalMinimumSize().width(), self._headHeight)

    def paintEvent(self, _event: QtGui.QPaintEvent) -> None:
        painter = QtWidgets.QStylePainter(self)
        head = QtCore.QRect(0, 0, self.width, self._headHeight - 2)
        painter.setPen(QtCore.Qt.PenStyle.NoPen)
        shade = self.palette.color(QtGui.QPalette.ColorRole.ButtonText)
        shade.setAlpha(28)
        painter.setBrush(shade)
        painter.drawRoundedRect(head, 3, 3)
        arrow = QtWidgets.QStyleOption()
        arrow.initFrom(self)
        arrow.rect = QtCore.QRect(4, 0, 16, head.height())
        element = QtWidgets.QStyle.PrimitiveElement
        down = element.PE_IndicatorArrowRight if self._isCollapsed else element.PE_IndicatorArrowDown
        painter.drawPrimitive(down, arrow)
        painter.setPen(self.palette.color(QtGui.QPalette.ColorRole.ButtonText))
        painter.drawText(head.adjusted(24, 0, 0, 0), QtCore.Qt.AlignmentFlag.AlignVCenter, self.text)


@_checkedAgainstCatalog
class ctkSliderWidget(QtWidgets.QWidget):
    """A slider with a spin box."""

    valueChanged = Signal(float)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._slider = QtWidgets.QSlider(QtCore.Qt.Orientation.Horizontal)
        self._spinBox = QtWidgets.QDoubleSpinBox()
        self._spinBox.setMinimumWidth(74)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._slider)
        row.addWidget(self._spinBox)
        self.setFocusProxy(self._spinBox)
        self._spinBox.connect("valueChanged(double)", self._onSpinBox)
        self._slider.connect("valueChanged(int)", self._onSlider)

    def _onSpinBox(self, value: float) -> None:
        blocked = self._slider.blockSignals(True)
        self._slider.setRange(round(self.minimum / self.singleStep), round(self.maximum / self.singleStep))
        self._slider.setValue(round(value / self.singleStep))
        self._slider.blockSignals(blocked)
        self.valueChanged.emit(value)

    def _onSlider(self, position: int) -> None:
        self._spinBox.setValue(position * self.singleStep)

    def _show(self) -> None:
        blocked = self._slider.blockSignals(True)
        self._slider.setRange(round(self.minimum / self.singleStep), round(self.maximum / self.singleStep))
        self._slider.setValue(round(self.value / self.singleStep))
        self._slider.blockSignals(blocked)

    def _part(name: str, kind: type) -> Property:
        def write(self: QtWidgets.QWidget, value: object) -> None:
            setattr(self._spinBox, name, value)
            self._show()

        return Property(kind, lambda self: getattr(self._spinBox, name), write)

    decimals = _part("decimals", int)
    singleStep = _part("singleStep", float)
    minimum = _part("minimum", float)
    maximum = _part("maximum", float)
    value = _part("value", float)
    suffix = _part("suffix", str)
    prefix = _part("prefix", str)
    tracking = _stored(bool, "tracking", True)
    del _part

    def setValue(self, value: float) -> None:
        self._spinBox.setValue(value)


@_checkedAgainstCatalog
class ctkPathLineEdit(QtWidgets.QWidget):
    """A path to type or to browse for."""

    currentPathChanged = Signal(str)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._edit, self._button = QtWidgets.QLineEdit(), QtWidgets.QToolButton()
        self._button.text = "..."
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._edit)
        row.addWidget(self._button)
        self.setFocusProxy(self._edit)
        self._edit.connect("textChanged(QString)", self.currentPathChanged.emit)

    currentPath = Property(str, lambda self: self._edit.text, lambda self, v: self._edit.setText(v))
    settingKey = _stored(str, "settingKey", "")
    filters = _stored(int, "filters", 0)
    Dirs, Writable = 1, 32

    def setCurrentPath(self, path: str) -> None:
        self._edit.setText(path)

    def addCurrentPathToHistory(self) -> None:
        pass


@_checkedAgainstCatalog
class qMRMLNodeComboBox(_SceneWidget):
    """The nodes of some classes in the scene, one of them current."""

    currentNodeChanged = Signal(object)
    nodeAddedByUser = Signal(object)

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._types: list[str] = []
        self._ids: list[str | None] = []
        self._attributes: list[tuple] = []
        self._observed: list[tuple] = []
        self._box = QtWidgets.QComboBox()
        self._box.setMinimumContentsLength(8)
        self._box.setSizeAdjustPolicy(QtWidgets.QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        row = QtWidgets.QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self._box)
        self.setFocusProxy(self._box)
        self._box.connect("currentIndexChanged(int)", lambda _index: self.currentNodeChanged.emit(self.currentNode()))

    def _setTypes(self, types: list[str]) -> None:
        self._types = list(types)
        self._fill()

    nodeTypes = Property("QStringList", lambda self: self._types, _setTypes)
    showHidden = _stored(bool, "showHidden", False)
    showChildNodeTypes = _stored(bool, "showChildNodeTypes", True)
    baseName = _stored(str, "baseName", "")
    noneEnabled = _stored(bool, "noneEnabled", False)
    addEnabled = _stored(bool, "addEnabled", True)
    removeEnabled = _stored(bool, "removeEnabled", True)
    editEnabled = _stored(bool, "editEnabled", False)
    renameEnabled = _stored(bool, "renameEnabled", False)
    selectNodeUponCreation = _stored(bool, "selectNodeUponCreation", True)
    noneDisplay = _stored(str, "noneDisplay", "None")
    currentNodeID = Property(str, lambda self: self._currentID() or "", lambda self, v: self._select(v or None))

    def setMRMLScene(self, scene: slicer.vtkMRMLScene | None) -> None:
        for tag in self._observed:
            self._scene.RemoveObserver(tag)
        self._observed = []
        super().setMRMLScene(scene)
        if scene is not None:
            events = (scene.NodeAddedEvent, scene.NodeRemovedEvent, scene.EndCloseEvent, scene.EndImportEvent)
            self._observed = [scene.AddObserver(event, lambda *_: self._fill()) for event in events]
            self._observed.append(scene.AddObserver(scene.NodeAboutToBeRemovedEvent, self._onAboutToBeRemoved()))
        self._fill()

    def _onAboutToBeRemoved(self) -> Callable:
        """Let a neighbor take the place of the current node, as the real one does in spite of noneEnabled."""

        @vtk.calldata_type(vtk.VTK_OBJECT)
        def onAboutToBeRemoved(_caller: object, _event: str, node: slicer.vtkMRMLNode | None = None) -> None:
            if node is None or node.GetID() not in self._ids or self._scene.IsClosing():
                return
            index = self._ids.index(node.GetID())
            if index == self._box.currentIndex:
                self._box.setCurrentIndex(index + 1 if index + 1 < len(self._ids) else index - 1)

        return onAboutToBeRemoved

    def _nodes(self) -> list:
        if self._scene is None:
            return []
        found = [
            self._scene.GetNthNodeByClass(index, kind)
            for kind in self._types
            for index in range(self._scene.GetNumberOfNodesByClass(kind))
        ]
        shown = [node for node in found if self.showHidden or not node.GetHideFromEditors()]
        if not self.showChildNodeTypes:
            shown = [node for node in shown if node.GetClassName() in self._types]
        for kind, name, value in self._attributes:
            shown = [n for n in shown if not n.IsA(kind) or n.GetAttribute(name) == value]
        return shown

    def _fill(self) -> None:
        before = self._currentID()
        blocked = self._box.blockSignals(True)
        self._box.clear()
        nodes = self._nodes()
        self._ids = [None] if self.noneEnabled or not nodes else []
        if self._ids:
            self._box.addItem(self.noneDisplay)
        for node in nodes:
            self._ids.append(node.GetID())
            self._box.addItem(node.GetName())
        self._box.setCurrentIndex(self._ids.index(before) if before in self._ids else 0)
        self._box.blockSignals(blocked)
        if self._currentID() != before:
            self.currentNodeChanged.emit(self.currentNode())

    def _currentID(self) -> str | None:
        index = self._box.currentIndex
        return self._ids[index] if 0 <= index < len(self._ids) else None

    def _select(self, nodeID: str | None) -> None:
        self._box.setCurrentIndex(self._ids.index(nodeID) if nodeID in self._ids else 0)

    def currentNode(self) -> slicer.vtkMRMLNode | None:
        return self._scene.GetNodeByID(self._currentID()) if self._scene and self._currentID() else None

    def setCurrentNode(self, node: slicer.vtkMRMLNode | None) -> None:
        if node is not None and not hasattr(node, "GetID"):
            raise TypeError(f"setCurrentNode takes a node, not {node!r}")
        self._select(node.GetID() if node is not None else None)

    def setCurrentNodeID(self, nodeID: str) -> None:
        self._select(nodeID or None)

    def nodeCount(self) -> int:
        return len([nodeID for nodeID in self._ids if nodeID])

    def nodeFromIndex(self, index: int) -> slicer.vtkMRMLNode | None:
        return self._scene.GetNodeByID([nodeID for nodeID in self._ids if nodeID][index])

    def addAttribute(self, kind: str, name: str, value: object = None) -> None:
        self._attributes.append((kind, name, value))
        self._fill()

    def addNode(self, kind: str = "") -> slicer.vtkMRMLNode:
        name = self._scene.GenerateUniqueName(self.baseName or (kind or self._types[0])[7:-4])
        node = self._scene.AddNewNodeByClass(kind or self._types[0], name)
        self.setCurrentNode(node)
        self.nodeAddedByUser.emit(node)
        return node


@_checkedAgainstCatalog
class qMRMLCheckableNodeComboBox(qMRMLNodeComboBox):
    """Several nodes can be ticked."""

    checkedNodesChanged = Signal()

    def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
        super().__init__(parent)
        self._checked: set[str] = set()

    def checkedNodes(self) -> list[slicer.vtkMRMLNode]:
        return [self._scene.GetNodeByID(nodeID) for nodeID in self._ids if nodeID in self._checked]

    def setCheckState(self, node: slicer.vtkMRMLNode, state: QtCore.Qt.CheckState) -> None:
        before = set(self._checked)
        if state == QtCore.Qt.CheckState.Checked:
            self._checked.add(node.GetID())
        else:
            self._checked.discard(node.GetID())
        if self._checked != before:
            self.checkedNodesChanged.emit()


CTK_WIDGETS = [ctkCollapsibleButton, ctkSliderWidget, ctkPathLineEdit]
SLICER_WIDGETS = [qMRMLWidget, qMRMLNodeComboBox, qMRMLCheckableNodeComboBox]
