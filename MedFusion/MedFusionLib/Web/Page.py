"""What the page can be told to do, on the steps and lists that the panel uses."""

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path

import slicer
from trame_server import Server

from ..Core.Images.ValueJudgment import checkNotExchanged, judgeImage
from ..Core.Inputs.VolumeFiles import readVolume, volumeName
from ..Core.Phantom import makePhantom
from ..Core.Progress import Progress
from ..Core.Registration.RegistrationResult import RegistrationResult
from ..Scene.NodeFiles import addVolume
from ..Scene.PhantomNodes import addPhantom
from ..Scene.SceneNodes import nodesOfClass
from ..Workflow.Parameters import FusionChoice, RegistrationModel, TumorChoice, registrationOf, tumorCenter
from ..Workflow.PlaceMode import PlaceMode
from ..Workflow.RegistrationTexts import registrationCard
from ..Workflow.Steps import Steps
from ..Workflow.Texts import measurementRows
from ..Workflow.TumorPointing import Pointed, TumorPointing
from ..Workflow.VolumeDoubts import answerOrientation, orientationQuestions
from ..Workflow.VolumeGuess import guessVolumes
from .Folder import WorkFolder
from .Later import later
from .PageHeaders import PageHeaders
from .PageLandmarks import PageLandmarks
from .PageOutline import PageOutline
from .PageOverlay import Overlay, PageOverlay
from .PageParameters import PageParameters
from .PageTargets import PageTargets
from .Views import COMPARISON, FIXED_VIEWS, FUSED_VIEWS, FUSION, MOVING_VIEWS, Views
from .Work import Work

_LAYOUT_SECONDS = 0.5  # what a browser takes to give the views of another layout their size


class Page:
    """The commands of the page and the state that it shows."""

    def __init__(self, server: Server, views: Views, folder: WorkFolder) -> None:
        self.state, self.views, self.folder = server.state, views, folder
        self.scene: slicer.vtkMRMLScene = views.app.scene
        self.work = Work(server, views)
        self._begin()

    def _begin(self) -> None:
        """Take up the scene as it is."""
        self.parameters = PageParameters(self.scene)
        self.headers = PageHeaders()
        self.steps = Steps(self.scene, self.headers)
        self.overlay = PageOverlay(self)
        self.outlines = PageOutline(self)
        self.targets = PageTargets(self)
        self.landmarks = PageLandmarks(self)
        self.pointing = TumorPointing(self.scene, self._showPointing, self.mouse)
        self.pointing.watch(self.parameters)
        self.landmarks.watch()
        self.refresh()

    def mouse(self, onEnded: Callable[[], None]) -> PlaceMode:
        interaction = self.scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
        selection = self.scene.GetNodeByID("vtkMRMLSelectionNodeSingleton")
        return PlaceMode(interaction, selection, onEnded)

    # Volumes

    async def openPhantom(self) -> None:
        """Put the synthetic head in place of what is there."""
        phantom = await self.work.run("Making the phantom", lambda _: makePhantom())
        if phantom is not None:
            self._replaceScene(lambda: addPhantom(self.scene, phantom))

    async def openVolumes(self, ct: str, mri: str) -> None:
        """Read a CT and an MRI of the folder in place of what is there."""

        def read(_progress: Progress) -> list:
            if not ct or not mri:
                raise ValueError("Choose a CT and an MRI of the folder.")
            if ct == mri:
                raise ValueError(f"{ct} was given for both the CT and the MRI; give each its own volume.")
            chosen = ((ct, "CT"), (mri, "MR"))
            volumes = [(readVolume(self.folder.inside(name), None, kind), name) for name, kind in chosen]
            checkNotExchanged(*(judgeImage(volume.image) for volume, _ in volumes), ct, mri)
            return volumes

        found = await self.work.run("Reading the volumes", read)
        if found is None:
            return

        def add() -> None:
            nodes = [addVolume(self.scene, volume.image, volumeName(name.rstrip("/"))) for volume, name in found]
            self.parameters.fixedVolume, self.parameters.movingVolume = nodes
            for node, (volume, _) in zip(nodes, found, strict=True):
                if volume.dicom is not None:
                    self.headers.add(node, volume.dicom.header)

        self._replaceScene(add)
        self.work.say(" ".join(warning for volume, _ in found for warning in volume.warnings))

    async def openResult(self, name: str) -> None:
        """Open a result folder where it was left."""

        def load(_progress: Progress) -> bool:
            path = self.folder.inside(name) / "scene.mrb"
            if not path.is_file():
                raise ValueError(f"There is no result in {name}.")
            self.scene.Clear(0)
            if not self.scene.ReadFromMRB(str(path), False):
                raise ValueError(f"{name} could not be read as a result of MedFusion.")
            return True

        self.work.quick(self._letGo)
        isLoaded = await self.work.run("Opening the result", load)
        self._begin()
        if isLoaded:
            if self.parameters.fixedVolume is None:
                guessVolumes(self.scene, self.parameters)
            self.landmarks.watch()
            self._showVolumes()
            self.refresh()

    def _letGo(self) -> None:
        """Let go of everything in the scene."""
        self.overlay.forget()
        self.outlines.forget()
        self.targets.cleanup()
        self.landmarks.cleanup()
        self.pointing.cleanup()

    def _replaceScene(self, add: Callable[[], object]) -> None:
        def replace() -> None:
            self._letGo()
            self.scene.Clear(0)
            self._begin()
            add()
            if self.parameters.fixedVolume is None or self.parameters.movingVolume is None:
                guessVolumes(self.scene, self.parameters)
            self.landmarks.makeLists()
            self._showVolumes()
            self.refresh()

        self.work.quick(replace)

    def _showVolumes(self) -> None:
        self.views.layouts.set_layout(COMPARISON)
        self.views.show(FIXED_VIEWS, self.parameters.fixedVolume)
        self.views.show(MOVING_VIEWS, self.parameters.movingVolume)
        later(self.views.fit)
        with self.state:
            self.state.layout = COMPARISON

    def fit(self) -> None:
        """Bring everything into sight."""
        self.work.quick(self.views.fit)

    def toggleWindowing(self) -> None:
        """Let the mouse change brightness and contrast, or go back to moving the views."""

        def toggle() -> None:
            self.stopPlacing()
            node = self.scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
            windows = slicer.vtkMRMLInteractionNode.AdjustWindowLevel
            self.state.adjustsWindow = node.GetCurrentInteractionMode() != windows
            node.SetCurrentInteractionMode(windows if self.state.adjustsWindow else node.ViewTransform)

        self.work.quick(toggle)

    def stopPlacing(self) -> None:
        """Take the mouse from whatever is placed."""
        self.landmarks.placement.stop()
        self.pointing.stop()

    # Registration

    async def register(self) -> None:
        """Bring the MRI to the CT."""
        self.landmarks.placement.stop()
        self.parameters.refine, self.parameters.auto = bool(self.state.refine), bool(self.state.auto)
        self.parameters.model = RegistrationModel[self.state.model]

        def register(progress: Progress) -> RegistrationResult:
            objections = self.steps.objections(self.parameters)
            questions = orientationQuestions(self.parameters)
            asked = [*(question.text(question.choices[0]) for question in questions), *objections]
            if asked and not self.state.goesOn:
                raise ValueError(f"{' '.join(asked)} If so, and if they belong together, tick Continue anyway.")
            for question in questions:
                answerOrientation(self.parameters, question, question.choices[0])
            return self.steps.register(self.parameters, progress)

        result = await self.work.run("Registering", register)
        if result is not None:
            self.views.link(True)
            self.overlay.choose(Overlay.blend.name)
            self.refresh()

    # Fusion

    async def fuse(self) -> None:
        """Fuse CT and MRI and show the result."""
        self.parameters.fusionMethod = FusionChoice[self.state.fusionMethod]
        self.parameters.ctChanges = bool(self.state.ctChanges)
        result = await self.work.run("Fusing", lambda progress: self.steps.fuse(self.parameters, progress))
        if result is not None:
            self.showFused()
            self.refresh()

    def showFused(self) -> None:
        """Show the fused volume with the outline."""

        def show() -> None:
            self.views.layouts.set_layout(FUSION)
            self.views.show(FUSED_VIEWS, self.parameters.fusedVolume)
            self.state.layout = FUSION
            asyncio.get_running_loop().call_later(_LAYOUT_SECONDS, self.fit)

        self.work.quick(show)

    def showComparison(self) -> None:
        """Show CT and MRI beside each other."""

        def show() -> None:
            self.views.layouts.set_layout(COMPARISON)
            self.state.layout = COMPARISON

        self.work.quick(show)

    # Tumor

    def point(self, kind: str) -> None:
        """Wait for clicks that point out the tumor.

        :param kind: the value of a Pointed, as a browser sends it.
        """

        def start() -> None:
            if self.parameters.movingVolume is None:
                raise ValueError("Open an MRI first, then point out the tumor.")
            self.parameters.tumorVolume = self.parameters.tumorVolume or self.parameters.movingVolume
            self.landmarks.placement.stop()
            self.pointing.start(Pointed(kind))

        self.work.quick(start)

    def clearPointing(self) -> None:
        """Remove what was drawn to point out the tumor."""
        self.work.quick(self.pointing.clear)

    def _showPointing(self) -> None:
        if self.parameters is None:
            return
        self.pointing.watch(self.parameters)
        lines, inside, outside = self.pointing.counts()
        with self.state:
            self.state.pointing = self.pointing.active.value if self.pointing.active else ""
            self.state.pointed = f"{lines} lines, {inside} points inside, {outside} outside"

    async def outline(self) -> None:
        """Outline the tumor."""
        self.pointing.stop()
        self.parameters.tumorMethod = TumorChoice[self.state.tumorMethod]
        self.parameters.tumorVolume = self.parameters.tumorVolume or self.parameters.movingVolume
        result = await self.work.run("Outlining", lambda progress: self.steps.segment(self.parameters, progress))
        if result is not None:
            self.showOutline()
            self.outlines.onOutlined()
            self.fit()
            self.refresh()

    def showOutline(self) -> None:
        """Show the outline as lines in the slices and as a surface."""
        if self.parameters.segmentation is not None:
            display = self.parameters.segmentation.GetDisplayNode()
            display.SetVisibility2DFill(False)
            display.SetVisibility2DOutline(True)
            self.parameters.segmentation.CreateClosedSurfaceRepresentation()

    # Results

    async def save(self, name: str, replace: bool) -> None:
        """Write the result folder of the command line."""

        def write(progress: Progress) -> Path:
            if not str(name).strip():
                raise ValueError("Give the results a name.")
            self.parameters.outputFolder = self.folder.inside(str(name).strip())
            self.parameters.saveDicom = bool(self.state.saveDicom)
            return self.steps.save(self.parameters, bool(replace), progress)

        report = await self.work.run("Saving", write)
        if report is not None:
            with self.state:
                self.state.saved = self.parameters.outputFolder.name
            self.work.say(f"Saved in {self.parameters.outputFolder}.")
            self.refresh()

    @property
    def savedFolder(self) -> Path | None:
        """Return the folder that was saved last, None before."""
        return self.folder.inside(self.state.saved) if self.state.saved else None

    # What is shown

    def refresh(self) -> None:
        """Show the scene as it is now."""
        self.landmarks.show()
        self._showPointing()
        registration = self._registration
        names = [
            node.GetName() if node is not None else ""
            for node in (self.parameters.fixedVolume, self.parameters.movingVolume)
        ]
        rows, why = self._tumorRows()
        with self.state:
            self.state.update(
                {
                    "ctName": names[0],
                    "mriName": names[1],
                    "files": self.folder.volumes(),
                    "lists": self.folder.landmarkLists(),
                    "results": self.folder.results(),
                    "volumes": [node.GetName() for node in nodesOfClass(self.scene, "vtkMRMLScalarVolumeNode")],
                    "isRegistered": registrationOf(self.parameters.movingVolume) is not None,
                    "registration": self._card(registration),
                    "isFused": self.parameters.fusedVolume is not None,
                    "tumorRows": rows,
                    "tumorNote": why,
                }
                | self.outlines.shown()
            )

    @property
    def _registration(self) -> RegistrationResult | None:
        return self.steps.resultOf(registrationOf(self.parameters.movingVolume))

    def showTargets(self, fit: RegistrationResult | None = None) -> None:
        """Show the error at each target: of the registration, else of the landmarks as they are.

        :param fit: of the landmarks, where it is known already.
        """
        if self._registration is None and fit is None and self.targets.isUsed:
            with contextlib.suppress(ValueError):
                fit = self.steps.liveFit(self.parameters)
        with self.state:
            self.state.targets = self.targets.rows(self._registration or fit)

    def _card(self, registration: RegistrationResult | None) -> str:
        if registrationOf(self.parameters.movingVolume) is None:
            return ""
        return registrationCard(registration, tumorCenter(self.parameters))

    def _tumorRows(self) -> tuple[list[tuple[str, ...]], str]:
        if self.parameters.segmentation is None:
            return [], ""
        try:
            rows = measurementRows(self.steps.measure(self.parameters))
        except ValueError as error:
            return [], str(error)
        return rows, ""
