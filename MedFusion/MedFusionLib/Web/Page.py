"""What the page can be told to do, on the steps and lists that the panel uses."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import slicer
from trame_server import Server

from ..Core.Inputs.VolumeFiles import readVolume, volumeName
from ..Core.Phantom import makePhantom
from ..Core.Progress import Progress
from ..Core.Registration.RegistrationResult import RegistrationResult
from ..Scene.EdgeOverlay import addEdges
from ..Scene.NodeFiles import addVolume, discard, loadMarkups
from ..Scene.PhantomNodes import addPhantom
from ..Scene.SceneNodes import nodesOfClass
from ..Widgets.LandmarkLists import LandmarkLists, PairRow
from ..Widgets.PairPlacement import PairPlacement
from ..Widgets.Parameters import FusionChoice, RegistrationModel, TumorChoice, registrationOf, tumorCenter
from ..Widgets.PlaceMode import PlaceMode
from ..Widgets.RegistrationTexts import registrationCard
from ..Widgets.Steps import Steps
from ..Widgets.Texts import measurementRows
from ..Widgets.TumorPointing import TumorPointing
from ..Widgets.VolumeGuess import guessVolumes
from .Folder import WorkFolder
from .PageHeaders import PageHeaders
from .PageParameters import PageParameters
from .Views import COMPARISON, FIXED_VIEWS, FUSED_VIEWS, FUSION, MOVING_VIEWS, Views
from .Work import Work

_FLICKER_SECONDS = 0.5
_LAYOUT_SECONDS = 0.5  # what a browser takes to give the views of another layout their size
_LISTS = {"fixedLandmarks": "CT landmarks", "movingLandmarks": "MRI landmarks"}


class Page:
    """The commands of the page and the state that it shows."""

    def __init__(self, server: Server, views: Views, folder: WorkFolder) -> None:
        self.state, self.views, self.folder = server.state, views, folder
        self.scene: slicer.vtkMRMLScene = views.app.scene
        self.work = Work(server, views)
        self._edges: slicer.vtkMRMLVolumeNode | None = None
        self._begin()

    def _begin(self) -> None:
        """Take up the scene as it is."""
        self.parameters = PageParameters(self.scene)
        self.headers = PageHeaders()
        self.steps = Steps(self.scene, self.headers)
        self.lists = LandmarkLists(self._onPairs, self._onPlaced)
        self.placement = PairPlacement(self.lists, self._showPlacing, self._mouse, _later)
        self.pointing = TumorPointing(self.scene, self._showPointing, self._mouse)
        self.pointing.watch(self.parameters)
        self._watchLists()
        self.refresh()

    def _mouse(self, onEnded: Callable[[], None]) -> PlaceMode:
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
            return [(readVolume(self.folder.inside(name), None, kind), name) for name, kind in chosen]

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

        if await self.work.run("Opening the result", load):
            self._begin()
            if self.parameters.fixedVolume is None:
                guessVolumes(self.scene, self.parameters)
            self._watchLists()
            self._showVolumes()
            self.refresh()

    def _replaceScene(self, add: Callable[[], object]) -> None:
        def replace() -> None:
            self.placement.cleanup()
            self.pointing.cleanup()
            self.scene.Clear(0)
            self._edges = None
            self._begin()
            add()
            if self.parameters.fixedVolume is None or self.parameters.movingVolume is None:
                guessVolumes(self.scene, self.parameters)
            self._makeLists()
            self._showVolumes()
            self.refresh()

        self.work.quick(replace)

    def _makeLists(self) -> None:
        for role, name in _LISTS.items():
            if getattr(self.parameters, role) is None:
                node = self.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
                node.CreateDefaultDisplayNodes()
                setattr(self.parameters, role, node)
        self._watchLists()

    def _watchLists(self) -> None:
        fixed, moving = self.parameters.fixedLandmarks, self.parameters.movingLandmarks
        self.lists.watch(fixed, moving)
        self.views.ofList(fixed, FIXED_VIEWS)
        self.views.ofList(moving, MOVING_VIEWS)

    def loadLandmarks(self, role: str, name: str) -> None:
        """Read a list of landmarks of the folder for the CT or the MRI."""

        def load() -> None:
            if role not in _LISTS:
                raise ValueError("Landmarks belong to the CT or to the MRI.")
            setattr(self.parameters, role, loadMarkups(self.scene, self.folder.inside(name)))
            self._watchLists()
            self._onPairs()

        self.work.quick(load)

    def _showVolumes(self) -> None:
        self.views.layouts.set_layout(COMPARISON)
        self.views.show(FIXED_VIEWS, self.parameters.fixedVolume)
        self.views.show(MOVING_VIEWS, self.parameters.movingVolume)
        _later(self.views.fit)
        with self.state:
            self.state.layout = COMPARISON

    def fit(self) -> None:
        """Bring everything into sight."""
        self.work.quick(self.views.fit)

    def toggleWindowing(self) -> None:
        """Let the mouse change brightness and contrast, or go back to moving the views."""

        def toggle() -> None:
            self.placement.stop()
            self.pointing.stop()
            node = self.scene.GetNodeByID("vtkMRMLInteractionNodeSingleton")
            windows = slicer.vtkMRMLInteractionNode.AdjustWindowLevel
            self.state.adjustsWindow = node.GetCurrentInteractionMode() != windows
            node.SetCurrentInteractionMode(windows if self.state.adjustsWindow else node.ViewTransform)

        self.work.quick(toggle)

    # Landmarks

    def placePairs(self) -> None:
        """Let clicks place pairs until it is called again."""

        def toggle() -> None:
            if self.placement.isActive:
                self.placement.stop()
                return
            if self.parameters.fixedVolume is None:
                raise ValueError("Open a CT and an MRI first.")
            self._makeLists()
            self.placement.start()

        self.work.quick(toggle)

    def _onPlaced(self, side: str, index: int) -> None:
        self.placement.onPlaced(side, index)

    def undo(self) -> None:
        """Take back the last change of the landmarks."""
        self.work.quick(self.lists.undo)

    def _row(self, index: int) -> PairRow:
        rows = self.lists.rows(byOrder=False)
        if not 0 <= index < len(rows):
            raise ValueError("This pair is there no longer.")
        return rows[index]

    def renamePair(self, index: int, label: str) -> None:
        """Give both points of a pair a name."""
        self.work.quick(lambda: self.lists.rename(self._row(index), str(label).strip()[:60]))

    def deletePair(self, index: int) -> None:
        """Remove a pair."""
        self.work.quick(lambda: self.lists.delete(self._row(index)))

    def usePair(self, index: int, isUsed: bool) -> None:
        """Let a pair take part or leave it out."""
        self.work.quick(lambda: self.lists.setUsed(self._row(index), bool(isUsed)))

    def showPair(self, index: int) -> None:
        """Show a pair in the middle of the views."""

        def jump() -> None:
            row = self._row(index)
            for node, number, names in (
                (self.lists.fixed, row.fixedIndex, FIXED_VIEWS),
                (self.lists.moving, row.movingIndex, MOVING_VIEWS),
            ):
                if number is not None:
                    position = [0.0, 0.0, 0.0]
                    node.GetNthControlPointPositionWorld(number, position)
                    self.views.jumpTo(names, position)

        self.work.quick(jump)

    def _onPairs(self) -> None:
        """Show the pairs with their residuals, and what they let expect."""
        if not self.work.isBusy:
            self._showPairs()

    def _showPairs(self) -> None:
        fit, text = None, ""
        try:
            if self.parameters.fixedVolume is not None:
                fit = self.steps.liveFit(self.parameters)
        except ValueError as error:
            text = str(error)
        residuals = {} if fit is None else dict(zip(fit.labels, fit.residuals, strict=True))
        suspects = () if fit is None else fit.suspects
        rows = [
            {
                "label": row.label,
                "isWhole": row.fixedIndex is not None and row.movingIndex is not None,
                "isUsed": self.lists.isUsed(row),
                "residual": f"{residuals[row.label]:.2f}" if row.label in residuals else "",
                "isSuspect": row.label in suspects,
            }
            for row in self.lists.rows(byOrder=False)
        ]
        with self.state:
            self.state.pairs = rows
            self.state.fit = text if fit is None else registrationCard(fit, tumorCenter(self.parameters))
            self.state.fre = "" if fit is None else f"{fit.fre:.2f}"
            self.state.canUndo = self.lists.canUndo

    def _showPlacing(self) -> None:
        words = {"fixed": "Click the point in the CT.", "moving": "Click the same point in the MRI.", None: ""}
        with self.state:
            self.state.placing = words[self.placement.waitingFor]
        self._onPairs()

    # Registration

    async def register(self) -> None:
        """Bring the MRI to the CT."""
        self.placement.stop()
        self.parameters.refine, self.parameters.auto = bool(self.state.refine), bool(self.state.auto)
        self.parameters.model = RegistrationModel[self.state.model]

        def register(progress: Progress) -> RegistrationResult:
            objections = self.steps.objections(self.parameters)
            if objections and not self.state.goesOn:
                raise ValueError(f"{' '.join(objections)} If they belong together, tick Go on all the same.")
            return self.steps.register(self.parameters, progress)

        result = await self.work.run("Registering", register)
        if result is not None:
            self.views.link(True)
            self._overlay()
            self.refresh()

    def _overlay(self) -> None:
        """Show the MRI over the CT as chosen."""
        if registrationOf(self.parameters.movingVolume) is None:
            return
        opacity = float(self.state.blend) / 100
        self.views.show(FIXED_VIEWS, self.parameters.fixedVolume, self.parameters.movingVolume, opacity)

    def setBlend(self, percent: float) -> None:
        """Show so much of the MRI over the CT."""
        with self.state:
            self.state.blend = min(max(float(percent), 0.0), 100.0)
        self.work.quick(self._overlay)

    async def flicker(self) -> None:
        """Show CT and MRI in turn until it is called again."""
        with self.state:
            self.state.isFlickering = not self.state.isFlickering
        showsMoving = False
        while self.state.isFlickering and not self.work.isBusy:
            showsMoving = not showsMoving
            for name in FIXED_VIEWS:
                self.views.view(name).set_foreground_opacity(float(showsMoving))
            await asyncio.sleep(_FLICKER_SECONDS)
        self._overlay()

    def toggleEdges(self) -> None:
        """Draw the MRI's edges over the CT, or take them away."""

        def toggle() -> None:
            if self._edges is None:
                self._edges = addEdges(self.scene, self.parameters.movingVolume)
            else:
                discard(self.scene, self._edges)
                self._edges = None
            labelID = self._edges.GetID() if self._edges is not None else None
            for name in FIXED_VIEWS:
                logic = self.views.app.app_logic.GetSliceLogicByLayoutName(name)
                logic.GetSliceCompositeNode().SetLabelVolumeID(labelID)
            self.state.hasEdges = self._edges is not None

        self.work.quick(toggle)

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
        """Wait for clicks that point out the tumor: "line", "inside" or "outside"."""

        def start() -> None:
            if kind not in ("line", "inside", "outside") or self.parameters.movingVolume is None:
                raise ValueError("Open an MRI first, then point out the tumor.")
            self.parameters.tumorVolume = self.parameters.tumorVolume or self.parameters.movingVolume
            self.placement.stop()
            self.pointing.start(kind)

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
            self.state.pointing = self.pointing.active or ""
            self.state.pointed = f"{lines} lines, {inside} points inside, {outside} outside"

    async def outline(self) -> None:
        """Outline the tumor."""
        self.pointing.stop()
        self.parameters.tumorMethod = TumorChoice[self.state.tumorMethod]
        self.parameters.tumorVolume = self.parameters.tumorVolume or self.parameters.movingVolume
        result = await self.work.run("Outlining", lambda progress: self.steps.segment(self.parameters, progress))
        if result is not None:
            display = self.parameters.segmentation.GetDisplayNode()
            display.SetVisibility2DFill(False)
            display.SetVisibility2DOutline(True)
            self.parameters.segmentation.CreateClosedSurfaceRepresentation()
            self.fit()
            self.refresh()

    # Results

    async def save(self, name: str, replace: bool) -> None:
        """Write the result folder of the command line."""

        def write(progress: Progress) -> Path:
            if not str(name).strip():
                raise ValueError("Give the results a name.")
            self.parameters.outputFolder = self.folder.inside(str(name).strip())
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
        self._showPairs()
        self._showPointing()
        registration = self.steps.resultOf(registrationOf(self.parameters.movingVolume))
        names = [
            node.GetName() if node is not None else ""
            for node in (self.parameters.fixedVolume, self.parameters.movingVolume)
        ]
        rows, tumorText = self._tumorRows()
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
                    "tumorText": tumorText,
                }
            )

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
        result = self.steps.resultOf(self.parameters.segmentation)
        return rows, " ".join(result.warnings) if result is not None else ""


def _later(call: Callable[[], None]) -> None:
    """Run something after the present event."""
    try:
        asyncio.get_running_loop().call_soon(call)
    except RuntimeError:  # before the server runs
        call()
