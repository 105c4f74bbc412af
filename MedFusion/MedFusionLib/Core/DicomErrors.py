"""The exceptions by which pydicom and ITK answer a damaged file."""

import struct

# pydicom converts values when they are first read, so a damaged header can fail anywhere with any of these.
DAMAGED = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    NotImplementedError,
    OverflowError,
    EOFError,
    AssertionError,
    RuntimeError,
    MemoryError,
    struct.error,
)
