"""Options that every command has: how much it says, and how many threads it takes."""

import argparse
import logging

from ..Core.Results.Version import VERSION
from .Terminal import StepProgress


def addVersion(parser: argparse.ArgumentParser) -> None:
    """Add --version."""
    parser.add_argument("--version", action="version", version=f"medfusion {VERSION}")


def addCommon(parser: argparse.ArgumentParser) -> None:
    """Add --quiet, --verbose and --threads to every subcommand of a parser that has none below it."""
    below = [action for action in parser._actions if isinstance(action, argparse._SubParsersAction)]
    for action in below:
        for child in dict.fromkeys(action.choices.values()):
            addCommon(child)
    if below:
        return
    group = parser.add_argument_group("how it works")
    loudness = group.add_mutually_exclusive_group()
    loudness.add_argument("--quiet", action="store_true", help="show no progress; warnings and errors are still shown")
    loudness.add_argument("--verbose", action="store_true", help="show what the libraries log, too")
    group.add_argument("--threads", type=_count, metavar="N", help="how many processors to use at once")


def applyCommon(arguments: argparse.Namespace) -> None:
    """Let the options that every command has take effect in this process."""
    StepProgress.isQuiet = arguments.quiet
    logging.getLogger().setLevel(logging.DEBUG if arguments.verbose else logging.WARNING)
    import SimpleITK as sitk

    if not arguments.verbose:
        sitk.ProcessObject.GlobalWarningDisplayOff()  # it writes past logging, of headers that are judged here
    if arguments.threads is not None:
        import vtk

        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(arguments.threads)
        vtk.vtkMultiThreader.SetGlobalDefaultNumberOfThreads(arguments.threads)
        vtk.vtkMultiThreader.SetGlobalMaximumNumberOfThreads(arguments.threads)
        vtk.vtkSMPTools.Initialize(arguments.threads)


def addJson(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument(
        "--json", action="store_true", help="print the measurements document instead of a summary; progress as before"
    )


def _count(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 1024:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of threads, such as 4")
    return int(text)
