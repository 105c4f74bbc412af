"""PythonQt's way of speaking to Qt, on PySide6: properties are attributes, signals are connected by their signature.

A property, signal or attribute that does not exist raises; PySide6 alone would accept a misspelled one in silence.
"""

import types
from collections.abc import Callable
from xml.etree import ElementTree

from PySide6 import QtCore, QtGui, QtUiTools, QtWidgets

# Qt's own code asks Python for these while it lays out a widget, so they stay methods here.
# QTimer.singleShot is a function in Slicer, which hides the property of the same name.
_LEFT_AS_METHODS = {"sizeHint", "minimumSizeHint", "singleShot"}
_TREES = (
    QtWidgets.QWidget,
    QtWidgets.QLayout,
    QtWidgets.QButtonGroup,
    QtGui.QAction,
    QtGui.QShortcut,
    QtCore.QTimer,
)


_plainSetAttribute = QtCore.QObject.__setattr__
_plainGetAttribute = QtCore.QObject.__getattribute__


class _PropertyAttribute:
    """A Qt property as an attribute of instances; on the class itself a function of the same name stays reachable."""

    def __init__(self, name: str, function: object = None) -> None:
        self._name, self._function = name, function

    def __get__(self, widget: QtCore.QObject | None, _owner: type) -> object:
        return self._function if widget is None else QtCore.QObject.property(widget, self._name)

    def __set__(self, widget: QtCore.QObject, value: object) -> None:
        if not QtCore.QObject.setProperty(widget, self._name, value):
            raise AttributeError(f"{type(widget).__name__}.{self._name} cannot be set to {value!r}")


def _isPropertyOf(cls: type, name: str) -> bool:
    found = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    return isinstance(found, _PropertyAttribute | QtCore.Property)


def _setAttribute(self: QtCore.QObject, name: str, value: object) -> None:
    """Set a property; only the stand-ins' own private members may be made."""
    # PySide6 itself keeps signals here, and QUiLoader the children that it makes, by their names.
    isChild = isinstance(value, QtCore.QObject) and QtCore.QObject.property(value, "objectName") == name
    isOfPySide = isinstance(value, QtCore.SignalInstance) or isChild
    if _isPropertyOf(type(self), name) or name.startswith("_") or isOfPySide:
        _plainSetAttribute(self, name, value)
    else:
        raise AttributeError(f"{type(self).__name__} has no property {name!r} that can be set")


def _getAttribute(self: QtCore.QObject, name: str) -> object:
    """Look an attribute up; PySide6 would find its own static connect() before any other."""
    if name in ("connect", "disconnect"):
        plain, own = _plainGetAttribute(self, name), _connect if name == "connect" else _disconnect

        def call(*arguments: object) -> object:
            # PySide6 itself comes by here with the sender as first argument.
            return own(self, *arguments) if isinstance(arguments[0], str) else plain(*arguments)

        return call
    return _plainGetAttribute(self, name)


def signalOf(self: QtCore.QObject, signature: str) -> QtCore.SignalInstance:
    """Return a signal by its C++ signature, as in "clicked(bool)"."""
    name = signature.partition("(")[0]
    allowed = getattr(type(self), "_allowedSignals", None)
    if allowed is not None:
        known = signature in allowed
    else:
        normalized = bytes(QtCore.QMetaObject.normalizedSignature(signature).data()).decode()
        known = self.metaObject().indexOfSignal(normalized) >= 0
    if not known:
        raise AttributeError(f"{type(self).__name__} has no signal {signature!r}")
    return getattr(self, name)


def _connect(self: QtCore.QObject, signature: str, receiver: Callable[..., object]) -> bool:
    signal = signalOf(self, signature)
    arguments = signature.partition("(")[2].rstrip(")")
    if arguments and "," not in arguments and "*" not in arguments and _isOverloaded(self, signature):
        signal = signal[arguments]
    signal.connect(receiver)
    return True


def _isOverloaded(self: QtCore.QObject, signature: str) -> bool:
    name = signature.partition("(")[0]
    meta = self.metaObject()
    signals = (meta.method(index) for index in range(meta.methodCount()))
    found = {
        bytes(method.parameterTypes()[0].data()).decode() if method.parameterCount() else ""
        for method in signals
        if method.methodType() == QtCore.QMetaMethod.MethodType.Signal and bytes(method.name().data()).decode() == name
    }
    # A default argument makes Qt list "clicked()" beside "clicked(bool)": the same signal to PySide6.
    return len(found - {""}) > 1


def _disconnect(self: QtCore.QObject, signature: str, receiver: Callable[..., object]) -> bool:
    return signalOf(self, signature).disconnect(receiver)


def _subclasses(cls: type) -> list[type]:
    return [cls] + [below for child in cls.__subclasses__() for below in _subclasses(child)]


def adapt() -> None:
    """Give all Qt classes of PySide6 the manners of PythonQt."""
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            getattr(module, name)  # PySide6 makes its classes on first use
    for cls in {cls for tree in _TREES for cls in _subclasses(tree)}:
        meta = cls.staticMetaObject
        for index in range(meta.propertyOffset(), meta.propertyCount()):
            name = meta.property(index).name()
            if name not in _LEFT_AS_METHODS and not isinstance(vars(cls).get(name), QtCore.Property):
                setattr(cls, name, _PropertyAttribute(name, vars(cls).get(name)))
        # Given to each class, because not every version of PySide6 passes these two on to its subclasses.
        cls.__getattribute__ = _getAttribute
        cls.__setattr__ = _setAttribute
    for tree in _TREES:
        tree.name = _PropertyAttribute("objectName")
        tree.objectName = _PropertyAttribute("objectName")
    QtCore.QObject.className = lambda self: self.metaObject().className()


def qtModule(customWidgets: list[type], catalog: dict[str, dict]) -> types.ModuleType:
    """Return the module that `import qt` finds.

    :param customWidgets: stand-ins that a .ui file may name.
    :param catalog: the members of the real ones by class name.
    """
    module = types.ModuleType("qt")
    for source in (QtCore, QtGui, QtWidgets):
        for name in dir(source):
            if name.startswith("Q") and not hasattr(module, name):
                setattr(module, name, getattr(source, name))

    class UiLoader(QtUiTools.QUiLoader):
        def __init__(self) -> None:
            super().__init__()
            for widget in customWidgets:
                self.registerCustomWidget(widget)

        def load(self, file: QtCore.QFile) -> QtWidgets.QWidget:
            return _loadChecked(super().load, bytes(file.readAll().data()), catalog)

    module.QUiLoader = UiLoader
    return module


def _loadChecked(
    load: Callable[[QtCore.QIODevice], QtWidgets.QWidget], text: bytes, catalog: dict[str, dict]
) -> QtWidgets.QWidget:
    """Build a .ui file's widgets, refusing properties and connections that the real widgets do not have."""
    root = ElementTree.fromstring(text)
    classes = {element.get("name"): element.get("class") for element in root.iter("widget")}
    for element in root.iter("widget"):
        members = catalog.get(element.get("class"))
        for item in element.findall("property"):
            known = members is None or item.get("stdset") == "0" or item.get("name") in members["properties"]
            if not known and not _isPropertyOf(QtWidgets.QWidget, item.get("name")):
                raise AttributeError(f"{element.get('class')} has no property {item.get('name')!r}")
    connections = root.find("connections")
    wires = [{part.tag: part.text for part in wire} for wire in connections] if connections is not None else []
    if connections is not None:
        root.remove(connections)
    buffer = QtCore.QBuffer()
    buffer.setData(ElementTree.tostring(root))
    buffer.open(QtCore.QIODevice.OpenModeFlag.ReadOnly)
    widget = load(buffer)
    ends = {child.name: child for child in [widget, *widget.findChildren(QtWidgets.QWidget)]}
    for wire in wires:
        sender, receiver = catalog[classes[wire["sender"]]], catalog[classes[wire["receiver"]]]
        if wire["signal"] not in sender["signals"] or wire["slot"] not in receiver["slots"]:
            raise AttributeError(f"{wire} names a signal or a slot that does not exist")
        signal = getattr(ends[wire["sender"]], wire["signal"].partition("(")[0])
        signal.connect(getattr(ends[wire["receiver"]], wire["slot"].partition("(")[0]))
    return widget
