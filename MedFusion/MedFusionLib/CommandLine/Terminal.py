"""What the command line shows while it works: a bar per step on a terminal, lines otherwise."""

import sys
import time


class StepProgress:
    """Show the progress of named steps on standard error. Call it as Core's progress function."""

    isQuiet = False  # set by --quiet for the whole process

    def __init__(self) -> None:
        self._isTerminal = sys.stderr.isatty() and not self.isQuiet
        self._step = ""
        self._start = time.monotonic()

    def step(self, name: str) -> "StepProgress":
        """Begin a step and return this object, to be handed on as a progress function."""
        self._finish()
        self._step, self._start = name, time.monotonic()
        if not self._isTerminal and not self.isQuiet:
            print(f"{name} ...", file=sys.stderr, flush=True)
        return self

    def __call__(self, fraction: float, message: str) -> None:
        if self._isTerminal:
            filled = int(round(24 * fraction))
            bar = "#" * filled + "." * (24 - filled)
            line = f"\r{self._step:<18.18} [{bar}] {100 * fraction:3.0f}% {message:<32.32}"
            print(line, end="", file=sys.stderr, flush=True)

    def _finish(self) -> None:
        if not self._step:
            return
        seconds = time.monotonic() - self._start
        if self._isTerminal:
            print(f"\r{self._step:<18.18} [{'#' * 24}] done in {seconds:.1f} s{' ' * 30}", file=sys.stderr, flush=True)
        elif not self.isQuiet:
            print(f"{self._step} done in {seconds:.1f} s", file=sys.stderr, flush=True)
        self._step = ""

    def __enter__(self) -> "StepProgress":
        return self

    def __exit__(self, exceptionType: object, *_rest: object) -> None:
        if exceptionType is None:
            self._finish()
        elif self._isTerminal and self._step:
            print(file=sys.stderr)


def warn(sentences: tuple[str, ...] | list[str]) -> None:
    """Print warnings on standard error, one line each."""
    for sentence in sentences:
        print(f"Warning: {sentence}", file=sys.stderr, flush=True)
