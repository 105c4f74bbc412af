"""Where voxels, points and transforms cross between MRML (RAS) and SimpleITK (LPS). No other file flips axes.

MRML nodes and markups are in RAS millimeters, SimpleITK images and points in LPS millimeters, arrays in KJI order.
"""

import numpy as np
import SimpleITK as sitk
import slicer
import vtk
from vtk.util import numpy_support

from ..Core.Images.Coordinates import RAS_TO_LPS, flipPoints
from ..Core.Images.Grids import cornerPoints, directionOf, emptyImage, voxelAxes, voxelPoints
from ..Core.Images.Transforms import affineFromMatrix, matrixFromTransform
from ..Core.Images.Voxels import grayLevels

# Points


def definedPointsFromMarkups(markupsNode: slicer.vtkMRMLMarkupsNode) -> tuple[list[str], np.ndarray, list[bool]]:
    """Return labels, world LPS points (N, 3) and whether each is placed, visible and selected."""
    labels, points, placed = [], [], []
    for index in range(markupsNode.GetNumberOfControlPoints()):
        labels.append(markupsNode.GetNthControlPointLabel(index))
        points.append(markupsNode.GetNthControlPointPositionWorld(index))
        status = markupsNode.GetNthControlPointPositionStatus(index)
        placed.append(
            status == slicer.vtkMRMLMarkupsNode.PositionDefined
            and bool(markupsNode.GetNthControlPointVisibility(index))
            and bool(markupsNode.GetNthControlPointSelected(index))
        )
    return labels, flipPoints(np.reshape(points, (-1, 3))), placed


def setMarkupsPoints(
    markupsNode: slicer.vtkMRMLMarkupsNode, points: np.ndarray, labels: list[str] | None = None
) -> None:
    """Replace the control points of a markups node.

    :param points: (N, 3) world LPS millimeters.
    """
    markupsNode.RemoveAllControlPoints()
    for index, point in enumerate(flipPoints(points)):
        if labels is None:
            markupsNode.AddControlPointWorld(vtk.vtkVector3d(*point))
        else:
            markupsNode.AddControlPointWorld(vtk.vtkVector3d(*point), labels[index])


# Matrices and transforms


def arrayFromMatrix(matrix: vtk.vtkMatrix4x4) -> np.ndarray:
    """Return a VTK matrix as a (4, 4) array."""
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def matrixFromArray(array: np.ndarray) -> vtk.vtkMatrix4x4:
    """Return a (4, 4) array as a VTK matrix."""
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(np.asarray(array, dtype=float).ravel())
    return matrix


def worldToNodeTransform(node: slicer.vtkMRMLTransformableNode, referenceImage: sitk.Image) -> sitk.Transform | None:
    """Return the transform from world LPS points to the node's own LPS points; None when the node has no parent.

    :param referenceImage: where the transform will be used; a parent that bends space is sampled over its extent.
    """
    parentNode = node.GetParentTransformNode()
    if parentNode is None:
        return None
    if parentNode.IsTransformToWorldLinear():
        matrix = vtk.vtkMatrix4x4()
        parentNode.GetMatrixTransformFromWorld(matrix)
        return affineFromMatrix(RAS_TO_LPS @ arrayFromMatrix(matrix) @ RAS_TO_LPS)
    general = vtk.vtkGeneralTransform()
    parentNode.GetTransformFromWorld(general)
    return _displacementField(general, referenceImage)


def relativeTransform(
    fromNode: slicer.vtkMRMLTransformableNode, toNode: slicer.vtkMRMLTransformableNode, fromImage: sitk.Image
) -> sitk.Transform | None:
    """Return the transform from one node's own LPS points to another's; None when both have the same parent."""
    if fromNode.GetParentTransformNode() is toNode.GetParentTransformNode():
        return None
    general = vtk.vtkGeneralTransform()
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(
        fromNode.GetParentTransformNode(), toNode.GetParentTransformNode(), general
    )
    linear = vtk.vtkTransform()
    if slicer.vtkMRMLTransformNode.IsGeneralTransformLinear(general, linear):
        return affineFromMatrix(RAS_TO_LPS @ arrayFromMatrix(linear.GetMatrix()) @ RAS_TO_LPS)
    return _displacementField(general, fromImage)


def _displacementField(
    transform: vtk.vtkAbstractTransform, referenceImage: sitk.Image, spacing: float = 3.0
) -> sitk.DisplacementFieldTransform:
    """Return a RAS transform sampled every few millimeters over an image's bounding box as an LPS field."""
    corners = cornerPoints(referenceImage)
    low, high = corners.min(axis=0) - spacing, corners.max(axis=0) + spacing
    grid = emptyImage(np.ceil((high - low) / spacing) + 1, [spacing] * 3, low, np.eye(3))
    lps = voxelPoints(grid)
    source, target = vtk.vtkPoints(), vtk.vtkPoints()
    source.SetData(numpy_support.numpy_to_vtk(np.ascontiguousarray(flipPoints(lps).reshape(-1, 3)), deep=True))
    target.SetDataTypeToDouble()
    transform.TransformPoints(source, target)
    moved = flipPoints(numpy_support.vtk_to_numpy(target.GetData())).reshape(lps.shape)
    field = sitk.GetImageFromArray(moved - lps, isVector=True)
    field.CopyInformation(grid)
    return sitk.DisplacementFieldTransform(sitk.Cast(field, sitk.sitkVectorFloat64))


def setTransformNode(transformNode: slicer.vtkMRMLTransformNode, transform: sitk.Transform) -> None:
    """Set a transform node so that a volume under it appears at the fixed image.

    :param transform: fixed to moving, LPS millimeters; it becomes the node's transform from parent.
    """
    if transform.IsLinear():
        transformNode.SetMatrixTransformFromParent(matrixFromArray(_rasMatrix(transform)))
    else:
        transformNode.SetAndObserveTransformFromParent(_vtkTransform(transform))


def transformFromNode(transformNode: slicer.vtkMRMLTransformNode, referenceImage: sitk.Image) -> sitk.Transform:
    """Return what `setTransformNode` takes: the map from fixed to moving points, LPS millimeters.

    :param referenceImage: the fixed image; a transform that bends space is sampled over its extent.
    """
    general = transformNode.GetTransformFromParent()
    linear = vtk.vtkTransform()
    if slicer.vtkMRMLTransformNode.IsGeneralTransformLinear(general, linear):
        return affineFromMatrix(RAS_TO_LPS @ arrayFromMatrix(linear.GetMatrix()) @ RAS_TO_LPS)
    return _displacementField(general, referenceImage)


def _rasMatrix(transform: sitk.Transform) -> np.ndarray:
    return RAS_TO_LPS @ matrixFromTransform(transform) @ RAS_TO_LPS


def _vtkTransform(transform: sitk.Transform) -> vtk.vtkAbstractTransform:
    """Return a linear, displacement field or composite LPS transform as a VTK transform in RAS."""
    if transform.IsLinear():
        linear = vtk.vtkTransform()
        linear.SetMatrix(matrixFromArray(_rasMatrix(transform)))
        return linear
    if transform.GetTransformEnum() == sitk.sitkComposite:
        composite = sitk.CompositeTransform(transform)
        general = vtk.vtkGeneralTransform()
        for index in range(composite.GetNumberOfTransforms()):  # in both libraries the last one acts first
            general.Concatenate(_vtkTransform(composite.GetNthTransform(index)))
        return general
    return _gridTransform(sitk.DisplacementFieldTransform(transform))


def _gridTransform(transform: sitk.DisplacementFieldTransform) -> slicer.vtkOrientedGridTransform:
    field = transform.GetDisplacementField()
    displacements = sitk.GetArrayFromImage(field)
    gridImage = vtk.vtkImageData()
    gridImage.SetDimensions(field.GetSize())
    scalars = numpy_support.numpy_to_vtk(np.ascontiguousarray(flipPoints(displacements).reshape(-1, 3)), deep=True)
    scalars.SetName("DisplacementField")
    gridImage.GetPointData().SetScalars(scalars)
    gridImage.SetSpacing(field.GetSpacing())
    gridImage.SetOrigin(flipPoints(field.GetOrigin()))
    grid = slicer.vtkOrientedGridTransform()
    grid.SetDisplacementGridData(gridImage)
    direction = np.eye(4)
    direction[:3, :3] = RAS_TO_LPS[:3, :3] @ directionOf(field)
    grid.SetGridDirectionMatrix(matrixFromArray(direction))
    grid.SetInterpolationModeToLinear()
    return grid


# Volumes

# The images whose own memory volume nodes show, by its address; each stays here as long as the node's scalars live.
_shownImages: dict[int, sitk.Image] = {}


def imageFromVolumeNode(volumeNode: slicer.vtkMRMLScalarVolumeNode) -> sitk.Image:
    """Return a volume node's voxels in the node's own geometry as an LPS image, its parent transform left aside.

    A node that was filled by `setVolumeNodeImage` gives that image, its memory shared with the node: what changes the
    node's voxels in place changes it, and it gets memory of its own when it is changed itself. Any other node's voxels
    are copied.
    """
    imageData = volumeNode.GetImageData()
    if imageData is None or imageData.GetPointData().GetScalars() is None:
        raise ValueError(f'"{volumeNode.GetName()}" holds no voxels; load or choose another volume.')
    components = imageData.GetNumberOfScalarComponents()
    scalars = numpy_support.vtk_to_numpy(imageData.GetPointData().GetScalars())
    shape = imageData.GetDimensions()[::-1]
    matrix = vtk.vtkMatrix4x4()
    volumeNode.GetIJKToRASMatrix(matrix)
    mayBeGray = components > 1 and shape[0] == 1 and scalars.dtype == np.uint8
    shown = None if mayBeGray else _shownImages.get(scalars.ctypes.data)
    if shown is not None and shown.GetSize() == shape[::-1] and _hasGeometry(shown, arrayFromMatrix(matrix)):
        return sitk.Image(shown)
    values = scalars.reshape(shape if components == 1 else (*shape, components))
    if mayBeGray:
        gray = grayLevels(values)  # Slicer reads pictures in colors, also gray ones
        values, components = (values, components) if gray is None else (gray, 1)
    image = sitk.GetImageFromArray(values, isVector=components > 1)
    _setGeometry(image, RAS_TO_LPS @ arrayFromMatrix(matrix))
    return image


def _hasGeometry(image: sitk.Image, ijkToRas: np.ndarray) -> bool:
    """Return whether an image has a geometry, up to the rounding of the way through a node."""
    return np.allclose(ijkToRasMatrix(image), ijkToRas, rtol=1e-9, atol=1e-12)


def worldImageFromVolumeNode(volumeNode: slicer.vtkMRMLScalarVolumeNode) -> sitk.Image:
    """Return a volume node's voxels where they are in the world, as an LPS image; nothing is resampled."""
    image = imageFromVolumeNode(volumeNode)
    toNode = worldToNodeTransform(volumeNode, image)
    if toNode is None:
        return image
    refusal = (
        f'"{volumeNode.GetName()}" is under the transform "{volumeNode.GetParentTransformNode().GetName()}", which is '
        "not rigid; take it out of that transform, or harden it (Data module), first."
    )
    if not toNode.IsLinear():
        raise ValueError(refusal)
    matrix = np.linalg.inv(matrixFromTransform(toNode))
    if not np.allclose(matrix[:3, :3].T @ matrix[:3, :3], np.eye(3), atol=1e-4):
        raise ValueError(refusal)
    _setGeometry(image, matrix @ RAS_TO_LPS @ ijkToRasMatrix(image))
    return image


def _setGeometry(image: sitk.Image, ijkToLps: np.ndarray) -> None:
    spacing = np.linalg.norm(ijkToLps[:3, :3], axis=0)
    image.SetSpacing(spacing.tolist())
    image.SetDirection((ijkToLps[:3, :3] / spacing).ravel().tolist())
    image.SetOrigin(ijkToLps[:3, 3].tolist())


def ijkToRasMatrix(image: sitk.Image) -> np.ndarray:
    """Return the (4, 4) matrix from voxel indices (I, J, K) to RAS millimeters of an LPS image."""
    matrix = np.eye(4)
    matrix[:3, :3] = voxelAxes(image)
    matrix[:3, 3] = image.GetOrigin()
    return RAS_TO_LPS @ matrix


def setVolumeNodeImage(volumeNode: slicer.vtkMRMLVolumeNode, image: sitk.Image) -> None:
    """Replace a volume node's voxels and geometry by an LPS image (scalar, or a vector such as RGB).

    The node shows the image's own memory, for volumes are too large to be held twice; changing the image afterwards,
    or looking at it as an array, gives the image memory of its own.
    """
    volumeNode.SetIJKToRASMatrix(matrixFromArray(ijkToRasMatrix(image)))
    volumeNode.SetAndObserveImageData(_imageData(image, vtk.vtkImageData(), shared=True))


def _imageData(image: sitk.Image, imageData: vtk.vtkImageData, shared: bool = False) -> vtk.vtkImageData:
    imageData.SetDimensions(image.GetSize())
    # The view comes before the image is shared: SimpleITK copies a shared image's voxels to make a view of them.
    array = sitk.GetArrayViewFromImage(image)
    components = image.GetNumberOfComponentsPerPixel()
    flat = array.reshape(-1, components) if components > 1 else array.ravel()
    scalars = numpy_support.numpy_to_vtk(flat, deep=not shared)
    if shared:
        # The image must live as long as the scalars that point to its voxels; attributes would outlive both.
        address = array.ctypes.data
        _shownImages[address] = sitk.Image(image)
        scalars.AddObserver("DeleteEvent", lambda *_: _shownImages.pop(address, None))
        del scalars._numpy_reference
    scalars.SetName("ImageScalars")
    imageData.GetPointData().SetScalars(scalars)
    return imageData


# Segmentations


def orientedImageData(image: sitk.Image) -> slicer.vtkOrientedImageData:
    """Return an LPS image as oriented image data in RAS, as a segmentation holds it."""
    oriented = slicer.vtkOrientedImageData()
    _imageData(image, oriented)
    oriented.SetGeometryFromImageToWorldMatrix(matrixFromArray(ijkToRasMatrix(image)))
    return oriented


def geometryText(image: sitk.Image) -> str:
    """Return an LPS image's grid as a segmentation keeps its reference geometry, without the voxels."""
    oriented = slicer.vtkOrientedImageData()
    oriented.SetExtent([end for size in image.GetSize() for end in (0, size - 1)])
    oriented.SetGeometryFromImageToWorldMatrix(matrixFromArray(ijkToRasMatrix(image)))
    return slicer.vtkSegmentationConverter.SerializeImageGeometry(oriented)


def imageFromOriented(oriented: slicer.vtkOrientedImageData) -> sitk.Image:
    """Return oriented image data in RAS, as a segmentation holds it, as an LPS image."""
    extent = oriented.GetExtent()
    matrix = vtk.vtkMatrix4x4()
    oriented.GetImageToWorldMatrix(matrix)
    ijkToRas = arrayFromMatrix(matrix)
    ijkToRas[:3, 3] += ijkToRas[:3, :3] @ np.array(extent[::2], float)
    scalars = numpy_support.vtk_to_numpy(oriented.GetPointData().GetScalars())
    image = sitk.GetImageFromArray(scalars.reshape(oriented.GetDimensions()[::-1]))
    _setGeometry(image, RAS_TO_LPS @ ijkToRas)
    return image


def hardenedLabels(
    labelImage: sitk.Image, worldToLabels: sitk.Transform | None, referenceImage: sitk.Image
) -> sitk.Image:
    """Return labels in world coordinates: under a rigid transform only the geometry changes, nothing is resampled.

    :param worldToLabels: maps world LPS points to the label image's own points.
    :param referenceImage: the grid to resample onto when the transform is not rigid.
    """
    if worldToLabels is None:
        return labelImage
    if worldToLabels.IsLinear():
        matrix = np.linalg.inv(matrixFromTransform(worldToLabels))
        axes = matrix[:3, :3] @ directionOf(labelImage)
        if np.allclose(axes.T @ axes, np.diag(np.diag(axes.T @ axes)), atol=1e-4):
            hardened = sitk.Image(labelImage)
            _setGeometry(hardened, matrix @ RAS_TO_LPS @ ijkToRasMatrix(labelImage))
            return hardened
    return sitk.Resample(labelImage, referenceImage, worldToLabels, sitk.sitkNearestNeighbor)
