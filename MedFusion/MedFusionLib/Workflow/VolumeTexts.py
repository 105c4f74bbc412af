"""What the panel says about the chosen volumes."""

import numpy as np
import SimpleITK as sitk
import slicer

from ..Core.Images.Grids import directionOf
from ..Core.Registration.Overlap import checkOverlap
from ..Scene.VolumeNodes import imageFromVolumeNode, relativeTransform
from .Parameters import registrationOf
from .Texts import paragraphs, warning
from .Translation import tr as _
from .VolumeGuess import looksLikeCt

_AXES = {(0, 1): "L", (0, -1): "R", (1, 1): "P", (1, -1): "A", (2, 1): "S", (2, -1): "I"}


def volumesText(
    fixedNode: slicer.vtkMRMLScalarVolumeNode | None,
    movingNode: slicer.vtkMRMLScalarVolumeNode | None,
    conflicts: tuple[str, ...],
) -> str:
    """Return what was understood of CT and MRI, and what speaks against them, as rich text."""
    lines, suspicions, images = [], list(conflicts), []
    for role, node in ((_("CT"), fixedNode), (_("MRI"), movingNode)):
        if node is None:
            continue
        try:
            image = imageFromVolumeNode(node)
        except ValueError as error:
            suspicions.append(str(error))
            continue
        images.append(image)
        lines.append(_volumeLine(role, image))
        suspicions += _suspicions(role, image, isCt=looksLikeCt(node), shouldBeCt=node is fixedNode)
    if fixedNode is not None and fixedNode is movingNode:
        suspicions.append(_("CT and MRI are the same volume; choose two."))
    elif len(images) == 2:
        lines.append(_overlapLine(fixedNode, movingNode, images))
    return paragraphs(lines + [warning(text) for text in suspicions])


def _volumeLine(role: str, image: sitk.Image) -> str:
    matrix = " × ".join(str(n) for n in image.GetSize())
    spacing = " × ".join(f"{s:.2g}" for s in image.GetSpacing())
    return f"<b>{role}</b> {matrix}, {spacing} mm, {_orientation(image)}"


def _orientation(image: sitk.Image) -> str:
    """Return the letters of the axes, and by how much they are tilted against the patient's."""
    direction = directionOf(image)
    letters = ""
    for column in direction.T:
        axis = int(np.argmax(np.abs(column)))
        letters += _AXES[axis, int(np.sign(column[axis]))]
    tilt = float(np.degrees(np.arccos(np.clip(np.abs(direction).max(axis=0).min(), -1, 1))))
    return letters if tilt < 1 else _("{letters}, tilted by {tilt:.0f}°").format(letters=letters, tilt=tilt)


def _suspicions(role: str, image: sitk.Image, isCt: bool, shouldBeCt: bool) -> list[str]:
    texts = []
    if shouldBeCt and not isCt:
        texts.append(_("The CT does not look like one: no air near -1000 HU. Is it an MRI, or already windowed?"))
    if isCt and not shouldBeCt:
        texts.append(_("The MRI looks like a CT: its values are Hounsfield units."))
    if max(image.GetSpacing()) > 4:
        texts.append(
            _("The {role} has slices {distance:.1f} mm apart; expect larger errors along them.").format(
                role=role, distance=max(image.GetSpacing())
            )
        )
    if min(image.GetSize()) == 1:
        texts.append(_("The {role} is a single slice; it is registered in its plane.").format(role=role))
    elif min(image.GetSize()) < 16:
        texts.append(
            _("The {role} has only {count} slices; check that it covers the head.").format(
                role=role, count=min(image.GetSize())
            )
        )
    return texts


def _overlapLine(
    fixedNode: slicer.vtkMRMLScalarVolumeNode, movingNode: slicer.vtkMRMLScalarVolumeNode, images: list[sitk.Image]
) -> str:
    isRegistered = registrationOf(movingNode) is not None
    transform = relativeTransform(fixedNode, movingNode, images[0]) or sitk.Transform(3, sitk.sitkIdentity)
    try:
        share = checkOverlap(*images, transform)
    except ValueError:
        return _("Their coordinates do not overlap, as is usual before registration.")
    if isRegistered:
        return _("Registered; {share:.0f} % of the smaller volume is in both.").format(share=100 * share)
    return _("{share:.0f} % overlap before registration.").format(share=100 * share)
