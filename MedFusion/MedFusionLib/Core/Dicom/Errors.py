"""How pydicom and ITK answer a damaged file: exceptions of many kinds, and warnings on the console."""

import struct
import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def withoutLibraryWarnings() -> Iterator[None]:
    """Keep pydicom and highdicom from writing on the console what a header does not do by the book."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        yield


def damage() -> tuple[type[Exception], ...]:
    """Return what to catch around anything read from a DICOM file.

    pydicom converts values when they are first used, so a damaged header can fail anywhere with any of these.
    """
    from pydicom.errors import BytesLengthException, InvalidDicomError

    return (
        BytesLengthException,
        InvalidDicomError,
        OSError,
        ValueError,
        TypeError,
        KeyError,
        IndexError,
        AttributeError,
        OverflowError,
        EOFError,
        AssertionError,
        RuntimeError,  # and its subclasses NotImplementedError and RecursionError
        MemoryError,
        struct.error,
    )
