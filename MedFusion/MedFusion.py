"""The Slicer module: its entry in the application, its panel, its self test."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import qt
import slicer
import vtk
from slicer.i18n import tr as _
from slicer.i18n import translate
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

if TYPE_CHECKING:
    from MedFusionLib.Core.Fusion.Fusion import FusionResult
    from MedFusionLib.Core.Progress import Progress
    from MedFusionLib.Core.Registration.RegistrationResult import RegistrationResult
    from MedFusionLib.Core.Tumor.TumorSegmentation import TumorResult
    from MedFusionLib.Widgets.ParameterNode import MedFusionParameterNode
    from MedFusionLib.Workflow.Guide import Card
    from MedFusionLib.Workflow.PlaceMode import PlaceMode
    from MedFusionLib.Workflow.Steps import Steps

# Slicer runs this file at every start: MedFusionLib, and with it numpy and SimpleITK, arrive inside methods only.


_TUTORIAL = "https://github.com/MedFusion/SlicerMedFusion/blob/main/Docs/Tutorial.md"


class MedFusion(ScriptedLoadableModule):
    """The module as the application lists it."""

    def __init__(self, parent: object) -> None:
        ScriptedLoadableModule.__init__(self, parent)
        self.parent.title = _("MedFusion")
        self.parent.categories = [translate("qSlicerAbstractCoreModule", "Registration")]
        self.parent.dependencies = ["Markups", "Segmentations", "Volumes"]
        self.parent.contributors = ["MedFusion contributors"]
        self.parent.helpText = _(
            "Register an MRI to a CT by landmarks, fuse both by wavelets, and outline and measure a tumor. "
            "Work through the sections from top to bottom. To try it, choose MedFusion phantom in the Sample Data "
            "module, or CT-MR Brain for real images. Not a medical device."
        )
        self.parent.helpText += f' <a href="{_TUTORIAL}">{_("Tutorial, step by step")}</a>.'
        self.parent.acknowledgementText = _("The methods are cited where they are used; see the report of each run.")
        slicer.app.connect("startupCompleted()", registerSampleData)
        slicer.app.connect("startupCompleted()", describeComparison)


def describeComparison() -> None:
    """Tell the application what the layout of the comparison is; scenes saved by earlier versions carry its number."""
    from MedFusionLib.Widgets.ComparisonLayout import describeLayout

    describeLayout(slicer.app.layoutManager().layoutLogic().GetLayoutNode())


def registerSampleData() -> None:
    """Add the phantom to the Sample Data module; it is computed here, nothing is downloaded."""
    import SampleData

    icon = os.path.join(os.path.dirname(__file__), "Resources", "Icons", "MedFusion.png")
    logic = SampleData.SampleDataLogic
    if hasattr(logic, "registerCustomSampleDataCategory"):  # Slicer 5.10 takes the category's name as its title
        logic.registerCustomSampleDataCategory("MedFusion", title=_("MedFusion"))
    logic.registerCustomSampleDataSource(
        category="MedFusion",
        sampleName="MedFusion phantom",
        uris="",
        fileNames="",
        nodeNames="",
        customDownloader=downloadPhantom,
        thumbnailFileName=icon,
    )


def downloadPhantom(_source: object = None) -> list[slicer.vtkMRMLNode]:
    """Make the phantom when the user clicks on it in the Sample Data module, and show it."""
    from MedFusionLib.Widgets.SliceViews import SliceViews

    nodes = loadPhantom()
    if nodes:
        views = SliceViews(slicer.app, MedFusionWidget.later)
        views.show(views.ordinary(), nodes[0], nodes[1])
    return nodes or []


def loadPhantom(spacingFactor: float = 1.0) -> list[slicer.vtkMRMLNode]:
    """Add the phantom's CT, MRI and landmark lists to the scene and return the nodes.

    :param spacingFactor: 2 makes voxels twice as large, for quick tests.
    """
    from MedFusionLib.Core.Phantom import makePhantom
    from MedFusionLib.Scene.PhantomNodes import addPhantom

    with slicer.util.tryWithErrorDisplay(_("The phantom could not be made."), waitCursor=True):
        return addPhantom(slicer.mrmlScene, makePhantom(spacingFactor=spacingFactor))


class MedFusionWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel: it owns the parameter node and the sections, each of which connects and mirrors its own part."""

    def __init__(self, parent: object = None) -> None:
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = None
        self.parameterNode = None
        self.sections = []
        self._guiTag = None
        # The card of the next step.
        self._card: Card | None = None
        # The parameter node of the scene, also while another module is shown and self.parameterNode is None.
        self._followed: slicer.vtkMRMLScriptedModuleNode | None = None

    def setup(self) -> None:
        """Build the panel when the module is opened for the first time."""
        ScriptedLoadableModuleWidget.setup(self)
        from MedFusionLib.Widgets.Consent import Consent
        from MedFusionLib.Widgets.EscapeKey import EscapeKey
        from MedFusionLib.Widgets.FuseSection import FuseSection
        from MedFusionLib.Widgets.LandmarksSection import LandmarksSection
        from MedFusionLib.Widgets.RegisterSection import RegisterSection
        from MedFusionLib.Widgets.ResultsSection import ResultsSection
        from MedFusionLib.Widgets.Runner import Runner
        from MedFusionLib.Widgets.SliceViews import SliceViews
        from MedFusionLib.Widgets.TumorSection import TumorSection
        from MedFusionLib.Widgets.VolumesSection import VolumesSection

        self.uiWidget = slicer.util.loadUI(self.resourcePath("UI/MedFusion.ui"))
        self.layout.addWidget(self.uiWidget)
        self.ui = slicer.util.childWidgetVariables(self.uiWidget)
        self.scene = slicer.mrmlScene
        self.uiWidget.setMRMLScene(self.scene)
        self.logic = MedFusionLogic()
        self.views = SliceViews(slicer.app, self.later)
        self.escapeKey = EscapeKey(self)
        self.runner = Runner(self)
        self.consent = Consent(self)
        self.registerSection = RegisterSection(self)
        self.landmarksSection = LandmarksSection(self)
        self.tumorSection = TumorSection(self)
        self.resultsSection = ResultsSection(self)
        self.sections = [
            VolumesSection(self),
            self.landmarksSection,
            self.registerSection,
            FuseSection(self),
            self.tumorSection,
            self.resultsSection,
        ]
        scene = self.scene
        self.addObserver(scene, scene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(scene, scene.EndCloseEvent, self.onSceneEndClose)
        self.addObserver(scene, scene.StartImportEvent, self.onSceneStartImport)
        self.addObserver(scene, scene.EndImportEvent, self.onSceneEndClose)
        # Before the selectors, which would let a neighbor take the place of their node.
        self.addObserver(scene, scene.NodeAboutToBeRemovedEvent, self.onNodeAboutToBeRemoved, priority=10.0)
        self.initializeParameterNode()

    @staticmethod
    def later(work: Callable[[], None]) -> None:
        """Run something after the present event."""
        qt.QTimer.singleShot(0, work)

    def placeMode(self, onEndedByUser: Callable[[], None]) -> "PlaceMode":
        """Return the application's mouse for placing points."""
        from MedFusionLib.Workflow.PlaceMode import PlaceMode

        applicationLogic = slicer.app.applicationLogic()
        nodes = (applicationLogic.GetInteractionNode(), applicationLogic.GetSelectionNode())
        return PlaceMode(*nodes, onEndedByUser, self.escapeKey.onSwitched)

    def cleanup(self) -> None:
        """Let go of everything when the application closes or the module is reloaded."""
        self.runner.cancel()
        self.setParameterNode(None)
        for section in self.sections:
            section.cleanup()
        self.escapeKey.cleanup()
        self.removeObservers()

    def enter(self) -> None:
        """Show the module."""
        self.initializeParameterNode()

    def exit(self) -> None:
        """Leave the module: the views get their former layout back, nothing is placed any more."""
        self.setParameterNode(None)

    def onReload(self) -> None:
        """Reload the module with its library, for developers."""
        for name in [name for name in sys.modules if name.partition(".")[0] == "MedFusionLib"]:
            del sys.modules[name]
        ScriptedLoadableModuleWidget.onReload(self)

    def onSceneStartClose(self, caller: object, event: str) -> None:
        """Stop using the scene's nodes before they go."""
        self.onSceneStartImport(caller, event)
        self._followed = None
        self.logic.forget()

    def onSceneStartImport(self, _caller: object, _event: str) -> None:
        """Let go of the parameter node, which the loaded scene may replace."""
        self.runner.cancel()
        self.setParameterNode(None)

    def onSceneEndClose(self, _caller: object, _event: str) -> None:
        """Go on with the new scene."""
        if self.parent.isEntered:
            self.initializeParameterNode()

    @vtk.calldata_type(vtk.VTK_OBJECT)
    def onNodeAboutToBeRemoved(self, _caller: object, _event: str, node: slicer.vtkMRMLNode | None = None) -> None:
        """Let the roles of a node that goes become empty, also while another module is shown."""
        from MedFusionLib.Workflow.Parameters import forgetNode

        if node is None or self.scene.IsClosing() or self._followed is None:
            return
        if node is self._followed:
            self._followed = None
            return
        forgetNode(self._followed, node)
        self.later(self.onParametersModified)

    def initializeParameterNode(self) -> None:
        """Use the scene's parameter node, and guess the volumes if none was ever chosen."""
        from MedFusionLib.Workflow.Parameters import mayGuess

        parameters = self.logic.getParameterNode()
        if self.parameterNode is None or self.parameterNode.parameterNode is not parameters.parameterNode:
            self.setParameterNode(parameters)
        if self.parameterNode.outputFolder == Path():
            documents = qt.QStandardPaths.writableLocation(qt.QStandardPaths.DocumentsLocation)
            self.parameterNode.outputFolder = Path(documents) / "MedFusion results"
        if mayGuess(self.parameterNode):
            self.logic.guessVolumes(self.parameterNode)

    def setParameterNode(self, parameterNode: "MedFusionParameterNode | None") -> None:
        """Show another parameter node, or none."""
        modified = vtk.vtkCommand.ModifiedEvent
        if self.parameterNode is not None:
            self.parameterNode.disconnectGui(self._guiTag)
            self.removeObserver(self.parameterNode.parameterNode, modified, self.onParametersModified)
            for section in self.sections:
                section.leave()
        self.parameterNode = parameterNode
        if parameterNode is not None:
            self._followed = parameterNode.parameterNode
            self._guiTag = parameterNode.connectGui(self.ui)
            self.addObserver(parameterNode.parameterNode, modified, self.onParametersModified)
            for section in self.sections:
                section.enter()
            self.onParametersModified()

    def loadPhantom(self) -> None:
        """Load the phantom and choose its volumes and landmarks."""
        nodes = downloadPhantom()
        if nodes and self.parameterNode is not None:
            with slicer.util.NodeModify(self.parameterNode.parameterNode):
                roles = ("fixedVolume", "movingVolume", "fixedLandmarks", "movingLandmarks")
                for role, node in zip(roles, nodes, strict=True):
                    setattr(self.parameterNode, role, node)

    def showNextStep(self) -> None:
        """Say what to do next, and open its card when the step before is done."""
        from MedFusionLib.Workflow.Guide import nextStep

        step = nextStep(self.parameterNode, self.resultsSection.isSaved, self.logic.outOfDate(self.parameterNode))
        self.ui.guideLabel.visible = step is not None
        if step is not None:
            self.ui.guideLabel.text = f"<b>{_('Next:')}</b> {step.sentence}"
        card = step.card if step is not None else None
        if card is not self._card and card is not None and self._card is not None:
            getattr(self.ui, f"{card.value}CollapsibleButton").collapsed = False
        self._card = card

    def onParametersModified(self, _caller: object = None, _event: str | None = None) -> None:
        """Bring all sections up to date with the parameter node."""
        for section in self.sections:
            if self.parameterNode is not None:
                section.update()
        if self.parameterNode is not None and not self.runner.isRunning:
            self.showNextStep()


class MedFusionLogic(ScriptedLoadableModuleLogic):
    """What the panel does, without the panel: scripts can call these steps with a parameter node."""

    def __init__(self) -> None:
        ScriptedLoadableModuleLogic.__init__(self)
        self._steps: Steps | None = None

    @property
    def steps(self) -> "Steps":
        """Return the steps, made on first use: an empty panel opens without all that computes."""
        from MedFusionLib.Workflow.Steps import Steps
        from MedFusionLib.Workflow.VolumeHeaders import VolumeHeaders

        if self._steps is None:
            # The database is opened after the modules are loaded, and another one can be chosen at any time.
            self._steps = Steps(slicer.mrmlScene, VolumeHeaders(lambda: getattr(slicer, "dicomDatabase", None)))
        return self._steps

    def forget(self) -> None:
        """Drop all results, because the scene is closed."""
        if self._steps is not None:
            self._steps.forget()

    def getParameterNode(self) -> "MedFusionParameterNode":
        """Return the scene's parameter node, made if there is none."""
        from MedFusionLib.Widgets.ParameterNode import MedFusionParameterNode

        return MedFusionParameterNode(super().getParameterNode())

    def outOfDate(self, parameters: "MedFusionParameterNode") -> "set[Card]":
        """Return the cards whose results no longer fit what they were made from."""
        from MedFusionLib.Workflow.Guide import Card

        if self._steps is None:
            return set()
        states = {
            Card.register: self._steps.isRegistrationOutOfDate(parameters),
            Card.fuse: self._steps.isFusionOutOfDate(parameters),
        }
        return {card for card, isStale in states.items() if isStale}

    def guessVolumes(self, parameters: "MedFusionParameterNode") -> None:
        """Choose CT and MRI among the volumes of the scene."""
        from MedFusionLib.Workflow.VolumeGuess import guessVolumes

        guessVolumes(slicer.mrmlScene, parameters)

    def register(
        self, parameters: "MedFusionParameterNode", progress: "Progress | None" = None
    ) -> "RegistrationResult":
        """Bring the MRIs to the CT and return the RegistrationResult."""
        return self.steps.register(parameters, progress)

    def fuse(self, parameters: "MedFusionParameterNode", progress: "Progress | None" = None) -> "FusionResult":
        """Fuse the CT and the MRIs and return the FusionResult."""
        return self.steps.fuse(parameters, progress)

    def segment(self, parameters: "MedFusionParameterNode", progress: "Progress | None" = None) -> "TumorResult":
        """Outline the tumor and return the TumorResult."""
        return self.steps.segment(parameters, progress)

    def save(self, parameters: "MedFusionParameterNode", replace: bool, progress: "Progress | None" = None) -> Path:
        """Write everything into the output folder and return the report's path."""
        return self.steps.save(parameters, replace, progress)


class MedFusionTest(ScriptedLoadableModuleTest):
    """The self test that Reload and Test runs: the whole chain on a small phantom, against its truth."""

    def setUp(self) -> None:
        slicer.mrmlScene.Clear()

    def runTest(self) -> None:
        """Run everything."""
        self.setUp()
        self.test_chain_on_phantom_reaches_its_truth()

    def test_chain_on_phantom_reaches_its_truth(self) -> None:
        self.delayDisplay("Making the phantom")
        from MedFusionLib.Widgets.SelfTest import runChainOnPhantom

        logic = MedFusionLogic()
        errorAtTumor, tumorMl, trueMl = runChainOnPhantom(logic, loadPhantom(spacingFactor=2.0))
        self.assertLess(errorAtTumor, 3.0)
        self.assertLess(abs(tumorMl - trueMl), 0.4 * trueMl)
        self.delayDisplay("Test passed")
