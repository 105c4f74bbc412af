"""medfusion register for pictures: landmarks in pixels, a fit in the plane, errors in pixels."""

import argparse

import SimpleITK as sitk

from ..Core.Images.Transforms import TransformModel
from ..Core.Inputs.PixelLandmarks import pairedPixels, readPixelLandmarks
from ..Core.Inputs.SliceFiles import readSlices
from ..Core.Landmarks.PlaneFit import PlaneFit, fitPlane
from ..Core.Results import FileNames
from ..Core.Results.MeasurementsFile import measurementsText, versions, writeMeasurements
from ..Core.Results.Output import outputFolder
from ..Core.Results.Recipe import readFiles
from ..Core.Results.TransformFile import writeTransform
from .Terminal import warn


def registerPictures(arguments: argparse.Namespace, inputs: dict[str, str]) -> None:
    """Register two pictures by their landmarks and write the folder."""
    if arguments.auto or arguments.refine or not (arguments.ct_landmarks and arguments.mri_landmarks):
        raise ValueError("Pictures are registered by landmarks alone: give --ct-landmarks and --mri-landmarks as CSV.")
    fixed, moving = (readSlices([path])[0][:, :, 0] for path in (arguments.ct, arguments.mri))
    lists = [readPixelLandmarks(path) for path in (arguments.ct_landmarks, arguments.mri_landmarks)]
    names, fixedPixels, movingPixels = pairedPixels(*lists)
    fit = fitPlane(fixedPixels, movingPixels, TransformModel(arguments.model))
    spacing = arguments.pixel or 1.0
    for image in (fixed, moving):
        image.SetSpacing((spacing, spacing))
        image.SetOrigin((0.0, 0.0))
        image.SetDirection((1.0, 0.0, 0.0, 1.0))
    left = sorted({*lists[0], *lists[1]} - set(names))
    notes = [f"Left out as only one list has it: {', '.join(left)}."] if left else []
    if arguments.pixel is None:
        notes.append("The size of a pixel is unknown, so errors are in pixels; --pixel MM gives it.")
    with outputFolder(arguments.output, arguments.force, inputs.values()) as folder:
        transform = fit.transform(spacing)
        registered = sitk.Resample(moving, fixed, transform, sitk.sitkLinear, 0.0)
        sitk.WriteImage(registered, str(folder / FileNames.REGISTERED_MRI))
        isGray = registered.GetPixelID() == sitk.sitkUInt8
        picture = registered if isGray else sitk.Cast(sitk.RescaleIntensity(registered, 0, 255), sitk.sitkUInt8)
        sitk.WriteImage(picture, str(folder / FileNames.REGISTERED_PICTURE))
        writeTransform(transform, folder / FileNames.TRANSFORM)
        document = {
            "registration": _measurements(fit, names, arguments),
            "warnings": notes,
            "versions": versions(),
            "inputs": {item.role: item.measurements() for item in readFiles(inputs, {})},
        }
        writeMeasurements(folder / FileNames.MEASUREMENTS, document)
    warn(notes)
    if arguments.json:
        print(measurementsText(document), end="")
    else:
        print(_summary(fit, arguments.pixel))


def _measurements(fit: PlaneFit, names: list[str], arguments: argparse.Namespace) -> dict[str, object]:
    """Return what was found; lengths in millimeters only where the size of a pixel is known."""
    lengths = {"fre": fit.fre, "fle": fit.fle, "tre_at_landmarks_center": fit.expectedErrorAtCenter}
    measured: dict[str, object] = {"model": arguments.model, "landmarks": len(names), "dimensions": 2}
    for name, value in lengths.items():
        measured[f"{name}_px"] = value
        measured[f"{name}_mm"] = None if value is None or arguments.pixel is None else value * arguments.pixel
    measured["residuals_px"] = dict(zip(names, fit.residuals.tolist(), strict=True))
    return measured


def _summary(fit: PlaneFit, pixel: float | None) -> str:
    unit, factor = ("pixels", 1.0) if pixel is None else ("mm", pixel)
    parts = [f"{len(fit.residuals)} landmarks", f"FRE {fit.fre * factor:.2f} {unit}"]
    expected = fit.expectedErrorAtCenter
    if expected is not None:
        parts.append(f"expected TRE at the landmarks' center {expected * factor:.2f} {unit}")
    return f"Registration in the plane: {', '.join(parts)}"
