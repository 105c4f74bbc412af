"""The command line: medfusion, or python -m MedFusionLib."""

import argparse
import importlib
import logging
import signal
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .CommandLine.Streams import LenientStream

_EPILOG = """Points are RAS millimeters, as Slicer's status bar shows them, unless --lps is given.

An example, without data of your own:
  medfusion demo --output demo
and with it:
  medfusion run ct.nrrd mri.nrrd --auto --tumor-seed 12.5,-30,48 --output results
medfusion COMMAND --help tells the rest."""

# Each is a file of the command line by its name.
_COMMANDS = {
    "run": "register, fuse, outline the tumor, measure and report",
    "register": "bring the MRI to the CT by landmarks",
    "fuse": "fuse a CT with a registered MRI on any grid",
    "segment": "outline and measure the tumor in a volume",
    "measure": "volumes, diameters and intensities of any outline",
    "evaluate": "hold a result against its sources or the truth",
    "compare": "change of the tumor between two runs of one patient",
    "cohort": "run many patients of a table or a BIDS folder",
    "web": "the same steps in a browser, on this machine only",
    "inspect": "say what is in a DICOM folder or a volume file",
    "demo": "run everything on a synthetic head and compare with the truth",
}


def main(argv: list[str] | None = None) -> int:
    """Run a subcommand and return its exit status.

    0 is right, 1 a failed step, 2 input that cannot be used, 3 that some subjects of a cohort failed, 130 interrupted.
    """
    from .CommandLine.Streams import lenientStreams

    with lenientStreams() as output:
        logging.basicConfig(level=logging.WARNING, format="%(message)s")
        return _main(sys.argv[1:] if argv is None else argv, output)


def _main(argv: list[str], output: "LenientStream") -> int:
    """Return the exit status of a subcommand, after a sentence where it is not 0."""
    try:
        if hasattr(signal, "SIGTERM"):
            signal.signal(signal.SIGTERM, _interrupt)
        return _execute(argv, output)
    except KeyboardInterrupt:
        print("medfusion: interrupted; nothing was written.", file=sys.stderr)
        return 130
    except ValueError as error:
        print(f"medfusion: {error}", file=sys.stderr)
        return 2
    except OSError as error:
        print(f"medfusion: {error.filename or 'a file'}: {error.strerror or error}.", file=sys.stderr)
        return 2
    except (RuntimeError, MemoryError) as error:
        print(f"medfusion: {_firstSentence(error)}", file=sys.stderr)
        return 1


def _execute(argv: list[str], output: "LenientStream") -> int:
    """Run a subcommand and return its exit status.

    The libraries are imported here, for that takes seconds in which the user may interrupt.
    """
    from .CommandLine.Common import applyCommon

    parser = _parser(argv)
    if not argv:
        parser.print_help()
        return 0
    if argv[0] in _COMMANDS:
        from .CommandLine.Arguments import joinNegativeCoordinates

        argv = joinNegativeCoordinates(argv)
    arguments = parser.parse_args(argv)
    applyCommon(arguments)
    status = arguments.execute(arguments) or 0
    if output.hasFailed and not getattr(arguments, "output", None):
        raise RuntimeError("What was found could not be printed: standard output is full or closed.")
    return status


def _parser(argv: list[str]) -> argparse.ArgumentParser:
    """Return the parser with the arguments of the command that is asked for; the others' libraries are left alone."""
    from .CommandLine.Common import addCommon, addVersion

    parser = argparse.ArgumentParser(
        prog="medfusion",
        description="CT and MRI registered by landmarks, fused by wavelets, and the tumor outlined and measured.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    addVersion(parser)
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, help in _COMMANDS.items():
        command = subparsers.add_parser(name, help=help)
        if name in argv[:1]:
            importlib.import_module(f".CommandLine.{name.capitalize()}", __package__).addArguments(command)
            addCommon(command)
    return parser


def _interrupt(_signal: int, _frame: object) -> None:
    raise KeyboardInterrupt


def _firstSentence(error: BaseException) -> str:
    text = str(error).strip()
    if "Exception thrown in SimpleITK" in text:
        logging.debug(text)
        return "The step could not be finished on these volumes; check their size, voxel size and values."
    return text.splitlines()[0] if text else f"{type(error).__name__}; the step could not be finished."


if __name__ == "__main__":
    sys.exit(main())
