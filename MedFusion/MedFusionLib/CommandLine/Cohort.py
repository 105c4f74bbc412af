"""medfusion cohort: every patient of a table or a BIDS folder, and one page to find the doubtful ones."""

import argparse
import tomllib
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from pathlib import Path

from ..Cohort.BidsFolder import BidsSession, findSessions, isBidsFolder
from ..Cohort.Cohort import Cohort, openCohort, runCohort, states
from ..Cohort.CohortTable import PARTICIPANT, SESSION, TableRow, inputPath, optionArguments, readTable
from ..Cohort.Engine import Place, Scheduler
from ..Cohort.Plan import LOGS
from ..Cohort.Review import REVIEW, Mark, readReview
from ..Cohort.SubjectRun import Ending, Task
from ..Cohort.Subjects import RowFault, Subject, label
from ..Core.Inputs.Memory import bytesNeeded
from .Arguments import joinNegativeCoordinates, recordedOptions
from .CohortProgress import CohortProgress
from .FurtherMris import furtherPaths
from .Terminal import warn

SOME_FAILED = 3
_TIME_LIMIT_MINUTES = 120.0
_BYTES_OF_A_DICOM_RUN = 3_000_000_000  # a folder has no one header that tells
_INPUT_COLUMNS = (PARTICIPANT, SESSION, "ct", "mri", "more_mri")
_INPUT_OPTIONS = ("ct_landmarks", "mri_landmarks", "foreground", "background")
_CONFIG_COHORT = ("workers", "time_limit_minutes")


class _RowParser(argparse.ArgumentParser):
    """Parse the options of one row; what is wrong with them is a ValueError, not the end of the program."""

    def error(self, message: str) -> None:
        raise ValueError(message)


def addArguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand."""
    parser.add_argument(
        "input",
        metavar="TABLE.tsv|BIDS_DIR",
        help="table with the columns participant_id, session, ct, mri, more_mri, ct_landmarks, mri_landmarks and any "
        "option of medfusion run, paths relative to it; or a BIDS folder",
    )
    parser.add_argument("output", metavar="OUT", help="folder for the results, or that of a cohort to continue")
    parser.add_argument("--participant-label", nargs="+", default=[], metavar="LABEL", help="run only these")
    parser.add_argument(
        "--only", choices=[mark.value for mark in Mark], help="run only those marked for it in review.tsv"
    )
    place = parser.add_mutually_exclusive_group()
    place.add_argument(
        "--scheduler", metavar="ADDRESS", help="address of a running Dask scheduler, such as tcp://host:8786"
    )
    for scheduler in Scheduler:
        place.add_argument(
            f"--{scheduler.name}",
            metavar="OPTIONS",
            help=f"run as jobs of {scheduler.name.upper()}; options as dask-jobqueue names them, such as queue=short",
        )
    parser.add_argument("--workers", type=_count, metavar="N", help="subjects at once (one for each core)")
    parser.add_argument("--retry-failed", action="store_true", help="retry what failed before")
    parser.add_argument("--no-scene", action="store_true", help="write no scene.mrb, which is the largest file")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done without doing it")
    parser.add_argument("--config", metavar="FILE.toml", help="options for all, in its tables [run] and [cohort]")
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> int:
    """Run the cohort and return the exit status."""
    config = _readConfig(arguments.config)
    settings = config.get("cohort", {})
    common = _configValues(config.get("run", {})) | ({"no_scene": "true"} if arguments.no_scene else {})
    subjects, faults = _subjects(Path(arguments.input), common, _runParser())
    timeLimit = 60.0 * float(settings.get("time_limit_minutes", _TIME_LIMIT_MINUTES))
    output = Path(arguments.output).resolve()
    chosen = _chosen(subjects, faults, arguments, output)
    tasks = tuple(_task(subject, output, timeLimit, arguments.retry_failed) for subject in chosen)
    warn([f"{fault.place}: {fault.sentence}" for fault in faults])
    if arguments.dry_run:
        for name, state in states(tasks).items():
            print(f"{name}: {state.value}")
        return SOME_FAILED if faults else 0
    place = _place(arguments, settings)
    cohort = Cohort(output, subjects, tasks, faults)
    with ExitStack() as stack:
        stack.enter_context(openCohort(output))
        progress = stack.enter_context(CohortProgress(len(tasks)))
        outcomes = runCohort(cohort, place, progress.started, progress.ended, timeLimit, arguments.retry_failed)
    failed = [outcome for outcome in outcomes if outcome.ending is Ending.failed]
    done = sum(outcome.ending is Ending.done for outcome in outcomes)
    print(f"{done} done, {len(outcomes) - done - len(failed)} unchanged, {len(failed) + len(faults)} failed.")
    print(f"Page: {Path(arguments.output) / 'index.html'}")
    return SOME_FAILED if failed or faults else 0


def _count(text: str) -> int:
    try:
        value = int(text)
    except ValueError:
        value = 0
    if value < 1:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of workers, such as 2")
    return value


def _runParser() -> _RowParser:
    from . import Run

    parser = _RowParser(prog="medfusion", add_help=False)
    Run.addArguments(parser.add_subparsers(dest="command").add_parser("run"))
    return parser


def _readConfig(path: str | None) -> dict[str, dict]:
    if path is None:
        return {}
    try:
        config = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ValueError(f"{path} could not be read as TOML ({error}).") from error
    unknown = [name for name in config if name not in ("run", "cohort") or not isinstance(config[name], dict)]
    unknown += [f"cohort.{name}" for name in config.get("cohort", {}) if name not in _CONFIG_COHORT]
    if unknown:
        raise ValueError(
            f"{path} sets {', '.join(unknown)}, which is not known; options of run go into [run], and into [cohort] go "
            f"{' and '.join(_CONFIG_COHORT)}."
        )
    limits = config.get("cohort", {})
    wrong = [
        f"{name} = {value!r}" for name, value in limits.items() if not isinstance(value, int | float) or value <= 0
    ]
    if wrong:
        raise ValueError(f"{path} sets {', '.join(wrong)}; a number above 0 is needed.")
    return config


def _configValues(options: dict[str, object]) -> dict[str, str]:
    """Return options of a TOML file as the cells of a table."""

    def cell(value: object) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        return ";".join(map(str, value)) if isinstance(value, list) else str(value)

    return {name.replace("-", "_"): cell(value) for name, value in options.items()}


def _subjects(
    path: Path, common: dict[str, str], parser: _RowParser
) -> tuple[tuple[Subject, ...], tuple[RowFault, ...]]:
    """Return who can be run, and what is wrong with the others."""
    subjects: dict[str, Subject] = {}
    faults: list[RowFault] = []
    if isBidsFolder(path):
        sessions, missing = findSessions(path)
        faults += [RowFault(name, name, sentence) for name, sentence in missing.items()]
        rows = [(f"sub-{s.participant}", _bidsRow(number, s), Path()) for number, s in enumerate(sessions, 1)]
    elif path.is_file():
        rows = [(f"line {row.line}", row, path.parent) for row in readTable(path)]
    else:
        raise ValueError(f"{path} is neither a table nor a BIDS folder with sub-* in it.")
    for where, row, folder in rows:
        name = row.values.get(PARTICIPANT, "")
        try:
            subject = _subject(common | row.values, folder, parser)
            if subject.name in subjects:
                raise ValueError(f"{subject.name} stands in the table twice; give each session a label of its own.")
            subjects[subject.name] = subject
        except ValueError as error:
            faults.append(RowFault(where, name, str(error)))
    return tuple(subjects[name] for name in sorted(subjects)), tuple(faults)


def _bidsRow(number: int, session: BidsSession) -> TableRow:
    values = {
        PARTICIPANT: session.participant,
        SESSION: session.session,
        "ct": str(session.ct),
        "mri": str(session.mris[0]),
        "more_mri": ";".join(map(str, session.mris[1:])),
    }
    if session.landmarks is None:
        values["auto"] = "true"
    else:
        values |= dict(zip(("ct_landmarks", "mri_landmarks"), map(str, session.landmarks), strict=True))
    return TableRow(number, {name: value for name, value in values.items() if value})


def _subject(values: dict[str, str], folder: Path, parser: _RowParser) -> Subject:
    missing = [name for name in (PARTICIPANT, "ct", "mri") if not values.get(name)]
    if missing:
        raise ValueError(f"The row has no {' and no '.join(missing)}; every session needs all three.")
    participant = label(values[PARTICIPANT], "sub-")
    session = label(values[SESSION], "ses-") if SESSION in values else ""
    volumes = [inputPath(values[role], folder) for role in ("ct", "mri")]
    volumes += [inputPath(text.strip(), folder) for text in values.get("more_mri", "").split(";") if text.strip()]
    inputs = [inputPath(values[name], folder) for name in _INPUT_OPTIONS if name in values]
    options = optionArguments({k: v for k, v in values.items() if k not in _INPUT_COLUMNS}, folder)
    command = tuple(str(path.resolve()) for path in volumes) + tuple(options)
    parsed = _parse(command, parser)
    if not parsed.auto and not (parsed.ct_landmarks and parsed.mri_landmarks):
        raise ValueError("The row has neither ct_landmarks and mri_landmarks nor auto; say how to register.")
    return Subject(participant, session, command, tuple(path.resolve() for path in (*volumes, *inputs)))


def _parse(command: Sequence[str], parser: _RowParser) -> argparse.Namespace:
    return parser.parse_args(joinNegativeCoordinates(["run", *command, "--output", "-"]))


def _chosen(
    subjects: Iterable[Subject], faults: Sequence[RowFault], arguments: argparse.Namespace, output: Path
) -> list[Subject]:
    """Return the subjects that the user wants to run now."""
    wanted = {label(text, "sub-") for text in arguments.participant_label}
    known = {subject.participant for subject in subjects} | {fault.subject.removeprefix("sub-") for fault in faults}
    unknown = sorted(wanted - known)
    if unknown:
        raise ValueError(f"There is no participant {', '.join(unknown)} in {arguments.input}.")
    chosen = [subject for subject in subjects if not wanted or subject.participant in wanted]
    if arguments.only is None:
        return chosen
    marks = readReview(output / REVIEW)
    return [subject for subject in chosen if marks.get(subject.name) is Mark(arguments.only)]


def _task(subject: Subject, output: Path, timeLimit: float, retryFailed: bool) -> Task:
    parsed = _parse(subject.arguments, _runParser())
    roles = ("ct", "mri", "ct_landmarks", "mri_landmarks")
    paths = {role: Path(getattr(parsed, role)).resolve() for role in roles if getattr(parsed, role)}
    paths |= {role: Path(path).resolve() for role, path in furtherPaths(parsed).items()}
    return Task(
        name=subject.name,
        command=("run", *subject.arguments),
        paths=paths,
        options=recordedOptions(parsed),
        output=output / subject.folder,
        log=output / LOGS / f"{subject.name}.log",
        bytes=bytesNeeded((paths["ct"], paths["mri"])) or _BYTES_OF_A_DICOM_RUN,
        timeLimit=timeLimit,
        retryFailed=retryFailed,
    )


def _place(arguments: argparse.Namespace, settings: dict[str, object]) -> Place:
    workers = arguments.workers or (int(settings["workers"]) if "workers" in settings else None)
    queue = next((scheduler for scheduler in Scheduler if getattr(arguments, scheduler.name)), None)
    if queue is None:
        return Place(workers, arguments.scheduler)
    pairs = [part.partition("=") for part in getattr(arguments, queue.name).split(",") if part]
    if not all(separator and name for name, separator, _ in pairs):
        raise ValueError(f"--{queue.name} takes options such as queue=short,walltime=02:00:00.")
    return Place(workers, None, queue, tuple((name, value) for name, _, value in pairs))
