"""The exceptions by which pydicom and ITK answer a damaged file."""

import struct


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
