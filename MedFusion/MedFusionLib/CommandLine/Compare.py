"""medfusion compare: two runs of one patient at different times."""

import argparse
from datetime import datetime
from pathlib import Path

import numpy as np
import SimpleITK as sitk

from ..Core.FollowUp.FollowUp import FollowUp, compareTumors, largestLesionCenter
from ..Core.FollowUp.RigidAlignment import RigidAlignment, alignRigidly
from ..Core.Inputs.VolumeFiles import fileChecksum
from ..Core.Results import FileNames
from ..Core.Results.MeasurementsFile import versions, writeMeasurements
from ..Core.Results.Output import outputFolder
from ..Core.Results.RunFolder import RunFolder, readRunFolder
from ..Report.FollowUpSection import changeSection, sideBySideSection
from ..Report.IdentificationSection import readable
from ..Report.InputsSection import inputsSection
from ..Report.Page import page, table
from ..Report.Pdf import checkPdfRenderer, writePdf
from .Arguments import addOutput, addPdf
from .DicomInput import addIdentity
from .Terminal import StepProgress, warn


def addParser(subparsers: argparse._SubParsersAction) -> None:
    """Add the subcommand."""
    parser = subparsers.add_parser("compare", help="change of the tumor between two runs of one patient")
    parser.add_argument("first", metavar="RUN1", help="result folder of the earlier run")
    parser.add_argument("second", metavar="RUN2", help="result folder of the later run")
    addIdentity(parser)
    addOutput(parser, "DIR", "folder for report.html, comparison.json and first_to_second.h5")
    addPdf(parser)
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> None:
    """Align the two time points, measure the change and write the folder."""
    folders = (Path(arguments.first), Path(arguments.second))
    if arguments.pdf:
        checkPdfRenderer()
    with outputFolder(arguments.output, arguments.force, folders) as output, StepProgress() as progress:
        progress.step("Load")
        runs = tuple(readRunFolder(folder) for folder in folders)
        warnings = _identityWarnings(runs, arguments.accept_identity)
        centers = [largestLesionCenter(run.tumor) for run in runs]
        alignment = alignRigidly(
            runs[0].mri, runs[1].mri, runs[0].tumor, runs[1].tumor, centers[0], progress.step("Align")
        )
        followUp = compareTumors(runs[0].tumor, runs[1].tumor, alignment, progress.step("Compare"))
        progress.step("Write")
        warnings += [*_modelWarnings(runs), *alignment.warnings, *followUp.warnings]
        document = _document(runs, folders, followUp, alignment, warnings)
        writeMeasurements(output / FileNames.COMPARISON, document)
        sitk.WriteTransform(alignment.transform, str(output / FileNames.FOLLOW_UP_TRANSFORM))
        html = _reportPage(runs, document, followUp, alignment, centers)
        (output / FileNames.REPORT).write_text(html, encoding="utf-8")
        if arguments.pdf:
            writePdf(output / FileNames.PDF_REPORT, html)
    warn(warnings)
    for change in followUp.changes[:2]:
        print(
            f"{change.name.replace('_', ' ').capitalize()}: {change.before:.1f} to {change.after:.1f} {change.unit} "
            f"({change.percent:+.0f} %, change uncertain by {change.uncertainty:.1f} {change.unit})"
        )
    print(f"Report: {Path(arguments.output) / FileNames.REPORT}")


def _identityWarnings(runs: tuple[RunFolder, RunFolder], isAccepted: bool) -> list[str]:
    from ..Core.Dicom.Inspection import differingFields

    first, second = (run.identity for run in runs)
    conflicts = [
        f"The {title} differs: {a} in {runs[0].name}, {b} in {runs[1].name}."
        for title, a, b in differingFields(first, second)
    ]
    if conflicts and not isAccepted:
        raise ValueError(f"{' '.join(conflicts)} If it is one patient all the same, add --accept-identity.")
    days = _daysBetween(runs)
    if days is not None and days < 0:
        conflicts.append(
            f"{runs[1].name} was made {-days} days before {runs[0].name}; the change runs backward in time."
        )
    return conflicts


def _daysBetween(runs: tuple[RunFolder, RunFolder]) -> int | None:
    first, second = (run.studyDate for run in runs)
    return None if first is None or second is None else (second - first).days


def _modelWarnings(runs: tuple[RunFolder, RunFolder]) -> list[str]:
    """Return a warning for each run whose registration may have changed the size of the tumor."""
    warnings = []
    for run in runs:
        registration = run.document.get("registration")
        model = registration.get("model", "rigid") if isinstance(registration, dict) else "rigid"
        if model != "rigid":
            warnings.append(
                f"{run.name} was registered with the {model} model, which can change the tumor's size itself."
            )
    return warnings


def _document(
    runs: tuple[RunFolder, RunFolder],
    folders: tuple[Path, Path],
    followUp: FollowUp,
    alignment: RigidAlignment,
    warnings: list[str],
) -> dict[str, object]:
    inputs = {
        f"{role} {name}": {"file": f"{run.name}/{name}", "sha256": fileChecksum(folder / name)}
        for role, run, folder in zip(("first", "second"), runs, folders, strict=True)
        for name in FileNames.COMPARED_FILES
    }
    identity = {role: run.identity for role, run in zip(("first", "second"), runs, strict=True) if run.identity}
    return {
        "created": datetime.now().strftime("%Y-%m-%d %H:%M"),
        "change": followUp.measurements(),
        "days": _daysBetween(runs),
        "alignment": {"error_mm": alignment.errorMm, "similarity": alignment.similarity},
        "warnings": warnings,
        "versions": versions(),
        "inputs": inputs,
    } | ({"dicom": identity} if identity else {})


def _reportPage(
    runs: tuple[RunFolder, RunFolder],
    document: dict,
    followUp: FollowUp,
    alignment: RigidAlignment,
    centers: list[np.ndarray],
) -> str:
    names = {"patient_name": "Patient", "patient_id": "Patient ID", "birth_date": "Birth date", "study_date": "Study"}
    rows = [
        (title, *(readable(key, run.identity.get(key, "")) or "not named" for run in runs))
        for key, title in names.items()
        if any(key in run.identity for run in runs)
    ]
    rows += [("Run", *(run.name for run in runs)), ("Report made", document["created"], "")]
    sections = [
        changeSection(followUp, document["days"]),
        sideBySideSection((runs[0].mri, runs[1].mri), (runs[0].tumor, runs[1].tumor), alignment, centers),
        inputsSection(
            document["inputs"],
            {},
            document["versions"],
        ),
    ]
    subtitle = f"{runs[0].name} and {runs[1].name}"
    identification = table(("Identification", "First", "Second"), rows)
    patient = [readable(key, runs[0].identity.get(key, "")) for key in ("patient_name", "patient_id", "birth_date")]
    foot = " · ".join(filter(None, patient))
    return page("MedFusion follow-up report", subtitle, document["warnings"], sections, identification, foot)
