"""Draw every card of the panel off-screen, light and dark: python Testing/PanelPictures.py FOLDER

`ApplicationPictures.py` draws it in Slicer's window for README and tutorial.
"""

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python")]

import SlicerStandIn  # noqa: E402

WIDTH = 364
DARK = {
    "Window": "#323232",
    "WindowText": "#ffffff",
    "Base": "#242424",
    "AlternateBase": "#2d2d2d",
    "Text": "#ffffff",
    "Button": "#3c3c3c",
    "ButtonText": "#ffffff",
    "BrightText": "#ff5555",
    "Highlight": "#2a82da",
    "HighlightedText": "#ffffff",
    "PlaceholderText": "#909090",
    "ToolTipBase": "#242424",
    "ToolTipText": "#ffffff",
}
DISABLED = "#808080"
CARDS = ("volumes", "landmarks", "register", "fuse", "tumor", "results")


class Painter:
    """Work through the phantom as a user does, and draw the sections on the way."""

    def __init__(self, folder: Path) -> None:
        self.app = SlicerStandIn.start()
        self.folder = folder
        self.parent, self.panel = self.app.openPanel()
        self.ui = self.panel.ui

    def prepare(self) -> None:
        """Register, fuse and outline the phantom."""
        from MedFusionLib.Core.Phantom import makePhantom
        from MedFusionLib.Scene.PhantomNodes import addPhantom
        from MedFusionLib.Scene.VolumeNodes import setMarkupsPoints
        from MedFusionLib.Widgets.SelfTest import longestDiameter
        from MedFusionLib.Workflow.Parameters import TUMOR_LINES_ROLE

        phantom = makePhantom(spacingFactor=1.5)
        addPhantom(self.app.scene, phantom)
        self.panel.enter()
        self.press("registerButton")
        self.press("fuseButton")
        self.press("metricsButton")
        parameters = self.panel.parameterNode
        line = self.app.scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Tumor diameter")
        setMarkupsPoints(line, longestDiameter(phantom.tumorLabels))
        parameters.parameterNode.AddNodeReferenceID(TUMOR_LINES_ROLE, line.GetID())
        self.app.settle()
        self.press("segmentButton")
        parameters.outputFolder = Path("MedFusion results")

    def press(self, name: str) -> None:
        """Press a button and wait for what follows."""
        getattr(self.ui, name).click()
        self.app.settle()

    def draw(self, name: str, isDark: bool, *sections: str) -> None:
        """Draw the panel with some sections open."""
        import qt

        for section in CARDS:
            getattr(self.ui, f"{section}CollapsibleButton").collapsed = section not in sections
        application = qt.QApplication.instance()
        light = application.palette()
        if isDark:
            application.setPalette(self.darkPalette())
        self.parent.show()
        self.app.settle()
        layout = self.parent.layout()
        height = layout.totalHeightForWidth(WIDTH) if layout.hasHeightForWidth() else layout.totalSizeHint().height()
        self.parent.resize(WIDTH, height)
        self.app.settle()
        self.parent.grab().save(str(self.folder / f"panel-{name}.png"))
        application.setPalette(light)

    @staticmethod
    def darkPalette() -> object:
        """Return colors like those of Slicer's dark theme."""
        import qt

        palette = qt.QPalette()
        for role, color in DARK.items():
            palette.setColor(getattr(qt.QPalette, role), qt.QColor(color))
            if role.endswith("Text"):
                palette.setColor(qt.QPalette.Disabled, getattr(qt.QPalette, role), qt.QColor(DISABLED))
        return palette


def main() -> None:
    """Draw all pictures."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    folder.mkdir(exist_ok=True)
    painter = Painter(folder)
    for name, isDark in (("light", False), ("dark", True)):
        painter.draw(f"empty-{name}", isDark, "volumes")
    painter.prepare()
    for card in CARDS:
        for name, isDark in (("light", False), ("dark", True)):
            painter.draw(f"{card}-{name}", isDark, card)


if __name__ == "__main__":
    main()
