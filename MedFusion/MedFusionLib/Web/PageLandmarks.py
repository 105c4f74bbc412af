"""The pairs of landmarks on the page: placed, dragged, renamed and taken back, with what they let expect."""

from typing import TYPE_CHECKING

from ..Scene.NodeFiles import loadMarkups
from ..Workflow.LandmarkLists import LandmarkLists, PairRow, Side
from ..Workflow.PairPlacement import PairPlacement
from ..Workflow.Parameters import tumorCenter
from ..Workflow.RegistrationTexts import registrationCard
from .Later import later
from .Views import FIXED_VIEWS, MOVING_VIEWS

if TYPE_CHECKING:
    from .Page import Page

_LISTS = {"fixedLandmarks": "CT landmarks", "movingLandmarks": "MRI landmarks"}
_LONGEST_NAME = 60


class PageLandmarks:
    """The commands of the card of landmarks."""

    def __init__(self, page: "Page") -> None:
        self._page = page
        self.lists = LandmarkLists(self._onChanged, self._onPlaced)
        self.placement = PairPlacement(self.lists, self._showPlacing, page.mouse, later)

    def cleanup(self) -> None:
        """Let go of the lists and of the mouse."""
        self.placement.cleanup()
        self.lists.watch(None, None)

    def makeLists(self) -> None:
        """Make the lists that are not there yet, and follow both."""
        parameters = self._page.parameters
        for role, name in _LISTS.items():
            if getattr(parameters, role) is None:
                node = self._page.scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", name)
                node.CreateDefaultDisplayNodes()
                setattr(parameters, role, node)
        self.watch()

    def watch(self) -> None:
        """Follow the lists that the page has chosen."""
        fixed, moving = self._page.parameters.fixedLandmarks, self._page.parameters.movingLandmarks
        self.lists.watch(fixed, moving)
        self._page.views.ofList(fixed, FIXED_VIEWS)
        self._page.views.ofList(moving, MOVING_VIEWS)

    def load(self, role: str, name: str) -> None:
        """Read a list of landmarks of the folder for the CT or the MRI."""

        def load() -> None:
            if role not in _LISTS:
                raise ValueError("Landmarks belong to the CT or to the MRI.")
            setattr(self._page.parameters, role, loadMarkups(self._page.scene, self._page.folder.inside(name)))
            self.watch()
            self.show()

        self._page.work.quick(load)

    def place(self) -> None:
        """Let clicks place pairs until it is called again."""

        def toggle() -> None:
            if self.placement.isActive:
                self.placement.stop()
                return
            if self._page.parameters.fixedVolume is None:
                raise ValueError("Open a CT and an MRI first.")
            self.makeLists()
            self.placement.start()

        self._page.work.quick(toggle)

    def undo(self) -> None:
        """Undo the last change of the landmarks."""
        self._page.work.quick(self.lists.undo)

    def _row(self, index: int) -> PairRow:
        rows = self.lists.rows(byOrder=False)
        if not 0 <= index < len(rows):
            raise ValueError("This pair is there no longer.")
        return rows[index]

    def rename(self, index: int, label: str) -> None:
        """Give both points of a pair a name."""
        self._page.work.quick(lambda: self.lists.rename(self._row(index), str(label).strip()[:_LONGEST_NAME]))

    def delete(self, index: int) -> None:
        """Remove a pair."""
        self._page.work.quick(lambda: self.lists.delete(self._row(index)))

    def use(self, index: int, isUsed: bool) -> None:
        """Let a pair take part or leave it out."""
        self._page.work.quick(lambda: self.lists.setUsed(self._row(index), bool(isUsed)))

    def jumpTo(self, index: int) -> None:
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
                    self._page.views.jumpTo(names, position)

        self._page.work.quick(jump)

    def _onPlaced(self, side: Side, index: int) -> None:
        self.placement.onPlaced(side, index)

    def _onChanged(self) -> None:
        if not self._page.work.isBusy:
            self.show()

    def show(self) -> None:
        """Show the pairs with their residuals, and what they let expect."""
        parameters, state = self._page.parameters, self._page.state
        fit, text = None, ""
        try:
            if parameters.fixedVolume is not None:
                fit = self._page.steps.liveFit(parameters)
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
        with state:
            state.pairs = rows
            state.fit = text if fit is None else registrationCard(fit, tumorCenter(parameters))
            state.canUndo = self.lists.canUndo
        self._page.showTargets(fit)

    def _showPlacing(self) -> None:
        words = {Side.fixed: "Click the point in the CT.", Side.moving: "Click the same point in the MRI.", None: ""}
        with self._page.state as state:
            state.placing = words[self.placement.waitingFor]
        self._onChanged()
