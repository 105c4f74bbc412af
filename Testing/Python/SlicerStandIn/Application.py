"""The services of the running application that the panel asks for, and the modules that it imports."""

import importlib.util
import logging
import sys
import types
import unittest
from collections.abc import Callable
from pathlib import Path

import slicer
import slicer.util
import vtk
from MedFusionLib.Scene.Session import Session
from PySide6 import QtCore, QtGui, QtWidgets

from . import ParameterNode, PythonQt, Widgets

MODULE_FILE = Path(__file__).resolve().parents[3] / "MedFusion" / "MedFusion.py"
_running: "StandIn | None" = None


class _ModuleManager:
    def __init__(self) -> None:
        self.receivers: list[tuple[str, Callable]] = []

    def connect(self, signature: str, receiver: Callable[..., object]) -> None:
        if signature not in ("moduleAboutToBeUnloaded(QString)", "moduleLoaded(QString)"):
            raise AttributeError(f"qSlicerModuleManager has no signal {signature!r}")
        self.receivers.append((signature, receiver))

    def disconnect(self, signature: str, receiver: Callable[..., object]) -> None:
        self.receivers.remove((signature, receiver))


class _LayoutManager:
    """The view layouts, with Slicer's own layout logic and slice logics behind them."""

    def __init__(self, applicationLogic: slicer.vtkSlicerApplicationLogic, scene: slicer.vtkMRMLScene) -> None:
        self._scene = scene
        self._sliceLogics = vtk.vtkCollection()
        self.withController: list[slicer.vtkMRMLSliceLogic] = []
        self._threeDWidget = _ThreeDWidget()
        applicationLogic.SetSliceLogics(self._sliceLogics)
        self._logic = slicer.vtkMRMLLayoutLogic()
        self._logic.SetMRMLScene(scene)
        self.setLayout(slicer.vtkMRMLLayoutNode.SlicerLayoutFourUpView)

    def layoutLogic(self) -> slicer.vtkMRMLLayoutLogic:
        return self._logic

    @property
    def layout(self) -> int:
        return self._logic.GetLayoutNode().GetViewArrangement()

    @layout.setter
    def layout(self, value: int) -> None:
        self.setLayout(value)

    def setLayout(self, value: int) -> None:
        for index in range(self._scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
            self._scene.GetNthNodeByClass(index, "vtkMRMLSliceNode").SetMappedInLayout(False)
        self._logic.GetLayoutNode().SetViewArrangement(value)
        shown = self._logic.GetViewNodes()
        for index in range(shown.GetNumberOfItems()):
            shown.GetItemAsObject(index).SetMappedInLayout(True)
        self.createSliceLogics()
        for index in range(self._sliceLogics.GetNumberOfItems()):
            logic = self._sliceLogics.GetItemAsObject(index)
            if logic.GetSliceNode().IsMappedInLayout() and logic not in self.withController:
                # The controller of a new view delivers its offset, 0, after the present event.
                self.withController.append(logic)
                QtCore.QTimer.singleShot(0, lambda logic=logic: logic.SetSliceOffset(0.0))

    def createSliceLogics(self) -> None:
        have = self.sliceViewNames()
        for index in range(self._scene.GetNumberOfNodesByClass("vtkMRMLSliceNode")):
            node = self._scene.GetNthNodeByClass(index, "vtkMRMLSliceNode")
            if node.GetLayoutName() not in have:
                logic = slicer.vtkMRMLSliceLogic()
                logic.SetMRMLScene(self._scene)
                logic.SetSliceNode(node)
                self._sliceLogics.AddItem(logic)

    def sliceViewNames(self) -> list[str]:
        logics = (self._sliceLogics.GetItemAsObject(i) for i in range(self._sliceLogics.GetNumberOfItems()))
        return [logic.GetSliceNode().GetLayoutName() for logic in logics]

    def resetSliceViews(self) -> None:
        pass

    def resetThreeDViews(self) -> None:
        pass

    @property
    def threeDViewCount(self) -> int:
        return 1

    def threeDWidget(self, index: int) -> "_ThreeDWidget":
        if index != 0:
            raise IndexError(f"There is no 3D widget {index}")
        return self._threeDWidget


class _ThreeDView:
    """A 3D view, as far as it counts how often it was centered."""

    def __init__(self) -> None:
        self.centered = 0

    def resetFocalPoint(self) -> None:
        self.centered += 1


class _ThreeDWidget:
    def __init__(self) -> None:
        self._view = _ThreeDView()

    def threeDView(self) -> _ThreeDView:
        return self._view


class _Application:
    """slicer.app, as far as the panel knows it."""

    isStandIn = True
    applicationName = "Slicer"

    def __init__(self, qtApplication: QtWidgets.QApplication, session: Session) -> None:
        self._qt, self._session = qtApplication, session
        self.startupReceivers: list[Callable[..., object]] = []
        self._modules, self._layouts = _ModuleManager(), _LayoutManager(session.applicationLogic, session.scene)

    def connect(self, signature: str, receiver: Callable[..., object]) -> None:
        if signature != "startupCompleted()":
            raise AttributeError(f"qSlicerApplication has no signal {signature!r}")
        self.startupReceivers.append(receiver)

    def testingEnabled(self) -> bool:
        return True

    def translate(self, _context: str, text: str) -> str:
        return text

    def processEvents(self) -> None:
        self._qt.processEvents()

    def moduleManager(self) -> _ModuleManager:
        return self._modules

    def layoutManager(self) -> _LayoutManager:
        return self._layouts

    def applicationLogic(self) -> slicer.vtkSlicerApplicationLogic:
        return self._session.applicationLogic

    def setOverrideCursor(self, cursor: QtGui.QCursor) -> None:
        self._qt.setOverrideCursor(cursor)

    def restoreOverrideCursor(self) -> None:
        self._qt.restoreOverrideCursor()

    def pauseRender(self) -> None:
        pass

    def resumeRender(self) -> None:
        pass


class _Module:
    """What slicer.modules holds for a loaded module."""

    def __init__(self, logic: object) -> None:
        self._logic = logic

    def logic(self) -> object:
        return self._logic


class StandIn:
    """The running stand-in: what a test asks it for."""

    def __init__(self) -> None:
        PythonQt.adapt()
        self.qtApplication = QtWidgets.QApplication.instance() or QtWidgets.QApplication([])
        self.qtApplication.setStyle("Fusion")
        self.mainWindow = QtWidgets.QMainWindow()
        self.session = Session()
        self.scene = self.session.scene
        self.displayed: list[tuple[str, str]] = []
        self.answer = True
        self.opened: list[str] = []
        self.selectedModule = ""
        self.installed: list[str] = []
        self._provideModules()

    def _provideModules(self) -> None:
        qtModule = PythonQt.qtModule(Widgets.CTK_WIDGETS + Widgets.SLICER_WIDGETS, Widgets.CATALOG)
        qtModule.QDesktopServices = types.SimpleNamespace(
            openUrl=lambda url: self.opened.append(url.toString()) or True
        )
        ctk = types.ModuleType("ctk")
        for widget in Widgets.CTK_WIDGETS:
            setattr(ctk, widget.__name__, widget)
        for widget in Widgets.SLICER_WIDGETS:
            setattr(slicer, widget.__name__, widget)
        slicer.mrmlScene = self.scene
        slicer.app = _Application(self.qtApplication, self.session)
        slicer.modules = types.SimpleNamespace(markups=_Module(self.session.logic("Markups")))
        self._replaceInUtil()
        sampleData = types.ModuleType("SampleData")
        sampleData.SampleDataLogic = _SampleDataLogic
        modules = {
            "qt": qtModule,
            "ctk": ctk,
            "SampleData": sampleData,
            "slicer.ScriptedLoadableModule": _scriptedLoadableModule(),
            "slicer.parameterNodeWrapper": ParameterNode,
            "slicer.packaging": self._packaging(),
            "slicer.i18n": types.SimpleNamespace(tr=lambda text: text, translate=lambda _context, text: text),
        }
        for name, module in modules.items():
            sys.modules[name] = module
            if name.startswith("slicer."):
                setattr(slicer, name.partition(".")[2], module)

    def _replaceInUtil(self) -> None:
        """Replace what slicer.util delegates to the main window, and record what a user would see."""
        for kind in ("info", "warning", "error"):
            setattr(slicer.util, f"{kind}Display", lambda text, kind=kind, **_: self.displayed.append((kind, text)))
        slicer.util.confirmOkCancelDisplay = lambda text, **_: self.displayed.append(("confirm", text)) or self.answer
        slicer.util.confirmYesNoDisplay = slicer.util.confirmOkCancelDisplay
        slicer.util.showStatusMessage = lambda text, duration=0: self.displayed.append(("status", text))
        slicer.util.selectModule = lambda name: setattr(self, "selectedModule", name)
        slicer.util.settingsValue = lambda key, default, **_: default
        slicer.util.modulePath = lambda name: str(MODULE_FILE)
        slicer.util.mainWindow = lambda: self.mainWindow
        slicer.util.delayDisplay = lambda message, autoCloseMsec=0, **_: logging.info(message)
        slicer.util.resetSliceViews = lambda: None
        slicer.util.resetThreeDViews = lambda: None

    def _packaging(self) -> types.SimpleNamespace:
        def pipEnsure(requirements: list[str], requester: str | None = None) -> None:
            self.installed.extend(requirements)

        def loadRequirements(path: str | Path) -> list[str]:
            lines = Path(path).read_text(encoding="utf-8").splitlines()
            return [line.strip() for line in lines if line.strip() and not line.startswith("#")]

        return types.SimpleNamespace(pip_ensure=pipEnsure, load_requirements=loadRequirements)

    def moduleFile(self) -> types.ModuleType:
        """Return MedFusion.py, loaded as the application loads it."""
        if "MedFusion" not in sys.modules:
            spec = importlib.util.spec_from_file_location("MedFusion", MODULE_FILE)
            sys.modules["MedFusion"] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(sys.modules["MedFusion"])
        return sys.modules["MedFusion"]

    def openPanel(self) -> tuple[QtWidgets.QWidget, object]:
        """Return the module panel's window and its widget class, set up and entered."""
        parent = Widgets.qMRMLWidget()
        parent.setLayout(QtWidgets.QVBoxLayout())
        parent.setMRMLScene(self.scene)
        PythonQt._plainSetAttribute(parent, "isEntered", True)
        widget = self.moduleFile().MedFusionWidget(parent)
        widget.setup()
        widget.enter()
        self.settle()
        return parent, widget

    def closePanel(self, parent: QtWidgets.QWidget, widget: object) -> None:
        """Leave the module and destroy its panel."""
        widget.exit()
        widget.cleanup()
        slicer.app.moduleManager().disconnect("moduleAboutToBeUnloaded(QString)", widget._onModuleAboutToBeUnloaded)
        widget.uiWidget.setMRMLScene(None)
        parent.deleteLater()
        self.settle()

    def settle(self) -> None:
        """Let timers and queued events run."""
        for _ in range(3):
            self.qtApplication.processEvents()
            QtCore.QCoreApplication.sendPostedEvents(None, QtCore.QEvent.Type.DeferredDelete)

    def clearScene(self) -> None:
        """Close the scene as File / Close scene does."""
        self.scene.Clear(0)
        slicer.app.layoutManager().createSliceLogics()
        slicer.app.layoutManager().withController.clear()  # as if each test had an application of its own
        self.settle()


class _SampleDataLogic:
    """The registry of the Sample Data module."""

    sources: dict[str, dict] = {}

    @staticmethod
    def registerCustomSampleDataCategory(category: str, title: str) -> None:
        pass

    @staticmethod
    def registerCustomSampleDataSource(
        category: str = "Custom",
        sampleName: str | None = None,
        uris: str | list[str] | None = None,
        fileNames: str | list[str] | None = None,
        nodeNames: str | list[str] | None = None,
        customDownloader: Callable | None = None,
        thumbnailFileName: str | None = None,
        loadFileTypes: str | list[str] | None = None,
        loadFiles: bool | list[bool] | None = None,
        loadFileProperties: dict | None = None,
        checksums: str | list[str] | None = None,
        loadFileType: str | None = None,
    ) -> None:
        _SampleDataLogic.sources[sampleName] = {"category": category, "customDownloader": customDownloader}


def _scriptedLoadableModule() -> types.ModuleType:
    """Return the base classes of a scripted module."""

    class ScriptedLoadableModule:
        def __init__(self, parent: object) -> None:
            self.parent, self.moduleName = parent, type(self).__name__

    class ScriptedLoadableModuleWidget:
        def __init__(self, parent: QtWidgets.QWidget | None = None) -> None:
            super().__init__()
            self.moduleName = type(self).__name__.removesuffix("Widget")
            self.parent, self.layout = parent, parent.layout()
            slicer.app.moduleManager().connect("moduleAboutToBeUnloaded(QString)", self._onModuleAboutToBeUnloaded)

        def resourcePath(self, name: str) -> str:
            return str(MODULE_FILE.parent / "Resources" / name)

        def setup(self) -> None:
            pass

        def cleanup(self) -> None:
            pass

        def _onModuleAboutToBeUnloaded(self, moduleName: str) -> None:
            if moduleName == self.moduleName:
                self.cleanup()

    class ScriptedLoadableModuleLogic:
        def __init__(self, parent: object = None) -> None:
            super().__init__()
            self.moduleName = type(self).__name__.removesuffix("Logic")
            self.isSingletonParameterNode = True

        def getParameterNode(self) -> slicer.vtkMRMLScriptedModuleNode:
            for node in self.getAllParameterNodes():
                return node
            return slicer.mrmlScene.AddNode(self.createParameterNode())

        def getAllParameterNodes(self) -> list[slicer.vtkMRMLScriptedModuleNode]:
            nodes = slicer.util.getNodesByClass("vtkMRMLScriptedModuleNode", slicer.mrmlScene)
            return [node for node in nodes if node.GetAttribute("ModuleName") == self.moduleName]

        def createParameterNode(self) -> slicer.vtkMRMLScriptedModuleNode:
            node = slicer.vtkMRMLScriptedModuleNode()
            if self.isSingletonParameterNode:
                node.SetSingletonTag(self.moduleName)
            node.SetAttribute("ModuleName", self.moduleName)
            node.SetName(slicer.mrmlScene.GenerateUniqueName(self.moduleName))
            return node

    class ScriptedLoadableModuleTest(unittest.TestCase):
        def delayDisplay(self, message: str, requestedDelay: int | None = None, msec: int | None = None) -> None:
            logging.info(message)

    module = types.ModuleType("slicer.ScriptedLoadableModule")
    for cls in (
        ScriptedLoadableModule,
        ScriptedLoadableModuleWidget,
        ScriptedLoadableModuleLogic,
        ScriptedLoadableModuleTest,
    ):
        setattr(module, cls.__name__, cls)
    module.__all__ = [name for name in vars(module) if name.startswith("Scripted")]
    return module


def start() -> StandIn:
    """Return the one stand-in of this process."""
    global _running
    if _running is None:
        _running = StandIn()
    return _running
