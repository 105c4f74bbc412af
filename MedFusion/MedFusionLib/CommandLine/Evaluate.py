"""medfusion evaluate: a result held against sources or truth."""

import argparse
import json
from contextlib import suppress
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Core.Fusion.Metrics import METRIC_MEANINGS, scoreTable
from ..Core.Images.Coordinates import flipPoints
from ..Core.Images.Resampling import resampleImage
from ..Core.Images.Transforms import isWithinDomain, transformPoints
from ..Core.Images.Voxels import extremes
from ..Core.Inputs.SegmentationFiles import readSegmentation
from ..Core.Inputs.SliceFiles import isSlice, readSlices
from ..Core.Inputs.TransformFiles import readTransform
from ..Core.Inputs.VolumeFiles import readVolume
from ..Core.Tumor.AgreementDoubts import agreementDoubts
from ..Core.Tumor.SegmentationMetrics import bestUnion, comparePairs
from ..Core.Tumor.SegmentPairing import LabeledSegments, SegmentPair, pairSegments
from .Arguments import addThreshold
from .DicomInput import addOrientation
from .Terminal import warn

# Chosen by reason: what no registration leaves that anybody would keep, and what no chance brings.
_SUSPICIOUS_MM = 5.0
_FAR_BETTER = 0.25


def addArguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand with its three kinds."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="fusion|tumor|registration")
    fusion = kinds.add_parser("fusion", help="fusion measures of FUSED")
    for name in ("CT", "MRI", "FUSED"):
        fusion.add_argument(name.lower(), metavar=name)
    addOrientation(fusion)
    fusion.set_defaults(execute=executeFusion)
    tumor = kinds.add_parser("tumor", help="agreement of SEG with TRUTH")
    for name in ("SEG", "TRUTH"):
        tumor.add_argument(name.lower(), metavar=name)
    tumor.add_argument(
        "--map",
        type=_pairs,
        metavar="SEG=TRUTH,...",
        help="which segments belong together, by name or value, such as 1=4 or Edema=2; else the equal ones",
    )
    addThreshold(tumor)
    addOrientation(tumor)
    tumor.set_defaults(execute=executeTumor)
    registration = kinds.add_parser("registration", help="target registration error of TRANSFORM")
    registration.add_argument(
        "transform", metavar="TRANSFORM", help="CT points to MRI points: .h5, .tfm, .txt, .xfm or DICOM"
    )
    registration.add_argument("targets", metavar="TARGETS.json", help='{"ct": [[x,y,z], ...], "mr": [...]}')
    registration.set_defaults(execute=executeRegistration)


def executeFusion(arguments: argparse.Namespace) -> None:
    """Print the fusion measures beside those of a plain copy of either source, each with its meaning."""
    axes = arguments.assume_orientation
    paths = (arguments.ct, arguments.mri, arguments.fused)
    if any(isSlice(path) for path in paths):
        ct, mri, fused = readSlices(paths)
    else:
        ct, mri, fused = (readVolume(path, assumedAxes=axes).image for path in paths)
        ct, mri = (resampleImage(image, fused, background=min(0.0, extremes(image)[0])) for image in (ct, mri))
    scores = scoreTable(ct, mri, fused, full=True)
    print(f"{'measure':<10} {'fused':>9} {'copy CT':>9} {'copy MRI':>9}  meaning")
    for name, meaning in METRIC_MEANINGS.items():
        values = [scores[column].get(name, float("nan")) for column in ("fused", "copy_ct", "copy_mri")]
        print(f"{name:<10} {values[0]:9.4f} {values[1]:9.4f} {values[2]:9.4f}  {meaning}")


def executeTumor(arguments: argparse.Namespace) -> None:
    """Print Dice, HD95, average surface distance and volume error, per segment and for all together.

    One undivided segment is held against the truth's labels that it agrees with best, taken together.
    """
    truth = readSegmentation(arguments.truth, arguments.threshold, arguments.assume_orientation)
    own = readSegmentation(arguments.seg, arguments.threshold, arguments.assume_orientation, truth.labelImage)
    if truth.isEmpty:
        raise ValueError(f"{Path(arguments.truth).name} holds no outline: every voxel is 0.")
    pairs: tuple[SegmentPair, ...] = ()
    isUndivided = len(own.allSegments) == 1 and len(truth.segments) > 1 and not arguments.map
    if isUndivided and own.isNamed:
        union, scores = bestUnion(own.labelImage, truth.labelImage)
        name = f"{own.allSegments[0].name} = {'+'.join(map(str, union))}"
        rows, notes = {name: scores, **comparePairs(own.labelImage, truth.labelImage, [])}, ()
    else:
        labeled = [LabeledSegments(read.allSegments, read.isNamed) for read in (own, truth)]
        pairing = pairSegments(*labeled, arguments.map)
        pairs, notes = pairing.pairs, pairing.notes
        rows = comparePairs(own.labelImage, truth.labelImage, pairs)
    doubts = agreementDoubts(own.labelImage, truth.labelImage, pairs, rows)
    warn([*own.warnings, *truth.warnings, *notes, *doubts])
    print(f"{'label':<18} {'Dice':>6} {'HD95 mm':>8} {'ASD mm':>7} {'volume error':>13}")
    for name, scores in rows.items():
        print(
            f"{name:<18} {scores.dice:6.3f} {scores.hausdorff95Mm:8.2f} "
            f"{scores.averageSurfaceDistanceMm:7.2f} {scores.volumeError:+13.1%}"
        )


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return the pairs of --map."""
    pairs = [tuple(part.rsplit("=", 1)) for part in text.split(",")]
    if not all(len(pair) == 2 and pair[0].strip() and pair[1].strip() for pair in pairs):
        raise argparse.ArgumentTypeError(f"'{text}' is not SEG=TRUTH,..., such as 1=4 or Edema=2,Core=1+4")
    return [(left.strip(), right.strip()) for left, right in pairs]


def executeRegistration(arguments: argparse.Namespace) -> None:
    """Print the target registration error."""
    transform = readTransform(arguments.transform)
    fixedTargets, movingTargets = readTargets(arguments.targets)
    outside = np.flatnonzero(~isWithinDomain(transform, fixedTargets)) + 1
    if outside.size:
        raise ValueError(
            f"Of {len(fixedTargets)} targets {outside.size} lie outside of the displacement field of "
            f"{arguments.transform}, which says nothing of them (number "
            f"{', '.join(map(str, outside[:8]))}); leave them out."
        )
    errors = targetRegistrationErrors(transform, fixedTargets, movingTargets)
    warn(_mixUps(transform, fixedTargets, movingTargets, errors))
    print(
        f"TRE at {len(errors)} targets: RMS {np.sqrt(np.mean(errors**2)):.3f} mm, median {np.median(errors):.3f} mm, "
        f"max {errors.max():.3f} mm"
    )
    print(f"TRE at the last target: {errors[-1]:.3f} mm")


def _mixUps(
    transform: sitk.Transform, fixedTargets: np.ndarray, movingTargets: np.ndarray, errors: np.ndarray
) -> list[str]:
    """Return a sentence where the transform turned round, or the targets in other axes, would fit far better."""
    flipped = targetRegistrationErrors(transform, flipPoints(fixedTargets), flipPoints(movingTargets))
    others = {"the targets' RAS and LPS were exchanged; correct their coordinateSystem": flipped}
    with suppress(RuntimeError):  # a displacement field has no inverse
        back = targetRegistrationErrors(transform.GetInverse(), fixedTargets, movingTargets)
        others["it were turned round: it seems to lead from MRI to CT points; give its inverse"] = back
    own = float(np.sqrt(np.mean(errors**2)))
    found = {reason: float(np.sqrt(np.mean(other**2))) for reason, other in others.items()}
    return [
        f"The error would be {other:.3f} instead of {own:.3f} mm if {reason}."
        for reason, other in found.items()
        if own > _SUSPICIOUS_MM and other < _FAR_BETTER * own
    ]


def targetRegistrationErrors(
    transform: sitk.Transform, fixedTargets: np.ndarray, movingTargets: np.ndarray
) -> np.ndarray:
    """Return the distance in millimeters of each mapped fixed target from its moving target, LPS."""
    return np.linalg.norm(transformPoints(transform, fixedTargets) - movingTargets, axis=1)


def readTargets(path: str | Path) -> tuple[np.ndarray, np.ndarray]:
    """Return the paired targets of a JSON file with the lists "ct" and "mr" (or "mri"), as LPS points."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
        fixed = np.array(document["ct"], dtype=float)
        moving = np.array(document["mr"] if "mr" in document else document["mri"], dtype=float)
        frame = str(document.get("coordinateSystem", "LPS")).upper()
    except OSError as error:
        raise ValueError(f"{path} cannot be read ({error.strerror}).") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f'{path} is not a targets file: JSON with the point lists "ct" and "mr".') from error
    if fixed.ndim != 2 or fixed.shape[1:] != (3,) or fixed.shape != moving.shape or not len(fixed):
        raise ValueError(f"{path} holds {fixed.shape} CT and {moving.shape} MRI values; both must be (N, 3).")
    if not (np.isfinite(fixed).all() and np.isfinite(moving).all()):
        raise ValueError(f"{path} holds a coordinate that is not a number.")
    if frame not in ("LPS", "RAS"):
        raise ValueError(f'{path} says coordinateSystem "{frame}"; it must be LPS or RAS.')
    return (fixed, moving) if frame == "LPS" else (flipPoints(fixed), flipPoints(moving))
