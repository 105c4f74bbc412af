"""What a registration says about its error, as nodes: two tables and a volume of the expected error."""

import numpy as np
import SimpleITK as sitk
import slicer
import vtk

from ..Core.Images.Coordinates import flipPoints
from ..Core.Progress import Progress
from ..Core.Registration.RegistrationResult import RegistrationResult
from ..Core.Registration.TreMap import coarseTreMap, treMap
from .VolumeNodes import setVolumeNodeImage, worldImageFromVolumeNode

LANDMARK_TABLE_ROLE = "landmarkErrorTable"
SUMMARY_TABLE_ROLE = "registrationErrorTable"
_MAP_RANGE_MM = (0.0, 5.0)
_MAP_OPACITY = 0.4
# Error in shares of the range: green is good, yellow doubtful, red bad, and color-blind eyes see the lightness change.
MAP_COLORS = ((0.0, (0.0, 0.35, 0.25)), (0.4, (0.95, 0.9, 0.25)), (1.0, (0.75, 0.05, 0.1)))
_SUMMARY_ROWS = (
    ("Landmark pairs", "landmarks"),
    ("Residual, FRE (mm)", "fre_mm"),
    ("Placing error, FLE (mm)", "fle_mm"),
    ("Expected error at the tumor, TRE (mm)", "tre_mm_at_tumor"),
    ("TRE at the tumor is below, with 95 % probability (mm)", "tre_mm_at_tumor_95"),
    ("Expected error at the landmarks' center, TRE (mm)", "tre_mm_at_landmarks_center"),
    ("TRE at the landmarks' center is below, with 95 % probability (mm)", "tre_mm_at_landmarks_center_95"),
    ("Expected error at the body's center, TRE (mm)", "tre_mm_at_body_center"),
    ("TRE at the body's center is below, with 95 % probability (mm)", "tre_mm_at_body_center_95"),
    ("Moved by the refinement (mm)", "refinement_shift_mm"),
    ("Share of the smaller volume inside the other", "overlap"),
)


def updateErrorTables(transformNode: slicer.vtkMRMLTransformNode, result: RegistrationResult) -> None:
    """Write a registration's errors into two table nodes that its transform node refers to."""
    name, measured = transformNode.GetName(), result.measurements()
    count = len(result.labels)
    columns = {"Landmark": list(result.labels)}
    for side, points in (("CT", result.fixedPoints), ("MRI", result.movingPoints)):
        ras = flipPoints(points).reshape(-1, 3)
        columns |= {f"{side} {letter} (mm)": ras[:, axis].tolist() for axis, letter in enumerate("RAS")}
    columns["Residual (mm)"] = result.residuals.tolist()
    columns["Without it (mm)"] = [measured["loo_mm"].get(label) for label in result.labels]
    columns["Standardized"] = [measured["standardized_residuals"].get(label) for label in result.labels]
    columns["Misplaced"] = [
        "yes" if label in result.outliers else "perhaps" if label in result.suspects else "" for label in result.labels
    ]
    _setColumns(_tableNode(transformNode, LANDMARK_TABLE_ROLE, f"{name} landmarks"), columns, count)
    rows = [(title, f"{measured[key]:.4g}") for title, key in _SUMMARY_ROWS if measured[key] is not None]
    for moment, similarity in measured["similarity"].items():
        if similarity is not None:
            rows.append((f"Similarity of the images {moment} refinement", f"{similarity:.4g}"))
    rows += [("Look exchanged", " and ".join(labels)) for labels in measured["swaps"]]
    if measured["fle_mm_interval"]:
        rows.append(("FLE with 95 % confidence (mm)", "{:.2f} to {:.2f}".format(*measured["fle_mm_interval"])))
    rows.append(("What to do next", result.advice))
    rows += [("Warning", warning) for warning in result.warnings]
    summary = {"Measure": [row[0] for row in rows], "Value": [row[1] for row in rows]}
    _setColumns(_tableNode(transformNode, SUMMARY_TABLE_ROLE, f"{name} errors"), summary, len(rows))


def _tableNode(transformNode: slicer.vtkMRMLTransformNode, role: str, name: str) -> slicer.vtkMRMLTableNode:
    tableNode = transformNode.GetNodeReference(role)
    if tableNode is None:
        tableNode = transformNode.GetScene().AddNewNodeByClass("vtkMRMLTableNode")
        transformNode.SetNodeReferenceID(role, tableNode.GetID())
    tableNode.SetName(name)
    return tableNode


def _setColumns(tableNode: slicer.vtkMRMLTableNode, columns: dict[str, list], count: int) -> None:
    """Replace a table's columns: of numbers, with None where one is unknown, or of texts."""
    tableNode.RemoveAllColumns()
    for name, values in columns.items():
        isText = any(isinstance(value, str) for value in values)
        column = vtk.vtkStringArray() if isText else vtk.vtkDoubleArray()
        column.SetName(name)
        column.SetNumberOfValues(count)
        for row, value in enumerate(values):
            column.SetValue(row, value if isText else float("nan") if value is None else value)
        tableNode.AddColumn(column)


def showErrorMap(
    fixedVolumeNode: slicer.vtkMRMLScalarVolumeNode, result: RegistrationResult, progress: Progress | None = None
) -> slicer.vtkMRMLScalarVolumeNode:
    """Return a new volume node that holds the expected TRE in mm over the fixed volume, colored to overlay.

    It has a value every 4 mm, between which Slicer interpolates; it would take as much memory as the volume otherwise.
    """
    _checkKnown(result)
    image = coarseTreMap(worldImageFromVolumeNode(fixedVolumeNode), result.expectedError, progress)
    scene = fixedVolumeNode.GetScene()
    mapNode = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "expected TRE (mm)")
    setVolumeNodeImage(mapNode, image)
    mapNode.CreateDefaultDisplayNodes()
    displayNode = mapNode.GetDisplayNode()
    displayNode.SetAndObserveColorNodeID(_colorNode(scene).GetID())
    displayNode.AutoWindowLevelOff()
    displayNode.SetWindowLevelMinMax(*_MAP_RANGE_MM)
    displayNode.SetOpacity(_MAP_OPACITY)
    return mapNode


def errorMap(fixedImage: sitk.Image, result: RegistrationResult, progress: Progress | None = None) -> sitk.Image:
    """Return the expected TRE in mm on an image's grid, or raise ValueError where nothing tells it."""
    _checkKnown(result)
    return treMap(fixedImage, result.expectedError, progress)


def boundMap(fixedImage: sitk.Image, result: RegistrationResult, progress: Progress | None = None) -> sitk.Image:
    """Return the TRE's 95 % bound in mm on an image's grid, or raise ValueError where nothing tells it."""
    _checkKnown(result)
    return treMap(fixedImage, result.errorBound, progress)


def _checkKnown(result: RegistrationResult) -> None:
    if not result.knowsError:
        raise ValueError(
            f"With {len(result.labels)} landmark pairs the error cannot be estimated, so there is no map of it; "
            "place more landmarks."
        )


def _colorNode(scene: slicer.vtkMRMLScene) -> slicer.vtkMRMLColorTableNode:
    name = "MedFusion expected error"
    colorNode = scene.GetFirstNodeByName(name)
    if colorNode is None:
        colorNode = scene.AddNewNodeByClass("vtkMRMLColorTableNode", name)
        colorNode.SetTypeToUser()
        colorNode.SetNumberOfColors(256)
        stops = [share for share, _ in MAP_COLORS]
        for index in range(256):
            channels = [np.interp(index / 255, stops, [color[c] for _, color in MAP_COLORS]) for c in range(3)]
            colorNode.SetColor(index, f"{_MAP_RANGE_MM[1] * index / 255:.2f} mm", *channels, 1.0)
    return colorNode
