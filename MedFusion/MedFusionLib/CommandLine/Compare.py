"""medfusion compare: two runs of one patient at different times."""

import argparse
from pathlib import Path

import SimpleITK as sitk

from ..Core.Results import FileNames
from ..Core.Results.Comparison import compareRuns, identityConflicts, orderWarnings
from ..Core.Results.MeasurementsFile import writeMeasurements
from ..Core.Results.Output import outputFolder
from ..Core.Results.RunDocument import comparisonDocument
from ..Core.Results.RunFolder import readRunFolder
from ..Report.FollowUpReport import writeFollowUpReport
from ..Report.Pdf import checkPdfRenderer
from .Arguments import addOutput, addReport
from .DicomInput import addIdentity
from .Terminal import StepProgress, warn


def addParser(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("compare", help="change of the tumor between two runs of one patient")
    parser.add_argument("first", metavar="RUN1", help="result folder of the earlier run")
    parser.add_argument("second", metavar="RUN2", help="result folder of the later run")
    addIdentity(parser)
    addOutput(parser, "DIR", "folder for report.html, comparison.json and first_to_second.h5")
    addReport(parser)
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
            raise ValueError(f"{' '.join(conflicts)} If it is one patient all the same, add --accept-identity.")
        document = comparisonDocument(
            compareRuns(runs, progress.step("Compare")), (*conflicts, *orderWarnings(runs)), arguments.accept_identity
        )
        progress.step("Write")
        writeMeasurements(output / FileNames.COMPARISON, document.measurements())
        sitk.WriteTransform(document.comparison.alignment.transform, str(output / FileNames.FOLLOW_UP_TRANSFORM))
        writeFollowUpReport(output, document, arguments.pdf, arguments.full)
    warn(document.warnings)
    for change in document.comparison.followUp.changes[:2]:
        print(
            f"{change.name.replace('_', ' ').capitalize()}: {change.before:.1f} to {change.after:.1f} {change.unit} "
            f"({change.percent:+.0f} %, change uncertain by {change.uncertainty:.1f} {change.unit})"
        )
    print(f"Report: {Path(arguments.output) / FileNames.REPORT}")
