"""Output that is written whole or not at all, and never over an input."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def outputFolder(path: str | Path, force: bool, inputs: Sequence[str | Path] = ()) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` when the block ends without an exception.

    :raises ValueError: when `path` exists and force is not given, holds an input, or cannot be written.
    """
    path = Path(path)
    _checkReplaceable(path, force, inputs)
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file; choose a folder for the output.")
    with _partialFolder(path) as partial:
        os.chmod(partial, 0o777 & ~_umask())
        yield partial
        if path.exists():
            old = Path(tempfile.mkdtemp(prefix=f".{path.name}.old-", dir=path.parent))
            path.rename(old / path.name)
            partial.rename(path)
            shutil.rmtree(old)
        else:
            partial.rename(path)


@contextmanager
def outputFile(path: str | Path, force: bool, inputs: Sequence[str | Path] = ()) -> Iterator[Path]:
    """Yield the path of a temporary file that becomes `path` when the block ends without an exception."""
    path = Path(path)
    _checkReplaceable(path, force, inputs)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the name of the file to write.")
    # The temporary file lives in a folder of its own because writers choose the format by the whole file name.
    with _partialFolder(path) as partial:
        yield partial / path.name
        os.replace(partial / path.name, path)


@contextmanager
def _partialFolder(path: Path) -> Iterator[Path]:
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = Path(tempfile.mkdtemp(prefix=f".{path.name}.partial-", dir=path.parent))
    except OSError as error:
        _removeEmpty(missing)
        raise ValueError(f"{path} cannot be written ({error.strerror}); choose another output.") from error
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        _removeEmpty(missing)


def _removeEmpty(folders: Sequence[Path]) -> None:
    """Remove folders from the deepest on, up to the first that holds something."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _checkReplaceable(path: Path, force: bool, inputs: Sequence[str | Path]) -> None:
    resolved = path.resolve()
    for source in map(Path, inputs):
        if source.resolve() == resolved or resolved in source.resolve().parents:
            raise ValueError(f"The output {path} would replace the input {source}; choose another output.")
    if path.exists() and not force:
        raise ValueError(f"{path} exists already; choose another output or add --force to replace it.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
