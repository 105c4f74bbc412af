"""Fuse a CT with one or more MRIs."""

from collections.abc import Sequence
from dataclasses import dataclass

import SimpleITK as sitk

from ..Images.Transforms import IDENTITY
from ..Images.Voxels import extremes, fewSlices, writableVoxels
from ..Progress import Progress, report
from .Inputs import FusionScales, Source, findScales
from .Settings import ColorStyle, FusionMethod, FusionSettings
from .Strips import fuseStrips


@dataclass(frozen=True)
class FusionResult:
    """A fused volume and what is needed to show and to repeat it.

    :param image: on the reference grid, in the units of the fixed image (HU for a CT in HU).
    :param window: intensities to show as black and as white.
    :param scales: the common scale, to be handed to a further fusion of the same volumes with other rules.
    """

    image: sitk.Image
    window: tuple[float, float]
    settings: FusionSettings
    warnings: tuple[str, ...] = ()
    scales: FusionScales | None = None


@dataclass(frozen=True, eq=False)
class FusionGeometry:
    """Where the volumes of a fusion lie, and on which voxels they are fused.

    :param movingTransforms: one per MRI, each maps world LPS points to that MRI's own points; None is the identity, as
        all are where none are given.
    :param fixedTransform: the same for the CT.
    :param referenceImage: grid of the result; the CT's if None.
    :param referenceTransform: maps world LPS points to the reference image's own points; the CT's own transform when
        there is no reference image.
    :param slices: fuse only these slices of the reference grid; the result has just them.
    """

    movingTransforms: Sequence[sitk.Transform | None] = ()
    fixedTransform: sitk.Transform | None = None
    referenceImage: sitk.Image | None = None
    referenceTransform: sitk.Transform | None = None
    slices: range | None = None


def fuseVolumes(
    fixedImage: sitk.Image,
    movingImages: Sequence[sitk.Image],
    settings: FusionSettings | None = None,
    geometry: FusionGeometry | None = None,
    progress: Progress | None = None,
    scales: FusionScales | None = None,
) -> FusionResult:
    """Return one volume with the bone of the CT and the soft tissue of the MRIs.

    The result is in the CT's own units. With a CT in HU, bone has its HU; tissue has the MRI's intensity, black at the
    low end of the CT window and the brightest just below full bone (0 to 300 HU unless set otherwise), so that every
    value above is bone; air where both show none, and everything where no MRI reaches, has its HU. With a CT already
    windowed to 8 bit the result is in gray levels, 0 to 255.

    :param fixedImage: the CT, in HU or already windowed to 8 bit.
    :param movingImages: one or more MRIs, each on its own grid.
    :param scales: found before for the same volumes, windows and percentiles; saves time in previews.

    Sources: J.-L. Starck, J. Fadili, F. Murtagh, The undecimated wavelet decomposition and its reconstruction,
    IEEE Trans. Image Process. 16 (2007), doi:10.1109/TIP.2006.887733; S. Li, B. Yang, J. Hu, Performance comparison of
    different multi-resolution transforms for image fusion, Inf. Fusion 12 (2011), doi:10.1016/j.inffus.2010.03.002.
    """
    settings, geometry = settings or FusionSettings(), geometry or FusionGeometry()
    movingTransforms = geometry.movingTransforms or [None] * len(movingImages)
    fixedTransform, referenceImage = geometry.fixedTransform, geometry.referenceImage
    referenceTransform, slices = geometry.referenceTransform, geometry.slices
    _checkVolumes(fixedImage, movingImages, movingTransforms, settings)
    report(progress, 0.0, "Fusing")
    if referenceImage is None:
        referenceImage, referenceTransform = fixedImage, fixedTransform
    depth = referenceImage.GetDepth()
    slices = range(depth) if slices is None else range(max(0, slices.start), min(depth, slices.stop))
    if not len(slices):
        raise ValueError(f"No slice to fuse: the reference volume has the slices 0 to {depth - 1}.")
    sources = [Source(fixedImage, _between(referenceTransform, fixedTransform))]
    for image, transform in zip(movingImages, movingTransforms, strict=True):
        sources.append(Source(image, _between(referenceTransform, transform)))
    if scales is None:
        ways = [_between(fixedTransform, transform) for transform in (fixedTransform, *movingTransforms)]
        scales = findScales([Source(s.image, way) for s, way in zip(sources, ways, strict=True)], settings)
    color = settings.method is FusionMethod.color
    size = (referenceImage.GetWidth(), referenceImage.GetHeight(), len(slices))
    image = sitk.Image(size, sitk.sitkVectorUInt8, 3) if color else sitk.Image(size, sitk.sitkFloat32)
    fuseStrips(sources, referenceImage, slices, scales, settings, writableVoxels(image), progress)
    image.SetOrigin(referenceImage.TransformIndexToPhysicalPoint((0, 0, slices.start)))
    image.SetSpacing(referenceImage.GetSpacing())
    image.SetDirection(referenceImage.GetDirection())
    report(progress, 1.0, "Fusing")
    return FusionResult(image, (0.0, 255.0) if color else scales.window, settings, scales.warnings, scales)


def _checkVolumes(
    fixedImage: sitk.Image,
    movingImages: Sequence[sitk.Image],
    movingTransforms: Sequence[sitk.Transform | None],
    settings: FusionSettings,
) -> None:
    """Raise ValueError for volumes that cannot be fused."""
    if not movingImages:
        raise ValueError("Fusion needs a CT and at least one MRI; no MRI was given.")
    if len(movingTransforms) != len(movingImages):
        raise ValueError(f"{len(movingImages)} MRIs came with {len(movingTransforms)} transforms; give one for each.")
    if settings.method is FusionMethod.color and settings.colorStyle is ColorStyle.second and len(movingImages) < 2:
        raise ValueError("The color style 'second' tints by a second MRI; only one MRI was given.")
    for image in (fixedImage, *movingImages):
        if image.GetDimension() != 3 or image.GetNumberOfComponentsPerPixel() != 1:
            raise ValueError(
                f"Fusion takes scalar 3D volumes; one has {image.GetDimension()} dimensions and "
                f"{image.GetNumberOfComponentsPerPixel()} values per voxel."
            )
        if _isConstant(image):
            raise ValueError("A volume to be fused has the same value everywhere; choose another volume.")


def _isConstant(image: sitk.Image) -> bool:
    for middle in fewSlices(image, 1):
        if middle.min() != middle.max():
            return False
    low, high = extremes(image)
    return low == high


def _between(fromWorld: sitk.Transform | None, toImage: sitk.Transform | None) -> sitk.Transform:
    """Return the map from points of one image to points of another, both given as maps from world."""
    if fromWorld is toImage:
        return IDENTITY
    steps = sitk.CompositeTransform(3)
    if toImage is not None:
        steps.AddTransform(toImage)
    if fromWorld is not None:
        try:
            steps.AddTransform(fromWorld.GetInverse())
        except RuntimeError as error:
            raise RuntimeError(
                "The transform over the CT or the reference volume cannot be inverted; harden it first."
            ) from error
    return steps
