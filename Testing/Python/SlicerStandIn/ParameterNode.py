"""A stand-in for slicer.parameterNodeWrapper: the types and widgets that the panel binds, with the same meaning.

A parameter lives as text or as a node reference in a vtkMRMLScriptedModuleNode; a value of the wrong type or outside
its range is refused; a widget that Slicer could not bind to a type is refused; a node is read from its reference.
"""

import enum
import math
import typing
from collections.abc import Callable
from pathlib import Path

import slicer
from PySide6 import QtCore, QtWidgets

from . import Widgets


class WithinRange:
    def __init__(self, minimum: float, maximum: float) -> None:
        self.minimum, self.maximum = minimum, maximum

    def validate(self, value: float) -> None:
        if not self.minimum <= value <= self.maximum:
            raise ValueError(f"{value} is outside {self.minimum} to {self.maximum}")


class Choice:
    def __init__(self, choices: list) -> None:
        self.choices = choices

    def validate(self, value: object) -> None:
        if value not in self.choices:
            raise ValueError(f"{value!r} is none of {self.choices}")


class Decimals:
    def __init__(self, value: int) -> None:
        self.value = value


class SingleStep:
    def __init__(self, value: float) -> None:
        self.value = value


class _Parameter:
    """One typed member of the wrapped class."""

    def __init__(self, name: str, hint: object, default: object) -> None:
        self.name = name
        self.type, *self.annotations = typing.get_args(hint) if typing.get_origin(hint) is typing.Annotated else [hint]
        self.isNode = isinstance(self.type, type) and issubclass(self.type, slicer.vtkMRMLNode)
        self.isEnum = isinstance(self.type, type) and issubclass(self.type, enum.Enum)
        if not (self.isNode or self.isEnum or self.type in (int, float, bool, str, Path)):
            raise TypeError(f"{name}: the stand-in knows no parameter of type {self.type}")
        self.default = default if default is not None else self._ownDefault()

    def _ownDefault(self) -> object:
        if self.isNode:
            return None
        return next(iter(self.type)) if self.isEnum else self.type()

    def annotation(self, kind: type) -> object:
        return next((item for item in self.annotations if isinstance(item, kind)), None)

    def validate(self, value: object) -> None:
        if value is None and not self.isNode:
            raise ValueError(f"{self.name} must not be None")
        accepted = (int, float) if self.type is float else self.type
        if value is not None and not isinstance(value, accepted):
            raise TypeError(f"{self.name} is a {self.type.__name__}, not {value!r}")
        for rule in self.annotations:
            if hasattr(rule, "validate"):
                rule.validate(value)

    def write(self, node: slicer.vtkMRMLScriptedModuleNode, value: object) -> None:
        self.validate(value)
        if self.isNode:
            node.SetParameter(self.name, "")
            node.SetNodeReferenceID(self.name, value.GetID() if value is not None else None)
        else:
            node.SetParameter(self.name, value.name if self.isEnum else str(value))

    def read(self, node: slicer.vtkMRMLScriptedModuleNode) -> object:
        if not node.HasParameter(self.name):
            self.write(node, self.default)
        if self.isNode:
            return node.GetNodeReference(self.name)
        text = node.GetParameter(self.name)
        if self.isEnum:
            return self.type[text]
        return text == "True" if self.type is bool else self.type(text)


def parameterNodeWrapper(cls: type) -> type:
    """Turn an annotated class into one whose members live in a parameter node."""
    hints = typing.get_type_hints(cls, include_extras=True)
    parameters = {name: _Parameter(name, hint, getattr(cls, name, None)) for name, hint in hints.items()}
    for name, parameter in parameters.items():
        read = lambda self, parameter=parameter: parameter.read(self.parameterNode)  # noqa: E731
        write = lambda self, value, parameter=parameter: _write(self.parameterNode, parameter, value)  # noqa: E731
        setattr(cls, name, property(read, write))

    def initialize(self: object, parameterNode: slicer.vtkMRMLScriptedModuleNode) -> None:
        self.__dict__.update(parameterNode=parameterNode, _guis={}, _updating=False)
        for parameter in parameters.values():
            parameter.read(parameterNode)

    def refuseUnknown(self: object, name: str, value: object) -> None:
        if name not in parameters and not name.startswith("_"):
            raise AttributeError(f"{cls.__name__} has no parameter {name!r}")
        object.__setattr__(self, name, value)

    cls.__init__ = initialize
    cls.__setattr__ = refuseUnknown
    cls.allParameters = parameters
    cls.default = lambda self, name: parameters[name].default
    cls.connectGui = _connectGui
    cls.disconnectGui = _disconnectGui
    cls.StartModify = lambda self: self.parameterNode.StartModify()
    cls.EndModify = lambda self, was: self.parameterNode.EndModify(was)
    cls.AddObserver = lambda self, event, call, priority=0.0: self.parameterNode.AddObserver(event, call, priority)
    cls.RemoveObserver = lambda self, tag: self.parameterNode.RemoveObserver(tag)
    cls.Modified = lambda self: self.parameterNode.Modified()
    return cls


def _write(node: slicer.vtkMRMLScriptedModuleNode, parameter: _Parameter, value: object) -> None:
    with slicer.util.NodeModify(node):
        parameter.write(node, value)


class _Connector:
    """One widget bound to one parameter: how it is read, written and heard."""

    def __init__(self, widget: QtWidgets.QWidget, parameter: _Parameter) -> None:
        self.widget, self.parameter = widget, parameter
        self.read, self.write, self.signal = self._binding(type(widget), parameter.type)

    def _binding(self, kind: type, valueType: type) -> tuple[Callable, Callable, QtCore.SignalInstance]:
        widget, parameter = self.widget, self.parameter
        if kind in (QtWidgets.QCheckBox, QtWidgets.QPushButton) and valueType is bool:
            if kind is QtWidgets.QPushButton and not widget.checkable:
                raise RuntimeError(f"{widget.name} must be checkable to hold a bool")
            return lambda: widget.checked, widget.setChecked, widget.toggled
        if kind is QtWidgets.QSpinBox and valueType is int:
            widget.setRange(*self._range(required=False))
            return lambda: widget.value, widget.setValue, widget.valueChanged
        if kind in (QtWidgets.QDoubleSpinBox, Widgets.ctkSliderWidget) and valueType in (int, float):
            decimals = parameter.annotation(Decimals)
            if valueType is int or decimals is not None:
                widget.decimals = 0 if valueType is int else decimals.value
            step = parameter.annotation(SingleStep)
            if step is not None:
                widget.singleStep = step.value
            widget.minimum, widget.maximum = self._range(required=kind is Widgets.ctkSliderWidget)
            return lambda: valueType(widget.value), widget.setValue, widget.valueChanged
        if kind is QtWidgets.QComboBox and (parameter.isEnum or parameter.annotation(Choice)):
            values = list(valueType) if parameter.isEnum else list(parameter.annotation(Choice).choices)
            label = getattr(valueType, "label", lambda value: value.name) if parameter.isEnum else str
            widget.clear()
            for value in values:
                widget.addItem(label(value))
            show = lambda value: widget.setCurrentIndex(values.index(value))  # noqa: E731
            return lambda: values[widget.currentIndex], show, widget.currentIndexChanged
        if kind is QtWidgets.QLineEdit and valueType is str:
            return lambda: widget.text, lambda v: v != widget.text and widget.setText(v), widget.textChanged
        if kind is Widgets.ctkPathLineEdit and valueType is Path:
            return (
                lambda: Path(widget.currentPath),
                lambda path: widget.setCurrentPath(str(path)),
                widget.currentPathChanged,
            )
        if kind is Widgets.qMRMLNodeComboBox and parameter.isNode:
            widget.nodeTypes = [valueType.__name__]
            return widget.currentNode, widget.setCurrentNode, widget.currentNodeChanged
        raise RuntimeError(f"Slicer cannot bind a {kind.__name__} to {parameter.name}: {valueType.__name__}")

    def _range(self, required: bool) -> tuple[float, float]:
        rule = self.parameter.annotation(WithinRange)
        if rule is None and required:
            raise RuntimeError(f"{self.parameter.name} needs a range to be bound to {self.widget.name}")
        return (rule.minimum, rule.maximum) if rule else (-(2**31), 2**31 - 1)

    def update(self, value: object) -> None:
        current = self.read()
        same = current is value if self.parameter.isNode else current == value
        if isinstance(value, float) and isinstance(current, float):
            same = math.isclose(value, current, abs_tol=1e-9)
        if not same:
            self.write(value)


def _connectGui(self: object, gui: object) -> int:
    connectors = []
    for widget in vars(gui).values():
        name = widget.property("SlicerParameterName")
        if not name:
            continue
        if name not in self.allParameters:
            raise ValueError(f"{widget.name} names the parameter {name!r}, which does not exist")
        connectors.append(_Connector(widget, self.allParameters[name]))
    heard = []
    for connector in connectors:
        connector.write(connector.parameter.read(self.parameterNode))

        def onChanged(*_: object, connector: _Connector = connector) -> None:
            if not self._updating:
                _write(self.parameterNode, connector.parameter, connector.read())

        connector.signal.connect(onChanged)
        heard.append((connector.signal, onChanged))

    def onModified(*_: object) -> None:
        if self._updating:
            return
        self._updating = True
        try:
            with slicer.util.NodeModify(self.parameterNode):
                for connector in connectors:
                    connector.update(connector.parameter.read(self.parameterNode))
        finally:
            self._updating = False

    tag = len(self._guis)
    self._guis[tag] = (self.parameterNode.AddObserver("ModifiedEvent", onModified), heard)
    return tag


def _disconnectGui(self: object, tag: int | None) -> None:
    if tag in self._guis:
        observer, heard = self._guis.pop(tag)
        self.parameterNode.RemoveObserver(observer)
        for signal, receiver in heard:
            signal.disconnect(receiver)
