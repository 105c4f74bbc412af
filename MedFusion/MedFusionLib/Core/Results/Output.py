"""Output that is written whole or not at all, never over an input, and never over what somebody else made."""

import glob
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import permutations
from pathlib import Path

from .OwnFolder import checkOwnFolder

if sys.platform != "win32":
    import fcntl


@contextmanager
def outputFolder(path: str | Path, force: bool, inputs: Sequence[str | Path] = ()) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` when the block ends without an exception.

    :raises ValueError: when `path` exists and force is not given (also if it came to exist during the block), would
        touch an input, or cannot be written.
    """
    path = _named(path)
    _putBack(path)
    force = force or _isEmptyFolder(path)  # nothing in it could be lost
    _checkReplaceable(path, force, inputs)
    if path.exists() and not path.is_dir():
        raise ValueError(f"{path} is a file; choose a folder for the output.")
    checkOwnFolder(path)
    with _partialFolder(path) as partial:
        os.chmod(partial, 0o777 & ~_umask())
        yield partial
        checkStillFree(force, path)
        if os.path.lexists(path):
            checkOwnFolder(path)
            _exchange(path, partial)
        else:
            partial.rename(path)


def _isEmptyFolder(path: Path) -> bool:
    return path.is_dir() and not path.is_symlink() and not any(path.iterdir())


def _exchange(path: Path, partial: Path) -> None:
    """Put a new folder in the place of the old one; whatever happens in between, one of them is there."""
    old, lock = _lockedFolder(path, _oldPrefix(path))
    try:
        path.rename(old / path.name)
        partial.rename(path)
    finally:
        if not os.path.lexists(path):
            (old / path.name).rename(path)
        shutil.rmtree(old, ignore_errors=True)
        if lock is not None:
            os.close(lock)


@contextmanager
def outputFile(path: str | Path, force: bool, inputs: Sequence[str | Path] = ()) -> Iterator[Path]:
    """Yield the path of a temporary file that becomes `path` when the block ends without an exception."""
    path = _named(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; give the name of the file to write.")
    _checkReplaceable(path, force, inputs)
    # The temporary file lives in a folder of its own because writers choose the format by the whole file name.
    with _partialFolder(path) as partial:
        yield partial / path.name
        checkStillFree(force, path)
        os.replace(partial / path.name, path)


def checkApart(*outputs: str | Path) -> None:
    """Raise ValueError where one output is, or lies inside, another: the one written last would replace it."""
    for outer, inner in permutations(outputs, 2):
        resolved = Path(inner).resolve()
        if Path(outer).resolve() in (resolved, *resolved.parents):
            raise ValueError(f"The output {inner} lies inside the output {outer}; choose one beside it.")


def checkStillFree(force: bool, *outputs: str | Path) -> None:
    """Raise ValueError if an output came to exist during the work and force is not given."""
    for path in outputs:
        if os.path.lexists(path) and not force:
            raise ValueError(
                f"{path} was created by something else in the meantime and left alone; nothing was written. "
                "Choose another output."
            )


def _named(path: str | Path) -> Path:
    """Return the path so that it ends with a name, which "." and ".." are not."""
    path = Path(path)
    return path.resolve() if path.name in ("", "..") else path


@contextmanager
def _partialFolder(path: Path) -> Iterator[Path]:
    missing = [parent for parent in path.parents if not parent.exists()]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _removeLeftovers(path)
        partial, lock = _lockedFolder(path, _partialPrefix(path))
    except OSError as error:
        _removeEmpty(missing)
        raise ValueError(f"{path} cannot be written ({error.strerror}); choose another output.") from error
    try:
        yield partial
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        if lock is not None:
            os.close(lock)
        _removeEmpty(missing)


def _partialPrefix(path: Path) -> str:
    return f".{path.name}.partial-"


def _oldPrefix(path: Path) -> str:
    return f".{path.name}.old-"


def _putBack(path: Path) -> None:
    """Put back the result that a run killed in the exchange left under a hidden name, or remove it beside a new one."""
    for hidden in path.parent.glob(f"{glob.escape(_oldPrefix(path))}*"):
        with suppress(OSError):
            lock = _lock(hidden)
            if lock is None and sys.platform != "win32":
                continue  # that run is in the middle of it
            if (hidden / path.name).exists() and not os.path.lexists(path):
                (hidden / path.name).rename(path)
            shutil.rmtree(hidden, ignore_errors=True)
            if lock is not None:
                os.close(lock)


def _lockedFolder(path: Path, prefix: str) -> tuple[Path, int | None]:
    """Return a new temporary folder beside a path, and the lock that says that its process is still running."""
    while True:
        partial = Path(tempfile.mkdtemp(prefix=prefix, dir=path.parent))
        try:
            lock = _lock(partial)
        except FileNotFoundError:
            continue
        # Another run may have taken it for a leftover before it was locked.
        if partial.exists():
            return partial, lock
        if lock is not None:
            os.close(lock)


def _removeLeftovers(path: Path) -> None:
    """Remove what killed runs to the same output left: it holds patient data, and nobody sees it."""
    if sys.platform == "win32":
        return
    for leftover in path.parent.glob(f"{glob.escape(_partialPrefix(path))}*"):
        with suppress(OSError):
            lock = _lock(leftover)
            if lock is not None:
                shutil.rmtree(leftover, ignore_errors=True)
                os.close(lock)


def _lock(folder: Path) -> int | None:
    """Return a file descriptor that holds the folder's lock until it is closed or the process ends, None if taken.

    None, too, where the system or the file system has no such locks: then nothing is taken for a leftover.
    """
    if sys.platform == "win32":
        return None
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        return None
    return descriptor


@contextmanager
def folderLock(folder: Path, sentence: str) -> Iterator[None]:
    """Hold an existing folder for this process while the block runs, where the system has locks (not on Windows).

    :raises ValueError: with the sentence, if another process holds it.
    """
    lock = _lock(folder)
    if lock is None and sys.platform != "win32":
        raise ValueError(sentence)
    try:
        yield
    finally:
        if lock is not None:
            os.close(lock)


def _removeEmpty(folders: Sequence[Path]) -> None:
    """Remove folders from the deepest on, up to the first that holds something."""
    with suppress(OSError):
        for folder in folders:
            folder.rmdir()


def _checkReplaceable(path: Path, force: bool, inputs: Sequence[str | Path]) -> None:
    resolved = path.resolve()
    for source in map(Path, inputs):
        given = source.resolve()
        if given == resolved or resolved in given.parents:
            raise ValueError(f"The output {path} would replace the input {source}; choose another output.")
        if given in resolved.parents and given.is_dir():
            raise ValueError(f"The output {path} lies inside the input {source}; choose one beside it.")
    if os.path.ismount(path) or resolved in (Path.cwd(), *Path.cwd().parents):
        raise ValueError(f"{path} is in use as a folder to work in and cannot be replaced; choose a new folder in it.")
    if os.path.lexists(path) and not force:
        raise ValueError(f"{path} exists already; choose another output or add --force to replace it.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
