"""medfusion web: the same steps in a browser on this machine."""

import argparse
from importlib.util import find_spec
from pathlib import Path


def addArguments(parser: argparse.ArgumentParser) -> None:
    """Add the subcommand."""
    parser.add_argument(
        "inputs", nargs="*", metavar="FOLDER | CT MRI", help="folder to work in (the current one), or the two volumes"
    )
    parser.add_argument("--port", type=int, default=0, metavar="N", help="port on this machine (any free one)")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--upload", action="store_true", help="allow the page to upload files into the folder")
    parser.add_argument(
        "--idle", type=float, default=60.0, metavar="MINUTES", help="stop after this long without a visitor (60)"
    )
    parser.set_defaults(execute=execute)


def execute(arguments: argparse.Namespace) -> None:
    """Serve the page until Ctrl-C."""
    folder, volumes = _inputs([Path(text) for text in arguments.inputs])
    if not 0 <= arguments.port < 65536:
        raise ValueError(f"There is no port {arguments.port}; ports go from 0 to 65535.")
    if find_spec("trame_slicer") is None:
        raise ValueError('The page needs trame-slicer; install it by pip install "medfusion[web]".')
    from ..Web.Server import serve

    serve(
        folder,
        volumes,
        isUploadAllowed=arguments.upload,
        port=arguments.port,
        opensBrowser=not arguments.no_browser,
        idleSeconds=round(60 * arguments.idle),
        ready=_sayAddress,
    )


def _inputs(paths: list[Path]) -> tuple[Path, tuple[str, str] | None]:
    """Return the folder to work in and the names of CT and MRI in it, if they were given."""
    for path in paths:
        if not path.exists():
            raise ValueError(f"There is no {path}.")
    if len(paths) == 2:
        parents = {path.resolve().parent for path in paths}
        if len(parents) > 1:
            raise ValueError(f"{paths[0]} and {paths[1]} lie in different folders; put both into one.")
        return parents.pop(), (paths[0].resolve().name, paths[1].resolve().name)
    if len(paths) > 2 or (paths and not paths[0].is_dir()):
        raise ValueError("Give one folder, or a CT and an MRI.")
    return paths[0] if paths else Path.cwd(), None


def _sayAddress(address: str) -> None:
    print(f"MedFusion is at {address}\nCtrl-C ends it.", flush=True)
