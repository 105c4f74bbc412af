"""medfusion compare: two runs of one patient at different times."""

import argparse
from pathlib import Path

from ..Core.FollowUp.Change import Change
from ..Core.Results import FileNames
from ..Core.Results.Comparability import differencesBetween
from ..Core.Results.Comparison import compareRuns, identityConflicts, orderWarnings
from ..Core.Results.MeasurementsFile import measurementsText, writeMeasurements
from ..Core.Results.Output import outputFolder
from ..Core.Results.RunDocument import comparisonDocument
from ..Core.Results.RunFolder import readRunFolder
from ..Core.Results.TransformFile import writeTransform
from ..Report.FollowUpReport import writeFollowUpReport
from ..Report.Pdf import checkPdfRenderer
from .Arguments import addOutput, addReport
from .Common import addJson
from .DicomInput import addIdentity
from .Terminal import StepProgress, warn


def addArguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand."""
    parser.add_argument("first", metavar="RUN1", help="result folder of the earlier run")
    parser.add_argument("second", metavar="RUN2", help="result folder of the later run")
    addIdentity(parser)
    parser.add_argument(
        "--accept-differences",
        action="store_true",
        help="compare although the outlines are of different sequences or parts of the tumor",
    )
    addOutput(parser, "DIR", "folder for report.html, comparison.json and first_to_second.h5")
    addReport(parser)
    addJson(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> None:
    """Align the two time points, measure the change and write the folder."""
    folders = (Path(arguments.first), Path(arguments.second))
    if arguments.pdf:
        checkPdfRenderer()
    with outputFolder(arguments.output, arguments.force, folders) as output, StepProgress() as progress:
        progress.step("Load")
        runs = (readRunFolder(folders[0]), readRunFolder(folders[1]))
        conflicts = identityConflicts(runs)
        if conflicts and not arguments.accept_identity:
            raise ValueError(f"{' '.join(conflicts)} If it is the same patient anyway, add --accept-identity.")
        differences = differencesBetween(runs)
        if differences and not arguments.accept_differences:
            raise ValueError(
                f"{' '.join(differences)} Their difference is not the growth of one tumor. If they are to be compared "
                "all the same, add --accept-differences."
            )
        notes = (*conflicts, *differences, *orderWarnings(runs))
        comparison = compareRuns(runs, progress.step("Compare"))
        document = comparisonDocument(comparison, notes, arguments.accept_identity)
        progress.step("Write")
        writeMeasurements(output / FileNames.COMPARISON, document.measurements())
        writeTransform(document.comparison.alignment.transform, output / FileNames.FOLLOW_UP_TRANSFORM)
        writeFollowUpReport(output, document, arguments.pdf, arguments.full)
    warn(document.warnings)
    if arguments.json:
        print(measurementsText(document.measurements()), end="")
        return
    followUp = document.comparison.followUp
    for change in followUp.changes:
        print(_line(change))
    product = followUp.changes[-1]
    print(f"Product larger by 25 %: {product.isIncrease.value}; smaller by 50 %: {product.isDecrease.value}")
    if len(followUp.lesions) > 1:
        for number, lesion in enumerate(followUp.lesions, start=1):
            print(f"  Lesion {number} ({lesion.match.fate.value}): {_line(lesion.volume)}; {_line(lesion.product)}")
    print(f"Report: {Path(arguments.output) / FileNames.REPORT}")


def _line(change: Change) -> str:
    """Return a change in words."""
    percent = f"{change.percent:+.0f} %, " if change.before else ""
    return (
        f"{change.name.replace('_', ' ').capitalize()}: {change.before:.1f} to {change.after:.1f} {change.unit} "
        f"({percent}change uncertain by {change.uncertainty:.1f} {change.unit})"
    )
