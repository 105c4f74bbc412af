"""Draw MedFusion in Slicer's window, step by step: python Testing/ApplicationPictures.py [FOLDER]

The pictures of the README and the tutorial, in Docs where no folder is given. They are drawn: the panel is the real
one in plain Qt widgets (see PanelPictures.py), the slices come from the volumes of its scene at the places of real
slice nodes, and frame, menus and slice bars are painted around them.
"""

import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "MedFusion"), str(ROOT / "Testing" / "Python"), str(ROOT / "Testing")]

import numpy as np  # noqa: E402
from MedFusionLib.Core.Images.Coordinates import flipPoints  # noqa: E402
from PanelPictures import WIDTH, Painter  # noqa: E402
from PIL import Image, ImageDraw, ImageFont  # noqa: E402

SIZE = (1240, 800)
TITLE, MENU, BAR, CAPTION = 28, 26, 22, 30
MENUS = ("File", "Edit", "View", "Help")
FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"
GRAY, DARK, LIGHT = (232, 232, 232), (60, 60, 66), (250, 250, 250)
LANDMARK, OUTLINE, EDGES = (255, 128, 128), (255, 70, 40), (255, 170, 0)
NEAR_MM, FIELD_MM = 6.0, 225.0
FUSED_WINDOW = (0.0, 400.0)
VIEWS = (("Axial", (243, 74, 51)), ("Sagittal", (237, 213, 76)), ("Coronal", (110, 176, 75)))
AXES = {"Axial": 2, "Sagittal": 0, "Coronal": 1}
SIDES = {"Axial": "RL", "Sagittal": "AP", "Coronal": "RL"}


@dataclass(frozen=True)
class Row:
    """A row of three views.

    :param place: where the planes cross, RAS millimeters; :param middle: what each view is centered on.
    """

    name: str
    volume: object
    place: np.ndarray
    middle: np.ndarray
    points: object | None = None
    window: tuple[float, float] | None = None
    edgesOf: object | None = None
    isOutlined: bool = False


class Window:
    """Paint the application around the panel and the slices of a scene."""

    def __init__(self, painter: Painter, folder: Path) -> None:
        self.painter, self.folder = painter, folder
        self.scene = painter.app.scene
        self.font, self.bold = ImageFont.truetype(FONT, 13), ImageFont.truetype(FONT.replace("Sans.", "Sans-Bold."), 13)

    def draw(self, name: str, rows: list[Row], *cards: str) -> None:
        """Draw the window with some of the panel's cards open."""
        canvas = Image.new("RGB", SIZE, GRAY)
        self.paintFrame(canvas)
        self.painter.draw("window", False, *cards)
        file = self.painter.folder / "panel-window.png"
        with Image.open(file) as panel:
            canvas.paste(panel.convert("RGB"), (4, TITLE + MENU + CAPTION))
        file.unlink()
        left, top = WIDTH + 10, TITLE + MENU + 2
        width, height = (SIZE[0] - left) // 3, (SIZE[1] - top) // len(rows)
        for number, row in enumerate(rows):
            for column, (orientation, color) in enumerate(VIEWS):
                place = (left + column * width, top + number * height)
                self.paintView(canvas, row, orientation, color, (*place, width - 3, height - 3))
        quantized = canvas.quantize(64, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        quantized.save(self.folder / f"slicer-{name}.png", optimize=True)

    def paintFrame(self, canvas: Image.Image) -> None:
        """Paint title, menus and the head of the module panel."""
        draw = ImageDraw.Draw(canvas)
        draw.rectangle([0, 0, SIZE[0], TITLE], fill=DARK)
        draw.text((SIZE[0] / 2, TITLE / 2), "3D Slicer", fill="white", font=self.bold, anchor="mm")
        for number in range(3):
            x = SIZE[0] - 18 - 22 * number
            draw.ellipse([x - 6, TITLE / 2 - 6, x + 6, TITLE / 2 + 6], outline="white", width=1)
        for number, text in enumerate(MENUS):
            draw.text((10 + 52 * number, TITLE + MENU / 2), text, fill="black", font=self.font, anchor="lm")
        draw.rectangle([240, TITLE + 3, 420, TITLE + MENU - 3], fill=LIGHT, outline=(170, 170, 170))
        draw.text((248, TITLE + MENU / 2), "Modules:  MedFusion", fill="black", font=self.font, anchor="lm")
        top = TITLE + MENU
        draw.rectangle([4, top + 4, 4 + WIDTH, top + CAPTION - 3], fill=(214, 222, 233))
        draw.text((12, top + CAPTION / 2), "MedFusion", fill="black", font=self.bold, anchor="lm")

    def paintView(self, canvas: Image.Image, row: Row, orientation: str, color: tuple, box: tuple) -> None:
        """Paint one slice view: its bar, the slice, points and letters of the sides."""
        left, top, width, height = box
        size = (width, height - BAR)
        sliceNode, pixels = self.slice(row, orientation, size)
        picture = Image.fromarray(pixels)
        draw = ImageDraw.Draw(picture)
        if row.points is not None:
            self.paintPoints(draw, row.points, sliceNode, size[1])
        first, second = SIDES[orientation]
        draw.text((6, size[1] / 2), first, fill="white", font=self.bold, anchor="lm")
        draw.text((size[0] - 6, size[1] / 2), second, fill="white", font=self.bold, anchor="rm")
        frame = ImageDraw.Draw(canvas)
        frame.rectangle([left, top, left + width, top + BAR], fill=color)
        text = f"{row.name} {orientation[0]}    {orientation}"
        frame.text((left + 8, top + BAR / 2), text, fill="black", font=self.bold, anchor="lm")
        canvas.paste(picture, (left, top + BAR))
        self.scene.RemoveNode(sliceNode)

    def slice(self, row: Row, orientation: str, size: tuple[int, int]) -> tuple[object, np.ndarray]:
        """Return a slice node and what is seen there, as RGB bytes, upper row first."""
        import slicer
        from MedFusionLib.Core.Images.Transforms import IDENTITY
        from MedFusionLib.Report.Pictures import grayPicture, sliceValues, withEdges, withOutline
        from MedFusionLib.Scene.SegmentationNodes import labelImageFromSegmentation
        from MedFusionLib.Scene.SlicePreview import sliceGrid
        from MedFusionLib.Scene.VolumeNodes import imageFromVolumeNode, worldToNodeTransform

        def valuesOf(volume: object) -> np.ndarray:
            image = imageFromVolumeNode(volume)
            return sliceValues(image, grid, worldToNodeTransform(volume, image) or IDENTITY)[::-1]

        slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(self.scene)
        node = self.scene.AddNewNodeByClass("vtkMRMLSliceNode")
        node.SetOrientation(orientation)
        node.SetDimensions(*size, 1)
        scale = FIELD_MM / min(size)
        node.SetFieldOfView(size[0] * scale, size[1] * scale, 1.0)
        axis = AXES[orientation]
        node.JumpSliceByCentering(*np.where(np.arange(3) == axis, row.place, row.middle))
        grid = sliceGrid(node, max(size))
        display = row.volume.GetScalarVolumeDisplayNode()
        window = row.window or (display.GetWindowLevelMin(), display.GetWindowLevelMax())
        pixels = grayPicture(valuesOf(row.volume), window)
        if row.edgesOf is not None:
            pixels = withEdges(pixels, valuesOf(row.edgesOf), EDGES)
        if row.isOutlined:
            parameters = self.painter.panel.parameterNode
            mri = imageFromVolumeNode(parameters.movingVolume)  # the outline is under the MRI's transform
            labels, _ = labelImageFromSegmentation(parameters.segmentation, mri)
            outlined = sliceValues(labels, grid, worldToNodeTransform(parameters.movingVolume, mri), isLabel=True)
            pixels = withOutline(pixels, outlined[::-1] > 0, OUTLINE)
        return node, pixels

    def paintPoints(self, draw: ImageDraw.ImageDraw, points: object, node: object, height: int) -> None:
        """Paint the control points that lie near a slice, with their labels."""
        import slicer
        import vtk

        toView = vtk.vtkMatrix4x4()
        vtk.vtkMatrix4x4.Invert(node.GetXYToRAS(), toView)
        places = slicer.util.arrayFromMarkupsControlPoints(points, world=True)
        for number, place in enumerate(places):
            x, y, depth, _ = toView.MultiplyPoint([*place, 1.0])
            if abs(depth) * np.linalg.norm([node.GetXYToRAS().GetElement(i, 2) for i in range(3)]) < NEAR_MM:
                y = height - 1 - y
                draw.line([x - 6, y, x + 6, y], fill=LANDMARK, width=2)
                draw.line([x, y - 6, x, y + 6], fill=LANDMARK, width=2)
                text = points.GetNthControlPointLabel(number)
                onLeft = x > 0.6 * node.GetDimensions()[0]
                draw.text(
                    (x - 8 if onLeft else x + 8, y - 8),
                    text,
                    fill=LANDMARK,
                    font=self.font,
                    anchor="rs" if onLeft else "ls",
                )


class Steps:
    """Go through the phantom as the tutorial does, and draw each step."""

    def __init__(self, folder: Path) -> None:
        self.painter = Painter(folder)
        self.ui, self.scene = self.painter.ui, self.painter.app.scene
        self.window = Window(self.painter, folder)

    def load(self) -> None:
        """Load the phantom without landmarks; its lists are kept for the next step."""
        from MedFusionLib.Core.Phantom import makePhantom
        from MedFusionLib.Scene.PhantomNodes import addPhantom

        self.phantom = makePhantom()
        self.ct, self.mri, self.ctPoints, self.mriPoints = addPhantom(self.scene, self.phantom)
        self.painter.panel.enter()
        self.painter.app.settle()
        lists = (self.phantom.ctLandmarks, self.phantom.mriLandmarks)
        self.middles = [flipPoints(points.mean(axis=0)) for points in lists]
        tumor = self.phantom.targets[-1]
        self.place = flipPoints(tumor)
        moving = flipPoints(np.array(self.phantom.ctToMri.TransformPoint(tumor.tolist())))
        rows = [self.row("CT", self.ct), Row("MRI", self.mri, moving, self.middles[1])]
        self.window.draw("load", rows, "volumes")

    def row(self, name: str, volume: object, **more: object) -> Row:
        """Return a row of views through the tumor in the CT's frame."""
        return Row(name, volume, self.place, self.middles[0], **more)

    def mark(self) -> None:
        """Draw the pairs of landmarks, with the planes through the one in front and an ear."""
        nasion, ear = (self.phantom.landmarkLabels.index(name) for name in ("Nasion", "Left ear"))
        entries = (("CT", self.ct, self.phantom.ctLandmarks), ("MRI", self.mri, self.phantom.mriLandmarks))
        rows = [
            Row(name, volume, flipPoints(np.where([0, 1, 0], points[ear], points[nasion])), middle, list)
            for (name, volume, points), middle, list in zip(
                entries, self.middles, (self.ctPoints, self.mriPoints), strict=True
            )
        ]
        self.window.draw("landmarks", rows, "landmarks")

    def register(self) -> None:
        """Register, and draw the MRI's edges over the CT above the registered MRI."""
        self.painter.panel.parameterNode.refine = True
        self.painter.app.settle()
        self.painter.press("registerButton")
        self.window.draw("register", [self.row("CT", self.ct, edgesOf=self.mri), self.row("MRI", self.mri)], "register")

    def fuse(self) -> None:
        """Fuse, and draw the fused volume above the MRI."""
        self.painter.press("fuseButton")
        self.fused = self.painter.panel.parameterNode.fusedVolume
        self.window.draw("fuse", self.fusedRows(), "fuse")

    def fusedRows(self, isOutlined: bool = False) -> list[Row]:
        """Return the fused volume above the MRI."""
        fused = self.row("Fused", self.fused, window=FUSED_WINDOW, isOutlined=isOutlined)
        return [fused, self.row("MRI", self.mri, isOutlined=isOutlined)]

    def outline(self) -> None:
        """Outline the tumor from a line."""
        from MedFusionLib.Scene.VolumeNodes import setMarkupsPoints
        from MedFusionLib.Widgets.SelfTest import longestDiameter
        from MedFusionLib.Workflow.Parameters import TUMOR_LINES_ROLE

        line = self.scene.AddNewNodeByClass("vtkMRMLMarkupsLineNode", "Tumor diameter")
        setMarkupsPoints(line, longestDiameter(self.phantom.tumorLabels))
        self.painter.panel.parameterNode.parameterNode.AddNodeReferenceID(TUMOR_LINES_ROLE, line.GetID())
        self.painter.app.settle()
        self.painter.press("segmentButton")
        self.window.draw("tumor", self.fusedRows(isOutlined=True), "tumor")

    def save(self) -> None:
        """Draw the last step: where to save."""
        self.painter.panel.parameterNode.outputFolder = Path("MedFusion results")
        self.painter.app.settle()
        self.window.draw("results", self.fusedRows(isOutlined=True), "results")


def main() -> None:
    """Draw all steps."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "Docs"
    folder.mkdir(exist_ok=True)
    steps = Steps(folder)
    for step in (steps.load, steps.mark, steps.register, steps.fuse, steps.outline, steps.save):
        step()


if __name__ == "__main__":
    main()
