"""medfusion measure: an outline that somebody made, measured."""

import argparse
from contextlib import ExitStack
from pathlib import Path

from ..Core.Inputs.OutlinePlace import coverageNote
from ..Core.Inputs.SegmentationFiles import SegmentationFile, readSegmentation
from ..Core.Inputs.VolumeFiles import VolumeFile, volumeName
from ..Core.Results import FileNames
from ..Core.Results.FileFormats import OutputFormat
from ..Core.Results.MeasurementsFile import writeMeasurements
from ..Core.Results.MeasurementsTable import writeMeasurementsTable
from ..Core.Results.Output import outputFile, outputFolder
from ..Core.Results.Recipe import inputsRecipe, readFiles
from ..Core.Results.RunDocument import MeasuredTumor, Provenance, ResultKind, RunDocument
from ..Core.Tumor.TumorMeasurements import measureTumor
from ..Core.Tumor.TumorSegmentation import givenOutline
from .Arguments import addThreshold, recordedOptions
from .DicomInput import addIdentity, addOrientation, addSeries, checkIdentities, headersOf, readVolumes
from .Terminal import StepProgress, warn
from .TumorSummary import tumorSummary


def addArguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand."""
    parser.add_argument("segmentation", metavar="SEG", help="a label map, .seg.nrrd or DICOM segmentation")
    parser.add_argument("volumes", nargs="*", metavar="VOLUME", help="volumes whose intensities inside it are measured")
    parser.add_argument("--ct", metavar="CT", help="head CT in the same coordinates, for depths below the skull")
    addThreshold(parser)
    addSeries(parser)
    addIdentity(parser)
    addOrientation(parser)
    parser.add_argument("--output", metavar="FILE", help=".json or .csv for the values, or a folder for both")
    parser.add_argument("--force", action="store_true", help="replace an existing output")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> None:
    """Measure, write and print."""
    isFile = arguments.output is not None and bool(Path(arguments.output).suffix)
    if isFile:
        OutputFormat.measurements.check(arguments.output)
    paths = [*arguments.volumes, *([arguments.ct] if arguments.ct else [])]
    with ExitStack() as stack:
        target = None
        if arguments.output is not None:
            make = outputFile if isFile else outputFolder
            target = stack.enter_context(make(arguments.output, arguments.force, [arguments.segmentation, *paths]))
        progress = stack.enter_context(StepProgress())
        progress.step("Load")
        axes = arguments.assume_orientation
        volumes = dict(
            zip(_roles(arguments.volumes), readVolumes(arguments.volumes, arguments.series, (), axes), strict=True)
        )
        if arguments.ct:
            volumes["ct"] = readVolumes([arguments.ct], (), ("CT",), axes)[0]
        drawnOn = next(iter(volumes.values())).image if volumes else None
        outline = readSegmentation(arguments.segmentation, arguments.threshold, axes, drawnOn)
        notes = [*outline.warnings, *(warning for volume in volumes.values() for warning in volume.warnings)]
        notes += checkIdentities(tuple(volumes.values()), arguments.accept_identity)
        notes += [note for role, volume in volumes.items() if (note := coverageNote(outline, volume.image, role))]
        progress.step("Measure")
        document = _document(arguments, outline, volumes, tuple(notes))
        if target is not None:
            _write(target, isFile, document)
    warn(notes)
    print("\n".join(tumorSummary(document.tumor.measurements())))


def _roles(paths: list[str]) -> list[str]:
    """Return a name for each volume, from its file; equal ones are numbered."""
    names = [volumeName(path) for path in paths]
    return [f"{name} {names[:n].count(name) + 1}" if names.count(name) > 1 else name for n, name in enumerate(names)]


def _document(
    arguments: argparse.Namespace, outline: SegmentationFile, volumes: dict[str, VolumeFile], notes: tuple[str, ...]
) -> RunDocument:
    """Return the measurements with where they come from."""
    tumor = givenOutline(outline.labelImage, outline.segments, outline.unions)
    ct = volumes["ct"].image if arguments.ct else None
    images = {role: volume.image for role, volume in volumes.items()}
    measured = measureTumor(outline.labelImage, images, ct=ct, segments=outline.allSegments)
    files = dict(zip(volumes, [*arguments.volumes, *([arguments.ct] if arguments.ct else [])], strict=True))
    source = Provenance(
        names=(Path(arguments.segmentation).name, ", ".join(volumes)),
        inputs=readFiles({"segmentation": str(outline.path)} | files, volumes),
        told={
            "inputs": inputsRecipe(arguments.series, arguments.accept_identity),
            "arguments": recordedOptions(arguments),
        },
        notes=notes,
        dicom=headersOf(**volumes),
    )
    return RunDocument(ResultKind.measure, source, tumor=MeasuredTumor(tumor, measured))


def _write(target: Path, isFile: bool, document: RunDocument) -> None:
    """Write the values as JSON, as a table, or both into a folder."""
    if not isFile or target.suffix == ".json":
        writeMeasurements(target if isFile else target / FileNames.MEASUREMENTS, document.measurements())
    if not isFile or target.suffix == ".csv":
        writeMeasurementsTable(target if isFile else target / FileNames.MEASUREMENTS_TABLE, document.tumor.measured)
