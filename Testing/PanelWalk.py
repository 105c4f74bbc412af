"""A planner's first quarter of an hour in the panel, with a picture after each step: python Testing/PanelWalk.py FOLDER

It is driven against the stand-in for the application, on the phantom, by the controls that a user presses.
"""

import sys
import tempfile
import time
from pathlib import Path

import slicer
from PanelPictures import CARDS, WIDTH, Painter

SPACING_FACTOR = 1.5


class Walk(Painter):
    """Do one thing after the other, and draw the panel as it is then."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._number, self._start = 0, time.process_time()

    def look(self, what: str) -> None:
        """Draw the panel with the cards that are open, and print what its first lines say."""
        self._number += 1
        self.app.settle()
        self.parent.show()
        layout = self.parent.layout()
        self.parent.resize(WIDTH, max(layout.totalHeightForWidth(WIDTH), 300))
        self.app.settle()
        name = f"walk-{self._number:02}.png"
        self.parent.grab().save(str(self.folder / name))
        cards = [card for card in CARDS if not getattr(self.ui, f"{card}CollapsibleButton").collapsed]
        guide = self.ui.guideLabel.text if not self.ui.guideLabel.isHidden() else "nothing"
        print(f"{name}  {what}\n    open: {', '.join(cards)}; {guide}")
        shown, self.app.displayed[:] = list(self.app.displayed), []
        for kind, text in shown:
            print(f"    {kind}: {text}")

    def place(self, point: tuple[float, float, float]) -> None:
        """Click into a view."""
        logic = slicer.app.applicationLogic()
        node = self.app.scene.GetNodeByID(logic.GetSelectionNode().GetActivePlaceNodeID())
        index = node.GetNumberOfControlPoints()
        node.AddNControlPoints(1, "", [0.0, 0.0, 0.0])
        node.SetNthControlPointPositionWorld(index, *point, node.PositionPreview)
        node.SetNthControlPointPositionWorld(index, *point, node.PositionDefined)
        self.app.settle()

    def drawLine(self) -> None:
        """Draw the tumor's longest diameter."""
        from MedFusionLib.Core.Images.Coordinates import flipPoints
        from MedFusionLib.Core.Phantom import makePhantom
        from MedFusionLib.Widgets.SelfTest import longestDiameter

        self.press("pointInsideButton")
        for point in flipPoints(longestDiameter(makePhantom(spacingFactor=SPACING_FACTOR).tumorLabels)):
            self.place(tuple(point))
        slicer.app.applicationLogic().GetInteractionNode().SwitchToViewTransformMode()
        self.app.settle()


def main() -> None:
    """Walk from nothing to the reopened scene."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    walk = Walk(folder)
    ui = walk.ui
    walk.look("The module is opened, and nothing is loaded.")
    module = walk.app.moduleFile()
    whole = module.loadPhantom
    module.loadPhantom = lambda: whole(SPACING_FACTOR)  # quicker, and the same to look at
    walk.press("phantomButton")
    walk.look("Try the phantom: both volumes and their landmarks are chosen.")
    walk.press("registerButton")
    walk.look("Register: the verdict stands at the top of the card.")
    walk.press("checkerboardButton")
    walk.press("checkerboardButton")
    walk.press("fuseButton")
    walk.look("The alignment was checked, and Fuse pressed.")
    walk.drawLine()
    walk.press("segmentButton")
    walk.look("The line along the tumor was drawn, and Outline tumor pressed.")
    with tempfile.TemporaryDirectory() as results:
        parameters = walk.panel.parameterNode
        parameters.outputFolder = Path(results) / "Planning of today"
        walk.app.settle()
        walk.press("saveButton")
        walk.look("Save results.")
        walk.press("openReportButton")
        print("    opened:", ", ".join(Path(url).name for url in walk.app.opened))
        print("    files:", ", ".join(sorted(path.name for path in parameters.outputFolder.iterdir())))
        walk.app.clearScene()
        walk.panel.enter()
        walk.look("The scene was closed.")
        walk.app.session.loadScene(Path(results) / "Planning of today" / "scene.mrb")
        walk.app.settle()
        walk.look("scene.mrb was opened again.")
        for card in CARDS:
            getattr(ui, f"{card}CollapsibleButton").collapsed = card not in ("register", "tumor")
        walk.look("Register and Tumor of the reopened scene.")
        walk.press("registerButton")
        walk.look("Registered again, to see the errors.")


if __name__ == "__main__":
    main()
