"""Volumes of the command line: which DICOM series is meant, and whether a CT and an MRI belong together."""

import argparse
import dataclasses
from collections.abc import Sequence
from pathlib import Path

from ..Core.Dicom.Series import DicomSeries
from ..Core.Images.Coordinates import CoordinateSystem
from ..Core.Images.ValueJudgment import checkNotExchanged, ctWarning, judgeImage, mriWarning
from ..Core.Inputs.Identity import conflictsBetween
from ..Core.Inputs.Memory import checkMemoryOfFiles
from ..Core.Inputs.VolumeFiles import VolumeFile, isDicomPath, readVolume


def addSeries(parser: argparse.ArgumentParser) -> None:
    """Add --series."""
    parser.add_argument(
        "--series",
        action="append",
        default=[],
        metavar="UID",
        help="the DICOM series to use where a folder holds several: its UID or number as medfusion inspect shows it; "
        "once for each volume",
    )


def addOrientation(parser: argparse.ArgumentParser) -> None:
    """Add --assume-orientation."""
    parser.add_argument(
        "--assume-orientation",
        type=lambda text: CoordinateSystem(text.upper()),
        choices=list(CoordinateSystem),
        metavar="RAS|LPS",
        help="which way the axes of volumes lead whose files do not say it: to the right, front and top of the "
        "patient, or to the left, back and top",
    )


def addIdentity(parser: argparse.ArgumentParser) -> None:
    """Add --accept-identity."""
    parser.add_argument(
        "--accept-identity",
        action="store_true",
        help="continue even if the headers name different patients or studies years apart",
    )


def readVolumes(
    paths: Sequence[str],
    choices: Sequence[str],
    modalities: Sequence[str | None] = (),
    assumedAxes: CoordinateSystem | None = None,
) -> tuple[VolumeFile, ...]:
    """Return the volumes at some paths, each DICOM folder's series chosen by --series or by its modality.

    :param choices: each belongs to the first path, in order, that holds it and has none yet.
    :param modalities: what each path is given as; tells series apart where --series does not.
    :param assumedAxes: which way the axes lead of volumes that do not say it.
    """
    checkMemoryOfFiles(paths)
    chosen = _assignSeries(paths, choices)
    wanted = list(modalities) or [None] * len(paths)
    volumes = []
    for path, series, modality in zip(paths, chosen, wanted, strict=True):
        volume = readVolume(path, series, modality, assumedAxes)
        if volume.dicom is not None:
            volume = dataclasses.replace(volume, warnings=_warnings(volume, modality, path))
        volumes.append(volume)
    return _withJudgedValues(volumes, paths, wanted)


def _withJudgedValues(
    volumes: Sequence[VolumeFile], paths: Sequence[str], modalities: Sequence[str | None]
) -> tuple[VolumeFile, ...]:
    """Return the volumes with a warning where the values are not those of what it was given as.

    :raises ValueError: where CT and MRI were exchanged, or the CT is inverted.
    """
    names = [Path(path).name for path in paths]
    judged = [judgeImage(volume.image, volume.dicom.header.modality if volume.dicom else "") for volume in volumes]
    if tuple(modalities[:2]) == ("CT", "MR"):
        checkNotExchanged(*judged[:2], *names[:2])
    checks = {"CT": ctWarning, "MR": mriWarning}
    told = [
        checks[modality](judgment, name) if modality in checks else ""
        for modality, judgment, name in zip(modalities, judged, names, strict=True)
    ]
    return tuple(
        dataclasses.replace(volume, warnings=(*volume.warnings, warning)) if warning else volume
        for volume, warning in zip(volumes, told, strict=True)
    )


def checkBesideCt(ct: VolumeFile, volumes: Sequence[VolumeFile], paths: Sequence[str]) -> tuple[str, ...]:
    """Return what speaks against volumes that a head CT is given with: they are CTs themselves.

    :param paths: of the CT and the volumes.
    :raises ValueError: where the CT and the first volume were exchanged.
    """
    ctName, *names = (Path(path).name for path in paths)
    judged = [judgeImage(volume.image, volume.dicom.header.modality if volume.dicom else "") for volume in volumes]
    modality = ct.dicom.header.modality if ct.dicom else ""
    checkNotExchanged(judgeImage(ct.image, modality), judged[0], ctName, names[0])
    return tuple(mriWarning(own, name) for own, name in zip(judged, names, strict=True) if own.isCt)


def _assignSeries(paths: Sequence[str], choices: Sequence[str]) -> list[str | None]:
    chosen: list[str | None] = [None] * len(paths)
    if not choices:
        return chosen
    from ..Core.Dicom.Series import findSeries, matchesChoice

    found = [findSeries(path) if isDicomPath(Path(path)) and Path(path).exists() else () for path in paths]
    for choice in choices:
        for index, series in enumerate(found):
            if chosen[index] is None and any(matchesChoice(item, choice) for item in series):
                chosen[index] = choice
                break
        else:
            raise ValueError(f"No input holds the series {choice}; medfusion inspect lists what is there.")
    return chosen


def _warnings(volume: VolumeFile, modality: str | None, path: str) -> tuple[str, ...]:
    from ..Core.Dicom.Inspection import seriesWarnings

    header = volume.dicom.header
    name = Path(path).name
    warnings = [*volume.warnings, *seriesWarnings(header)]
    if modality is not None and header.modality in ("CT", "MR") and header.modality != modality:
        warnings.append(f"It was given as {modality} but its header says {header.modality}.")
    return tuple(f"{name}: {warning}" for warning in dict.fromkeys(warnings))


def headersOf(**volumes: VolumeFile) -> dict[str, DicomSeries]:
    """Return the DICOM series of volumes by their roles; none for what came from other files."""
    return {role: volume.header for role, volume in volumes.items() if volume.header is not None}


def checkIdentity(fixed: VolumeFile, moving: VolumeFile, isAccepted: bool) -> tuple[str, ...]:
    """Return what speaks against CT and MRI belonging together, as `checkIdentities` does."""
    return checkIdentities((fixed, moving), isAccepted)


def checkIdentities(volumes: Sequence[VolumeFile], isAccepted: bool) -> tuple[str, ...]:
    """Return what speaks against the first volume and each other one belonging together, as warnings.

    :raises ValueError: if something does and the user has not accepted it, or the other one is the first again.
    """
    conflicts = conflictsBetween([volume.header for volume in volumes])
    if conflicts and not isAccepted:
        raise ValueError(f"{' '.join(conflicts)} If they belong together anyway, add --accept-identity.")
    return conflicts
