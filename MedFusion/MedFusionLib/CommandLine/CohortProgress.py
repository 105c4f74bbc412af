"""What the command line shows while a cohort runs."""

import sys
import time

from ..Cohort.SubjectRun import Ending, Outcome, Task

_SHOWN = 4


class CohortProgress:
    """Show how far a cohort is, how long it will take, and who is being run."""

    def __init__(self, total: int) -> None:
        self._total = total
        self._start = time.monotonic()
        self._running: dict[str, None] = {}
        self._ended = dict.fromkeys(Ending, 0)

    def started(self, task: Task) -> None:
        """Take a subject for running."""
        self._running[task.name] = None

    def ended(self, outcome: Outcome) -> None:
        """Say how a subject ended."""
        self._running.pop(outcome.name, None)
        self._ended[outcome.ending] += 1
        count = sum(self._ended.values())
        reason = f" ({outcome.sentence})" if outcome.sentence else ""
        words = [f"[{count}/{max(self._total, count)}] {outcome.name}: {outcome.ending.value}{reason}"]
        worked = self._ended[Ending.done] + self._ended[Ending.failed]
        left = self._total - count
        if worked and left > 0:
            words.append(f"about {_duration((time.monotonic() - self._start) / worked * left)} left")
        if self._running:
            names = list(self._running)[:_SHOWN]
            words.append(f"next: {', '.join(names)}")
        print("; ".join(words), file=sys.stderr, flush=True)

    def __enter__(self) -> "CohortProgress":
        print(f"{self._total} subjects", file=sys.stderr, flush=True)
        return self

    def __exit__(self, *_exception: object) -> None:
        print(f"{_duration(time.monotonic() - self._start)} in all", file=sys.stderr, flush=True)


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
