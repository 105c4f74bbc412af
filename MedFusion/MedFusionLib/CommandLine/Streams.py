"""Standard output and error that may be full or closed: what a command wrote into files is finished all the same."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TextIO


class LenientStream:
    """A text stream whose failures are remembered instead of raised."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self.hasFailed = False

    def write(self, text: str) -> int:
        """Write and flush, for a failure must not wait until the program has ended."""
        with self._noticed():
            self._stream.write(text)
            self._stream.flush()
        return len(text)

    def flush(self) -> None:
        """Flush the stream."""
        with self._noticed():
            self._stream.flush()

    def __getattr__(self, name: str) -> object:
        return getattr(self._stream, name)

    @contextmanager
    def _noticed(self) -> Iterator[None]:
        try:
            yield
        except OSError:
            self.hasFailed = True
            # What is left in the stream is written when Python ends, which would fail once more.
            with suppress(OSError, ValueError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, self._stream.fileno())
                os.close(nowhere)


@contextmanager
def lenientStreams() -> Iterator[LenientStream]:
    """Let standard output and error fail in silence, and yield the former, which knows whether it did."""
    output, errors = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = LenientStream(output), LenientStream(errors)
    try:
        yield sys.stdout
    finally:
        sys.stdout, sys.stderr = output, errors
