"""Single slices: pictures and files of one slice, read and written as what they are."""

from collections.abc import Sequence
from pathlib import Path

import SimpleITK as sitk

from ..Images.Voxels import grayLevels
from .VolumeFiles import checkedVolume, isDicomPath

PICTURES = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp")


def isSlice(path: str | Path) -> bool:
    """Return whether a file holds a single slice; what cannot be read is left to readVolume to complain about."""
    path = Path(path)
    if not path.is_file():
        return False
    if path.suffix.lower() in PICTURES:
        return True
    if isDicomPath(path):
        return False
    reader = sitk.ImageFileReader()
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        return False
    size = reader.GetSize()
    return len(size) == 2 or (len(size) == 3 and size[2] == 1)


def readSlices(paths: Sequence[str | Path]) -> list[sitk.Image]:
    """Return files of one slice as images of one slice each.

    Pictures have no place in space and must be of one size, aligned pixel by pixel.
    """
    flat = [isSlice(path) for path in paths]
    if not all(flat):
        one = Path(paths[flat.index(True)]).name if any(flat) else "The other image"
        raise ValueError(
            f"{one} is 2D, a single slice, and {Path(paths[flat.index(False)]).name} is not; fuse slices with slices "
            "and volumes with volumes."
        )
    images = [_readSlice(Path(path)) for path in paths]
    placeless = any(Path(path).suffix.lower() in PICTURES for path in paths)
    for path, image in zip(paths, images, strict=True):
        if placeless and image.GetSize() != images[0].GetSize():
            sizes = ["x".join(map(str, each.GetSize()[:2])) for each in (images[0], image)]
            raise ValueError(
                f"{Path(paths[0]).name} has {sizes[0]} pixels and {Path(path).name} {sizes[1]}; pictures must be of "
                "one size and aligned pixel by pixel, for they have no place in space."
            )
        if placeless:
            image.CopyInformation(sitk.Image(image.GetSize(), sitk.sitkUInt8))
    return images


def writeSlice(image: sitk.Image, window: tuple[float, float], path: Path) -> None:
    """Write an image of one slice; a picture shows it from the window's low end to its high end.

    :raises RuntimeError: when the file was not written.
    """
    if path.suffix.lower() in PICTURES:
        image = image[:, :, 0]
        if image.GetNumberOfComponentsPerPixel() == 1:
            image = sitk.Cast(sitk.IntensityWindowing(image, *window, 0.0, 255.0), sitk.sitkUInt8)
    try:
        sitk.WriteImage(image, str(path))
    except RuntimeError as error:
        raise RuntimeError(f"The fused slice could not be written to {path}; is the disk full?") from error


def _readSlice(path: Path) -> sitk.Image:
    try:
        image = sitk.ReadImage(str(path))
    except RuntimeError as error:
        raise ValueError(f"{path.name} could not be read as a picture or a slice.") from error
    if image.GetNumberOfComponentsPerPixel() > 1:
        image = _gray(image, path)
    if image.GetDimension() == 2:
        image = sitk.JoinSeries(image)
    return checkedVolume(image, path.name)[0]


def _gray(image: sitk.Image, path: Path) -> sitk.Image:
    values = grayLevels(sitk.GetArrayFromImage(image))
    if values is None:
        raise ValueError(f"{path.name} is in color; a CT or an MRI in gray levels is needed.")
    gray = sitk.GetImageFromArray(values)
    gray.SetSpacing(image.GetSpacing())
    return gray
