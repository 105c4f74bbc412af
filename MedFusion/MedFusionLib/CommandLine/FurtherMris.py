"""The further MRIs of medfusion run: T1c and FLAIR of one session, say."""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import SimpleITK as sitk
import slicer

from ..Core.Dicom.Inspection import sharesFrameOfReference
from ..Core.Images.Resampling import Interpolation, resampleImage
from ..Core.Inputs.VolumeFiles import VolumeFile, volumeName
from ..Scene.FurtherVolumes import alignToFirst
from ..Scene.NodeFiles import addVolume, saveNode
from ..Scene.VolumeNodes import worldToNodeTransform
from .Terminal import StepProgress


@dataclass(frozen=True)
class FurtherMris:
    """Hold the nodes of further MRIs, aligned, and how they came to be.

    :param notes: one sentence for each.
    """

    nodes: tuple[slicer.vtkMRMLScalarVolumeNode, ...] = ()
    notes: tuple[str, ...] = ()


def addFurtherMris(parser: argparse.ArgumentParser) -> None:
    """Add further MRIs, and which of all take part in the fusion."""
    parser.add_argument(
        "more",
        nargs="*",
        metavar="MORE",
        help="further MRIs of the session: they follow the first where they share its frame of reference or grid, else "
        "they are registered to it; the tumor is outlined on all",
    )
    parser.add_argument(
        "--fuse-with",
        type=_numbers,
        metavar="N,...|all",
        help="which MRIs are fused with the CT (1 is the first and the default)",
    )


def _numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a list, 0 for all."""
    parts = [part.strip() for part in text.split(",")]
    if text.strip() == "all":
        return (0,)
    if not all(part.isdecimal() and int(part) > 0 for part in parts):
        raise argparse.ArgumentTypeError(f"'{text}' is neither all nor numbers of MRIs, such as 1,2")
    return tuple(dict.fromkeys(int(part) for part in parts))


def furtherPaths(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the paths of the further MRIs by role: mri_2, mri_3 ..."""
    return {f"mri_{number}": path for number, path in enumerate(arguments.more, start=2)}


def furtherInputs(arguments: argparse.Namespace) -> dict[str, str]:
    """Return the paths of the further MRIs by role once they are found to make sense.

    :raises ValueError: where one volume is given twice, or --fuse-with names one that is not there.
    """
    given = [str(Path(path).resolve()) for path in (arguments.ct, arguments.mri, *arguments.more)]
    files = [path for path in given if Path(path).is_file()]
    twice = next((path for path in files if files.count(path) > 1), None)
    if twice is not None:
        raise ValueError(f"{twice} was given twice; give each volume once.")
    wrong = [number for number in arguments.fuse_with or () if number > 1 + len(arguments.more)]
    if wrong:
        raise ValueError(f"--fuse-with names MRI {wrong[0]}, but {1 + len(arguments.more)} were given.")
    return furtherPaths(arguments)


def alignFurther(
    scene: slicer.vtkMRMLScene,
    first: tuple[slicer.vtkMRMLScalarVolumeNode, VolumeFile],
    volumes: Sequence[tuple[str, VolumeFile]],
    progress: StepProgress,
) -> FurtherMris:
    """Add further MRIs, each with its path, and bring them to where the first one lies."""
    nodes, notes = [], []
    firstNode, firstVolume = first
    for path, volume in volumes:
        node = addVolume(scene, volume.image, volumeName(path))
        headers = firstVolume.header, volume.header
        sharesFrame = None not in headers and sharesFrameOfReference(*headers)
        notes.append(alignToFirst(scene, firstNode, node, sharesFrame, progress.step(f"Align {node.GetName()[:10]}")))
        nodes.append(node)
    return FurtherMris(tuple(nodes), tuple(notes))


def fusedNodes(
    nodes: Sequence[slicer.vtkMRMLScalarVolumeNode], numbers: Sequence[int]
) -> list[slicer.vtkMRMLScalarVolumeNode]:
    """Return the MRIs that --fuse-with means."""
    return list(nodes) if 0 in numbers else [nodes[number - 1] for number in numbers]


def writeFurther(
    folder: Path,
    nodes: Sequence[slicer.vtkMRMLScalarVolumeNode],
    images: Sequence[sitk.Image],
    ctImage: sitk.Image,
    interpolation: Interpolation,
) -> None:
    """Write each further MRI on the CT's grid: mri2_registered.nrrd, and so on."""
    for number, (node, image) in enumerate(zip(nodes, images, strict=True), start=2):
        registered = resampleImage(image, ctImage, worldToNodeTransform(node, ctImage), interpolation)
        written = addVolume(node.GetScene(), registered, f"mri{number}_registered")
        saveNode(written, folder / f"mri{number}_registered.nrrd")
        node.GetScene().RemoveNode(written)
