"""Progress and cancellation, the same for every long computation."""

from collections.abc import Callable

Progress = Callable[[float, str], object]


class Canceled(Exception):
    """Raised inside Core when the caller's progress function returned False."""

    def __init__(self, message: str = "Canceled; nothing was changed."):
        super().__init__(message)


def report(progress: Progress | None, fraction: float, message: str) -> None:
    """Tell the caller how far the work is and raise Canceled if the caller asks to stop.

    :param progress: called as progress(fraction, message); only the return value False stops, None goes on.
    :param fraction: 0 to 1.
    """
    if progress is not None and progress(min(max(float(fraction), 0.0), 1.0), message) is False:
        raise Canceled


def subProgress(progress: Progress | None, start: float, stop: float) -> Progress | None:
    """Return a progress function that maps 0..1 of one step onto start..stop of the whole."""
    if progress is None:
        return None
    return lambda fraction, message: progress(start + (stop - start) * fraction, message)
